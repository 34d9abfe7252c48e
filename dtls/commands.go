package dtls

import (
	"heddle.example/machine"
)

// Write seals b and sends it over the session's adopted path, not before commit after.
func (e *Engine) Write(now machine.Time, cause machine.Cause, session uint64, b []byte, after machine.Seq) error {
	e.begin(now, cause)
	s, err := e.find(session)
	if err != nil {
		return err
	}
	return e.write(s, e.paths.path(s), b, after)
}

func (e *Engine) write(s *session, path machine.Path, b []byte, after machine.Seq) error {
	if len(b) > s.fragmentLimit() {
		return ErrTooLarge
	}
	seq, reserved, err := e.nextSequence(s)
	if err != nil {
		return err
	}
	e.touch(s)
	buf := e.out.Nest().Buf(s.sealedLen(len(b)))
	e.send(path, e.seal(buf, s, contentApplicationData, seq, b), max(after, reserved))
	return nil
}

// MaxData returns the largest b that Write takes: less where max_fragment_length was negotiated. 0: no such session.
func (e *Engine) MaxData(session uint64) int {
	s, err := e.find(session)
	if err != nil {
		return 0
	}
	return s.fragmentLimit()
}

// Lookup returns the adopted path of a session, with its identity.
func (e *Engine) Lookup(session uint64) (path machine.Path, identity *machine.Identity, ok bool) {
	s, err := e.find(session)
	if err != nil {
		return machine.Path{}, nil, false
	}
	return e.paths.path(s), s.ident, true
}

// Close ends a session with close_notify, or the handshake that Dial began. Closed follows.
func (e *Engine) Close(now machine.Time, cause machine.Cause, session uint64) {
	e.begin(now, cause)
	slot := e.slotOf(session)
	if slot == 0 {
		return
	}
	s := e.slab.at(slot)
	if s.is(flagEstablished) {
		e.sendAlert(s, alertWarning, alertCloseNotify)
	}
	e.end(s, ErrClosedLocally)
}

// Invalidate ends all sessions of identities whose credentials were changed or removed, and forbids their resumption.
// It walks over all sessions once: give many identities at a time.
func (e *Engine) Invalidate(now machine.Time, cause machine.Cause, identities ...string) {
	e.begin(now, cause)
	gone := make(map[string]bool, len(identities))
	for _, id := range identities {
		gone[id] = true
	}
	e.resume.dropIdentities(gone)
	for slot := uint32(1); slot <= e.slab.used; slot++ {
		s := e.slab.at(slot)
		switch {
		case s.id == 0 || s.is(flagClient):
		case s.ident != nil && gone[s.ident.Name]:
			e.sendAlert(s, alertWarning, alertCloseNotify)
			e.end(s, ErrInvalidated)
		case s.hs != nil && gone[s.hs.identity]:
			e.end(s, ErrInvalidated)
		}
	}
}
