package mac

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// operation is what the MAC does; only one at a time. The values are bits of the set of what is asked for.
type operation uint16

const (
	idle     operation = 0
	waitData operation = 1 << iota
	transmitCSL
	activeScan
	energyScan
	transmitBeacon
	transmitIndirect
	transmitPoll
	transmitDirect
)

// Send takes a frame to be sent. There is room for one direct and one indirect frame: until Sent gives the slot back,
// Busy says so. A frame that cannot be sent at all ends with Sent too.
func (m *MAC) Send(now machine.Time, tx *Tx) bool {
	if !m.enabled {
		return false
	}
	if tx.Indirect != nil {
		if m.indirect.busy || tx.Indirect != m.child {
			return false
		}
		m.indirect.load(tx)
		return true // ChildListens is under way and goes on
	}
	if m.direct.busy {
		return false
	}
	m.enter()
	m.direct.load(tx)
	m.pending |= transmitDirect
	m.leave(now)
	return true
}

// Busy reports whether the slot for direct frames is taken.
func (m *MAC) Busy() bool { return m.direct.busy }

// CancelDirect takes back a frame that Send took, if nothing of it was done yet.
func (m *MAC) CancelDirect(tag uint32) bool {
	if m.direct.busy && m.direct.tx.Tag == tag && m.cur != &m.direct {
		m.direct.busy = false
		m.pending &^= transmitDirect
		return true
	}
	return false
}

func (m *MAC) neighbor(a ieee802154.Address) *neighbor.Neighbor {
	return m.cfg.Neighbors.Find(a, neighbor.InValidOrRestoring)
}

// performNext begins the operation that comes first (Mac::PerformNextOperation).
func (m *MAC) performNext(now machine.Time) {
	for m.op == idle {
		if !m.enabled {
			m.pending, m.timer = 0, machine.Never
			return
		}
		if m.op = m.first(now); m.op == idle {
			m.idleMode(now)
			return
		}
		m.pending &^= m.op
		m.timer = machine.Never
		if !m.begin(now) {
			m.op = idle
		}
	}
}

func (m *MAC) first(now machine.Time) operation {
	has := func(o operation) bool { return m.pending&o != 0 }
	switch {
	case has(waitData): // the radio stays on after a poll whose ack promised a frame
		return waitData
	case has(transmitCSL) && now >= m.cslT.at:
		return transmitCSL
	case has(activeScan):
		return activeScan
	case has(energyScan):
		return energyScan
	case has(transmitBeacon):
		return transmitBeacon
	case has(transmitIndirect):
		return transmitIndirect
	case has(transmitPoll) && (!has(transmitDirect) || m.pollFirst):
		return transmitPoll
	case has(transmitDirect):
		if has(transmitPoll) {
			m.pollFirst = true
		}
		return transmitDirect
	}
	return idle
}

// begin starts m.op, and reports whether it goes on.
func (m *MAC) begin(now machine.Time) bool {
	switch m.op {
	case waitData:
		m.receive(now, m.radioChannel)
		m.timer = now.Add(pollTimeout)
		return true
	case activeScan, energyScan:
		return m.nextScanChannel(now)
	case transmitBeacon:
		return m.beginBeacon(now)
	case transmitPoll:
		return m.beginPoll(now)
	case transmitIndirect:
		return m.beginIndirect(now, false)
	case transmitCSL:
		return m.beginCSL(now)
	case transmitDirect:
		return m.beginDirect(now)
	}
	return false
}

func (m *MAC) beginDirect(now machine.Time) bool {
	j := &m.direct
	if !j.busy {
		return false
	}
	m.header(&j.frame, &j.tx, j.ieRoom(), now, len(j.payload) == 0)
	j.frame.Sequence = m.data
	m.data++
	m.tx = radio.Transmit{Cause: j.tx.Cause, Channel: m.radioChannel, Backoffs: maxBackoffs, Retries: m.retriesDirect, Power: m.power}
	if j.tx.Channel != 0 {
		m.tx.Channel = j.tx.Channel
	}
	switch {
	case j.tx.MaxRetries < 0:
		m.tx.Retries = 0
	case j.tx.MaxRetries > 0:
		m.tx.Retries = uint8(j.tx.MaxRetries)
	}
	if !m.sendable(j) {
		m.submacDone(now, radio.Aborted, nil)
		return m.op != idle
	}
	m.submac(now, j)
	return true
}

// sendable reports whether a frame fits, and whether there is the key for it.
func (m *MAC) sendable(j *job) bool {
	m.cur = j
	return j.frame.Overhead()+len(j.frame.Payload) <= ieee802154.MaxPSDU &&
		(j.tx.Security != JoinerKey || m.cfg.Keys.KEK() != nil)
}

// ieRoom is where a job's information elements are made, in the memory of its PSDU's tail.
func (j *job) ieRoom() []byte {
	const most = 16
	if cap(j.psdu) < ieee802154.MaxPSDU+most {
		j.psdu = make([]byte, 0, ieee802154.MaxPSDU+most)
	}
	room := j.psdu[:cap(j.psdu)]
	return room[ieee802154.MaxPSDU:ieee802154.MaxPSDU:cap(room)]
}

// idleMode sets the radio to what it does while nothing is to be done (Mac::UpdateIdleMode).
func (m *MAC) idleMode(now machine.Time) {
	if m.op != idle {
		return
	}
	switch {
	case !m.enabled:
		return
	case m.rxOn || m.promiscuous:
		if m.pending&transmitCSL != 0 {
			m.timer = m.cslT.at
		}
		m.receive(now, m.radioChannel)
	case m.csl.enabled():
		m.csl.idle(now, m)
	default:
		m.radioState(now, radio.State{Mode: radio.Sleep})
	}
}

func (m *MAC) receive(now machine.Time, channel uint8) {
	m.radioState(now, radio.State{Mode: radio.Receive, Channel: channel})
}

func (m *MAC) radioState(now machine.Time, s radio.State) {
	if m.radioFilter && s.Mode == radio.Receive {
		s.Mode = radio.Sleep
	}
	if m.state != s {
		m.state = s
		m.env.RadioState(now, &m.state)
	}
}
