package ip6

import "encoding/binary"

// sum adds b to a checksum under way, 8 bytes at a time (RFC 1071: the sum does not depend on the size of the steps).
func sum(s uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		v := binary.BigEndian.Uint64(b)
		s += v>>32 + v&0xffffffff
	}
	if len(b) >= 4 {
		s += uint64(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	if len(b) >= 2 {
		s += uint64(get16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// Sum adds b to a ones' complement sum under way and returns it folded (RFC 1071): the checksum of what has no pseudo-header
// is its inverse, and over what has a right checksum it is 0xffff.
func Sum(s uint32, b []byte) uint16 { return fold(sum(uint64(s), b)) }

// Checksum returns the checksum of an upper-layer message with its pseudo-header (RFC 8200 section 8.1), as the value
// that goes into the message when its checksum field is zero. Over a message with a right checksum it is 0.
func Checksum(src, dst *Address, p Protocol, message []byte) uint16 {
	s := sum(sum(0, src[:]), dst[:])
	s += uint64(len(message)) + uint64(p)
	return ^fold(sum(s, message))
}

// checksumAt returns where a protocol's message has its checksum, or -1.
func checksumAt(p Protocol) int {
	switch p {
	case UDP:
		return 6
	case ICMP6:
		return 2
	case TCP:
		return 16
	}
	return -1
}

// SetChecksum sets the checksum of the message of protocol p that begins at offset at of a datagram. For protocols that
// have none, and messages that are too short, it does nothing.
func SetChecksum(datagram []byte, at int, p Protocol) {
	f := checksumAt(p)
	if f < 0 || at < HeaderSize || len(datagram) < at+f+2 {
		return
	}
	m := datagram[at:]
	put16(m[f:], 0)
	src, dst := Src(datagram), Dst(datagram)
	c := Checksum(&src, &dst, p, m)
	if c == 0 && p == UDP {
		c = 0xffff // 0 would say that there is none
	}
	put16(m[f:], c)
}

// ChecksumOK reports whether the message of protocol p at offset at of a datagram has the right checksum. A protocol
// without one is right.
func ChecksumOK(datagram []byte, at int, p Protocol) bool {
	f := checksumAt(p)
	if f < 0 {
		return true
	}
	if at < HeaderSize || len(datagram) < at+f+2 {
		return false
	}
	src, dst := Src(datagram), Dst(datagram)
	return Checksum(&src, &dst, p, datagram[at:]) == 0
}
