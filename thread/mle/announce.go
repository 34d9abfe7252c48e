package mle

import (
	"math/bits"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Times of announcements in ms.
const (
	announceProcessTimeout = 250    // others may tell of something newer still
	announceBackoff        = 60_000 // a pending dataset that is due so soon will do it
)

type announceState uint8

const (
	announceIdle      announceState = iota
	announceHeard                   // a newer dataset, on which we are about to act
	announceAttaching               // on the channel that was announced
	announceInform                  // attached: the old channel is to hear of it
)

// announceHandler follows a network that went to another channel without us (OpenThread Mle::AnnounceHandler).
type announceHandler struct {
	state     announceState
	channel   uint8 // announced; while attaching, the one that we came from
	pan       ieee802154.PANID
	timestamp uint64
}

func (a *announceHandler) stop(m *MLE) {
	a.state = announceIdle
	m.timers.stop(timerAnnounce)
}

// prepareAnnounce says whether an attach that found nobody goes on with announcing itself on all channels.
func (m *MLE) prepareAnnounce() bool {
	if m.role == Child || m.reattach != reattachStop || !m.env.DatasetPartlyComplete() && m.mode.FTD() {
		return false
	}
	n := uint32(bits.OnesCount32(m.announceChannels()))
	m.announceDelay = max(announceTimeout/(n+1), minAnnounceDelay)
	return true
}

func (m *MLE) announceChannels() uint32 {
	if mask, ok := m.env.DatasetChannels(); ok {
		return mask
	}
	return m.config.SupportedChannels
}

// nextChannel returns the first channel of a mask behind one; behind 0 is the first of all.
func nextChannel(mask uint32, behind uint8) (uint8, bool) {
	if behind != 0 {
		mask &= ^uint32(0) << (behind + 1)
	}
	if mask == 0 {
		return 0, false
	}
	return uint8(bits.TrailingZeros32(mask)), true
}

func (m *MLE) nextAnnounceChannel(behind uint8) (uint8, bool) {
	return nextChannel(m.announceChannels(), behind)
}

func (m *MLE) moreToAnnounce() bool {
	_, ok := m.nextAnnounceChannel(m.announceChannel)
	return ok
}

// SendAnnounce tells who is on a channel where our network is.
func (m *MLE) SendAnnounce(now machine.Time, channel uint8) {
	m.sendAnnounce(now, channel, ip6.LinkLocalAllNodes, false)
}

func (m *MLE) sendAnnounce(now machine.Time, channel uint8, to ip6.Address, orphan bool) {
	if channel > 31 || m.config.SupportedChannels>>channel&1 == 0 {
		return
	}
	ts := OrphanTimestamp
	if !orphan {
		ts = m.env.DatasetTimestamp(false)
	}
	b := AppendChannel(m.begin(Announce), TLVChannel, uint16(m.env.Channel()))
	b = AppendTimestamp(b, TLVActiveTimestamp, ts)
	b = AppendPANID(b, uint16(m.env.PANID()))
	m.sendOut(now, b, &Outgoing{Dst: to, LinkSecurity: true, Channel: channel, PAN: ieee802154.BroadcastPAN})
}

// receiveAnnounce takes in where another node has its network.
func (m *MLE) receiveAnnounce(now machine.Time, r *rx) {
	_, channel16, err := r.Message.Channel(TLVChannel)
	if err != nil {
		return
	}
	channel := uint8(channel16)
	ts, err := r.Timestamp(TLVActiveTimestamp)
	if err != nil {
		return
	}
	id, err := r.Message.PANID()
	if err != nil {
		return
	}
	r.class = classPeer
	a := &m.announcer
	pan := ieee802154.PANID(id)
	here := channel == m.env.Channel() && pan == m.env.PANID()
	orphan := ts == OrphanTimestamp
	order := ts.Compare(m.env.DatasetTimestamp(false))
	switch {
	case orphan && here:
	case orphan || order < 0:
		// It does not know what we know.
		m.SendAnnounce(now, channel)
		m.sendAnnounce(now, channel, r.Src, false)
	case order > 0:
		if m.role == Detached && here || m.pendingComesFirst(ts) || channel > 31 ||
			a.state == announceHeard && a.timestamp >= ts.Seconds() {
			return
		}
		*a = announceHandler{announceHeard, channel, pan, ts.Seconds()}
		m.timers.startMS(timerAnnounce, now, announceProcessTimeout)
	default:
		m.heardSameAnnounce()
	}
}

// pendingComesFirst says whether a pending dataset will bring us where we are called to, soon.
func (m *MLE) pendingComesFirst(ts Timestamp) bool {
	pending, delay, ok := m.env.PendingActive()
	return ok && pending.Compare(ts) >= 0 && delay < milliseconds(announceBackoff)
}

// announceAttach goes to the channel that was announced.
func (m *MLE) announceAttach(now machine.Time) {
	a := &m.announcer
	if a.state != announceHeard {
		return
	}
	channel, pan := a.channel, a.pan
	m.stop(now, false)
	*a = announceHandler{announceAttaching, m.env.Channel(), m.env.PANID(), 0}
	m.env.SetChannel(now, channel)
	m.env.SetPANID(now, pan)
	if m.env.InterfaceUp() {
		m.start(now, true)
	}
}

// announceAttached tells the old channel, unless we are about to become a router and do it then.
func (m *MLE) announceAttached(now machine.Time) {
	m.announcer.state = announceInform
	if m.mode.FTD() && m.roleTransitionPending() {
		return
	}
	m.informPreviousChannel(now)
}

// informPreviousChannel is also called when the attempt to become a router is over.
func (m *MLE) informPreviousChannel(now machine.Time) {
	a := &m.announcer
	if a.state != announceInform {
		return
	}
	a.state = announceIdle
	m.AnnounceOn(now, 1<<a.channel, 3, 1000)
}

func (m *MLE) announceAttachFailed(now machine.Time) {
	a := &m.announcer
	a.state = announceIdle
	m.env.SetChannel(now, a.channel)
	m.env.SetPANID(now, a.pan)
}
