package datasets

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
)

// Config is what a Manager is made of. The profile of the node gives the delays.
type Config struct {
	Rand      machine.Rand
	Now       machine.Time
	Params    Params // DefaultParams, usually
	Channels  uint32 // that the radio has; 0 is 11 to 26
	Preferred uint32 // for new networks; 0 is any
	// DelayMin and DelayDefault are the shortest delay of a pending dataset and that of one with a new key: 1 s and 1 s
	// in the test profile, 0 is 30 s and 300 s.
	DelayMin, DelayDefault time.Duration
	// Active and Pending are what Env.Save saved last.
	Active, Pending []byte
}

// Env is what a Manager needs of the node that it is part of.
type Env interface {
	// Disabled, Attached and Leader tell the node's role; Attached is child, router or leader.
	Disabled() bool
	Attached() bool
	Leader() bool
	// Save makes a dataset durable; nil deletes it.
	Save(now machine.Time, pending bool, tlvs []byte)
	// ParamsChanged says which of Params changed: radio, keys and addresses follow.
	ParamsChanged(now machine.Time, what meshcop.Fields)
	// DatasetChanged says that the active or pending dataset changed.
	DatasetChanged(now machine.Time, pending bool)
	// IncrementVersion raises the network data's versions, at the leader, so that all nodes look for the new dataset.
	IncrementVersion(now machine.Time, stable bool)
	// Post sends a request to the management port from the node's locator and calls done once with the answer or an
	// error. done may be nil. To a multicast address it is not confirmable.
	Post(now machine.Time, to ip6.Address, path string, payload []byte, done func(now machine.Time, answer []byte, err error))
	// CommissioningSession and BorderAgent are what the network data says of the commissioner.
	CommissioningSession() (uint16, bool)
	BorderAgent() (uint16, bool)
	// SetCommissioning replaces the commissioning data in the network data, at the leader.
	SetCommissioning(now machine.Time, tlvs []byte) error
	// MoveBorderAgent corrects the border agent's locator in the network data, at the leader.
	MoveBorderAgent(now machine.Time, rloc16 uint16)
	// Announce sends an MLE Announce on a channel.
	Announce(now machine.Time, channel uint8)
	// EnergyScan measures one channel; the node calls EnergyScanned with the result.
	EnergyScan(now machine.Time, channel uint8, duration time.Duration)
	// ActiveScan looks for beacons on channels; the node calls Beacon for each and then ActiveScanned.
	ActiveScan(now machine.Time, channels uint32)
	// Commissioner is the session of the commissioner that runs on this node, if it is active.
	Commissioner() (session uint16, active bool)
}

// Manager is the datasets of one node.
type Manager struct {
	env             Env
	rand            machine.Rand
	params          Params
	channels        uint32
	preferred       uint32
	delayMin        time.Duration // as the user set it
	delayMinProfile time.Duration
	delayDefault    time.Duration
	active, pending holder
	delay           machine.Time // when the pending dataset becomes active
	lead            leader
	updater         updater
	announcer       announcer
	energy          *energyServer
	query           *panQuery
}

// New returns a node's datasets with what an earlier run saved. Restore applies them.
func New(c Config, env Env) *Manager {
	m := &Manager{env: env, rand: c.Rand, params: c.Params, channels: c.Channels, preferred: c.Preferred,
		delayMin: c.DelayMin, delayDefault: c.DelayDefault, delay: machine.Never}
	if m.channels == 0 {
		m.channels = meshcop.AllChannels
	}
	if m.delayMin == 0 {
		m.delayMin = 30 * time.Second
	}
	m.delayMinProfile = m.delayMin
	if m.delayDefault == 0 {
		m.delayDefault = 300 * time.Second
	}
	m.active = holder{m: m, local: meshcop.NoTimestamp, network: meshcop.NoTimestamp, timer: machine.Never, saved: c.Active}
	m.pending = holder{m: m, local: meshcop.NoTimestamp, network: meshcop.NoTimestamp, timer: machine.Never, saved: c.Pending, isPending: true}
	m.pending.updated = c.Now
	m.lead = newLeader(c.Rand)
	m.announcer.next = machine.Never
	return m
}

// Deadline says when Expire wants to be called.
func (m *Manager) Deadline() machine.Time {
	d := min(m.active.timer, m.pending.timer, m.delay, m.lead.timer, m.announcer.next)
	if m.energy != nil {
		d = min(d, m.energy.timer)
	}
	if m.query != nil {
		d = min(d, m.query.timer)
	}
	return d
}

// Expire does what is due.
func (m *Manager) Expire(now machine.Time) {
	if m.delay <= now {
		m.delay = machine.Never
		m.delayOver(now)
	}
	m.active.expire(now)
	m.pending.expire(now)
	m.expireLeader(now)
	m.expireAnnouncer(now)
	m.expireEnergy(now)
	m.expireQuery(now)
}

// NewNetwork draws the dataset of a new network.
func (m *Manager) NewNetwork() meshcop.Info { return NewNetwork(m.rand, m.channels, m.preferred) }

func (m *Manager) leaderALOC() ip6.Address { return ip6.RLOC(m.params.MeshLocalPrefix, 0xfc00) }
