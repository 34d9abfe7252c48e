package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tmf"
)

// passToHost gives the host a datagram: one on its way out of the mesh, or one of ours that the node itself has no use for
// (Ip6::PassToHost with its receive filter on).
func (n *Node) passToHost(now machine.Time, b []byte, receive bool) {
	if n.config.Host == nil || len(b) > maxDatagram || n.isMeshLocal(ip6.Src(b)) && !receive || receive && n.usesItself(b) {
		return
	}
	n.config.Host(now, withoutMPL(b))
}

// usesItself reports whether a datagram to us is an echo request that we answer, or for a port that we listen on.
func (n *Node) usesItself(b []byte) bool {
	p, err := ip6.ParsePacket(b)
	switch {
	case err != nil:
		return true
	case p.Proto == ip6.ICMP6:
		return p.Type == ip6.EchoRequest && n.echo.answers(p.Dst)
	case p.Proto == ip6.UDP:
		return p.DstPort == mlePort || p.DstPort == tmf.Port || n.portInUse(p.DstPort)
	}
	return false
}

// withoutMPL returns a datagram without the MPL option in its hop-by-hop header, which only means something in the mesh; a
// header with nothing else goes altogether.
func withoutMPL(b []byte) []byte {
	h, err := ip6.ParseHeader(b)
	if err != nil || h.Next != ip6.HopByHop {
		return b
	}
	e, err := ip6.ParseExtension(b[ip6.HeaderSize:])
	if err != nil {
		return b
	}
	out := append(make([]byte, 0, len(b)), b[:ip6.HeaderSize+2]...)
	var has, more bool
	for content := e.Content; len(content) > 0; {
		o, err := ip6.ParseOption(content)
		if err != nil {
			return b
		}
		switch {
		case o.Type == ip6.OptionMPL:
			has = true
		case !o.IsPadding():
			out, more = append(out, content[:o.Size]...), true
		}
		content = content[o.Size:]
	}
	if !has {
		return b
	}
	if more {
		if over := (len(out) - ip6.HeaderSize) % 8; over != 0 {
			out = ip6.AppendPadding(out, 8-over)
		}
		out[ip6.HeaderSize+1] = byte((len(out)-ip6.HeaderSize)/8 - 1)
	} else {
		ip6.SetNext(out, e.Next)
		out = out[:ip6.HeaderSize]
	}
	out = append(out, b[ip6.HeaderSize+e.Size:]...)
	ip6.SetPayloadLen(out)
	return out
}

// fromHost takes in a datagram of the host's, on its way into the mesh or to us (Ip6::SendRaw).
func (n *Node) fromHost(now machine.Time, b []byte) {
	h, err := ip6.ParseHeader(b)
	if err != nil || ip6.Check(b) != nil || h.Src.IsMulticast() {
		return
	}
	if (n.data.OnMesh(h.Src) || n.isMeshLocal(h.Dst)) && !n.HasAddress(h.Src) {
		return // only we speak for the mesh
	}
	o := outgoing{src: h.Src, dst: h.Dst, priority: tmf.Normal}
	if h.Dst.IsMulticast() {
		n.sendMulticast(now, &o, b, h.Dst)
		return
	}
	switch n.routeOf(h.Src, h.Dst) {
	case toSelf:
		n.loop = append(n.loop, append([]byte(nil), b...))
	case toMesh:
		n.forward(now, b, &incoming{fromHost: true})
	}
}
