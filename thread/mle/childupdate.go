package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// updateKind says what a Child Update Request to our parent is for.
type updateKind uint8

const (
	updateNormal    updateKind = iota
	updateChallenge            // the parent must prove that it is fresh: its key sequence jumped
	updateDetach               // a time-out of zero takes leave
	updateRestore              // after a reset
)

// childUpdateDelay is how long we wait for more changes before we tell our parent of one, in ms.
const childUpdateDelay = 100

// scheduleChildUpdate tells our parent soon that something about us changed.
func (m *MLE) scheduleChildUpdate(now machine.Time) {
	to := linkLocal(m.table.Parent.Ext)
	if !m.scheduled(delayedChildUpdateRequest, to) {
		m.schedule(now, childUpdateDelay, delayedChildUpdateRequest, to, nil)
	}
}

// RegisterAddresses tells the parent of a minimal end device that its addresses, or how they are compressed, changed.
func (m *MLE) RegisterAddresses(now machine.Time) { m.scheduleChildUpdateOfMTD(now) }

func (m *MLE) scheduleChildUpdateOfMTD(now machine.Time) {
	if m.role == Child && !m.mode.FTD() {
		m.scheduleChildUpdate(now)
	}
}

// sendChildUpdateRequest tells our parent what we are.
func (m *MLE) sendChildUpdateRequest(now machine.Time, kind updateKind) {
	if !m.table.Parent.State.ValidOrRestoring() {
		m.BecomeDetached(now)
		return
	}
	if m.role != Detached && m.role != Child {
		return
	}
	m.unschedule(delayedChildUpdateRequest, linkLocal(m.table.Parent.Ext))
	if kind == updateNormal || kind == updateChallenge {
		m.retransmit.updateSent(m, now)
	}
	b := AppendMode(m.begin(ChildUpdateRequest), m.mode)
	if kind == updateChallenge || m.role == Detached {
		m.challenge = m.randomChallenge()
		b = AppendChallenge(b, m.challenge[:])
	}
	if m.role == Child {
		timeout := m.timeout
		if kind == updateDetach {
			timeout = 0
		}
		b = AppendSourceAddress(b, m.rloc16)
		b = AppendLeaderData(b, m.LeaderData())
		b = AppendTimeout(b, timeout)
		b = m.appendSupervision(b)
		if m.CSLEnabled() {
			b = AppendChannel(b, TLVCSLChannel, uint16(m.cslChannel))
			b = AppendCSLTimeout(b, m.CSLTimeout())
		}
	}
	if !m.mode.FTD() {
		b = m.appendRegistration(b, m.role == Detached)
	}
	m.sendTo(now, b, m.table.Parent.Ext)
	if m.mode.RxOn() {
		m.env.SetRxOnWhenIdle(now, true)
		return
	}
	m.env.SetRxOnWhenIdle(now, false)
	m.env.SetPollAttachMode(now, !m.CSLEnabled())
}

// sendChildUpdateResponse answers a parent, or one that thinks that it is.
func (m *MLE) sendChildUpdateResponse(now machine.Time, types []byte, challenge []byte, to ip6.Address) {
	b := AppendSourceAddress(m.begin(ChildUpdateResponse), m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	follow := false
	for _, t := range types {
		switch TLV(t) {
		case TLVTimeout:
			b = AppendTimeout(b, m.timeout)
		case TLVStatus:
			b = AppendStatus(b, StatusError)
		case TLVAddressRegistration:
			// The mesh-local EID is enough here; the others follow in a request of our own.
			if !m.mode.FTD() {
				b = m.appendRegistration(b, true)
				follow = true
			}
		case TLVResponse:
			b = AppendResponse(b, challenge)
		case TLVLinkFrameCounter:
			b = AppendLinkFrameCounter(b, m.keys.Counters().MAC)
		case TLVMLEFrameCounter:
			b = AppendMLEFrameCounter(b, m.keys.Counters().MLE)
		case TLVSupervisionInterval:
			b = m.appendSupervision(b)
		case TLVCSLTimeout:
			if m.CSLEnabled() {
				b = AppendCSLTimeout(b, m.CSLTimeout())
			}
		}
	}
	m.send(now, b, to)
	if follow && m.unregistered() {
		m.sendChildUpdateRequest(now, updateNormal)
	}
}

// receiveChildUpdateRequest takes in a child's update if we are a router, or our parent's.
func (m *MLE) receiveChildUpdateRequest(now machine.Time, r *rx) {
	switch {
	case m.role.RouterOrLeader():
		m.receiveChildUpdateRequestOnParent(now, r)
	case m.role == Child:
		m.childUpdateRequestOnChild(now, r)
	}
}

func (m *MLE) childUpdateRequestOnChild(now machine.Time, r *rx) {
	source, err := r.SourceAddress()
	if err != nil {
		return
	}
	var list tlvList
	challenge, err := r.Challenge()
	switch err {
	case nil:
		list.add(TLVResponse, TLVMLEFrameCounter, TLVLinkFrameCounter)
	case ErrParse:
		return
	}
	if !m.table.Parent.Is(r.neighbor) {
		list.add(TLVStatus) // we are no child of this one
	} else {
		switch status, err := r.Status(); {
		case err == ErrParse:
			return
		case err == nil && status == StatusError, m.table.Parent.RLOC16 != source:
			m.BecomeDetached(now)
			return
		}
		if m.takeLeaderData(now, r) != nil {
			return
		}
		switch margin, err := r.LinkMargin(); err {
		case nil:
			m.table.Parent.Link.Out = neighbor.QualityForMargin(margin)
		case ErrParse:
			return
		}
		if _, _, err := r.CSLClockAccuracy(); err == nil {
			list.add(TLVCSLTimeout)
		}
	}
	switch requested, err := r.RequestedTLVs(); err {
	case nil:
		for _, t := range requested {
			list.add(TLV(t))
		}
	case ErrParse:
		return
	}
	r.class = classPeer
	m.followKeySequence(now, r)
	m.sendChildUpdateResponse(now, list.types(), challenge, r.Src)
}

// receiveChildUpdateResponse takes in a child's answer if we are a router, or our parent's.
func (m *MLE) receiveChildUpdateResponse(now machine.Time, r *rx) {
	switch {
	case m.role.RouterOrLeader():
		m.receiveChildUpdateResponseOnParent(now, r)
	case m.childUpdateResponseOnChild(now, r):
		m.retransmit.updateAnswered(m, now)
	}
}

// childUpdateResponseOnChild reports whether the response was of use.
func (m *MLE) childUpdateResponseOnChild(now machine.Time, r *rx) bool {
	response, err := r.Response()
	if err == ErrParse {
		return false
	}
	parent := &m.table.Parent
	if m.role == Detached {
		if string(response) != string(m.challenge[:]) || r.ext != parent.Ext || !m.restorer.child() {
			return false
		}
	} else if !parent.Is(r.neighbor) || parent.State != neighbor.Valid {
		return false
	}
	if _, err := r.Status(); err == nil {
		m.BecomeDetached(now)
		return true
	}
	if mode, err := r.Mode(); err != nil || mode != m.mode {
		return false // it answers what we were before
	}
	if m.role == Detached {
		link, mle, err := r.FrameCounters()
		if err != nil {
			return false
		}
		parent.SetLinkCounters(link)
		parent.MLECounter, parent.KeySeq = r.next(mle), r.keySequence
		parent.SetState(now, neighbor.Valid)
		m.setChild(now, m.rloc16)
		m.retrieveData = true
		m.requestRoute = m.requestRoute || m.mode.FTD()
	}
	source, err := r.SourceAddress()
	if err != nil {
		return false
	}
	if !neighbor.SameRouter(source, m.rloc16) {
		m.BecomeDetached(now)
		return true
	}
	if m.takeLeaderData(now, r) != nil {
		return false
	}
	switch timeout, err := r.Timeout(); err {
	case nil:
		if m.detacher.finished(m, now, timeout) {
			return false
		}
		m.setTimeout(now, timeout, false)
	case ErrParse:
		return false
	}
	switch accuracy, uncertainty, err := r.CSLClockAccuracy(); err {
	case nil:
		parent.CSLAccuracy, parent.CSLUncertainty = accuracy, uncertainty
	case ErrParse:
		return false
	}
	m.settleSleep(now)
	switch margin, err := r.LinkMargin(); err {
	case nil:
		parent.Link.Out = neighbor.QualityForMargin(margin)
	case ErrParse:
		return false
	}
	if r.class = classPeer; len(response) > 0 {
		r.class = classAuthoritative
	}
	return true
}

// tlvList is a set of TLV types in the order in which they were added.
type tlvList struct {
	list [32]byte
	n    int
}

func (l *tlvList) add(types ...TLV) {
next:
	for _, t := range types {
		for _, have := range l.list[:l.n] {
			if have == byte(t) {
				continue next
			}
		}
		if l.n < len(l.list) {
			l.list[l.n] = byte(t)
			l.n++
		}
	}
}

func (l *tlvList) types() []byte { return l.list[:l.n] }

// reestablish renews the link to a neighbour whose key sequence jumped: only an answer to a challenge proves it.
func (m *MLE) reestablish(now machine.Time, n *neighbor.Neighbor) {
	switch {
	case !m.role.Attached() || n.State != neighbor.Valid:
	case m.role == Child && m.table.Parent.Is(n):
		m.sendChildUpdateRequest(now, updateChallenge)
	case m.mode.FTD():
		m.reestablishFTD(now, n)
	}
}
