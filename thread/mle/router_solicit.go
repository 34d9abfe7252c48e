package mle

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// TLVs of the network management messages that assign router ids (OpenThread thread_tlvs.hpp). They have the form of MLE's.
const (
	tmfExtAddress TLV = 1
	tmfRLOC16     TLV = 2
	tmfStatus     TLV = 4
	tmfRouterMask TLV = 7
)

// solicit asks the leader for a router id: the one that we had, if we had one.
func (m *MLE) solicit(now machine.Time, why SolicitStatus) {
	f := &m.ftd
	if f.soliciting {
		return
	}
	ext := m.env.ExtAddress()
	b := AppendTLV(nil, tmfExtAddress, ext[:])
	if f.previousRouterID <= neighbor.MaxRouterID {
		b = append16(b, tmfRLOC16, neighbor.RouterRLOC16(f.previousRouterID))
	}
	b = append8(b, tmfStatus, uint8(why))
	f.soliciting = true
	m.env.Solicit(now, m.leaderData.LeaderRLOC16(), b)
}

// sendAddressRelease gives our router id back to the leader.
func (m *MLE) sendAddressRelease(now machine.Time) {
	ext := m.env.ExtAddress()
	b := append16(nil, tmfRLOC16, neighbor.RouterRLOC16(m.ftd.routerID))
	m.env.Release(now, m.leaderData.LeaderRLOC16(), AppendTLV(b, tmfExtAddress, ext[:]))
}

// HandleSolicitResponse takes in the leader's answer; ok is false where none came, or one that is no 2.04.
func (m *MLE) HandleSolicitResponse(now machine.Time, ok bool, payload []byte) {
	if !m.ftd.soliciting {
		return
	}
	m.ftd.now, m.ftd.soliciting = now, false
	if ok && m.role == Child {
		m.solicited(now, payload)
	}
	m.informPreviousChannel(now)
	m.tableChanged(now)
}

func (m *MLE) solicited(now machine.Time, payload []byte) {
	x := Message{TLVs: payload}
	status, err := x.uint8(tmfStatus)
	if err != nil {
		return
	}
	f := &m.ftd
	if SolicitStatus(status) != SolicitSuccess {
		f.solicitRejected = true
		if f.previousRouterID <= neighbor.MaxRouterID {
			m.removeChildren(now)
			m.setRouterID(neighbor.InvalidRouterID)
		}
		return
	}
	rloc16, err := x.uint16(tmfRLOC16)
	if err != nil {
		return
	}
	mask, err := x.find(tmfRouterMask, 9)
	if err != nil || neighbor.RouterID(rloc16) > neighbor.MaxRouterID {
		return
	}
	id := neighbor.RouterID(rloc16)
	m.setAlternate(now, m.rloc16)
	m.setRouterID(id)
	m.setRouterOrLeader(now, Router, neighbor.RouterRLOC16(id), NewPartition)

	// The routes of the time as a child stay: all go over the parent. Links to other routers were for listening only.
	t := m.table
	t.ClearRouterLinks()
	t.UpdateRouterSet(now, mask[0], neighbor.RouterSet(binary.BigEndian.Uint64(mask[1:])))
	self := t.Router(id)
	if self == nil {
		return
	}
	self.Ext = m.env.ExtAddress()
	self.NoRoute()
	parent := t.Router(t.Parent.RouterID())
	if parent == nil {
		return
	}
	parent.CopyFrom(&t.Parent.Neighbor)
	parent.SetState(now, neighbor.Valid)
	parent.NoRoute()
	if t.PathCostToLeader() >= neighbor.MaxRouteCost {
		if leader := t.Leader(); leader != nil {
			leader.SetRoute(t.Parent.RouterID(), t.Parent.LeaderCost)
		}
	}
	if t.Parent.Version < neighbor.Version1p3 {
		m.sendLinkRequest(now, parent) // some ignore advertisements of a former child
	}
	m.sendAdvertisement(now, ip6.LinkLocalAllNodes)
	for c := range t.Children(neighbor.InChildIDRequest) {
		m.sendChildIDResponse(now, c)
	}
}
