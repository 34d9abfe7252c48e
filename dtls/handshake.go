package dtls

import (
	"crypto/sha256"
	"errors"
	"hash"
	"time"

	"heddle.example/machine"
)

// state is what a handshake waits for.
type state uint8

const (
	clientWaitHello       state = iota + 1 // HelloVerifyRequest or ServerHello
	clientWaitCertificate                  // Certificate of the server
	clientWaitKeys                         // ServerKeyExchange or ServerHelloDone
	clientWaitDone                         // CertificateRequest or ServerHelloDone
	clientWaitFinished                     // Finished of the server
	serverWaitCertificate                  // Certificate of the client
	serverWaitKeys                         // ClientKeyExchange
	serverWaitVerify                       // CertificateVerify
	serverWaitFinished                     // Finished of the client
)

// handshake is everything that only a running handshake needs. It is freed with it.
type handshake struct {
	cause   machine.Cause
	started machine.Time
	state   state
	resumed bool // short handshake
	ems     bool

	suites   []Suite // offered
	suite    *suiteInfo
	exchange keyExchange
	identity string               // of a client with a pre-shared key, or of the peer of who has a certificate
	kind     machine.SecurityKind // of identity
	psk      []byte               // of a client
	refusal  error                // of a server: why the client will not get in, whatever it does
	resume   *Resumption          // offered by a client
	group    group

	auth *authentication // with certificates

	jpake      PAKE     // of a handshake with a password
	jpakeHello []byte   // what our hello says of its first round
	keyHash    [32]byte // of the key block

	clientRandom, serverRandom [32]byte
	sessionID                  []byte
	cookie                     []byte
	verifies                   int
	serverName                 string
	draftCID                   bool
	master                     [48]byte
	prf                        prf                    // of the master secret
	header                     [messageHeaderLen]byte // scratch
	transcript                 hash.Hash
	hash                       [sha256.Size]byte

	in       reassembly
	trigger  uint16 // last message of the peer's flight that ours answers
	nextSend uint16
	seq      uint64 // next sequence number of epoch 0
	flight   flight
	early    []byte // a protected record that came before its keys

	timer   machine.TimerID
	timeout time.Duration
	tries   int   // repetitions of the current flight
	alert   int16 // fatal alert of the peer, not authenticated: ends the handshake at the next time-out; -1: none
}

func (e *Engine) newHandshake(s *session, st state) *handshake {
	var hs *handshake
	if n := len(e.spare); n > 0 {
		hs, e.spare = e.spare[n-1], e.spare[:n-1]
	} else {
		hs = &handshake{transcript: sha256.New()}
	}
	hs.kind = machine.PSK
	hs.cause, hs.started, hs.state, hs.timeout, hs.alert = e.cause, e.now, st, e.cfg.RetransmitInitial, -1
	s.hs = hs
	return hs
}

// maxSpare is how many handshakes that are over keep their memory for the next ones. A device has none.
const maxSpare = 64

// free wipes a handshake that is over, and keeps its memory.
func (e *Engine) free(hs *handshake) {
	clear(hs.psk)
	if hs.jpake != nil {
		hs.jpake.Wipe()
	}
	hs.prf.wipe()
	hs.transcript.Reset()
	*hs = handshake{prf: hs.prf, transcript: hs.transcript}
	if len(e.spare) < min(maxSpare, e.cfg.MaxSessions/16) {
		e.spare = append(e.spare, hs)
	}
}

// addMessage adds a message to the transcript as if it had come in one fragment (RFC 6347 section 4.2.6).
func (hs *handshake) addMessage(typ byte, seq uint16, body []byte) {
	hs.transcript.Write(appendMessageHeader(hs.header[:0], typ, len(body), seq, 0, len(body)))
	hs.transcript.Write(body)
}

// transcriptHash is the hash of all messages so far.
func (hs *handshake) transcriptHash() []byte { return hs.transcript.Sum(hs.hash[:0]) }

// message puts a message of ours into the flight and into the transcript.
func (hs *handshake) message(typ byte, epoch uint8, append func(dst []byte) ([]byte, error)) error {
	start := len(hs.flight.buf)
	buf, err := append(hs.flight.buf)
	if err != nil {
		return err
	}
	hs.flight.buf = buf
	hs.addMessage(typ, hs.nextSend, buf[start:])
	hs.flight.messages = hs.flight.add(outMessage{typ: typ, epoch: epoch, seq: hs.nextSend, start: start, end: len(buf)})
	hs.nextSend++
	return nil
}

// finish puts ChangeCipherSpec and Finished into the flight.
func (hs *handshake) finish(s *session) {
	hs.flight.messages = hs.flight.add(outMessage{typ: changeCipherSpec})
	var data [verifyDataLen]byte
	hs.verifyData(&data, s.is(flagClient))
	_ = hs.message(typeFinished, 1, func(b []byte) ([]byte, error) { return append(b, data[:]...), nil })
}

// handshakeFragment takes in a fragment that belongs to a running handshake. epoch is that of its record.
func (e *Engine) handshakeFragment(s *session, f *fragment, epoch uint16) {
	hs := s.hs
	if f.typ == typeHelloRequest { // RFC 5246 section 7.4.1.1: ignored while a handshake runs
		return
	}
	if f.typ == typeHelloVerifyRequest && s.is(flagClient) {
		if f.whole() && f.offset == 0 && epoch == 0 {
			e.helloVerify(s, f)
		}
		return
	}
	if (f.typ == typeFinished) != (epoch == 1) { // Finished is the first message under the new keys, and the only one
		e.stats.Malformed++
		return
	}
	if int16(f.seq-hs.in.next) < 0 { // repeated: the peer did not get our flight
		if f.seq == hs.trigger && f.offset == 0 {
			e.sendFlight(s)
		}
		return
	}
	typ, body, ok := hs.in.offer(f)
	for ok {
		hs.alert = -1 // a spoofed alert does not stop a handshake that goes on
		var err error
		if s.is(flagClient) {
			err = e.clientMessage(s, typ, hs.in.next-1, body)
		} else {
			err = e.serverMessage(s, typ, hs.in.next-1, body)
		}
		if err != nil {
			e.failHandshake(s, err)
			return
		}
		if s.hs != hs {
			return
		}
		typ, body, ok = hs.in.pop()
	}
}

// failHandshake ends a handshake, tells the peer, and tells who waits for it.
func (e *Engine) failHandshake(s *session, err error) {
	desc := alertFor(err)
	if s.hs.jpake != nil && errors.Is(err, ErrWrongKey) { // as mbedTLS says it
		desc = alertBadRecordMAC
	}
	if desc >= 0 {
		e.sendPlainAlert(s, uint8(desc))
	}
	switch {
	case errors.Is(err, errMalformed), errors.Is(err, errIllegal), errors.Is(err, errUnexpected),
		errors.Is(err, errUnsupportedExtension), errors.Is(err, errDowngrade), errors.Is(err, errLongChain):
		err = protocolError{err}
	}
	e.stats.HandshakesFailed++
	if !s.is(flagClient) {
		e.refuse(e.paths.path(s), s.hs.identity, err)
	}
	e.end(s, err)
}

// protocolError is ErrProtocol with the reason.
type protocolError struct{ reason error }

func (p protocolError) Error() string { return ErrProtocol.Error() + ": " + p.reason.Error() }

func (p protocolError) Unwrap() []error { return []error{ErrProtocol, p.reason} }

// alertFor chooses the alert that tells a peer what it did wrong; -1: none.
func alertFor(err error) int {
	switch {
	case errors.Is(err, errMalformed):
		return alertDecodeError
	case errors.Is(err, errIllegal):
		return alertIllegalParameter
	case errors.Is(err, errUnexpected):
		return alertUnexpected
	case errors.Is(err, ErrNoSuite), errors.Is(err, errDowngrade), // RFC 7627 section 5.3
		errors.Is(err, ErrNoCertificate): // RFC 5246 section 7.4.6
		return alertHandshakeFailure
	case errors.Is(err, ErrVersion):
		return alertProtocolVersion
	case errors.Is(err, ErrVerify), errors.Is(err, ErrWrongKey), errors.Is(err, ErrUnknownIdentity),
		errors.Is(err, ErrSignature):
		return alertDecryptError // RFC 4279 section 2: the same for both
	case errors.Is(err, errUnsupportedExtension):
		return alertUnsupportedExt
	}
	return alertForCertificate(err)
}

var (
	errUnsupportedExtension = errors.New("an extension that was not asked for")
	errDowngrade            = errors.New("resumption without the extended master secret that the session had")
)
