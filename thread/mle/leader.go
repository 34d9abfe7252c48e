package mle

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// HandleSolicit answers a request for a router id, if we are the leader. src is who asks. It returns the payload of the
// 2.04, or false for no answer at all.
func (m *MLE) HandleSolicit(now machine.Time, src ip6.Address, payload []byte) ([]byte, bool) {
	m.ftd.now = now
	x := Message{TLVs: payload}
	v, err := x.find(tmfExtAddress, 8)
	if m.role != Leader || err != nil {
		return nil, false
	}
	ext := ieee802154.ExtAddr(v)
	why, err := x.uint8(tmfStatus)
	if err != nil {
		return nil, false
	}
	wanted := uint8(neighbor.InvalidRouterID)
	switch rloc16, err := x.uint16(tmfRLOC16); err {
	case nil:
		wanted = neighbor.RouterID(rloc16)
	case ErrNotFound:
	default:
		return nil, false
	}
	status, r := m.assign(now, ext, SolicitStatus(why), wanted)
	b := append8(nil, tmfStatus, uint8(status))
	if r != nil {
		b = append16(b, tmfRLOC16, r.RLOC16)
		b = append(b, byte(tmfRouterMask), 9, m.table.IDSequence())
		b = binary.BigEndian.AppendUint64(b, uint64(m.table.RouterSet()))
		// Who has a new RLOC16 is not to be found under the old one. What we know of our own child moves with its first
		// advertisement.
		if old := src.IID().Locator(); m.table.Self.IsRLOC(src) && old != r.RLOC16 && !neighbor.SameRouter(old, m.rloc16) {
			m.env.ForgetRLOC16(now, old)
		}
	}
	m.tableChanged(now)
	return b, true
}

// assign chooses a router id.
func (m *MLE) assign(now machine.Time, ext ieee802154.ExtAddr, why SolicitStatus, wanted uint8) (SolicitStatus, *neighbor.Router) {
	if r := m.table.RouterByExt(ext); r != nil {
		return SolicitSuccess, r
	}
	full := m.table.RouterCount() >= int(m.ftd.upgrade)
	switch why {
	case SolicitTooFewRouters:
		if full {
			return SolicitNoAddress, nil
		}
	case SolicitHaveChildIDRequest, SolicitParentPartitionChange:
	case SolicitBorderRouter:
		if full && m.env.BorderRouters() >= borderRouterLimit {
			return SolicitNoAddress, nil
		}
	default:
		return SolicitUnrecognized, nil
	}
	r := m.table.Allocate(now, wanted)
	if r == nil {
		return SolicitNoAddress, nil
	}
	r.Ext = ext
	return SolicitSuccess, r
}

// HandleRelease takes a router id back, if we are the leader, and says whether to answer. Only who has an id can give it
// back.
func (m *MLE) HandleRelease(now machine.Time, payload []byte) bool {
	m.ftd.now = now
	x := Message{TLVs: payload}
	rloc16, err := x.uint16(tmfRLOC16)
	ext, err2 := x.find(tmfExtAddress, 8)
	if m.role != Leader || err != nil || err2 != nil {
		return false
	}
	r := m.table.Router(neighbor.RouterID(rloc16))
	if r == nil || r.Ext != ieee802154.ExtAddr(ext) {
		m.ftd.counters.ForgedIdentity++
		return false
	}
	m.releaseRouter(now, r.RouterID())
	m.tableChanged(now)
	return true
}

// releaseRouter takes an id back.
func (m *MLE) releaseRouter(now machine.Time, id uint8) bool {
	if m.role != Leader || !m.table.Release(now, id) {
		return false
	}
	m.env.ReleasedRouter(now, id)
	return true
}

// ReleaseRouterID takes an id back by hand, as the leader. It says whether the id was assigned.
func (m *MLE) ReleaseRouterID(now machine.Time, id uint8) bool {
	m.ftd.now = now
	ok := m.releaseRouter(now, id)
	m.tableChanged(now)
	return ok
}
