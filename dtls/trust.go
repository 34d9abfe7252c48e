package dtls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Usage says how Trust.Pinned is to be used: the certificate usages of RFC 6698 section 2.1.1, which are those of LwM2M's
// Security object (resource 15).
type Usage uint8

// The certificate usages. LwM2M's default is DomainIssued.
const (
	CAConstraint      Usage = iota // Roots vouch for the peer, and Pinned is one of the authorities between
	ServiceConstraint              // Roots vouch for the peer, and Pinned is its own certificate
	TrustAnchor                    // Pinned vouches for the peer, and Roots do not matter
	DomainIssued                   // Pinned is the peer's own certificate, and nothing else matters
)

// Matching says what Trust.Pinned holds: RFC 6698 section 2.1.3, resource 13 of LwM2M's Security object.
type Matching uint8

// The matching types.
const (
	MatchExact Matching = iota // the certificate, DER
	MatchSHA256
	MatchSHA384
	MatchSHA512
)

// Trust says which certificates and raw public keys are believed. Its zero value believes none. Its Verify is for Config.Verify
// and ClientConfig.Verify.
type Trust struct {
	Roots    *x509.CertPool // authorities
	Pinned   []byte         // where given, what Usage demands is demanded in addition
	Matching Matching
	Usage    Usage
	Keys     [][]byte // raw public keys: SubjectPublicKeyInfo, DER

	// AnyTime does not look at dates: for a device without a calendar. The chain has to be one that was valid once.
	AnyTime bool
	// AnyName believes every server that the authorities vouch for, whatever its name is.
	AnyName bool
}

// Anyone believes whoever holds the private key of what it shows, and so anybody.
func Anyone(p *Peer) (name string, err error) { return p.Name(), nil }

// Verify returns the name of a peer that is believed: Peer.Name.
func (t *Trust) Verify(p *Peer) (name string, err error) {
	if len(p.Chain) == 0 {
		for _, k := range t.Keys {
			if bytes.Equal(k, p.Key) {
				return p.Name(), nil
			}
		}
		return "", fmt.Errorf("%w: nobody knows its raw public key %s", ErrUntrusted, KeyName(p.Key))
	}
	if err := t.verifyChain(p); err != nil {
		return "", distrust(err)
	}
	return p.Name(), nil
}

func (t *Trust) verifyChain(p *Peer) error {
	if t.Pinned != nil && t.Usage == DomainIssued { // its dates and names say nothing: RFC 7671 section 5.1
		if !t.pinned(p.Chain[0]) {
			return errNotPinned
		}
		return nil
	}
	leaf := p.leaf
	if leaf == nil {
		return errBadCertificate // a Peer that no handshake has made
	}
	certificates := []*x509.Certificate{leaf}
	for _, der := range p.Chain[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return errBadCertificate
		}
		certificates = append(certificates, c)
	}
	o, err := t.options(p, certificates)
	if err != nil {
		return err
	}
	if u := leaf.KeyUsage; u != 0 && u&x509.KeyUsageDigitalSignature == 0 { // RFC 8422 section 5.3
		return errKeyUsage
	}
	chains, err := leaf.Verify(o)
	if err != nil {
		return err
	}
	if t.Pinned != nil && !t.fulfils(chains) {
		return errNotPinned
	}
	if p.Server && !t.AnyName {
		return matchName(leaf, chains, p.ServerName)
	}
	return nil
}

// options says what Verify is to look at: our authorities, the peer's, what its key is for, and the day.
func (t *Trust) options(p *Peer, certificates []*x509.Certificate) (x509.VerifyOptions, error) {
	o := x509.VerifyOptions{Roots: t.Roots, Intermediates: x509.NewCertPool(), CurrentTime: time.Unix(0, int64(p.Now)),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if p.Server {
		o.KeyUsages[0] = x509.ExtKeyUsageServerAuth
	}
	if o.Roots == nil || t.Pinned != nil && t.Usage == TrustAnchor {
		o.Roots = x509.NewCertPool() // nil would be those of the operating system
	}
	if t.Pinned != nil && t.Usage == TrustAnchor {
		if err := t.addAnchor(o.Roots, certificates); err != nil {
			return o, err
		}
	}
	names := map[string]bool{}
	for i, c := range certificates {
		if !bearable(c) {
			return o, errOtherKey
		}
		// One of a name, or Verify would try all orders of those that a peer has made of one name: a hundred signatures.
		if name := string(c.RawSubject); i > 0 && !names[name] {
			names[name] = true
			o.Intermediates.AddCert(c)
		}
		if t.AnyTime && (i == 0 || c.NotBefore.After(o.CurrentTime)) { // all were valid when the youngest was made
			o.CurrentTime = c.NotBefore.Add(time.Nanosecond) // the zero of time would be the real clock
		}
	}
	return o, nil
}

// pinned reports whether a certificate is the pinned one.
func (t *Trust) pinned(der []byte) bool {
	switch t.Matching {
	case MatchExact:
		return bytes.Equal(der, t.Pinned)
	case MatchSHA256:
		sum := sha256.Sum256(der)
		return bytes.Equal(sum[:], t.Pinned)
	case MatchSHA384:
		sum := sha512.Sum384(der)
		return bytes.Equal(sum[:], t.Pinned)
	case MatchSHA512:
		sum := sha512.Sum512(der)
		return bytes.Equal(sum[:], t.Pinned)
	}
	return false
}

// addAnchor makes the pinned certificate an authority. Of a hash it has to be among what the peer sent.
func (t *Trust) addAnchor(roots *x509.CertPool, sent []*x509.Certificate) error {
	if t.Matching == MatchExact {
		c, err := x509.ParseCertificate(t.Pinned)
		if err != nil {
			return errors.New("the pinned certificate cannot be read: give it in DER")
		}
		roots.AddCert(c)
		return nil
	}
	for _, c := range sent {
		if t.pinned(c.Raw) {
			roots.AddCert(c)
			return nil
		}
	}
	return errNotPinned
}

// fulfils reports whether one of the verified chains has the pinned certificate where Usage wants it.
func (t *Trust) fulfils(chains [][]*x509.Certificate) bool {
	for _, chain := range chains {
		switch t.Usage {
		case CAConstraint:
			for _, c := range chain[1:] {
				if t.pinned(c.Raw) {
					return true
				}
			}
		case ServiceConstraint:
			if t.pinned(chain[0].Raw) {
				return true
			}
		case TrustAnchor:
			return true
		}
	}
	return false
}

// bearable keeps a peer from making us work: a key of RSA may be as large as its message.
func bearable(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() <= 4096
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
