package netdata

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// Preferences of a route (RFC 4191, in two bits).
const (
	Low    = -1
	Medium = 0
	High   = 1
)

// The flags of a Border Router entry (5.18.3).
const (
	flagPreferred    = 1 << 13
	flagSLAAC        = 1 << 12
	FlagDHCP         = 1 << 11
	FlagConfigure    = 1 << 10
	FlagDefaultRoute = 1 << 9
	FlagOnMesh       = 1 << 8
	FlagNDDNS        = 1 << 7
	flagDP           = 1 << 6
)

// The flags of a Has Route entry (5.18.2).
const (
	flagNAT64  = 1 << 5
	flagAdvPIO = 1 << 4
)

// OnMeshPrefix is a prefix that nodes have addresses of, as one border router offers it.
type OnMeshPrefix struct {
	Prefix                                                                     ip6.Prefix
	Preference                                                                 int8
	Preferred, SLAAC, DHCP, Configure, DefaultRoute, OnMesh, NDDNS, DP, Stable bool
	RLOC16                                                                     uint16
}

// Flags returns the entry's flags as they are on the air.
func (p *OnMeshPrefix) Flags() uint16 {
	f := uint16(ip6.PreferenceBits(p.Preference)) << 14
	for _, x := range [...]struct {
		on  bool
		bit uint16
	}{{p.Preferred, flagPreferred}, {p.SLAAC, flagSLAAC}, {p.DHCP, FlagDHCP}, {p.Configure, FlagConfigure},
		{p.DefaultRoute, FlagDefaultRoute}, {p.OnMesh, FlagOnMesh}, {p.NDDNS, FlagNDDNS}, {p.DP, flagDP}} {
		if x.on {
			f |= x.bit
		}
	}
	return f
}

// Valid reports whether a node may offer the prefix, beside the mesh-local one.
func (p *OnMeshPrefix) Valid(meshLocal ip6.Network) bool {
	if p.DHCP && p.SLAAC || p.SLAAC && p.Prefix.Bits != 64 { // RFC 4862: an interface of 802.15.4 has 64 bits
		return false
	}
	return p.Prefix.Bits > 0 && validPrefix(p.Prefix, p.Preference, meshLocal)
}

func validPrefix(p ip6.Prefix, preference int8, meshLocal ip6.Network) bool {
	return preference >= Low && preference <= High && p.Bits <= 128 && (p.Bits < 64 || p.Addr.Network() != meshLocal)
}

// ExternalRoute is a prefix outside the mesh that one border router leads to.
type ExternalRoute struct {
	Prefix                ip6.Prefix
	Preference            int8
	NAT64, AdvPIO, Stable bool
	RLOC16                uint16
}

// Flags returns the entry's flags as they are on the air.
func (r *ExternalRoute) Flags() uint8 {
	f := ip6.PreferenceBits(r.Preference) << 6
	if r.NAT64 {
		f |= flagNAT64
	}
	if r.AdvPIO {
		f |= flagAdvPIO
	}
	return f
}

// Valid reports whether a node may offer the route, beside the mesh-local prefix.
func (r *ExternalRoute) Valid(meshLocal ip6.Network) bool {
	return (!r.NAT64 || ValidNAT64(r.Prefix)) && validPrefix(r.Prefix, r.Preference, meshLocal)
}

// ValidNAT64 reports whether a prefix has one of the lengths of RFC 6052 section 2.2.
func ValidNAT64(p ip6.Prefix) bool {
	switch p.Bits {
	case 32, 40, 48, 56, 64, 96:
		return true
	}
	return false
}

// Service is a service as one server offers it. Its slices are borrowed from the data that it was read from.
type Service struct {
	ID         uint8 // the leader's
	Enterprise uint32
	Data       []byte
	ServerData []byte
	Stable     bool
	RLOC16     uint16
}

// Context is a prefix that 6LoWPAN headers name by a number.
type Context struct {
	ID       uint8
	Compress bool // senders may use it; else only receivers know it still
	Stable   bool
	Prefix   ip6.Prefix
}

func makePrefix(b []byte, bits uint8) ip6.Prefix {
	var a ip6.Address
	copy(a[:], b)
	return ip6.PrefixOf(a, int(bits))
}

// IP6 returns the prefix of a Prefix TLV.
func (t Item) IP6(b []byte) ip6.Prefix { return makePrefix(t.Prefix(b), t.Bits(b)) }

func (t Item) onMesh(b []byte, br Item, entry []byte) OnMeshPrefix {
	f := binary.BigEndian.Uint16(entry[2:])
	return OnMeshPrefix{
		Prefix: t.IP6(b), Preference: ip6.Preference(uint8(f >> 14)), RLOC16: EntryRLOC16(entry), Stable: br.Stable,
		Preferred: f&flagPreferred != 0, SLAAC: f&flagSLAAC != 0, DHCP: f&FlagDHCP != 0, Configure: f&FlagConfigure != 0,
		DefaultRoute: f&FlagDefaultRoute != 0, OnMesh: f&FlagOnMesh != 0, NDDNS: f&FlagNDDNS != 0, DP: f&flagDP != 0,
	}
}

func (t Item) route(b []byte, hr Item, entry []byte) ExternalRoute {
	f := entry[2]
	return ExternalRoute{Prefix: t.IP6(b), Preference: ip6.Preference(f >> 6), RLOC16: EntryRLOC16(entry), Stable: hr.Stable,
		NAT64: f&flagNAT64 != 0, AdvPIO: f&flagAdvPIO != 0}
}

func (t Item) service(b []byte, s Item) Service {
	return Service{ID: t.ServiceID(b), Enterprise: t.Enterprise(b), Data: t.ServiceData(b),
		ServerData: b[s.At+4 : s.End], Stable: s.Stable, RLOC16: EntryRLOC16(b[s.At+2:])}
}

// Context returns the context that a Context sub-TLV c gives to the Prefix TLV t.
func (t Item) Context(b []byte, c Item) Context {
	return Context{ID: b[c.At+2] & 0x0f, Compress: b[c.At+2]&0x10 != 0, Stable: c.Stable,
		Prefix: makePrefix(t.Prefix(b), min(b[c.At+3], 128))}
}
