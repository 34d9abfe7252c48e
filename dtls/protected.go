package dtls

import "heddle.example/machine"

// protected takes in a record of a later epoch for a session and reports whether it was one of it.
func (e *Engine) protected(s *session, path machine.Path, r *record) bool {
	if r.epoch != 1 {
		return false
	}
	if !s.is(flagKeys) {
		e.keepEarly(s, r)
		return false
	}
	if !s.window.fresh(r.seq) {
		e.stats.Replayed++
		return s.linger != nil && e.repeatedFinished(s, r)
	}
	typ, content, ok := e.open(s, r)
	if !ok {
		e.stats.BadRecords++
		if s.hs != nil && (r.typ == contentHandshake || r.typ == contentCID) {
			e.wrongKeys(s)
		}
		return false
	}
	newest := s.window.newest(r.seq)
	s.window.mark(r.seq)
	if s.hs != nil {
		e.protectedHandshake(s, typ, content)
		return true
	}
	e.touch(s)
	e.observePath(s, path, newest)
	switch typ {
	case contentApplicationData:
		e.endLinger(s) // the peer has our last flight
		path.Security = s.ident
		e.deliver(path, content)
	case contentAlert:
		e.verifiedAlert(s, content)
	case contentHandshake:
		e.afterHandshake(s, content)
	case contentRRC:
		e.routability(s, path, content)
	}
	return true
}

// repeatedFinished looks whether a record that was seen before is the Finished that asks for our last flight: some peers
// (pion) repeat it under its old number. That the answer goes to the adopted path only, and not without end, makes a
// replay by somebody else harmless.
func (e *Engine) repeatedFinished(s *session, r *record) bool {
	if s.linger.repeats >= maxRepeats || r.typ != contentHandshake && r.typ != contentCID {
		return false
	}
	typ, content, ok := e.open(s, r)
	var f fragment
	if !ok || typ != contentHandshake {
		return ok
	}
	if _, ok := f.decode(content); ok {
		e.repeatLast(s, &f)
	}
	return true
}

// protectedHandshake takes in a record under the new keys while the handshake still runs.
func (e *Engine) protectedHandshake(s *session, typ byte, content []byte) {
	switch typ {
	case contentHandshake:
		for len(content) > 0 && s.hs != nil {
			var f fragment
			rest, ok := f.decode(content)
			if !ok {
				e.stats.Malformed++
				return
			}
			content = rest
			e.handshakeFragment(s, &f, 1)
		}
	case contentAlert:
		if level, desc, ok := decodeAlert(content); ok && level == alertFatal {
			e.failHandshake(s, AlertError{desc})
		}
	}
	// Data before Finished is dropped: it came out of order, or its sender is not yet proved.
}

// keepEarly keeps one record that overtook the messages that its keys come from.
func (e *Engine) keepEarly(s *session, r *record) {
	if s.hs != nil && s.hs.early == nil && len(r.body) <= smallMTU {
		b := appendRecordHeader(nil, r.typ, r.version, r.epoch, r.seq, r.cid, len(r.body))
		s.hs.early = append(b, r.body...)
	}
}

// replayEarly looks at the early record once there are keys.
func (e *Engine) replayEarly(s *session) {
	b := s.hs.early
	s.hs.early = nil
	var r record
	if b == nil {
		return
	}
	if _, ok := r.decode(b, e.cfg.CIDLen); ok {
		if typ, content, ok := e.open(s, &r); ok { // a wrong one may be a forgery that came first: no verdict
			s.window.mark(r.seq)
			e.protectedHandshake(s, typ, content)
		}
	}
}

// wrongKeys is what a server concludes from a Finished that it cannot open: the client has another key.
func (e *Engine) wrongKeys(s *session) {
	if !s.is(flagClient) && s.hs.state == serverWaitFinished {
		e.failHandshake(s, e.wrongFinished(s))
	}
}

// afterHandshake takes in a verified handshake record of an established session: a repeated Finished, or an attempt to
// renegotiate, which is refused (RFC 5746 section 4.5 allows that).
func (e *Engine) afterHandshake(s *session, content []byte) {
	var f fragment
	if _, ok := f.decode(content); !ok {
		e.stats.Malformed++
		return
	}
	switch f.typ {
	case typeClientHello, typeHelloRequest:
		e.sendAlert(s, alertWarning, alertNoRenegotiation)
	default:
		e.repeatLast(s, &f)
	}
}

// verifiedAlert takes in an alert of an established session.
func (e *Engine) verifiedAlert(s *session, content []byte) {
	level, desc, ok := decodeAlert(content)
	switch {
	case !ok:
		e.stats.Malformed++
	case desc == alertCloseNotify: // answered by one of ours (RFC 5246 section 7.2.1)
		e.sendAlert(s, alertWarning, alertCloseNotify)
		e.end(s, ErrCloseNotify)
	case level == alertFatal:
		e.end(s, AlertError{desc})
	}
}
