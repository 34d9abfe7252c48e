package offers

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// contextIDs are the numbers of 6LoWPAN contexts that a leader has given out: index 1 to 15. Zero is free, machine.Never in
// use; else the number is no longer to be used by senders, and free again at that time (5.18.1.1).
type contextIDs [16]machine.Time

const defaultReuseDelay = 300 * time.Second // OpenThread network_data_leader.hpp, kReuseDelay

// registry is the leader's store: network data, and what is needed to change it.
type registry struct {
	netdata.Editor
	ids   *contextIDs // nil in a copy that only finds out whether there is room
	reuse time.Duration
	next  machine.Time // when the first context number is free again
}

// change says what a registration changed.
type change struct{ any, stable bool }

func (c *change) note(stable bool) { c.any, c.stable = true, c.stable || stable }

// register replaces all entries of rloc16 by those of d, which was validated. What both have stays where it is.
func (r *registry) register(now machine.Time, rloc16 uint16, d netdata.Data, c *change) error {
	r.removeRLOC(now, rloc16, false, d, c)
	for i := 0; ; {
		t, ok := netdata.ReadItem(d, i, len(d))
		if !ok {
			return nil
		}
		i = t.End
		var err error
		if t, ok = t.Fixed(d); ok && t.Kind == netdata.KindPrefix {
			err = r.addPrefix(d, t, c)
		} else if ok {
			err = r.addService(d, t, c)
		}
		if err != nil {
			return err
		}
	}
}

func (r *registry) addPrefix(d netdata.Data, src netdata.Item, c *change) (err error) {
	dst, ok := netdata.Data(r.Bytes).FindPrefix(src.Prefix(d), src.Bits(d))
	if !ok {
		if !r.Room(4 + netdata.PrefixBytes(src.Bits(d))) {
			return status.NoBufs
		}
		dst = r.AppendPrefix(src.Domain(d), src.Bits(d), src.Prefix(d))
	}
	for s, ok := netdata.ReadItem(d, src.Sub, src.End); ok && err == nil; s, ok = netdata.ReadItem(d, s.End, src.End) {
		if s.Kind == netdata.KindHasRoute || s.Kind == netdata.KindBorderRouter {
			err = r.addEntry(d, s, &dst, c)
		}
	}
	r.Settle(dst)
	return err
}

// addEntry adds the one entry of a Has Route or Border Router sub-TLV. A prefix with a border router gets a context.
func (r *registry) addEntry(d netdata.Data, src netdata.Item, dst *netdata.Item, c *change) error {
	n := netdata.EntrySize(src.Kind)
	entry := src.Value(d)[:n]
	to, has := dst.Find(r.Bytes, src.Kind, src.Stable)
	need := 0
	if !has {
		need = 2 + n
	}
	if src.Kind == netdata.KindBorderRouter {
		ctx, known := dst.Next(r.Bytes, dst.Sub, netdata.KindContext)
		if !known {
			id, ok := r.freeContext()
			if !ok {
				return status.NotFound
			}
			if !r.Room(max(need, n) + 4) {
				return status.NoBufs
			}
			if !has { // the Border Router TLV stands before its context
				to = r.addSub(dst, src.Kind, src.Stable, 0)
				has = true
			}
			ctx = r.addSub(dst, netdata.KindContext, false, 2)
			r.Bytes[ctx.At+2], r.Bytes[ctx.At+3] = id, dst.Bits(r.Bytes)
		}
		if !has && !r.Room(need) {
			return status.NoBufs
		}
		if src.Stable {
			r.SetStable(ctx.At, true)
		}
		r.Bytes[ctx.At+2] |= 0x10 // compress
		r.useContext(r.Bytes[ctx.At+2] & 0x0f)
	}
	if !has {
		if !r.Room(need) {
			return status.NoBufs
		}
		to = r.addSub(dst, src.Kind, src.Stable, 0)
	}
	if dst.HasEntry(r.Bytes, src.Kind, src.Stable, entry) {
		return nil
	}
	if !r.Room(n) {
		if to.End == to.At+2 {
			r.RemoveTLV(to, dst)
		}
		return status.NoBufs
	}
	r.Insert(to.End, n)
	copy(r.Bytes[to.End:], entry)
	r.Bytes[to.At+1] += byte(n)
	r.Resize(dst, n)
	c.note(src.Stable)
	return nil
}

// addSub adds an empty sub-TLV with n bytes of value at the end of dst.
func (r *registry) addSub(dst *netdata.Item, kind uint8, stable bool, n int) netdata.Item {
	at := dst.End
	r.Insert(at, 2+n)
	r.Bytes[at], r.Bytes[at+1] = kind<<1, byte(n)
	r.SetStable(at, stable)
	r.Resize(dst, 2+n)
	return netdata.Item{At: at, Sub: at + 2, End: at + 2 + n, Kind: kind, Stable: stable}
}

func (r *registry) addService(d netdata.Data, src netdata.Item, c *change) error {
	server, ok := src.Next(d, src.Sub, netdata.KindServer)
	if !ok {
		return status.Parse
	}
	enterprise, data := src.Enterprise(d), src.ServiceData(d)
	dst, ok := netdata.Data(r.Bytes).FindService(enterprise, data)
	if !ok {
		id, free := r.freeService()
		if !free {
			return status.NotFound
		}
		if !r.Room(netdata.ServiceSize(enterprise, data)) {
			return status.NoBufs
		}
		dst = r.AppendService(id, enterprise, data)
	}
	var err error
	switch v := server.Value(d); {
	case dst.HasServer(r.Bytes, server.Stable, v):
	case !r.Room(server.Size()):
		err = status.NoBufs
	default:
		s := r.addSub(&dst, netdata.KindServer, server.Stable, len(v))
		copy(r.Bytes[s.At+2:], v)
		c.note(server.Stable)
	}
	r.Settle(dst)
	return err
}
