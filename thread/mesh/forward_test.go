package mesh

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

func addr(short uint16) ieee802154.Address { return ieee802154.ShortAddr(short) }

// meshed makes a secured frame with a mesh header around a UDP datagram, or a part of one.
func meshed(from uint16, h lowpan.MeshHeader, f *lowpan.FragmentHeader, ip []byte) *Rx {
	b := h.Append(nil)
	if f != nil {
		b = f.Append(b)
	}
	if f == nil || f.Offset == 0 {
		env := &testNode{}
		out, used, err := lowpan.AppendCompressed(b, ip, h.Link(), env, 200)
		if err != nil {
			panic(err)
		}
		b = out
		ip = ip[used:]
	} else {
		ip = ip[f.Offset:]
	}
	if room := 127 - 21 - len(b); len(ip) > room {
		ip = ip[:room&^7]
	}
	return &Rx{Src: addr(from), Dst: addr(0xffff), SrcPAN: 0xabcd, Payload: append(b, ip...), Security: Mode1}
}

func udpTo(src, dst ip6.Address, dscp uint8, n int) []byte {
	return ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, DSCP: dscp, Src: src, Dst: dst}, 5000, 5000, make([]byte, n))
}

// A frame comes back from where it would be sent to: the route is given up.
func TestRouteLoop(t *testing.T) {
	w := newWorld(t)
	n := w.line(4)
	ip := udpTo(n[0].rloc(), n[3].rloc(), 0, 8)
	rx := meshed(0x0c00, lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x1000}, nil, ip)
	n[1].m.Received(w.now, rx)
	w.run(time.Second)
	if n[1].loops != 1 || n[1].table.PathCost(0x1000) < neighbor.MaxRouteCost {
		t.Errorf("%d loops, cost %d", n[1].loops, n[1].table.PathCost(0x1000))
	}
	if len(n[0].got) != 1 || n[1].m.Counters.NoRoute != 1 { // it hears that there is no way
		t.Errorf("%v %+v", n[0].got, n[1].m.Counters)
	}
}

// Unreachable: no such router, no such child, no hops left, an unsecured frame, an odd header.
func TestForwardRefuses(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	for i, c := range []struct {
		h       lowpan.MeshHeader
		dst     ip6.Address
		errors  int
		counter func(*Counters) uint32
	}{
		{lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x5000}, n[0].eid(), 1, func(c *Counters) uint32 { return c.NoRoute }},
		{lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0805}, n[0].eid(), 1, func(c *Counters) uint32 { return c.NoRoute }},
		{lowpan.MeshHeader{HopsLeft: 0, Src: 0x0400, Dst: 0x0c00}, n[2].eid(), 0, func(c *Counters) uint32 { return c.NoRoute }},
	} {
		n[0].got = nil
		before := c.counter(&n[1].m.Counters)
		n[1].m.Received(w.now, meshed(0x0400, c.h, nil, udpTo(n[0].eid(), c.dst, 0, 8)))
		w.run(time.Second)
		if c.counter(&n[1].m.Counters) != before+1 || len(n[0].got) != c.errors {
			t.Errorf("%d: %+v, %v", i, n[1].m.Counters, n[0].got)
		}
	}
	rx := meshed(0x0400, lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0c00}, nil, udpTo(n[0].eid(), n[2].rloc(), 0, 8))
	rx.Security = Unsecured
	n[1].m.Received(w.now, rx)
	rx.Security = Mode1
	for i := range rx.Payload {
		short := *rx
		short.Payload = rx.Payload[:i]
		n[1].m.Received(w.now, &short)
	}
	if c := n[1].m.Counters; c.Unsecured != 1 || c.Malformed < 5 {
		t.Errorf("%+v", c)
	}
}

// Later fragments have the priority of the first; the table of what is under way is bounded and forgets.
func TestFragmentPriority(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	m := n[1].m
	m.Pause(w.now, true)
	ip := udpTo(n[0].rloc(), n[2].rloc(), 40, 300)
	h := lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0c00}
	low := udpTo(n[0].rloc(), n[2].rloc(), 8, 8)
	m.Received(w.now, meshed(0x0400, h, nil, low))
	m.Received(w.now, meshed(0x0400, h, &lowpan.FragmentHeader{Size: len(ip), Tag: 5}, ip))
	m.Received(w.now, meshed(0x0400, h, &lowpan.FragmentHeader{Size: len(ip), Tag: 5, Offset: 136}, ip))
	var got []Priority
	for x := m.queue.head; x != nil; x = x.next {
		got = append(got, x.priority)
	}
	if len(got) != 3 || got[0] != High || got[1] != High || got[2] != Low {
		t.Errorf("%v", got)
	}
	for i := range 100 {
		m.Received(w.now, meshed(0x0400, h, &lowpan.FragmentHeader{Size: len(ip), Tag: uint16(i + 100)}, ip))
	}
	if len(m.forwards) != 16 {
		t.Error(len(m.forwards))
	}
	m.Pause(w.now, false)
	w.run(5 * time.Minute)
	if len(m.forwards) != 0 || m.Info().Messages != 0 {
		t.Errorf("%d forwards, %+v", len(m.forwards), m.Info())
	}
}

// What waited too long is marked or dropped; our own is not.
func TestTimeInQueue(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	m := n[1].m
	m.Pause(w.now, true)
	ect := udpTo(n[0].rloc(), n[2].rloc(), 0, 8)
	ip6.SetECN(ect, ip6.ECT0)
	plain := udpTo(n[0].rloc(), n[2].rloc(), 0, 9)
	own := udpTo(n[1].rloc(), n[2].rloc(), 0, 10)
	h := lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0c00}
	for _, ip := range [][]byte{ect, plain} {
		m.Received(w.now, meshed(0x0400, h, nil, ip))
		_ = m.Send(w.now, &Datagram{IP: ip})
	}
	_ = m.Send(w.now, &Datagram{IP: own})
	w.run(600 * time.Millisecond)
	m.Pause(w.now, false)
	w.run(time.Second)
	if m.Counters.QueueDropped != 2 || len(n[2].got) != 3 {
		t.Errorf("%+v %v", m.Counters, n[2].got)
	}
	m.Pause(w.now, true)
	m.Received(w.now, meshed(0x0400, h, nil, ect))
	ip := udpTo(n[0].rloc(), n[2].rloc(), 0, 300)
	m.Received(w.now, meshed(0x0400, h, &lowpan.FragmentHeader{Size: len(ip), Tag: 5}, ip))
	m.Received(w.now, meshed(0x0400, h, &lowpan.FragmentHeader{Size: len(ip), Tag: 5, Offset: 136}, ip))
	w.run(1100 * time.Millisecond)
	m.Pause(w.now, false)
	w.run(time.Second)
	if m.Counters.QueueDropped != 5 || m.Info().Messages != 0 {
		t.Errorf("%+v", m.Counters)
	}
	if s := m.QueueStats(); s.Max < 1100*time.Millisecond || s.Bins[QueueBins-1] < 3 {
		t.Errorf("%v %v", s.Max, s.Bins)
	}
}

// A full queue drops the least important first, and never grows beyond its buffers.
func TestEviction(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	m := n[0].m
	m.cfg.Buffers = 48 // 8 of the largest
	m.Pause(w.now, true)
	ip := udpTo(n[0].rloc(), n[1].rloc(), 0, 1200)
	sent := 0
	for i := range 200 {
		if m.Send(w.now, &Datagram{IP: ip, Priority: Priority(i & 3), Tag: Tag(i + 1)}) == nil {
			sent++
		}
	}
	i := m.Info()
	if i.Buffers > 48 || i.Messages != 8 {
		t.Errorf("%+v", i)
	}
	for x := m.queue.head; x != nil; x = x.next {
		if x.priority == Low {
			t.Error("one of low priority is left")
		}
	}
	if sent-len(n[0].results) != i.Messages {
		t.Errorf("%d sent, %d told, %d left", sent, len(n[0].results), i.Messages)
	}
	for tag, err := range n[0].results {
		if err != status.NoBufs && err != status.Drop {
			t.Errorf("%d: %v", tag, err)
		}
	}
	// A thousand small ones: at most 100 frames wait.
	m.Stop(w.now)
	m.cfg.Buffers = 256
	m.Start()
	m.Pause(w.now, true)
	for range 1000 {
		_ = m.Send(w.now, &Datagram{IP: udpTo(n[0].rloc(), n[1].rloc(), 0, 8), Priority: Normal})
	}
	if i = m.Info(); i.Messages > 100 {
		t.Errorf("%+v", i)
	}
}

// A router that does not acknowledge is lost after four failures.
func TestRouterLost(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	w.lose = func(from *testNode, f *Frame) bool { return true }
	for range 5 {
		n[0].ping(n[1].rloc(), 8, time.Second)
	}
	if len(n[0].lost) != 2 || n[0].lost[0] != 0x0800 {
		t.Errorf("%v", n[0].lost)
	}
	if c := n[0].m.Counters; c.TxFailure != 5 {
		t.Errorf("%+v", c)
	}
}

// Fragments that never end, from many: what is kept is bounded, those that are whole still get through, and all is gone in
// the end.
func TestFragmentsThatNeverEnd(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	m := n[1].m
	ip := udpTo(n[0].rloc(), n[1].rloc(), 0, 1200)
	flood := func(security Security) {
		for i := range 3000 {
			h := lowpan.FragmentHeader{Size: len(ip), Tag: uint16(i)}
			rx := meshed(0x0400, lowpan.MeshHeader{HopsLeft: 1, Src: uint16(i), Dst: 0x0800}, &h, ip)
			_, k, _ := lowpan.ParseMesh(rx.Payload)
			rx.Payload, rx.Src, rx.Dst, rx.Security = rx.Payload[k:], addr(uint16(i)), addr(0x0800), security
			m.Received(w.now, rx)
			if i := m.Info(); i.Reassembly > 8 || i.ReassemblyBytes > 8*lowpan.MaxDatagram {
				t.Fatalf("%+v", i)
			}
		}
	}
	flood(Unsecured)
	want(t, n[0].ping(n[1].rloc(), 1200, time.Second), "1200 bytes from "+n[1].rloc().String()+" hops 64")
	flood(Mode1)
	want(t, n[0].ping(n[1].rloc(), 1200, time.Second), "1200 bytes from "+n[1].rloc().String()+" hops 64")
	w.run(4 * time.Second)
	if i := m.Info(); i.Reassembly != 0 {
		t.Errorf("%+v", i)
	}
	if c := m.Counters; c.ReassemblyFull < 5000 || c.ReassemblyTimeout == 0 {
		t.Errorf("%+v", c)
	}
	// Fragments that overlap, or say another size, or are empty, or begin nowhere.
	for _, f := range []lowpan.FragmentHeader{{Size: 100, Tag: 9, Offset: 2040}, {Size: 0, Tag: 9}, {Size: 2047, Tag: 9, Offset: 8}, {Size: 40, Tag: 9}} {
		m.Received(w.now, &Rx{Src: addr(0x0400), Dst: addr(0x0800), Security: Mode1, Payload: append(f.Append(nil), bytes.Repeat([]byte{0x7e, 0x33}, 20)...)})
	}
	if i := m.Info(); i.Reassembly != 0 {
		t.Errorf("%+v", i)
	}
}

// MPL: each router sends a multicast twice, all get it once, and the seed set is bounded.
func TestMPL(t *testing.T) {
	w := newWorld(t)
	n := w.line(5)
	got := n[0].ping(ip6.RealmLocalAllNodes, 8, 2*time.Second)
	if len(got) != 4 {
		t.Errorf("%v", got)
	}
	sent := 0
	for _, l := range w.log {
		if bytes.Contains([]byte(l), []byte("> 0xffff")) {
			sent++
		}
	}
	queries := 0
	for _, o := range n {
		queries += o.queries()
	}
	if sent != 2*5*(1+queries) {
		t.Errorf("%d broadcasts for %d queries", sent, queries)
	}
	p := &n[0].m.MPL
	for i := range 5000 {
		p.learn(w.now, uint16(i%50), uint8(i/50))
	}
	if len(p.seeds) > seedEntries {
		t.Error(len(p.seeds))
	}
	w.run(20 * time.Second)
	if len(p.seeds) != 0 || n[0].m.Info().MPL != 0 {
		t.Errorf("%d seeds", len(p.seeds))
	}
}

func TestSeedSet(t *testing.T) {
	w := newWorld(t)
	p := &w.line(1)[0].m.MPL
	check := func(seed uint16, seq uint8, want bool) {
		t.Helper()
		if got := p.learn(w.now, seed, seq); got != want {
			t.Errorf("%d %d: %v", seed, seq, got)
		}
	}
	check(1, 5, true)
	check(1, 5, false)
	check(1, 3, true) // late, but there is room
	check(1, 250, true)
	for i := range seedEntries - 3 {
		check(2, uint8(i), true)
	}
	check(3, 1, true) // the oldest of seed 2 goes
	check(2, 0, false)
	check(2, 200, false) // older than all that is known
	check(1, 6, true)
	if len(p.seeds) != seedEntries {
		t.Error(len(p.seeds))
	}
}
