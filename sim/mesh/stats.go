package mesh

import "time"

// Stats counts what happened on a medium.
type Stats struct {
	Frames, Bytes uint64 // sent, without acknowledgements
	Acks          uint64
	Collisions    uint64 // receptions that another frame spoiled
	ByChannel     [channels]uint64
}

func (s *Stats) count(f *flight) {
	s.Frames++
	s.Bytes += uint64(len(f.air.PSDU))
	s.ByChannel[f.air.Channel-firstChannel]++
}

// Stats returns the counters.
func (m *Medium) Stats() Stats { return m.stats }

// Counts counts what one radio did.
type Counts struct {
	Sent, Acked, NoAck uint64 // frames on the air, each time they were sent, and how those that ask for it ended
	Busy               uint64 // looks that found the channel busy
	Retries            uint64 // of Sent, those that were not the first time
	Received, Missed   uint64 // Missed: was in range, but chance or another frame took it
}

// Energy is the time that a radio spent in each state.
type Energy struct{ Off, Sleep, Receive, Transmit time.Duration }

// Typical currents of a radio chip with its processor, in mA: asleep, receiving, sending at 0 dBm.
const (
	sleepCurrent    = 0.003
	receiveCurrent  = 6.0
	transmitCurrent = 6.5
)

// Charge returns what that took, in mAh.
func (e Energy) Charge() float64 {
	return (e.Sleep.Hours()*sleepCurrent + e.Receive.Hours()*receiveCurrent + e.Transmit.Hours()*transmitCurrent)
}

// Counts returns the radio's counters.
func (n *Node) Counts() Counts { return n.radio.counts }

// Energy returns what the radio did until now.
func (n *Node) Energy() Energy { n.radio.account(); return n.radio.energy }
