package mesh

import (
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/lowpan"
)

// benchEnv takes what a Mesh sends and does nothing with it.
type benchEnv struct {
	testNode
	frame *Frame
}

func (e *benchEnv) SendFrame(now machine.Time, f *Frame)    { e.frame = f }
func (e *benchEnv) Deliver(machine.Time, []byte, *LinkInfo) {}

func benchMesh(tb testing.TB) (*Mesh, *benchEnv, *world) {
	w := newWorld(nil)
	n := w.line(3)
	e := &benchEnv{testNode: *n[1]}
	m := New(Config{Table: n[1].table, Rand: n[1].m.rand, FTD: true, Pool: w.pool}, e)
	m.Start()
	return m, e, w
}

// forwardOne takes a frame of others in and passes it on.
func forwardOne(m *Mesh, e *benchEnv, now machine.Time, rx *Rx) {
	m.Received(now, rx)
	if m.delayUntil != machine.Never {
		m.Expire(m.delayUntil)
	}
	f := e.frame
	e.frame = nil
	m.Sent(now, f, Result{})
}

// One frame with a mesh header: its 6LoWPAN headers are read, and it is sent on.
func BenchmarkForward(b *testing.B) {
	m, e, w := benchMesh(b)
	ip := udpTo(w.nodes[0].eid(), w.nodes[2].rloc(), 0, 50)
	rx := meshed(0x0400, lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0c00}, nil, ip)
	now := w.now
	b.ReportAllocs()
	for b.Loop() {
		forwardOne(m, e, now, rx)
		now += 1e7
	}
	if m.Counters.Forwarded == 0 || m.Counters.Malformed+m.Counters.NoRoute != 0 {
		b.Fatalf("%+v", m.Counters)
	}
}

// One frame that is for us: to a datagram, and up.
func BenchmarkReceive(b *testing.B) {
	m, _, w := benchMesh(b)
	ip := udpTo(w.nodes[0].eid(), w.nodes[1].rloc(), 0, 50)
	rx := meshed(0x0400, lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0800}, nil, ip)
	b.ReportAllocs()
	for b.Loop() {
		m.Received(w.now, rx)
	}
}

// One datagram of ours, down to its frame.
func BenchmarkSend(b *testing.B) {
	m, e, w := benchMesh(b)
	d := &Datagram{IP: udpTo(w.nodes[1].rloc(), w.nodes[2].rloc(), 0, 50), Priority: Normal}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Send(w.now, d); err != nil {
			b.Fatal(err)
		}
		m.Sent(w.now, e.frame, Result{})
	}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	m, e, w := benchMesh(t)
	ip := udpTo(w.nodes[0].eid(), w.nodes[2].rloc(), 0, 50)
	rx := meshed(0x0400, lowpan.MeshHeader{HopsLeft: 9, Src: 0x0400, Dst: 0x0c00}, nil, ip)
	now := w.now
	if n := testing.AllocsPerRun(100, func() {
		forwardOne(m, e, now, rx)
		now += 1e7
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
