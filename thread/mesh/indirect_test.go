package mesh

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

const sleepy = neighbor.Mode(0)

// poll has a child poll: its parent answers at once.
func (w *world) poll(parent *testNode, c *neighbor.Child) {
	w.logf("poll")
	parent.m.ChildListens(w.now, c)
	w.run(20 * time.Millisecond)
}

// A ping to a child that sleeps waits for its poll; large ones take as many polls as fragments.
func TestSleepyChild(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	s, c := w.child(n[1], sleepy)
	n[1].m.Resolver.Clear(w.now)
	if got := n[0].ping(s.rloc(), 8, time.Second); len(got) != 0 || c.Queued != 1 {
		t.Fatalf("%v, %d queued", got, c.Queued)
	}
	w.log = nil
	w.poll(n[1], c)
	want(t, n[0].got, "8 bytes from "+s.rloc().String()+" hops 63") // its parent's IPv6 layer passes it on
	if c.Queued != 0 || n[1].m.Info().Messages != 0 {
		t.Errorf("%d queued", c.Queued)
	}
	want(t, w.log,
		" 1000 poll",
		" 1000 0800 > 0x0801 len 22",
		" 1001 0801 > 0x0800 len 21",
		" 1001 0800 match 0801 0",
		" 1002 0800 > 0x0400 len 22",
	)
	n[0].ping(s.eid(), 200, time.Second)
	polls := 0
	for ; c.Queued > 0 && polls < 10; polls++ {
		w.poll(n[1], c)
	}
	if want(t, n[0].got, "200 bytes from "+s.eid().String()+" hops 63"); polls != 3 {
		t.Errorf("%d polls", polls)
	}
	// Two datagrams: the first frame says that there is more.
	n[0].ping(s.rloc(), 8, 10*time.Millisecond)
	n[0].ping(s.rloc(), 9, 10*time.Millisecond)
	w.log = nil
	w.poll(n[1], c)
	if got := w.log[1]; got[len(got)-4:] != "more" {
		t.Error(got)
	}
	w.poll(n[1], c)
	if len(n[0].got) != 2 {
		t.Error(n[0].got)
	}
	// An empty frame, when there is nothing after all.
	w.log = nil
	w.poll(n[1], c)
	if got := w.log[1][5:]; got != " 0800 > 0x0801 len 0" {
		t.Error(got)
	}
}

// A multicast is kept for each child that sleeps and listens to the group, once.
func TestMulticastToSleepyChildren(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	var children []*neighbor.Child
	var nodes []*testNode
	for range 3 {
		s, c := w.child(n[2], sleepy)
		children, nodes = append(children, c), append(nodes, s)
	}
	group := ip6.MustParse("ff03::abcd")
	children[1].AddAddress(group, 10)
	n[0].ping(group, 10, time.Second)
	for i, c := range children {
		if want := uint16(i & 1); c.Queued != want {
			t.Errorf("child %d: %d queued, want %d", i, c.Queued, want)
		}
	}
	n[0].ping(ip6.RealmLocalAllThreadNodes(testNetwork), 10, time.Second)
	for i, c := range children {
		if want := uint16(i&1 + 1); c.Queued != want {
			t.Errorf("child %d: %d queued, want %d", i, c.Queued, want)
		}
	}
	for range 2 {
		for _, c := range children {
			w.poll(n[2], c)
			w.run(time.Second)
		}
	}
	if got := len(n[0].got); got != 2+3+1 { // routers, children, and the child that answers the first ping only now
		t.Errorf("%d answers: %v", got, n[0].got)
	}
	if i := n[2].m.Info(); i.Messages != 0 {
		t.Errorf("%+v", i)
	}
	_ = nodes
}

// A child that does not answer loses its datagram, and the sender of it is told.
func TestChildDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	s, c := w.child(n[0], sleepy)
	b := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: n[0].rloc(), Dst: s.rloc()}, 1, 2, make([]byte, 300))
	if err := n[0].m.Send(w.now, &Datagram{IP: b, Tag: 7}); err != nil {
		t.Fatal(err)
	}
	w.lose = func(*testNode, *Frame) bool { return true }
	w.poll(n[0], c)
	if err, told := n[0].results[7]; err != status.NoAck || !told || c.Queued != 0 {
		t.Errorf("%v %v %d", err, told, c.Queued)
	}
	if k := n[0].m.Counters; k.TxFailure != 1 || k.TxSuccess != 0 {
		t.Errorf("%+v", k)
	}
}

// What waits for a child goes when the child goes, and is sent at once when it does not sleep any more.
func TestChildChanges(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	s, c := w.child(n[0], sleepy)
	n[0].ping(s.rloc(), 8, time.Second)
	n[0].ping(s.rloc(), 8, time.Second)
	n[0].m.ClearChild(w.now, c)
	if i := n[0].m.Info(); i.Messages != 0 || c.Queued != 0 {
		t.Errorf("%+v %d", i, c.Queued)
	}
	n[0].ping(s.rloc(), 8, time.Second)
	old := c.Mode
	c.Mode = neighbor.ModeRxOnWhenIdle
	n[0].m.ChildModeChanged(w.now, c, old)
	w.run(time.Second)
	want(t, n[0].got, "8 bytes from "+s.rloc().String()+" hops 64")
	c.Mode = sleepy
	n[0].ping(s.rloc(), 8, time.Second)
	w.nodes[0].table.RemoveChild(c) // and nobody tells us
	o, oc := w.child(n[0], sleepy)
	w.poll(n[0], oc)
	if i := n[0].m.Info(); i.Messages != 0 {
		t.Errorf("%+v", i)
	}
	_ = o
}

// Supervision is an empty frame, unless the child gets something else.
func TestSupervision(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	s, c := w.child(n[0], sleepy)
	n[0].m.SendSupervision(w.now, c)
	n[0].m.SendSupervision(w.now, c)
	if c.Queued != 1 {
		t.Fatal(c.Queued)
	}
	n[0].ping(s.rloc(), 8, time.Second)
	if c.Queued != 1 || n[0].m.Info().Messages != 1 {
		t.Errorf("%d queued, %+v", c.Queued, n[0].m.Info())
	}
	w.poll(n[0], c)
	if len(n[0].got) != 1 || c.Queued != 0 {
		t.Error(n[0].got)
	}
	n[0].m.SendSupervision(w.now, c)
	c.SinceSupervise = 9
	w.poll(n[0], c)
	if c.Queued != 0 || c.SinceSupervise != 0 {
		t.Errorf("%d %d", c.Queued, c.SinceSupervise)
	}
}

func TestRemoveFor(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	s, c := w.child(n[0], sleepy)
	for i, k := range []Kind{Plain, MLE, MLEChildUpdateRequest, Plain} {
		b := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: n[0].addresses[2], Dst: ip6.LinkLocal(s.table.Self.Ext)}, 1, 2, []byte(fmt.Sprint(i)))
		_ = n[0].m.Send(w.now, &Datagram{IP: b, Kind: k})
	}
	if !n[0].m.HasQueuedFor(c, MLEChildUpdateRequest) || c.Queued != 4 {
		t.Error(c.Queued)
	}
	n[0].m.RemoveFor(w.now, c, func(k Kind) bool { return k == MLEChildUpdateRequest })
	if n[0].m.HasQueuedFor(c, MLEChildUpdateRequest) || c.Queued != 3 {
		t.Error(c.Queued)
	}
	n[0].m.RemoveFor(w.now, c, Kind.IsMLE)
	if c.Queued != 2 || n[0].m.Info().Messages != 2 {
		t.Error(c.Queued)
	}
}

// A child that hears nothing else gets an empty frame in each interval.
func TestSupervisionInterval(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	s, c := w.child(n[0], sleepy)
	c.Supervision = 30
	n[0].ping(s.rloc(), 8, time.Second)
	w.poll(n[0], c)
	for range 5 {
		w.run(27 * time.Second)
		if c.Queued != 0 {
			t.Errorf("too early: %d s", c.SinceSupervise)
		}
		w.run(5 * time.Second)
		if c.Queued != 1 {
			t.Errorf("%d queued after %d s", c.Queued, c.SinceSupervise)
		}
		w.poll(n[0], c)
	}
	n[0].table.RemoveChild(c)
	w.run(3 * time.Second)
	if n[0].m.Deadline() != machine.Never {
		t.Error("it ticks on")
	}
}
