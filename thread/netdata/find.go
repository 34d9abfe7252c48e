package netdata

import "heddle.example/thread/ip6"

// nextMatch is the walk over the Prefix TLVs that an address belongs to.
func (d Data) nextMatch(i int, a *ip6.Address) (item, bool) {
	for {
		t, ok := next(d, i, kindPrefix)
		if !ok || samePrefix(t.prefix(d), a[:], t.bits(d)) {
			return t, ok
		}
		i = t.end
	}
}

func (d Data) contextPrefix(id uint8) (t, c item, ok bool) {
	for t, ok = next(d, 0, kindPrefix); ok; t, ok = next(d, t.end, kindPrefix) {
		if c, has := t.next(d, t.sub, kindContext); has && d[c.at+2]&0x0f == id {
			return t, c, true
		}
	}
	return t, c, false
}
