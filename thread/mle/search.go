package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

// searchJitter spreads the searches of children that attached together, in ms.
const searchJitter = 15_000

// parentSearch looks now and then whether a child could have a better parent (OpenThread Mle::ParentSearch).
type parentSearch struct {
	backoff   bool // the last search was in vain or not: the next one waits
	cancelled bool // a back-off was cut short within the last one's time
	detached  bool // since the last attach
	at        machine.Time
	selected  ieee802154.ExtAddr // the router that is asked
}

func (s *parentSearch) arm(m *MLE, now machine.Time) {
	if !m.config.ParentSearch {
		return
	}
	d := m.config.ParentSearchCheck
	if s.backoff {
		d = m.config.ParentSearchBackoff
	}
	m.timers.start(timerParentSearch, now, d+milliseconds(m.randomIn(0, searchJitter)))
}

// update is called when we became a child. A parent that was away for a while is the reason why a back-off ends early, once:
// the child that had to take a worse one looks again soon.
func (s *parentSearch) update(m *MLE, now machine.Time) {
	if s.backoff && !s.cancelled && s.detached && m.previousParent != InvalidRLOC16 &&
		m.previousParent != m.table.Parent.RLOC16 {
		s.backoff, s.cancelled, s.at = false, true, now
	}
	s.detached = false
	if !s.backoff {
		s.arm(m, now)
	}
}

func (m *MLE) parentSearchTimer(now machine.Time) {
	s := &m.search
	if s.cancelled && now.Sub(s.at) >= m.config.ParentSearchBackoff {
		s.cancelled = false
	}
	s.backoff = false
	if mode, ok := s.wanted(m); ok {
		m.counters.BetterParentAttachAttempts++
		m.startAttach(now, mode)
	}
	s.arm(m, now)
}

// wanted says whether a search is worth it and what it is to be.
func (s *parentSearch) wanted(m *MLE) (AttachMode, bool) {
	if m.role != Child {
		return 0, false
	}
	if m.mode.FTD() {
		r := m.selectBetterParent()
		if r == nil {
			return 0, false
		}
		s.selected = r.Ext
		return SelectedParent, true
	}
	rss := m.table.Parent.Link.RSS()
	if rss == neighbor.NoRSSI || rss >= m.config.ParentSearchRSS {
		return 0, false
	}
	s.backoff = true
	return BetterParent, true
}
