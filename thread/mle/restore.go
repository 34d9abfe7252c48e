package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// maxRestoreDelay keeps nodes that reset together from speaking together, in ms.
const maxRestoreDelay = 25

type restoreState uint8

const (
	restoreIdle restoreState = iota
	restoreChild
	restoreRouter
)

// restorer wins the role of before a reset back: a child asks its parent, a router all routers (OpenThread
// Mle::PrevRoleRestorer).
type restorer struct {
	state     restoreState
	attempts  uint8
	challenge [8]byte // of the multicast Link Requests
}

func (s *restorer) child() bool  { return s.state == restoreChild }
func (s *restorer) router() bool { return s.state == restoreRouter }

// start begins to restore a role and says whether there is one.
func (s *restorer) start(m *MLE, now machine.Time) bool {
	s.state, s.attempts = restoreIdle, 0
	if m.role != Detached || m.rloc16 == InvalidRLOC16 {
		return false
	}
	switch {
	case neighbor.IsRouterRLOC16(m.rloc16):
		if m.config.MTD || !m.savedRole.RouterOrLeader() || !m.RouterEligible() {
			return false
		}
		m.env.SetRxOnWhenIdle(now, true)
		s.state, s.attempts = restoreRouter, m.restoreAttempts()
	case m.savedRole == Child && m.table.Parent.State.ValidOrRestoring():
		s.state, s.attempts = restoreChild, maxKeepAliveTries
	default:
		return false
	}
	m.timers.startMS(timerRestore, now, m.randomDelay(maxRestoreDelay))
	return true
}

func (s *restorer) stop(m *MLE) {
	s.state = restoreIdle
	m.timers.stop(timerRestore)
}

func (m *MLE) restoreTimer(now machine.Time) {
	s := &m.restorer
	switch {
	case s.state == restoreIdle:
	case m.role != Detached:
		s.stop(m)
	case s.attempts == 0:
		s.stop(m)
		m.BecomeDetached(now)
	default:
		s.attempts--
		if s.state == restoreRouter {
			m.timers.startMS(timerRestore, now, m.restoreLinkDelay())
			m.sendLinkRequest(now, nil)
			return
		}
		m.timers.startMS(timerRestore, now, m.jitter(unicastRetransmit, retransmitJitter))
		m.sendChildUpdateRequest(now, updateRestore)
	}
}
