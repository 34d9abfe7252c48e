package routing

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// PDState is how far the use of a delegated prefix is.
type PDState uint8

// The states, in the order of `br pd state`.
const (
	PDDisabled PDState = iota
	PDStopped
	PDRunning // a prefix is wanted, or used
	PDIdle    // the mesh has another one of the infrastructure
)

func (s PDState) String() string {
	return [...]string{"disabled", "stopped", "running", "idle"}[s&3]
}

// pd is a prefix that the driver was delegated (RFC 8415), which the mesh's nodes then have addresses of.
type pd struct {
	at    machine.Time // when it is deprecated
	on    bool
	state PDState
	entry onLinkEntry // no bits: none
}

func (p *pd) has() bool { return p.entry.prefix.Bits != 0 }

func (p *pd) update(now machine.Time, m *Manager) {
	s := PDDisabled
	switch f := &m.omr.favored; {
	case !p.on:
	case !m.running:
		s = PDStopped
	case f.infrastructure() && f.prefix != p.entry.prefix:
		s = PDIdle
	default:
		s = PDRunning
	}
	if s != p.state {
		if p.state = s; s != PDRunning {
			p.withdraw(now, m)
		}
	}
}

func (p *pd) withdraw(now machine.Time, m *Manager) {
	if p.has() {
		p.entry, p.at = onLinkEntry{}, machine.Never
		m.schedule(now, immediately)
	}
}

// SetPDEnabled says whether a delegated prefix is used.
func (m *Manager) SetPDEnabled(now machine.Time, on bool) {
	m.pd.on = on
	m.pd.update(now, m)
}

// PDState returns how far that is.
func (m *Manager) PDState() PDState { return m.pd.state }

// Delegated tells of a prefix that the driver was delegated, or of a new lifetime of one, in seconds. The smallest of several
// wins, so that global addresses go before local ones.
func (m *Manager) Delegated(now machine.Time, p ip6.Prefix, valid, preferred uint32) {
	d := &m.pd
	if d.state == PDDisabled || p.Bits == 0 || p.Bits > 64 || isLinkLocal(p) || isMulticast(p) {
		return
	}
	e := onLinkEntry{prefix: ip6.PrefixOf(p.Addr, int(p.Bits)), valid: valid, preferred: preferred, updated: now}
	e.prefix.Bits = 64
	if d.entry.prefix == e.prefix {
		d.entry = e
	}
	if d.has() && d.entry.deprecated(now) {
		d.withdraw(now, m)
	}
	if !e.deprecated(now) && (!d.has() || e.prefix.Less(d.entry.prefix)) {
		d.entry = e
		m.schedule(now, immediately)
	}
	d.at = machine.Never
	if d.has() {
		d.at = after(d.entry.updated, d.entry.preferred)
	}
}

// PDPrefix returns the delegated prefix with its lifetimes.
func (m *Manager) PDPrefix() (p ip6.Prefix, valid, preferred uint32, err error) {
	if !m.initialized {
		return p, 0, 0, status.InvalidState
	}
	if !m.pd.has() {
		return p, 0, 0, status.NotFound
	}
	return m.pd.entry.prefix, m.pd.entry.valid, m.pd.entry.preferred, nil
}
