package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// receiveChildUpdateRequestOnParent takes in what changed with a child.
func (m *MLE) receiveChildUpdateRequestOnParent(now machine.Time, r *rx) {
	mode, err := r.Mode()
	if err != nil {
		return
	}
	var list tlvList
	challenge, err := r.Challenge()
	switch err {
	case nil:
		list.add(TLVResponse)
	case ErrNotFound:
		challenge = nil
	default:
		return
	}
	list.add(TLVSourceAddress)
	c := m.table.ChildByExt(r.ext, neighbor.InAny)
	if c == nil {
		if mode.RxOn() {
			list.add(TLVStatus) // it is no child of ours
			m.sendChildUpdateResponseToChild(now, nil, r.Src, &list, challenge)
		}
		return
	}
	if c.State != neighbor.Valid {
		return // being restored, or in the middle of attaching
	}
	oldMode := c.Mode
	c.Mode = mode
	list.add(TLVMode, TLVLinkMargin, TLVLeaderData)
	if challenge != nil {
		list.add(TLVMLEFrameCounter, TLVLinkFrameCounter)
	}
	switch m.registerAddresses(now, r, c) {
	case nil:
		list.add(TLVAddressRegistration)
	case ErrParse:
		return
	}
	switch d, err := r.LeaderData(); err {
	case nil:
		c.DataVersion = d.Version(c.Mode.FullNetworkData())
	case ErrParse:
		return
	}
	changed := false
	switch timeout, err := r.Timeout(); err {
	case nil:
		changed = c.Timeout != timeout
		c.Timeout = timeout
		list.add(TLVTimeout)
	case ErrParse:
		return
	}
	switch supervision, err := r.SupervisionInterval(); err {
	case nil:
		list.add(TLVSupervisionInterval)
		c.Supervision = supervision
	case ErrNotFound:
		c.Supervision = supervisionOf(c.Version)
	default:
		return
	}
	switch types, err := r.RequestedTLVs(); err {
	case nil:
		for _, t := range types {
			list.add(TLV(t))
		}
	case ErrParse:
		return
	}
	if c.CSL != nil && c.CSL.Synchronized {
		switch timeout, err := r.CSLTimeout(); err {
		case nil:
			c.CSL.Timeout = timeout
			list.add(TLVCSLClockAccuracy)
		case ErrParse:
			return
		}
		if _, channel, err := r.Message.Channel(TLVCSLChannel); err == nil {
			c.CSL.Channel = uint8(channel)
		}
	}
	c.LastHeard = now
	if c.Mode != oldMode {
		changed = true
		if c.Mode.RxOn() && c.CSL != nil {
			c.CSL.Synchronized = false
		}
		// After its addresses are in: what waits for it may be for one of these.
		m.env.ChildModeChanged(now, c, oldMode)
		m.ftd.now = now
		m.table.Signal(neighbor.ChildModeChanged, &c.Neighbor)
	}
	if changed {
		m.storeChild(now, c)
	}
	m.sendChildUpdateResponseToChild(now, c, r.Src, &list, challenge)
	r.class = classPeer
}

// sendChildUpdateResponseToChild answers a child, or, with c nil, one that is none.
func (m *MLE) sendChildUpdateResponseToChild(now machine.Time, c *neighbor.Child, to ip6.Address, list *tlvList, challenge []byte) {
	b := m.begin(ChildUpdateResponse)
	for _, t := range list.types() {
		switch TLV(t) {
		case TLVStatus:
			b = AppendStatus(b, StatusError)
		case TLVLeaderData:
			b = AppendLeaderData(b, m.LeaderData())
		case TLVResponse:
			b = AppendResponse(b, challenge)
		case TLVSourceAddress:
			b = AppendSourceAddress(b, m.rloc16)
		case TLVMLEFrameCounter:
			b = AppendMLEFrameCounter(b, m.keys.Counters().MLE)
		case TLVLinkFrameCounter:
			b = AppendLinkFrameCounter(b, m.keys.Counters().MAC)
		}
		if c == nil {
			continue
		}
		switch TLV(t) {
		case TLVAddressRegistration:
			b = m.appendChildAddresses(b, c)
		case TLVMode:
			b = AppendMode(b, c.Mode)
		case TLVNetworkData:
			if m.retrieveData {
				return // it asks again
			}
			b = m.appendNetworkData(b, c.Mode)
			b = m.appendTimestamps(b)
		case TLVTimeout:
			b = AppendTimeout(b, c.Timeout)
		case TLVLinkMargin:
			b = AppendLinkMargin(b, c.Link.Margin())
		case TLVSupervisionInterval:
			b = AppendSupervisionInterval(b, c.Supervision)
		case TLVCSLClockAccuracy:
			if !c.Mode.RxOn() {
				b = AppendCSLClockAccuracy(b, ourCSLAccuracy, ourCSLUncertainty)
			}
		}
	}
	m.send(now, b, to)
}

// sendChildUpdateRequestToChild brings a child up to date, or asks a restored one whether it is still ours.
func (m *MLE) sendChildUpdateRequestToChild(now machine.Time, c *neighbor.Child) {
	if !c.Mode.RxOn() && c.State.Restoring() && m.env.ChildUpdateQueued(c) {
		return
	}
	// Our network data is still that of another partition, or after a reset empty with a random version: half of the
	// children would take it for the newest, and tell others (mle.cpp, AppendNetworkDataTlv). The tick asks restored
	// children again.
	if m.retrieveData {
		if c.State == neighbor.ChildUpdateRequest {
			c.State = neighbor.Restored
		}
		return
	}
	m.env.DropMLEForChild(now, c, true)
	b := AppendSourceAddress(m.begin(ChildUpdateRequest), m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	b = m.appendNetworkData(b, c.Mode)
	b = m.appendTimestamps(b)
	if c.State == neighbor.Valid {
		b = AppendLinkMargin(b, c.Link.Margin())
	} else {
		b = AppendRequest(b, TLVTimeout, TLVAddressRegistration)
		// A restored child keeps its challenge: a Parent Response may be under way with it.
		if c.State != neighbor.Restored {
			c.Challenge = m.randomChallenge()
		}
		b = AppendChallenge(b, c.Challenge[:])
	}
	// Before it is sent: with a radio without delay the answer may come within.
	if c.Mode.RxOn() {
		c.State = neighbor.ChildUpdateRequest // one try is enough for one that listens
	}
	m.sendTo(now, b, c.Ext)
}

// receiveChildUpdateResponseOnParent takes in a child's answer.
func (m *MLE) receiveChildUpdateResponseOnParent(now machine.Time, r *rx) {
	c := r.neighbor.Child()
	if c == nil || c.State == neighbor.Invalid {
		return
	}
	response, err := r.Response()
	switch {
	case err == nil && string(response) != string(c.Challenge[:]), err == ErrNotFound && c.State != neighbor.Valid:
		m.ftd.counters.BadResponse++
		return
	case err == ErrParse:
		return
	}
	switch source, err := r.SourceAddress(); {
	case err == nil && source != c.RLOC16:
		m.removeChild(now, c)
		return
	case err == ErrParse:
		return
	}
	switch status, err := r.Status(); {
	case err == nil && status == StatusError:
		m.removeChild(now, c)
		return
	case err == ErrParse:
		return
	}
	if n, err := r.uint32(TLVLinkFrameCounter); err == nil {
		c.SetLinkCounters(n)
	} else if err == ErrParse {
		return
	}
	if n, err := r.uint32(TLVMLEFrameCounter); err == nil {
		c.MLECounter = r.next(n)
	} else if err == ErrParse {
		return
	}
	if n, err := r.Timeout(); err == nil {
		c.Timeout = n
	} else if err == ErrParse {
		return
	}
	if n, err := r.SupervisionInterval(); err == nil {
		c.Supervision = n
	} else if err == ErrParse {
		return
	}
	if m.registerAddresses(now, r, c) == ErrParse {
		return
	}
	switch d, err := r.LeaderData(); err {
	case nil:
		c.DataVersion = d.Version(c.Mode.FullNetworkData())
	case ErrParse:
		return
	}
	m.childValid(now, c)
	c.LastHeard, c.KeySeq = now, r.keySequence
	c.Link.AddRSS(r.RSSI)
	if r.class = classPeer; len(response) > 0 {
		r.class = classAuthoritative
	}
}
