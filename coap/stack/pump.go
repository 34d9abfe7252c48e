package stack

import (
	"slices"

	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// Next returns the next action. Both layers are drained as it is called: what one wants of the other never comes out.
// Events and Results are those of packages endpoint and dtls.
func (s *Stack) Next() (machine.Action, bool) {
	for {
		if s.dtls != nil {
			if a, ok := s.dtls.Next(); ok {
				if s.fromDTLS(&a) {
					return a, true
				}
				continue
			}
		}
		a, ok := s.endpoint.Next()
		if !ok {
			s.nest.Next() // reports that the drain is over
			return a, false
		}
		if s.fromEndpoint(&a) {
			return a, true
		}
	}
}

// fromDTLS handles an action of the secure layer, and reports whether it goes on outwards.
func (s *Stack) fromDTLS(a *machine.Action) bool {
	switch v := a.Value.(type) {
	case *dtls.Received:
		s.tap(In, a.Cause, v.Path, v.Data)
		s.endpoint.Receive(s.now, a.Cause, v.Path, v.Data)
		return false
	case *dtls.Challenge:
		s.challenge(a.Cause, v)
		return false
	case *dtls.Moved:
		s.endpoint.Rebind(s.now, v.Old, v.New)
	case *dtls.Fresh:
		s.endpoint.Rebind(s.now, v.Path, v.Path) // the path's Identity is another value now
	case *dtls.Closed:
		s.forget(v.Session)
		if v.Path.Security != nil {
			s.endpoint.Drop(s.now, v.Path)
		}
	}
	return true
}

// fromEndpoint handles an action of the message layer, and reports whether it goes on outwards.
func (s *Stack) fromEndpoint(a *machine.Action) bool {
	switch a.Kind {
	case machine.Send:
		if c := s.tap(Out, a.Cause, a.Path, a.Data); c != 0 {
			a.Cause = c
		}
		if a.Path.Security == nil {
			return true
		}
		s.seal(a)
		return false
	case machine.Result:
		return !s.answered(a)
	}
	return true
}

// seal hands a message to the secure layer, over the session's own path or towards an address that is not proved yet.
func (s *Stack) seal(a *machine.Action) {
	session := a.Path.Security.Session
	own, _, ok := s.dtls.Lookup(session)
	var err error
	switch {
	case !ok:
		err = dtls.ErrUnknownSession
	case own.Remote == a.Path.Remote && own.Local == a.Path.Local && own.Link == a.Path.Link:
		err = s.dtls.Write(s.now, a.Cause, session, a.Data, a.After)
	default:
		err = s.dtls.WriteTo(s.now, a.Cause, session, a.Path, a.Data, a.After)
	}
	if err != nil {
		s.stats.NotSent++
	}
}

// challenge makes the peer prove that it receives on a path, by a CoAP ping (RFC 7252 section 4.3) sent there.
func (s *Stack) challenge(cause machine.Cause, c *dtls.Challenge) {
	s.forget(c.Session)
	if len(s.challenges) >= maxChallenges {
		s.stats.Unmatched++
		return
	}
	op := s.endpoint.Ping(s.now, cause, c.Path)
	s.challenges = append(s.challenges, challenge{op, c.Session, c.Path})
}

// answered takes in the Result of a ping that was a challenge.
func (s *Stack) answered(a *machine.Action) bool {
	i := slices.IndexFunc(s.challenges, func(c challenge) bool { return c.op == a.Op })
	if i < 0 {
		return false
	}
	c := s.challenges[i]
	s.challenges = slices.Delete(s.challenges, i, i+1)
	r, ok := a.Value.(*endpoint.Response)
	// Only an answer that came from the address in question proves it.
	if ok && r.Err == nil && a.Path.Remote == c.path.Remote && a.Path.Local == c.path.Local {
		s.dtls.Proved(s.now, a.Cause, c.session, c.path)
	}
	return true
}

// forget drops a session's challenge; its ping may still be answered, which then means nothing.
func (s *Stack) forget(session uint64) {
	for i := range s.challenges {
		if s.challenges[i].session == session {
			s.challenges[i].session = 0
		}
	}
}
