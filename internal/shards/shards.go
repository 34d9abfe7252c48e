// Package shards runs the server machines, each on its owner, and is the one door to them for every other goroutine.
package shards

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/host"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Errors that callers branch on.
var (
	// ErrFull says that a shard's inbox takes no more commands at the moment.
	ErrFull = errors.New("shards: too many commands wait")
	// ErrStopped says that the program ends.
	ErrStopped = errors.New("shards: stopped")
)

// inbox is how many commands may wait for a shard.
const inbox = 4096

// Store is what keeps registrations, sessions and observations; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
	// Flush waits until everything appended before is on disk, or failed.
	Flush()
	// Failed returns why nothing is stored any more, or nil.
	Failed() error
}

// Config of the shards.
type Config struct {
	Host    *host.Host
	Server  server.Config // of each shard; Rand and Shard are filled in
	Plain   []*host.Socket
	Secure  []*host.Socket
	Store   Store
	Tables  []machine.Table // that the machines keep
	OnEvent func(any)       // called by the owner with each Event of the server
	// OnRestored is called, before anything else happens, with each registration that was stored, and with the present:
	// a restored registration gets a whole lifetime from now.
	OnRestored func(reg *server.Registration, now machine.Time)
}

// Shards is all of them. By default there is one, up to two cores (docs/decisions).
type Shards struct {
	host  *host.Host
	owner *host.Owner
	srv   *server.Server
	epoch string
	event func(any)
	store Store

	ending atomic.Bool

	waiting map[machine.OpID]*Pending // used by the owner alone
	pool    sync.Pool
}

// Pending is an operation under way.
type Pending struct {
	id   machine.OpID
	done chan *server.Outcome
}

// Start brings back what was stored and begins.
func Start(c Config) (*Shards, error) {
	secure := map[uint16]bool{}
	for _, s := range c.Secure {
		secure[s.Local().Port()] = true
	}
	sc := c.Server
	sc.Rand = c.Host.Rand()
	sc.Secure = func(local netip.AddrPort) bool { return secure[local.Port()] }
	s := &Shards{host: c.Host, srv: server.New(sc), event: c.OnEvent, store: c.Store, waiting: map[machine.OpID]*Pending{},
		epoch: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	s.pool.New = func() any { return &Pending{done: make(chan *server.Outcome, 1)} }
	now := c.Host.Now()
	for _, table := range c.Tables {
		if err := c.Store.Load(table, func(key, value []byte) error { return s.srv.Restore(now, table, key, value) }); err != nil {
			return nil, fmt.Errorf("shards: the stored table %s cannot be read: %w", table, err)
		}
	}
	s.srv.Started(now)
	if c.OnRestored != nil {
		s.srv.Each(func(reg *server.Registration, _ machine.Time) { c.OnRestored(reg, now) })
	}
	owner, err := c.Host.Run(s.srv, host.RunOptions{Sockets: append(append([]*host.Socket(nil), c.Plain...), c.Secure...), Committer: c.Store, OnAction: s.action, Inbox: inbox})
	if err != nil {
		return nil, err
	}
	s.owner = owner
	return s, nil
}

// action gets what the machine tells, on the owner's goroutine.
func (s *Shards) action(now machine.Time, a machine.Action) {
	switch a.Kind {
	case machine.Event:
		if s.event != nil {
			s.event(a.Value)
		}
	case machine.Result:
		if p := s.waiting[a.Op]; p != nil {
			delete(s.waiting, a.Op)
			out, _ := a.Value.(*server.Outcome)
			p.done <- out
		}
	}
}

// Do sends an operation to a device and waits for its one result. id names it, also where err is not nil.
func (s *Shards) Do(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error) {
	if s.ending.Load() {
		return "", nil, ErrStopped
	}
	p := s.pool.Get().(*Pending)
	p.id = 0
	cause := s.host.NextCause()
	if !s.owner.Submit(func(now machine.Time) {
		if s.ending.Load() {
			p.done <- nil
			return
		}
		p.id = s.srv.Do(now, cause, endpoint, op)
		s.waiting[p.id] = p
	}) {
		s.pool.Put(p)
		return "", nil, ErrFull
	}
	select {
	case out = <-p.done:
		id = s.name(p.id)
		s.pool.Put(p)
		if out == nil {
			return id, nil, ErrStopped
		}
		return id, out, out.Err
	case <-ctx.Done():
	}
	// Who asked has gone. The operation is cancelled; its result is dropped with the channel, so p is not used again.
	s.owner.Post(func(now machine.Time) {
		if s.waiting[p.id] == p {
			s.srv.Cancel(now, p.id)
		}
	})
	return "", nil, ctx.Err()
}

// name is an operation's name outside: unique over restarts.
func (s *Shards) name(id machine.OpID) string {
	b := append(append(make([]byte, 0, 24), s.epoch...), '-')
	return string(strconv.AppendUint(b, uint64(id), 36))
}

// do runs f on the owner and waits.
func (s *Shards) do(f func(now machine.Time)) error {
	if err := s.owner.Do(f); err != nil {
		return ErrStopped
	}
	return nil
}

// Forget ends a registration and reports whether there was one. It returns after that is on disk.
func (s *Shards) Forget(endpoint string) (ok bool, err error) {
	cause := s.host.NextCause()
	if err = s.do(func(now machine.Time) { ok = s.srv.Forget(now, cause, endpoint) }); err == nil && ok {
		s.store.Flush()
		err = s.store.Failed()
	}
	return ok, err
}

// Observations returns what is observed on a device.
func (s *Shards) Observations(endpoint string) (list []server.Observation, err error) {
	err = s.do(func(machine.Time) { list = s.srv.Observations(endpoint) })
	return list, err
}

// CredentialChanged ends the sessions of an old credential. It does not wait.
func (s *Shards) CredentialChanged(old server.Credential) {
	cause := s.host.NextCause()
	s.post(func(now machine.Time) { s.srv.CredentialChanged(now, cause, old) })
}

// Watch begins or ends the log of an endpoint's messages. It does not wait.
func (s *Shards) Watch(endpoint string, on bool) {
	s.post(func(now machine.Time) { s.srv.Watch(now, endpoint, on) })
}

// SetRegistry gives the machines other definitions.
func (s *Shards) SetRegistry(r *registry.Registry) error {
	return s.do(func(now machine.Time) { s.srv.SetRegistry(now, r) })
}

// post is Post for what must not be lost: with a full inbox it waits on a goroutine of its own.
func (s *Shards) post(f func(now machine.Time)) {
	if !s.owner.Post(f) {
		go s.owner.Do(f)
	}
}

// Each calls f with every registration and when it was last heard of.
func (s *Shards) Each(f func(reg *server.Registration, seen machine.Time)) error {
	return s.do(func(machine.Time) { s.srv.Each(f) })
}

// Stats are the counters of all shards.
type Stats struct {
	Server server.Stats
	Owner  host.OwnerStats
}

// Stats returns the counters.
func (s *Shards) Stats() (st Stats, err error) {
	err = s.do(func(machine.Time) { st.Server = s.srv.Stats() })
	st.Owner = s.owner.Stats()
	return st, err
}

// Now is the clock of the machines.
func (s *Shards) Now() machine.Time { return s.host.Now() }

// Release ends all operations under way with ErrStopped and takes no more, so that who waits for them can end first.
func (s *Shards) Release() {
	s.ending.Store(true)
	s.do(func(machine.Time) {
		for id, p := range s.waiting {
			delete(s.waiting, id)
			p.done <- nil
		}
	})
}

// Stop ends the owners.
func (s *Shards) Stop(ctx context.Context) error {
	s.Release()
	return s.owner.Stop(ctx)
}
