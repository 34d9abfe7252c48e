package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Times of links between routers in milliseconds (OpenThread mle.hpp).
const (
	linkRequestDelayRouter = 1000
	linkAcceptDelay        = 1000
	linkRequestDelayMin    = 1500 // of a child
	linkRequestDelayMax    = 3000
)

// linkAccept is what a Link Accept answers.
type linkAccept struct {
	ext       ieee802154.ExtAddr
	challenge [8]byte
	length    uint8
	types     [8]byte // that were asked for; 3 are known
	asked     uint8
	margin    uint8
}

// sendLinkRequest asks a router for a link, or, after a reset, all that hear us: then to is nil.
func (m *MLE) sendLinkRequest(now machine.Time, to *neighbor.Router) {
	b := AppendVersion(m.begin(LinkRequest), Version)
	switch {
	case m.role == Detached:
		b = AppendRequest(b, TLVAddress16, TLVRoute)
	case m.role.RouterOrLeader() && to != nil && to.State == neighbor.Valid:
		b = AppendRequest(b, TLVLinkMargin, TLVRoute)
	case m.role.RouterOrLeader():
		b = AppendRequest(b, TLVLinkMargin)
	}
	if m.role.Attached() {
		b = AppendSourceAddress(b, m.rloc16)
		b = AppendLeaderData(b, m.LeaderData())
	}
	challenge := m.randomChallenge()
	if to == nil {
		m.restorer.challenge = challenge
		m.send(now, AppendChallenge(b, challenge[:]), ip6.LinkLocalAllRouters)
		return
	}
	if to.State != neighbor.Valid {
		to.Challenge = challenge
	}
	to.LinkAcceptWait = neighbor.LinkAcceptTimeout
	m.sendTo(now, AppendChallenge(b, challenge[:]), to.Ext)
}

func (m *MLE) scheduleLinkRequest(now machine.Time, r *neighbor.Router, delay uint32) {
	dst := linkLocal(r.Ext)
	m.unschedule(delayedLinkRequest, dst)
	m.schedule(now, delay, delayedLinkRequest, dst, r.RLOC16)
}

func (m *MLE) linkRequestPlanned(r *neighbor.Router) bool {
	return m.scheduled(delayedLinkRequest, linkLocal(r.Ext))
}

// delayedLinkRequest sends a planned Link Request, if it still makes sense.
func (m *MLE) delayedLinkRequest(now machine.Time, rloc16 uint16, dst ip6.Address) {
	if r := m.table.Router(neighbor.RouterID(rloc16)); r != nil && linkLocal(r.Ext) == dst {
		m.sendLinkRequest(now, r)
	}
}

// linkRequested makes a neighbour of a router that we are about to ask for a link, or that asked us.
func (m *MLE) linkRequested(now machine.Time, router *neighbor.Router, r *rx) {
	m.initNeighbor(now, &router.Neighbor, r)
	router.SetState(now, neighbor.LinkRequest)
	router.LinkAcceptWait = 0
}

// receiveLinkRequest answers a router that wants a link, or a reset one that wants its role back.
func (m *MLE) receiveLinkRequest(now machine.Time, r *rx) {
	if !m.role.RouterOrLeader() || m.Attaching() {
		return
	}
	challenge, err := r.Challenge()
	if err != nil {
		return
	}
	if _, err := r.Version(); err != nil {
		return
	}
	switch d, err := r.LeaderData(); {
	case err == ErrParse, err == nil && d.PartitionID != m.leaderData.PartitionID:
		return
	}
	a := linkAccept{ext: r.ext, margin: m.linkMargin(r.RSSI), length: uint8(len(challenge))}
	copy(a.challenge[:], challenge)
	switch source, err := r.SourceAddress(); err {
	case nil:
		if neighbor.IsRouterRLOC16(source) {
			router := m.table.Router(neighbor.RouterID(source))
			switch {
			case router == nil || source == m.rloc16:
				return
			case router.State != neighbor.Valid:
				m.linkRequested(now, router, r)
			case router.Ext != r.ext:
				m.ftd.counters.ForgedIdentity++
				return
			}
		}
	case ErrNotFound: // it was reset just now
		if !r.fromValid() || !neighbor.IsRouterRLOC16(r.neighbor.RLOC16) {
			return
		}
	default:
		return
	}
	switch types, err := r.RequestedTLVs(); err {
	case nil:
		a.asked = uint8(copy(a.types[:], types))
	case ErrParse:
		return
	}
	r.class = classPeer
	m.followKeySequence(now, r)
	if r.multicast() {
		m.unschedule(delayedLinkAccept, linkLocal(a.ext))
		m.schedule(now, m.randomDelay(linkAcceptDelay), delayedLinkAccept, linkLocal(a.ext), a)
		return
	}
	m.sendLinkAccept(now, &a)
}

// sendLinkAccept accepts a link, and asks for it as well where we want it and have none yet.
func (m *MLE) sendLinkAccept(now machine.Time, a *linkAccept) {
	if !m.role.Attached() {
		return
	}
	command := LinkAccept
	router := m.table.RouterByExt(a.ext)
	if router != nil {
		switch router.State {
		case neighbor.LinkRequest:
			command = LinkAcceptAndRequest
			router.LastHeard = now
		case neighbor.Valid:
		default:
			return
		}
	}
	b := AppendVersion(m.begin(command), Version)
	b = AppendSourceAddress(b, m.rloc16)
	b = AppendResponse(b, a.challenge[:a.length])
	b = m.appendFrameCounters(b)
	b = AppendLinkMargin(b, a.margin)
	if router != nil {
		b = AppendLeaderData(b, m.LeaderData())
	}
	for _, t := range a.types[:a.asked] {
		switch TLV(t) {
		case TLVRoute:
			b = m.appendRoute(b, router)
		case TLVAddress16:
			if router == nil {
				return
			}
			b = AppendAddress16(b, router.RLOC16)
		case TLVLinkMargin:
		default:
			return
		}
	}
	if command == LinkAcceptAndRequest {
		router.Challenge = m.randomChallenge()
		b = AppendChallenge(b, router.Challenge[:])
		b = AppendRequest(b, TLVLinkMargin)
	}
	m.sendTo(now, b, a.ext)
}

// receiveLinkAccept makes a router our neighbour, or gives us our role back after a reset.
func (m *MLE) receiveLinkAccept(now machine.Time, r *rx) {
	source, err := r.SourceAddress()
	if err != nil || !neighbor.IsRouterRLOC16(source) {
		return
	}
	id := neighbor.RouterID(source)
	router := m.table.Router(id)
	response, err := r.Response()
	if err != nil || m.role == Disabled || source == m.rloc16 && m.role.Attached() {
		return
	}
	state := neighbor.Invalid
	if router != nil {
		state = router.State
	}
	switch state {
	case neighbor.LinkRequest:
		if string(response) != string(router.Challenge[:]) {
			m.ftd.counters.BadResponse++
			return
		}
	case neighbor.Invalid:
		if !m.restorer.router() || string(response) != string(m.restorer.challenge[:]) {
			m.ftd.counters.BadResponse++
			return
		}
	case neighbor.Valid:
		// A peer answers our renewed request. Its challenge is not kept, as OpenThread does it; but the answer must come
		// from who it is, or it would be another one's to take a router's place.
		if router.Ext != r.ext {
			m.ftd.counters.ForgedIdentity++
			return
		}
	default:
		return
	}
	if n := r.neighbor; n != nil && n.RLOC16 != source {
		m.removeNeighbor(now, n)
		r.neighbor = nil
	}
	version, err := r.Version()
	if err != nil {
		return
	}
	link, mle, err := r.FrameCounters()
	if err != nil {
		return
	}
	margin, err := r.LinkMargin()
	if err == ErrParse || err == ErrNotFound && m.role != Detached {
		return // after a reset it may be missing; the cost comes with the next advertisement
	}
	var route neighbor.Route
	update := false
	switch m.role {
	case Detached:
		if route, err = m.restored(now, r); err != nil {
			return
		}
		if router = m.table.Router(id); router == nil {
			return
		}
		update = true
	case Child:
		if router == nil {
			return
		}
	default:
		if router == nil {
			return
		}
		d, err := r.LeaderData()
		if err != nil || d.PartitionID != m.leaderData.PartitionID {
			return
		}
		if m.retrieveData || newer(d.DataVersion, m.env.DataVersion()) {
			m.sendDataRequest(now, r.Src)
		}
		switch route, err = r.Route(); err {
		case nil:
			if !route.Mask.Has(id) {
				return
			}
			if m.table.NewerSequence(route) {
				if m.takeRoute(now, r, route) != nil {
					return
				}
				if router = m.table.Router(id); router == nil {
					return
				}
			}
			update = true
		case ErrNotFound:
		default:
			return
		}
		if router.NextHop == neighbor.InvalidRouterID {
			m.resetAdvertise(now)
		}
	}
	m.initNeighbor(now, &router.Neighbor, r)
	router.SetLinkCounters(link)
	router.MLECounter, router.KeySeq = r.next(mle), r.keySequence
	router.Version, router.Mode = version, neighbor.RouterMode
	router.Link.Out = neighbor.QualityForMargin(margin)
	router.SetState(now, neighbor.Valid)
	router.LinkAcceptWait = 0
	m.table.Signal(neighbor.RouterAdded, &router.Neighbor)
	m.unschedule(delayedLinkRequest, linkLocal(router.Ext))
	if update {
		m.table.UpdateRoutes(now, route, id)
	}
	r.class = classAuthoritative
	m.followKeySequence(now, r)
	if r.Command == LinkAcceptAndRequest {
		challenge, err := r.Challenge()
		if err != nil {
			return
		}
		a := linkAccept{ext: router.Ext, margin: m.linkMargin(r.RSSI), length: uint8(len(challenge))}
		copy(a.challenge[:], challenge)
		types, err := r.RequestedTLVs()
		if err == ErrParse {
			return
		}
		a.asked = uint8(copy(a.types[:], types))
		m.sendLinkAccept(now, &a)
	}
}

// restored takes the role back that we had before a reset: a router that knows us answered.
func (m *MLE) restored(now machine.Time, r *rx) (neighbor.Route, error) {
	short, err := r.Address16()
	if err != nil || short != m.rloc16 {
		return neighbor.Route{}, errDrop
	}
	d, err := r.LeaderData()
	if err != nil {
		return neighbor.Route{}, err
	}
	route, err := r.Route()
	if err != nil {
		return neighbor.Route{}, err
	}
	m.setLeaderData(now, d)
	m.table.ClearRouters()
	if err := m.takeRoute(now, r, route); err != nil {
		return neighbor.Route{}, err
	}
	if d.LeaderRLOC16() == m.rloc16 {
		m.setRouterOrLeader(now, Leader, m.rloc16, RestoredByReset)
	} else {
		m.setRouterOrLeader(now, Router, m.rloc16, NewPartition)
	}
	m.retrieveData = true
	m.sendDataRequest(now, r.Src)
	return route, nil
}

// reestablishFTD renews the link to a router or a child.
func (m *MLE) reestablishFTD(now machine.Time, n *neighbor.Neighbor) {
	if c := n.Child(); c != nil {
		c.SetState(now, neighbor.ChildUpdateRequest)
		m.sendChildUpdateRequestToChild(now, c)
	} else if r := n.Router(); r != nil && !m.table.Parent.Is(n) {
		m.sendLinkRequest(now, r)
	}
}
