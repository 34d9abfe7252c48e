package nd

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// The types of options.
const (
	TypeSourceLink = 1
	TypeTargetLink = 2
	TypePrefix     = 3
	TypeRoute      = 24 // RFC 4191 section 2.3
	TypeDNSServers = 25 // RFC 8106 section 5.1
)

// Flags of a Prefix Information option.
const (
	flagOnLink     = 0x80
	flagAutonomous = 0x40
	flagPD         = 0x10 // RFC 9762: delegated prefixes are preferred to addresses made of this one
)

// Options calls each with the type and the whole bytes of every option, until it returns false. What follows an option of
// wrong length is not looked at, as RFC 4861 section 4.6 would drop the whole message.
func Options(b []byte, each func(typ uint8, option []byte) bool) {
	for len(b) >= 8 {
		n := 8 * int(b[1])
		if n == 0 || n > len(b) || !each(b[0], b[:n]) {
			return
		}
		b = b[n:]
	}
}

// PrefixInfo is a Prefix Information option.
type PrefixInfo struct {
	Prefix                 ip6.Prefix
	OnLink, Autonomous, PD bool
	Valid, Preferred       uint32 // seconds
}

// ParsePrefixInfo reads the whole option.
func ParsePrefixInfo(o []byte) (p PrefixInfo, ok bool) {
	if len(o) < 32 || o[0] != TypePrefix || o[2] > 128 {
		return p, false
	}
	return PrefixInfo{
		Prefix: ip6.PrefixOf(ip6.Address(o[16:32]), int(o[2])),
		OnLink: o[3]&flagOnLink != 0, Autonomous: o[3]&flagAutonomous != 0, PD: o[3]&flagPD != 0,
		Valid: binary.BigEndian.Uint32(o[4:]), Preferred: binary.BigEndian.Uint32(o[8:]),
	}, true
}

// Append appends the option.
func (p *PrefixInfo) Append(dst []byte) []byte {
	var f uint8
	if p.OnLink {
		f |= flagOnLink
	}
	if p.Autonomous {
		f |= flagAutonomous
	}
	if p.PD {
		f |= flagPD
	}
	dst = append(dst, TypePrefix, 4, p.Prefix.Bits, f)
	dst = binary.BigEndian.AppendUint32(dst, p.Valid)
	dst = binary.BigEndian.AppendUint32(dst, p.Preferred)
	return append(append(dst, 0, 0, 0, 0), p.Prefix.Addr[:]...)
}

// RouteInfo is a Route Information option.
type RouteInfo struct {
	Prefix     ip6.Prefix
	Preference int8
	Lifetime   uint32 // seconds
}

// ParseRouteInfo reads the whole option. A short option holds a short prefix.
func ParseRouteInfo(o []byte) (r RouteInfo, ok bool) {
	if len(o) < 8 || o[0] != TypeRoute || o[2] > 128 || len(o) < routeSize(o[2]) {
		return r, false
	}
	var a ip6.Address
	copy(a[:], o[8:])
	return RouteInfo{Prefix: ip6.PrefixOf(a, int(o[2])), Preference: ip6.Preference(o[3] >> 3), Lifetime: binary.BigEndian.Uint32(o[4:])}, true
}

func routeSize(bits uint8) int {
	switch {
	case bits == 0:
		return 8
	case bits <= 64:
		return 16
	}
	return 24
}

// Append appends the option, no longer than the prefix needs.
func (r *RouteInfo) Append(dst []byte) []byte {
	n := routeSize(r.Prefix.Bits)
	dst = append(dst, TypeRoute, byte(n/8), r.Prefix.Bits, ip6.PreferenceBits(r.Preference)<<3)
	dst = binary.BigEndian.AppendUint32(dst, r.Lifetime)
	return append(dst, r.Prefix.Addr[:n-8]...)
}

// ParseDNSServers returns the lifetime in seconds and the addresses, 16 bytes each, of a Recursive DNS Server option.
func ParseDNSServers(o []byte) (lifetime uint32, addresses []byte, ok bool) {
	if len(o) < 8 || o[0] != TypeDNSServers {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(o[4:]), o[8 : 8+(len(o)-8)/16*16], true
}

// AppendDNSServers appends the option for up to 127 addresses.
func AppendDNSServers(dst []byte, lifetime uint32, addresses ...ip6.Address) []byte {
	if len(addresses) == 0 || len(addresses) > 127 {
		return dst
	}
	dst = append(dst, TypeDNSServers, byte(1+2*len(addresses)), 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, lifetime)
	for i := range addresses {
		dst = append(dst, addresses[i][:]...)
	}
	return dst
}

// AppendLink appends a link-layer address as an option of type TypeSourceLink or TypeTargetLink, filled up with zeros.
func AppendLink(dst []byte, typ uint8, address []byte) []byte {
	if len(address) == 0 || len(address) > 30 {
		return dst
	}
	n := (2 + len(address) + 7) / 8
	dst = append(append(dst, typ, byte(n)), address...)
	return append(dst, make([]byte, 8*n-2-len(address))...)
}
