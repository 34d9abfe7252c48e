package offers

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/netdata"
)

// A border router that is an end device asks for a router's role although there are routers enough, as long as few border
// routers have it; once for each of its registrations, as a leader of an older version does not know such a request
// (OpenThread network_data_notifier.cpp, IsEligibleForRouterRoleUpgradeAsBorderRouter).
type borderRole struct {
	at    machine.Time // when it asks
	asked bool
}

const (
	borderRouterRoles = 2  // kRouterUpgradeBorderRouterRequestThreshold
	roleRequestMax    = 11 // seconds that it waits for its turn (kRouterRoleUpgradeMaxTimeout + 1)
)

// DeservesRouterRole reports whether the node should be a router because it connects the mesh with the outside.
func (m *Manager) DeservesRouterRole() bool {
	if !m.env.RouterRoleScarce() {
		return false
	}
	own := m.env.RLOC16()
	listed := func(d netdata.Data) bool {
		for _, r := range d.BorderRouters(nil) {
			if r == own {
				return true
			}
		}
		return false
	}
	return listed(m.Local()) && listed(m.Data()) && m.Data().CountBorderRouters() < borderRouterRoles
}

// checkBorderRole begins to wait for the node's turn, where it should ask.
func (m *Manager) checkBorderRole(now machine.Time) {
	b := &m.role
	if b.asked || b.at != machine.Never || len(m.local.Bytes) == 0 || !m.env.Attached() || m.env.Router() || !m.DeservesRouterRole() {
		return
	}
	b.at = now.Add(time.Duration(1+m.rand.Uint64()%(roleRequestMax-1)) * time.Second)
}

func (m *Manager) expireBorderRole(now machine.Time) {
	b := &m.role
	if b.at > now {
		return
	}
	b.at = machine.Never
	if m.env.Attached() && !m.env.Router() && m.DeservesRouterRole() {
		b.asked = true
		m.env.BecomeRouter(now)
	}
}

// PartitionChanged tells the machine that the node is in another partition, whose leader may be of another version.
func (m *Manager) PartitionChanged(now machine.Time) {
	m.role.asked = false
	m.not.wake(now)
}
