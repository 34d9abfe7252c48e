package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
)

// partial is a datagram of which fragments are missing. Thread's fragments come in order, so that it is known by what must
// come next.
type partial struct {
	src     ieee802154.Address
	tag     uint16
	size    int
	secured bool
	packet  ip6.Packet
	parsed  bool
	ip      []byte
	rssi    int // sum
	frames  int
	at      machine.Time // of the last fragment
}

// SetRxOnWhenIdle says whether our receiver is on. A device that sleeps puts one datagram together at a time.
func (m *Mesh) SetRxOnWhenIdle(on bool) { m.asleep = !on }

// receiveFragment takes in one fragment.
func (m *Mesh) receiveFragment(now machine.Time, in *incoming) {
	f, n, err := lowpan.ParseFragment(in.payload)
	if err != nil {
		m.Counters.Malformed++
		return
	}
	if f.Offset == 0 {
		m.firstFragment(now, in, f, in.payload[n:])
	} else {
		m.nextFragment(now, in, f, in.payload[n:])
	}
}

func (m *Mesh) firstFragment(now machine.Time, in *incoming, f lowpan.FragmentHeader, frame []byte) {
	if err := m.decompress(in, frame, f.Size); err != nil {
		m.Counters.Malformed++
		return
	}
	defer m.release(in)
	if len(in.buf) > f.Size {
		m.Counters.Malformed++
		return
	}
	if !m.accepts(in) {
		return
	}
	m.snoop(now, in)
	m.checkReachable(now, in)
	if m.asleep && in.secured() {
		m.clearPartials()
	}
	priority := Normal
	if in.parsed {
		priority = PriorityOf(&in.packet, m.table.Self.MeshLocal)
	}
	m.replacePartial(in, f)
	if len(m.partials) >= m.cfg.MaxReassembly && !m.dropPartial(in) || !m.room(now, f.Size, priority) {
		m.Counters.ReassemblyFull++
		m.Counters.RxFailure++
		return
	}
	p := &partial{src: in.src, tag: f.Tag, size: f.Size, secured: in.secured(), packet: in.packet, parsed: in.parsed, at: now}
	p.ip = append(make([]byte, 0, f.Size), in.buf...)
	p.rssi, p.frames = int(in.rx.RSSI), 1
	m.partials = append(m.partials, p)
	m.wantTick(now)
	m.finishPartial(now, in, p)
}

// dropPartial makes room for another datagram: one that is not secured goes first, then one of the same sender, then the
// one that has waited longest; never one that is secured for one that is not.
func (m *Mesh) dropPartial(in *incoming) bool {
	victim, rank := -1, 0
	for i, p := range m.partials {
		r := 1
		switch {
		case p.secured && !in.secured():
			continue
		case !p.secured && in.secured():
			r = 3
		case p.src == in.src:
			r = 2
		}
		if r > rank || r == rank && p.at < m.partials[victim].at {
			victim, rank = i, r
		}
	}
	if victim < 0 {
		return false
	}
	m.Counters.ReassemblyFull++
	m.Counters.RxFailure++
	m.removePartial(victim)
	return true
}

// replacePartial drops what an earlier first fragment with the same tag has begun.
func (m *Mesh) replacePartial(in *incoming, f lowpan.FragmentHeader) {
	for i, p := range m.partials {
		if p.src == in.src && p.tag == f.Tag && p.size == f.Size && p.secured == in.secured() {
			m.Counters.RxFailure++
			m.removePartial(i)
			return
		}
	}
}

func (m *Mesh) nextFragment(now machine.Time, in *incoming, f lowpan.FragmentHeader, b []byte) {
	for _, p := range m.partials {
		if p.size == f.Size && p.tag == f.Tag && p.src == in.src && len(p.ip) == f.Offset && len(p.ip)+len(b) <= p.size &&
			p.secured == in.secured() && len(b) > 0 {
			p.ip = append(p.ip, b...)
			p.at = now
			p.rssi += int(in.rx.RSSI)
			p.frames++
			m.finishPartial(now, in, p)
			return
		}
	}
	m.Counters.StrayFragments++
	// A parent sends its child one datagram after the other: what is there will not be finished.
	if m.asleep && in.secured() {
		m.clearPartials()
	}
}

// finishPartial delivers a datagram if it is whole.
func (m *Mesh) finishPartial(now machine.Time, in *incoming, p *partial) {
	if len(p.ip) < p.size {
		return
	}
	for i, q := range m.partials {
		if q == p {
			m.partials = removeAt(m.partials, i)
			break
		}
	}
	rx := *in.rx
	rx.RSSI = int8(p.rssi / p.frames)
	whole := *in
	whole.rx, whole.packet, whole.parsed = &rx, p.packet, p.parsed
	m.deliver(now, &whole, p.ip, true)
}

func (m *Mesh) removePartial(i int) {
	m.partials = removeAt(m.partials, i)
}

func removeAt[T any](s []T, i int) []T {
	var zero T
	copy(s[i:], s[i+1:])
	s[len(s)-1] = zero
	if s = s[:len(s)-1]; len(s) == 0 {
		return nil
	}
	return s
}

// clearPartials drops all datagrams under way.
func (m *Mesh) clearPartials() {
	m.Counters.RxFailure += uint32(len(m.partials))
	m.partials = nil
}

// expirePartials drops the datagrams whose next fragment does not come, and reports whether any are left.
func (m *Mesh) expirePartials(now machine.Time) bool {
	for i := 0; i < len(m.partials); {
		if now.Sub(m.partials[i].at) >= reassemblyTimeout {
			m.Counters.ReassemblyTimeout++
			m.Counters.RxFailure++
			m.removePartial(i)
		} else {
			i++
		}
	}
	return len(m.partials) > 0
}
