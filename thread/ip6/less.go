package ip6

// Less orders prefixes as OpenThread does when the smaller one is to win: by the bits that both have, then the shorter
// first.
func (p Prefix) Less(q Prefix) bool {
	if n := p.Addr.Match(q.Addr); n < int(min(p.Bits, q.Bits)) {
		return p.Addr[n/8] < q.Addr[n/8]
	}
	return p.Bits < q.Bits
}
