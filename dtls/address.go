package dtls

import (
	"crypto/subtle"
	"net/netip"

	"heddle.example/machine"
)

// move is an address that waits for its proof (RFC 9146 section 6), or a restored session that waits for its proof of
// freshness, or both.
type move struct {
	path    machine.Path
	budget  int // bytes that may still be sent there: three times what came from there
	cause   machine.Cause
	asked   machine.Time
	cookies [rrcTries][8]byte // challenges of RFC 9853 that are out
	tries   int
	timer   machine.TimerID
}

const (
	amplification = 3
	rrcTries      = 3
)

// observePath looks where a verified record came from.
func (e *Engine) observePath(s *session, path machine.Path, newest bool) {
	same := e.paths.same(s, path)
	if same && !s.is(flagRestored) {
		if newest && s.move != nil { // it is still, or again, where it was
			e.endMove(s)
		}
		return
	}
	if !same && !s.is(flagOwnCID) {
		return
	}
	m := s.move
	if m == nil || m.path != path {
		if !newest { // an old record from elsewhere says nothing
			return
		}
		e.endMove(s)
		m = &move{path: path, asked: -1 << 62}
		s.move = m
	}
	m.budget += amplification * e.size
	e.size = 0 // a datagram counts once
	m.cause = e.cause
	if e.now.Sub(m.asked) < challengeEvery {
		return
	}
	m.asked = e.now
	m.tries = 0
	if s.is(flagRRC) {
		e.sendChallenge(s)
		return
	}
	path.Security = s.ident
	e.event(path, &Challenge{Session: s.id, Path: path, Fresh: s.is(flagRestored)})
}

func (e *Engine) endMove(s *session) {
	if s.move != nil {
		e.timers.Stop(s.move.timer)
		s.move = nil
	}
}

// Proved says that the peer has answered what was sent to path as a challenge. A new address is adopted, and a
// restored session counts as fresh. It does nothing if no such proof is wanted.
func (e *Engine) Proved(now machine.Time, cause machine.Cause, session uint64, path machine.Path) {
	e.begin(now, cause)
	path.Security = nil
	if s, err := e.find(session); err == nil {
		if s.move != nil && s.move.path == path || s.move == nil && e.paths.same(s, path) {
			e.proved(s, path)
		}
	}
}

func (e *Engine) proved(s *session, path machine.Path) {
	e.endMove(s)
	fresh := s.is(flagRestored)
	if fresh {
		// The answer to a challenge cannot be a replay, and what is older than it may be one.
		s.flags &^= flagRestored
		s.window.close()
		ident := *s.ident
		ident.Resumed = false
		s.ident = &ident
	}
	if !e.paths.same(s, path) {
		e.adopt(s, path)
	} else if fresh {
		e.persistChange(s)
	}
	if fresh {
		p := e.paths.path(s)
		e.event(p, &Fresh{Session: s.id, Path: p})
	}
}

// adopt gives a session a new address. Whoever had it before has lost it.
func (e *Engine) adopt(s *session, path machine.Path) {
	old := e.paths.path(s)
	e.paths.established.Remove(s.slot)
	e.paths.bind(s, path)
	if slot := e.establishedAt(keyOf(s.remote, s.local)); slot != 0 {
		if other := e.slab.at(slot); !other.is(flagOwnCID) {
			e.end(other, ErrReplaced)
		}
	}
	e.claim(s)
	e.stats.Moves++
	e.persistChange(s)
	e.event(e.paths.path(s), &Moved{Session: s.id, Old: old, New: e.paths.path(s)})
}

// WriteTo seals b and sends it to an address of the session's peer that is not adopted yet: an answer, or a challenge.
// At most three times the bytes received from there may be sent; then it fails with ErrUnproved.
func (e *Engine) WriteTo(now machine.Time, cause machine.Cause, session uint64, to machine.Path, b []byte, after machine.Seq) error {
	e.begin(now, cause)
	s, err := e.find(session)
	if err != nil {
		return err
	}
	to.Security = nil
	if e.paths.same(s, to) {
		return e.write(s, e.paths.path(s), b, after)
	}
	n := s.sealedLen(len(b))
	if s.move == nil || s.move.path != to || n > s.move.budget {
		return ErrUnproved
	}
	if err := e.write(s, to, b, after); err != nil {
		return err
	}
	s.move.budget -= n
	return nil
}

// Messages of RFC 9853 section 4.
const (
	pathChallenge = 0
	pathResponse  = 1
	pathDrop      = 2
	rrcLen        = 1 + 8
)

// sendChallenge sends a path_challenge to the address that waits, as often as rrcTries, one time-out apart.
func (e *Engine) sendChallenge(s *session) {
	m := s.move
	same := e.paths.same(s, m.path)
	n := s.sealedLen(rrcLen)
	if same || n <= m.budget {
		if !same {
			m.budget -= n
		}
		e.cfg.Rand.Fill(m.cookies[m.tries][:])
		e.sendRRC(s, m.path, pathChallenge, m.cookies[m.tries][:])
	}
	m.tries++
	m.timer = e.timers.Set(m.timer, e.now.Add(e.cfg.RetransmitInitial), timerKey{timerMove, s.slot})
}

func (e *Engine) moveDue(s *session) {
	m := s.move
	m.timer = 0
	e.cause = m.cause
	if m.tries < rrcTries {
		e.sendChallenge(s)
	}
	// Otherwise the address is not adopted. A later record from there asks again (RFC 9853 section 5).
}

func (e *Engine) sendRRC(s *session, to machine.Path, typ byte, cookie []byte) {
	seq, after, err := e.nextSequence(s)
	if err != nil {
		return
	}
	b := e.out.Nest().Buf(s.sealedLen(rrcLen))
	var content [rrcLen]byte
	content[0] = typ
	copy(content[1:], cookie)
	e.send(to, e.seal(b, s, contentRRC, seq, content[:]), after)
}

// routability takes in a return_routability_check message.
func (e *Engine) routability(s *session, path machine.Path, content []byte) {
	if !s.is(flagRRC) || len(content) != rrcLen {
		e.stats.Malformed++
		return
	}
	switch content[0] {
	case pathChallenge: // at once, once, and to where it came from (section 5.4)
		e.sendRRC(s, path, pathResponse, content[1:])
	case pathResponse:
		m := s.move
		if m == nil || m.path != path {
			return
		}
		for i := range m.tries {
			if subtle.ConstantTimeCompare(m.cookies[i][:], content[1:]) == 1 {
				e.proved(s, path)
				return
			}
		}
	}
	// path_drop answers the enhanced check, which we do not begin. Other types are ignored (section 4).
}

// appendAddr appends an address and port for the store.
func appendAddr(dst []byte, a netip.AddrPort) []byte {
	b, _ := a.MarshalBinary()
	return appendVector8(dst, b)
}

func (r *reader) addr() netip.AddrPort {
	var a netip.AddrPort
	if b := r.vector8(); !r.bad && len(b) > 0 && a.UnmarshalBinary(b) != nil {
		r.bad = true
	}
	return a
}
