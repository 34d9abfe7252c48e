package nat64

import (
	"errors"
	"net/netip"

	"heddle.example/thread/ip6"
)

// WellKnown is 64:ff9b::/96 (RFC 6052 section 2.1).
var WellKnown = ip6.MustParsePrefix("64:ff9b::/96")

// ErrPrefix says that a prefix cannot hold IPv4 addresses.
var ErrPrefix = errors.New("nat64: a prefix for IPv4 addresses has 32, 40, 48, 56, 64 or 96 bits, and bits 64 to 71 are zero")

// CheckPrefix reports whether IPv4 addresses can be embedded in a prefix (RFC 6052 section 2.2).
func CheckPrefix(p ip6.Prefix) error {
	switch p.Bits {
	case 32, 40, 48, 56, 64, 96:
		if p.Addr[8] == 0 {
			return nil
		}
	}
	return ErrPrefix
}

// Embed returns the IPv6 address that stands for an IPv4 address under a prefix that passes CheckPrefix. The bits 64 to 71
// are left out and zero.
func Embed(p ip6.Prefix, v4 [4]byte) ip6.Address {
	return p.Embed(v4)
}

// Extract returns the IPv4 address that an IPv6 address stands for under a prefix.
func Extract(p ip6.Prefix, a ip6.Address) (v4 [4]byte, ok bool) {
	if !p.Contains(a) || a[8] != 0 && p.Bits != 96 {
		return v4, false
	}
	return p.Embedded(a), true
}

// usable reports whether an IPv4 address is one that a packet from the mesh may go to: a host's, and not our own loopback.
func usable(v4 [4]byte) bool {
	a := netip.AddrFrom4(v4)
	return v4[0] != 0 && !a.IsLoopback() && !a.IsMulticast() && v4 != [4]byte{255, 255, 255, 255}
}
