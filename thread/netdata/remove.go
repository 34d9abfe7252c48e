package netdata

import "heddle.example/machine"

// removeRLOC removes the entries of a locator, or of a router and all its children, but for those that keep has.
func (r *registry) removeRLOC(now machine.Time, rloc16 uint16, router bool, keep Data, c *change) {
	match := func(x uint16) bool { return x == rloc16 || router && x>>10 == rloc16>>10 }
	for i := 0; ; {
		t, ok := read(r.b, i, len(r.b))
		if !ok {
			return
		}
		i = t.end
		if t, ok = t.fixed(r.b); !ok {
			continue
		}
		if t.kind == kindPrefix {
			k, kept := keep.findPrefix(t.prefix(r.b), t.bits(r.b))
			t = r.removeEntries(now, t, match, func(s item, e []byte) bool { return kept && k.hasEntry(keep, s.kind, s.stable, e) }, c)
		} else {
			k, kept := keep.findService(t.enterprise(r.b), t.serviceData(r.b))
			t = r.removeServers(t, match, func(s item, v []byte) bool { return kept && k.hasServer(keep, s.stable, v) }, c)
		}
		if i = t.end; r.settle(t) {
			i = t.at
		}
	}
}

func (r *registry) removeEntries(now machine.Time, t item, match func(uint16) bool, keep func(item, []byte) bool, c *change) item {
	for i := t.sub; ; {
		s, ok := read(r.b, i, t.end)
		if !ok {
			break
		}
		if s.kind != kindHasRoute && s.kind != kindBorderRouter {
			i = s.end
			continue
		}
		n := entrySize(s.kind)
		for j := s.at + 2; j+n <= s.end; {
			if e := r.b[j : j+n]; !match(rloc(e)) || keep(s, e) {
				j += n
				continue
			}
			r.remove(j, n)
			r.resize(&s, -n)
			r.resize(&t, -n)
			c.note(s.stable)
		}
		if i = s.end; s.size() == 2 {
			r.removeTLV(s, &t)
			i = s.at
		}
	}
	if ctx, ok := t.next(r.b, t.sub, kindContext); ok {
		id := r.b[ctx.at+2] & 0x0f
		if _, ok := t.next(r.b, t.sub, kindBorderRouter); ok {
			r.b[ctx.at+2] |= 0x10
			r.useContext(id)
		} else {
			r.b[ctx.at+2] &^= 0x10
			r.retireContext(now, id)
		}
	}
	return t
}

func (r *registry) removeServers(t item, match func(uint16) bool, keep func(item, []byte) bool, c *change) item {
	for i := t.sub; ; {
		s, ok := t.next(r.b, i, kindServer)
		if !ok {
			return t
		}
		if v := s.value(r.b); !match(rloc(v)) || keep(s, v) {
			i = s.end
			continue
		}
		c.note(s.stable)
		r.removeTLV(s, &t)
		i = s.at
	}
}
