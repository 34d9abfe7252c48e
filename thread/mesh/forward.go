package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
)

// forward is what is remembered of a fragmented datagram of others: its later fragments say neither priority nor whether
// the first one was dropped.
type forward struct {
	src      uint16
	tag      uint16
	priority Priority
	drop     bool
	until    machine.Time
}

func (m *Mesh) findForward(src, tag uint16) *forward {
	for i := range m.forwards {
		if e := &m.forwards[i]; e.src == src && e.tag == tag {
			return e
		}
	}
	return nil
}

func (m *Mesh) forget(e *forward) {
	last := len(m.forwards) - 1
	*e = m.forwards[last]
	m.forwards = m.forwards[:last]
}

// expireForwards forgets what is old, and reports whether anything is left.
func (m *Mesh) expireForwards(now machine.Time) bool {
	for i := 0; i < len(m.forwards); {
		if m.forwards[i].until <= now {
			m.forget(&m.forwards[i])
		} else {
			i++
		}
	}
	return len(m.forwards) > 0
}

// receiveMesh takes in a frame with a mesh header: for us, for a child that has only us, or to be sent on
// (MeshForwarder::HandleMesh).
func (m *Mesh) receiveMesh(now machine.Time, in *incoming) {
	if !in.secured() {
		m.Counters.Unsecured++
		return
	}
	h, n, err := lowpan.ParseMesh(in.payload)
	if err != nil {
		m.Counters.Malformed++
		return
	}
	from := in.src
	in.payload = in.payload[n:]
	in.src, in.dst = ieee802154.ShortAddr(h.Src), ieee802154.ShortAddr(h.Dst)
	kind := lowpan.KindOf(in.payload)
	if h.Dst == m.table.Self.RLOC16 || m.table.HasMinimalChild(h.Dst) {
		switch kind {
		case lowpan.Fragment:
			m.receiveFragment(now, in)
		case lowpan.Compressed:
			m.receiveCompressed(now, in)
		default:
			m.Counters.Malformed++
		}
		return
	}
	if h.HopsLeft == 0 {
		m.Counters.NoRoute++
		return
	}
	m.forwardFrame(now, in, from, h, kind)
}

func (m *Mesh) forwardFrame(now machine.Time, in *incoming, from ieee802154.Address, h lowpan.MeshHeader, kind lowpan.Kind) {
	var f lowpan.FragmentHeader
	frame := in.payload
	if kind == lowpan.Fragment {
		var n int
		var err error
		if f, n, err = lowpan.ParseFragment(frame); err != nil {
			m.Counters.Malformed++
			return
		}
		frame = frame[n:]
	}
	if f.Offset == 0 && lowpan.KindOf(frame) == lowpan.Compressed {
		if err := m.decompress(in, frame, f.Size); err != nil {
			m.Counters.Malformed++
			return
		}
		defer m.release(in)
	}
	m.snoop(now, in)
	m.breakLoop(now, from, h.Dst)
	if in.parsed && !m.reachable(h.Dst, in.packet.Dst) {
		m.Counters.NoRoute++
		m.unreachable(now, in)
		return
	}
	priority := m.forwardPriority(now, in, h.Src, f, kind == lowpan.Fragment)
	if !m.room(now, len(in.payload)+6, priority) {
		m.Counters.QueueFull++
		return
	}
	m.Counters.Forwarded++
	h.HopsLeft--
	x := m.pool.get()
	x.content, x.priority, x.secure = meshFrame, priority, true
	x.data = append(h.Append(x.data[:0]), in.payload...)
	m.enqueue(now, x)
}

// breakLoop takes a route out when a frame comes from the next hop that it would be sent to.
func (m *Mesh) breakLoop(now machine.Time, from ieee802154.Address, dst uint16) {
	if from.Kind != ieee802154.Short {
		return
	}
	if hop, _ := m.table.NextHop(dst); hop != from.Short {
		return
	}
	r := m.table.Router(neighbor.RouterID(dst))
	if r == nil {
		return
	}
	m.Counters.RouteLoops++
	r.NextHop = neighbor.InvalidRouterID
	m.env.RouteLooped(now)
}

// forwardPriority returns the priority of a frame of others: from its headers, or as its first fragment had it.
func (m *Mesh) forwardPriority(now machine.Time, in *incoming, src uint16, f lowpan.FragmentHeader, fragment bool) Priority {
	priority := Normal
	if in.parsed {
		priority = PriorityOf(&in.packet, m.table.Self.MeshLocal)
	}
	if !fragment {
		return priority
	}
	e := m.findForward(src, f.Tag)
	if f.Offset > 0 {
		if e == nil {
			return Normal
		}
		e.until = now.Add(forwardMemory)
		return e.priority
	}
	if e == nil {
		if len(m.forwards) >= m.cfg.ForwardEntries {
			return priority
		}
		m.forwards = append(m.forwards, forward{src: src, tag: f.Tag})
		e = &m.forwards[len(m.forwards)-1]
		m.wantTick(now)
	}
	e.priority, e.drop = priority, false
	e.until = now.Add(forwardMemory)
	return priority
}
