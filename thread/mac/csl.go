package mac

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Constants of synchronized channel sample listening (config/mac.h of OpenThread).
const (
	cslTransmitAhead = 40*time.Microsecond + 128*time.Microsecond + 160*time.Microsecond // with CCA and preamble
	cslReceiveAhead  = 320 * time.Microsecond
	cslMinAhead      = 6 * 32 * time.Microsecond
	cslMinAfter      = (127 + 6 + 39) * 32 * time.Microsecond
	cslRequestAhead  = 2 * time.Millisecond
	defaultCSLLimit  = 100 * time.Second
)

// cslReceiver is the schedule on which a sleepy child samples its channel.
type cslReceiver struct {
	period   uint16 // in units of 160 us; 0: none
	channel  uint8  // 0: the network's
	timeout  time.Duration
	capable  bool // the parent can be relied on to send at samples
	on       bool
	sampling bool
	sample   machine.Time // the next one
	synced   machine.Time // when the parent last heard our schedule
	accuracy uint8        // of the parent
	uncert   uint8
	timer    machine.Time
}

func (c *cslReceiver) init()         { c.timer, c.timeout = machine.Never, defaultCSLLimit }
func (c *cslReceiver) enabled() bool { return c.on }

func (c *cslReceiver) duration() time.Duration { return time.Duration(c.period) * radio.CSLUnit }

func (c *cslReceiver) phase(now machine.Time) uint16 {
	s := radio.CSL{Period: c.period, Sample: c.sample}
	return s.Phase(now)
}

// CSL returns period, channel and time-out of our own schedule.
func (m *MAC) CSL() (period uint16, channel uint8, timeout time.Duration) {
	return m.csl.period, m.csl.channel, m.csl.timeout
}

// SetCSLPeriod sets the period of our samples in units of 160 us, 0 for none.
func (m *MAC) SetCSLPeriod(now machine.Time, period uint16) {
	m.csl.period = period
	m.updateCSL(now)
}

// SetCSLChannel sets the channel of our samples, 0 for the network's.
func (m *MAC) SetCSLChannel(now machine.Time, channel uint8) {
	m.csl.channel = channel
	m.updateCSL(now)
}

// SetCSLCapable says whether we have a parent that sends at samples, and how exact its clock is.
func (m *MAC) SetCSLCapable(now machine.Time, on bool, accuracy, uncertainty uint8) {
	m.csl.capable, m.csl.accuracy, m.csl.uncert = on, accuracy, uncertainty
	m.updateCSL(now)
}

// CSLEnabled reports whether we sample: with a period and a capable parent, while the receiver sleeps.
func (m *MAC) CSLEnabled() bool { return m.csl.on }

func (m *MAC) updateCSL(now machine.Time) {
	c := &m.csl
	on := c.period > 0 && c.capable && !m.rxOn
	if !on && !c.on {
		return
	}
	m.enter()
	if on {
		if !c.on || m.filter.CSL.Period != c.period {
			c.sample, c.synced = now.Add(c.duration()), now
			ahead, _ := c.window(now, m)
			c.sampling, c.timer = false, c.sample.Add(-ahead)
		}
		m.wantAcks(now)
	} else {
		c.timer, c.sampling = machine.Never, false
	}
	c.on = on
	m.filter.CSL = radio.CSL{}
	if on {
		m.filter.CSL = radio.CSL{Period: c.period, Sample: c.sample}
	}
	m.dirty = true
	m.RecalculatePollPeriod(now)
	m.idleMode(now)
	m.leave(now)
}

// window returns how long before and after a sample the receiver is on: both clocks may have drifted since the parent
// last heard our schedule (SubMac::GetCslWindowEdges).
func (c *cslReceiver) window(now machine.Time, m *MAC) (ahead, after time.Duration) {
	half := c.duration() / 2
	drift := time.Duration(int64(now.Sub(c.synced)) / 1e6 * int64(int(m.cfg.Accuracy)+int(c.accuracy)))
	drift += time.Duration(int(c.uncert)+int(m.cfg.Uncertainty)) * 10 * time.Microsecond
	return min(half, drift+cslMinAhead+cslReceiveAhead), min(half, drift+cslMinAfter)
}

// fire begins or ends a sample.
func (c *cslReceiver) fire(now machine.Time, m *MAC) {
	ahead, after := c.window(now, m)
	if c.sampling = !c.sampling; c.sampling {
		c.timer = c.sample.Add(after)
	} else {
		for c.sample.Add(-ahead) <= now {
			c.sample = c.sample.Add(c.duration())
		}
		c.timer = c.sample.Add(-ahead)
	}
	if c.timer <= now { // a window as long as the period: the receiver stays on
		c.timer = now.Add(c.duration() / 2)
	}
	m.idleMode(now)
}

// idle sets the radio between operations.
func (c *cslReceiver) idle(now machine.Time, m *MAC) {
	if !c.sampling {
		m.radioState(now, radio.State{Mode: radio.Sleep})
		return
	}
	channel := c.channel
	if channel == 0 {
		channel = m.panChannel
	}
	m.receive(now, channel)
}

// cslSender is when a parent sends to children that sample: CslTxScheduler.
type cslSender struct {
	child *neighbor.Child
	at    machine.Time
}

// childSchedule takes the schedule of a child from a frame of its (Mac::ProcessCsl).
func (m *MAC) childSchedule(now machine.Time, n *neighbor.Neighbor, h *ieee802154.Frame, at machine.Time) {
	if !h.HasIEs || !h.Secured() {
		return
	}
	period, phase, ok := h.CSL()
	c := n.Child()
	if !ok || c == nil || period == 0 {
		return
	}
	if c.CSL == nil {
		c.CSL = &neighbor.CSL{Timeout: uint32(defaultCSLLimit / time.Second)} // until MLE says otherwise
	}
	s := c.CSL
	fresh := !s.Synchronized
	s.Period, s.Phase, s.Synchronized = period, phase, true
	s.LastHeard, s.LastRx, s.Attempts = now, at, 0
	m.wantAcks(now)
	if fresh {
		m.env.ChildCSLChanged(now, c)
	}
	m.scheduleCSL(now)
}

// lostSchedule is called when a child was not there at its samples.
func (m *MAC) lostSchedule(now machine.Time, c *neighbor.Child) {
	if c.CSL != nil && c.CSL.Synchronized {
		c.CSL.Synchronized = false
		m.env.ChildCSLChanged(now, c)
	}
}

// nextSample returns a child's first sample not before t.
func nextSample(s *neighbor.CSL, t machine.Time) machine.Time {
	period := machine.Time(s.Period) * radio.CSLUnit
	first := s.LastRx + machine.Time(s.Phase)*radio.CSLUnit
	if first < t {
		first += (t - first + period - 1) / period * period
	}
	return first
}

// scheduleCSL finds the child whose sample comes first.
func (m *MAC) scheduleCSL(now machine.Time) {
	if m.op == transmitCSL {
		return // indirectDone does it
	}
	t := &m.cslT
	t.child, t.at = nil, machine.Never
	m.pending &^= transmitCSL
	for c := range m.cfg.Neighbors.Children(neighbor.InValidOrRestoring) {
		if c.CSL == nil || !c.CSL.Synchronized || c.Queued == 0 {
			continue
		}
		if s := c.CSL; s.Timeout > 0 && now.Sub(s.LastHeard) > time.Duration(s.Timeout)*time.Second {
			m.lostSchedule(now, c)
			continue
		}
		if at := nextSample(c.CSL, now.Add(cslRequestAhead)).Add(-cslRequestAhead); at < t.at {
			t.child, t.at = c, at
		}
	}
	if t.child != nil {
		m.pending |= transmitCSL
	}
}

// late moves a sample that comes while something else is being sent to the child's next one.
func (t *cslSender) late(now machine.Time) { t.at = now.Add(cslRequestAhead) }

func (m *MAC) cslLate(now machine.Time) {
	m.op = idle
	m.scheduleCSL(now)
}

// beginCSL sends to a child at its sample.
func (m *MAC) beginCSL(now machine.Time) bool {
	t := &m.cslT
	c := t.child
	t.child, t.at = nil, machine.Never
	if c == nil || c.CSL == nil || !c.CSL.Synchronized || m.child != nil && m.child != c {
		m.cslLate(now)
		return false
	}
	before := m.child
	m.child = c
	ok := m.beginIndirect(now, true)
	m.child = before
	return ok
}

// timeCSL sets channel and instant of the frame, and reports whether the sample is still ahead.
func (m *MAC) timeCSL(now machine.Time, c *neighbor.Child) bool {
	m.tx.Retries, m.tx.Backoffs = 0, 0
	if m.tx.Channel = c.CSL.Channel; m.tx.Channel == 0 {
		m.tx.Channel = m.panChannel
	}
	m.tx.TxAt = nextSample(c.CSL, now)
	return m.tx.TxAt.Sub(now) <= cslRequestAhead+1500*time.Microsecond
}
