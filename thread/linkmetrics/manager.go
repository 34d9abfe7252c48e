package linkmetrics

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Times of the manager (OpenThread utils/link_metrics_manager.hpp).
const (
	managerBegin = 5 * time.Second
	managerEvery = 150 * time.Second
	managerTries = 3
)

// ManagerEnv is what a Manager needs of its node.
type ManagerEnv interface {
	Attached() bool
	// EachNeighbor yields the neighbours' addresses.
	EachNeighbor(yield func(ieee802154.ExtAddr))
	// Register asks a neighbour for margin and RSSI in its enhanced acks, or, with on false, not any more.
	Register(now machine.Time, ext ieee802154.ExtAddr, on bool) error
}

type subject struct {
	ext        ieee802154.ExtAddr
	registered bool
	tries      uint8
	updated    machine.Time
	values     Values
}

// Manager keeps the neighbours' metrics fresh by itself.
type Manager struct {
	env      ManagerEnv
	at       machine.Time
	subjects []*subject
}

// NewManager returns one that begins in a while.
func NewManager(now machine.Time, env ManagerEnv) *Manager {
	return &Manager{env: env, at: now.Add(managerBegin)}
}

// Deadline says when Expire wants to be called.
func (m *Manager) Deadline() machine.Time { return m.at }

// Expire asks the neighbours that have told nothing lately.
func (m *Manager) Expire(now machine.Time) {
	if m.at > now {
		return
	}
	m.at = now.Add(managerEvery)
	if !m.env.Attached() {
		return
	}
	var there []*subject
	m.env.EachNeighbor(func(ext ieee802154.ExtAddr) {
		s := m.find(ext)
		if s == nil {
			s = &subject{ext: ext}
		}
		there = append(there, s)
	})
	m.subjects = there
	for _, s := range there {
		if s.tries < managerTries && (!s.registered || now.Sub(s.updated) >= managerEvery) && m.env.Register(now, s.ext, true) == nil {
			s.tries++
		}
	}
}

func (m *Manager) find(ext ieee802154.ExtAddr) *subject {
	for _, s := range m.subjects {
		if s.ext == ext {
			return s
		}
	}
	return nil
}

// Answered takes in what a neighbour says to our registration.
func (m *Manager) Answered(ext ieee802154.ExtAddr, st Status) {
	if s := m.find(ext); s != nil {
		if s.registered = st == Success; s.registered {
			s.tries = 0
		}
	}
}

// Heard takes in the values of an enhanced ack.
func (m *Manager) Heard(now machine.Time, ext ieee802154.ExtAddr, v *Values) {
	if s := m.find(ext); s != nil && s.registered {
		s.updated, s.values = now, *v
	}
}

// Values returns what a neighbour told last.
func (m *Manager) Values(ext ieee802154.ExtAddr) (Values, bool) {
	s := m.find(ext)
	if s == nil || !s.registered {
		return Values{}, false
	}
	return s.values, true
}

// Stop ends all registrations.
func (m *Manager) Stop(now machine.Time) {
	for _, s := range m.subjects {
		_ = m.env.Register(now, s.ext, false) // it may be gone
	}
	m.subjects, m.at = nil, machine.Never
}
