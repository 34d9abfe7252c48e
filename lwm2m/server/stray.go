package server

import (
	"time"

	"heddle.example/machine"
)

// strays is secure sessions that belong to no registration: just established, or left behind by one that ended. A device
// registers within moments, so what is still a stray after strayTime is closed. Without that, every device that loses
// its state would leave a session behind with each of its lives, and the ones of living devices would make room for them.
type strays struct {
	queue   []stray // oldest first
	timer   machine.TimerID
	closing []uint64 // at the end of this input
}

type stray struct {
	session uint64
	since   machine.Time
}

const (
	strayTime = 5 * time.Minute
	maxStrays = 1 << 16
)

// stray notes a session that has no registration.
func (s *Server) stray(session uint64) {
	if session == 0 || s.stack.DTLS() == nil {
		return
	}
	t := &s.strays
	t.queue = append(t.queue, stray{session, s.now})
	if len(t.queue) > maxStrays {
		s.closeStrays(1)
	}
	if t.timer == 0 {
		t.timer = s.timers.Set(0, t.queue[0].since.Add(strayTime), timer{kind: strayTimer})
	}
}

// expireStrays closes the sessions that have waited for long enough.
func (s *Server) expireStrays() {
	t := &s.strays
	n := 0
	for n < len(t.queue) && t.queue[n].since.Add(strayTime) <= s.now {
		n++
	}
	s.closeStrays(n)
	if t.timer = 0; len(t.queue) > 0 {
		t.timer = s.timers.Set(0, t.queue[0].since.Add(strayTime), timer{kind: strayTimer})
	}
}

// closeStrays takes the first n strays off the queue. Those that no registration has claimed are closed.
func (s *Server) closeStrays(n int) {
	t := &s.strays
	for _, x := range t.queue[:n] {
		t.closing = append(t.closing, x.session)
	}
	if n == len(t.queue) {
		t.queue = nil
		return
	}
	t.queue = t.queue[n:]
}

// abandonSession ends the session that a registration had, when the device has come with another one.
func (s *Server) abandonSession(old, reg *Registration) {
	was := session(old.Path.Security)
	if was != 0 && was != session(reg.Path.Security) && s.stack.DTLS() != nil {
		s.strays.closing = append(s.strays.closing, was)
	}
}
