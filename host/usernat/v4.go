package usernat

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/thread/ip6"
)

// IPv4 packets come from a border router that translates by itself (border/nat64). Inside they are IPv6 packets between
// IPv4-mapped addresses. Their checksums are the same: what the mapping adds to an address is 0xffff, the other zero of
// one's complement.

const (
	v4Size    = 20
	icmp4     = 1
	echo4     = 8
	reply4    = 0
	unreach4  = 3
	exceeded4 = 11
)

// isMapped reports whether a node's address stands for an IPv4 packet's.
func isMapped(a *ip6.Address) bool {
	return a[10] == 0xff && a[11] == 0xff && [10]byte(a[:10]) == [10]byte{}
}

func mapped(v4 []byte) (a ip6.Address) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], v4)
	return a
}

// fromV4 returns what an IPv4 packet is inside.
func fromV4(b []byte) ([]byte, bool) {
	if len(b) < v4Size {
		return nil, false
	}
	size, length := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if size < v4Size || length < size || length > len(b) || ip6.Sum(0, b[:size]) != 0xffff {
		return nil, false
	}
	body := b[size:length]
	proto := ip6.Protocol(b[9])
	if proto == icmp4 {
		proto = ip6.ICMP6
	}
	h := ip6.Header{Next: proto, HopLimit: b[8], Src: mapped(b[12:16]), Dst: mapped(b[16:20])}
	f := ip6.FragmentHeader{Next: proto, ID: uint32(binary.BigEndian.Uint16(b[4:])), More: b[6]&0x20 != 0,
		Offset: int(binary.BigEndian.Uint16(b[6:])&0x1fff) * 8}
	out := make([]byte, 0, ip6.HeaderSize+ip6.FragmentSize+len(body))
	if f.More || f.Offset > 0 {
		h.Next, h.PayloadLen = ip6.Fragment, uint16(ip6.FragmentSize+len(body))
		return append(f.Append(h.Append(out)), body...), true
	}
	h.PayloadLen = uint16(len(body))
	out = append(h.Append(out), body...)
	return out, fromV4Message(out, proto)
}

// fromV4Message makes the whole message of such a packet what it is inside, and reports false where it is broken. Of a
// fragmented packet only the whole has a type and a checksum.
func fromV4Message(b []byte, proto ip6.Protocol) bool {
	switch m := b[ip6.HeaderSize:]; {
	case proto == ip6.UDP && len(m) >= ip6.UDPSize && m[6] == 0 && m[7] == 0:
		ip6.SetChecksum(b, ip6.HeaderSize, ip6.UDP) // IPv4 lets UDP go without
	case proto == ip6.ICMP6:
		if len(m) < ip6.ICMPSize || ip6.Sum(0, m) != 0xffff {
			return false
		}
		switch m[0] {
		case echo4:
			m[0] = byte(ip6.EchoRequest)
		case reply4:
			m[0] = byte(ip6.EchoReply)
		default:
			m[0] = byte(ip6.ParamProblem) // an error about what came from outside: nobody is interested
		}
		ip6.SetChecksum(b, ip6.HeaderSize, ip6.ICMP6)
	}
	return true
}

// toV4 makes an IPv4 packet of one between mapped addresses: the header stands directly before the message, where the
// longer one was.
func (n *NAT) toV4(h *ip6.Header, b []byte) []byte {
	const at = ip6.HeaderSize - v4Size
	proto := h.Next
	if proto == ip6.ICMP6 {
		proto = icmp4
		m := b[ip6.HeaderSize:]
		switch ip6.ICMPType(m[0]) {
		case ip6.EchoRequest:
			m[0] = echo4
		case ip6.EchoReply:
			m[0] = reply4
		}
		m[2], m[3] = 0, 0
		binary.BigEndian.PutUint16(m[2:], ^ip6.Sum(0, m))
	}
	v4Header(b[at:ip6.HeaderSize], h, proto, len(b)-at, uint16(n.ident.Add(1)))
	return b[at:]
}

func v4Header(dst []byte, h *ip6.Header, proto ip6.Protocol, length int, ident uint16) {
	clear(dst)
	dst[0], dst[8], dst[9] = 0x45, h.HopLimit, byte(proto)
	binary.BigEndian.PutUint16(dst[2:], uint16(length))
	binary.BigEndian.PutUint16(dst[4:], ident)
	copy(dst[12:], h.Src[12:])
	copy(dst[16:], h.Dst[12:])
	binary.BigEndian.PutUint16(dst[10:], ^ip6.Sum(0, dst))
}

// tellV4 is tell for the sender of an IPv4 packet.
func (n *NAT) tellV4(node, dst ip6.Address, about []byte, kind ip6.ICMPType, code uint8) {
	src := dst
	if a := n.c.Address4; a.Is4() {
		v4 := a.As4()
		src = mapped(v4[:])
	}
	h, err := ip6.ParseHeader(about)
	if err != nil {
		return
	}
	body := about[ip6.HeaderSize:min(len(about), ip6.HeaderSize+548-v4Size)] // a packet of 576 bytes (RFC 1812 section 4.3.2.3)
	proto := h.Next
	if proto == ip6.ICMP6 {
		proto = icmp4
		body = append([]byte(nil), body...)
		if len(body) > 0 {
			body[0] = echo4
		}
	}
	out := make([]byte, ip6.HeaderSize+ip6.ICMPSize+v4Size, ip6.HeaderSize+ip6.ICMPSize+v4Size+len(body))
	m := out[ip6.HeaderSize:]
	m[0], m[1] = icmp6To4(kind, code)
	v4Header(m[ip6.ICMPSize:], &h, proto, v4Size+int(h.PayloadLen), 0)
	out = append(out, body...)
	n.c.Receive(n.toV4(&ip6.Header{Next: ip6.ICMP6, HopLimit: 64, Src: src, Dst: node}, out))
}

// icmp6To4 says what an error of ours is in ICMPv4 (RFC 7915 section 5.2).
func icmp6To4(kind ip6.ICMPType, code uint8) (byte, byte) {
	switch {
	case kind == ip6.TimeExceeded:
		return exceeded4, code
	case kind == ip6.ParamProblem:
		return unreach4, 2
	case code == ip6.AdminProhibited:
		return unreach4, 10
	case code == portUnreachable:
		return unreach4, 3
	}
	return unreach4, 1
}

func (n *NAT) fromMapped(a netip.Addr) (ip6.Address, bool) {
	if !a.Is4() {
		return ip6.Address{}, false
	}
	v4 := a.As4()
	return mapped(v4[:]), true
}
