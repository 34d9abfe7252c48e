package dtls

import "heddle.example/machine"

// clientHello answers a ClientHello of epoch 0. Until the client has repeated our cookie nothing is stored, and
// nothing is said but HelloVerifyRequest.
func (e *Engine) clientHello(path machine.Path, r *record, f *fragment) {
	if e.cfg.PSK == nil && e.cfg.JPAKE == nil && e.cfg.Certificate == nil {
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
	if slot := e.findPending(path); slot != 0 {
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

	old, err := e.resumable(s, m)
	if err != nil {
		e.failHandshake(s, err)
		return
	}
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
		hs.identity, hs.kind = old.identity, old.kind
		hs.master = old.master
		hs.deriveKeys(s)
		hs.finish(s)
		hs.state = serverWaitFinished
		e.startFlight(s)
		return
	}
	hs.newExchange()
	hs.exchange.setGroup(hs.group)
	if a := hs.auth; a != nil {
		_ = hs.message(typeCertificate, 0, func(b []byte) ([]byte, error) { return a.own.show(b, a.ownRaw), nil })
	}
	params, err := hs.exchange.appendServer(nil, e.cfg.Rand)
	if err != nil {
		e.failHandshake(s, err)
		return
	}
	if len(params) > 0 {
		_ = hs.message(typeServerKeyExchange, 0, func(b []byte) ([]byte, error) { return append(b, params...), nil })
	}
	if hs.auth != nil && hs.auth.asked {
		_ = hs.message(typeCertificateRequest, 0, func(b []byte) ([]byte, error) { return append(b, certificateRequest...), nil })
		hs.state = serverWaitCertificate
	}
	_ = hs.message(typeServerHelloDone, 0, func(b []byte) ([]byte, error) { return b, nil })
	e.startFlight(s)
}

// serverMessage takes in a handshake message, whole and in order.
func (e *Engine) serverMessage(s *session, typ byte, seq uint16, body []byte) error {
	hs := s.hs
	switch {
	case hs.state == serverWaitCertificate && typ == typeCertificate:
		hs.addMessage(typ, seq, body)
		hs.state = serverWaitKeys
		return e.readCertificate(s, body)
	case hs.state == serverWaitVerify && typ == typeCertificateVerify:
		return e.certificateVerify(s, seq, body)
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
	var key []byte
	ok := hs.suite.secret != secretKey // its secret is in the exchange already
	if ok {
		key = identityless
	} else {
		key, ok = e.cfg.PSK(identity)
	}
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
	if hs.auth != nil && hs.auth.peer != nil {
		hs.state = serverWaitVerify
	}
	e.replayEarly(s)
	return nil
}

// identityless stands for the key of an exchange that has none.
var identityless = []byte{0}

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
