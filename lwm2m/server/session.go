package server

import (
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// proved returns the path of a secure session as far as it is proved: a request may have come from a new address that is
// not adopted yet.
func (s *Server) proved(path machine.Path) machine.Path {
	if path.Security == nil || s.stack.DTLS() == nil {
		return path
	}
	if p, _, ok := s.stack.DTLS().Lookup(path.Security.Session); ok {
		return p
	}
	return path
}

// moved takes in that a secure session has a new, proved address. The session's own record holds it, so nothing is
// written here.
func (s *Server) moved(v *dtls.Moved) {
	n := s.table.ofSession(v.Session)
	if n == 0 {
		return
	}
	old := s.table.at(n).reg
	reg := new(Registration)
	*reg = *old
	reg.Path = v.New
	s.table.set(n, reg)
	s.stats.Moves++
	s.emit(v.New, &Moved{Registration: reg, Previous: old, At: s.now})
	if l := s.lines.of[n]; l != nil {
		l.moving = false
		s.attend(n, l)
	}
}

// closed takes in that a secure session has ended. Its registration lives on: the device may come back with a new
// session and update it.
func (s *Server) closed(v *dtls.Closed) {
	if n := s.table.ofSession(v.Session); n != 0 {
		s.emit(v.Path, &SessionClosed{Registration: s.table.at(n).reg, Why: v.Reason, At: s.now})
	}
}

// fresh takes in that a session restored from disk has proved that its records are no replay.
func (s *Server) fresh(v *dtls.Fresh) {
	if n := s.table.ofSession(v.Session); n != 0 {
		reg := new(Registration)
		*reg = *s.table.at(n).reg
		reg.Path.Security = v.Path.Security
		s.table.set(n, reg)
		if l := s.lines.of[n]; l != nil {
			s.attend(n, l)
		}
	}
	for i := 0; i < len(s.held.queue); {
		h := s.held.queue[i]
		if session(h.path.Security) != v.Session {
			i++
			continue
		}
		s.held.take(i)
		s.timers.Stop(h.timer)
		path := h.path
		path.Security = v.Path.Security
		s.cause = h.cause
		s.incoming(path, &h.in)
	}
}

// Bounds of the requests that wait until their session is proved fresh.
const (
	maxHeld  = 1024
	heldTime = 10 * time.Second
)

// heldTable is requests of restored sessions that must not be acted on yet, oldest first: a record that was captured
// before the restart might be replayed.
type heldTable struct {
	queue []*heldRequest
	last  uint32
}

type heldRequest struct {
	number uint32
	timer  machine.TimerID
	cause  machine.Cause
	path   machine.Path
	in     endpoint.Incoming
}

func (t *heldTable) take(i int) {
	copy(t.queue[i:], t.queue[i+1:])
	t.queue[len(t.queue)-1] = nil
	t.queue = t.queue[:len(t.queue)-1]
}

// postpone keeps a request that changes something until its session is proved fresh. It reports whether it did, or
// turned the request away. The layers below send the challenge that the device must answer.
func (s *Server) postpone(path machine.Path, in *endpoint.Incoming) bool {
	if path.Security == nil || !path.Security.Resumed {
		return false
	}
	if len(s.held.queue) >= maxHeld {
		s.turnAway(path, in, coap.ServiceUnavailable, "too many restored sessions at once")
		return true
	}
	held := s.hold(path, in)
	h := &held
	h.timer = s.timers.Set(0, s.now.Add(heldTime), timer{heldTimer, h.number})
	s.held.queue = append(s.held.queue, h)
	s.stats.Postponed++
	return true
}

// hold makes a copy of a request that is to be dealt with later.
func (s *Server) hold(path machine.Path, in *endpoint.Incoming) heldRequest {
	s.held.last++
	h := heldRequest{number: s.held.last, cause: s.cause, path: path, in: *in}
	h.in.Payload = append([]byte(nil), in.Payload...)
	h.in.Options = make(coap.Options, len(in.Options))
	for i, o := range in.Options {
		h.in.Options[i] = coap.Option{Number: o.Number, Value: append([]byte(nil), o.Value...)}
	}
	return h
}

func (s *Server) dropHeld(number uint32) {
	for i, h := range s.held.queue {
		if h.number == number {
			s.held.take(i)
			s.query.ep = nil
			s.turnAway(h.path, &h.in, coap.ServiceUnavailable, "the session was not proved fresh after the restart")
			return
		}
	}
}
