package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Datagram is what came to our UDP port 19788, with what the link layer knows of it.
type Datagram struct {
	Src, Dst     ip6.Address
	HopLimit     uint8
	Payload      []byte // borrowed
	RSSI         int8   // the mean over its fragments
	LQI          uint8
	Channel      uint8
	PAN          ieee802154.PANID // the sender's
	PANBroadcast bool             // sent to all networks
	Memo         *any             // where all hearers of one frame share what it holds; nil: it came in fragments
}

// class says how much a message with a larger key sequence is to be trusted (Thread 1.4 section 7.3.1.6;
// OpenThread Mle::ProcessKeySequence).
type class uint8

const (
	classUnknown       class = iota // not understood
	classPeer                       // unasked, from a neighbour
	classAuthoritative              // it answers our challenge
)

// rx is a message that was opened, with all that is known of its sender.
type rx struct {
	*Datagram
	Message
	ext          ieee802154.ExtAddr
	neighbor     *neighbor.Neighbor // nil: unknown
	keySequence  uint32
	frameCounter uint32
	class        class
}

// fromValid says whether a neighbour with a working link sent it.
func (r *rx) fromValid() bool { return r.neighbor != nil && r.neighbor.State == neighbor.Valid }

// next returns the least counter to take from the sender from now on, who said that its next one is counter. It says so of
// the very message that it says it in, which must not be taken twice.
func (r *rx) next(counter uint32) uint32 { return max(counter, r.frameCounter+1) }

// multicast says whether it was sent to more than us.
func (r *rx) multicast() bool { return r.Dst.IsMulticast() }

// Receive takes in a datagram.
func (m *MLE) Receive(now machine.Time, d *Datagram) {
	m.ftd.now = now
	if d.HopLimit != 255 || len(d.Payload) == 0 || !d.Src.IsLinkLocalUnicast() {
		m.counters.Malformed++
		return // it came over a router, or pretends to
	}
	r := rx{Datagram: d, ext: d.Src.IID().Ext()}
	switch d.Payload[0] {
	case noSecurity:
		m.receivePlain(now, &r)
	case linkSecurity:
		if m.role != Disabled {
			m.receiveSecured(now, &r)
		}
	default:
		m.counters.Malformed++
	}
	m.tableChanged(now)
}

// receivePlain takes in what strangers may send.
func (m *MLE) receivePlain(now machine.Time, r *rx) {
	var err error
	if r.Message, err = ParseMessage(r.Payload[1:]); err != nil {
		m.counters.Malformed++
		return
	}
	switch r.Command {
	case DiscoveryRequest:
		if !m.config.MTD {
			m.receiveDiscoveryRequest(now, r)
		}
	case DiscoveryResponse:
		m.receiveDiscoveryResponse(now, r)
	}
}

func (m *MLE) receiveSecured(now machine.Time, r *rx) {
	h, sealed, err := parseHeader(r.Payload)
	if err != nil {
		m.counters.Malformed++
		return
	}
	plain, ok := m.open(r, h, sealed)
	if !ok {
		m.counters.BadSecurity++
		return
	}
	r.Message, _ = ParseMessage(plain) // a sealed message has a command at least
	r.keySequence, r.frameCounter = h.KeySequence, h.FrameCounter
	if !m.fresh(r) {
		m.counters.Replayed++
		return
	}
	m.dispatch(now, r)
	m.followKeySequence(now, r)
}

// opened is what hearers of one frame share: the message, with the key that opened it.
type opened struct {
	key   *ieee802154.Key
	plain []byte
	ok    bool
}

// open opens a message, or takes it from a neighbour that heard the same frame and opened it with the same key. Nobody
// changes it.
func (m *MLE) open(r *rx, h header, sealed []byte) (plain []byte, ok bool) {
	key := m.keys.MLEFor(h.KeySequence)
	if r.Memo == nil || !r.multicast() {
		m.plain, ok = h.open(m.plain[:0], key, r.Src, r.Dst, sealed)
		return m.plain, ok
	}
	o, _ := (*r.Memo).(*opened)
	if o == nil {
		o = new(opened)
		*r.Memo = o
	}
	if o.key != key {
		o.key = key
		o.plain, o.ok = h.open(o.plain[:0], key, r.Src, r.Dst, sealed)
	}
	return o.plain, o.ok
}

// fresh finds the sender among our neighbours and says whether its message is none that we had.
func (m *MLE) fresh(r *rx) bool {
	if r.Command == ChildIDResponse {
		r.neighbor = m.parentOrCandidate(r.ext) // whatever else the sender is to us
	} else {
		r.neighbor = m.table.FindExt(r.ext, neighbor.InValidOrRestoring)
	}
	onlyHeard := false // a full Thread device that is a child hears routers that it has no link with
	if r.neighbor == nil && !m.config.MTD {
		r.neighbor = m.table.FindRxOnly(ieee802154.ExtendedAddr(r.ext))
		onlyHeard = r.neighbor != nil
	}
	if n := r.neighbor; r.fromValid() {
		switch {
		case r.keySequence == n.KeySeq:
			if r.frameCounter < n.MLECounter {
				return false
			}
		case r.keySequence < n.KeySeq:
			return false
		default:
			n.KeySeq = r.keySequence
			n.SetLinkCounters(0)
		}
		n.MLECounter = r.frameCounter + 1
	}
	if onlyHeard {
		switch r.Command {
		case Advertisement, LinkRequest, LinkAccept, LinkAcceptAndRequest:
		default:
			r.neighbor = nil
		}
	}
	return true
}

// parentOrCandidate returns our parent or the router that we ask to be it.
func (m *MLE) parentOrCandidate(e ieee802154.ExtAddr) *neighbor.Neighbor {
	for _, p := range [...]*neighbor.Parent{&m.table.Parent, &m.table.Candidate} {
		if p.Ext == e && p.State.ValidOrRestoring() {
			return &p.Neighbor
		}
	}
	return nil
}

// dispatch hands a message to the method for its command.
func (m *MLE) dispatch(now machine.Time, r *rx) {
	switch r.Command {
	case Advertisement:
		m.receiveAdvertisement(now, r)
	case DataResponse:
		m.receiveDataResponse(now, r)
	case LinkMetricsManagementRequest, LinkMetricsManagementResponse, LinkProbe:
		m.receiveLinkMetrics(now, r)
	case ParentResponse:
		m.receiveParentResponse(now, r)
	case ChildIDResponse:
		m.receiveChildIDResponse(now, r)
	case Announce:
		m.receiveAnnounce(now, r)
	case ChildUpdateRequest:
		m.receiveChildUpdateRequest(now, r)
	case ChildUpdateResponse:
		m.receiveChildUpdateResponse(now, r)
	default:
		if !m.config.MTD {
			m.dispatchFTD(now, r)
		}
	}
}
