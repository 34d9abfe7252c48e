package mle

import (
	"cmp"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// comparePartitions orders two partitions: by the leader's weight, a singleton last, then by partition id
// (Thread 1.4 section 5.16.3; OpenThread Mle::ComparePartitions).
func comparePartitions(singletonA bool, a LeaderData, singletonB bool, b LeaderData) int {
	one := func(singleton bool) int {
		if singleton {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.Weighting, b.Weighting), cmp.Compare(one(singletonA), one(singletonB)),
		cmp.Compare(a.PartitionID, b.PartitionID))
}

// newPartitionID draws the id of a partition that we form. Those whom the partition that we were in, or one that refused us,
// has lost are not to draw all of it over to themselves: with the same weights the greater id wins, however few they are
// (OpenThread's are random). So ours is less, as long as there are many less.
func (m *MLE) newPartitionID() uint32 {
	id := uint32(m.rand.Uint64())
	most := m.leaderData.PartitionID
	for _, r := range m.refused {
		most = max(most, r.partition)
	}
	if most >= fewPartitionIDs {
		id %= most
	}
	return id
}

const fewPartitionIDs = 1 << 20

// receiveAdvertisementFTD takes in an advertisement as a full Thread device: of another partition, of our parent, of
// another router. An error ends its processing.
func (m *MLE) receiveAdvertisementFTD(now machine.Time, r *rx, source uint16, d LeaderData) error {
	m.ftd.now = now
	err := m.advertised(now, r, source, d)
	if n := r.neighbor; n != nil && n.RLOC16 != source {
		m.removeNeighbor(now, n) // it is another one now
		if n.State == neighbor.Invalid {
			r.neighbor = nil
		}
	}
	return err
}

func (m *MLE) advertised(now machine.Time, r *rx, source uint16, d LeaderData) error {
	margin := m.linkMargin(r.RSSI)
	route, err := r.Route()
	if err != nil && err != ErrNotFound {
		return err
	}
	hasRoute := err == nil
	if d.PartitionID != m.leaderData.PartitionID {
		return m.otherPartition(now, r, d, route, hasRoute, margin)
	}
	if d.LeaderRouterID != m.leaderData.LeaderRouterID {
		if r.fromValid() && m.role != Child {
			m.BecomeDetached(now)
			return errDrop
		}
		return nil
	}
	if !neighbor.IsRouterRLOC16(source) || !hasRoute || source == m.rloc16 {
		return nil
	}
	id := neighbor.RouterID(source)
	if r.fromValid() && m.table.NewerSequence(route) {
		if err := m.takeRoute(now, r, route); err != nil {
			return err
		}
	}
	if m.role == Child {
		return m.advertisedToChild(now, r, source, route, margin)
	}

	if m.role == Router {
		if m.shouldDowngrade(id, route) {
			m.startTransition()
		} else if m.superfluous(id, route) {
			m.startTransition()
			m.ftd.stepDown = id
		}
	}
	router := m.table.Router(id)
	if router == nil {
		return nil
	}
	if c := r.neighbor.Child(); c != nil && router.State != neighbor.Valid && c.State == neighbor.Valid {
		// Our child is a router now: its link is known, and what was sent to its old RLOC16 goes to the new one.
		router.CopyFrom(&c.Neighbor)
		router.Mode = neighbor.RouterMode
		m.table.Signal(neighbor.RouterAdded, &router.Neighbor)
		m.env.MoveRLOC16(now, c.RLOC16, router.RLOC16)
	}
	if router.State == neighbor.Valid && router.Ext != r.ext {
		m.ftd.counters.ForgedIdentity++
		return errDrop
	}
	if router.State != neighbor.Valid && router.State != neighbor.LinkRequest && margin >= linkRequestMinMargin &&
		route.Mask.Has(m.ftd.routerID) {
		m.linkRequested(now, router, r)
		m.scheduleLinkRequest(now, router, m.randomDelay(linkRequestDelayRouter))
		return errDrop
	}
	router.LastHeard = now
	m.table.UpdateRoutes(now, route, id)
	return nil
}

// otherPartition leaves our partition for another one if that is better and near enough. What is left of the partition
// that we came from is not news, unless its sequence goes on.
func (m *MLE) otherPartition(now machine.Time, r *rx, d LeaderData, route neighbor.Route, hasRoute bool, margin uint8) error {
	if margin < mergeMinMargin {
		m.ftd.counters.LowMargin++
		return errDrop
	}
	f := &m.ftd
	if hasRoute && f.leftTimeout > 0 && d.PartitionID == f.leftPartition && !newer(route.IDSequence, f.leftSequence) {
		return errDrop
	}
	if m.role == Child && m.table.Parent.Is(r.neighbor) {
		return nil
	}
	switch order := comparePartitions(hasRoute && route.Singleton(), d, m.Singleton(), m.leaderData); {
	case order > 0:
		if m.Attaching() || m.heldBack(now, d.PartitionID, hasRoute) || hasRoute && m.wouldLeaveBehind(route.Mask.Len()) {
			return errDrop
		}
		f.better, f.betterRouter = d.PartitionID, hasRoute
		m.startAttach(now, BetterPartition)
	case order < 0 && m.role == Child:
		m.hail(now)
	}
	return errDrop
}

// hail tells a worse partition of ours, where only end devices hear it: routers of ours may be out of its range, and an end
// device by itself advertises every ten minutes only.
func (m *MLE) hail(now machine.Time) {
	f := &m.ftd
	// Only if we would take in who comes: in vain they would all ask again and again.
	if m.sparingFails() || !m.RouterEligible() || m.table.RouterCount() >= neighbor.MaxRouters || m.table.PathCostToLeader() > hailCost ||
		f.hailed != 0 && now.Sub(f.hailed) < hailInterval {
		return
	}
	f.hailed = now
	m.unschedule(delayedAdvertisement, ip6.LinkLocalAllNodes)
	m.schedule(now, m.randomDelay(hailDelay), delayedAdvertisement, ip6.LinkLocalAllNodes, nil)
}

const (
	hailCost     = neighbor.MaxRouteCost - 3 // so that there is a path behind us, too
	hailInterval = 10 * time.Minute
	hailDelay    = 2000 // ms
)

// advertisedToChild takes in an advertisement in our partition as a child.
func (m *MLE) advertisedToChild(now machine.Time, r *rx, source uint16, route neighbor.Route, margin uint8) error {
	if m.table.Parent.Is(r.neighbor) {
		if m.table.Parent.RLOC16 != source {
			m.BecomeDetached(now)
			return errDrop
		}
		if m.ftd.transition == 0 && m.table.RouterCount() < int(m.ftd.upgrade) {
			m.startTransition()
		}
		m.table.UpdateRoutesOnChild(route, neighbor.RouterID(source))
		m.table.Parent.Selectable, m.table.Parent.LastHeard = true, now
		return nil
	}
	router := m.table.Router(neighbor.RouterID(source))
	if router == nil {
		return nil
	}
	m.linkOfChild(now, router, r, margin)
	router.Selectable, router.LastHeard = true, now
	return nil
}

// Slow growth of a child's links to routers (OpenThread Mle::EstablishRouterLinkOnFtdChild).
const (
	extraRouterLinks      = 32
	gradualLinkWait       = 300 // s after the attach
	gradualLinkPercent    = 5
	gradualLinkDelayMin   = 1500
	gradualLinkDelayMax   = 10_000
	gradualLinkMinQuality = 2
)

// linkOfChild makes a link to a router that we only listen to: to the first few at once, to others now and then, so that
// five hundred children do not ask at once.
func (m *MLE) linkOfChild(now machine.Time, router *neighbor.Router, r *rx, margin uint8) {
	if router.State == neighbor.Valid || router.State == neighbor.LinkRequest {
		return
	}
	low, high := uint32(linkRequestDelayMin), uint32(linkRequestDelayMax)
	if n, links := m.table.NeighborCount(1), int(m.ftd.childRouterLinks); n >= links {
		if n >= links+extraRouterLinks || neighbor.QualityForMargin(margin) < gradualLinkMinQuality ||
			m.AttachDuration(now) <= gradualLinkWait || m.randomIn(0, 100) >= gradualLinkPercent {
			return
		}
		low, high = gradualLinkDelayMin, gradualLinkDelayMax
	}
	m.linkRequested(now, router, r)
	m.scheduleLinkRequest(now, router, m.randomIn(low, high))
}

// takeRoute takes over the set of router ids. A router whose id was taken away is detached.
func (m *MLE) takeRoute(now machine.Time, r *rx, route neighbor.Route) error {
	m.ftd.now = now
	if m.role == Leader && !route.Mask.Has(m.ftd.routerID) {
		m.ftd.counters.ForgedIdentity++ // nobody takes the id away of who gives them out
		return errDrop
	}
	m.table.UpdateRouterSet(now, route.IDSequence, route.Mask)
	if n := r.neighbor; n != nil && n.State == neighbor.Invalid {
		r.neighbor = nil
	}
	if m.role == Router && !m.table.IsAllocated(m.ftd.routerID) {
		m.BecomeDetached(now)
		return errDrop
	}
	return nil
}

// routeOnChild takes in the Route64 of our parent, if the message has one. It must be called for messages of the parent
// only.
func (m *MLE) routeOnChild(now machine.Time, r *rx, parent uint8) error {
	if !m.mode.FTD() {
		return nil
	}
	route, err := r.Route()
	switch err {
	case nil:
	case ErrNotFound:
		return nil
	default:
		return err
	}
	if err := m.takeRoute(now, r, route); err != nil {
		return err
	}
	m.table.UpdateRoutesOnChild(route, parent)
	m.requestRoute = false
	return nil
}
