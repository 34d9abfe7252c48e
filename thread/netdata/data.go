package netdata

import (
	"bytes"
	"iter"
)

// Data is network data as it is on the air: TLVs. It borrows what it was made of. The zero value is empty.
type Data []byte

// OnMeshPrefixes are all on-mesh prefixes, one for each border router that offers it.
func (d Data) OnMeshPrefixes() iter.Seq[OnMeshPrefix] {
	return func(yield func(OnMeshPrefix) bool) {
		d.entries(kindBorderRouter, func(t, s item, e []byte) bool { return yield(t.onMesh(d, s, e)) })
	}
}

// ExternalRoutes are all external routes, one for each border router that offers it.
func (d Data) ExternalRoutes() iter.Seq[ExternalRoute] {
	return func(yield func(ExternalRoute) bool) {
		d.entries(kindHasRoute, func(t, s item, e []byte) bool { return yield(t.route(d, s, e)) })
	}
}

// Services are all services, one for each server.
func (d Data) Services() iter.Seq[Service] {
	return func(yield func(Service) bool) {
		for t, ok := next(d, 0, kindService); ok; t, ok = next(d, t.end, kindService) {
			for s, ok := t.next(d, t.sub, kindServer); ok; s, ok = t.next(d, s.end, kindServer) {
				if !yield(t.service(d, s)) {
					return
				}
			}
		}
	}
}

// Contexts are all 6LoWPAN contexts but number 0, the mesh-local prefix, which is not in the data.
func (d Data) Contexts() iter.Seq[Context] {
	return func(yield func(Context) bool) {
		for t, ok := next(d, 0, kindPrefix); ok; t, ok = next(d, t.end, kindPrefix) {
			for c, ok := t.next(d, t.sub, kindContext); ok; c, ok = t.next(d, c.end, kindContext) {
				if !yield(t.context(d, c)) {
					return
				}
			}
		}
	}
}

// entries calls f for every entry of the Has Route or Border Router TLVs, until it returns false.
func (d Data) entries(kind uint8, f func(prefix, sub item, entry []byte) bool) {
	n := entrySize(kind)
	for t, ok := next(d, 0, kindPrefix); ok; t, ok = next(d, t.end, kindPrefix) {
		for s, ok := t.next(d, t.sub, kind); ok; s, ok = t.next(d, s.end, kind) {
			for v := s.value(d); len(v) >= n; v = v[n:] {
				if !f(t, s, v[:n]) {
					return
				}
			}
		}
	}
}

// findPrefix returns the Prefix TLV of exactly this prefix.
func (d Data) findPrefix(prefix []byte, bits uint8) (item, bool) {
	for t, ok := next(d, 0, kindPrefix); ok; t, ok = next(d, t.end, kindPrefix) {
		if t.bits(d) == bits && samePrefix(t.prefix(d), prefix, bits) {
			return t, true
		}
	}
	return item{}, false
}

// findService returns the Service TLV of exactly this service.
func (d Data) findService(enterprise uint32, data []byte) (item, bool) {
	for t, ok := next(d, 0, kindService); ok; t, ok = next(d, t.end, kindService) {
		if t.enterprise(d) == enterprise && bytes.Equal(t.serviceData(d), data) {
			return t, true
		}
	}
	return item{}, false
}

// hasEntry reports whether a sub-TLV of that kind and stability below t holds the entry, byte for byte.
func (t item) hasEntry(b []byte, kind uint8, stable bool, entry []byte) bool {
	for s, ok := t.next(b, t.sub, kind); ok; s, ok = t.next(b, s.end, kind) {
		if s.stable != stable {
			continue
		}
		for v := s.value(b); len(v) >= len(entry); v = v[len(entry):] {
			if bytes.Equal(v[:len(entry)], entry) {
				return true
			}
		}
	}
	return false
}

// hasServer reports whether a Server sub-TLV below t is that one, byte for byte.
func (t item) hasServer(b []byte, stable bool, value []byte) bool {
	for s, ok := t.next(b, t.sub, kindServer); ok; s, ok = t.next(b, s.end, kindServer) {
		if s.stable == stable && bytes.Equal(s.value(b), value) {
			return true
		}
	}
	return false
}

// Contains reports whether d has all entries of o that belong to a locator.
func (d Data) Contains(o Data, rloc16 uint16) bool {
	all := true
	for _, kind := range [...]uint8{kindBorderRouter, kindHasRoute} {
		o.entries(kind, func(t, s item, e []byte) bool {
			if all && rloc(e) == rloc16 {
				p, ok := d.findPrefix(t.prefix(o), t.bits(o))
				all = ok && p.hasEntry(d, kind, s.stable, e)
			}
			return all
		})
	}
	for s := range o.Services() {
		if !all || s.RLOC16 != rloc16 {
			continue
		}
		all = false
		for x := range d.Services() {
			all = all || x.RLOC16 == rloc16 && x.Enterprise == s.Enterprise && x.Stable == s.Stable &&
				bytes.Equal(x.Data, s.Data) && bytes.Equal(x.ServerData, s.ServerData)
		}
	}
	return all
}

// RLOC16s appends the locators of all border routers and servers, each once, in the order of the data.
func (d Data) RLOC16s(list []uint16) []uint16 { return d.locators(list, true) }

// BorderRouters appends the locators of border routers that connect the mesh with the outside, each once.
func (d Data) BorderRouters(list []uint16) []uint16 { return d.locators(list, false) }

func (d Data) locators(list []uint16, servers bool) []uint16 {
	from := len(list)
	add := func(r uint16) {
		for _, x := range list[from:] {
			if x == r {
				return
			}
		}
		list = append(list, r)
	}
	for i := 0; ; {
		t, ok := read(d, i, len(d))
		if !ok {
			return list
		}
		i = t.end
		f, good := t.fixed(d)
		if !good {
			continue
		}
		for s, ok := read(d, f.sub, f.end); ok; s, ok = read(d, s.end, f.end) {
			v := s.value(d)
			switch {
			case t.kind == kindPrefix && s.kind == kindBorderRouter:
				for ; len(v) >= 4; v = v[4:] {
					if f := uint16(v[2])<<8 | uint16(v[3]); servers || f&flagOnMesh != 0 && f&(flagDefaultRoute|flagDP) != 0 {
						add(rloc(v))
					}
				}
			case t.kind == kindPrefix && s.kind == kindHasRoute:
				for ; len(v) >= 3; v = v[3:] {
					add(rloc(v))
				}
			case t.kind == kindService && s.kind == kindServer && servers && len(v) >= 2:
				add(rloc(v))
			}
		}
	}
}

// CountBorderRouters counts the routers that connect the mesh with the outside.
func (d Data) CountBorderRouters() (count int) {
	for _, r := range d.BorderRouters(nil) {
		if r&0x1ff == 0 {
			count++
		}
	}
	return count
}
