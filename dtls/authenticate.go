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
