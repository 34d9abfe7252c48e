package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// RouterEligible says whether we may be a router: by mode, by choice and by the network's security policy.
func (m *MLE) RouterEligible() bool {
	return !m.config.MTD && m.ftd.eligible && m.mode.FTD() && m.env.RoutersEnabled()
}

// SetRouterEligible allows us to be a router, or not.
func (m *MLE) SetRouterEligible(now machine.Time, eligible bool) error {
	m.ftd.now = now
	if !m.mode.FTD() && eligible {
		return status.NotCapable
	}
	if eligible == m.ftd.eligible {
		return nil
	}
	m.ftd.eligible = eligible
	switch {
	case m.role == Child:
		if eligible {
			m.startTransition()
		}
		m.env.SetBeacons(now, eligible)
	case m.role.RouterOrLeader() && !eligible:
		m.BecomeDetached(now)
	}
	return nil
}

// startTransition plans a look at our role, within the jitter.
func (m *MLE) startTransition() {
	m.ftd.transition = uint8(min(1+m.randomIn(0, uint32(m.ftd.jitter)), 255))
}

// securityPolicyChanged has a router that may not be one any more give up its role, a leader after the others.
func (m *MLE) securityPolicyChanged(now machine.Time) {
	m.ftd.now = now
	if !m.role.RouterOrLeader() || m.RouterEligible() || m.ftd.transition != 0 {
		return
	}
	m.startTransition()
	if m.role == Leader {
		m.ftd.transition = min(m.ftd.transition, 255-leaderDowngradeDelay) + leaderDowngradeDelay
	}
}

// BecomeRouter asks the leader for a router id.
func (m *MLE) BecomeRouter(now machine.Time, why SolicitStatus) error {
	m.ftd.now = now
	switch m.role {
	case Disabled, Detached:
		return status.InvalidState
	case Router, Leader:
		return nil
	}
	if !m.RouterEligible() {
		return status.NotCapable
	}
	m.env.SetRxOnWhenIdle(now, true)
	m.ftd.transition = 0
	m.solicit(now, why)
	return nil
}

// BecomeLeader forms a partition of our own. checkWeight refuses it where the partition that we are in has a leader of our
// weight or more.
func (m *MLE) BecomeLeader(now machine.Time, checkWeight bool) error {
	m.ftd.now = now
	switch {
	case m.role == Leader:
		return nil
	case m.role == Disabled || !m.env.DatasetComplete():
		return status.InvalidState
	case !m.RouterEligible():
		return status.NotCapable
	case checkWeight && m.role.Attached() && m.ftd.weight <= m.leaderData.Weighting:
		return status.NotCapable
	}
	m.table.ClearRouters()
	partition := m.ftd.preferredPartition
	if partition == 0 {
		partition = m.newPartitionID()
	}
	low, high := m.table.IDRange()
	id := m.ftd.previousRouterID
	if id < low || id > high {
		id = uint8(m.randomIn(uint32(low), uint32(high)+1))
	}
	m.setLeaderData(now, LeaderData{PartitionID: partition, Weighting: m.ftd.weight, LeaderRouterID: id})
	r := m.table.Allocate(now, id)
	m.setRouterID(id)
	r.Ext = m.env.ExtAddress()
	m.setRouterOrLeader(now, Leader, neighbor.RouterRLOC16(id), NewPartition)
	return nil
}

// setRouterID sets our router id, which is also the one that we ask for the next time.
func (m *MLE) setRouterID(id uint8) { m.ftd.routerID, m.ftd.previousRouterID = id, id }

// setRouterOrLeader makes us a router or the leader.
func (m *MLE) setRouterOrLeader(now machine.Time, role Role, rloc16 uint16, how LeaderStart) {
	if role == Leader {
		m.env.RestoreDataset(now, false)
		m.env.RestoreDataset(now, true)
	}
	m.setRLOC16(now, rloc16)
	m.setRole(now, role)
	m.restorer.stop(m)
	m.attach, m.attachCounter = attachIdle, 0
	m.timers.stop(timerAttach)
	m.retransmit.stop(m)
	m.stopAdvertise(now)
	m.resetAdvertise(now)
	m.env.SetRouterGroups(now, true)
	moved := m.ftd.routerPartition != m.leaderData.PartitionID
	m.ftd.routerPartition = m.leaderData.PartitionID
	m.env.SetBeacons(now, true)
	m.startTicking(now)
	if role == Leader {
		m.ftd.leading = true
		if how == NewPartition {
			m.retrieveData = false // the data is ours
		}
		m.env.StartLeader(now, how)
		m.env.ForgetAddresses(now)
	}
	for c := range m.table.Children(neighbor.InValidOrRestoring) {
		if neighbor.RouterID(c.RLOC16) != m.ftd.routerID {
			m.removeChild(now, c)
		} else if moved {
			// One in 256 has network data with the number of the old one's: a sleepy child would never hear of the partition.
			c.DataVersion = m.LeaderData().Version(c.Mode.FullNetworkData()) - 1
		}
	}
}

// partitionChanged forgets what belonged to the partition that we leave.
func (m *MLE) partitionChanged(now machine.Time) {
	if m.config.MTD {
		return
	}
	f := &m.ftd
	f.now = now
	f.leftPartition, f.leftSequence, f.leftTimeout = m.leaderData.PartitionID, m.table.IDSequence(), f.networkIDTimeout
	m.env.ForgetAddresses(now)
	m.stopSoliciting(now)
	m.table.ClearRouters()
}

func (m *MLE) stopSoliciting(now machine.Time) {
	if m.ftd.soliciting {
		m.ftd.soliciting = false
		m.env.StopSolicit(now)
	}
}

// stopLeading ends what only a leader does, when it stops being one.
func (m *MLE) stopLeading(now machine.Time) {
	if m.ftd.leading {
		m.ftd.leading = false
		m.env.StopLeader(now)
	}
}

// detachedFTD ends what a router or an attached full Thread device does.
func (m *MLE) detachedFTD(now machine.Time) {
	if m.config.MTD {
		return
	}
	m.ftd.now = now
	m.stopLeading(now)
	m.env.SetBeacons(now, false)
	m.clearAlternate(now)
	m.stopSoliciting(now) // the answer would come to an RLOC that we do not have any more
	m.table.ClearRouterLinks()
	m.stopAdvertise(now)
	m.env.SetRouterGroups(now, false)
	m.stopTicking()
}

// becameChildFTD goes on as a full Thread device that has become a child. One with children of its own tries to be a router
// again, so that they keep their parent.
func (m *MLE) becameChildFTD(now machine.Time, mode AttachMode) {
	f := &m.ftd
	f.now = now
	m.stopLeading(now)
	m.env.SetBeacons(now, false)
	f.solicitRejected = false
	m.startTransition()
	m.stopAdvertise(now)
	m.startTicking(now)
	if f.eligible {
		m.env.SetBeacons(now, true)
	}
	m.env.SetRouterGroups(now, true)
	if f.previousRouterID <= neighbor.MaxRouterID {
		children := m.hasChildren()
		switch mode {
		case DowngradeToREED:
			m.sendAddressRelease(now)
			m.removeChildren(now)
			m.setRouterID(neighbor.InvalidRouterID)
		case SamePartition:
			if children {
				m.BecomeRouter(now, SolicitHaveChildIDRequest)
			}
		default:
			if mode != BetterPartition && children && m.announcer.state == announceAttaching {
				m.removeChildren(now) // they were told of the other network as well
				children = m.hasChildren()
			}
			if children && f.routerPartition != m.leaderData.PartitionID {
				m.BecomeRouter(now, SolicitParentPartitionChange)
			}
		}
	}
	if m.table.RouterCount() >= int(f.upgrade) && (f.previousRouterID > neighbor.MaxRouterID || !m.hasChildren()) {
		m.setRouterID(neighbor.InvalidRouterID)
	}
}

func (m *MLE) hasChildren() bool { return m.table.HasChildren(neighbor.InValidOrAttaching) }

func (m *MLE) removeChildren(now machine.Time) {
	for c := range m.table.Children(neighbor.InValidOrRestoring) {
		m.removeChild(now, c)
	}
}

// setAlternate has the radio listen to the RLOC16 that we had as a child for a while: answers may be on their way to it.
func (m *MLE) setAlternate(now machine.Time, rloc16 uint16) {
	if rloc16 == InvalidRLOC16 {
		return
	}
	m.env.SetAlternateAddress(now, rloc16)
	m.ftd.alternate = alternateRLOC16Timeout
}

// clearAlternate ends that.
func (m *MLE) clearAlternate(now machine.Time) {
	if m.ftd.alternate != 0 {
		m.ftd.alternate = 0
		m.env.SetAlternateAddress(now, InvalidRLOC16)
	}
}
