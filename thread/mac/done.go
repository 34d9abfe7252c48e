package mac

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// submacDone ends the sending of a frame (Mac::HandleTransmitDone).
func (m *MAC) submacDone(now machine.Time, err radio.Err, ack *radio.Frame) {
	j := m.cur
	m.cur, m.phase, m.at = nil, atRest, machine.Never
	var h *ieee802154.Frame
	if ack != nil && j.frame.AckRequest {
		if h = ack.Parsed(); h == nil {
			err = radio.NoAck
		} else if err == radio.OK {
			err = m.takeAck(now, j, ack, h)
		}
	}
	if err != radio.OK {
		h = nil
	}
	r := Result{Err: err, Attempts: m.retries + 1, FramePending: h != nil && h.Pending}
	m.retries = 0
	op := m.op
	switch op {
	case activeScan:
		m.Counters.TxBeaconRequest++
		m.timer = now.Add(m.scan.duration)
		m.receive(now, m.scan.channel) // a radio that sends from sleep went back to it
	case transmitBeacon:
		m.Counters.TxBeacon++
		m.op, j.busy = idle, false
	case transmitPoll:
		m.Counters.TxDataPoll++
		if r.FramePending && m.enabled {
			m.pending |= waitData
		}
		m.op, j.busy = idle, false
		m.poll.sent(now, m, j, err)
	case transmitDirect:
		m.Counters.TxData++
		if err != radio.OK {
			m.Counters.TxDirectMaxRetryExpiry++
		}
		m.op, j.busy = idle, false
		m.sent = j.tx // the slot may be taken again from within
		m.env.Sent(now, &m.sent, r)
		m.poll.dataSent(now, m, &j.frame, r, h != nil)
	case transmitIndirect:
		m.Counters.TxData++
		if err != radio.OK {
			m.Counters.TxIndirectMaxRetryExpiry++
		}
		m.indirectDone(now, j, r, false)
	case transmitCSL:
		m.Counters.TxData++
		m.indirectDone(now, j, r, true)
	}
}

// takeAck looks at an ack: it must pass the filter, and an enhanced one must be what it says.
func (m *MAC) takeAck(now machine.Time, j *job, ack *radio.Frame, h *ieee802154.Frame) radio.Err {
	n := m.neighbor(j.frame.Dst)
	rssi := ack.RSSI
	if n != nil {
		fixed, pass := m.Filters.Apply(n.Ext)
		if !pass {
			return radio.NoAck
		}
		if fixed != NoRSS {
			rssi = fixed
			n.Link.ClearAverage()
		}
	}
	if h.Secured() && !m.openAck(j, ack, h) {
		return radio.NoAck
	}
	if n == nil {
		return radio.OK
	}
	m.heard(now, n, ieee802154.Ack, ack.LQI, rssi)
	if l, ok := n.Metrics.(Listener); ok {
		if v, ok := h.VendorIE(ieee802154.OUIThread, ieee802154.ThreadProbing); ok {
			l.EnhancedAck(now, v)
		}
	}
	m.childSchedule(now, n, h, ack.At)
	if !m.rxOn && j.frame.HasIEs {
		m.poll.keepAlive(now, m.defaultPollPeriod())
	}
	return radio.OK
}

// Listener is what the link metrics of a neighbour (neighbor.Neighbor.Metrics) may implement: it gets the metrics that
// an enhanced ack brought.
type Listener interface {
	EnhancedAck(now machine.Time, values []byte)
}

// Tracker is what the link metrics of a neighbour may implement: it is told of each of its frames, acks included.
type Tracker interface {
	HeardFrame(t ieee802154.Type, lqi uint8, rssi int8)
}

// openAck checks a secured ack (Mac::ProcessEnhAckSecurity).
func (m *MAC) openAck(j *job, ack *radio.Frame, h *ieee802154.Frame) bool {
	if h.Version != ieee802154.Version2015 || h.Security.Level != ieee802154.EncMIC32 ||
		h.Security.Mode != ieee802154.KeyIDMode1 || h.Security.KeyIndex != j.frame.Security.KeyIndex {
		return false
	}
	peer := h.Src
	if peer.Kind == ieee802154.None {
		peer = j.frame.Dst
	}
	n := m.neighbor(peer)
	if n == nil {
		return false
	}
	key, _, ok := m.cfg.Keys.ByIndex(h.Security.KeyIndex)
	if !ok || valid(n) && h.Security.Counter < n.AckCounter {
		return false
	}
	if _, ok = ack.Open(key, n.Ext); !ok {
		return false
	}
	if valid(n) {
		n.AckCounter = h.Security.Counter + 1
	}
	return true
}
