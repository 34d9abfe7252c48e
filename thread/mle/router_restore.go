package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// Times of a reset router in milliseconds, and how often it asks (OpenThread mle.hpp).
const (
	linkRequestTimeout     = 2000
	multicastRetransmitMin = 4500
	multicastRetransmitMax = 5500
	maxTries               = 3
	maxCriticalTries       = 6
	minCriticalChildren    = 6
)

// restoreRouter takes the router id, the previous partition and the children out of the settings.
func (m *MLE) restoreRouter(now machine.Time, n *NetworkInfo) {
	m.setRouterID(neighbor.RouterID(n.RLOC16))
	m.ftd.routerPartition = n.PreviousPartitionID
	m.restoreChildren(now)
}

// restoreAttempts returns how often all routers are asked for our role. Who has many children tries for longer.
func (m *MLE) restoreAttempts() uint8 {
	if m.savedRole == Router && m.table.ChildCount(neighbor.InValidOrRestoring) < minCriticalChildren {
		return maxTries
	}
	return maxCriticalTries
}

// restoreLinkDelay returns how many milliseconds to wait after a multicast Link Request.
func (m *MLE) restoreLinkDelay() uint32 {
	if m.restorer.attempts == 0 {
		return linkRequestTimeout
	}
	return m.randomIn(multicastRetransmitMin, multicastRetransmitMax)
}

// roleTransitionPending says whether a look at our role is planned.
func (m *MLE) roleTransitionPending() bool { return m.ftd.transition != 0 }

// Parent search of full Thread devices (OpenThread config/parent_search.h).
const (
	betterParentMargin = 7       // dB above the parent
	reselectTimeout    = 90 * 60 // s until a router is asked again
)

// selectBetterParent returns the router that is heard best, if it is clearly better than our parent.
func (m *MLE) selectBetterParent() *neighbor.Router {
	var best *neighbor.Router
	least := int(m.table.Parent.Link.RSS()) + betterParentMargin
	for r := range m.table.Routers() {
		rss := int(r.Link.RSS())
		if !r.Selectable || r.ReselectWait != 0 || r.RLOC16 == m.table.Parent.RLOC16 || r.Link.RSS() == neighbor.NoRSSI {
			continue
		}
		if best == nil && rss >= least || best != nil && rss > int(best.Link.RSS()) {
			best = r
		}
	}
	if best != nil {
		best.ReselectWait = reselectTimeout
	}
	return best
}
