package host

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"heddle.example/machine"
)

// GroupOptions say what the owners of a group share.
type GroupOptions struct {
	RunOptions // Sockets are those of the group, Inbox and Held are those of each owner; OnAction is not used

	// OnAction is RunOptions.OnAction with the number of the machine. It runs as the owner of that machine.
	OnAction func(shard int, now machine.Time, a machine.Action)
	// Route names the machine that a datagram is for. It is called from several goroutines at once and must not wait.
	Route func(p *machine.Path, b []byte) int
}

// Group is several machines, each with an owner of its own, behind the same sockets: the shards of a server. Whoever
// reads a socket asks Route whose a datagram is and hands it over under that owner's lock, so that datagrams for
// different machines are worked on at the same time.
//
// Several readers of one socket read through duplicates of its descriptor. SO_REUSEPORT would spread the datagrams by
// their addresses instead, and let another program take a share of them.
type Group struct {
	owners   []*Owner
	sockets  []*Socket
	route    func(*machine.Path, []byte) int
	more     []*os.File // duplicates for the second and further readers
	options  GroupOptions
	stopping atomic.Bool
	readers  sync.WaitGroup
}

// NewGroup makes a group that does not run yet, so that its owners can be known before anything happens.
func (h *Host) NewGroup(machines []machine.Machine, r GroupOptions) (*Group, error) {
	if len(machines) == 0 || r.Route == nil {
		return nil, errors.New("host: a group needs machines and a Route")
	}
	g := &Group{sockets: r.Sockets, route: r.Route, options: r}
	for i, m := range machines {
		each := r.RunOptions
		each.OnAction = nil
		if r.OnAction != nil {
			each.OnAction = func(now machine.Time, a machine.Action) { r.OnAction(i, now, a) }
		}
		g.owners = append(g.owners, h.newOwner(m, each))
	}
	return g, nil
}

// Start claims the sockets and begins.
func (g *Group) Start() error {
	// The first owner's lock guards the sockets' state, as that of a lone owner does.
	if err := claim(g.sockets, g.owners[0]); err != nil {
		return err
	}
	r := &g.options
	for _, o := range g.owners {
		o.mu.Lock()
		o.start()
		o.mu.Unlock()
	}
	for _, s := range r.Sockets {
		for n := range g.owners { // as many readers as machines
			raw, ok := s.open.raw, true
			if n > 0 {
				if raw, ok = g.duplicate(s); !ok {
					break // one reader is enough to go on
				}
			}
			g.readers.Add(1)
			go g.read(s, raw, or(r.Batch, 64), or(r.MaxDatagram, 4096))
		}
	}
	return nil
}

// duplicate makes another way to read a socket.
func (g *Group) duplicate(s *Socket) (syscall.RawConn, bool) {
	if !manyReaders {
		return nil, false
	}
	f, err := s.open.conn.File()
	if err != nil {
		s.host.log.Warn("a socket has fewer readers than asked for", "local", s.local, "error", err)
		return nil, false
	}
	raw, err := f.SyscallConn()
	if err != nil || f.SetReadDeadline(time.Time{}) != nil {
		f.Close() // it cannot be waited for in Go's poller
		return nil, false
	}
	g.more = append(g.more, f)
	return raw, true
}

// Owners returns the owners, in the order of the machines.
func (g *Group) Owners() []*Owner { return g.owners }

// Stop ends all owners, as Owner.Stop does.
func (g *Group) Stop(ctx context.Context) error {
	if g.stopping.Swap(true) {
		return ErrStopped
	}
	past := time.Unix(1, 0) // wakes the readers, which see stopping
	for _, s := range g.sockets {
		s.open.conn.SetReadDeadline(past)
	}
	for _, f := range g.more {
		f.SetReadDeadline(past)
	}
	g.readers.Wait()
	for _, o := range g.owners {
		o.mu.Lock()
		o.stopping = true
		o.mu.Unlock()
	}
	var errs []error
	for _, o := range g.owners {
		errs = append(errs, o.wind(ctx))
	}
	g.owners[0].mu.Lock()
	retired := retire(g.sockets)
	g.owners[0].mu.Unlock()
	for _, f := range g.more {
		retired = append(retired, io.Closer(f))
	}
	closeAll(retired)
	return errors.Join(errs...)
}

// batch is what one reader has received and not handed over yet.
type batch struct {
	items []item
	first []int // by owner: the index of its first item and one; 0: none
	last  []int
}

type item struct {
	path machine.Path
	data []byte
	next int // the owner's next item and one
}

func (g *Group) newBatch(size int) *batch {
	return &batch{items: make([]item, 0, size), first: make([]int, len(g.owners)), last: make([]int, len(g.owners))}
}

// add takes a datagram in and says whose it is.
func (g *Group) add(b *batch, p machine.Path, data []byte) {
	k := g.route(&p, data)
	if k < 0 || k >= len(g.owners) {
		k = 0
	}
	b.items = append(b.items, item{path: p, data: data})
	n := len(b.items)
	if b.first[k] == 0 {
		b.first[k] = n
	} else {
		b.items[b.last[k]-1].next = n
	}
	b.last[k] = n
}

// deliver hands the batch over: first to the owners that are free, then to the others.
func (g *Group) deliver(b *batch) {
	for waits := range 2 {
		for k, o := range g.owners {
			if b.first[k] == 0 {
				continue
			}
			if waits == 0 {
				if !o.mu.TryLock() {
					continue
				}
			} else {
				o.mu.Lock()
			}
			now := o.begin()
			for i := b.first[k]; i != 0; i = b.items[i-1].next {
				it := &b.items[i-1]
				o.m.Receive(now, o.h.NextCause(), it.path, it.data)
				o.drain(now)
			}
			o.end(now)
			o.mu.Unlock()
			b.first[k] = 0
		}
	}
	clear(b.items)
	b.items = b.items[:0]
}
