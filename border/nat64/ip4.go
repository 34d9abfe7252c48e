package nat64

import "heddle.example/thread/ip6"

// ip4 is the header of an IPv4 packet (RFC 791).
type ip4 struct {
	size     int // of the header, with options
	tos      uint8
	length   int
	id       uint16
	df, mf   bool
	offset   int // of the fragment, in bytes
	ttl      uint8
	proto    uint8
	src, dst [4]byte
}

const (
	ip4Size   = 20
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17
	protoV6   = 58 // ICMPv6
)

func get16(b []byte) uint16    { return uint16(b[0])<<8 | uint16(b[1]) }
func put16(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }

// parse4 reads an IPv4 header. whole: the packet must be there as long as it says, and with a right checksum.
func parse4(b []byte, whole bool) (h ip4, ok bool) {
	if len(b) < ip4Size || b[0]>>4 != 4 {
		return h, false
	}
	h.size, h.length = int(b[0]&15)*4, int(get16(b[2:]))
	if h.size < ip4Size || len(b) < h.size || h.length < h.size {
		return h, false
	}
	if whole && (len(b) < h.length || ip6.Sum(0, b[:h.size]) != 0xffff) {
		return h, false
	}
	f := get16(b[6:])
	h.tos, h.id, h.df, h.mf, h.offset = b[1], get16(b[4:]), f&0x4000 != 0, f&0x2000 != 0, int(f&0x1fff)*8
	h.ttl, h.proto, h.src, h.dst = b[8], b[9], [4]byte(b[12:]), [4]byte(b[16:])
	return h, true
}

// append4 appends the header, without options, with its checksum.
func (h *ip4) append4(dst []byte) []byte {
	f := uint16(h.offset / 8)
	if h.df {
		f |= 0x4000
	}
	if h.mf {
		f |= 0x2000
	}
	at := len(dst)
	dst = append(dst, 0x45, h.tos, byte(h.length>>8), byte(h.length), byte(h.id>>8), byte(h.id), byte(f>>8), byte(f), h.ttl, h.proto,
		0, 0, h.src[0], h.src[1], h.src[2], h.src[3], h.dst[0], h.dst[1], h.dst[2], h.dst[3])
	put16(dst[at+10:], ^ip6.Sum(0, dst[at:]))
	return dst
}

// fold adds numbers in ones' complement.
func fold(v ...uint16) uint16 {
	s := uint32(0)
	for _, x := range v {
		s += uint32(x)
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// addresses6 and addresses4 sum the addresses of a pseudo-header.
func addresses6(src, dst *ip6.Address) uint16 { return fold(ip6.Sum(0, src[:]), ip6.Sum(0, dst[:])) }

func addresses4(src, dst [4]byte) uint16 { return fold(ip6.Sum(0, src[:]), ip6.Sum(0, dst[:])) }

// adjust takes old values out of a checksum and puts new ones in (RFC 1624: HC' = ~(~HC + ~m + m')).
func adjust(checksum, old, now uint16) uint16 { return ^fold(^checksum, ^old, now) }
