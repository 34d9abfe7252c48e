package neighbor

import "heddle.example/machine"

// LinkCost returns what the hop to a router costs: MaxRouteCost if it is no neighbour.
func (t *routers) LinkCost(r *Router) uint8 {
	if r == nil || r.State != Valid || r.RLOC16 == t.t.Self.RLOC16 {
		return MaxRouteCost
	}
	return Cost(r.Link.TwoWay())
}

// NextHopOf returns the neighbour on the way to a router, or nil.
func (t *routers) NextHopOf(r *Router) *Router { return t.Router(r.NextHop) }

// PathCost returns the cost of the path to an RLOC16. MaxRouteCost and more is "no path".
func (t *routers) PathCost(dst uint16) uint8 { _, c := t.NextHop(dst); return c }

// PathCostToLeader returns the cost of the path to the leader.
func (t *routers) PathCostToLeader() uint8 { return t.PathCost(t.t.Self.LeaderRLOC16()) }

// NextHop returns the neighbour that a datagram for an RLOC16 is sent to, or InvalidRLOC16, and the cost of the whole
// path. A child sends all to its parent; a router chooses between the direct link and the best neighbour.
func (t *routers) NextHop(dst uint16) (hop uint16, cost uint8) {
	self := &t.t.Self
	hop, cost = InvalidRLOC16, MaxRouteCost
	if !self.Role.Attached() {
		return hop, cost
	}
	if dst == self.RLOC16 {
		return dst, 0
	}
	r := t.Router(RouterID(dst))
	var next *Router
	if r != nil {
		next = t.NextHopOf(r)
	}
	if self.Role == RoleChild {
		parent := &t.t.Parent
		if parent.State == Valid {
			hop = parent.RLOC16
		}
		near := SameRouter(dst, parent.RLOC16)
		if !near && next == nil {
			return hop, cost
		}
		if cost = Cost(parent.Link.QualityIn()); !near {
			cost += r.Cost
		}
	} else {
		if SameRouter(dst, self.RLOC16) {
			if c := t.t.ChildByShort(dst, InAny); c != nil {
				return dst, Cost(c.Link.QualityIn())
			}
			return hop, cost
		}
		if r == nil {
			return hop, cost
		}
		if cost = t.LinkCost(r); cost < MaxRouteCost {
			hop = r.RLOC16
		}
		if next != nil {
			if c := r.Cost + t.LinkCost(next); c < cost {
				hop, cost = next.RLOC16, c
			}
		}
	}
	if !IsRouterRLOC16(dst) {
		cost++ // its parent hears it well, as far as we know
	}
	return hop, cost
}

// reachable returns the routers that there is a path to.
func (t *routers) reachable() (s RouterSet) {
	for _, r := range t.list {
		if t.PathCost(r.RLOC16) < MaxRouteCost {
			s = s.With(r.RouterID())
		}
	}
	return s
}

// UpdateRoutes takes in what a neighbouring router says of the others: the distance-vector step of Thread.
func (t *routers) UpdateRoutes(now machine.Time, route Route, from uint8) {
	n := t.Router(from)
	if n == nil {
		return
	}
	before := t.reachable()
	self := RouterID(t.t.Self.RLOC16)
	if d, ok := route.Of(self); ok {
		if n.Link.Out != d.In() {
			n.Link.Out = d.In()
			t.t.Changed = true
		}
		// It says that we do not hear it, but we do: tell it at once, not at the end of our interval.
		if n.State == Valid && d.Out() == 0 && n.Link.TwoWay() >= 2 && t.t.Hooks.UnicastAdvert != nil {
			t.t.Hooks.UnicastAdvert(n)
		}
	}
	link := t.LinkCost(n)
	for _, r := range t.list {
		d, ok := route.Of(r.RouterID())
		if !ok || r == n || r.RLOC16 == t.t.Self.RLOC16 {
			continue
		}
		cost := d.Cost()
		if cost == 0 {
			cost = MaxRouteCost
		}
		switch next := t.NextHopOf(r); {
		case next != nil && next != n:
			if cost+link < r.Cost+t.LinkCost(next) {
				r.SetRoute(from, cost)
				t.t.Changed = true
			}
		case cost+link < MaxRouteCost:
			if r.SetRoute(from, cost) {
				t.t.Changed = true
			}
		case next == n:
			r.NoRoute()
			r.LastHeard = now
			t.t.Changed = true
		}
	}
	if t.reachable() != before {
		t.resetAdvertise()
	}
}

// UpdateRoutesOnChild takes over what the parent says of the other routers: all of them are behind it.
func (t *routers) UpdateRoutesOnChild(route Route, parent uint8) {
	for _, r := range t.list {
		d, ok := route.Of(r.RouterID())
		if !ok || r.RouterID() == parent {
			continue
		}
		next := parent
		if d.Cost() == 0 {
			next = InvalidRouterID
		}
		if r.SetRoute(next, d.Cost()) {
			t.t.Changed = true
		}
	}
}

// AppendRoute appends the value of our Route64 TLV. to is the router that a Link Accept is for, or nil: in that a large
// table is cut, and its sequence made old, so that the message fits one frame.
func (t *routers) AppendRoute(dst []byte, to *Router) []byte {
	set, sequence := t.set, t.sequence
	self := RouterID(t.t.Self.RLOC16)
	if n := len(t.list); to != nil && n > acceptRouters {
		for id := set.Next(0); id <= MaxRouterID && n > acceptRouters; id = set.Next(id + 1) {
			if id != self && id != to.RouterID() && id != t.t.Self.LeaderID {
				set = set.Without(id)
				n--
			}
		}
		sequence -= acceptRollback
	}
	dst = Route{IDSequence: sequence, Mask: set}.Append(dst)
	for _, r := range t.list {
		if !set.Has(r.RouterID()) {
			continue
		}
		if r.RLOC16 == t.t.Self.RLOC16 {
			dst = append(dst, byte(NewRouteData(0, 0, 1)))
			continue
		}
		cost := t.PathCost(r.RLOC16)
		if cost >= MaxRouteCost {
			cost = 0
		}
		dst = append(dst, byte(NewRouteData(r.Link.QualityIn(), r.Link.Out, cost)))
	}
	return dst
}
