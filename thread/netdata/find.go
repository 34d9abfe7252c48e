package netdata

import "heddle.example/thread/ip6"

// NextMatch is the walk over the Prefix TLVs that an address belongs to.
func (d Data) NextMatch(i int, a *ip6.Address) (Item, bool) {
	for {
		t, ok := Next(d, i, KindPrefix)
		if !ok || samePrefix(t.Prefix(d), a[:], t.Bits(d)) {
			return t, ok
		}
		i = t.End
	}
}

func (d Data) ContextPrefix(id uint8) (t, c Item, ok bool) {
	for t, ok = Next(d, 0, KindPrefix); ok; t, ok = Next(d, t.End, KindPrefix) {
		if c, has := t.Next(d, t.Sub, KindContext); has && d[c.At+2]&0x0f == id {
			return t, c, true
		}
	}
	return t, c, false
}
