package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/mesh"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tmf"
)

// meshEnv is the Node as mesh.Env.
type meshEnv Node

// Deliver implements mesh.Env.
func (e *meshEnv) Deliver(now machine.Time, ip []byte, info *mesh.LinkInfo) {
	(*Node)(e).rememberReceived(now, ip, info)
	// The key of mode 2 is in the specification.
	(*Node)(e).fromMesh(now, ip, &incoming{secured: info.Secured && info.Security != mesh.Mode2, link: info})
}

// acceptUnsecured says which datagrams may come in without link security (Ip6::Filter): MLE has its own, a node without a
// network talks with its neighbours, and a joiner and its router have ports for it.
func (n *Node) acceptUnsecured(dst ip6.Address, proto ip6.Protocol, port uint16) bool {
	switch {
	case !dst.IsLinkLocalUnicast() && !dst.IsLinkLocalMulticast():
		return false
	case n.table.Self.Role == neighbor.RoleDisabled:
		return true
	}
	return proto == ip6.UDP && port == mlePort || (proto == ip6.UDP || proto == ip6.TCP) && n.unsecurePort(port)
}

// DatagramSent implements mesh.Env.
func (e *meshEnv) DatagramSent(now machine.Time, tag mesh.Tag, result error) {
	(*Node)(e).datagramSent(now, tag, result)
}

// SendICMPError implements mesh.Env.
func (e *meshEnv) SendICMPError(now machine.Time, dst ip6.Address, m ip6.ICMPHeader, about *ip6.Header) {
	n := (*Node)(e)
	o := outgoing{dst: dst, priority: tmf.Net}
	if h, err := n.header(&o); err == nil {
		_ = n.sendDatagram(now, &o, ip6.AppendICMP(nil, h, m, about.Append(nil))) // errors about errors are not told
	}
}

// RouterLost implements mesh.Env.
func (e *meshEnv) RouterLost(now machine.Time, nb *neighbor.Neighbor) {
	if r := nb.Router(); r != nil {
		e.mle.RemoveRouterLink(now, r)
	}
}

// ChildMoved implements mesh.Env. A child that has just now been heard here has not moved: the router that its datagram came
// back from has sent it on, since the one that it was for has moved away from there. OpenThread removes the child.
func (e *meshEnv) ChildMoved(now machine.Time, c *neighbor.Child) {
	if now.Sub(c.LastHeard) >= childJustHeard {
		e.mle.SuspectChild(now, c)
	}
}

// childJustHeard is less than it takes a child to find another parent (the first Parent Requests wait for 750 ms).
const childJustHeard = 500 * time.Millisecond

// RouteLooped implements mesh.Env.
func (e *meshEnv) RouteLooped(now machine.Time) { e.mle.RouteLooped(now) }

// Supervised implements mesh.Env.
func (e *meshEnv) Supervised(now machine.Time, c *neighbor.Child) { c.SinceSupervise = 0 }

// OnMesh implements mesh.Network.
func (e *meshEnv) OnMesh(a ip6.Address) bool { return e.data.OnMesh(a) }

// Route implements mesh.Network.
func (e *meshEnv) Route(src, dst ip6.Address) (uint16, error) { return e.data.Route(src, dst) }

// Anycast implements mesh.Network.
func (e *meshEnv) Anycast(aloc16 uint16) (uint16, error) { return e.data.Anycast(aloc16) }

// HasAddress implements mesh.Addresses.
func (e *meshEnv) HasAddress(a ip6.Address) bool { return (*Node)(e).HasAddress(a) }

// OnLink implements mesh.Addresses.
func (e *meshEnv) OnLink(a ip6.Address) bool { return (*Node)(e).onLink(a) }

// RemoveAddress implements mesh.Addresses: somebody else has the address, too (AddressResolver::HandleTmf of a/ae).
func (e *meshEnv) RemoveAddress(now machine.Time, a ip6.Address) {
	n := (*Node)(e)
	if a == n.mle.MeshLocalEID() {
		n.mle.NewMeshLocalIID(now)
		return
	}
	for i := range n.slaac.entries {
		if n.slaac.entries[i].addr == a {
			n.removeSLAAC(i)
			return
		}
	}
	if u := n.address(a); u != nil && !u.RLOC {
		n.dropAddress(a)
	}
}

// MeshLocalEID implements mesh.Addresses.
func (e *meshEnv) MeshLocalEID() ip6.Address { return e.mle.MeshLocalEID() }

// Post implements mesh.Addresses.
func (e *meshEnv) Post(now machine.Time, dst ip6.Address, uri string, payload []byte, confirmable bool, p mesh.Priority) error {
	n := (*Node)(e)
	m := tmf.Message{URI: uri, Src: n.rloc(), Dst: dst, Payload: payload, Confirmable: confirmable, Priority: tmfPriority(p)}
	if !confirmable && uri == tmf.AddressError {
		m.Loop = true // our children may have the address
	}
	return n.tmf.Send(now, m)
}

func tmfPriority(p mesh.Priority) tmf.Priority {
	return [...]tmf.Priority{tmf.Low, tmf.Normal, tmf.High, tmf.Net}[p&3]
}

func meshPriority(p tmf.Priority) mesh.Priority {
	return [...]mesh.Priority{mesh.Net, mesh.High, mesh.Normal, mesh.Low}[p&3]
}

// onLink reports whether an address is of the mesh or has a prefix of one of our addresses (Ip6::IsOnLink).
func (n *Node) onLink(a ip6.Address) bool {
	for i := range n.unicast {
		if n.unicast[i].Addr.Match(a) >= int(n.unicast[i].PrefixLength) {
			return true
		}
	}
	return false
}

// ContextByID implements lowpan.Contexts.
func (e *meshEnv) ContextByID(id uint8) (lowpan.Context, bool) {
	c, ok := e.data.Context(id)
	return lowpan.Context{ID: c.ID, Prefix: c.Prefix, Compress: c.Compress}, ok
}

// ContextFor implements lowpan.Contexts.
func (e *meshEnv) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	c, ok := e.data.ContextFor(a)
	return lowpan.Context{ID: c.ID, Prefix: c.Prefix, Compress: c.Compress}, ok
}
