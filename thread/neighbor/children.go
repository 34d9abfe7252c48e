package neighbor

import (
	"iter"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// children is the child table: slots that are used again from the first, as OpenThread's are, because `child table`
// shows them in that order.
type children struct {
	self  *Self
	noise int8
	slots []*Child // nil where free
	n     int
	max   int
	next  uint16 // the child id that was given out last

	// Above a few children lookups go through maps, which are made when they are asked for and dropped at each change:
	// changes are rare, lookups come with every frame. Nothing iterates over them.
	byExt   map[ieee802154.ExtAddr]*Child
	byShort map[uint16]*Child
	byIP    map[ip6.Address]*Child
}

const scanLimit = 16 // up to so many slots are searched one by one

func (t *children) changed() { t.byExt, t.byShort, t.byIP = nil, nil, nil }

// MaxChildren returns how many children are accepted.
func (t *children) MaxChildren() int { return t.max }

// SetMaxChildren changes how many children are accepted. It fails while there are any, or above 511.
func (t *children) SetMaxChildren(n int) bool {
	if n < 1 || n > MaxChildID || t.n > 0 {
		return false
	}
	t.max = n
	return true
}

// NewChild makes an entry for a child in state ParentRequest, or returns nil when the table is full.
func (t *children) NewChild(ext ieee802154.ExtAddr) *Child {
	if t.n >= t.max {
		return nil
	}
	c := &Child{children: t}
	c.child, c.Ext, c.State = c, ext, ParentRequest
	c.Link = NewLinkInfo(t.noise)
	t.n++
	t.changed()
	for i, s := range t.slots {
		if s == nil {
			t.slots[i] = c
			return c
		}
	}
	t.slots = append(t.slots, c)
	return c
}

// RemoveChild takes a child out of the table. Its state is Invalid from then on.
func (t *children) RemoveChild(c *Child) {
	for i, s := range t.slots {
		if s == c {
			t.slots[i] = nil
			t.n--
			t.changed()
		}
	}
	c.State = Invalid
	if t.n == 0 {
		t.slots = nil
	}
}

// SetChildRLOC16 gives a child its RLOC16.
func (t *children) SetChildRLOC16(c *Child, rloc16 uint16) {
	c.RLOC16 = rloc16
	t.changed()
}

// FreeChildRLOC16 returns the next RLOC16 under ours that no child has.
func (t *children) FreeChildRLOC16() uint16 {
	for {
		if t.next++; t.next > MaxChildID {
			t.next = 1
		}
		if r := RouterRLOC16(RouterID(t.self.RLOC16)) | t.next; t.ChildByShort(r, InAny) == nil {
			return r
		}
	}
}

// Children iterates over the children in the order of their slots. The loop may remove the child that it is at.
func (t *children) Children(f Filter) iter.Seq[*Child] {
	return func(yield func(*Child) bool) {
		for i := 0; i < len(t.slots); i++ {
			if c := t.slots[i]; c != nil && f.Match(c.State) && !yield(c) {
				return
			}
		}
	}
}

// ChildAt returns the child in a slot, or nil; slots are numbered from 0 to MaxChildren()-1.
func (t *children) ChildAt(slot int) *Child {
	if slot < 0 || slot >= len(t.slots) {
		return nil
	}
	return t.slots[slot]
}

// ChildCount returns how many children match.
func (t *children) ChildCount(f Filter) int {
	n := 0
	for _, c := range t.slots {
		if c != nil && f.Match(c.State) {
			n++
		}
	}
	return n
}

// HasChildren reports whether any child matches.
func (t *children) HasChildren(f Filter) bool {
	for _, c := range t.slots {
		if c != nil && f.Match(c.State) {
			return true
		}
	}
	return false
}

// ChildByExt finds a child by its extended address.
func (t *children) ChildByExt(ext ieee802154.ExtAddr, f Filter) *Child {
	if len(t.slots) > scanLimit {
		if t.byExt == nil {
			t.byExt = make(map[ieee802154.ExtAddr]*Child, t.n)
			for _, c := range t.slots {
				if c != nil && t.byExt[c.Ext] == nil {
					t.byExt[c.Ext] = c
				}
			}
		}
		return pick(t.byExt[ext], f)
	}
	for _, c := range t.slots {
		if c != nil && c.Ext == ext && f.Match(c.State) {
			return c
		}
	}
	return nil
}

// ChildByShort finds a child by its RLOC16.
func (t *children) ChildByShort(rloc16 uint16, f Filter) *Child {
	if IsRouterRLOC16(rloc16) {
		return nil // 0 where none is assigned yet
	}
	if len(t.slots) > scanLimit {
		if t.byShort == nil {
			t.byShort = make(map[uint16]*Child, t.n)
			for _, c := range t.slots {
				if c != nil && t.byShort[c.RLOC16] == nil {
					t.byShort[c.RLOC16] = c
				}
			}
		}
		return pick(t.byShort[rloc16], f)
	}
	for _, c := range t.slots {
		if c != nil && c.RLOC16 == rloc16 && f.Match(c.State) {
			return c
		}
	}
	return nil
}

// ChildByIP finds a child by a unicast address that it registered.
func (t *children) ChildByIP(a ip6.Address, f Filter) *Child {
	if len(t.slots) > scanLimit {
		if t.byIP == nil {
			t.byIP = make(map[ip6.Address]*Child, 3*t.n)
			var buf [16]ip6.Address
			for _, c := range t.slots {
				if c == nil {
					continue
				}
				for _, ip := range c.AllAddresses(buf[:0]) {
					if t.byIP[ip] == nil && !ip.IsMulticast() {
						t.byIP[ip] = c
					}
				}
			}
		}
		return pick(t.byIP[a], f)
	}
	for _, c := range t.slots {
		if c != nil && f.Match(c.State) && c.HasAddress(a) {
			return c
		}
	}
	return nil
}

func pick(c *Child, f Filter) *Child {
	if c == nil || !f.Match(c.State) {
		return nil
	}
	return c
}

// HasMinimalChild reports whether an RLOC16 is that of a child of ours that is no full Thread device: we answer address
// queries for it.
func (t *children) HasMinimalChild(rloc16 uint16) bool {
	c := t.ChildByShort(rloc16, InValidOrRestoring)
	return c != nil && SameRouter(rloc16, t.self.RLOC16) && !c.Mode.FTD()
}

// HasSleepyChildWith reports whether a child that sleeps registered an address: a multicast group, mostly.
func (t *children) HasSleepyChildWith(a ip6.Address) bool {
	for _, c := range t.slots {
		if c != nil && c.State.ValidOrRestoring() && !c.Mode.RxOn() && c.HasAddress(a) {
			return true
		}
	}
	return false
}
