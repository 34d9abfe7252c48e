package offers

import (
	"heddle.example/machine"
	"heddle.example/thread/netdata"
)

// removeRLOC removes the entries of a locator, or of a router and all its children, but for those that keep has.
func (r *registry) removeRLOC(now machine.Time, rloc16 uint16, router bool, keep netdata.Data, c *change) {
	match := func(x uint16) bool { return x == rloc16 || router && x>>10 == rloc16>>10 }
	for i := 0; ; {
		t, ok := netdata.ReadItem(r.Bytes, i, len(r.Bytes))
		if !ok {
			return
		}
		i = t.End
		if t, ok = t.Fixed(r.Bytes); !ok {
			continue
		}
		if t.Kind == netdata.KindPrefix {
			k, kept := keep.FindPrefix(t.Prefix(r.Bytes), t.Bits(r.Bytes))
			t = r.removeEntries(now, t, match, func(s netdata.Item, e []byte) bool { return kept && k.HasEntry(keep, s.Kind, s.Stable, e) }, c)
		} else {
			k, kept := keep.FindService(t.Enterprise(r.Bytes), t.ServiceData(r.Bytes))
			t = r.removeServers(t, match, func(s netdata.Item, v []byte) bool { return kept && k.HasServer(keep, s.Stable, v) }, c)
		}
		if i = t.End; r.Settle(t) {
			i = t.At
		}
	}
}

func (r *registry) removeEntries(now machine.Time, t netdata.Item, match func(uint16) bool, keep func(netdata.Item, []byte) bool, c *change) netdata.Item {
	for i := t.Sub; ; {
		s, ok := netdata.ReadItem(r.Bytes, i, t.End)
		if !ok {
			break
		}
		if s.Kind != netdata.KindHasRoute && s.Kind != netdata.KindBorderRouter {
			i = s.End
			continue
		}
		n := netdata.EntrySize(s.Kind)
		for j := s.At + 2; j+n <= s.End; {
			if e := r.Bytes[j : j+n]; !match(netdata.EntryRLOC16(e)) || keep(s, e) {
				j += n
				continue
			}
			r.Remove(j, n)
			r.Resize(&s, -n)
			r.Resize(&t, -n)
			c.note(s.Stable)
		}
		if i = s.End; s.Size() == 2 {
			r.RemoveTLV(s, &t)
			i = s.At
		}
	}
	if ctx, ok := t.Next(r.Bytes, t.Sub, netdata.KindContext); ok {
		id := r.Bytes[ctx.At+2] & 0x0f
		if _, ok := t.Next(r.Bytes, t.Sub, netdata.KindBorderRouter); ok {
			r.Bytes[ctx.At+2] |= 0x10
			r.useContext(id)
		} else {
			r.Bytes[ctx.At+2] &^= 0x10
			r.retireContext(now, id)
		}
	}
	return t
}

func (r *registry) removeServers(t netdata.Item, match func(uint16) bool, keep func(netdata.Item, []byte) bool, c *change) netdata.Item {
	for i := t.Sub; ; {
		s, ok := t.Next(r.Bytes, i, netdata.KindServer)
		if !ok {
			return t
		}
		if v := s.Value(r.Bytes); !match(netdata.EntryRLOC16(v)) || keep(s, v) {
			i = s.End
			continue
		}
		c.note(s.Stable)
		r.RemoveTLV(s, &t)
		i = s.At
	}
}
