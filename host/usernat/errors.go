package usernat

import (
	"errors"
	"syscall"

	"heddle.example/thread/ip6"
)

// unreachable tells the sender of a packet what became of it (RFC 4443), with as much of it as fits. Nothing is said about
// errors, nor about fragments after the first.
func (n *NAT) unreachable(about []byte, p *packet, kind ip6.ICMPType, code uint8, value uint32) {
	if p.piece && p.f.Offset > 0 || p.proto == ip6.ICMP6 && (len(about) <= p.at || ip6.ICMPType(about[p.at]).IsError()) {
		return
	}
	n.tell(p.h.Src, p.h.Dst, about, kind, code, value)
}

// tell sends a node an error about a packet of its, to dst.
func (n *NAT) tell(node, dst ip6.Address, about []byte, kind ip6.ICMPType, code uint8, value uint32) {
	if isMapped(&node) {
		n.tellV4(node, dst, about, kind, code)
		return
	}
	src := n.c.Address
	if src.IsUnspecified() {
		src = dst
	}
	about = about[:min(len(about), ip6.MTU-ip6.HeaderSize-ip6.ICMPSize)]
	h := ip6.Header{HopLimit: 64, Src: src, Dst: node}
	b := ip6.AppendICMP(make([]byte, 0, ip6.HeaderSize+ip6.ICMPSize+len(about)), h,
		ip6.ICMPHeader{Type: kind, Code: code, ID: uint16(value >> 16), Sequence: uint16(value)}, about)
	n.c.Receive(b)
}

// refused counts what the system refused to send, and returns what its sender is told.
func (n *NAT) refused(err error) (kind ip6.ICMPType, code uint8, tell bool) {
	n.count.failed.Add(1)
	switch {
	case errors.Is(err, syscall.ENETUNREACH):
		return ip6.DstUnreachable, ip6.NoRoute, true
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EINVAL):
		return ip6.DstUnreachable, addressUnreachable, true
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return ip6.DstUnreachable, ip6.AdminProhibited, true
	case errors.Is(err, syscall.ECONNREFUSED):
		return ip6.DstUnreachable, portUnreachable, true
	}
	return 0, 0, false // full buffers and the like: datagrams get lost
}

// Codes of DstUnreachable (RFC 4443 section 3.1).
const (
	addressUnreachable = 3
	portUnreachable    = 4
)

// icmp4To6 says what an ICMPv4 error is in ICMPv6 (RFC 7915 section 4.2). Too big a packet is none of a node's business:
// what leaves here may be fragmented on its way.
func icmp4To6(kind, code byte) (ip6.ICMPType, uint8, bool) {
	switch kind {
	case 3:
		switch code {
		case 0, 1, 5, 6, 7, 8, 11, 12:
			return ip6.DstUnreachable, ip6.NoRoute, true
		case 3:
			return ip6.DstUnreachable, portUnreachable, true
		case 9, 10, 13, 15:
			return ip6.DstUnreachable, ip6.AdminProhibited, true
		}
	case 11:
		return ip6.TimeExceeded, code, true
	}
	return 0, 0, false
}
