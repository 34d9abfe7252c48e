package shards

import (
	"context"
	"errors"
	"strconv"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Pending is an operation under way.
type Pending struct {
	id   machine.OpID
	done chan *server.Outcome
}

// Do sends an operation to a device and waits for its one result. id names it, also where err is not nil.
func (s *Shards) Do(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error) {
	k := s.of(endpoint)
	id, out, err = k.try(ctx, endpoint, op)
	if errors.Is(err, server.ErrUnknownEndpoint) {
		// The device may have gone to another shard meanwhile.
		if now := s.of(endpoint); now != k {
			return now.try(ctx, endpoint, op)
		}
	}
	return id, out, err
}

func (k *shard) try(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error) {
	s := k.all
	if s.ending.Load() {
		return "", nil, ErrStopped
	}
	p := s.pool.Get().(*Pending)
	p.id = 0
	cause := s.host.NextCause()
	if !k.owner.Submit(func(now machine.Time) {
		if s.ending.Load() {
			p.done <- nil
			return
		}
		p.id = k.srv.Do(now, cause, endpoint, op)
		k.waiting[p.id] = p
	}) {
		s.pool.Put(p)
		return "", nil, ErrFull
	}
	select {
	case out = <-p.done:
		id = k.name(p.id)
		s.pool.Put(p)
		if out == nil {
			return id, nil, ErrStopped
		}
		return id, out, out.Err
	case <-ctx.Done():
	}
	// Who asked has gone. The operation is cancelled; its result is dropped with the channel, so p is not used again.
	k.owner.Post(func(now machine.Time) {
		if k.waiting[p.id] == p {
			k.srv.Cancel(now, p.id)
		}
	})
	return "", nil, ctx.Err()
}

// name is an operation's name outside: unique over shards and restarts.
func (k *shard) name(id machine.OpID) string {
	b := append(append(make([]byte, 0, 24), k.all.epoch...), '-')
	return string(strconv.AppendUint(b, uint64(id)<<8|uint64(k.number), 36))
}
