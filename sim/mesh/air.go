package mesh

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// With air time: the 2.4 GHz radio of IEEE 802.15.4-2006. A symbol takes 16 us, a byte two of them.
const (
	byteTime        = 32 * time.Microsecond
	synchronisation = 5 // bytes: preamble and start of frame
	preamble        = 6 // and the length
	turnaround      = 192 * time.Microsecond
	ccaTime         = 128 * time.Microsecond
)

func airTime(psdu int) time.Duration { return time.Duration(preamble+psdu) * byteTime }

// look ends the look whether the channel is free. Who is still turning around from receive to send is not seen: that is
// when frames collide.
func (s *station) look() {
	m, f := s.node.medium, s.sending
	now := m.world.Now()
	if m.energy(s.node, f.air.Channel) >= m.config.CCA {
		s.finish(radio.ChannelBusy, nil)
		return
	}
	s.emit(now.Add(turnaround))
}

// emit puts the frame on the air from the instant at.
func (s *station) emit(at machine.Time) {
	m, f := s.node.medium, s.sending
	m.launch(f, at)
	s.left(f)
	s.account()
	s.step = stepSent
	s.timer.Set(f.end)
}

// launch adds a flight to what is on the air, and notes whom it meets there.
func (m *Medium) launch(f *flight, at machine.Time) {
	f.start, f.end, f.onAir = at, at.Add(airTime(len(f.air.PSDU))), true
	ch := f.air.Channel - firstChannel
	for _, g := range m.active[ch] {
		if g.start < f.end && f.start < g.end {
			f.others = append(f.others, g.from)
			g.others = append(g.others, f.from)
		}
	}
	m.active[ch] = append(m.active[ch], f)
	m.tap(at, f.from, f)
}

// land takes a flight off the air.
func (m *Medium) land(f *flight) {
	ch := f.air.Channel - firstChannel
	if at := slices.Index(m.active[ch], f); at >= 0 {
		m.active[ch] = slices.Delete(m.active[ch], at, at+1)
	}
	f.onAir = false
}

// energy returns the strongest signal that a node hears on a channel now, or what it hears of nothing.
func (m *Medium) energy(n *Node, channel uint8) int8 {
	strongest := int8(noiseFloor + 5)
	if channel < firstChannel || channel >= firstChannel+channels {
		return strongest
	}
	now := m.world.Now()
	for _, f := range m.active[channel-firstChannel] {
		if f.start <= now && now < f.end {
			r := int8(0)
			if f.from != n {
				r, _ = m.hears(f.from, n)
			}
			strongest = max(strongest, r)
		}
	}
	return strongest
}

// decodes draws whether a node gets a flight that has just ended.
func (m *Medium) decodes(f *flight, to *Node) (rssi int8, ok bool) {
	rssi, loss := m.hears(f.from, to)
	if rssi < Sensitivity {
		return rssi, false
	}
	interference := 0.0
	for _, o := range f.others {
		if o == to {
			return rssi, false // it was sending
		}
		if o != f.from {
			if r, _ := m.hears(o, to); r >= audible {
				interference += power(r)
			}
		}
	}
	if interference == 0 && rssi > noiseFloor+highestRatio {
		return rssi, !m.lost(m.config.Loss) && !m.lost(loss)
	}
	if m.lost(1 - survives(rssi, interference, len(f.air.PSDU))) {
		if interference > 0 {
			m.stats.Collisions++
		}
		return rssi, false
	}
	return rssi, !m.lost(m.config.Loss) && !m.lost(loss)
}

// landed ends the frame of this station: who hears it gets it now, and who acknowledges it turns around.
func (s *station) landed() {
	m, n, f := s.node.medium, s.node, s.sending
	m.land(f)
	f.landing = true
	var ackBytes [ieee802154.MaxPSDU]byte
	boot, channel := n.boots, f.air.Channel
	var ack *flight
	list := m.candidates(f)
	for _, i := range list {
		to := m.nodes[i]
		if to == n || !to.radio.hearing(channel) || to.radio.since > f.start {
			continue
		}
		rssi, ok := m.decodes(f, to)
		if !ok {
			to.radio.counts.Missed++
			continue
		}
		at := m.world.Now().Add(turnaround)
		a, ok := to.radio.accept(f, rssi, ackBytes[:0], at)
		if !ok {
			continue
		}
		if len(a) > 0 {
			af := m.blank(to, channel, a)
			m.launch(af, at)
			m.stats.Acks++
			if ack == nil {
				ack = af
			} else {
				af.orphan(m) // two nodes with one address: the acknowledgements meet on the air
			}
		}
		to.radio.deliver(f)
	}
	m.done(list)
	f.landing = false
	switch {
	case n.boots != boot || n.device == nil:
		m.release(f)
		if ack != nil {
			ack.orphan(m)
		}
	case !f.request.AckRequest:
		s.finish(radio.OK, nil)
	case ack != nil:
		s.acking, s.step = ack, stepAck
		s.timer.Set(ack.end)
	default:
		s.step = stepTimeout
		s.timer.Set(m.world.Now().Add(ackWait))
	}
}

// acknowledged ends the acknowledgement's flight.
func (s *station) acknowledged() {
	m, ack := s.node.medium, s.acking
	s.acking = nil
	m.land(ack)
	if _, ok := m.decodes(ack, s.node); ok {
		s.acknowledge(ack)
	} else {
		s.step = stepTimeout
		s.timer.Set(ack.start.Add(ackWait - turnaround))
	}
	m.release(ack)
}
