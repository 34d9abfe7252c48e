package offers

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// Config is what a Manager is made of.
type Config struct {
	Rand       machine.Rand
	Now        machine.Time
	ReuseDelay time.Duration // how long a context's number is not used again; 0 is 300 s
}

// Env is what a Manager needs of the node that it is part of.
type Env interface {
	// Attached, Router (or leader) and Leader tell the node's role.
	Attached() bool
	Router() bool
	Leader() bool
	// FullNetworkData reports whether the node's mode has it know all of the network data, not the stable subset only.
	FullNetworkData() bool
	RLOC16() uint16
	LeaderRLOC16() uint16
	MeshLocalPrefix() ip6.Network
	// PathCost is the cost of the way to a locator, 16 or more where there is none. A minimal device says 0 for itself
	// and the same for all others.
	PathCost(rloc16 uint16) uint8
	// RouterAllocated reports, at the leader, whether a router id is given out.
	RouterAllocated(id uint8) bool
	// ValidChild reports whether this router has the child.
	ValidChild(rloc16 uint16) bool
	// RouterSoon says how long the node waits before it becomes a router, if it is about to.
	RouterSoon() (time.Duration, bool)
	// RouterRoleScarce reports whether the node may be a router, but there are as many routers as nodes strive for, and
	// fewer than there can be. Never where the threshold is 0.
	RouterRoleScarce() bool
	// BecomeRouter asks the leader for a router's role because this is a border router.
	BecomeRouter(now machine.Time)
	// MeshLocalEID is the node's own mesh-local address.
	MeshLocalEID() ip6.Address
	// DeprecatedDomain is the domain of a prefix that is gone from the network data, but that the node still has an
	// address of (thread/slaac).
	DeprecatedDomain(source ip6.Address) (uint8, bool)
	// Post sends a confirmable request to the management port from the node's locator, and calls done once with the answer
	// or an error.
	Post(now machine.Time, to ip6.Address, path string, payload []byte, done func(now machine.Time, answer []byte, err error))
	// NetworkDataChanged says that the data or its version changed: the node tells its neighbours (MLE), and looks for
	// prefixes, contexts and services again.
	NetworkDataChanged(now machine.Time)
	// NetworkDataFull says that something which should be in the network data does not fit.
	NetworkDataFull(now machine.Time)
	// CommissionerRestored gives a restored leader the session that it finds in the network data, and whether a
	// commissioner was active in it: then it resigns it.
	CommissionerRestored(now machine.Time, session uint16, active bool)
	// BecomeDetached ends a restored leader that did not get the network data back.
	BecomeDetached(now machine.Time)
}

// Manager is the network data of one node.
type Manager struct {
	env             Env
	rand            machine.Rand
	reg             registry // the partition's data; at the leader the one that counts
	version, stable uint8
	maxLength       int
	waiting         bool // a restored leader, until a router has told it the network data
	waitUntil       machine.Time
	local           netdata.Editor
	not             notifier
	role            borderRole
	pub             publisher
}

// maxSyncWait is how long a restored leader waits for the network data (network_data_leader.hpp, kMaxNetDataSyncWait).
const maxSyncWait = 60 * time.Second

// New returns a node's network data, empty.
func New(c Config, env Env) *Manager {
	m := &Manager{env: env, rand: c.Rand, waitUntil: machine.Never}
	m.reg.reuse, m.reg.next = c.ReuseDelay, machine.Never
	if c.ReuseDelay == 0 {
		m.reg.reuse = defaultReuseDelay
	}
	m.not = notifier{timer: machine.Never, old: netdata.InvalidRLOC16}
	m.pub, m.role.at = newPublisher(), machine.Never
	m.version, m.stable = uint8(c.Rand.Uint64()), uint8(c.Rand.Uint64())
	return m
}

// Data is the partition's network data, borrowed until the next input.
func (m *Manager) Data() netdata.Data { return m.reg.Bytes }

// Local is what this node offers, borrowed until the next input.
func (m *Manager) Local() netdata.Data { return m.local.Bytes }

// Version returns the version of the full data, or of its stable subset.
func (m *Manager) Version(stable bool) uint8 {
	if stable {
		return m.stable
	}
	return m.version
}

// AppendData appends the network data for a neighbour: all, or the stable subset.
func (m *Manager) AppendData(dst []byte, stable bool) []byte {
	if stable {
		return m.Data().Stable(dst)
	}
	return append(dst, m.reg.Bytes...)
}

// MaxLength is the most bytes of network data that were seen since ResetMaxLength.
func (m *Manager) MaxLength() int { return max(m.maxLength, len(m.reg.Bytes)) }

// ResetMaxLength starts counting again.
func (m *Manager) ResetMaxLength() { m.maxLength = 0 }

// ReuseDelay is how long a context's number is not used again.
func (m *Manager) ReuseDelay() time.Duration { return m.reg.reuse }

// SetReuseDelay sets it (the shell's contextreusedelay).
func (m *Manager) SetReuseDelay(d time.Duration) { m.reg.reuse = d }

// Reset empties the partition's data, as when a node forms a partition or is detached for good; versions start at random.
func (m *Manager) Reset(now machine.Time) {
	m.version, m.stable = uint8(m.rand.Uint64()), uint8(m.rand.Uint64())
	m.reg.Bytes, m.reg.ids, m.reg.next = nil, nil, machine.Never
	if m.env.Leader() {
		m.reg.ids = new(contextIDs)
	}
	m.changed(now)
}

// StartLeader begins the leader's work. One that was the leader before a reset waits for the data from its routers.
func (m *Manager) StartLeader(now machine.Time, restoring bool) {
	m.reg.ids = new(contextIDs)
	if m.waiting = restoring; restoring {
		m.waitUntil = now.Add(maxSyncWait)
	} else {
		m.adopt(now)
	}
}

// StopLeader ends it.
func (m *Manager) StopLeader() {
	m.waiting, m.waitUntil = false, machine.Never
	m.reg.ids, m.reg.next = nil, machine.Never
}

// SetNetworkData takes over what a neighbour's MLE message says. subset says that this node keeps the stable subset only.
func (m *Manager) SetNetworkData(now machine.Time, version, stable uint8, subset bool, b []byte) error {
	if len(b) > netdata.MaxSize {
		return status.Parse
	}
	m.version, m.stable = version, stable
	if subset {
		m.reg.Bytes = netdata.Data(b).Stable(m.reg.Bytes[:0])
	} else {
		m.reg.Bytes = append(m.reg.Bytes[:0], b...)
	}
	if m.env.Leader() {
		m.restored(now)
	}
	m.changed(now)
	return nil
}

// restored is what a leader does with the data that it got back after a reset.
func (m *Manager) restored(now machine.Time) {
	m.waiting, m.waitUntil = false, machine.Never
	if m.reg.ids == nil {
		m.reg.ids = new(contextIDs)
	}
	var c change
	for _, r := range m.Data().RLOC16s(nil) { // a safeguard: the leader may have released a router just before
		if !m.env.RouterAllocated(uint8(r >> 10)) {
			m.reg.removeRLOC(now, r, true, nil, &c)
		}
	}
	m.bump(c)
	m.adopt(now)
	if s, ok := m.CommissioningSession(); ok {
		_, active := m.BorderAgent()
		m.env.CommissionerRestored(now, s, active)
	}
}

// adopt learns which context numbers are in use from the data itself.
func (m *Manager) adopt(now machine.Time) {
	for c := range m.Data().Contexts() {
		m.reg.useContext(c.ID)
		if !c.Compress {
			m.reg.retireContext(now, c.ID)
		}
	}
}

// IncrementVersion raises the version, and the stable one, at the leader: a dataset or the commissioning data changed.
func (m *Manager) IncrementVersion(now machine.Time, stable bool) {
	if m.env.Leader() {
		m.bump(change{any: true, stable: stable})
		m.changed(now)
	}
}

func (m *Manager) bump(c change) {
	if c.any {
		m.version++
	}
	if c.stable {
		m.stable++
	}
}

// RemoveRouter removes what a router and its children have registered, at the leader, when its id is released.
func (m *Manager) RemoveRouter(now machine.Time, rloc16 uint16) { m.removeRLOC(now, rloc16, true) }

func (m *Manager) removeRLOC(now machine.Time, rloc16 uint16, router bool) {
	var c change
	m.reg.removeRLOC(now, rloc16, router, nil, &c)
	m.apply(now, c)
}

// register is a registration at the leader, from another node or from this one.
func (m *Manager) register(now machine.Time, rloc16 uint16, d netdata.Data) {
	if !m.env.RouterAllocated(uint8(rloc16>>10)) || netdata.Validate(d, rloc16) != nil {
		return
	}
	var c change
	err := m.reg.register(now, rloc16, d, &c)
	m.apply(now, c)
	if err == status.NoBufs {
		m.env.NetworkDataFull(now)
	}
}

func (m *Manager) apply(now machine.Time, c change) {
	if c.any {
		m.bump(c)
		m.changed(now)
	}
}

// changed tells all who want to know. What this node itself has to do about it waits for the next Expire, so that it does
// not act inside of somebody else's change.
func (m *Manager) changed(now machine.Time) {
	m.maxLength = max(m.maxLength, len(m.reg.Bytes))
	m.not.wake(now)
	m.pub.wake(now)
	m.env.NetworkDataChanged(now)
}

// RoleChanged tells the machine that the node's role or locator changed.
func (m *Manager) RoleChanged(now machine.Time) {
	if !m.env.Leader() {
		m.StopLeader()
	}
	m.not.delay = 0
	m.not.wake(now)
	m.pub.wake(now)
}

// ChildRemoved tells a router's machine that a child is gone: what the child offered goes too.
func (m *Manager) ChildRemoved(now machine.Time) {
	m.not.delay = 0
	m.not.wake(now)
}

// Deadline says when Expire wants to be called.
func (m *Manager) Deadline() machine.Time {
	return min(m.waitUntil, m.reg.next, m.not.timer, m.not.task, m.pub.deadline, m.role.at)
}

// Expire does what is due.
func (m *Manager) Expire(now machine.Time) {
	if m.waitUntil <= now {
		m.waiting, m.waitUntil = false, machine.Never
		m.env.BecomeDetached(now)
	}
	if m.reg.ids != nil && m.reg.next <= now && m.reg.expire(now) {
		m.apply(now, change{any: true, stable: true})
	}
	m.pub.expire(now, m)
	m.expireBorderRole(now)
	m.expireNotifier(now) // last: the others give it work
}
