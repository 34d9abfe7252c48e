package offers

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// process compares how many entries like x the network has with how many it should have.
func (m *Manager) process(now machine.Time, x *publication) {
	if !m.env.Attached() {
		return
	}
	total, preferred, desired := m.count(x)
	switch x.state {
	case toAdd:
		if total < desired {
			m.schedule(now, x, adding, m.draw(maxDelayToAdd))
		}
	case adding:
		if total >= desired {
			x.state = toAdd
		} else if x.at == machine.Never { // there was no room; perhaps there is now
			m.schedule(now, x, adding, m.draw(maxDelayToAdd))
		}
	case added:
		if total > desired {
			d := m.draw(maxDelayToRemove)
			if preferred < desired {
				d += extraDelayPreferred
			}
			m.schedule(now, x, removing, d)
		}
	case removing:
		if total <= desired {
			x.state = added
		}
	}
}

// draw returns 1 to most-1 ms.
func (m *Manager) draw(most uint64) time.Duration {
	return time.Duration(1+m.rand.Uint64()%(most-1)) * time.Millisecond
}

func (m *Manager) schedule(now machine.Time, x *publication, s publishState, d time.Duration) {
	x.state, x.at = s, now.Add(d)
	m.pub.deadline = min(m.pub.deadline, x.at)
}

// preferredTo reports whether another node's entry goes before this node's: a router before an end device, else the
// smaller locator.
func (m *Manager) preferredTo(rloc16 uint16) bool {
	if router := rloc16&0x1ff == 0; router != m.env.Router() {
		return router
	}
	return rloc16 < m.env.RLOC16()
}

func (m *Manager) count(x *publication) (total, preferred, desired int) {
	note := func(better bool, rloc16 uint16) {
		total++
		if better || m.preferredTo(rloc16) {
			preferred++
		}
	}
	d := m.Data()
	switch x.kind {
	case publishedOnMesh:
		desired = desiredOnMesh
		m.countEntries(x, netdata.KindBorderRouter, 14, note)
	case publishedRoute:
		desired = desiredRoute
		m.countEntries(x, netdata.KindHasRoute, 6, note)
	case publishedAnycast:
		desired = desiredAnycast
		for _, a := range d.DNSSRPAnycast(nil) {
			if a.Sequence == x.sequence && a.Version >= x.server.Version {
				note(a.Version > x.server.Version, a.RLOC16)
			}
		}
	default:
		desired = desiredUnicast
		inService := x.kind == publishedUnicast
		for _, u := range d.DNSSRPUnicast(nil, m.env.MeshLocalPrefix()) {
			if u.InService != inService {
				if u.InService { // somebody wants that one: no others by themselves
					desired = 0
				}
				continue
			}
			if u.Version >= x.server.Version {
				note(u.Version > x.server.Version, u.RLOC16)
			}
		}
		if !inService && len(d.DNSSRPAnycast(nil)) > 0 {
			desired = 0
		}
	}
	return total, preferred, desired
}

// countEntries counts stable entries with x's flags and at least its preference, which is in the upper bits.
func (m *Manager) countEntries(x *publication, kind uint8, shift int, note func(better bool, rloc16 uint16)) {
	d := m.Data()
	t, ok := d.FindPrefix(x.prefix.Addr[:], x.prefix.Bits)
	if !ok {
		return
	}
	s, ok := t.Find(d, kind, true)
	if !ok {
		return
	}
	mine := ip6.Preference(uint8(x.flags >> shift))
	for v, n := s.Value(d), netdata.EntrySize(kind); len(v) >= n; v = v[n:] {
		f := uint16(v[2])
		if n == 4 {
			f = binary.BigEndian.Uint16(v[2:])
		}
		if p := ip6.Preference(uint8(f >> shift)); (f^x.flags)&(1<<shift-1) == 0 && p >= mine {
			note(p > mine, netdata.EntryRLOC16(v))
		}
	}
}
