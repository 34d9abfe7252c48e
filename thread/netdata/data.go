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
		d.entries(KindBorderRouter, func(t, s Item, e []byte) bool { return yield(t.onMesh(d, s, e)) })
	}
}

// ExternalRoutes are all external routes, one for each border router that offers it.
func (d Data) ExternalRoutes() iter.Seq[ExternalRoute] {
	return func(yield func(ExternalRoute) bool) {
		d.entries(KindHasRoute, func(t, s Item, e []byte) bool { return yield(t.route(d, s, e)) })
	}
}

// Services are all services, one for each server.
func (d Data) Services() iter.Seq[Service] {
	return func(yield func(Service) bool) {
		for t, ok := Next(d, 0, KindService); ok; t, ok = Next(d, t.End, KindService) {
			for s, ok := t.Next(d, t.Sub, KindServer); ok; s, ok = t.Next(d, s.End, KindServer) {
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
		for t, ok := Next(d, 0, KindPrefix); ok; t, ok = Next(d, t.End, KindPrefix) {
			for c, ok := t.Next(d, t.Sub, KindContext); ok; c, ok = t.Next(d, c.End, KindContext) {
				if !yield(t.Context(d, c)) {
					return
				}
			}
		}
	}
}

// entries calls f for every entry of the Has Route or Border Router TLVs, until it returns false.
func (d Data) entries(kind uint8, f func(prefix, sub Item, entry []byte) bool) {
	n := EntrySize(kind)
	for t, ok := Next(d, 0, KindPrefix); ok; t, ok = Next(d, t.End, KindPrefix) {
		for s, ok := t.Next(d, t.Sub, kind); ok; s, ok = t.Next(d, s.End, kind) {
			for v := s.Value(d); len(v) >= n; v = v[n:] {
				if !f(t, s, v[:n]) {
					return
				}
			}
		}
	}
}

// FindPrefix returns the Prefix TLV of exactly this prefix.
func (d Data) FindPrefix(prefix []byte, bits uint8) (Item, bool) {
	for t, ok := Next(d, 0, KindPrefix); ok; t, ok = Next(d, t.End, KindPrefix) {
		if t.Bits(d) == bits && samePrefix(t.Prefix(d), prefix, bits) {
			return t, true
		}
	}
	return Item{}, false
}

// FindService returns the Service TLV of exactly this service.
func (d Data) FindService(enterprise uint32, data []byte) (Item, bool) {
	for t, ok := Next(d, 0, KindService); ok; t, ok = Next(d, t.End, KindService) {
		if t.Enterprise(d) == enterprise && bytes.Equal(t.ServiceData(d), data) {
			return t, true
		}
	}
	return Item{}, false
}

// HasEntry reports whether a sub-TLV of that kind and stability below t holds the entry, byte for byte.
func (t Item) HasEntry(b []byte, kind uint8, stable bool, entry []byte) bool {
	for s, ok := t.Next(b, t.Sub, kind); ok; s, ok = t.Next(b, s.End, kind) {
		if s.Stable != stable {
			continue
		}
		for v := s.Value(b); len(v) >= len(entry); v = v[len(entry):] {
			if bytes.Equal(v[:len(entry)], entry) {
				return true
			}
		}
	}
	return false
}

// HasServer reports whether a Server sub-TLV below t is that one, byte for byte.
func (t Item) HasServer(b []byte, stable bool, value []byte) bool {
	for s, ok := t.Next(b, t.Sub, KindServer); ok; s, ok = t.Next(b, s.End, KindServer) {
		if s.Stable == stable && bytes.Equal(s.Value(b), value) {
			return true
		}
	}
	return false
}

// Contains reports whether d has all entries of o that belong to a locator.
func (d Data) Contains(o Data, rloc16 uint16) bool {
	all := true
	for _, kind := range [...]uint8{KindBorderRouter, KindHasRoute} {
		o.entries(kind, func(t, s Item, e []byte) bool {
			if all && EntryRLOC16(e) == rloc16 {
				p, ok := d.FindPrefix(t.Prefix(o), t.Bits(o))
				all = ok && p.HasEntry(d, kind, s.Stable, e)
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
		t, ok := ReadItem(d, i, len(d))
		if !ok {
			return list
		}
		i = t.End
		f, good := t.Fixed(d)
		if !good {
			continue
		}
		for s, ok := ReadItem(d, f.Sub, f.End); ok; s, ok = ReadItem(d, s.End, f.End) {
			v := s.Value(d)
			switch {
			case t.Kind == KindPrefix && s.Kind == KindBorderRouter:
				for ; len(v) >= 4; v = v[4:] {
					if f := uint16(v[2])<<8 | uint16(v[3]); servers || f&FlagOnMesh != 0 && f&(FlagDefaultRoute|flagDP) != 0 {
						add(EntryRLOC16(v))
					}
				}
			case t.Kind == KindPrefix && s.Kind == KindHasRoute:
				for ; len(v) >= 3; v = v[3:] {
					add(EntryRLOC16(v))
				}
			case t.Kind == KindService && s.Kind == KindServer && servers && len(v) >= 2:
				add(EntryRLOC16(v))
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
