package sim

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
)

// counter answers each datagram with how many it has seen. The count is durable, and an answer waits for its commit.
type counter struct {
	out  machine.Outbox
	n    byte
	ping machine.Time // when it writes to peer on its own
	peer machine.Path
	mute bool // it counts, but does not answer
	fail int
}

func newCounter(d *Disk) *counter {
	c := &counter{out: machine.NewOutbox(nil), ping: machine.Never}
	if d != nil {
		_ = d.Load("count", func(_, v []byte) error { c.n = v[0]; return nil })
	}
	return c
}

func (c *counter) Receive(_ machine.Time, cause machine.Cause, p machine.Path, b []byte) {
	c.out.Begin()
	c.n++
	seq := c.out.Nest().NextSeq()
	c.out.Push(machine.Action{Kind: machine.Persist, Seq: seq, Records: []machine.Record{{Table: "count", Key: []byte("n"), Value: []byte{c.n}}}})
	if !c.mute {
		c.out.Push(machine.Action{Kind: machine.Send, After: seq, Path: p, Data: []byte{c.n}, Cause: cause})
	}
	c.out.Push(machine.Action{Kind: machine.Event, Value: fmt.Sprintf("%v>%v", p.Remote, p.Local)})
}

func (c *counter) Expire(now machine.Time) {
	c.out.Begin()
	if c.ping <= now {
		c.ping = now.Add(time.Second)
		c.out.Push(machine.Action{Kind: machine.Send, Path: c.peer, Data: []byte("ping")})
	}
}

func (c *counter) Deadline() machine.Time                               { return c.ping }
func (c *counter) Next() (machine.Action, bool)                         { return c.out.Next() }
func (c *counter) Persisted(machine.Time, machine.Seq)                  { c.out.Begin() }
func (c *counter) PersistFailed(_ machine.Time, _ machine.Seq, _ error) { c.out.Begin(); c.fail++ }

var (
	serverAddr = netip.MustParseAddr("192.0.2.1")
	deviceAddr = netip.MustParseAddr("10.0.0.2")
)

// pinger boots a device that writes to the server every second.
func pinger(w *World, n *Network) *Node {
	d := w.Node("device", n, deviceAddr)
	c := newCounter(nil)
	c.mute, c.ping = true, w.Now().Add(time.Second)
	c.peer = machine.Path{Local: netip.AddrPortFrom(deviceAddr, 1000), Remote: netip.AddrPortFrom(serverAddr, 5683)}
	d.Boot(c)
	return d
}

func TestSameSeedSameTranscript(t *testing.T) {
	run := func(seed uint64) []string {
		w := New(seed)
		n := w.Network("net", LinkConfig{Loss: 0.2, Duplicate: 0.2, Reorder: 0.2, DelayMin: time.Millisecond, DelayMax: 50 * time.Millisecond})
		s := w.Node("server", n, serverAddr)
		s.Boot(newCounter(nil))
		pinger(w, n)
		w.RunFor(2 * time.Minute)
		st := n.Stats()
		if st.Lost == 0 || st.Duplicated == 0 || st.Reordered == 0 || st.Delivered == 0 {
			t.Fatalf("seed %d: the network does not do its work: %+v", seed, st)
		}
		return w.Transcript()
	}
	if a, b := run(1), run(1); !slices.Equal(a, b) {
		t.Fatal("two runs of seed 1 differ")
	}
	if a, b := run(1), run(2); slices.Equal(a, b) {
		t.Fatal("seeds 1 and 2 gave the same transcript")
	}
}

// What was answered survives every crash; what was not may be lost.
func TestAnsweredIsDurable(t *testing.T) {
	for seed := range uint64(50) {
		w := New(seed)
		w.Quiet = true
		n := w.Network("net", LinkConfig{})
		s := w.Node("server", n, serverAddr)
		s.Disk().SyncDelay = 300 * time.Millisecond
		s.Boot(newCounter(s.Disk()))
		var answered byte
		n.Tap(func(_ machine.Time, from, _ netip.AddrPort, b []byte) {
			if from.Addr() == serverAddr {
				answered = max(answered, b[0])
			}
		})
		for i := range 40 {
			w.After(time.Duration(i)*100*time.Millisecond, func() {
				n.Inject(netip.MustParseAddrPort("192.0.2.9:9"), netip.AddrPortFrom(serverAddr, 5683), []byte("x"))
			})
		}
		for range 5 {
			w.RunFor(time.Duration(w.Rand(fmt.Sprint("crash", w.Now())).Uint64() % uint64(time.Second)))
			s.Crash()
			c := newCounter(s.Disk())
			if c.n < answered {
				t.Fatalf("seed %d: %d was answered, but the disk has %d", seed, answered, c.n)
			}
			s.Boot(c)
		}
		w.RunFor(10 * time.Second)
		if answered == 0 {
			t.Fatalf("seed %d: nothing was ever answered", seed)
		}
	}
}

func TestDiskFull(t *testing.T) {
	w := New(1)
	n := w.Network("net", LinkConfig{})
	s := w.Node("server", n, serverAddr)
	c := newCounter(s.Disk())
	s.Boot(c)
	var answers int
	n.Tap(func(_ machine.Time, from, _ netip.AddrPort, _ []byte) {
		if from.Addr() == serverAddr {
			answers++
		}
	})
	ask := func() {
		n.Inject(netip.MustParseAddrPort("192.0.2.9:9"), netip.AddrPortFrom(serverAddr, 5683), []byte("x"))
		w.RunFor(time.Second)
	}
	s.Disk().Full = true
	ask()
	if c.fail != 1 || answers != 0 {
		t.Fatalf("full disk: %d failures told, %d answers", c.fail, answers)
	}
	s.Disk().Full = false
	ask()
	if answers != 1 || s.Disk().Commits() != 1 {
		t.Fatalf("space again: %d answers, %d commits", answers, s.Disk().Commits())
	}
}

func TestNATForgetsAndMoves(t *testing.T) {
	w := New(1)
	inside, outside := w.Network("inside", LinkConfig{}), w.Network("outside", LinkConfig{})
	nat := w.NAT(inside, outside, netip.MustParseAddr("198.51.100.7"), 30*time.Second)
	s := w.Node("server", outside, serverAddr)
	var seen []string
	s.OnAction = func(_ machine.Time, a machine.Action) { seen = append(seen, a.Value.(string)) }
	s.Boot(newCounter(nil))
	d := w.Node("device", inside, deviceAddr)
	var heard int
	d.OnAction = func(machine.Time, machine.Action) { heard++ }
	d.Boot(newCounter(nil))
	say := func() {
		inside.Inject(netip.AddrPortFrom(deviceAddr, 1000), netip.AddrPortFrom(serverAddr, 5683), []byte("x"))
		w.RunFor(time.Second)
	}
	d.Crash() // so that nobody answers answers without end
	say()
	say()
	w.RunFor(time.Minute)
	if nat.Mappings() != 0 {
		t.Fatal("the NAT did not forget")
	}
	outside.Inject(netip.AddrPortFrom(serverAddr, 5683), netip.MustParseAddrPort("198.51.100.7:20001"), []byte("late"))
	w.RunFor(time.Second)
	say()
	nat.Forget()
	say()
	want := []string{"198.51.100.7:20001>192.0.2.1:5683", "198.51.100.7:20001>192.0.2.1:5683", "198.51.100.7:20002>192.0.2.1:5683", "198.51.100.7:20003>192.0.2.1:5683"}
	if !reflect.DeepEqual(seen, want) {
		t.Fatalf("the server saw %q, want %q", seen, want)
	}
	if heard != 0 {
		t.Fatalf("%d datagrams came through a mapping that was forgotten, or to a computer that is off", heard)
	}
}

func TestMove(t *testing.T) {
	w := New(1)
	n := w.Network("net", LinkConfig{})
	s := w.Node("server", n, serverAddr)
	s.Boot(newCounter(nil))
	d := pinger(w, n)
	moved := netip.MustParseAddr("10.0.0.3")
	var from, reached []netip.Addr
	n.Tap(func(_ machine.Time, f, to netip.AddrPort, _ []byte) {
		if to.Addr() == serverAddr {
			from = append(from, f.Addr())
		}
	})
	w.RunFor(1500 * time.Millisecond)
	d.OnAction = func(machine.Time, machine.Action) { reached = append(reached, d.addrs...) }
	d.Move(deviceAddr, moved)
	w.RunFor(time.Second)
	n.Inject(netip.AddrPortFrom(serverAddr, 5683), netip.AddrPortFrom(deviceAddr, 1000), []byte("to the old address"))
	n.Inject(netip.AddrPortFrom(serverAddr, 5683), netip.AddrPortFrom(moved, 1000), []byte("to the new address"))
	w.RunFor(10 * time.Millisecond)
	if want := []netip.Addr{deviceAddr, moved}; !slices.Equal(from, want) {
		t.Errorf("the device wrote from %v, want %v", from, want)
	}
	// Reached by the answer to its ping and by the second of the injected datagrams.
	if want := []netip.Addr{moved, moved}; !slices.Equal(reached, want) || n.Stats().NoRoute != 1 {
		t.Errorf("reached at %v, want %v; %d datagrams without a route, want 1", reached, want, n.Stats().NoRoute)
	}
}
