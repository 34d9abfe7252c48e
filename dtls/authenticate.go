package dtls

import (
	"bytes"
	"encoding/binary"
	"slices"

	"heddle.example/machine"
)

// ClientAuth says whether the clients of a server show a certificate or a raw public key.
type ClientAuth uint8

// What a server asks of its clients.
const (
	MustProve ClientAuth = iota // a client that shows none is refused
	MayProve                    // a client that shows none is let in without a name
	NotAsked                    // no client is asked
)

// authentication is what a handshake with a certificate suite needs in addition.
type authentication struct {
	own             *Certificate // nil: we show none
	mine            *Certificate // what a client's Dial was given, even if the server does not ask for it
	ownRaw, peerRaw bool         // the certificate types (RFC 7250)
	asked           bool         // the client is asked for its certificate
	peer            *Peer        // nil: it has shown none, or not yet
	verify          func(*Peer) (string, error)
	serverName      string
	serverKinds     []machine.SecurityKind // of a client: what it takes
	typed           [2]bool                // of a server: the hello has server_certificate_type, client_certificate_type
}

// Certificate types (RFC 7250 section 3, IANA).
const (
	certificateX509 = 0
	certificateRaw  = 2
)

// certificateTypes returns the list of an extension; without the extension it is X.509 alone (RFC 7250 section 4.1).
func certificateTypes(x []byte) []byte {
	if x == nil {
		return []byte{certificateX509}
	}
	r := reader{b: x}
	if list := r.vector8(); r.done() {
		return list
	}
	return nil
}

// dialCertificate notes what a client shows and believes.
func (hs *handshake) dialCertificate(c *ClientConfig) {
	if c.Verify == nil {
		return
	}
	hs.auth = &authentication{own: c.Certificate, mine: c.Certificate, verify: c.Verify, serverName: c.ServerName, serverKinds: c.peerKinds()}
}

func (c *ClientConfig) peerKinds() []machine.SecurityKind {
	switch {
	case len(c.PeerKinds) > 0:
		return c.PeerKinds
	case c.Certificate != nil:
		return []machine.SecurityKind{c.Certificate.Kind()}
	}
	return []machine.SecurityKind{machine.X509}
}

// offerCertificates fills the extensions of ClientHello. X.509 alone is said by silence.
func (a *authentication) offerCertificates(x *extensions) {
	x.signatures = signatureAlgorithms
	types := []byte{0}
	for _, k := range a.serverKinds {
		types = append(types, certificateType(k))
	}
	if types[0] = byte(len(types) - 1); slices.Contains(types[1:], certificateRaw) {
		x.serverTypes = types
	}
	if a.own != nil && a.own.Kind() == machine.RPK {
		x.clientTypes = []byte{1, certificateRaw}
	}
}

func certificateType(k machine.SecurityKind) byte {
	if k == machine.RPK {
		return certificateRaw
	}
	return certificateX509
}

// readTypes takes in the types that a server chose, of those that were offered.
func (a *authentication) readTypes(x *extensions) error {
	var offer extensions
	a.offerCertificates(&offer)
	for _, t := range []struct {
		offer, answer []byte
		raw           *bool
	}{{offer.serverTypes, x.serverTypes, &a.peerRaw}, {offer.clientTypes, x.clientTypes, &a.ownRaw}} {
		switch {
		case t.answer == nil:
		case t.offer == nil:
			return errUnsupportedExtension
		case len(t.answer) != 1 || !bytes.Contains(t.offer[1:], t.answer):
			return errIllegal
		default:
			*t.raw = t.answer[0] == certificateRaw
		}
	}
	return nil
}

// acceptCertificate says whether a server can serve a client with its certificate, and with which.
func (e *Engine) acceptCertificate(s *session, m *clientHello) bool {
	hs := s.hs
	if hs.auth != nil { // asked for another suite already
		return hs.auth.own != nil
	}
	hs.auth = &authentication{}
	if e.cfg.Certificate == nil || !offersGroup(m.ext.groups, groupP256) || !offersSignature(m.ext.signatures) {
		return false
	}
	a := &authentication{
		own: e.cfg.Certificate(string(m.ext.serverName)), verify: e.cfg.Verify, serverName: string(m.ext.serverName),
		asked: e.cfg.ClientAuth != NotAsked, typed: [2]bool{m.ext.serverTypes != nil, m.ext.clientTypes != nil},
	}
	if a.own == nil {
		return false
	}
	ok := false
	for _, t := range certificateTypes(m.ext.serverTypes) {
		if t == certificateRaw || t == certificateX509 && a.own.Kind() == machine.X509 {
			a.ownRaw, ok = t == certificateRaw, true
			break
		}
	}
	if !ok {
		return false
	}
	if a.asked {
		i := slices.IndexFunc(certificateTypes(m.ext.clientTypes), func(t byte) bool { return t == certificateRaw || t == certificateX509 })
		if i < 0 {
			return false
		}
		a.peerRaw = certificateTypes(m.ext.clientTypes)[i] == certificateRaw
	}
	hs.auth = a
	return true
}

// answerTypes fills the extensions of ServerHello: answers to what was offered, and the client's only if it is asked
// (RFC 7250 section 4.2).
func (a *authentication) answerTypes(x *extensions) {
	if a.typed[0] {
		x.serverTypes = []byte{certificateX509}
		if a.ownRaw {
			x.serverTypes[0] = certificateRaw
		}
	}
	if a.typed[1] && a.asked {
		x.clientTypes = []byte{certificateX509}
		if a.peerRaw {
			x.clientTypes[0] = certificateRaw
		}
	}
}

// offersSignature reports whether a list has what we sign with. Without the list it would be SHA-1 (RFC 9155 section 2).
func offersSignature(list []byte) bool {
	for i := 0; i+1 < len(list); i += 2 {
		if binary.BigEndian.Uint16(list[i:]) == ecdsaSHA256 {
			return true
		}
	}
	return false
}

// certificateRequest is the body of CertificateRequest: signatures by ECDSA, with SHA-256, and no list of authorities
// (RFC 5246 section 7.4.4).
var certificateRequest = []byte{1, 64, 0, 2, 0x04, 0x03, 0, 0}

const ecdsaSign = 64 // ClientCertificateType, RFC 8422 section 5.5

// readRequest takes in a CertificateRequest. A client that cannot do what it asks for shows no certificate.
func (a *authentication) readRequest(body []byte) error {
	r := reader{b: body}
	types, algorithms := r.vector8(), r.vector16()
	r.vector16()
	if !r.done() || len(types) == 0 || len(algorithms)%2 != 0 {
		return errMalformed
	}
	a.asked = true
	if !bytes.Contains(types, []byte{ecdsaSign}) || !offersSignature(algorithms) || a.own != nil && !a.ownRaw && a.own.Kind() != machine.X509 {
		a.own = nil
	}
	return nil
}

// readCertificate takes in the peer's Certificate message.
func (e *Engine) readCertificate(s *session, body []byte) error {
	hs, a := s.hs, s.hs.auth
	if s.is(flagClient) && !a.peerRaw && !slices.Contains(a.serverKinds, machine.X509) {
		return errCertificateType
	}
	p, err := parsePeer(body, a.peerRaw)
	if err != nil {
		return err
	}
	if p == nil {
		if s.is(flagClient) || e.cfg.ClientAuth == MustProve {
			return ErrNoCertificate
		}
		hs.kind = machine.NoSecurity
		return nil
	}
	p.Server, p.ServerName, p.Path, p.Now = s.is(flagClient), a.serverName, e.paths.path(s), e.now
	a.peer, hs.kind = p, p.Kind()
	return nil
}

// believe asks whoever decides about a peer that has shown that it holds its private key. Nobody else learns whether a
// certificate is believed.
func (hs *handshake) believe() error {
	a := hs.auth
	if !hs.claims(a.peer) {
		return errBadCertificate
	}
	name, err := a.verify(a.peer)
	if err != nil {
		return distrust(err)
	}
	if len(name) > maxIdentity {
		return errBadCertificate
	}
	hs.identity = name
	return nil
}

// claims notes whom a peer claims to be, for the operator's log.
func (hs *handshake) claims(p *Peer) bool {
	hs.identity = p.Name()
	if len(hs.identity) > maxIdentity {
		hs.identity = hs.identity[:maxIdentity]
		return false
	}
	return true
}

// certificateVerify takes in the client's signature over all messages before it (RFC 5246 section 7.4.8).
func (e *Engine) certificateVerify(s *session, seq uint16, body []byte) error {
	hs := s.hs
	r := reader{b: body}
	algorithm := r.uint16()
	signature := r.vector16()
	if !r.done() {
		return errMalformed
	}
	hs.claims(hs.auth.peer)
	if algorithm != ecdsaSHA256 { // the only one that was asked for
		return errIllegal
	}
	if !hs.auth.peer.signedHash(signature, hs.transcriptHash()) {
		return ErrSignature
	}
	hs.addMessage(typeCertificateVerify, seq, body)
	hs.state = serverWaitFinished
	return hs.believe()
}
