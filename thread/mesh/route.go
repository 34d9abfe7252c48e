package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
)

// route is where the current message goes.
type route struct {
	src, dst         ieee802154.Address // of the next hop's frame
	mesh             bool               // with a mesh header
	meshSrc, meshDst uint16
}

// routeOf sets m.route for a message. errAddressQuery says that the address is being asked for.
func (m *Mesh) routeOf(now machine.Time, x *message) error {
	m.delayNext = false
	switch x.content {
	case datagram:
		return m.routeDatagram(now, x)
	case meshFrame:
		return m.routeMeshFrame(x)
	case emptyFrame:
		m.route = route{src: ieee802154.ShortAddr(m.table.Self.RLOC16), dst: ieee802154.ShortAddr(m.table.Parent.RLOC16)}
		return nil
	}
	return errDrop
}

func (m *Mesh) routeDatagram(now machine.Time, x *message) error {
	self := &m.table.Self
	src, dst := ip6.Src(x.data), ip6.Dst(x.data)
	if src.IsMulticast() {
		return errDrop
	}
	m.route = route{src: m.macSource(src)}
	r := &m.route
	switch {
	case dst.IsLinkLocalUnicast():
		r.dst = ieee802154.ExtendedAddr(ieee802154.ExtAddr(dst.IID().Ext()))
	case !self.Role.Attached():
		if !dst.IsLinkLocalMulticast() {
			return errDrop
		}
		r.dst = ieee802154.Broadcast
	case dst.IsMulticast():
		// End devices leave it to their parent to multicast for them, but MLE and what is not secured.
		if self.Role == neighbor.RoleChild && x.secure && !x.kind.IsMLE() {
			r.dst = ieee802154.ShortAddr(m.table.Parent.RLOC16)
		} else {
			r.dst = ieee802154.Broadcast
		}
	case !m.cfg.FTD:
		r.dst = ieee802154.ShortAddr(m.table.Parent.RLOC16)
	default:
		return m.routeFTD(now, x, src, dst)
	}
	return nil
}

// routeFTD finds the RLOC16 that a unicast address is at, and the next hop to it (MeshForwarder::UpdateIp6RouteFtd).
func (m *Mesh) routeFTD(now machine.Time, x *message, src, dst ip6.Address) (err error) {
	self := &m.table.Self
	to := uint16(neighbor.InvalidRLOC16)
	iid := dst.IID()
	switch n := (*neighbor.Neighbor)(nil); {
	case x.offset > 0:
		to = x.meshDst
	case self.IsRLOC(dst):
		if to = iid.Locator(); neighbor.RouterID(to) > neighbor.MaxRouterID {
			return errDrop
		}
	case self.IsMeshLocal(dst) && iid.IsAnycastLocator():
		if to, err = m.env.Anycast(iid.Locator()); err != nil {
			return err
		}
		// Its server may be a child of ours that sleeps.
		if self.Role.RouterOrLeader() && !neighbor.IsRouterRLOC16(to) && neighbor.SameRouter(to, self.RLOC16) {
			c := m.table.ChildByShort(to, neighbor.InValid)
			if c == nil {
				return errDrop
			}
			if !c.Mode.RxOn() {
				m.queueForChild(now, x, c)
				x.direct = false
				return nil
			}
		}
	default:
		if n = m.table.FindIP(dst, neighbor.InValidOrRestoring); n != nil {
			to = n.RLOC16
		} else if m.env.OnMesh(dst) || m.env.OnLink(dst) {
			to, err = m.Resolver.Resolve(now, dst, true)
		} else {
			to, err = m.env.Route(src, dst)
		}
		if err != nil {
			return err
		}
	}
	if to == neighbor.InvalidRLOC16 {
		return errDrop
	}
	if !m.reachable(to, dst) {
		return errNoRoute
	}
	x.meshDst = to
	hop, _ := m.table.NextHop(to)
	m.route.dst = ieee802154.ShortAddr(hop)
	m.route.meshSrc, m.route.meshDst = self.RLOC16, to
	if hop != to {
		m.route.src, m.route.mesh = ieee802154.ShortAddr(self.RLOC16), true
		m.delayNext = true
	}
	return nil
}

// routeMeshFrame finds the next hop of a frame of others.
func (m *Mesh) routeMeshFrame(x *message) error {
	h, _, err := lowpan.ParseMesh(x.data)
	if err != nil {
		return errDrop
	}
	hop, _ := m.table.NextHop(h.Dst)
	if hop == neighbor.InvalidRLOC16 {
		hop = h.Dst
	}
	n := m.table.FindShort(hop, neighbor.InValidOrRestoring)
	if n == nil {
		return errNoRoute
	}
	m.route = route{src: ieee802154.ShortAddr(m.table.Self.RLOC16), dst: ieee802154.ShortAddr(n.RLOC16)}
	m.delayNext = n.RLOC16 != h.Dst
	return nil
}

// reachable reports whether there is a way to a node of the mesh, and the address is there as far as we can know
// (MeshForwarder::IsReachable).
func (m *Mesh) reachable(to uint16, dst ip6.Address) bool {
	self := &m.table.Self
	switch {
	case self.Role == neighbor.RoleChild:
		return to != self.RLOC16 || m.env.HasAddress(dst)
	case to == self.RLOC16:
		return m.env.HasAddress(dst) || m.table.FindIP(dst, neighbor.InValidOrRestoring) != nil
	case neighbor.SameRouter(to, self.RLOC16):
		return m.table.ChildByShort(to, neighbor.InValidOrRestoring) != nil
	}
	hop, _ := m.table.NextHop(to)
	return hop != neighbor.InvalidRLOC16
}
