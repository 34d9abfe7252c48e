package neighbor

import (
	"iter"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// routers is the router table: an entry for each router id that is assigned in the partition.
type routers struct {
	t      *Table
	rand   machine.Rand
	list   []*Router // by id
	set    RouterSet
	reuse  []uint8 // of the leader: seconds until a released id may be assigned again, by id
	reused int     // ids that wait

	sequence  uint8
	updatedAt machine.Time

	minID, maxID uint8 // what the leader assigns
}

// Times of the leader's router table (src/core/thread/router_table.hpp).
const (
	reuseDelay     = 100 // s
	sequencePeriod = 10 * time.Second
	acceptRouters  = 20 // routers in the Route64 of a Link Accept, so that it fits a frame
	acceptRollback = 64 // its sequence is made old, so that the receiver waits for the whole one
)

func (t *routers) init(table *Table, rand machine.Rand) {
	t.t, t.rand, t.maxID = table, rand, MaxRouterID
	if rand != nil {
		t.sequence = uint8(rand.Uint64())
	}
}

// Router returns the router with an id, or nil if the id is not assigned.
func (t *routers) Router(id uint8) *Router {
	if id > MaxRouterID || !t.set.Has(id) {
		return nil
	}
	return t.list[t.set.Index(id)]
}

// RouterByExt finds a router by its extended address, whatever its state: the leader knows those of all.
func (t *routers) RouterByExt(ext ieee802154.ExtAddr) *Router {
	for _, r := range t.list {
		if r.Ext == ext {
			return r
		}
	}
	return nil
}

// Leader returns the leader's entry, or nil.
func (t *routers) Leader() *Router { return t.Router(t.t.Self.LeaderID) }

// Routers iterates over the routers in the order of their ids. The loop may remove the one that it is at.
func (t *routers) Routers() iter.Seq[*Router] {
	return func(yield func(*Router) bool) {
		for id := t.set.Next(0); id <= MaxRouterID; id = t.set.Next(id + 1) {
			if !yield(t.list[t.set.Index(id)]) {
				return
			}
		}
	}
}

// RouterCount returns how many ids are assigned.
func (t *routers) RouterCount() int { return len(t.list) }

// RouterSet returns the ids that are assigned.
func (t *routers) RouterSet() RouterSet { return t.set }

// IsAllocated says whether an id is assigned.
func (t *routers) IsAllocated(id uint8) bool { return id <= MaxRouterID && t.set.Has(id) }

// IDSequence returns the leader's number of the set of ids, which grows at each change and each ten seconds.
func (t *routers) IDSequence() uint8 { return t.sequence }

// LeaderAge returns how long ago the ID sequence grew: how long nothing new was heard from the leader.
func (t *routers) LeaderAge(now machine.Time) time.Duration {
	if len(t.list) == 0 {
		return time.Duration(machine.Never)
	}
	return now.Sub(t.updatedAt)
}

// NewerSequence says whether a Route64 is newer than what we have.
func (t *routers) NewerSequence(r Route) bool {
	return len(t.list) == 0 || int8(r.IDSequence-t.sequence) > 0
}

// IDRange returns the ids that the leader assigns.
func (t *routers) IDRange() (low, high uint8) { return t.minID, t.maxID }

// SetIDRange limits the ids that the leader assigns.
func (t *routers) SetIDRange(low, high uint8) bool {
	if low > high || high > MaxRouterID {
		return false
	}
	t.minID, t.maxID = low, high
	return true
}

// NeighborCount returns how many routers are heard with a quality or a better one.
func (t *routers) NeighborCount(quality uint8) int {
	n := 0
	for _, r := range t.list {
		if r.State == Valid && r.Link.QualityIn() >= quality {
			n++
		}
	}
	return n
}

// ClearRouters forgets all routers. Delays of released ids are forgotten, too.
func (t *routers) ClearRouters() {
	t.ClearRouterLinks()
	t.list, t.set, t.reuse, t.reused = nil, 0, nil, 0
	t.t.Changed = true
}

// ClearRouterLinks makes all links to routers invalid and keeps the ids and routes. What was known of the links is forgotten,
// too, which OpenThread leaves: it would go on to tell a neighbour by Route64 that it is heard, who then sends where
// nothing is taken in.
func (t *routers) ClearRouterLinks() {
	for r := range t.Routers() {
		if r.State == Valid {
			t.t.Signal(RouterRemoved, &r.Neighbor)
		}
		r.State = Invalid
		r.Link.Clear()
	}
}

func (t *routers) add(id uint8) *Router {
	r := &Router{NextHop: InvalidRouterID}
	r.router, r.RLOC16 = r, RouterRLOC16(id)
	r.Link = NewLinkInfo(t.t.noise)
	t.list = slices.Insert(t.list, t.set.Index(id), r)
	t.set = t.set.With(id)
	t.t.Changed = true
	return r
}

func (t *routers) remove(r *Router) {
	if r.State == Valid {
		t.t.Signal(RouterRemoved, &r.Neighbor)
	}
	id := r.RouterID()
	t.list = slices.Delete(t.list, t.set.Index(id), t.set.Index(id)+1)
	t.set = t.set.Without(id)
	r.State = Invalid
	t.t.Changed = true
	if t.reuse == nil {
		t.reuse = make([]uint8, MaxRouterID+1)
	}
	if t.reuse[id] == 0 {
		t.reused++
	}
	t.reuse[id] = reuseDelay
}

// Allocate assigns an id as the leader: the wanted one if it is free, else any. It returns nil if there is none.
func (t *routers) Allocate(now machine.Time, wanted uint8) *Router {
	if len(t.list) >= MaxRouters {
		return nil
	}
	id := wanted
	if !t.assignable(wanted) {
		var free RouterSet
		for i := t.minID; i <= t.maxID; i++ {
			if t.assignable(i) {
				free = free.With(i)
			}
		}
		if free == 0 {
			return nil
		}
		id = free.Next(0)
		for n := t.rand.Uint64() % uint64(free.Len()); n > 0; n-- {
			id = free.Next(id + 1)
		}
	}
	r := t.add(id)
	r.LastHeard = now
	t.bump(now)
	t.resetAdvertise()
	return r
}

func (t *routers) assignable(id uint8) bool {
	return id <= MaxRouterID && !t.set.Has(id) && (t.reuse == nil || t.reuse[id] == 0)
}

func (t *routers) bump(now machine.Time) {
	t.sequence++
	t.updatedAt = now
}

// Release takes an id back as the leader. It may be assigned again after 100 s.
func (t *routers) Release(now machine.Time, id uint8) bool {
	r := t.Router(id)
	if r == nil {
		return false
	}
	t.remove(r)
	for _, o := range t.list {
		if o.NextHop == id {
			o.NoRoute()
		}
	}
	t.bump(now)
	t.forgotten(id)
	t.resetAdvertise()
	return true
}

// RemoveRouterLink notes that a router is no neighbour any more. The caller makes its state Invalid.
func (t *routers) RemoveRouterLink(now machine.Time, r *Router) {
	if r.Link.Out != 0 {
		r.Link.Out = 0
		r.LastHeard = now
		t.t.Changed = true
	}
	for _, o := range t.list {
		if o.NextHop == r.RouterID() {
			o.NoRoute()
			t.t.Changed = true
			if t.LinkCost(o) >= MaxRouteCost {
				t.resetAdvertise()
			}
		}
	}
	if r.NextHop == InvalidRouterID {
		t.resetAdvertise()
		t.forgotten(r.RouterID())
	}
}

// UpdateRouterSet takes over the leader's set of ids from a newer Route64.
func (t *routers) UpdateRouterSet(now machine.Time, sequence uint8, set RouterSet) {
	t.sequence, t.updatedAt = sequence, now
	gone := t.set &^ set
	for id := gone.Next(0); id <= MaxRouterID; id = gone.Next(id + 1) {
		r := t.Router(id)
		r.NoRoute()
		t.RemoveRouterLink(now, r)
		t.remove(r)
	}
	fresh := set &^ t.set
	for id := fresh.Next(0); id <= MaxRouterID && len(t.list) < MaxRouters; id = fresh.Next(id + 1) {
		t.add(id).LastHeard = t.t.Self.Boot
	}
	if fresh != 0 {
		t.resetAdvertise()
	}
}

// TickRouters counts a second: delays of released ids and, of the leader, the ID sequence.
func (t *routers) TickRouters(now machine.Time) {
	if t.reused > 0 {
		for id, n := range t.reuse {
			if n > 0 {
				if t.reuse[id]--; n == 1 {
					t.reused--
				}
			}
		}
	}
	if t.t.Self.Role == RoleLeader && t.LeaderAge(now) >= sequencePeriod {
		t.bump(now)
	}
}

func (t *routers) resetAdvertise() {
	if t.t.Hooks.ResetAdvertise != nil {
		t.t.Hooks.ResetAdvertise()
	}
}

func (t *routers) forgotten(id uint8) {
	if t.t.Hooks.RouterForgotten != nil {
		t.t.Hooks.RouterForgotten(id)
	}
}
