package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Ages of neighbours (OpenThread mle.hpp).
const (
	tickInterval         = 1000 // ms
	tickJitter           = 4    // ms
	maxNeighborAge       = 100 * time.Second
	maxNeighborAgeChild  = 150 * time.Second
	maxLeaderToRouterAge = 90 * time.Second
	maxChildIDWait       = 60 * time.Second
)

// startTicking has tick called each second. The first time comes within one, so that nodes do not tick together.
func (m *MLE) startTicking(now machine.Time) {
	if !m.timers.running(timerTick) {
		m.timers.startMS(timerTick, now, m.randomIn(0, tickInterval+1))
	}
}

func (m *MLE) stopTicking() { m.timers.stop(timerTick) }

// tick counts a second.
func (m *MLE) tick(now machine.Time) {
	m.ftd.now = now
	m.timers.startMS(timerTick, now, m.jitter(tickInterval, tickJitter))
	if !m.mode.FTD() {
		m.stopTicking()
		return
	}
	f := &m.ftd
	if f.leftTimeout > 0 {
		f.leftTimeout--
	}
	if f.alternate > 0 {
		if f.alternate == 1 {
			m.clearAlternate(now)
		} else {
			f.alternate--
		}
	}
	if !m.tickRole(now) {
		m.tickChildren(now)
		m.tickRouters(now)
		m.table.TickRouters(now)
		m.syncChildren(now)
	}
	m.tableChanged(now)
}

// tickRole looks at our role when the time for that has come. It reports whether that was all for this second.
func (m *MLE) tickRole(now machine.Time) (done bool) {
	f := &m.ftd
	expired := false
	if f.transition > 0 {
		f.transition--
		expired = f.transition == 0
	}
	if m.role == Child && expired {
		if m.table.RouterCount() < int(f.upgrade) && m.heardWell() {
			m.BecomeRouter(now, SolicitTooFewRouters)
		} else {
			m.informPreviousChannel(now)
		}
		if !f.trickle.running {
			m.sendAdvertisement(now, ip6.LinkLocalAllNodes)
			m.startREEDAdvertise(now)
		}
		return true
	}
	if m.role == Child || m.role == Router {
		if m.table.RouterCount() > 0 && m.table.LeaderAge(now) >= time.Duration(f.networkIDTimeout)*time.Second {
			m.startAttach(now, SamePartition)
		}
		if expired && m.table.RouterCount() > int(f.downgrade) && m.stillSuperfluous() {
			m.startAttach(now, DowngradeToREED)
		}
	}
	if m.role.Attached() && expired && !m.RouterEligible() {
		m.BecomeDetached(now)
	}
	return false
}

// heardWell says whether any router hears well enough of us to make sense of one more.
func (m *MLE) heardWell() bool {
	if m.table.Parent.Link.LastMargin() >= linkRequestMinMargin {
		return true
	}
	for r := range m.table.Routers() {
		if r.State == neighbor.Valid && r.Link.LastMargin() >= linkRequestMinMargin {
			return true
		}
	}
	return false
}

// tickChildren drops children that were silent for too long and asks restored ones.
func (m *MLE) tickChildren(now machine.Time) {
	for c := range m.table.Children(neighbor.InAny) {
		if c.State == neighbor.ChildIDRequest {
			// It waits for us to become a router. OpenThread lets it wait for ever, in an entry that others could have.
			if now.Sub(c.LastHeard) >= maxChildIDWait {
				m.removeChild(now, c)
			}
			continue
		}
		if l := c.CSL; l != nil && l.Synchronized && now.Sub(l.LastHeard) >= time.Duration(l.Timeout)*time.Second {
			l.Synchronized = false
			m.env.CSLLost(now, c)
		}
		if now.Sub(c.LastHeard) >= time.Duration(c.Timeout)*time.Second {
			m.removeChild(now, c)
		} else if m.role.RouterOrLeader() && c.State == neighbor.Restored {
			m.sendChildUpdateRequestToChild(now, c)
		}
	}
}

// tickRouters looks after the links to routers and, as the leader, after routers that nobody reaches.
func (m *MLE) tickRouters(now machine.Time) {
	many := m.role == Child && m.table.NeighborCount(1) > int(m.ftd.childRouterLinks)
	for r := range m.table.Routers() {
		if r.RLOC16 == m.rloc16 {
			r.LastHeard = now
			continue
		}
		age := now.Sub(r.LastHeard)
		if r.ReselectWait > 0 {
			r.ReselectWait--
		}
		if age >= maxNeighborAge {
			r.Selectable = false
		}
		if r.State == neighbor.Valid {
			switch {
			case many:
				// A child with links enough lets one go that it does not hear any more.
				if age >= maxNeighborAgeChild {
					m.unschedule(delayedLinkRequest, linkLocal(r.Ext))
					m.removeNeighbor(now, &r.Neighbor)
					many = m.table.NeighborCount(1) > int(m.ftd.childRouterLinks)
					continue
				}
			case age >= maxNeighborAge:
				if !m.linkRequestPlanned(r) && r.LinkAcceptWait == 0 {
					r.LinkRequestLeft = neighbor.LinkRequestAttempts
				}
				if r.LinkRequestLeft > 0 {
					r.LinkRequestLeft--
					m.scheduleLinkRequest(now, r, m.randomDelay(linkRequestDelayRouter))
				}
			}
		}
		if r.State == neighbor.LinkRequest && r.LinkAcceptWait == 0 && !m.linkRequestPlanned(r) {
			m.removeNeighbor(now, &r.Neighbor)
			continue
		}
		if r.LinkAcceptWait > 0 {
			if r.LinkAcceptWait--; r.LinkAcceptWait == 0 {
				m.removeNeighbor(now, &r.Neighbor)
				continue
			}
		}
		if m.role == Leader && m.table.NextHopOf(r) == nil && m.table.LinkCost(r) >= neighbor.MaxRouteCost &&
			age >= maxLeaderToRouterAge {
			m.releaseRouter(now, r.RouterID())
		}
	}
}

// stillSuperfluous says whether the neighbour that we were to make room for is still there: it may have had the same idea.
func (m *MLE) stillSuperfluous() bool {
	id := m.ftd.stepDown
	m.ftd.stepDown = neighbor.InvalidRouterID
	if id == neighbor.InvalidRouterID {
		return true // OpenThread's rule, or a child's transition
	}
	r := m.table.Router(id)
	return m.table.RouterCount() >= scarceIDs && r != nil && r.State == neighbor.Valid
}

// superfluous says whether, near the end of router ids, we are a router that others do without: neighbour id has a link to
// each router that we have one to, so that no path needs us. OpenThread's rule wants seven neighbours and links as good as
// ours, and where nodes are spread out that keeps all 32 ids in one corner of the mesh. Then the other corner cannot join.
func (m *MLE) superfluous(id uint8, route neighbor.Route) bool {
	f := &m.ftd
	if m.sparingFails() || m.role != Router || m.table.RouterCount() < scarceIDs || m.table.RouterCount() <= int(f.downgrade) ||
		!m.table.IsAllocated(id) || f.transition != 0 || m.env.KeepsRouterRole() {
		return false
	}
	// Children would have to look for another parent: few may, and only if it is about the last ids.
	most := 0
	if m.table.RouterCount() == neighbor.MaxRouters {
		most = 4
	}
	if m.table.ChildCount(neighbor.InValid) > most {
		return false
	}
	n := m.table.Router(id)
	if n.State != neighbor.Valid || n.Link.TwoWay() < 1 {
		return false
	}
	for r := range m.table.Routers() {
		if r == n || r.RouterID() == f.routerID || r.State != neighbor.Valid || r.Link.TwoWay() < 1 {
			continue
		}
		if d, ok := route.Of(r.RouterID()); !ok || d.TwoWay() < 1 {
			return false
		}
	}
	return true
}

// scarceIDs is from how many routers on ids are kept for those who need one.
const scarceIDs = 28

// shouldDowngrade says whether, after an advertisement of router id, we are one router too many: there are more than the
// threshold, enough of them around us, few children, and the sender hears all that we hear well
// (Thread 1.4 section 5.9.9; OpenThread Mle::ShouldDowngrade).
func (m *MLE) shouldDowngrade(id uint8, route neighbor.Route) bool {
	f := &m.ftd
	excess := m.table.RouterCount() - int(f.downgrade)
	if m.role != Router || !m.table.IsAllocated(id) || f.transition != 0 || excess <= 0 {
		return false
	}
	near := 0
	for r := range m.table.Routers() {
		if r.State == neighbor.Valid && r.Link.TwoWay() >= 2 {
			near++
		}
	}
	if near < minDowngradeNeighbors || m.table.ChildCount(neighbor.InValid) >= 3*excess {
		return false
	}
	for r := range m.table.Routers() {
		if o := r.RouterID(); o == f.routerID || o == id || r.State != neighbor.Valid || r.Link.TwoWay() < 2 {
			continue
		}
		if d, ok := route.Of(r.RouterID()); !ok || d.TwoWay() < r.Link.TwoWay() {
			return false
		}
	}
	return !m.env.KeepsRouterRole()
}
