package host

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
)

// echo answers every datagram with itself. Words in the datagram make it do more.
type echo struct {
	out      machine.Outbox
	timers   machine.Timers[machine.Path]
	seq      machine.Seq
	received int
	log      []string
}

func newEcho() *echo { return &echo{out: machine.NewOutbox(nil)} }

func (e *echo) Receive(now machine.Time, cause machine.Cause, p machine.Path, b []byte) {
	e.out.Begin()
	e.received++
	a := machine.Action{Kind: machine.Send, Cause: cause, Path: p, Data: e.out.Nest().Copy(b)}
	switch {
	case bytes.HasPrefix(b, []byte("durable")):
		a.After = e.out.Nest().NextSeq()
		e.out.Push(machine.Action{Kind: machine.Persist, Seq: a.After, Records: []machine.Record{{Table: "t", Key: b, Value: b}}})
	case bytes.HasPrefix(b, []byte("later")):
		e.timers.Set(0, now.Add(20*time.Millisecond), p)
		return
	case bytes.HasPrefix(b, []byte("event")):
		e.out.Push(machine.Action{Kind: machine.Event, Value: &machine.Path{Local: p.Local, Remote: p.Remote}})
	}
	e.out.Push(a)
}

func (e *echo) Expire(now machine.Time) {
	e.out.Begin()
	for p, ok := e.timers.Pop(now); ok; p, ok = e.timers.Pop(now) {
		e.out.Push(machine.Action{Kind: machine.Send, Path: p, Data: e.out.Nest().Copy([]byte("now"))})
	}
}

func (e *echo) Deadline() machine.Time       { return e.timers.Deadline() }
func (e *echo) Next() (machine.Action, bool) { return e.out.Next() }
func (e *echo) Persisted(_ machine.Time, s machine.Seq) {
	e.out.Begin()
	e.log = append(e.log, fmt.Sprint("persisted ", s))
}
func (e *echo) PersistFailed(_ machine.Time, s machine.Seq, err error) {
	e.out.Begin()
	e.log = append(e.log, fmt.Sprint("failed ", s, " ", err))
}

func testHost(t testing.TB) *Host { return New(Options{ReceiveBuffer: 1 << 20}) }

func run(t testing.TB, h *Host, m machine.Machine, r RunOptions) *Owner {
	t.Helper()
	o, err := h.Run(m, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := o.Stop(ctx); err != nil && err != ErrStopped {
			t.Errorf("Stop: %v", err)
		}
	})
	return o
}

func listen(t testing.TB, h *Host, addrs ...string) []*Socket {
	t.Helper()
	s, err := h.Listen(0, addrs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dial(t testing.TB, network, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn)
}

func ask(t testing.TB, c net.Conn, word string) string {
	t.Helper()
	if _, err := c.Write([]byte(word)); err != nil {
		t.Fatal(err)
	}
	return hear(t, c)
}

func hear(t testing.TB, c net.Conn) string {
	t.Helper()
	b := make([]byte, 2000)
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// A connected socket takes an answer only from the address that it sent to, so these show that the answer leaves from
// there, also where the server is bound to no address or to all of both families.
func TestAnswerLeavesFromTheAddressAsked(t *testing.T) {
	h := testHost(t)
	for _, c := range []struct{ name, listen, ask, local string }{
		{"one IPv4 address", "127.0.0.1:0", "127.0.0.1", "127.0.0.1"},
		{"IPv4 wildcard", "0.0.0.0:0", "127.0.0.3", "127.0.0.3"},
		{"one IPv6 address", "[::1]:0", "::1", "::1"},
		{"both families, asked by IPv6", ":0", "::1", "::1"},
		{"both families, asked by IPv4", ":0", "127.0.0.7", "127.0.0.7"},
		{"both families, spelled out", "[::]:0", "127.0.0.9", "127.0.0.9"},
		{"by name", "localhost:0", "127.0.0.1", "127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newEcho()
			var local netip.Addr
			socks := listen(t, h, c.listen)
			slices.SortFunc(socks, func(a, b *Socket) int { return a.Local().Compare(b.Local()) })
			run(t, h, m, RunOptions{Sockets: socks, OnAction: func(_ machine.Time, a machine.Action) {
				local = a.Value.(*machine.Path).Local.Addr()
			}})
			conn := dial(t, "udp", netip.AddrPortFrom(netip.MustParseAddr(c.ask), socks[0].Local().Port()).String())
			if got := ask(t, conn, "event"); got != "event" {
				t.Errorf("answer %q", got)
			}
			socks[0].owner.Load().Do(func(machine.Time) {
				if local.String() != c.local {
					t.Errorf("Path.Local = %v, want %v", local, c.local)
				}
			})
		})
	}
}

func TestTimerRings(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0")
	run(t, h, newEcho(), RunOptions{Sockets: socks})
	c := dial(t, "udp", socks[0].Local().String())
	start := time.Now()
	if got := ask(t, c, "later"); got != "now" {
		t.Errorf("answer %q", got)
	}
	if d := time.Since(start); d < 20*time.Millisecond {
		t.Errorf("rang after %v, before its time", d)
	}
}

// slowDisk keeps commits until it is told.
type slowDisk struct {
	mu    sync.Mutex
	done  []func(error)
	keys  []string
	asked chan struct{}
}

func (d *slowDisk) Append(r []machine.Record, done func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, done)
	d.keys = append(d.keys, string(r[0].Key))
	d.asked <- struct{}{}
}

func (d *slowDisk) answer(errs ...error) {
	d.mu.Lock()
	done := d.done[:len(errs)]
	d.done = d.done[len(errs):]
	d.mu.Unlock()
	for i, err := range errs {
		done[i](err)
	}
}

func TestSendWaitsForItsCommit(t *testing.T) {
	h := testHost(t)
	m := newEcho()
	disk := &slowDisk{asked: make(chan struct{}, 10)}
	socks := listen(t, h, "127.0.0.1:0")
	o := run(t, h, m, RunOptions{Sockets: socks, Committer: disk})
	c := dial(t, "udp", socks[0].Local().String())
	for _, w := range []string{"durable 1", "durable 2", "durable 3", "durable 4", "durable 5"} {
		c.Write([]byte(w))
		<-disk.asked
	}
	// What does not wait overtakes.
	if got := ask(t, c, "plain"); got != "plain" {
		t.Fatalf("answer %q, want the one that waits for nothing", got)
	}
	disk.answer(nil, nil)
	for _, want := range []string{"durable 1", "durable 2"} {
		if got := hear(t, c); got != want {
			t.Fatalf("answer %q, want %q", got, want)
		}
	}
	// 3 fails; 4 and 5 were issued after it and are lost with it, whatever the disk says.
	disk.answer(errors.New("full"), nil, errors.New("full"))
	// The next is a new promise, once the owner knows of the failures: what is asked for before is lost with them.
	for o.Stats().Failed < 2 {
		time.Sleep(time.Millisecond)
	}
	c.Write([]byte("durable 6"))
	<-disk.asked
	disk.answer(nil)
	if got := hear(t, c); got != "durable 6" {
		t.Fatalf("answer %q, want the one after the failure", got)
	}
	o.Do(func(machine.Time) {
		want := []string{"persisted 2", "failed 3 full", "persisted 6"}
		if got := slices.DeleteFunc(slices.Clone(m.log), func(s string) bool { return s == "persisted 1" }); !slices.Equal(got, want) {
			t.Errorf("machine heard %q, want %q", got, want)
		}
	})
	if st := o.Stats(); st.HeldNow != 0 || st.HeldDropped != 3 || st.Failed != 2 {
		t.Errorf("stats %+v", st)
	}
}

// A stopping owner waits for the commits in flight, so that what was promised on the wire and on disk agree.
func TestStopLetsHeldAnswersLeave(t *testing.T) {
	h := testHost(t)
	disk := &slowDisk{asked: make(chan struct{}, 1)}
	socks := listen(t, h, "127.0.0.1:0")
	o, err := h.Run(newEcho(), RunOptions{Sockets: socks, Committer: disk})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, "udp", socks[0].Local().String())
	c.Write([]byte("durable"))
	<-disk.asked
	stopped := make(chan error)
	go func() { stopped <- o.Stop(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("Stop returned %v before the commit was answered", err)
	case <-time.After(20 * time.Millisecond):
	}
	disk.answer(nil)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if got := hear(t, c); got != "durable" {
		t.Errorf("answer %q", got)
	}
	if err := o.Do(func(machine.Time) {}); err != ErrStopped {
		t.Errorf("Do after Stop: %v", err)
	}
	if o.Post(func(machine.Time) {}) {
		t.Error("Post after Stop succeeded")
	}
	if again, err := h.Listen(0, socks[0].Local().String()); err != nil {
		t.Errorf("the port is not free after Stop: %v", err)
	} else {
		again[0].Close()
	}
}

func TestStopGivesUpWithItsContext(t *testing.T) {
	h := testHost(t)
	disk := &slowDisk{asked: make(chan struct{}, 1)}
	socks := listen(t, h, "127.0.0.1:0")
	o, err := h.Run(newEcho(), RunOptions{Sockets: socks, Committer: disk})
	if err != nil {
		t.Fatal(err)
	}
	dial(t, "udp", socks[0].Local().String()).Write([]byte("durable"))
	<-disk.asked
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := o.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Stop: %v", err)
	}
	disk.answer(nil) // late: nobody is there, nothing breaks
}

func TestPostIsBounded(t *testing.T) {
	h := testHost(t)
	o := run(t, h, newEcho(), RunOptions{Inbox: 3})
	ran := make(chan int, 10)
	o.Do(func(machine.Time) { // the owner is busy: nothing is taken out meanwhile
		for i := range 4 {
			if ok := o.Post(func(machine.Time) { ran <- i }); ok != (i < 3) {
				t.Errorf("Post %d = %v", i, ok)
			}
		}
	})
	for want := range 3 {
		if got := <-ran; got != want {
			t.Errorf("ran %d, want %d", got, want)
		}
	}
	if st := o.Stats(); st.InboxFull != 1 {
		t.Errorf("InboxFull = %d", st.InboxFull)
	}
}

// Submit runs at once when the owner is free, behind what waits, and otherwise later; from inside it never blocks.
func TestSubmit(t *testing.T) {
	h := testHost(t)
	o := run(t, h, newEcho(), RunOptions{Inbox: 2})
	var got []int
	if !o.Submit(func(machine.Time) { got = append(got, 1) }) || len(got) != 1 {
		t.Errorf("Submit to a free owner: ran %v", got)
	}
	last := make(chan struct{})
	o.Do(func(machine.Time) {
		o.Post(func(machine.Time) { got = append(got, 2) })
		if !o.Submit(func(machine.Time) { got = append(got, 3); close(last) }) || len(got) != 1 {
			t.Errorf("Submit to a busy owner: ran %v", got)
		}
		if o.Submit(func(machine.Time) {}) {
			t.Error("Submit to a full inbox succeeded")
		}
	})
	<-last
	o.Do(func(machine.Time) {
		if !slices.Equal(got, []int{1, 2, 3}) {
			t.Errorf("ran %v", got)
		}
	})
}

func TestRebindKeepsThePath(t *testing.T) {
	h := testHost(t)
	server := newEcho()
	var seen []netip.AddrPort
	socks := listen(t, h, ":0")
	so := run(t, h, server, RunOptions{Sockets: socks, OnAction: func(_ machine.Time, a machine.Action) {
		seen = append(seen, a.Value.(*machine.Path).Remote)
	}})
	client := &listener{out: machine.NewOutbox(nil), got: make(chan machine.Path, 1)}
	s, err := h.Ephemeral(7, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	co := run(t, h, client, RunOptions{Sockets: []*Socket{s}})
	path := s.Path(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), socks[0].Local().Port()))
	for i := range 2 {
		co.Do(func(machine.Time) { client.say(path, "event") })
		select {
		case p := <-client.got:
			if p != path {
				t.Errorf("answer %d came on %+v, want %+v", i, p, path)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("no answer")
		}
		if err := co.Rebind(s); err != nil {
			t.Fatal(err)
		}
	}
	so.Do(func(machine.Time) {
		if len(seen) != 2 || seen[0] == seen[1] {
			t.Errorf("the server saw %v, want two addresses", seen)
		}
	})
}

type listener struct {
	out machine.Outbox
	got chan machine.Path
}

func (l *listener) Receive(_ machine.Time, _ machine.Cause, p machine.Path, _ []byte) {
	l.out.Begin()
	l.got <- p
}
func (l *listener) say(p machine.Path, word string) {
	l.out.Begin()
	l.out.Push(machine.Action{Kind: machine.Send, Path: p, Data: []byte(word)})
}
func (l *listener) Expire(machine.Time)          {}
func (l *listener) Deadline() machine.Time       { return machine.Never }
func (l *listener) Next() (machine.Action, bool) { return l.out.Next() }

// Sends that cannot succeed are counted, and those around them in the same batch arrive.
func TestSendErrorsAreNotFatal(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0")
	l := &listener{out: machine.NewOutbox(nil), got: make(chan machine.Path, 100)}
	o := run(t, h, l, RunOptions{Sockets: socks})
	peer := dial(t, "udp", socks[0].Local().String())
	good := machine.Path{Local: socks[0].Local(), Remote: peer.LocalAddr().(*net.UDPAddr).AddrPort()}
	bad := good
	bad.Remote = netip.MustParseAddrPort("[2001:db8::1]:9") // not from an IPv4 socket
	elsewhere := good
	elsewhere.Local = netip.MustParseAddrPort("192.0.2.1:1")
	o.Do(func(machine.Time) {
		l.out.Begin()
		for i, p := range []machine.Path{bad, good, bad, elsewhere, good} {
			l.out.Push(machine.Action{Kind: machine.Send, Path: p, Data: []byte{byte('0' + i)}})
		}
		l.out.Push(machine.Action{Kind: machine.Send, Path: good, Data: make([]byte, 70_000)})
		l.out.Push(machine.Action{Kind: machine.Send, Path: good, Data: []byte("last")})
	})
	for _, want := range []string{"1", "4", "last"} {
		if got := hear(t, peer); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	st := o.Stats()
	if st.NoRoute != 1 || st.Sockets[0].SendErrors != 3 || st.Sockets[0].Sent != 3 || st.Sockets[0].LastError == "" {
		t.Errorf("stats %+v", st)
	}
}

func TestTooLongDatagramIsCounted(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0")
	o := run(t, h, newEcho(), RunOptions{Sockets: socks, MaxDatagram: 100})
	c := dial(t, "udp", socks[0].Local().String())
	c.Write(make([]byte, 101))
	if got := ask(t, c, string(make([]byte, 100))); len(got) != 100 {
		t.Errorf("answer of %d bytes", len(got))
	}
	if st := o.Stats().Sockets[0]; st.Truncated != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestPortInUse(t *testing.T) {
	h := testHost(t)
	first := listen(t, h, "[::]:0")
	defer first[0].Close()
	addr := first[0].Local().String()
	_, err := h.ListenWith(ListenOptions{Addrs: []string{"127.0.0.1:0", addr}, Flag: "--coap"})
	want := "udp " + addr + " is in use by another program: choose another with --coap"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestListenAddresses(t *testing.T) {
	h := testHost(t)
	for _, c := range []struct {
		addrs []string
		want  string
	}{
		{[]string{"5683"}, `host: "5683" is not an address with a port, such as ":5683" or "[::1]:5683"`},
		{[]string{"127.0.0.1:coaps?"}, `host: "127.0.0.1:coaps?" has no valid port`},
		{[]string{":5683", "[::]:5683", "0.0.0.0:5683"}, "udp6 [::]:5683 udp4 0.0.0.0:5683 "},
		{[]string{":5683", "[fe80::1%lo]:5683"}, "udp [::]:5683 udp [fe80::1%lo]:5683 "},
	} {
		wants, err := h.parseListen(c.addrs)
		got := ""
		for _, w := range wants {
			got += w.network + " " + w.String() + " "
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.addrs, got, c.want)
		}
	}
	if _, err := h.Listen(0, "192.0.2.1:0"); err == nil {
		t.Error("an address that is not ours was bound")
	}
}

func TestSocketHasOneOwner(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0", "127.0.0.1:0")
	run(t, h, newEcho(), RunOptions{Sockets: socks[1:]})
	if _, err := h.Run(newEcho(), RunOptions{Sockets: socks}); err != ErrSocketInUse {
		t.Errorf("second owner: %v", err)
	}
	run(t, h, newEcho(), RunOptions{Sockets: socks[:1]})
}

func TestRandNeverRepeats(t *testing.T) {
	r := testHost(t).Rand()
	seen := map[uint64]bool{}
	for range 10_000 {
		v := r.Uint64()
		if seen[v] {
			t.Fatal("the same 64 bits twice")
		}
		seen[v] = true
	}
	long := make([]byte, 3*randBlock)
	r.Fill(long)
	for i := 0; i < len(long); i += 8 {
		if seen[binary.LittleEndian.Uint64(long[i:])] {
			t.Fatal("a long fill repeats bytes")
		}
	}
}

func TestClock(t *testing.T) {
	h := testHost(t)
	last := h.Now()
	if d := time.Duration(int64(last) - time.Now().UnixNano()); d.Abs() > time.Second {
		t.Errorf("clock is %v off", d)
	}
	for range 1000 {
		now := h.Now()
		if now < last {
			t.Fatal("went back")
		}
		last = now
	}
}
