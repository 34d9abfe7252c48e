package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
)

// own is what the addresses that a node has by its role follow from. When it has not changed, neither have they.
type own struct {
	up, started, leader bool
	rloc16              uint16
	meshLocal           ip6.Network
	eid                 ip6.Address
	linkLocal           ip6.Address
	services            uint16 // set of ids
}

// maxServiceALOCs is how many services of ours get an anycast locator (OpenThread's mle.hpp, kMaxServiceAlocs).
const maxServiceALOCs = 9

// updateAddresses gives the interface the addresses that follow from the node's role, in the order in which OpenThread
// gets them.
func (n *Node) updateAddresses(now machine.Time) {
	self := &n.table.Self
	o := own{up: n.up, started: n.up && self.Role != neighbor.RoleDisabled, linkLocal: n.mle.LinkLocal(), rloc16: neighbor.InvalidRLOC16}
	if o.started {
		o.meshLocal, o.eid = n.mle.MeshLocalPrefix(), n.mle.MeshLocalEID()
		o.rloc16 = n.mle.RLOC16()
		o.leader = self.Role == neighbor.RoleLeader
		if o.rloc16 != neighbor.InvalidRLOC16 {
			o.services = n.ownServices(o.rloc16)
		}
	}
	was := n.own
	if o == was {
		return
	}
	n.own = o
	replace := func(old, new Address, had, has bool) {
		if had && (!has || old.Addr != new.Addr) {
			n.dropAddress(old.Addr)
		}
		if has {
			n.putAddress(new)
		}
	}
	thread := func(a ip6.Address) Address {
		return Address{Addr: a, PrefixLength: 64, Origin: OriginThread, Preferred: true, Valid: true}
	}
	locator := func(o *own, short uint16) Address { return meshLocalAddress(ip6.RLOC(o.meshLocal, short)) }
	rloc := func(o *own) Address {
		a := locator(o, o.rloc16)
		a.RLOC = true
		return a
	}
	if was.linkLocal != o.linkLocal {
		n.signal(LinkLocalChanged)
	}
	if was.rloc16 != o.rloc16 && was.rloc16 != neighbor.InvalidRLOC16 {
		n.tmf.AbortFrom(now, ip6.RLOC(was.meshLocal, was.rloc16))
	}
	for id := range 16 {
		bit := uint16(1) << id
		if was.services&bit != 0 && o.services&bit == 0 {
			n.dropAddress(ip6.RLOC(was.meshLocal, netdata.ServiceALOC16(uint8(id))))
		}
	}
	replace(thread(was.linkLocal), thread(o.linkLocal), was.up, o.up)
	replace(meshLocalAddress(was.eid), meshLocalAddress(o.eid), was.started, o.started)
	replace(rloc(&was), rloc(&o), was.rloc16 != neighbor.InvalidRLOC16 && was.started, o.rloc16 != neighbor.InvalidRLOC16)
	replace(locator(&was, leaderALOC), locator(&o, leaderALOC), was.leader, o.leader)
	for id := range 16 {
		if o.services&(1<<id) != 0 {
			n.putAddress(locator(&o, netdata.ServiceALOC16(uint8(id))))
		}
	}
	n.updateGroups(&was, &o)
}

const leaderALOC = 0xfc00

func meshLocalAddress(a ip6.Address) Address {
	return Address{Addr: a, PrefixLength: 64, Origin: OriginThread, Preferred: true, Valid: true, MeshLocal: true}
}

// setLocator gives the interface an anycast locator that does not follow from the role, or takes it away.
func (n *Node) setLocator(aloc16 uint16, on bool) {
	if a := ip6.RLOC(n.meshLocal(), aloc16); on {
		n.putAddress(meshLocalAddress(a))
	} else {
		n.dropAddress(a)
	}
}

// setMeshLocalPrefix gives all addresses of the old prefix the new one, where they stand in their lists
// (Netif::ApplyNewMeshLocalPrefix).
func (n *Node) setMeshLocalPrefix(now machine.Time, prefix ip6.Network) {
	was := n.meshLocal()
	if prefix == was {
		return
	}
	for i := range n.unicast {
		if a := &n.unicast[i]; a.MeshLocal {
			n.tellAddress(a, true)
			a.Addr = ip6.Join(prefix, a.Addr.IID())
			n.tellAddress(a, false)
		}
	}
	for i, a := range n.multicast {
		switch a {
		case ip6.LinkLocalAllThreadNodes(was):
			n.multicast[i] = ip6.LinkLocalAllThreadNodes(prefix)
		case ip6.RealmLocalAllThreadNodes(was):
			n.multicast[i] = ip6.RealmLocalAllThreadNodes(prefix)
		default:
			continue
		}
		n.tellGroup(a, true)
		n.tellGroup(n.multicast[i], false)
	}
	n.mle.SetMeshLocalPrefix(now, prefix)
}

// updateGroups does the same for multicast addresses.
func (n *Node) updateGroups(was, o *own) {
	if was.started && !o.started {
		n.dropMulticast(ip6.RealmLocalAllThreadNodes(was.meshLocal))
		n.dropMulticast(ip6.LinkLocalAllThreadNodes(was.meshLocal))
	}
	if o.started {
		n.putMulticast(ip6.LinkLocalAllThreadNodes(o.meshLocal))
		n.putMulticast(ip6.RealmLocalAllThreadNodes(o.meshLocal))
	}
}

// ownServices returns the ids of the services that this node is a server of.
func (n *Node) ownServices(rloc16 uint16) (set uint16) {
	count := 0
	for s := range n.data.Data().Services() {
		if s.RLOC16 == rloc16 && set&(1<<(s.ID&15)) == 0 && count < maxServiceALOCs {
			set |= 1 << (s.ID & 15)
			count++
		}
	}
	return set
}
