package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/status"
)

// detachTimeout is how long a detaching node waits for an answer, in ms.
const detachTimeout = 1000

// detacher leaves the network with a word to those that would wait for us.
type detacher struct {
	detaching bool
	done      func(now machine.Time)
}

// Detach leaves the network in an orderly way: a child tells its parent, a router gives its id back. done, if any, is
// called when MLE is disabled.
func (m *MLE) Detach(now machine.Time, done func(now machine.Time)) error {
	if m.detacher.detaching {
		return status.Busy
	}
	m.detacher = detacher{true, done}
	timeout := uint32(detachTimeout)
	switch m.role {
	case Router:
		m.sendAddressRelease(now)
	case Child:
		m.sendChildUpdateRequest(now, updateDetach)
	case Disabled, Detached:
		timeout = 0
	}
	m.timers.startMS(timerDetach, now, timeout)
	return nil
}

func (m *MLE) detachTimer(now machine.Time) {
	if m.detacher.detaching {
		m.Stop(now)
	}
}

// finished ends the detaching of a child whose parent answers that it forgot us.
func (d *detacher) finished(m *MLE, now machine.Time, timeout uint32) bool {
	if !d.detaching || timeout != 0 {
		return false
	}
	m.Stop(now)
	return true
}

func (d *detacher) stopped(m *MLE, now machine.Time) {
	if !d.detaching {
		return
	}
	done := d.done
	*d = detacher{}
	m.timers.stop(timerDetach)
	if done != nil {
		done(now)
	}
}
