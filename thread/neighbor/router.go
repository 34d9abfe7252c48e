package neighbor

import "heddle.example/thread/ieee802154"

// Router is a router of our partition, or a parent. Whether it can be heard is its State; routers that cannot have a next
// hop, perhaps.
type Router struct {
	Neighbor
	NextHop uint8 // router id of the neighbour on the way to it, InvalidRouterID where there is none
	Cost    uint8 // of the path from that neighbour on

	LinkAcceptWait  uint8 // seconds until we stop waiting for a Link Accept; 0: not waiting
	LinkRequestLeft uint8 // attempts that are left to win a silent neighbour back

	Selectable   bool   // heard of lately, so a child may look at it when it searches a better parent
	ReselectWait uint16 // seconds until it is looked at again after it refused
}

// LinkAcceptTimeout is how many seconds a Link Accept may take.
const LinkAcceptTimeout = 3

// LinkRequestAttempts is how often a silent neighbour is asked before it is given up.
const LinkRequestAttempts = 3

// SetRoute sets the next hop and the cost behind it and reports whether they changed.
func (r *Router) SetRoute(nextHop, cost uint8) bool {
	if r.NextHop == nextHop && r.Cost == cost {
		return false
	}
	r.NextHop, r.Cost = nextHop, cost
	return true
}

// NoRoute takes the next hop away and reports whether there was one.
func (r *Router) NoRoute() bool { return r.SetRoute(InvalidRouterID, 0) }

// CopyFrom makes the link to r what the link to another entry is, as when a child or a parent becomes a router beside us.
// The id, the next hop and the cost stay r's.
func (r *Router) CopyFrom(n *Neighbor) {
	rloc16 := r.RLOC16
	r.Neighbor = *n
	r.RLOC16, r.child, r.router = rloc16, nil, r
}

// Parent is the router whose child we are, or one that we ask to be.
type Parent struct {
	Router
	LeaderCost                  uint8 // of its path to the leader
	CSLAccuracy, CSLUncertainty uint8 // ppm, 10 us
}

// Reset makes an empty parent of state Invalid.
func (p *Parent) Reset(noise int8) {
	*p = Parent{}
	p.RLOC16, p.NextHop = InvalidRLOC16, InvalidRouterID
	p.Link = NewLinkInfo(noise)
	p.CSLAccuracy, p.CSLUncertainty = 255, 255
	p.router = &p.Router
}

// Set makes p a copy of q, as when a candidate becomes the parent.
func (p *Parent) Set(q *Parent) {
	*p = *q
	p.router = &p.Router
}

// Is says whether n is this parent.
func (p *Parent) Is(n *Neighbor) bool { return n == &p.Neighbor }

func (n *Neighbor) matchShort(s uint16, f Filter) bool {
	return f.Match(n.State) && n.RLOC16 == s
}

func (n *Neighbor) matchExt(e ieee802154.ExtAddr, f Filter) bool {
	return f.Match(n.State) && n.Ext == e
}
