package keys

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/meshcop"
)

// Ahead is how far the frame counters on disk are ahead of those in use (kStoreFrameCounterAhead of OpenThread).
const Ahead = 1000

// guardPercent is the share of the rotation time in which a node does not follow another switch (KeyManager).
const guardPercent = 93

// Env is what a Manager needs around it.
type Env interface {
	// StoreCounters makes sequence and counters durable and returns the commit. After a restart the node begins with them.
	StoreCounters(now machine.Time, c Counters) machine.Seq
	// KeySequenceChanged says that the current sequence, and with it the keys, are others.
	KeySequenceChanged(now machine.Time)
	// NetworkKeyChanged says that all neighbours' key sequences and frame counters begin anew.
	NetworkKeyChanged(now machine.Time)
}

// Counters is what lasts over a restart.
type Counters struct {
	Sequence uint32
	MAC, MLE uint32 // no frame with these or greater ones was ever sent, under any key
}

// Manager holds a node's network key and the state that goes with it. It is used by mac and mle directly.
type Manager struct {
	env    Env
	cache  *Cache
	nk     meshcop.NetworkKey
	policy meshcop.SecurityPolicy

	sequence  uint32
	current   Set
	previous  *ieee802154.Key // MAC keys; derived when first needed
	next      *ieee802154.Key
	temporary Set // the latest other sequence that was asked for
	tempSeq   uint32
	hasTemp   bool

	mac, mle   uint32 // next counters; they never go back, see SetSequence
	ackStart   uint32 // counters that frames leave out: acks have them
	ackEnd     uint32
	stored     Counters
	reserved   machine.Seq // the commit that made stored durable
	guardHours uint16      // length of the guard time
	guard      uint16      // hours left of it
	hours      uint16      // since the last rotation
	tick       machine.Time

	kek        *ieee802154.Key
	kekCounter uint32
	mode2      uint32
}

// New returns a manager with the key of a network, or an arbitrary one, as restored says where a previous run ended.
func New(env Env, cache *Cache, nk meshcop.NetworkKey, restored Counters) *Manager {
	m := &Manager{env: env, cache: cache, nk: nk, policy: meshcop.DefaultPolicy(), tick: machine.Never,
		guardHours: meshcop.DefaultRotation * guardPercent / 100}
	m.sequence, m.mac, m.mle, m.stored = restored.Sequence, restored.MAC, restored.MLE, restored
	m.derive()
	return m
}

func (m *Manager) derive() {
	m.current = m.cache.Get(m.nk, m.sequence)
	m.previous, m.next = nil, nil
	m.hasTemp = false
}

// Start begins to count the hours of rotation; the node does it when its stack starts.
func (m *Manager) Start(now machine.Time) {
	m.guard = 0
	m.resetRotation(now)
}

// Stop ends that.
func (m *Manager) Stop() { m.tick = machine.Never }

func (m *Manager) resetRotation(now machine.Time) {
	m.hours = 0
	m.tick = now.Add(time.Hour)
}

// NetworkKey returns the network key.
func (m *Manager) NetworkKey() meshcop.NetworkKey { return m.nk }

// SetNetworkKey changes the network key. Sequence and counters of neighbours begin anew; the node's own counters go on.
func (m *Manager) SetNetworkKey(now machine.Time, nk meshcop.NetworkKey) {
	if nk == m.nk {
		return
	}
	m.nk = nk
	m.change(0)
	m.env.NetworkKeyChanged(now)
	m.env.KeySequenceChanged(now)
}

// Sequence returns the current key sequence.
func (m *Manager) Sequence() uint32 { return m.sequence }

// Cause of a switch: how SetSequence treats the guard time.
type Cause uint8

// The causes.
const (
	Forced   Cause = iota // an operator, a parent's word while attaching: no look at the guard time
	Rotation              // the rotation time is over: the guard time begins
	Followed              // a neighbour uses a later one: not within the guard time, which begins anew
)

// SetSequence switches to another key sequence and reports whether it did. The frame counters go on, where OpenThread's
// begin at 0: a node can be sent back to a key (an operator's word, a parent with an older sequence, an older dataset),
// also after a restart, and acks are secured with the keys before and after the current one, too. Counters that never go
// back are right for all of that and need no memory of keys. Receivers begin anew with a new key, and take any counter.
// 32 bits are ten frames a second for 13 years; when they are used up the node says no more.
func (m *Manager) SetSequence(now machine.Time, sequence uint32, why Cause) bool {
	if sequence == m.sequence || why == Followed && m.guard > 0 {
		return false
	}
	m.change(sequence)
	m.resetRotation(now)
	if why != Forced {
		m.guard = m.guardHours
	}
	m.env.KeySequenceChanged(now)
	return true
}

// change takes the keys of another sequence. The next frame has the sequence stored.
func (m *Manager) change(sequence uint32) {
	m.sequence = sequence
	m.mac = max(m.mac, m.ackEnd) // the radio has used an unknown part of the acks' counters
	m.ackStart, m.ackEnd = 0, 0
	m.derive()
	m.stored = Counters{}
}

// Policy returns the security policy.
func (m *Manager) Policy() meshcop.SecurityPolicy { return m.policy }

// SetPolicy changes the security policy; a rotation that is due by it happens at once.
func (m *Manager) SetPolicy(now machine.Time, p meshcop.SecurityPolicy) (changed bool) {
	p.RotationHours = max(p.RotationHours, meshcop.MinRotation)
	if p.RotationHours != m.policy.RotationHours {
		m.guardHours = uint16(uint32(p.RotationHours) * guardPercent / 100)
	}
	changed = p != m.policy
	m.policy = p
	m.rotateIfDue(now)
	return changed
}

// GuardHours returns the length of the guard time, and SetGuardHours changes it.
func (m *Manager) GuardHours() uint16 { return m.guardHours }

// SetGuardHours changes the length of the guard time, until the policy's rotation time changes.
func (m *Manager) SetGuardHours(hours uint16) { m.guardHours = hours }

func (m *Manager) rotateIfDue(now machine.Time) {
	if m.hours >= m.policy.RotationHours {
		m.SetSequence(now, m.sequence+1, Rotation)
	}
}

// Expire counts an hour.
func (m *Manager) Expire(now machine.Time) {
	for m.tick <= now {
		m.tick = m.tick.Add(time.Hour)
		m.hours++
		if m.guard > 0 {
			m.guard--
		}
		m.rotateIfDue(now)
	}
}

// Deadline says when Expire wants to be called.
func (m *Manager) Deadline() machine.Time { return m.tick }
