package mle

import (
	"time"

	"heddle.example/machine"
)

// Counters count what happened to the role (OpenThread otMleCounters).
type Counters struct {
	Roles                         [Leader + 1]uint16 // how often each role was entered
	AttachAttempts                uint16
	PartitionIDChanges            uint16
	BetterPartitionAttachAttempts uint16
	BetterParentAttachAttempts    uint16
	ParentChanges                 uint16
	RoleTime                      [Leader + 1]time.Duration
	TrackedTime                   time.Duration

	// What a node that watches a hostile network wants to know.
	BadSecurity uint32 // messages with a wrong MIC
	Replayed    uint32
	Malformed   uint32
}

// Counters returns the counters, with the times up to now.
func (m *MLE) Counters(now machine.Time) Counters {
	m.countRole(now, m.role)
	return m.counters
}

// ResetCounters sets all of them to zero.
func (m *MLE) ResetCounters(now machine.Time) { m.counters, m.counted = Counters{}, now }

func (m *MLE) countRole(now machine.Time, r Role) {
	d := now.Sub(m.counted)
	m.counted = now
	m.counters.TrackedTime += d
	m.counters.RoleTime[r] += d
}
