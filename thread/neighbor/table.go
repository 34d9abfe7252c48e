package neighbor

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Event says what happened to a neighbour.
type Event uint8

// The events, in the order of OpenThread's otNeighborTableEvent.
const (
	ChildAdded Event = iota
	ChildRemoved
	ChildModeChanged
	RouterAdded
	RouterRemoved
)

// Hooks are what the table tells its owner, package mle, in the middle of a change: they may set timers and note things,
// and must not change the table. Any may be nil.
type Hooks struct {
	Event           func(Event, *Neighbor)
	ResetAdvertise  func()         // routes changed so that the others should hear of it soon
	UnicastAdvert   func(*Router)  // this neighbour thinks that it has no link to us
	RouterForgotten func(id uint8) // there is no way to this router any more: cached addresses behind it are stale
}

// Table is all neighbours of a node and the routes of its partition. Make it with New.
type Table struct {
	Self      Self
	Parent    Parent
	Candidate Parent // a parent that we are about to ask
	Hooks     Hooks
	Changed   bool // the routers or the links to them changed; mle clears it

	children
	routers
}

// New makes an empty table that accepts so many children. noise is the noise floor of the radio in dBm: its receive
// sensitivity, -100 in OpenThread's simulation.
func New(maxChildren int, noise int8, rand machine.Rand) *Table {
	t := new(Table)
	t.Self.RLOC16, t.Self.LeaderID = InvalidRLOC16, InvalidRouterID
	t.children = children{self: &t.Self, noise: noise, max: min(maxChildren, MaxChildID), next: MaxChildID}
	t.routers.init(t, rand)
	t.Parent.Reset(noise)
	t.Candidate.Reset(noise)
	return t
}

// SetMeshLocal changes the mesh-local prefix.
func (t *Table) SetMeshLocal(n ip6.Network) {
	t.Self.MeshLocal = n
	t.children.changed()
}

// Noise returns the noise floor of the radio.
func (t *Table) Noise() int8 { return t.noise }

// Margin returns how far a strength is above the noise floor, in dB.
func (t *Table) Margin(rss int8) uint8 { return Margin(t.noise, rss) }

// Signal tells the owner of an event.
func (t *Table) Signal(e Event, n *Neighbor) {
	if e >= RouterAdded {
		t.Changed = true
	}
	if t.Hooks.Event != nil {
		t.Hooks.Event(e, n)
	}
}

// Find finds a neighbour by its MAC address: among children and routers if we are a router, and the parent, or the one
// that we ask to be our parent, otherwise.
func (t *Table) Find(a ieee802154.Address, f Filter) *Neighbor {
	switch a.Kind {
	case ieee802154.Short:
		return t.FindShort(a.Short, f)
	case ieee802154.Extended:
		return t.FindExt(a.Ext, f)
	}
	return nil
}

// FindShort finds a neighbour by its RLOC16.
func (t *Table) FindShort(rloc16 uint16, f Filter) *Neighbor {
	if rloc16 >= InvalidRLOC16 {
		return nil
	}
	if t.Self.Role.RouterOrLeader() {
		if c := t.ChildByShort(rloc16, f); c != nil {
			return &c.Neighbor
		}
		if IsRouterRLOC16(rloc16) {
			if r := t.Router(RouterID(rloc16)); r != nil && f.Match(r.State) {
				return &r.Neighbor
			}
		}
	}
	for _, p := range [...]*Parent{&t.Parent, &t.Candidate} {
		if p.matchShort(rloc16, f) {
			return &p.Neighbor
		}
	}
	return nil
}

// FindExt finds a neighbour by its extended address.
func (t *Table) FindExt(ext ieee802154.ExtAddr, f Filter) *Neighbor {
	if t.Self.Role.RouterOrLeader() {
		if c := t.ChildByExt(ext, f); c != nil {
			return &c.Neighbor
		}
		if r := t.RouterByExt(ext); r != nil && f.Match(r.State) {
			return &r.Neighbor
		}
	}
	for _, p := range [...]*Parent{&t.Parent, &t.Candidate} {
		if p.matchExt(ext, f) {
			return &p.Neighbor
		}
	}
	return nil
}

// FindIP finds a neighbour by an IPv6 unicast address: link-local, routing locator, or what a child registered.
func (t *Table) FindIP(a ip6.Address, f Filter) *Neighbor {
	switch {
	case a.IsLinkLocalUnicast():
		iid := a.IID()
		if iid.IsLocator() {
			return t.FindShort(iid.Locator(), f)
		}
		return t.FindExt(ieee802154.ExtAddr(iid.Ext()), f)
	case t.Self.IsRLOC(a):
		return t.FindShort(a.IID().Locator(), f)
	}
	if c := t.ChildByIP(a, f); c != nil {
		return &c.Neighbor
	}
	return nil
}

// FindRxOnly finds a router that we, as a child, have a link to beside our parent: what it broadcasts is understood, and
// nothing is sent to it.
func (t *Table) FindRxOnly(a ieee802154.Address) *Neighbor {
	if t.Self.Role != RoleChild {
		return nil
	}
	var r *Router
	switch a.Kind {
	case ieee802154.Short:
		if IsRouterRLOC16(a.Short) {
			r = t.Router(RouterID(a.Short))
		}
	case ieee802154.Extended:
		r = t.RouterByExt(a.Ext)
	}
	if r == nil || r.State != Valid {
		return nil
	}
	return &r.Neighbor
}
