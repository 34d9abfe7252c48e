package mac

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

func valid(n *neighbor.Neighbor) bool { return n.State == neighbor.Valid }

// RadioReceived takes in a frame that the radio accepted (Mac::HandleReceivedFrame).
func (m *MAC) RadioReceived(now machine.Time, f *radio.Frame) {
	if m.radioFilter {
		return
	}
	m.enter()
	m.Counters.RxTotal++
	m.countRx(m.received(now, f))
	m.leave(now)
}

func (m *MAC) received(now machine.Time, f *radio.Frame) rxError {
	if !m.enabled {
		return rxDisabled
	}
	h := f.Parsed()
	if h == nil {
		return rxMalformed
	}
	var n *neighbor.Neighbor
	if h.Src.Kind != ieee802154.None {
		n = m.neighbor(h.Src)
	}
	switch h.Dst.Kind {
	case ieee802154.Short:
		if s := h.Dst.Short; s != m.filter.Short && (m.filter.AltShort == ieee802154.InvalidShort || s != m.filter.AltShort) &&
			!(m.rxOn && s == ieee802154.BroadcastShort) {
			return rxDestinationFiltered
		}
		if n == nil && h.Dst.IsBroadcast() && m.cfg.FullThread {
			n = m.cfg.Neighbors.FindRxOnly(h.Src)
		}
	case ieee802154.Extended:
		if h.Dst.Ext != m.filter.Ext {
			return rxDestinationFiltered
		}
	}
	if h.HasDstPAN && h.DstPAN != ieee802154.BroadcastPAN && h.DstPAN != m.pan {
		return rxDestinationFiltered
	}
	rx := &m.rx
	*rx = Rx{Frame: f, Src: h.Src, Dst: h.Dst, DstPAN: h.DstPAN, SrcPAN: h.SrcPAN, Payload: h.Payload,
		Secured: h.Secured(), KeyIDMode: h.Security.Mode, KeyIndex: h.Security.KeyIndex, FrameCounter: h.Security.Counter,
		RSSI: f.RSSI, LQI: f.LQI, Channel: f.Channel, FramePending: h.Pending, Neighbor: n}
	if h.Src.Kind != ieee802154.None {
		switch {
		case h.Src.Kind == ieee802154.Extended:
			rx.SrcExt = h.Src.Ext
		case n == nil:
			return rxUnknownNeighbor
		default:
			rx.SrcExt = n.Ext
		}
		if rx.SrcExt == m.filter.Ext {
			return rxInvalidSource
		}
		fixed, pass := m.Filters.Apply(rx.SrcExt)
		if !pass {
			return rxAddressFiltered
		}
		if fixed != NoRSS {
			rx.RSSI = fixed
			if n != nil {
				n.Link.ClearAverage() // so that the fixed strength takes effect at once
			}
		}
	}
	if h.Dst.IsBroadcast() {
		m.Counters.RxBroadcast++
	} else {
		m.Counters.RxUnicast++
	}
	err := m.open(now, h, rx)
	if err != rxOK && !(err == rxDuplicated && m.op == waitData) {
		// A duplicate ends the wait of a sleepy node for its frame, so that it sleeps sooner; it goes no further.
		return err
	}
	return m.accepted(now, h, rx, err)
}

// accepted goes on with a frame that is what it says (or a duplicate of one while we wait).
func (m *MAC) accepted(now machine.Time, h *ieee802154.Frame, rx *Rx, err rxError) rxError {
	n := rx.Neighbor
	if n != nil {
		m.childSchedule(now, n, h, rx.Frame.At)
	}
	m.poll.received(now, m, h)
	if n != nil {
		m.heard(now, n, h.Type, rx.LQI, rx.RSSI)
		if rx.Secured && rx.KeyIDMode == ieee802154.KeyIDMode1 {
			switch {
			case valid(n):
			case n.State.Restoring():
				if h.Type != ieee802154.Command || commandOf(h, rx) != ieee802154.DataRequest {
					return rxDropped
				}
			default:
				return rxUnknownNeighbor
			}
			if h.Type == ieee802154.Data && !n.Mode.RxOn() && n.EnhancedKeepAlive() {
				n.LastHeard = now
			}
			if h.Version == ieee802154.Version2015 && h.AckRequest {
				m.wantAcks(now)
			}
		}
	}
	if rx.Frame.AckedSecured {
		m.ackUsed(now, rx.Frame.AckCounter)
	}
	switch m.op {
	case activeScan, energyScan:
		if m.op == activeScan && h.Type == ieee802154.Beacon {
			m.Counters.RxBeacon++
			m.beaconHeard(now, h, rx)
			return rxOK
		}
		// A data frame counts only on our own channel.
		if m.scan.channel != m.panChannel {
			m.Counters.RxOther++
			return rxOK
		}
	case waitData:
		if h.Dst.Kind != ieee802154.None {
			m.timer, m.op = machine.Never, idle
		}
		if err != rxOK {
			return err
		}
	}
	if h.Type == ieee802154.Command && m.command(now, h, rx) {
		return rxOK
	}
	if h.Type != ieee802154.Command {
		m.countRxType(h.Type)
	}
	if h.Type == ieee802154.Data {
		m.env.Received(now, rx)
	}
	return rxOK
}

func commandOf(h *ieee802154.Frame, rx *Rx) ieee802154.CommandID {
	if h.Version == ieee802154.Version2015 {
		if len(rx.Payload) == 0 {
			return 0
		}
		return ieee802154.CommandID(rx.Payload[0])
	}
	return h.Command
}

func (m *MAC) command(now machine.Time, h *ieee802154.Frame, rx *Rx) bool {
	switch commandOf(h, rx) {
	case ieee802154.BeaconRequest:
		m.Counters.RxBeaconRequest++
		if m.beacons {
			m.pending |= transmitBeacon
		}
	case ieee802154.DataRequest:
		m.Counters.RxDataPoll++
		if !m.cfg.FullThread {
			return false
		}
		m.polled(now, rx)
	default:
		m.Counters.RxOther++
		return false
	}
	return true
}

// open checks a frame's security and opens its payload (Mac::ProcessReceiveSecurity).
func (m *MAC) open(now machine.Time, h *ieee802154.Frame, rx *Rx) rxError {
	if !h.Secured() {
		return rxOK
	}
	if h.Security.Level != ieee802154.EncMIC32 {
		return rxSecurity
	}
	n, k, source := rx.Neighbor, m.cfg.Keys, rx.SrcExt
	var key *ieee802154.Key
	switch h.Security.Mode {
	case ieee802154.KeyIDMode0:
		key = k.KEK()
	case ieee802154.KeyIDMode1:
		if n == nil {
			return rxSecurity
		}
		var ok bool
		if key, rx.KeySeq, ok = k.ByIndex(h.Security.KeyIndex); !ok {
			return rxSecurity
		}
		// Of a child that is not back yet, only the MIC is looked at; it can do no more than poll.
		if valid(n) {
			if rx.KeySeq < n.KeySeq {
				return rxSecurity
			}
			if rx.KeySeq == n.KeySeq {
				if h.Security.Counter+1 == n.LinkCounter {
					return rxDuplicated
				}
				if h.Security.Counter < n.LinkCounter {
					return rxSecurity
				}
			}
		}
	case ieee802154.KeyIDMode2:
		key, source = k.Mode2(), keys.Mode2Source
	default:
		return rxSecurity
	}
	payload, ok := rx.Frame.Open(key, source)
	if !ok {
		return rxSecurity
	}
	rx.Payload = payload
	if h.Security.Mode == ieee802154.KeyIDMode1 && valid(n) {
		m.advance(now, n, rx.KeySeq, h.Security.Counter)
	}
	return rxOK
}

// advance notes the frame counter of a neighbour's frame, and follows it to a later key.
func (m *MAC) advance(now machine.Time, n *neighbor.Neighbor, sequence, counter uint32) {
	if n.KeySeq != sequence {
		n.KeySeq, n.MLECounter, n.LinkCounter, n.AckCounter = sequence, 0, 0, 0
	}
	n.LinkCounter = counter + 1
	n.AckCounter = max(n.AckCounter, counter+1)
	if sequence > m.cfg.Keys.Sequence() {
		m.cfg.Keys.SetSequence(now, sequence, keys.Followed)
	}
}

// heard takes in the signal strength of a neighbour's frame.
func (m *MAC) heard(now machine.Time, n *neighbor.Neighbor, t ieee802154.Type, lqi uint8, rssi int8) {
	before := n.Link.QualityIn()
	n.Link.AddRSS(rssi)
	if l, ok := n.Metrics.(Tracker); ok {
		l.HeardFrame(t, lqi, rssi)
	}
	if n.Link.QualityIn() != before && m.cfg.Neighbors.Parent.Is(n) && m.cfg.Neighbors.Self.Role == neighbor.RoleChild {
		m.env.ParentLinkQuality(now)
	}
}

// ackUsed notes a frame counter that the radio used for an ack.
func (m *MAC) ackUsed(now machine.Time, counter uint32) {
	if m.cfg.Caps&radio.CapTransmitSec != 0 {
		m.cfg.Keys.RaiseMAC(now, counter+1) // its acks and frames have one row of counters
		return
	}
	b := &m.filter.Block
	if counter >= b.Start && counter < b.End {
		b.Used = max(b.Used, counter-b.Start+1)
		m.ackCounters(now)
	}
}
