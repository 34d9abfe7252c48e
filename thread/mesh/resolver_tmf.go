package mesh

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
)

// URIs of the messages that the resolver posts and handles.
const (
	URIQuery  = "a/aq"
	URINotify = "a/an"
	URIError  = "a/ae"
)

// TLVs in them (OpenThread's thread_tlvs.hpp).
const (
	tlvTarget          = 0
	tlvRLOC16          = 2
	tlvMeshLocalIID    = 3
	tlvLastTransaction = 6
)

// failedChildSends is after how many failures in a row we do not answer for a child (Mle::kFailedChildTransmissions).
const failedChildSends = 4

func seconds(d time.Duration) uint16 { return uint16(min(d/time.Second, 0xffff)) }

// sendQuery asks all routers for an address.
func (r *Resolver) sendQuery(now machine.Time, a ip6.Address) error {
	r.mesh.wantTick(now)
	return r.mesh.env.Post(now, ip6.RealmLocalAllRouters, URIQuery, tlv.Append(nil, tlvTarget, a[:]), false, Net)
}

// HandleQuery answers the query of a node for an address of ours or of a child that has only us. src is whom to answer.
func (r *Resolver) HandleQuery(now machine.Time, src ip6.Address, payload []byte) {
	m := r.mesh
	target, ok := address(payload)
	if !ok || !m.cfg.FTD {
		return
	}
	if m.env.HasAddress(target) {
		r.notify(now, target, m.env.MeshLocalEID().IID(), nil, src)
		return
	}
	for c := range m.table.Children(neighbor.InValid) {
		if c.Mode.FTD() || c.LinkFailures >= failedChildSends || !c.HasAddress(target) {
			continue
		}
		ml, _ := c.MeshLocal()
		age := c.Age(now)
		r.notify(now, target, ml.IID(), &age, src)
		return
	}
}

func (r *Resolver) notify(now machine.Time, target ip6.Address, iid ip6.IID, age *uint32, dst ip6.Address) {
	b := tlv.Append(make([]byte, 0, 48), tlvTarget, target[:])
	b = tlv.Append(b, tlvMeshLocalIID, iid[:])
	b = tlv.AppendUint16(b, tlvRLOC16, r.mesh.table.Self.RLOC16)
	if age != nil {
		b = tlv.AppendUint32(b, tlvLastTransaction, *age)
	}
	_ = r.mesh.env.Post(now, dst, URINotify, b, true, Net) // who asked asks again
}

// HandleNotify takes in the answer to a query of ours, and reports whether it is to be acknowledged. Nobody else's answer
// gets in: an address that was not asked for is not in the cache.
func (r *Resolver) HandleNotify(now machine.Time, payload []byte) bool {
	m := r.mesh
	target, ok := address(payload)
	iid, hasIID := meshLocalIID(payload)
	rloc16, hasRLOC := tlv.Uint16(payload, tlvRLOC16)
	if !ok || !hasIID || !hasRLOC {
		m.Counters.StrayNotifies++
		return false
	}
	age, hasAge := tlv.Uint32(payload, tlvLastTransaction)
	if _, has := tlv.Find(payload, tlvLastTransaction); has != hasAge {
		m.Counters.StrayNotifies++
		return false
	}
	e, i := r.find(target)
	if e == nil || neighbor.RouterID(rloc16) > neighbor.MaxRouterID {
		m.Counters.StrayNotifies++
		return false
	}
	if e.State == Cached && e.Notified {
		if e.MeshLocal != iid {
			// Two nodes have the address: the one that is not meant by the identifier gives it up.
			m.Counters.DuplicateAddress++
			r.sendError(now, target, iid, nil)
			return false
		}
		if age >= e.LastTransaction {
			return false
		}
	}
	r.take(e.State, i)
	e.RLOC16, e.MeshLocal, e.LastTransaction, e.Notified, e.fresh = rloc16, iid, age, true, freshness
	r.put(Cached, e)
	m.wantTick(now)
	m.resolved(now, target, nil)
	return true
}

// sendError says that an address belongs to the node with a mesh-local identifier: to all routers, or to one node.
func (r *Resolver) sendError(now machine.Time, target ip6.Address, iid ip6.IID, dst *ip6.Address) {
	b := tlv.Append(make([]byte, 0, 32), tlvTarget, target[:])
	b = tlv.Append(b, tlvMeshLocalIID, iid[:])
	to, confirmable := ip6.RealmLocalAllRouters, false
	if dst != nil {
		to, confirmable = *dst, true
	}
	_ = r.mesh.env.Post(now, to, URIError, b, confirmable, Normal)
}

// HandleError takes in that an address belongs to a node with a mesh-local identifier: if we or a child have it and are
// another, it is given up.
func (r *Resolver) HandleError(now machine.Time, payload []byte) {
	m := r.mesh
	target, ok := address(payload)
	iid, hasIID := meshLocalIID(payload)
	if !ok || !hasIID {
		return
	}
	if m.env.HasAddress(target) && m.env.MeshLocalEID().IID() != iid {
		m.Counters.DuplicateAddress++
		m.env.RemoveAddress(now, target)
		return
	}
	if !m.cfg.FTD {
		return
	}
	ext := ieee802154.ExtAddr(iid.Ext())
	for c := range m.table.Children(neighbor.InValid) {
		if c.Mode.FTD() || c.Ext == ext || !c.RemoveAddress(target) {
			continue
		}
		m.Counters.DuplicateAddress++
		dst := ip6.RLOC(m.table.Self.MeshLocal, c.RLOC16)
		r.sendError(now, target, iid, &dst)
		return
	}
}

// HandleICMP takes in an ICMPv6 error's payload: an address whose node is not where we thought is asked for again.
func (r *Resolver) HandleICMP(now machine.Time, t ip6.ICMPType, code uint8, payload []byte) {
	if t != ip6.DstUnreachable || code != ip6.NoRoute {
		return
	}
	if h, err := ip6.ParseHeader(payload); err == nil {
		r.Remove(now, h.Dst)
	}
}

func address(payload []byte) (a ip6.Address, ok bool) {
	v, ok := tlv.Find(payload, tlvTarget)
	if !ok || len(v) < 16 {
		return a, false
	}
	return ip6.Address(v), true
}

func meshLocalIID(payload []byte) (i ip6.IID, ok bool) {
	v, ok := tlv.Find(payload, tlvMeshLocalIID)
	if !ok || len(v) < 8 {
		return i, false
	}
	return ip6.IID(v), true
}
