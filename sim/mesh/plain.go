package mesh

import (
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// Without air time: a frame arrives at once, everywhere, and so does its acknowledgement.

// ackWait is how long a sender waits for an acknowledgement: macAckWaitDuration, 54 symbols.
const ackWait = 864_000 // ns

// arrive ends a transmission of this station.
func (s *station) arrive() {
	m, n, f := s.node.medium, s.node, s.sending
	f.start, f.landing = m.world.Now(), true
	s.left(f)
	m.tap(f.start, n, f)
	boot, channel := n.boots, f.air.Channel
	var ackBytes [ieee802154.MaxPSDU]byte
	var ack []byte
	var ackFrom *Node
	list := m.candidates(f)
	for _, i := range list {
		to := m.nodes[i]
		if to == n || !to.radio.hearing(channel) {
			continue
		}
		rssi, loss := m.hears(n, to)
		if rssi < Sensitivity || m.lost(m.config.Loss) || m.lost(loss) {
			to.radio.counts.Missed++
			continue
		}
		a, ok := to.radio.accept(f, rssi, ackBytes[len(ack):len(ack)], f.start)
		if !ok {
			continue
		}
		if len(a) > 0 {
			m.stats.Acks++
			if ackFrom == nil {
				back, loss := m.hears(to, n)
				if back >= Sensitivity && !m.lost(m.config.Loss) && !m.lost(loss) {
					ack, ackFrom = a, to
				}
			}
			if len(m.taps) > 0 {
				af := m.blank(to, channel, a)
				m.tap(f.start, to, af)
				m.release(af)
			}
		}
		to.radio.deliver(f)
	}
	m.done(list)
	f.landing = false
	if n.boots != boot || n.device == nil {
		m.release(f)
		return // who got the frame has cut this one's power
	}
	switch {
	case !f.request.AckRequest:
		s.finish(radio.OK, nil)
	case ackFrom != nil:
		af := m.blank(ackFrom, channel, ack)
		s.acknowledge(af)
		m.release(af)
	default:
		s.step = stepTimeout
		s.timer.Set(m.world.Now().Add(ackWait))
	}
}

// acknowledge ends the transmission with the acknowledgement that arrived, if it is the one that it waits for.
func (s *station) acknowledge(ack *flight) {
	rssi, _ := s.node.medium.hears(ack.from, s.node)
	s.ackSeen = radio.Frame{Air: &ack.air, RSSI: rssi, At: s.node.medium.world.Now()}
	if h := ack.air.Parsed(); h == nil || !s.sending.request.AckedBy(h) {
		s.finish(radio.NoAck, nil)
		return
	}
	s.counts.Acked++
	s.finish(radio.OK, &s.ackSeen)
}
