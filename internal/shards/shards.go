// Package shards runs the server machines, each on its owner, and is the one door to them for every other goroutine. It
// knows which shard a datagram and an endpoint belong to.
package shards

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

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
	// ErrNoServer says that there are no devices to ask: a command works on the directory of a server that does not run.
	ErrNoServer = errors.New("shards: no server runs")
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
	Shards  int           // how many; 0: Default
	Server  server.Config // of each shard; Rand, Shard and Directory are filled in
	Plain   []*host.Socket
	Secure  []*host.Socket
	Store   Store
	Tables  []machine.Table // that the machines keep; sessions and registrations come first
	OnEvent func(any)       // called by the owners, several at once, with each Event of a server
	// Follower, where set, sees what becomes of each operation on its way through the server.
	Follower Follower
	// OnFile is called by the owners with each request for a file; answer may be called by anybody, later.
	OnFile func(r *server.FileRequest, answer func(server.FilePart))
	// OnRestored is called, before anything else happens, with each registration that was stored, and with the present:
	// a restored registration gets a whole lifetime from now.
	OnRestored func(reg *server.Registration, now machine.Time)
}

// Most is how many shards there can be: a shard is one byte in connection IDs and registration ids.
const Most = 256

// Default is how many shards there are when nobody says: one up to two cores, since system calls are most of the work and
// one shard keeps two cores busy with them; then one for two cores.
func Default() int { return max(1, min(runtime.GOMAXPROCS(0)/2, 64)) }

// Shards is all of them.
type Shards struct {
	host     *host.Host
	list     []*shard
	group    *host.Group // nil: there is one shard, with the sockets to itself
	secure   map[uint16]bool
	home     directory
	astray   astray
	window   sync.Mutex // one awake window is set at a time, so that all shards agree
	event    func(any)
	follower Follower
	onFile   func(*server.FileRequest, func(server.FilePart))
	store    Store
	ending   atomic.Bool
	pool     sync.Pool
}

// shard is one server machine and its owner.
type shard struct {
	number  int
	all     *Shards
	srv     *server.Server
	owner   *host.Owner
	waiting map[machine.OpID]*Pending // used by the owner alone
}

// Start brings back what was stored and begins.
func Start(c Config) (*Shards, error) {
	n := c.Shards
	if n == 0 {
		n = Default()
	}
	if n < 1 || n > Most {
		return nil, fmt.Errorf("shards: %d is not in 1 to %d", n, Most)
	}
	s := &Shards{host: c.Host, event: c.OnEvent, follower: c.Follower, onFile: c.OnFile, store: c.Store, secure: map[uint16]bool{}}
	for _, sock := range c.Secure {
		s.secure[sock.Local().Port()] = true
	}
	s.pool.New = func() any { return &Pending{done: make(chan *server.Outcome, 1)} }
	for i := range n {
		sc := c.Server
		sc.Rand, sc.Shard = c.Host.Rand(), uint8(i)
		sc.Secure = func(local netip.AddrPort) bool { return s.secure[local.Port()] }
		if n > 1 {
			sc.Directory = view{&s.home, uint8(i)}
		}
		if c.Follower != nil {
			sc.Tap = func(now machine.Time, out bool, path machine.Path, b []byte) {
				c.Follower.Message(i, now, out, path, b)
			}
		}
		s.list = append(s.list, &shard{number: i, all: s, srv: server.New(sc), waiting: map[machine.OpID]*Pending{}})
	}
	if err := s.load(c); err != nil {
		return nil, err
	}
	return s, s.run(c)
}

// load gives each shard what is its own.
func (s *Shards) load(c Config) error {
	now := c.Host.Now()
	for _, table := range c.Tables {
		if err := c.Store.Load(table, func(key, value []byte) error {
			if table == server.AwakeTable {
				return s.restoreAll(now, table, key, value)
			}
			k, err := s.homeOf(table, key, value)
			if err != nil {
				return err
			}
			return k.srv.Restore(now, table, key, value)
		}); err != nil {
			return fmt.Errorf("shards: the stored table %s cannot be read: %w", table, err)
		}
	}
	for _, k := range s.list {
		k.srv.Started(now)
		k.srv.Each(func(reg *server.Registration, _ machine.Time) {
			s.place(k, reg, nil)
			if c.OnRestored != nil {
				c.OnRestored(reg, now)
			}
		})
	}
	return nil
}

func (s *Shards) run(c Config) (err error) {
	o := host.RunOptions{Sockets: append(append([]*host.Socket(nil), c.Plain...), c.Secure...), Committer: c.Store, Inbox: inbox}
	if len(s.list) == 1 {
		o.OnAction = s.list[0].action
		s.list[0].owner, err = c.Host.Run(s.list[0].followed(), o)
		return err
	}
	machines := make([]machine.Machine, len(s.list))
	for i, k := range s.list {
		machines[i] = k.followed()
	}
	s.group, err = c.Host.NewGroup(machines, host.GroupOptions{RunOptions: o, Route: s.route,
		OnAction: func(i int, now machine.Time, a machine.Action) { s.list[i].action(now, a) }})
	if err != nil {
		return err
	}
	for i, owner := range s.group.Owners() {
		s.list[i].owner = owner
	}
	return s.group.Start()
}

// action gets what the machine tells, on the owner's goroutine.
func (k *shard) action(now machine.Time, a machine.Action) {
	switch a.Kind {
	case machine.Event:
		if k.file(a.Value) {
			return
		}
		k.all.follow(k, a.Value)
		if k.all.event != nil {
			k.all.event(a.Value)
		}
		if v, ok := a.Value.(*server.Kept); ok {
			k.kept(v)
		}
	case machine.Result:
		out, _ := a.Value.(*server.Outcome)
		if f := k.all.follower; f != nil && out != nil {
			f.Ended(now, a.Op, out)
		}
		if p := k.waiting[a.Op]; p != nil {
			delete(k.waiting, a.Op)
			p.done <- out
		} else if out != nil && out.Kept && k.all.event != nil {
			k.all.event(&Ended{server.FormatOp(a.Op), out})
		}
	case machine.Ask:
		if f, ok := a.Value.(*server.Fetch); ok {
			k.fetch(a.Cause, a.Op, f)
		}
	}
}

// of returns the shard that has an endpoint, or, where none has, the first: it says so itself.
func (s *Shards) of(endpoint string) *shard {
	if len(s.list) == 1 {
		return s.list[0]
	}
	n, _ := s.home.find(endpoint)
	return s.list[n]
}

// do runs f on the owner and waits.
func (k *shard) do(f func(now machine.Time)) error {
	if err := k.owner.Do(f); err != nil {
		return ErrStopped
	}
	return nil
}

// post is Post for what must not be lost: with a full inbox it waits on a goroutine of its own.
func (k *shard) post(f func(now machine.Time)) {
	if !k.owner.Post(f) {
		go k.owner.Do(f)
	}
}

// all runs f on each owner in turn and waits.
func (s *Shards) all(f func(k *shard, now machine.Time)) error {
	for _, k := range s.list {
		if err := k.do(func(now machine.Time) { f(k, now) }); err != nil {
			return err
		}
	}
	return nil
}

// Forget ends a registration and reports whether there was one. It returns after that is on disk.
func (s *Shards) Forget(endpoint string) (ok bool, err error) {
	cause := s.host.NextCause()
	k := s.of(endpoint)
	if err = k.do(func(now machine.Time) { ok = k.srv.Forget(now, cause, endpoint) }); err == nil && ok {
		s.store.Flush()
		err = s.store.Failed()
	}
	return ok, err
}

// Observations returns what is observed on a device.
func (s *Shards) Observations(endpoint string) (list []server.Observation, err error) {
	k := s.of(endpoint)
	err = k.do(func(machine.Time) { list = k.srv.Observations(endpoint) })
	return list, err
}

// CredentialChanged ends the sessions of an old credential. It does not wait.
func (s *Shards) CredentialChanged(old server.Credential) {
	cause := s.host.NextCause()
	for _, k := range s.list {
		k.post(func(now machine.Time) { k.srv.CredentialChanged(now, cause, old) })
	}
}

// Watch begins or ends the log of an endpoint's messages. It does not wait.
func (s *Shards) Watch(endpoint string, on bool) {
	for _, k := range s.list {
		k.post(func(now machine.Time) { k.srv.Watch(now, endpoint, on) })
	}
}

// SetRegistry gives the machines other definitions.
func (s *Shards) SetRegistry(r *registry.Registry) error {
	return s.all(func(k *shard, now machine.Time) { k.srv.SetRegistry(now, r) })
}

// Each calls f with every registration and when it was last heard of.
func (s *Shards) Each(f func(reg *server.Registration, seen machine.Time)) error {
	return s.all(func(k *shard, _ machine.Time) { k.srv.Each(f) })
}

// Stats are the counters of all shards together.
type Stats struct {
	Shards int
	Server server.Stats
	Owner  host.OwnerStats // Sockets are there once
}

// Stats returns the counters.
func (s *Shards) Stats() (st Stats, err error) {
	st.Shards = len(s.list)
	err = s.all(func(k *shard, _ machine.Time) {
		add(reflect.ValueOf(&st.Server).Elem(), reflect.ValueOf(k.srv.Stats()))
	})
	for i, k := range s.list {
		o := k.owner.Stats()
		if i > 0 {
			o.Sockets = nil
		}
		add(reflect.ValueOf(&st.Owner).Elem(), reflect.ValueOf(o))
	}
	return st, err
}

// add adds up counters, field by field. Of what is no number the first one that is something is kept.
func add(sum, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			add(sum.Field(i), v.Field(i))
		}
	case v.CanInt():
		sum.SetInt(sum.Int() + v.Int())
	case v.CanUint():
		sum.SetUint(sum.Uint() + v.Uint())
	case sum.IsZero():
		sum.Set(v)
	}
}

// Now is the clock of the machines.
func (s *Shards) Now() machine.Time { return s.host.Now() }

// Release ends all operations under way with ErrStopped and takes no more, so that who waits for them can end first.
func (s *Shards) Release() {
	s.ending.Store(true)
	s.all(func(k *shard, _ machine.Time) {
		for id, p := range k.waiting {
			delete(k.waiting, id)
			p.done <- nil
		}
	})
}

// Stop ends the owners.
func (s *Shards) Stop(ctx context.Context) error {
	s.Release()
	if s.group != nil {
		return s.group.Stop(ctx)
	}
	return s.list[0].owner.Stop(ctx)
}
