package dtls

import (
	"crypto/hmac"
	"encoding/binary"

	"heddle.example/machine"
)

// clientHello answers a ClientHello of epoch 0. Until the client has repeated our cookie nothing is stored, and
// nothing is said but HelloVerifyRequest.
func (e *Engine) clientHello(path machine.Path, r *record, f *fragment) {
	if e.cfg.PSK == nil {
		return
	}
	if !f.whole() || f.offset != 0 { // reassembly would store something for an unverified client
		e.stats.Malformed++
		return
	}
	var m clientHello
	if !m.decode(f.body) {
		e.stats.Malformed++
		return
	}
	e.cookies.rotate(e.now, e.cfg.Rand)
	if !e.cookies.valid(path, &m) {
		e.helloVerifyRequest(path, r, f, &m)
		return
	}
	if slot := e.paths.find(e.paths.pending, path); slot != 0 {
		s := e.slab.at(slot)
		if s.is(flagClient) { // both dial at once: ours goes on
			return
		}
		if [32]byte(m.random) == s.hs.clientRandom { // repeated
			if f.seq == s.hs.trigger {
				e.sendFlight(s)
			}
			return
		}
		e.end(s, ErrReplaced)
	}
	e.serverStart(path, r, f, &m)
}

// helloVerifyRequest sends a cookie. Version and record number are as RFC 6347 section 4.2.1 wants them.
func (e *Engine) helloVerifyRequest(path machine.Path, r *record, f *fragment, m *clientHello) {
	v := helloVerifyRequest{version: version10, cookie: e.cookies.compute(0, path, m)}
	n := 2 + 1 + cookieLen
	b := e.out.Nest().Buf(recordHeaderLen + messageHeaderLen + n)
	b = appendRecordHeader(b, contentHandshake, version10, 0, r.seq, nil, messageHeaderLen+n)
	b = appendMessageHeader(b, typeHelloVerifyRequest, n, f.seq, 0, n)
	e.stats.HelloVerifies++
	e.send(path, v.append(b), 0)
}

// serverStart begins a handshake with a client that has shown that it receives at its address.
func (e *Engine) serverStart(path machine.Path, r *record, f *fragment, m *clientHello) {
	s := e.newSession(path)
	hs := e.newHandshake(s, serverWaitKeys)
	hs.seq = r.seq // the first ServerHello copies it as well
	hs.in.next = f.seq + 1
	hs.nextSend = f.seq
	copy(hs.clientRandom[:], m.random)
	e.cfg.Rand.Fill(hs.serverRandom[:])

	if err := e.negotiate(s, m); err != nil {
		e.failHandshake(s, err)
		return
	}
	hs.addMessage(typeClientHello, f.seq, f.body)

	old := e.resumable(s, m)
	if old == nil && e.resume.limit > 0 {
		hs.sessionID = make([]byte, 32)
		e.cfg.Rand.Fill(hs.sessionID)
	}
	hello := serverHello{version: version12, random: hs.serverRandom[:], sessionID: hs.sessionID, suite: hs.suite.id}
	e.answerExtensions(s, m, &hello.ext)

	e.newFlight(hs)
	_ = hs.message(typeServerHello, 0, func(b []byte) ([]byte, error) { return hello.append(b), nil })
	if old != nil {
		hs.resumed = true
		hs.identity = old.identity
		hs.master = old.master
		hs.deriveKeys(s)
		hs.finish(s)
		hs.state = serverWaitFinished
		e.startFlight(s)
		return
	}
	hs.exchange = hs.suite.exchange()
	hs.exchange.setGroup(hs.group)
	params, err := hs.exchange.appendServer(nil, e.cfg.Rand)
	if err != nil {
		e.failHandshake(s, err)
		return
	}
	if len(params) > 0 {
		_ = hs.message(typeServerKeyExchange, 0, func(b []byte) ([]byte, error) { return append(b, params...), nil })
	}
	_ = hs.message(typeServerHelloDone, 0, func(b []byte) ([]byte, error) { return b, nil })
	e.startFlight(s)
}

// negotiate chooses version and suite and notes what the extensions say.
func (e *Engine) negotiate(s *session, m *clientHello) error {
	hs := s.hs
	// Later versions of DTLS have lower numbers; 0xFExx is all that DTLS has (RFC 6347 section 4.2.1).
	if m.version>>8 != version12>>8 || m.version > version12 {
		return ErrVersion
	}
	if !m.offersNull() {
		return errIllegal
	}
	if m.ext.renegotiation && len(m.ext.renegotiated) != 0 { // RFC 5746 section 3.6
		return errIllegal
	}
	hs.group = chooseGroup(m.ext.groups)
	for i := 0; i+1 < len(m.suites) && hs.suite == nil; i += 2 {
		id := Suite(binary.BigEndian.Uint16(m.suites[i:]))
		for _, own := range e.cfg.Suites {
			if own != id {
				continue
			}
			if info := suiteByID(id); !info.ecdhe || hs.group != 0 {
				hs.suite = info
			}
		}
	}
	if hs.suite == nil {
		return ErrNoSuite
	}
	s.suite = suiteIndex(hs.suite)
	hs.ems = m.ext.ems && !e.cfg.DisableEMS
	if hs.ems {
		s.flags |= flagEMS
	}
	return nil
}

func (m *clientHello) offersNull() bool {
	for _, c := range m.compressions {
		if c == 0 {
			return true
		}
	}
	return false
}

// answerExtensions fills the extensions of ServerHello: answers to what the client offered, and nothing else.
func (e *Engine) answerExtensions(s *session, m *clientHello, x *extensions) {
	hs := s.hs
	x.ems = hs.ems
	x.renegotiation = m.ext.renegotiation || m.offers(emptyRenegotiationInfo) // RFC 5746 section 3.6
	if m.ext.maxFragment != 0 {
		x.maxFragment = m.ext.maxFragment
		s.maxFragment = uint16(fragmentLength(m.ext.maxFragment))
	}
	if hs.suite.ecdhe && m.ext.pointFormats != nil {
		x.pointFormats = []byte{0}
	}
	if e.cfg.DisableCID || !m.ext.hasCID && (!m.ext.hasCIDDraft || e.cfg.DisableDraft) {
		return
	}
	own := e.ownCID(s)
	if m.ext.hasCID {
		s.peerCID = string(m.ext.cid)
		x.cid, x.hasCID = own, true
		if m.ext.rrc && !e.cfg.DisableRRC { // RFC 9853 section 3: only with connection IDs
			x.rrc = true
			s.flags |= flagRRC
		}
	} else {
		s.peerCID = string(m.ext.cidDraft)
		x.cidDraft, x.hasCIDDraft = own, true
		s.flags |= flagDraftCID
	}
	if len(own) > 0 {
		s.flags |= flagOwnCID
	}
}

// serverMessage takes in a handshake message, whole and in order.
func (e *Engine) serverMessage(s *session, typ byte, seq uint16, body []byte) error {
	hs := s.hs
	switch {
	case hs.state == serverWaitKeys && typ == typeClientKeyExchange:
		return e.clientKeyExchange(s, seq, body)
	case hs.state == serverWaitFinished && typ == typeFinished:
		if !hs.checkFinished(s, seq, body) {
			return e.wrongFinished(s)
		}
		if hs.refusal != nil { // cannot be: the key was random
			return hs.refusal
		}
		if hs.resumed {
			e.establish(s)
			return nil
		}
		e.newFlight(hs)
		hs.finish(s)
		e.sendFlight(s)
		e.startLinger(s)
		e.establish(s)
		return nil
	}
	return errUnexpected
}

// clientKeyExchange derives the keys. For an unknown identity it does the same work with a random key, so that
// nothing but the operator's log tells it from a wrong key (RFC 4279 section 2).
func (e *Engine) clientKeyExchange(s *session, seq uint16, body []byte) error {
	hs := s.hs
	identity, err := hs.exchange.readClient(body)
	if err != nil {
		return err
	}
	if len(identity) > maxIdentity {
		return errIllegal
	}
	hs.addMessage(typeClientKeyExchange, seq, body)
	hs.identity = string(identity)
	key, ok := e.cfg.PSK(identity)
	if !ok || len(key) == 0 || len(key) > maxKey {
		hs.refusal = ErrUnknownIdentity
		var random [keyLen]byte
		e.cfg.Rand.Fill(random[:])
		key = random[:]
	}
	if err := hs.deriveMaster(key); err != nil {
		return err
	}
	hs.deriveKeys(s)
	hs.state = serverWaitFinished
	e.replayEarly(s)
	return nil
}

// wrongFinished says why a client did not get in.
func (e *Engine) wrongFinished(s *session) error {
	if s.hs.refusal != nil {
		return s.hs.refusal
	}
	if s.hs.resumed {
		return ErrVerify
	}
	return ErrWrongKey
}

// resumable returns the earlier session that a client may resume (RFC 5246 section 7.4.1.2, RFC 7627 section 5.3), and
// sets the session id of the handshake.
func (e *Engine) resumable(s *session, m *clientHello) *resumeEntry {
	hs := s.hs
	if len(m.sessionID) == 0 {
		return nil
	}
	old := e.resume.get(m.sessionID, e.now)
	// Only sessions with the extended master secret are kept. A hello without it gets a full handshake.
	if old == nil || !hs.ems || !m.offers(old.suite) || suiteByID(old.suite) == nil || !e.allows(old.suite) {
		return nil
	}
	if key, ok := e.cfg.PSK([]byte(old.identity)); !ok || !hmac.Equal(old.keyCheck(key), old.key[:]) {
		e.resume.drop(m.sessionID)
		return nil
	}
	hs.suite = suiteByID(old.suite)
	s.suite = suiteIndex(hs.suite)
	hs.sessionID = append([]byte(nil), m.sessionID...)
	return old
}

func (e *Engine) allows(id Suite) bool {
	for _, s := range e.cfg.Suites {
		if s == id {
			return true
		}
	}
	return false
}
