package ip6

import (
	"net/netip"
	"strconv"
)

// Parse reads an address as people write it. It has no zone, and it is not an IPv4 address.
func Parse(s string) (Address, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Is4() || a.Zone() != "" {
		return Address{}, ErrAddress
	}
	return a.As16(), nil
}

// MustParse is Parse for constants. It panics.
func MustParse(s string) Address {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// String prints all eight groups and compresses nothing, as OpenThread does: fd00:db8:0:0:0:ff:fe00:8400.
func (a Address) String() string { return string(a.appendGroups(nil, 8)) }

// AppendText appends what String returns.
func (a Address) AppendText(dst []byte) ([]byte, error) { return a.appendGroups(dst, 8), nil }

func (a *Address) appendGroups(dst []byte, n int) []byte {
	for i := range n {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = strconv.AppendUint(dst, uint64(get16(a[2*i:])), 16)
	}
	return dst
}

// String prints the identifier as 16 hex digits, as OpenThread does.
func (i IID) String() string {
	const hex = "0123456789abcdef"
	var b [16]byte
	for n, c := range i {
		b[2*n], b[2*n+1] = hex[c>>4], hex[c&15]
	}
	return string(b[:])
}

// Prefix is the first Bits bits of an address; the others are zero.
type Prefix struct {
	Addr Address
	Bits uint8
}

// PrefixOf returns the first n bits of an address, at most 128.
func PrefixOf(a Address, n int) Prefix {
	n = max(0, min(n, 128))
	for i := range a {
		switch left := n - 8*i; {
		case left <= 0:
			a[i] = 0
		case left < 8:
			a[i] &= 0xff << (8 - left)
		}
	}
	return Prefix{a, uint8(n)}
}

// Prefix returns a network as a prefix of 64 bits.
func (n Network) Prefix() Prefix { return Prefix{Join(n, IID{}), 64} }

// String prints a network as OpenThread prints a prefix of 64 bits.
func (n Network) String() string { return n.Prefix().String() }

// Contains reports whether an address begins with the prefix.
func (p Prefix) Contains(a Address) bool { return p.Addr.Match(a) >= int(p.Bits) }

// Overlaps reports whether one of the two prefixes begins with the other.
func (p Prefix) Overlaps(q Prefix) bool { return p.Addr.Match(q.Addr) >= int(min(p.Bits, q.Bits)) }

// Size returns how many bytes hold the prefix.
func (p Prefix) Size() int { return (int(p.Bits) + 7) / 8 }

// String prints the groups that hold the prefix and no more, as OpenThread does: fd00:db8:0:0::/64.
func (p Prefix) String() string {
	b := p.Addr.appendGroups(make([]byte, 0, 44), (p.Size()+1)/2)
	if p.Size() < 15 {
		b = append(b, "::"...)
	}
	b = append(b, '/')
	return string(strconv.AppendUint(b, uint64(p.Bits), 10))
}

// ParsePrefix reads address/length. Bits after the length are cleared.
func ParsePrefix(s string) (Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4() {
		return Prefix{}, ErrAddress
	}
	return PrefixOf(p.Addr().As16(), p.Bits()), nil
}

// MustParsePrefix is ParsePrefix for constants. It panics.
func MustParsePrefix(s string) Prefix {
	p, err := ParsePrefix(s)
	if err != nil {
		panic(err)
	}
	return p
}
