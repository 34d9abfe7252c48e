package follow

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// udp is a UDP datagram in an IPv4 or IPv6 packet.
type udp struct {
	four     bool
	from, to netip.AddrPort
	payload  []byte
}

const (
	protoUDP  = 17
	ip4Header = 20
)

// udpOf looks into a packet.
func udpOf(b []byte) (u udp, ok bool) {
	if len(b) < ip4Header {
		return u, false
	}
	at := 0
	var src, dst netip.Addr
	switch b[0] >> 4 {
	case 4:
		if at = int(b[0]&15) * 4; b[9] != protoUDP || at < ip4Header || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return u, false
		}
		u.four, src, dst = true, netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		p, err := ip6.ParsePacket(b)
		if err != nil || p.Proto != ip6.UDP || p.Fragmented {
			return u, false
		}
		at, src, dst = p.At, p.Src.Netip(), p.Dst.Netip()
	default:
		return u, false
	}
	if len(b) < at+udpHeader {
		return u, false
	}
	h := b[at:]
	u.from = netip.AddrPortFrom(src, binary.BigEndian.Uint16(h))
	u.to = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(h[2:]))
	n := int(binary.BigEndian.Uint16(h[4:]))
	if n < udpHeader || n > len(h) {
		return u, false
	}
	u.payload = h[udpHeader:n]
	return u, true
}

// opened makes a packet of a message that was sealed on its way, for a capture: to and from port 5683, where it is looked
// for.
func opened(path machine.Path, out bool, b []byte) []byte {
	const plainPort = 5683
	device, server := path.Remote, netip.AddrPortFrom(path.Local.Addr(), plainPort)
	if !server.Addr().IsValid() || server.Addr().IsUnspecified() {
		server = netip.AddrPortFrom(netip.IPv6Loopback(), plainPort)
	}
	from, to := device, server
	if out {
		from, to = server, device
	}
	h := ip6.Header{HopLimit: 64, Src: ip6.FromNetip(from.Addr()), Dst: ip6.FromNetip(to.Addr())}
	return ip6.AppendUDP(nil, h, from.Port(), to.Port(), b)
}
