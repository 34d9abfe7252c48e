package nd

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// TypeNAT64 is the option that tells the prefix of a NAT64 (RFC 8781).
const TypeNAT64 = 38

// nat64Bits are the lengths of its prefixes, by the code that stands for each.
var nat64Bits = [...]uint8{96, 64, 56, 48, 40, 32}

// NAT64Prefix is a PREF64 option.
type NAT64Prefix struct {
	Prefix   ip6.Prefix
	Lifetime uint32 // seconds, a multiple of 8 up to 65528
}

// ParseNAT64 reads the whole option.
func ParseNAT64(o []byte) (p NAT64Prefix, ok bool) {
	if len(o) != 16 || o[0] != TypeNAT64 {
		return p, false
	}
	v := binary.BigEndian.Uint16(o[2:])
	code := int(v & 7)
	if code >= len(nat64Bits) {
		return p, false
	}
	var a ip6.Address
	copy(a[:], o[4:])
	return NAT64Prefix{ip6.PrefixOf(a, int(nat64Bits[code])), uint32(v &^ 7)}, true
}

// Append appends the option; a prefix that no NAT64 can have is left out.
func (p *NAT64Prefix) Append(dst []byte) []byte {
	for code, bits := range nat64Bits {
		if bits == p.Prefix.Bits {
			dst = append(dst, TypeNAT64, 2)
			dst = binary.BigEndian.AppendUint16(dst, uint16(min(p.Lifetime, 65528))&^7|uint16(code))
			return append(dst, p.Prefix.Addr[:12]...)
		}
	}
	return dst
}
