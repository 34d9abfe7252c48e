package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
)

// followKeySequence adopts a larger key sequence than ours if its message is to be trusted that far: an answer to our
// challenge always, a neighbour's message if it is the next one (Thread 1.4 section 7.3.1.6).
func (m *MLE) followKeySequence(now machine.Time, r *rx) {
	current := m.keys.Sequence()
	if r.keySequence <= current {
		return
	}
	next := r.keySequence-current == 1
	why := keys.Forced
	switch r.class {
	case classAuthoritative:
		if next {
			why = keys.Rotation // adopted all the same, and the guard time begins
		}
	case classPeer:
		if !r.fromValid() {
			return
		}
		if !next {
			m.reestablish(now, r.neighbor)
			return
		}
		why = keys.Followed
	default:
		return
	}
	m.keys.SetSequence(now, r.keySequence, why)
}

// NetworkKeyChanged is to be called when the network key is another: what neighbours' counters were is of no use.
func (m *MLE) NetworkKeyChanged(now machine.Time) {
	p := &m.table.Parent
	p.KeySeq, p.MLECounter = 0, 0
	p.SetLinkCounters(0)
	for r := range m.table.Routers() {
		r.KeySeq, r.MLECounter = 0, 0
		r.SetLinkCounters(0)
	}
	for c := range m.table.Children(neighbor.InAny) {
		c.KeySeq, c.MLECounter = 0, 0
		c.SetLinkCounters(0)
	}
}
