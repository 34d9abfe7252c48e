package internet

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/thread/ip6"
)

// packet is a view of a whole packet: UDP, or an echo request.
type packet struct {
	src, dst         netip.Addr
	srcPort, dstPort uint16
	udp, echo        bool
	at               int // of the transport header
	payload          []byte
}

func (p *packet) from() netip.AddrPort { return netip.AddrPortFrom(p.src, p.srcPort) }
func (p *packet) to() netip.AddrPort   { return netip.AddrPortFrom(p.dst, p.dstPort) }

// parse reads a packet. Only the first fragment of one is told apart from a whole packet by its length, so fragments are
// no packets here: no host of this internet needs them.
func parse(b []byte) (p packet, ok bool) {
	if len(b) == 0 {
		return p, false
	}
	next := uint8(0)
	switch b[0] >> 4 {
	case 4:
		if len(b) < 20 {
			return p, false
		}
		n := int(b[0]&15) * 4
		total := int(binary.BigEndian.Uint16(b[2:]))
		if n < 20 || total < n || total > len(b) || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			return p, false
		}
		p.src, p.dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		p.at, next, b = n, b[9], b[:total]
	case 6:
		x, err := ip6.ParsePacket(b)
		if err != nil || x.Fragmented {
			return p, false
		}
		p.src, p.dst = x.Src.Netip(), x.Dst.Netip()
		p.at, next = x.At, uint8(x.Proto)
	default:
		return p, false
	}
	t := b[p.at:]
	switch {
	case len(t) < 8:
		return p, false
	case next == 17:
		p.udp = true
		p.srcPort, p.dstPort = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
		n := int(binary.BigEndian.Uint16(t[4:]))
		if n < 8 || n > len(t) {
			return p, false
		}
		p.payload = t[8:n]
	case next == 1 && p.src.Is4():
		p.echo = t[0] == 8 && t[1] == 0
	case next == uint8(ip6.ICMP6) && p.src.Is6():
		p.echo = t[0] == uint8(ip6.EchoRequest) && t[1] == 0
	}
	return p, true
}

// echoReply returns the answer to an echo request.
func (p *packet) echoReply(b []byte, ttl uint8) []byte {
	t := b[p.at:]
	id, seq := binary.BigEndian.Uint16(t[4:]), binary.BigEndian.Uint16(t[6:])
	if p.src.Is6() {
		h := ip6.Header{HopLimit: ttl, Src: ip6.FromNetip(p.dst), Dst: ip6.FromNetip(p.src)}
		return ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoReply, ID: id, Sequence: seq}, t[8:])
	}
	r := append([]byte{0, 0, 0, 0}, t[4:binary.BigEndian.Uint16(b[2:])-uint16(p.at)]...)
	binary.BigEndian.PutUint16(r[2:], ^ip6.Sum(0, r))
	return append(header4(p.dst, p.src, 1, ttl, len(r)), r...)
}

// appendUDP appends a packet with a datagram, in the version of its addresses.
func appendUDP(dst []byte, from, to netip.AddrPort, ttl uint8, payload []byte) []byte {
	if to.Addr().Is6() {
		h := ip6.Header{HopLimit: ttl, Src: ip6.FromNetip(from.Addr()), Dst: ip6.FromNetip(to.Addr())}
		return ip6.AppendUDP(dst, h, from.Port(), to.Port(), payload)
	}
	n := 8 + len(payload)
	dst = append(dst, header4(from.Addr(), to.Addr(), 17, ttl, n)...)
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, from.Port())
	dst = binary.BigEndian.AppendUint16(dst, to.Port())
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = append(append(dst, 0, 0), payload...)
	src, to4 := from.Addr().As4(), to.Addr().As4()
	sum := uint32(17 + n)
	for _, a := range [][4]byte{src, to4} {
		sum += uint32(a[0])<<8 + uint32(a[1]) + uint32(a[2])<<8 + uint32(a[3])
	}
	c := ^ip6.Sum(sum, dst[at:])
	if c == 0 {
		c = 0xffff // zero would mean "no checksum" (RFC 768)
	}
	binary.BigEndian.PutUint16(dst[at+6:], c)
	return dst
}

// header4 returns an IPv4 header for a body of n bytes (RFC 791).
func header4(src, dst netip.Addr, proto, ttl uint8, n int) []byte {
	h := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, ttl, proto, 0, 0}
	binary.BigEndian.PutUint16(h[2:], uint16(20+n))
	s, d := src.As4(), dst.As4()
	h = append(append(h, s[:]...), d[:]...)
	binary.BigEndian.PutUint16(h[10:], ^ip6.Sum(0, h))
	return h
}
