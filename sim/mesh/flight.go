package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/radio"
)

// flight is a frame between the wish to send it and its end. Flights are used again.
type flight struct {
	air     radio.Air
	request radio.Transmit // its PSDU is air's
	from    *Node
	cause   machine.Cause

	// With air time:
	start, end machine.Time
	others     []*Node // who sent on the same channel at the same time, be it for a part of it
	onAir      bool
	landing    bool // its hearers are being told: it is not given back yet
}

func (m *Medium) newFlight(from *Node, t *radio.Transmit) *flight {
	f := m.blank(from, t.Channel, t.PSDU)
	f.request = *t
	f.request.PSDU = f.air.PSDU
	return f
}

func (m *Medium) blank(from *Node, channel uint8, psdu []byte) *flight {
	var f *flight
	if n := len(m.free); n > 0 {
		f, m.free = m.free[n-1], m.free[:n-1]
	} else {
		f = new(flight)
	}
	if channel < firstChannel || channel >= firstChannel+channels {
		panic("mesh: " + from.name + " sends on a channel that is none")
	}
	f.air.Set(channel, psdu)
	f.from, f.cause, f.start, f.onAir, f.landing = from, 0, 0, false, false
	f.others = f.others[:0]
	return f
}

// release gives a flight back, once nobody looks at it.
func (m *Medium) release(f *flight) {
	if !f.onAir {
		m.free = append(m.free, f)
	}
}

// orphan leaves a flight to the air, where it only disturbs: its sender is gone.
func (f *flight) orphan(m *Medium) {
	if f.onAir {
		m.world.At(f.end, func() { m.land(f); m.release(f) })
	} else {
		m.release(f)
	}
}
