package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// FTDConfig is what a full Thread device is born with. Zero values mean OpenThread's defaults.
type FTDConfig struct {
	NotRouterEligible   bool
	ChildAddresses      int // a child may register so many addresses, the mesh-local one included
	ReferenceDevice     bool
	NeverDowngradeBR    bool
	ThreadVersionChecks bool
}

// Defaults and limits of routers (OpenThread mle.hpp, config/mle.h).
const (
	defaultLeaderWeight       = 64
	defaultUpgradeThreshold   = 16
	defaultDowngradeThreshold = 23
	defaultSelectionJitter    = 120 // s
	defaultNetworkIDTimeout   = 120 // s
	defaultChildRouterLinks   = 3
	defaultChildAddresses     = 4

	linkRequestMinMargin   = 10 // dB
	mergeMinMargin         = 10 // dB
	leaderDowngradeDelay   = 10 // s
	minDowngradeNeighbors  = 7
	alternateRLOC16Timeout = 8 // s
	borderRouterLimit      = 2 // border routers for which the leader goes above the threshold

	parentPriorityUnspecified = -2
)

// ftdState is what a full Thread device has beside what all have.
type ftdState struct {
	eligible           bool
	upgrade, downgrade uint8 // thresholds of router counts
	jitter             uint8 // s, of role changes
	transition         uint8 // s until a role change is looked at; 0: none is pending
	weight             uint8
	networkIDTimeout   uint8 // s
	childRouterLinks   uint8
	parentPriority     int8
	preferredPartition uint32 // 0: a random one

	routerID, previousRouterID uint8
	routerPartition            uint32 // the partition in which we were a router last

	// The partition that we left last: what is heard of it counts only if it is newer than what we knew.
	leftPartition uint32
	leftSequence  uint8
	leftTimeout   uint8 // s

	soliciting      bool
	solicitRejected bool
	alternate       uint8 // s until the alternate RLOC16 is given up
	childAddresses  int   // 0: no limit but the configured one
	trickle         trickle
	leading         bool // StartLeader was called
	now             machine.Time

	better       uint32 // the partition that we try to join, and whether one of its routers told of it
	betterRouter bool

	asked       []asked      // who asked end devices for a parent lately
	hailed      machine.Time // when we told another partition of ours
	scarceSince machine.Time // since when router ids have been scarce, 0 = they are not
	stepDown    uint8        // the neighbour that makes us superfluous, where that is why a transition is pending

	counters FTDCounters
}

// FTDCounters count what a router dropped.
type FTDCounters struct {
	ChildTableFull   uint32 // Parent Requests that were not answered because there is no room
	BadResponse      uint32 // Child ID Requests and Link Accepts that do not answer our challenge
	LowMargin        uint32 // advertisements of other partitions that are heard too badly
	ForgedIdentity   uint32 // messages that claim another one's router id or RLOC16
	DuplicateRequest uint32 // Parent Requests that came too soon after the last
	AddressesRefused uint32 // addresses that a child may not register
}

func (m *MLE) initFTD() {
	m.ftd = ftdState{
		eligible: !m.config.FTD.NotRouterEligible,
		upgrade:  defaultUpgradeThreshold, downgrade: defaultDowngradeThreshold, jitter: defaultSelectionJitter,
		weight: defaultLeaderWeight, networkIDTimeout: defaultNetworkIDTimeout, childRouterLinks: defaultChildRouterLinks,
		parentPriority: parentPriorityUnspecified,
		routerID:       neighbor.InvalidRouterID, previousRouterID: neighbor.InvalidRouterID, stepDown: neighbor.InvalidRouterID,
	}
	if m.config.MTD || m.table == nil {
		return
	}
	m.table.Hooks = neighbor.Hooks{
		Event:           func(e neighbor.Event, n *neighbor.Neighbor) { m.neighborEvent(e, n) },
		ResetAdvertise:  func() { m.resetAdvertise(m.ftd.now) },
		UnicastAdvert:   func(r *neighbor.Router) { m.advertiseTo(m.ftd.now, r) },
		RouterForgotten: func(id uint8) { m.env.ForgetRouter(m.ftd.now, id) },
	}
}

func (m *MLE) neighborEvent(e neighbor.Event, n *neighbor.Neighbor) {
	switch e {
	case neighbor.ChildAdded:
		m.env.Signal(m.ftd.now, ChildAdded)
	case neighbor.ChildRemoved:
		m.env.Signal(m.ftd.now, ChildRemoved)
	}
	m.env.NeighborEvent(m.ftd.now, e, n)
}

// RouterID returns our router id, or neighbor.InvalidRouterID.
func (m *MLE) RouterID() uint8 { return m.ftd.routerID }

// FTDCounters returns what was dropped.
func (m *MLE) FTDCounters() FTDCounters { return m.ftd.counters }

// LeaderWeight returns the weight of a partition that we lead.
func (m *MLE) LeaderWeight() uint8 { return m.ftd.weight }

// SetLeaderWeight changes it, for the next partition.
func (m *MLE) SetLeaderWeight(w uint8) { m.ftd.weight = w }

// NetworkIDTimeout returns after how many seconds without news of the leader a router looks for another partition.
func (m *MLE) NetworkIDTimeout() uint8 { return m.ftd.networkIDTimeout }

// SetNetworkIDTimeout changes it.
func (m *MLE) SetNetworkIDTimeout(seconds uint8) { m.ftd.networkIDTimeout = seconds }

// UpgradeThreshold returns how many routers there are to be before nobody becomes one unasked.
func (m *MLE) UpgradeThreshold() uint8 { return m.ftd.upgrade }

// SetUpgradeThreshold changes it.
func (m *MLE) SetUpgradeThreshold(n uint8) { m.ftd.upgrade = n }

// DowngradeThreshold returns above how many routers some give up their role.
func (m *MLE) DowngradeThreshold() uint8 { return m.ftd.downgrade }

// SetDowngradeThreshold changes it.
func (m *MLE) SetDowngradeThreshold(n uint8) { m.ftd.downgrade = n }

// SelectionJitter returns within how many seconds a role change is looked at.
func (m *MLE) SelectionJitter() uint8 { return m.ftd.jitter }

// SetSelectionJitter changes it. It fails for 0.
func (m *MLE) SetSelectionJitter(seconds uint8) bool {
	if seconds == 0 {
		return false
	}
	m.ftd.jitter = seconds
	return true
}

// PreferredPartitionID returns the partition id that we give to a partition, or 0.
func (m *MLE) PreferredPartitionID() uint32 { return m.ftd.preferredPartition }

// SetPreferredPartitionID has the next partition that we form get an id that is not random.
func (m *MLE) SetPreferredPartitionID(id uint32) { m.ftd.preferredPartition = id }

// ParentPriority returns the priority that was set, -2 if none was.
func (m *MLE) ParentPriority() int8 { return m.ftd.parentPriority }

// SetParentPriority fixes the priority that we offer ourselves as a parent with: -1, 0, 1, or -2 for "by how full we are".
func (m *MLE) SetParentPriority(p int8) bool {
	if p < parentPriorityUnspecified || p > 1 {
		return false
	}
	m.ftd.parentPriority = p
	return true
}

// ChildRouterLinks returns to how many routers a child makes a link quickly.
func (m *MLE) ChildRouterLinks() uint8 { return m.ftd.childRouterLinks }

// SetChildRouterLinks changes it, while we are disabled.
func (m *MLE) SetChildRouterLinks(n uint8) bool {
	if m.role != Disabled {
		return false
	}
	m.ftd.childRouterLinks = n
	return true
}

// SetPreferredRouterID has us ask for a router id. It fails while we are attached.
func (m *MLE) SetPreferredRouterID(id uint8) bool {
	if m.role.Attached() {
		return false
	}
	m.ftd.previousRouterID = id
	return true
}

// MaxChildAddresses returns how many addresses a child may register, the mesh-local one included.
func (m *MLE) MaxChildAddresses() int {
	if m.ftd.childAddresses != 0 {
		return m.ftd.childAddresses
	}
	return m.mostChildAddresses()
}

func (m *MLE) mostChildAddresses() int {
	if n := m.config.FTD.ChildAddresses; n != 0 {
		return n
	}
	return defaultChildAddresses
}

// SetMaxChildAddresses lowers it; 0 is the configured number.
func (m *MLE) SetMaxChildAddresses(n int) bool {
	if n < 0 || n > m.mostChildAddresses() {
		return false
	}
	m.ftd.childAddresses = n
	return true
}

// Singleton says whether our partition has one router at most.
func (m *MLE) Singleton() bool {
	if m.config.MTD {
		return false // it cannot tell
	}
	return !m.role.Attached() || !m.RouterEligible() || m.table.RouterCount() <= 1
}

// MaxChildTimeout returns the longest time-out among minimal children, in seconds, 0 if there are none.
func (m *MLE) MaxChildTimeout() (seconds uint32) {
	for c := range m.table.Children(neighbor.InValid) {
		if !c.Mode.FTD() {
			seconds = max(seconds, c.Timeout)
		}
	}
	return seconds
}

// ExpectedToBecomeRouter says whether we are likely to be a router within ten seconds.
func (m *MLE) ExpectedToBecomeRouter() bool {
	return m.RouterEligible() && m.role == Child && !m.ftd.solicitRejected &&
		(m.ftd.transition > 0 && m.ftd.transition <= 10 || m.ftd.soliciting)
}
