package host

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/machine"
)

// ErrStopped says that the owner was stopped.
var ErrStopped = errors.New("host: stopped")

// Committer makes records durable. Append copies what it needs before it returns and never waits for the disk. done is
// called once for each Append, from any goroutine, in the order of the Appends.
type Committer interface {
	Append(records []machine.Record, done func(error))
}

// RunOptions say what an Owner gives to its machine.
type RunOptions struct {
	// Sockets are owned from now on. Several may share a Link.
	Sockets []*Socket
	// Committer keeps what the machine persists. Without one every commit succeeds at once.
	Committer Committer
	// OnAction gets the machine's Events, Results and Asks. It runs as the owner: it may give the machine further
	// inputs and may call Post, but neither Do nor Stop. What the action points to is valid until it returns.
	OnAction func(now machine.Time, a machine.Action)
	// Inbox is how many functions may wait in Post; 0: 1024.
	Inbox int
	// Held is how many datagrams may wait for a commit; 0: 65536. Beyond it the newest is dropped: its peer asks again.
	Held int
	// Batch is how many datagrams are received or sent in one system call; 0: 64.
	Batch int
	// MaxDatagram is the longest datagram that is received; 0: 4096. Longer ones are dropped and counted.
	MaxDatagram int
}

// OwnerStats are the counters of an owner.
type OwnerStats struct {
	Sockets     []SocketStats
	Inbox       int    // functions that wait now
	InboxFull   uint64 // Posts refused
	HeldNow     int    // datagrams that wait for a commit
	HeldDropped uint64 // because too many waited, or because their commit failed
	Commits     uint64
	Failed      uint64 // commits
	NoRoute     uint64 // datagrams on a path that no socket serves
}

// Owner holds one machine. Everything that touches the machine runs under its lock, one at a time: a reader with the
// datagrams that it received, the service goroutine with timers, commits and posted functions, and Do.
type Owner struct {
	h         *Host
	m         machine.Machine
	durable   machine.Durable // nothing where the machine is not
	committer Committer
	onAction  func(machine.Time, machine.Action)

	mu       sync.Mutex
	in       receiver
	out      sender
	sockets  []*Socket
	byLocal  map[localKey]*Socket
	last     *Socket // that the latest datagram left through
	now      machine.Time
	alarm    machine.Time // when the timer rings
	timer    *time.Timer
	commits  commits
	release  func(machine.Action) // sends what the gate lets go
	stopping bool
	noRoute  atomic.Uint64

	post        inbox
	completions completions
	wake        chan struct{}
	quit        chan struct{}
	readers     sync.WaitGroup
	service     sync.WaitGroup
}

// Run starts an owner for m. Before it the caller may use m freely, afterwards only through the owner.
func (h *Host) Run(m machine.Machine, r RunOptions) (*Owner, error) {
	o := h.newOwner(m, r)
	o.in = newReceiver(or(r.Batch, 64), or(r.MaxDatagram, 4096))
	if err := claim(r.Sockets, o); err != nil {
		return nil, err
	}
	o.mu.Lock()
	o.start()
	for _, s := range r.Sockets {
		o.readers.Add(1)
		go o.read(s, s.open)
	}
	o.mu.Unlock()
	return o, nil
}

// newOwner makes an owner that does not run yet.
func (h *Host) newOwner(m machine.Machine, r RunOptions) *Owner {
	o := &Owner{
		h: h, m: m, committer: r.Committer, onAction: r.OnAction, sockets: r.Sockets, out: newSender(or(r.Batch, 64)),
		byLocal: map[localKey]*Socket{}, alarm: machine.Never,
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	if o.durable, _ = m.(machine.Durable); o.durable == nil {
		o.durable = forgetful{m}
	}
	o.release = func(a machine.Action) { o.send(&a.Path, a.Data) }
	o.commits.limit = or(r.Held, 65536)
	o.post.limit = or(r.Inbox, 1024)
	if o.onAction == nil {
		o.onAction = func(machine.Time, machine.Action) {}
	}
	for _, s := range r.Sockets {
		o.byLocal[localKey{s.link, s.local}] = s
	}
	o.timer = time.NewTimer(time.Hour)
	o.timer.Stop()
	return o
}

// claim makes o the owner of sockets: of all of them, or of none.
func claim(sockets []*Socket, o *Owner) error {
	for i, s := range sockets {
		if !s.owner.CompareAndSwap(nil, o) {
			for _, t := range sockets[:i] {
				t.owner.Store(nil)
			}
			return ErrSocketInUse
		}
	}
	return nil
}

// start lets the machine say what it had to say before it had an owner, and begins to serve it. Called with the lock.
func (o *Owner) start() {
	now := o.begin()
	o.drain(now)
	o.end(now)
	o.service.Add(1)
	go o.serve()
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Do runs f as the owner, drains the machine and returns. It must not be called from f or from OnAction.
func (o *Owner) Do(f func(now machine.Time)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping {
		return ErrStopped
	}
	now := o.begin()
	f(now)
	o.drain(now)
	o.end(now)
	return nil
}

// Post has f run as the owner soon, without waiting. It returns false when too many wait already or the owner was
// stopped; then f never runs.
func (o *Owner) Post(f func(now machine.Time)) bool {
	if !o.post.put(f) {
		return false
	}
	o.rouse()
	return true
}

// Submit is Post that runs f, and what waits before it, at once on the caller's goroutine when the owner is free: it saves
// the hop to another goroutine, which at low load is most of a command's time. So the caller must hold no lock that
// OnAction or f takes.
func (o *Owner) Submit(f func(now machine.Time)) bool {
	if !o.post.put(f) {
		return false
	}
	if !o.mu.TryLock() {
		o.rouse()
		return true
	}
	o.end(o.begin())
	o.mu.Unlock()
	return true
}

// Now returns the time as the machine sees it.
func (o *Owner) Now() machine.Time { return o.h.Now() }

// Stop ends the owner: datagrams are no longer received, commits in flight are waited for until ctx ends so that the
// answers which hang on them leave, posted functions run, and the sockets are closed.
func (o *Owner) Stop(ctx context.Context) error {
	o.mu.Lock()
	if o.stopping {
		o.mu.Unlock()
		return ErrStopped
	}
	o.stopping = true
	for _, s := range o.sockets {
		if !s.open.closed {
			s.open.conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which sees stopping
		}
	}
	o.mu.Unlock()
	o.readers.Wait()
	err := o.wind(ctx)
	o.mu.Lock()
	retired := retire(o.sockets)
	o.mu.Unlock()
	closeAll(retired)
	return err
}

// wind ends the owner once nothing is received any more: what was posted runs, commits in flight are waited for.
func (o *Owner) wind(ctx context.Context) error {
	o.post.close()
	err := o.settle(ctx)
	close(o.quit)
	o.service.Wait()
	o.timer.Stop()
	return err
}

// retire takes all sockets out of use; what it returns must be closed without the lock.
func retire(sockets []*Socket) []io.Closer {
	closers := make([]io.Closer, 0, len(sockets))
	for _, s := range sockets {
		closers = append(closers, s.retire())
	}
	return closers
}

func closeAll(closers []io.Closer) {
	for _, c := range closers {
		c.Close()
	}
}

// settle waits until no function and no commit is outstanding.
func (o *Owner) settle(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		o.mu.Lock()
		done := len(o.commits.waiting) == 0 && o.post.len() == 0
		o.mu.Unlock()
		if done {
			return nil
		}
		o.rouse()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Rebind gives a socket of Ephemeral a new port and, where the system can choose, a new address, as a change of
// network does. The machine is not told.
func (o *Owner) Rebind(s *Socket) error {
	if !s.label || s.owner.Load() != o {
		return errors.New("host: only an ephemeral socket of this owner can be bound anew")
	}
	o.mu.Lock()
	retired, err := o.rebind(s)
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return retired.Close()
}

func (o *Owner) rebind(s *Socket) (retired io.Closer, err error) {
	if o.stopping {
		return nil, ErrStopped
	}
	b := s.open.bound
	w := want{"udp", addrWithPort(b, 0)}
	switch {
	case b.Addr().Is4():
		w.network = "udp4"
	case !s.can4:
		w.network = "udp6"
	}
	open, err := o.h.bind(w, false)
	if err != nil {
		return nil, err
	}
	retired = s.retire()
	s.adopt(open, w.network == "udp6")
	o.readers.Add(1)
	go o.read(s, open)
	return retired, nil
}

// Stats returns the counters.
func (o *Owner) Stats() OwnerStats {
	st := OwnerStats{Inbox: o.post.len(), InboxFull: o.post.refused.Load(), NoRoute: o.noRoute.Load()}
	for _, s := range o.sockets {
		st.Sockets = append(st.Sockets, s.Stats())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	st.HeldNow, st.HeldDropped = o.commits.gate.Held(), o.commits.dropped
	st.Commits, st.Failed = o.commits.done, o.commits.failed
	return st
}

// serve rings the machine's timer and brings in commits and posted functions.
func (o *Owner) serve() {
	defer o.service.Done()
	for {
		select {
		case <-o.quit:
			return
		case <-o.wake:
			o.mu.Lock()
		case <-o.timer.C:
			o.mu.Lock()
			o.alarm = machine.Never // it rang: end sets it again
		}
		now := o.begin()
		o.end(now)
		o.mu.Unlock()
	}
}

func (o *Owner) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
