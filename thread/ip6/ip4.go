package ip6

// Embed returns the address that stands for an IPv4 address under a prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052 section
// 2.2). The bits 64 to 71 are left out.
func (p Prefix) Embed(v4 [4]byte) Address {
	a := p.Addr
	at := int(p.Bits) / 8
	for _, b := range v4 {
		if at == 8 {
			at++
		}
		a[at] = b
		at++
	}
	return a
}

// Embedded returns the IPv4 address that an address under such a prefix stands for.
func (p Prefix) Embedded(a Address) (v4 [4]byte) {
	at := int(p.Bits) / 8
	for i := range v4 {
		if at == 8 {
			at++
		}
		v4[i] = a[at]
		at++
	}
	return v4
}
