package server

import (
	"slices"

	"heddle.example/coap/stack"
	"heddle.example/machine"
)

// watchTable is the endpoints whose messages someone wants to see. It is empty nearly always, and then a message costs
// one comparison.
type watchTable struct {
	names []string
	// first is the newest datagram that no watched registration accounts for: a Register comes before its registration.
	first     []byte
	firstPath machine.Path
}

// maxWatched bounds the endpoints that are watched at once.
const maxWatched = 64

// Watch begins or ends the log of an endpoint's messages: a *Message event for each. It reports whether the endpoint is
// watched now.
func (s *Server) Watch(now machine.Time, ep string, on bool) bool {
	s.begin(now, 0)
	i, found := slices.BinarySearch(s.watch.names, ep)
	switch {
	case on && !found:
		if len(s.watch.names) >= maxWatched {
			return false
		}
		s.watch.names = slices.Insert(s.watch.names, i, ep)
	case !on && found:
		s.watch.names = slices.Delete(s.watch.names, i, i+1)
		s.watch.first = nil
	}
	return on
}

// tap sees every CoAP message in plaintext.
func (s *Server) tap(dir stack.Direction, _ machine.Cause, path machine.Path, b []byte) machine.Cause {
	if s.config.Tap != nil {
		s.config.Tap(s.now, dir == stack.Out, path, b)
	}
	if len(s.watch.names) == 0 {
		return 0
	}
	for _, name := range s.watch.names {
		if _, e := s.table.find(name); e != nil && samePeer(e.reg.Path, path) {
			s.message(name, dir == stack.Out, path, b)
			return 0
		}
	}
	if dir != stack.Out {
		s.watch.first, s.watch.firstPath = append(s.watch.first[:0], b...), path
	}
	return 0
}

func (s *Server) message(ep string, out bool, path machine.Path, b []byte) {
	s.emit(path, &Message{Endpoint: ep, Out: out, Path: path, Raw: append([]byte(nil), b...), At: s.now})
}

// logRegister logs the Register itself, which came before anyone knew whose it was.
func (s *Server) logRegister(reg *Registration) {
	if len(s.watch.first) == 0 || !samePeer(reg.Path, s.watch.firstPath) {
		return
	}
	if _, found := slices.BinarySearch(s.watch.names, reg.Endpoint); found {
		s.message(reg.Endpoint, false, reg.Path, s.watch.first)
		s.watch.first = s.watch.first[:0]
	}
}

// samePeer reports whether two paths lead to one peer: the same session, or the same addresses on a plain path.
func samePeer(a, b machine.Path) bool {
	if a.Security != nil || b.Security != nil {
		return session(a.Security) == session(b.Security)
	}
	return a.Remote == b.Remote && a.Local == b.Local && a.Link == b.Link
}
