package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// CacheState is how far an entry of the address cache is.
type CacheState uint8

// The states, in the order in which `eidcache` lists them.
const (
	Cached  CacheState = iota
	Snooped            // learned from a datagram, not used yet
	Querying
	Retrying // nobody answered; asked again when it is wanted after a while
	cacheStates
)

// CacheEntry is where an address is, as far as we know.
type CacheEntry struct {
	Target          ip6.Address
	RLOC16          uint16 // InvalidRLOC16 until it is known
	State           CacheState
	Notified        bool    // Cached: an address notification said so, and told the next two
	LastTransaction uint32  // seconds since the node that answered had heard of the address
	MeshLocal       ip6.IID // of the mesh-local EID of its owner
	CanEvict        bool
	RampDown        bool   // Retrying: may be asked again; the delay gets shorter
	Timeout         uint16 // seconds
	RetryDelay      uint16 // seconds

	fresh uint8 // seconds in which a notification counts as new
}

const (
	snoopTimeout = 3
	freshness    = 3
)

// Resolver finds out where in the mesh an address is: it keeps what it was told and what it saw go by, asks all routers, and
// answers for us and our children (OpenThread's AddressResolver).
type Resolver struct {
	mesh  *Mesh
	lists [cacheStates][]*CacheEntry // newest first
}

// Entries calls each for all entries in their order. The entry is borrowed.
func (r *Resolver) Entries(each func(e *CacheEntry)) {
	for _, l := range r.lists {
		for _, e := range l {
			each(e)
		}
	}
}

// Len returns how many entries there are.
func (r *Resolver) Len() int {
	n := 0
	for _, l := range r.lists {
		n += len(l)
	}
	return n
}

func (r *Resolver) find(a ip6.Address) (*CacheEntry, int) {
	for s := range r.lists {
		for i, e := range r.lists[s] {
			if e.Target == a {
				return e, i
			}
		}
	}
	return nil, -1
}

// take takes an entry out of its list.
func (r *Resolver) take(s CacheState, i int) *CacheEntry {
	e := r.lists[s][i]
	r.lists[s] = removeAt(r.lists[s], i)
	return e
}

// put puts an entry first in a list.
func (r *Resolver) put(s CacheState, e *CacheEntry) {
	if e.State = s; s == Cached {
		e.CanEvict = true
	}
	l := append(r.lists[s], nil)
	copy(l[1:], l)
	l[0] = e
	r.lists[s] = l
}

// Resolve returns the RLOC16 that an address is at. With query, an unknown address is asked for: the error is
// status.AddressQuery, and datagrams that wait for it are sent or dropped when it is known. Other errors: Drop (nobody
// answered a while ago), NoBufs, NotFound (without query).
func (r *Resolver) Resolve(now machine.Time, a ip6.Address, query bool) (uint16, error) {
	e, i := r.find(a)
	if e != nil && (e.State == Cached || e.State == Snooped) {
		state := e.State
		r.take(state, i)
		// What leads to a place that cannot be reached may be old, unless it was just told: routes take a while to be known.
		hop, _ := r.mesh.table.NextHop(e.RLOC16)
		if hop == neighbor.InvalidRLOC16 && !(state == Cached && e.fresh > 0) {
			e = nil
		} else {
			if state == Snooped {
				e.Notified = false
			}
			r.put(Cached, e)
			return e.RLOC16, nil
		}
	}
	if !query {
		return neighbor.InvalidRLOC16, errNotFound
	}
	switch {
	case e == nil:
		if e = r.newEntry(now, false); e == nil {
			return neighbor.InvalidRLOC16, errNoBufs
		}
		*e = CacheEntry{Target: a, RLOC16: neighbor.InvalidRLOC16, RetryDelay: seconds(r.mesh.cfg.QueryRetry)}
	case e.State == Querying:
		return neighbor.InvalidRLOC16, errAddressQuery
	case !e.RampDown:
		return neighbor.InvalidRLOC16, errDrop
	default:
		r.take(Retrying, i)
	}
	e.Timeout = seconds(r.mesh.cfg.QueryTimeout)
	// In the list before the query leaves: that may lead back to here.
	r.put(Querying, e)
	if err := r.sendQuery(now, a); err != nil {
		if e, i := r.find(a); e != nil && e.State == Querying {
			r.take(Querying, i)
		}
		return neighbor.InvalidRLOC16, err
	}
	return neighbor.InvalidRLOC16, errAddressQuery
}

// LookUp returns the RLOC16 that an address is at, if that is known.
func (r *Resolver) LookUp(now machine.Time, a ip6.Address) (uint16, bool) {
	to, err := r.Resolve(now, a, false)
	return to, err == nil
}

// newEntry returns an entry to fill, or nil: a new one, or the oldest of the list that matters least. Snooped entries do
// not push out others (AddressResolver::NewCacheEntry).
func (r *Resolver) newEntry(now machine.Time, snooped bool) *CacheEntry {
	if r.Len() < r.mesh.cfg.CacheEntries {
		return new(CacheEntry)
	}
	for _, s := range [...]CacheState{Snooped, Retrying, Querying, Cached} {
		blocked := 0
		for i := len(r.lists[s]) - 1; i >= 0; i-- {
			if e := r.lists[s][i]; s != Cached && !e.CanEvict {
				blocked++
				continue
			}
			e := r.take(s, i)
			if s == Querying {
				r.mesh.resolved(now, e.Target, errDrop)
			}
			return e
		}
		if snooped && s == Snooped && blocked >= r.mesh.cfg.SnoopEntries {
			return nil
		}
	}
	return nil
}

// snoop learns from a datagram that an address is at an RLOC16 (AddressResolver::UpdateSnoopedCacheEntry).
func (r *Resolver) snoop(now machine.Time, a ip6.Address, rloc16 uint16, dst ieee802154.Address) {
	m := r.mesh
	if e, i := r.find(a); e != nil {
		switch e.State {
		case Cached, Snooped:
			e.RLOC16 = rloc16
		default:
			r.take(e.State, i)
			e.RLOC16, e.Notified = rloc16, false
			r.put(Cached, e)
			m.resolved(now, a, nil)
		}
		return
	}
	self := m.table.Self.RLOC16
	if rloc16 == self || m.table.HasMinimalChild(rloc16) ||
		dst.Kind != ieee802154.Short || dst.Short != self && !m.table.HasMinimalChild(dst.Short) {
		return
	}
	e := r.newEntry(now, true)
	if e == nil {
		return
	}
	*e = CacheEntry{Target: a, RLOC16: rloc16, CanEvict: true}
	blocked := 0
	for _, o := range r.lists[Snooped] {
		if !o.CanEvict {
			blocked++
		}
	}
	if blocked < m.cfg.SnoopEntries {
		// The answer to the datagram will want it.
		e.CanEvict, e.Timeout = false, snoopTimeout
		m.wantTick(now)
	}
	r.put(Snooped, e)
}

// Learn takes addresses to be where another one is, if that is known (Srp::Server::UpdateAddrResolverCacheTable).
func (r *Resolver) Learn(now machine.Time, known ip6.Address, others []ip6.Address) {
	e, _ := r.find(known)
	if e == nil || e.State != Cached && e.State != Snooped {
		return
	}
	rloc16 := e.RLOC16
	for _, a := range others {
		if a != known {
			r.snoop(now, a, rloc16, ieee802154.Address{Kind: ieee802154.Short, Short: r.mesh.table.Self.RLOC16})
		}
	}
}

// Clear forgets everything; what waits for an answer is dropped.
func (r *Resolver) Clear(now machine.Time) {
	for s := range r.lists {
		for len(r.lists[s]) > 0 {
			if e := r.take(CacheState(s), 0); CacheState(s) == Querying {
				r.mesh.resolved(now, e.Target, errDrop)
			}
		}
	}
}

// RemoveRouter forgets the addresses behind a router.
func (r *Resolver) RemoveRouter(id uint8) {
	r.removeIf(func(e *CacheEntry) bool { return neighbor.RouterID(e.RLOC16) == id })
}

// RemoveRLOC16 forgets the addresses at an RLOC16.
func (r *Resolver) RemoveRLOC16(rloc16 uint16) {
	r.removeIf(func(e *CacheEntry) bool { return e.RLOC16 == rloc16 })
}

func (r *Resolver) removeIf(match func(*CacheEntry) bool) {
	for _, s := range [...]CacheState{Cached, Snooped} {
		for i := 0; i < len(r.lists[s]); {
			if match(r.lists[s][i]) {
				r.take(s, i)
			} else {
				i++
			}
		}
	}
}

// Remove forgets an address: an ICMPv6 error said that it is not where we think, or its owner is a child of ours now.
func (r *Resolver) Remove(now machine.Time, a ip6.Address) {
	if e, i := r.find(a); e != nil {
		s := e.State
		if r.take(s, i); s == Querying {
			r.mesh.resolved(now, a, errDrop)
		}
	}
}

// Replace moves all addresses at an RLOC16 to another: a child has become a router, or the reverse.
func (r *Resolver) Replace(old, rloc16 uint16) {
	for _, s := range [...]CacheState{Cached, Snooped} {
		for _, e := range r.lists[s] {
			if e.RLOC16 == old {
				e.RLOC16 = rloc16
			}
		}
	}
}

// Restart asks for all addresses again that nobody answered for, or not yet: we have become a router or have moved.
func (r *Resolver) Restart(now machine.Time) {
	all := append(append([]*CacheEntry(nil), r.lists[Querying]...), r.lists[Retrying]...)
	r.lists[Querying], r.lists[Retrying] = all, nil
	var targets []ip6.Address
	for _, e := range all {
		e.State, e.Timeout, e.RetryDelay = Querying, seconds(r.mesh.cfg.QueryTimeout), seconds(r.mesh.cfg.QueryRetry)
		e.CanEvict = false
		targets = append(targets, e.Target)
	}
	for _, a := range targets {
		_ = r.sendQuery(now, a) // it is asked again after the time-out
	}
}

// tick counts seconds, and reports whether there is anything left to count (AddressResolver::HandleTimeTick).
func (r *Resolver) tick(now machine.Time) (busy bool) {
	for _, e := range r.lists[Cached] {
		if e.fresh > 0 {
			e.fresh--
			busy = true
		}
	}
	for _, e := range r.lists[Snooped] {
		if e.Timeout > 0 {
			busy = true
			if e.Timeout--; e.Timeout == 0 {
				e.CanEvict = true
			}
		}
	}
	first, longest := seconds(r.mesh.cfg.QueryRetry), seconds(r.mesh.cfg.QueryMaxRetry)
	for _, e := range r.lists[Retrying] {
		if e.Timeout == 0 {
			continue
		}
		busy = true
		if e.Timeout--; e.Timeout > 0 {
			continue
		}
		if !e.RampDown {
			e.RampDown, e.Timeout = true, longest
		} else if d := max(e.RetryDelay/2, first); d != e.RetryDelay {
			e.RetryDelay, e.Timeout = d, longest
		}
	}
	var unanswered []ip6.Address
	for i := 0; i < len(r.lists[Querying]); {
		e := r.lists[Querying][i]
		busy = true
		if e.Timeout--; e.Timeout > 0 {
			i++
			continue
		}
		r.take(Querying, i)
		e.Timeout = e.RetryDelay
		e.RetryDelay = min(2*e.RetryDelay, longest)
		e.CanEvict, e.RampDown = true, false
		r.put(Retrying, e)
		unanswered = append(unanswered, e.Target)
	}
	for _, a := range unanswered {
		r.mesh.resolved(now, a, errDrop)
	}
	return busy
}

// resolved lets go of the datagrams that waited for an address: they are sent, or dropped with an error.
func (m *Mesh) resolved(now machine.Time, a ip6.Address, err error) {
	for x := m.queue.head; x != nil; {
		next := x.next
		if x.resolving && ip6.Dst(x.data) == a {
			if err == nil {
				x.resolving = false
			} else {
				m.finishDirect(now, x, errAddressQuery)
				next = m.queue.head
			}
		}
		x = next
	}
	m.again = true
	m.schedule(now)
}
