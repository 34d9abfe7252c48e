package netdata

import (
	"bytes"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/status"
)

// contextIDs are the numbers of 6LoWPAN contexts that a leader has given out: index 1 to 15. Zero is free, machine.Never in
// use; else the number is no longer to be used by senders, and free again at that time (5.18.1.1).
type contextIDs [16]machine.Time

const defaultReuseDelay = 300 * time.Second // OpenThread network_data_leader.hpp, kReuseDelay

// registry is the leader's store: network data, and what is needed to change it.
type registry struct {
	store
	ids   *contextIDs // nil in a copy that only finds out whether there is room
	reuse time.Duration
	next  machine.Time // when the first context number is free again
}

// change says what a registration changed.
type change struct{ any, stable bool }

func (c *change) note(stable bool) { c.any, c.stable = true, c.stable || stable }

// validate checks what a node wants to register: well-formed TLVs, no prefix or service twice, and only entries of its own.
func validate(d Data, rloc16 uint16) error {
	for i := 0; i < len(d); {
		t, ok := read(d, i, len(d))
		if !ok {
			return status.Parse
		}
		before := d[:i]
		i = t.end
		if t.kind != kindPrefix && t.kind != kindService {
			continue
		}
		if t, ok = t.fixed(d); !ok {
			return status.Parse
		}
		if t.kind == kindPrefix {
			_, ok = before.findPrefix(t.prefix(d), t.bits(d))
		} else {
			_, ok = before.findService(t.enterprise(d), t.serviceData(d))
		}
		if ok || !t.ownEntries(d, rloc16) {
			return status.Parse
		}
	}
	return nil
}

// ownEntries reports whether the sub-TLVs are well-formed, one of a kind and stability with one entry, all of rloc16.
func (t item) ownEntries(d Data, rloc16 uint16) bool {
	var seen [2 * (kindServer + 1)]bool
	some := false
	for i := t.sub; i < t.end; {
		s, ok := read(d, i, t.end)
		if !ok {
			return false
		}
		i = s.end
		v, size := s.value(d), 0
		switch {
		case t.kind == kindPrefix && (s.kind == kindBorderRouter || s.kind == kindHasRoute):
			if size = entrySize(s.kind); len(v) != size {
				return false
			}
		case t.kind == kindService && s.kind == kindServer:
			if len(v) < 2 || seen[2*kindServer] || seen[2*kindServer+1] {
				return false
			}
		default:
			continue
		}
		at := 2 * int(s.kind)
		if s.stable {
			at++
		}
		if seen[at] || rloc(v) != rloc16 {
			return false
		}
		seen[at], some = true, true
	}
	return some
}

// register replaces all entries of rloc16 by those of d, which was validated. What both have stays where it is.
func (r *registry) register(now machine.Time, rloc16 uint16, d Data, c *change) error {
	r.removeRLOC(now, rloc16, false, d, c)
	for i := 0; ; {
		t, ok := read(d, i, len(d))
		if !ok {
			return nil
		}
		i = t.end
		var err error
		if t, ok = t.fixed(d); ok && t.kind == kindPrefix {
			err = r.addPrefix(d, t, c)
		} else if ok {
			err = r.addService(d, t, c)
		}
		if err != nil {
			return err
		}
	}
}

func (r *registry) addPrefix(d Data, src item, c *change) (err error) {
	dst, ok := Data(r.b).findPrefix(src.prefix(d), src.bits(d))
	if !ok {
		if !r.room(4 + prefixBytes(src.bits(d))) {
			return status.NoBufs
		}
		dst = r.appendPrefix(src.domain(d), src.bits(d), src.prefix(d))
	}
	for s, ok := read(d, src.sub, src.end); ok && err == nil; s, ok = read(d, s.end, src.end) {
		if s.kind == kindHasRoute || s.kind == kindBorderRouter {
			err = r.addEntry(d, s, &dst, c)
		}
	}
	r.settle(dst)
	return err
}

// addEntry adds the one entry of a Has Route or Border Router sub-TLV. A prefix with a border router gets a context.
func (r *registry) addEntry(d Data, src item, dst *item, c *change) error {
	n := entrySize(src.kind)
	entry := src.value(d)[:n]
	to, has := dst.find(r.b, src.kind, src.stable)
	need := 0
	if !has {
		need = 2 + n
	}
	if src.kind == kindBorderRouter {
		ctx, known := dst.next(r.b, dst.sub, kindContext)
		if !known {
			id, ok := r.freeContext()
			if !ok {
				return status.NotFound
			}
			if !r.room(max(need, n) + 4) {
				return status.NoBufs
			}
			if !has { // the Border Router TLV stands before its context
				to = r.addSub(dst, src.kind, src.stable, 0)
				has = true
			}
			ctx = r.addSub(dst, kindContext, false, 2)
			r.b[ctx.at+2], r.b[ctx.at+3] = id, dst.bits(r.b)
		}
		if !has && !r.room(need) {
			return status.NoBufs
		}
		if src.stable {
			r.setStable(ctx.at, true)
		}
		r.b[ctx.at+2] |= 0x10 // compress
		r.useContext(r.b[ctx.at+2] & 0x0f)
	}
	if !has {
		if !r.room(need) {
			return status.NoBufs
		}
		to = r.addSub(dst, src.kind, src.stable, 0)
	}
	if dst.hasEntry(r.b, src.kind, src.stable, entry) {
		return nil
	}
	if !r.room(n) {
		if to.end == to.at+2 {
			r.removeTLV(to, dst)
		}
		return status.NoBufs
	}
	r.insert(to.end, n)
	copy(r.b[to.end:], entry)
	r.b[to.at+1] += byte(n)
	r.resize(dst, n)
	c.note(src.stable)
	return nil
}

// addSub adds an empty sub-TLV with n bytes of value at the end of dst.
func (r *registry) addSub(dst *item, kind uint8, stable bool, n int) item {
	at := dst.end
	r.insert(at, 2+n)
	r.b[at], r.b[at+1] = kind<<1, byte(n)
	r.setStable(at, stable)
	r.resize(dst, 2+n)
	return item{at: at, sub: at + 2, end: at + 2 + n, kind: kind, stable: stable}
}

func (r *registry) addService(d Data, src item, c *change) error {
	server, ok := src.next(d, src.sub, kindServer)
	if !ok {
		return status.Parse
	}
	enterprise, data := src.enterprise(d), src.serviceData(d)
	dst, ok := Data(r.b).findService(enterprise, data)
	if !ok {
		id, free := r.freeService()
		if !free {
			return status.NotFound
		}
		if !r.room(serviceSize(enterprise, data)) {
			return status.NoBufs
		}
		dst = r.appendService(id, enterprise, data)
	}
	var err error
	switch v := server.value(d); {
	case dst.hasServer(r.b, server.stable, v):
	case !r.room(server.size()):
		err = status.NoBufs
	default:
		s := r.addSub(&dst, kindServer, server.stable, len(v))
		copy(r.b[s.at+2:], v)
		c.note(server.stable)
	}
	r.settle(dst)
	return err
}

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

func (r *registry) freeService() (uint8, bool) {
	if r.ids == nil {
		return 0, true
	}
	var used uint16
	for t, ok := next(r.b, 0, kindService); ok; t, ok = next(r.b, t.end, kindService) {
		used |= 1 << t.serviceID(r.b)
	}
	for id := range uint8(16) {
		if used&(1<<id) == 0 {
			return id, true
		}
	}
	return 0, false
}

func (r *registry) freeContext() (uint8, bool) {
	if r.ids == nil {
		return 1, true
	}
	for id := 1; id < len(r.ids); id++ {
		if r.ids[id] == 0 {
			return uint8(id), true
		}
	}
	return 0, false
}

func (r *registry) useContext(id uint8) {
	if r.ids != nil {
		r.ids[id] = machine.Never
	}
}

// retireContext lets senders forget a context; its number is free after the reuse delay.
func (r *registry) retireContext(now machine.Time, id uint8) {
	if r.ids != nil && r.ids[id] == machine.Never {
		r.ids[id] = now.Add(r.reuse)
		r.next = min(r.next, r.ids[id])
	}
}

// expire frees the context numbers that are due, and reports whether the data changed.
func (r *registry) expire(now machine.Time) (changed bool) {
	r.next = machine.Never
	for id := range r.ids {
		switch at := r.ids[id]; {
		case at == 0 || at == machine.Never:
		case at <= now:
			r.ids[id] = 0
			r.removeContext(uint8(id))
			changed = true
		default:
			r.next = min(r.next, at)
		}
	}
	return changed
}

func (r *registry) removeContext(id uint8) {
	for i := 0; ; {
		t, ok := next(r.b, i, kindPrefix)
		if !ok {
			return
		}
		for j := t.sub; ; {
			c, ok := t.next(r.b, j, kindContext)
			if !ok {
				break
			}
			if j = c.end; r.b[c.at+2]&0x0f == id {
				r.removeTLV(c, &t)
				j = c.at
			}
		}
		if i = t.end; r.settle(t) {
			i = t.at
		}
	}
}

// setCommissioning replaces the Commissioning Data TLV, which is last.
func (r *registry) setCommissioning(value []byte) error {
	old, has := next(r.b, 0, kindCommissioning)
	need := 2 + len(value)
	if has {
		need = max(0, need-old.size())
	}
	if len(value) > 255 || !r.room(need) {
		return status.NoBufs
	}
	if has {
		if v := old.value(r.b); bytes.Equal(v, value) && old.end == len(r.b) {
			return nil
		}
		r.removeTLV(old, nil)
	}
	r.b = append(append(r.b, kindCommissioning<<1, byte(len(value))), value...)
	return nil
}
