package ip6

import (
	"math/bits"
	"net/netip"
)

// Address is an IPv6 address. It has no zone and no pointer, and it can be compared and be a map key.
type Address [16]byte

// IID is an interface identifier: the last 8 bytes of an address.
type IID [8]byte

// Network is the first 8 bytes of an address, such as the mesh-local prefix.
type Network [8]byte

// Scopes (RFC 4291, RFC 7346).
const (
	ScopeNode      = 0
	ScopeInterface = 1
	ScopeLink      = 2
	ScopeRealm     = 3
	ScopeAdmin     = 4
	ScopeSite      = 5
	ScopeOrg       = 8
	ScopeGlobal    = 14
)

// Well-known addresses.
var (
	Unspecified           = Address{}
	Loopback              = Address{15: 1}
	LinkLocalAllNodes     = Address{0: 0xff, 1: 0x02, 15: 1}
	LinkLocalAllRouters   = Address{0: 0xff, 1: 0x02, 15: 2}
	RealmLocalAllNodes    = Address{0: 0xff, 1: 0x03, 15: 1}
	RealmLocalAllRouters  = Address{0: 0xff, 1: 0x03, 15: 2}
	RealmLocalAllMPL      = Address{0: 0xff, 1: 0x03, 15: 0xfc}
	SiteLocalAllRouters   = Address{0: 0xff, 1: 0x05, 15: 2}
	LinkLocalNetwork      = Network{0xfe, 0x80}
	reservedSubnetAnycast = IID{0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80}
)

// IIDFromExt makes an identifier of an extended address, which differs in the universal/local bit (RFC 4944 section 6).
func IIDFromExt(ext [8]byte) IID {
	ext[0] ^= 2
	return IID(ext)
}

// IIDFromShort makes the identifier 0000:00ff:fe00:xxxx of a short address or locator.
func IIDFromShort(short uint16) IID {
	return IID{3: 0xff, 4: 0xfe, 6: byte(short >> 8), 7: byte(short)}
}

// Ext returns the extended address that IIDFromExt would make the identifier of.
func (i IID) Ext() [8]byte {
	i[0] ^= 2
	return i
}

// IsLocator reports whether the identifier is 0000:00ff:fe00:xxxx.
func (i IID) IsLocator() bool {
	return i[0] == 0 && i[1] == 0 && i[2] == 0 && i[3] == 0xff && i[4] == 0xfe && i[5] == 0
}

// Locator returns the last 16 bits: the RLOC16 or ALOC16 of a locator.
func (i IID) Locator() uint16 { return get16(i[6:]) }

// IsRoutingLocator reports whether the identifier is that of an RLOC.
func (i IID) IsRoutingLocator() bool { return i.IsLocator() && i[6] < 0xfc && i[6]&2 == 0 }

// IsAnycastLocator reports whether the identifier is that of an ALOC: fc00 to fcff.
func (i IID) IsAnycastLocator() bool { return i.IsLocator() && i[6] == 0xfc }

// IsReserved reports whether no interface may choose this identifier (RFC 5453, and Thread's anycast locators).
func (i IID) IsReserved() bool {
	last := i
	last[7] &= 0x80
	return i == IID{} || i.IsAnycastLocator() || last == reservedSubnetAnycast
}

// Join makes an address of a network and an identifier.
func Join(n Network, i IID) (a Address) {
	copy(a[:8], n[:])
	copy(a[8:], i[:])
	return a
}

// RLOC returns the routing locator of an RLOC16, or the anycast locator of an ALOC16.
func RLOC(meshLocal Network, rloc16 uint16) Address { return Join(meshLocal, IIDFromShort(rloc16)) }

// LinkLocal returns the link-local address of an extended address.
func LinkLocal(ext [8]byte) Address { return Join(LinkLocalNetwork, IIDFromExt(ext)) }

// LinkLocalAllThreadNodes returns ff32:40:<prefix>::1 (RFC 3306).
func LinkLocalAllThreadNodes(meshLocal Network) Address { return prefixMulticast(2, meshLocal) }

// RealmLocalAllThreadNodes returns ff33:40:<prefix>::1.
func RealmLocalAllThreadNodes(meshLocal Network) Address { return prefixMulticast(3, meshLocal) }

func prefixMulticast(scope byte, n Network) Address {
	a := Address{0: 0xff, 1: 0x30 | scope, 3: 64, 15: 1}
	copy(a[4:], n[:])
	return a
}

// IID returns the interface identifier.
func (a Address) IID() IID { return IID(a[8:]) }

// Network returns the first 8 bytes.
func (a Address) Network() Network { return Network(a[:8]) }

// IsUnspecified reports whether the address is ::.
func (a Address) IsUnspecified() bool { return a == Address{} }

// IsLoopback reports whether the address is ::1.
func (a Address) IsLoopback() bool { return a == Loopback }

// IsMulticast reports whether the address is in ff00::/8.
func (a Address) IsMulticast() bool { return a[0] == 0xff }

// IsLinkLocalUnicast reports whether the address is in fe80::/10.
func (a Address) IsLinkLocalUnicast() bool { return a[0] == 0xfe && a[1]&0xc0 == 0x80 }

// IsLinkLocalMulticast reports whether the address is multicast within the link.
func (a Address) IsLinkLocalMulticast() bool { return a.IsMulticast() && a[1]&0xf == ScopeLink }

// IsRealmLocalMulticast reports whether the address is multicast within the Thread network.
func (a Address) IsRealmLocalMulticast() bool { return a.IsMulticast() && a[1]&0xf == ScopeRealm }

// IsMulticastBeyondRealm reports whether the address is multicast in a scope larger than the Thread network.
func (a Address) IsMulticastBeyondRealm() bool { return a.IsMulticast() && a[1]&0xf > ScopeRealm }

// IsIP4Mapped reports whether the address is in ::ffff:0:0/96.
func (a Address) IsIP4Mapped() bool { return a.Netip().Is4In6() }

// Scope returns the scope of the address.
func (a Address) Scope() int {
	switch {
	case a.IsMulticast():
		return int(a[1] & 0xf)
	case a.IsLinkLocalUnicast():
		return ScopeLink
	case a.IsLoopback():
		return ScopeNode
	}
	return ScopeGlobal
}

// Match returns how many first bits a and b have in common.
func (a Address) Match(b Address) int {
	for i := range a {
		if d := a[i] ^ b[i]; d != 0 {
			return i*8 + bits.LeadingZeros8(d)
		}
	}
	return 128
}

// Netip returns the address as the standard library's.
func (a Address) Netip() netip.Addr { return netip.AddrFrom16(a) }

// FromNetip returns a netip.Addr, an IPv4 address as ::ffff:a.b.c.d. Its zone is lost.
func FromNetip(a netip.Addr) Address { return a.As16() }
