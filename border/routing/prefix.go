package routing

import (
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

var (
	ulaPrefix     = ip6.MustParsePrefix("fc00::/7")
	defaultPrefix = ip6.Prefix{}
)

func isULA(p ip6.Prefix) bool { return p.Bits >= 7 && p.Addr[0]&0xfe == 0xfc }

func isLinkLocal(p ip6.Prefix) bool {
	return p.Bits >= 10 && p.Addr[0] == 0xfe && p.Addr[1]&0xc0 == 0x80
}

func isMulticast(p ip6.Prefix) bool { return p.Bits >= 8 && p.Addr[0] == 0xff }

// validOMRPrefix reports whether nodes can have addresses of a prefix for the outside.
func validOMRPrefix(p ip6.Prefix) bool { return p.Bits == 64 && !isLinkLocal(p) && !isMulticast(p) }

func validOMR(p *netdata.OnMeshPrefix) bool {
	return validOMRPrefix(p.Prefix) && p.OnMesh && p.SLAAC && p.Stable
}

// hasOMR reports whether the network data have an OMR prefix.
func hasOMR(d netdata.Data, prefix ip6.Prefix) bool {
	for p := range d.OnMeshPrefixes() {
		if p.Prefix == prefix && validOMR(&p) {
			return true
		}
	}
	return false
}

// hasULARoute reports whether the network data have a route to the unique local addresses, to all or to some.
func hasULARoute(d netdata.Data) bool {
	for r := range d.ExternalRoutes() {
		if r.Stable && (r.Prefix.Bits == 0 || r.Prefix.Bits <= 7 && r.Prefix.Contains(ulaPrefix.Addr)) {
			return true
		}
	}
	return false
}
