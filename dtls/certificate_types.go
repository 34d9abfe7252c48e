package dtls

import (
	"bytes"
	"slices"

	"heddle.example/machine"
)

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
