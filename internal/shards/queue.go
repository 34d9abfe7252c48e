package shards

import (
	"time"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Kept is the error of an operation that nobody has to wait for: the device is asleep, and it is on disk until it wakes.
type Kept struct{ server.Kept }

func (*Kept) Error() string {
	return "shards: the device is asleep; the operation is kept until it wakes"
}

// Ended is an event: how a kept operation ended.
type Ended struct {
	ID      string
	Outcome *server.Outcome
}

// kept tells the one who waits that he need not.
func (k *shard) kept(v *server.Kept) {
	if p := k.waiting[v.ID]; p != nil {
		delete(k.waiting, v.ID)
		p.kept = v
		p.done <- nil
	}
}

// restoreAll gives a record to every shard: a device may come to any of them.
func (s *Shards) restoreAll(now machine.Time, table machine.Table, key, value []byte) error {
	for _, k := range s.list {
		if err := k.srv.Restore(now, table, key, value); err != nil {
			return err
		}
	}
	return nil
}

// Operation is what is known of an operation by its id: that it waits, or how it ended.
type Operation struct {
	Waits *server.QueuedRequest
	Ended *server.Outcome
	At    machine.Time // when it ended
}

// find looks for an operation. It waits where its device is, which need not be the shard that gave out the id.
func (s *Shards) find(id string, f func(k *shard, now machine.Time, op machine.OpID) bool) (ok bool, err error) {
	op, err := server.ParseOp(id)
	if err != nil {
		return false, nil
	}
	for range 2 { // the device may change its shard in between
		for _, k := range s.list {
			if err := k.do(func(now machine.Time) { ok = f(k, now, op) }); err != nil || ok {
				return ok, err
			}
		}
		if len(s.list) == 1 {
			break
		}
	}
	return false, nil
}

// Operation returns what is known of a kept operation.
func (s *Shards) Operation(id string) (o Operation, ok bool, err error) {
	ok, err = s.find(id, func(k *shard, _ machine.Time, op machine.OpID) (ok bool) {
		if q, waits := k.srv.Waiting(op); waits {
			o.Waits = &q
			return true
		}
		o.Ended, o.At, ok = k.srv.Done(op)
		return ok
	})
	return o, ok, err
}

// Cancel ends a kept operation and returns after that is on disk. ok is false where it does not wait any more.
func (s *Shards) Cancel(id string) (ok bool, err error) {
	ok, err = s.find(id, func(k *shard, now machine.Time, op machine.OpID) bool {
		_, waits := k.srv.Waiting(op)
		if waits {
			k.srv.Cancel(now, op)
		}
		return waits
	})
	return ok, s.onDisk(ok, err)
}

// onDisk waits until a change is on disk.
func (s *Shards) onDisk(changed bool, err error) error {
	if err == nil && changed {
		s.store.Flush()
		err = s.store.Failed()
	}
	return err
}

// Queue is what waits for a device, and how it listens.
type Queue struct {
	Requests []server.QueuedRequest
	Awake    bool
	Until    machine.Time
	Window   time.Duration
	Own      bool // the window is the device's own
}

// Queue returns what waits for a device.
func (s *Shards) Queue(endpoint string) (q Queue, err error) {
	k := s.of(endpoint)
	err = k.do(func(machine.Time) {
		q.Requests = k.srv.Queue(endpoint)
		q.Awake, q.Until = k.srv.Awake(endpoint)
		q.Window, q.Own = k.srv.AwakeWindow(endpoint)
	})
	return q, err
}

// CancelQueue ends all that waits for a device, and returns how much that was after it is on disk.
func (s *Shards) CancelQueue(endpoint string) (n int, err error) {
	cause, k := s.host.NextCause(), s.of(endpoint)
	err = k.do(func(now machine.Time) { n = k.srv.CancelQueue(now, cause, endpoint) })
	return n, s.onDisk(n > 0, err)
}

// SetAwakeWindow tells how long a device listens after each message; zero: as all others. It returns after that is on disk.
func (s *Shards) SetAwakeWindow(endpoint string, d time.Duration) error {
	s.window.Lock()
	defer s.window.Unlock()
	stored, cause := true, s.host.NextCause()
	err := s.all(func(k *shard, now machine.Time) {
		stored = k.srv.SetAwakeWindow(now, cause, endpoint, d) && stored
	})
	if err == nil && !stored {
		return server.ErrNotStored
	}
	return s.onDisk(true, err)
}
