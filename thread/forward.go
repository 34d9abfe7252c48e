package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tmf"
)

// way says where a unicast datagram goes.
type way uint8

const (
	toSelf way = iota
	toMesh
	toHost // the rest of the world, if there is one
	nowhere
)

// routeOf decides where a unicast datagram goes (Ip6::DetermineAction).
func (n *Node) routeOf(src, dst ip6.Address) way {
	switch {
	case n.HasAddress(dst):
		return toSelf
	case dst.IsLinkLocalUnicast() || n.data.OnMesh(dst) || n.onLink(dst):
		return toMesh
	}
	r, err := n.data.Route(src, dst)
	if err != nil || r == n.table.Self.RLOC16 {
		return toHost
	}
	return toMesh
}

// Reaches reports whether a datagram to a unicast address has somewhere to go at the moment: it is for this node, for the
// mesh, for a border router that the network data knows, or for this node's own host.
func (n *Node) Reaches(dst ip6.Address) bool {
	if !n.mle.Role().Attached() {
		return false
	}
	src, ok := n.SourceFor(dst)
	if !ok {
		return false
	}
	switch n.routeOf(src, dst) {
	case toHost:
		return n.config.Host != nil
	case toMesh: // nobody outside can answer a mesh-local address
		return !n.isMeshLocal(src) || n.isMeshLocal(dst) || n.data.OnMesh(dst)
	}
	return true
}

// WayTo returns how a datagram of ours would go to a unicast address now: from which source address, and by which border
// router, by its RLOC16; 0xfffe where it does not leave the mesh by another node.
func (n *Node) WayTo(dst ip6.Address) (src ip6.Address, border uint16, ok bool) {
	if !n.Reaches(dst) {
		return src, neighbor.InvalidRLOC16, false
	}
	src, _ = n.SourceFor(dst)
	border = neighbor.InvalidRLOC16
	if !n.HasAddress(dst) && !n.data.OnMesh(dst) && !n.onLink(dst) {
		if r, err := n.data.Route(src, dst); err == nil {
			border = r
		}
	}
	return src, border, true
}

// sendMulticast sends a multicast of ours. Within the realm it gets its MPL option; beyond it, it travels in a datagram to
// all MPL forwarders, and once more alone for the children that sleep (Ip6::SendDatagram).
func (n *Node) sendMulticast(now machine.Time, o *outgoing, b []byte, dst ip6.Address) {
	hears := o.loop && n.HasMulticast(dst)
	if dst.IsMulticastBeyondRealm() {
		if hears {
			n.loop = append(n.loop, b)
		}
		if n.table.HasSleepyChildWith(dst) {
			_ = n.meshSend(now, o, b)
		}
		n.sendTunnel(now, o, b)
		n.passToHost(now, b, hears)
		return
	}
	if dst.IsRealmLocalMulticast() {
		b = n.withMPL(b)
		if !n.processMPL(now, b, false) {
			hears = false
		}
	}
	if hears {
		n.loop = append(n.loop, b)
	}
	_ = n.meshSend(now, o, b) // counted there
}

// withMPL puts a hop-by-hop header with an MPL option behind the IPv6 header, or into the one that there is.
func (n *Node) withMPL(b []byte) []byte {
	h, err := ip6.ParseHeader(b)
	if err != nil {
		return b
	}
	option := n.mesh.MPL.Option(h.Src)
	out := make([]byte, 0, len(b)+8)
	if h.Next != ip6.HopByHop {
		next := h.Next
		h.Next = ip6.HopByHop
		out = ip6.AppendMPLHeader(h.Append(out), next, &option)
		out = append(out, b[ip6.HeaderSize:]...)
	} else {
		e, err := ip6.ParseExtension(b[ip6.HeaderSize:])
		if err != nil {
			return b
		}
		end := ip6.HeaderSize + e.Size
		out = append(out, b[:end]...)
		out[ip6.HeaderSize+1]++
		out = ip6.AppendPadding(option.Append(out), 8-option.Size())
		out = append(out, b[end:]...)
	}
	ip6.SetPayloadLen(out)
	return out
}

// sendTunnel sends a multicast that goes beyond the realm in a datagram to all MPL forwarders (RFC 2473).
func (n *Node) sendTunnel(now machine.Time, o *outgoing, b []byte) {
	outer := outgoing{dst: ip6.RealmLocalAllMPL, priority: o.priority, noSecurity: o.noSecurity}
	h, err := n.header(&outer)
	if err != nil {
		return
	}
	h.Next, h.PayloadLen = ip6.IP6, uint16(len(b))
	t := n.withMPL(append(h.Append(make([]byte, 0, ip6.HeaderSize+len(b))), b...))
	n.processMPL(now, t, false)
	_ = n.meshSend(now, o, t)
}

// processMPL looks at the hop-by-hop options of a datagram and has one with an MPL option repeated. It reports whether the
// datagram is for us, too: not a duplicate, and with no option that we would have to understand.
func (n *Node) processMPL(now machine.Time, b []byte, fromMesh bool) bool {
	e, err := ip6.ParseExtension(b[ip6.HeaderSize:])
	if err != nil {
		return false
	}
	receive := true
	for content := e.Content; len(content) > 0; {
		o, err := ip6.ParseOption(content)
		switch {
		case err != nil:
			return false
		case o.Type == ip6.OptionMPL:
			ok, err := n.mesh.MPL.Process(now, b, o.Data, fromMesh)
			if err != nil {
				return false
			}
			receive = receive && ok
		case !o.IsPadding() && !o.Type.MaySkip():
			return false
		}
		content = content[o.Size:]
	}
	return receive
}

// fromMesh takes in a datagram that the mesh layer hands up: it is for us, or to be forwarded (Ip6::HandleDatagram).
func (n *Node) fromMesh(now machine.Time, b []byte, in *incoming) {
	h, err := ip6.ParseHeader(b)
	if err != nil || ip6.Check(b) != nil || h.Src.IsLoopback() || h.Dst.IsLoopback() {
		return
	}
	receive, forward, host := n.decide(&h)
	at, next := ip6.HeaderSize, h.Next
	if next == ip6.HopByHop {
		e, err := ip6.ParseExtension(b[at:])
		if err != nil || !n.processMPL(now, b, true) {
			return
		}
		at, next = at+e.Size, e.Next
	}
	if receive && next == ip6.IP6 {
		n.fromMesh(now, b[at:], in)
		receive, host = false, false
	}
	if host || receive {
		n.passToHost(now, b, receive)
	}
	if receive {
		n.receive(now, b, in)
	}
	if forward {
		n.forward(now, b, in)
	}
}

// decide says what is done with a datagram from the mesh.
func (n *Node) decide(h *ip6.Header) (receive, forward, host bool) {
	if h.Dst.IsMulticast() {
		forward = h.Dst.IsMulticastBeyondRealm() && n.table.HasSleepyChildWith(h.Dst)
		return n.HasMulticast(h.Dst), forward, true
	}
	switch n.routeOf(h.Src, h.Dst) {
	case toSelf:
		return true, false, false
	case toMesh:
		return false, !h.Dst.IsLinkLocalUnicast(), false
	}
	return false, false, true
}

// forward sends a datagram of another node on.
func (n *Node) forward(now machine.Time, b []byte, in *incoming) {
	hops := b[ip6.HopLimitAt]
	if in.link != nil {
		if !n.table.Self.Role.RouterOrLeader() || hops == 0 {
			return
		}
		hops--
	}
	if hops == 0 {
		return
	}
	p, err := ip6.ParsePacket(b)
	if err != nil || p.Proto == ip6.ICMP6 && !forwarded(p.Type) {
		return
	}
	if in.fromHost && p.IsUDP(tmf.Port) {
		return // management messages come from the mesh only
	}
	c := append(make([]byte, 0, len(b)), b...)
	c[ip6.HopLimitAt] = hops
	d := mesh.Datagram{IP: c, Priority: mesh.PriorityOf(&p, n.meshLocal())}
	if in.link != nil {
		d.Priority = in.link.Priority
	}
	_ = n.mesh.Send(now, &d) // counted there
}

// forwarded reports whether ICMPv6 messages of a type pass: neighbour discovery, above all, does not.
func forwarded(t ip6.ICMPType) bool {
	return t >= ip6.DstUnreachable && t <= ip6.ParamProblem || t == ip6.EchoRequest || t == ip6.EchoReply
}
