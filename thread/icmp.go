package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tmf"
)

// EchoMode says which echo requests a node answers.
type EchoMode uint8

// The modes, as OpenThread numbers them.
const (
	EchoDisabled EchoMode = iota
	EchoUnicast
	EchoMulticast
	EchoAll
	EchoLocators
)

// answers reports whether an echo request to an address is answered.
func (m EchoMode) answers(dst ip6.Address) bool {
	switch m {
	case EchoUnicast:
		return !dst.IsMulticast()
	case EchoMulticast:
		return dst.IsMulticast()
	case EchoLocators:
		return dst.IID().IsLocator()
	}
	return m == EchoAll
}

// receiveICMP takes in an ICMPv6 message whose checksum is right.
func (n *Node) receiveICMP(now machine.Time, h *ip6.Header, b []byte) {
	m, err := ip6.ParseICMP(b)
	if err != nil {
		return
	}
	data := b[ip6.ICMPSize:]
	switch m.Type {
	case ip6.EchoRequest:
		if !n.echo.answers(h.Dst) {
			return
		}
		o := outgoing{dst: h.Src, priority: tmf.Normal}
		if !h.Dst.IsMulticast() {
			o.src = h.Dst
		}
		if out, err := n.header(&o); err == nil {
			m.Type = ip6.EchoReply
			_ = n.sendDatagram(now, &o, ip6.AppendICMP(nil, out, m, data)) // a lost reply is the pinger's to notice
		}
	case ip6.EchoReply:
		n.echoReply(now, h, &m, data)
	case ip6.DstUnreachable: // an address that we think to know has moved
		n.mesh.Resolver.HandleICMP(now, m.Type, m.Code, data)
	}
}

// sendICMPError tells the sender of datagram b of an error. Only its IPv6 header is quoted, as OpenThread does.
func (n *Node) sendICMPError(now machine.Time, t ip6.ICMPType, code uint8, src ip6.Address, b []byte) {
	p, err := ip6.ParsePacket(b)
	if err != nil || p.Proto == ip6.ICMP6 && p.Type.IsError() || p.Src.IsMulticast() || p.Src.IsUnspecified() {
		return
	}
	o := outgoing{src: src, dst: p.Src, hopLimit: p.HopLimit, priority: tmf.Net}
	if h, err := n.header(&o); err == nil {
		_ = n.sendDatagram(now, &o, ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: t, Code: code}, b[:ip6.HeaderSize]))
	}
}
