package ip6

// HeaderSize is the size of the IPv6 header (RFC 8200 section 3).
const HeaderSize = 40

// Where fields of the header are, for those who look at or change one in place.
const (
	payloadAt  = 4
	nextAt     = 6
	HopLimitAt = 7
	srcAt      = 8
	dstAt      = 24
)

// Header is the IPv6 header.
type Header struct {
	DSCP       uint8
	ECN        ECN
	Flow       uint32 // 20 bits
	PayloadLen uint16
	Next       Protocol
	HopLimit   uint8
	Src, Dst   Address
}

// ParseHeader reads the header at the start of b. b need not hold the payload.
func ParseHeader(b []byte) (h Header, err error) {
	if len(b) < HeaderSize {
		return h, ErrTruncated
	}
	if b[0]>>4 != 6 {
		return h, ErrMalformed
	}
	class := b[0]<<4 | b[1]>>4
	h.DSCP, h.ECN = class>>2, ECN(class&3)
	h.Flow = uint32(b[1]&0xf)<<16 | uint32(get16(b[2:]))
	h.PayloadLen = get16(b[payloadAt:])
	h.Next, h.HopLimit = Protocol(b[nextAt]), b[HopLimitAt]
	h.Src, h.Dst = Address(b[srcAt:]), Address(b[dstAt:])
	return h, nil
}

// Append appends the header.
func (h *Header) Append(dst []byte) []byte {
	class := h.DSCP<<2 | byte(h.ECN)&3
	dst = append(dst, 0x60|class>>4, class<<4|byte(h.Flow>>16)&0xf, byte(h.Flow>>8), byte(h.Flow),
		byte(h.PayloadLen>>8), byte(h.PayloadLen), byte(h.Next), h.HopLimit)
	dst = append(dst, h.Src[:]...)
	return append(dst, h.Dst[:]...)
}

// Check reports whether b is one whole datagram: a header and just as much payload as it says.
func Check(b []byte) error {
	switch {
	case len(b) < HeaderSize:
		return ErrTruncated
	case b[0]>>4 != 6 || HeaderSize+int(get16(b[payloadAt:])) != len(b):
		return ErrMalformed
	}
	return nil
}

// Src returns the source of a datagram, which must hold a header.
func Src(b []byte) Address { return Address(b[srcAt:dstAt]) }

// Dst returns the destination of a datagram, which must hold a header.
func Dst(b []byte) Address { return Address(b[dstAt:HeaderSize]) }

// SetPayloadLen sets the length in a datagram's header to what follows the header.
func SetPayloadLen(b []byte) { put16(b[payloadAt:], uint16(len(b)-HeaderSize)) }

// SetNext sets the next header in a datagram's header.
func SetNext(b []byte, p Protocol) { b[nextAt] = byte(p) }

// GetECN returns the congestion bits of a datagram.
func GetECN(b []byte) ECN { return ECN(b[1] >> 4 & 3) }

// SetECN sets the congestion bits of a datagram in place.
func SetECN(b []byte, e ECN) { b[1] = b[1]&^0x30 | byte(e&3)<<4 }
