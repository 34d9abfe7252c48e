package usernat

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"heddle.example/thread/ip6"
)

// socketError is an ICMP error that the system has kept for a socket (ip(7), IP_RECVERR).
type socketError struct {
	to    netip.AddrPort // whom the packet was for
	n     int            // how much of it came back
	kind  ip6.ICMPType
	code  uint8
	known bool // it is one that a node is told of
}

// errorOf takes an error out of a socket's queue.
func errorOf(fd int, payload, control []byte) (e socketError, ok bool) {
	n, m, _, from, err := unix.Recvmsg(fd, payload, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return e, false
	}
	e.n = n
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		e.to = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		e.to = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	default:
		return e, true
	}
	list, err := unix.ParseSocketControlMessage(control[:m])
	if err != nil {
		return e, true
	}
	for _, c := range list {
		v4 := c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_RECVERR
		v6 := c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_RECVERR
		// struct sock_extended_err: errno, origin, type, code, padding, info, data
		if (!v4 && !v6) || len(c.Data) < 16 {
			continue
		}
		switch origin, kind, code := c.Data[4], c.Data[5], c.Data[6]; origin {
		case unix.SO_EE_ORIGIN_ICMP:
			e.kind, e.code, e.known = icmp4To6(kind, code)
		case unix.SO_EE_ORIGIN_ICMP6:
			e.kind, e.code = ip6.ICMPType(kind), code
			e.known = e.kind == ip6.DstUnreachable || e.kind == ip6.TimeExceeded
		case unix.SO_EE_ORIGIN_LOCAL:
			// As when no neighbour answers.
			if errno := unix.Errno(binary.NativeEndian.Uint32(c.Data)); errno == unix.EHOSTUNREACH {
				e.kind, e.code, e.known = ip6.DstUnreachable, addressUnreachable, true
			}
		}
	}
	return e, true
}
