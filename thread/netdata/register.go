package netdata

import (
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
