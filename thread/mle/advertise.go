package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Times of advertisements in milliseconds (OpenThread mle.hpp).
const (
	advertiseMin          = 1000
	advertisePerNeighbor  = 4000
	advertiseMaxLow       = 12_000
	advertiseMaxHigh      = 32_000
	advertiseREEDMin      = 570_000
	advertiseREEDMax      = 630_000
	advertiseUnicastDelay = 1000
)

func toMS(t machine.Time) uint64    { return uint64(t) / uint64(time.Millisecond) }
func fromMS(ms uint64) machine.Time { return machine.Time(ms * uint64(time.Millisecond)) }

// advertiseIntervalMax is the longest interval: the more routers hear us well, the rarer we speak.
func (m *MLE) advertiseIntervalMax() uint32 {
	n := uint32(m.table.NeighborCount(2)+1) * advertisePerNeighbor
	return min(max(n, advertiseMaxLow), advertiseMaxHigh)
}

// RouteLooped says that the mesh layer took a route out that led a frame back to us.
func (m *MLE) RouteLooped(now machine.Time) {
	m.ftd.now = now
	m.resetAdvertise(now)
	m.tableChanged(now)
}

// resetAdvertise has the next advertisement come soon: there is news.
func (m *MLE) resetAdvertise(now machine.Time) {
	if !m.role.RouterOrLeader() {
		return
	}
	t := &m.ftd.trickle
	if !t.running {
		m.timers.startAt(timerAdvertise, fromMS(t.start(m, toMS(now), advertiseMin, m.advertiseIntervalMax(), false)))
	}
	if at, ok := t.reset(m, toMS(now)); ok {
		m.timers.startAt(timerAdvertise, fromMS(at))
	}
}

// tableChanged follows a change of the router table, once an input is worked off.
func (m *MLE) tableChanged(now machine.Time) {
	if !m.table.Changed {
		return
	}
	m.table.Changed = false
	if m.role.RouterOrLeader() {
		if at, ok := m.ftd.trickle.setMax(m.advertiseIntervalMax()); ok {
			m.timers.startAt(timerAdvertise, max(fromMS(at), now))
		}
	}
}

func (m *MLE) stopAdvertise(machine.Time) {
	m.ftd.trickle.running = false
	m.timers.stop(timerAdvertise)
}

func (m *MLE) advertiseTimer(now machine.Time) {
	if !m.ftd.trickle.running || !m.RouterEligible() {
		m.stopAdvertise(now)
		return
	}
	speak, at := m.ftd.trickle.fire(m, toMS(now))
	m.timers.startAt(timerAdvertise, fromMS(at))
	if speak {
		m.sendAdvertisement(now, ip6.LinkLocalAllNodes)
	}
}

// startREEDAdvertise has a full Thread device that stays a child say every ten minutes that it is there.
func (m *MLE) startREEDAdvertise(now machine.Time) {
	m.timers.startAt(timerAdvertise, fromMS(m.ftd.trickle.start(m, toMS(now), advertiseREEDMin, advertiseREEDMax, true)))
}

// sendAdvertisement tells the neighbours of us and of our routes. Nothing is said while we attach to another partition or
// ask for a router id: others would take us for what we are about to stop being, and children would leave.
func (m *MLE) sendAdvertisement(now machine.Time, dst ip6.Address) {
	if !m.role.Attached() || m.Attaching() || m.ftd.soliciting {
		return
	}
	b := m.begin(Advertisement)
	b = AppendSourceAddress(b, m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	if m.role.RouterOrLeader() {
		b = m.appendRoute(b, nil)
	}
	m.send(now, b, dst)
}

// advertiseTo plans an advertisement for a router that thinks it has no link to us.
func (m *MLE) advertiseTo(now machine.Time, r *neighbor.Router) {
	m.schedule(now, m.randomDelay(advertiseUnicastDelay), delayedAdvertisement, linkLocal(r.Ext), nil)
}

// appendRoute appends our Route64 TLV. to is the router that a Link Accept is for.
func (m *MLE) appendRoute(b []byte, to *neighbor.Router) []byte {
	b, at := beginTLV(b, TLVRoute)
	return endTLV(m.table.AppendRoute(b, to), at)
}
