package dtls

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"heddle.example/machine"
)

// Dial begins a handshake as a client and returns the number of the session to be. Established or Closed follows.
func (e *Engine) Dial(now machine.Time, cause machine.Cause, path machine.Path, c ClientConfig) (uint64, error) {
	e.begin(now, cause)
	if len(c.Key) == 0 && c.Verify == nil || len(c.Key) > maxKey {
		return 0, fmt.Errorf("dtls: a key of %d bytes cannot be used: give 1 to %d bytes", len(c.Key), maxKey)
	}
	if len(c.Identity) > maxIdentity {
		return 0, fmt.Errorf("dtls: an identity of %d bytes is too long: %d at most", len(c.Identity), maxIdentity)
	}
	if len(c.ServerName) > 255 {
		return 0, fmt.Errorf("dtls: a server name of %d bytes is no host name", len(c.ServerName))
	}
	if !path.Remote.IsValid() {
		return 0, fmt.Errorf("dtls: Dial needs a remote address")
	}
	suites := c.Suites
	if len(suites) == 0 {
		suites = e.cfg.Suites
	}
	if err := e.cfg.usable(suites); err != nil {
		return 0, err
	}
	if suites = c.offered(suites); len(suites) == 0 {
		return 0, fmt.Errorf("%w: suites with a pre-shared key need ClientConfig.Key, those with certificates need Verify", ErrNoSuite)
	}
	if slot := e.findPending(path); slot != 0 {
		e.end(e.slab.at(slot), ErrReplaced)
	}
	s := e.newSession(path)
	s.flags |= flagClient
	hs := e.newHandshake(s, clientWaitHello)
	hs.suites = suites
	hs.identity = c.Identity
	hs.draftCID = c.DraftCID
	hs.psk = append([]byte(nil), c.Key...)
	if !isLiteral(c.ServerName) {
		hs.serverName = c.ServerName
	}
	hs.dialCertificate(&c)
	if r := c.Resume; r != nil && slices.Contains(suites, r.suite) && !e.cfg.DisableEMS && r.fits(&c, path, now) {
		hs.resume = r
	}
	e.cfg.Rand.Fill(hs.clientRandom[:])
	e.dialJPAKE(hs)
	e.sendClientHello(s)
	return s.id, nil
}

// sendClientHello begins the flight with ClientHello. Each time the transcript begins anew: a hello without the cookie
// and the HelloVerifyRequest are not part of it (RFC 6347 section 4.2.6).
func (e *Engine) sendClientHello(s *session) {
	hs := s.hs
	m := clientHello{version: version12, random: hs.clientRandom[:], cookie: hs.cookie, compressions: []byte{0}}
	if hs.resume != nil {
		m.sessionID = hs.resume.id
	}
	curves, certificates := false, false
	for _, id := range hs.suites {
		m.suites = binary.BigEndian.AppendUint16(m.suites, uint16(id))
		curves = curves || suiteByID(id).ecdhe
		certificates = certificates || suiteByID(id).secret == secretCertificate
	}
	m.suites = binary.BigEndian.AppendUint16(m.suites, uint16(emptyRenegotiationInfo))
	x := &m.ext
	x.serverName = []byte(hs.serverName)
	x.maxFragment = fragmentCode(e.cfg.MaxFragment)
	if curves {
		x.groups = appendGroups(nil)
		if onlyPassword(hs.suites) {
			x.groups = []byte{0, byte(groupP256)}
		}
		x.pointFormats = []byte{0}
	}
	if certificates {
		hs.auth.offerCertificates(x)
	}
	x.ems = !e.cfg.DisableEMS
	x.jpake = hs.jpakeHello
	switch {
	case e.cfg.DisableCID:
	case hs.draftCID:
		x.cidDraft, x.hasCIDDraft = e.ownCID(s), true
	default:
		x.cid, x.hasCID = e.ownCID(s), true
		x.rrc = !e.cfg.DisableRRC
	}
	hs.transcript.Reset()
	e.newFlight(hs)
	_ = hs.message(typeClientHello, 0, func(b []byte) ([]byte, error) { return m.append(b), nil })
	e.startFlight(s)
}

// helloVerify repeats the hello with the server's cookie. A second request counts only if the hello with the first
// cookie got no answer: the server's secret may have changed. A copy of the first one must not change the transcript.
func (e *Engine) helloVerify(s *session, f *fragment) {
	hs := s.hs
	var m helloVerifyRequest
	if hs.state != clientWaitHello || !m.decode(f.body) || len(m.cookie) > maxCookie {
		return
	}
	if hs.cookie != nil && (hs.tries == 0 || bytes.Equal(hs.cookie, m.cookie)) || hs.verifies >= maxVerifies {
		return
	}
	hs.verifies++
	hs.alert = -1
	hs.cookie = append([]byte{}, m.cookie...)
	hs.in.next = f.seq + 1
	e.sendClientHello(s)
}

// clientMessage takes in a handshake message, whole and in order.
func (e *Engine) clientMessage(s *session, typ byte, seq uint16, body []byte) error {
	hs := s.hs
	switch {
	case hs.state == clientWaitHello && typ == typeServerHello:
		hs.addMessage(typ, seq, body)
		return e.serverHello(s, body)
	case hs.state == clientWaitCertificate && typ == typeCertificate:
		hs.addMessage(typ, seq, body)
		hs.state = clientWaitKeys
		return e.readCertificate(s, body)
	case hs.state == clientWaitKeys && typ == typeServerKeyExchange:
		hs.addMessage(typ, seq, body)
		hs.state = clientWaitDone
		if err := hs.exchange.readServer(body); err != nil || hs.auth == nil {
			return err
		}
		return hs.believe()
	case hs.state == clientWaitDone && typ == typeCertificateRequest && hs.auth != nil && !hs.auth.asked:
		hs.addMessage(typ, seq, body)
		return hs.auth.readRequest(body)
	case (hs.state == clientWaitDone || hs.state == clientWaitKeys && !hs.exchange.needsServer()) &&
		typ == typeServerHelloDone:
		if len(body) != 0 {
			return errMalformed
		}
		hs.addMessage(typ, seq, body)
		return e.clientKeys(s)
	case hs.state == clientWaitFinished && typ == typeFinished:
		if !hs.checkFinished(s, seq, body) {
			return ErrVerify
		}
		if hs.resumed {
			e.newFlight(hs)
			hs.finish(s)
			e.sendFlight(s)
			e.startLinger(s)
		}
		e.establish(s)
		return nil
	}
	return errUnexpected
}

// serverHello takes over what the server chose, if it chose from what was offered.
func (e *Engine) serverHello(s *session, body []byte) error {
	hs := s.hs
	var m serverHello
	if !m.decode(body) {
		return errMalformed
	}
	if m.version != version12 {
		return ErrVersion
	}
	hs.suite = suiteByID(m.suite)
	if hs.suite == nil || !slices.Contains(hs.suites, m.suite) || m.compression != 0 {
		return errIllegal
	}
	s.suite = suiteIndex(hs.suite)
	copy(hs.serverRandom[:], m.random)
	if err := e.readExtensions(s, &m.ext); err != nil {
		return err
	}
	hs.sessionID = append([]byte(nil), m.sessionID...)
	if r := hs.resume; r != nil && len(r.id) > 0 && bytes.Equal(m.sessionID, r.id) {
		// A session with the extended master secret is resumed with it and with its suite, or not at all
		// (RFC 7627 section 5.3, RFC 5246 section 7.4.1.3).
		if !hs.ems || m.suite != r.suite {
			return errIllegal
		}
		hs.resumed = true
		hs.master = r.master
		if r.peer != nil {
			hs.identity, hs.kind, hs.auth.peer = r.ident, r.peer.Kind(), r.peer
		}
		hs.deriveKeys(s)
		hs.state = clientWaitFinished
		e.replayEarly(s)
		return nil
	}
	hs.newExchange()
	hs.state = clientWaitKeys
	if hs.auth != nil {
		hs.state = clientWaitCertificate
	}
	return nil
}

// clientKeys answers ServerHelloDone with our flight and switches to the new keys.
func (e *Engine) clientKeys(s *session) error {
	hs := s.hs
	e.newFlight(hs)
	a := hs.auth
	if a != nil && a.asked {
		_ = hs.message(typeCertificate, 0, func(b []byte) ([]byte, error) { return a.own.show(b, a.ownRaw), nil })
	}
	err := hs.message(typeClientKeyExchange, 0, func(b []byte) ([]byte, error) {
		return hs.exchange.appendClient(b, e.cfg.Rand, hs.identity)
	})
	if err != nil {
		return err
	}
	if err := hs.deriveMaster(hs.psk); err != nil {
		return err
	}
	if a != nil && a.asked && a.own != nil {
		hash := hs.transcriptHash()
		if err := hs.message(typeCertificateVerify, 0, func(b []byte) ([]byte, error) { return a.own.appendSignature(b, hash) }); err != nil {
			return err
		}
	}
	hs.deriveKeys(s)
	hs.finish(s)
	hs.state = clientWaitFinished
	e.startFlight(s)
	e.replayEarly(s)
	return nil
}
