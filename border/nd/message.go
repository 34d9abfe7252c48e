package nd

import (
	"encoding/binary"
	"errors"

	"heddle.example/thread/ip6"
)

// ErrMalformed says that a message is none of those that it should be.
var ErrMalformed = errors.New("nd: not a whole message of neighbour discovery")

// Sizes of the messages' fixed parts (RFC 4861 section 4).
const (
	advertSize  = 16
	solicitSize = 8
	neighborLen = 24
)

// Flags of a Router Advertisement.
const (
	flagManaged = 0x80
	flagOther   = 0x40
	flagSNAC    = 0x02
)

// RouterHeader is the fixed part of a Router Advertisement.
type RouterHeader struct {
	HopLimit           uint8
	Managed, Other     bool
	SNAC               bool   // from a stub router: another mesh's border router, or ours
	Preference         int8   // as a default router: -1 low, 0 medium, 1 high
	Lifetime           uint16 // seconds; 0: no default router
	Reachable, Retrans uint32
}

// ParseRouterAdvert reads a Router Advertisement and returns its options, which Options walks.
func ParseRouterAdvert(b []byte) (h RouterHeader, options []byte, err error) {
	if len(b) < advertSize || ip6.ICMPType(b[0]) != ip6.RouterAdvert {
		return h, nil, ErrMalformed
	}
	f := b[5]
	h = RouterHeader{
		HopLimit: b[4], Managed: f&flagManaged != 0, Other: f&flagOther != 0, SNAC: f&flagSNAC != 0, Preference: ip6.Preference(f >> 3),
		Lifetime:  binary.BigEndian.Uint16(b[6:]),
		Reachable: binary.BigEndian.Uint32(b[8:]), Retrans: binary.BigEndian.Uint32(b[12:]),
	}
	return h, b[advertSize:], nil
}

// AppendRouterAdvert appends the fixed part; options follow.
func AppendRouterAdvert(dst []byte, h *RouterHeader) []byte {
	f := ip6.PreferenceBits(h.Preference) << 3
	if h.Managed {
		f |= flagManaged
	}
	if h.Other {
		f |= flagOther
	}
	if h.SNAC {
		f |= flagSNAC
	}
	dst = append(dst, byte(ip6.RouterAdvert), 0, 0, 0, h.HopLimit, f)
	dst = binary.BigEndian.AppendUint16(dst, h.Lifetime)
	dst = binary.BigEndian.AppendUint32(dst, h.Reachable)
	return binary.BigEndian.AppendUint32(dst, h.Retrans)
}

// IsRouterSolicit reports whether b is a whole Router Solicitation.
func IsRouterSolicit(b []byte) bool {
	return len(b) >= solicitSize && ip6.ICMPType(b[0]) == ip6.RouterSolicit
}

// AppendRouterSolicit appends a Router Solicitation; options may follow.
func AppendRouterSolicit(dst []byte) []byte {
	return append(dst, byte(ip6.RouterSolicit), 0, 0, 0, 0, 0, 0, 0)
}

// AppendNeighborSolicit appends the question who has an address; options may follow.
func AppendNeighborSolicit(dst []byte, target ip6.Address) []byte {
	return append(append(dst, byte(ip6.NeighborSol), 0, 0, 0, 0, 0, 0, 0), target[:]...)
}

// ParseNeighborSolicit returns whose address is asked for.
func ParseNeighborSolicit(b []byte) (target ip6.Address, err error) {
	return parseNeighbor(b, ip6.NeighborSol)
}

// ParseNeighborAdvert returns whose address is told.
func ParseNeighborAdvert(b []byte) (target ip6.Address, err error) {
	return parseNeighbor(b, ip6.NeighborAdvert)
}

func parseNeighbor(b []byte, t ip6.ICMPType) (target ip6.Address, err error) {
	if len(b) < neighborLen || ip6.ICMPType(b[0]) != t || b[1] != 0 {
		return target, ErrMalformed
	}
	target = ip6.Address(b[8:neighborLen])
	if target.IsMulticast() {
		return target, ErrMalformed
	}
	return target, nil
}

// AppendNeighborAdvert appends a router's answer to a solicitation; options may follow.
func AppendNeighborAdvert(dst []byte, target ip6.Address) []byte {
	const router, solicited = 0x80, 0x40
	return append(append(dst, byte(ip6.NeighborAdvert), 0, 0, 0, router|solicited, 0, 0, 0), target[:]...)
}
