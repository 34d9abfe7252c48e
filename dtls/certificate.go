package dtls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"heddle.example/machine"
)

// Certificate proves who we are with a key pair on P-256: by a chain of X.509 certificates, or by the public key alone
// (RFC 7250). It holds a secret.
type Certificate struct {
	key     *ecdsa.PrivateKey
	public  []byte   // SubjectPublicKeyInfo, DER
	chain   [][]byte // DER, ours first; none: a raw public key
	name    string
	message []byte // the body of the Certificate message that shows the chain
}

// Limits of a chain, ours or a peer's; the whole message has to fit into maxMessage, too.
const maxChain = 8

// NewCertificate returns a certificate from a private key (DER: PKCS #8, or SEC 1) and the chain that vouches for its public
// key (DER, our own first, the root may be left out). Without a chain it is a raw public key.
func NewCertificate(key []byte, chain ...[]byte) (*Certificate, error) {
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	c := &Certificate{key: private}
	if c.public, err = x509.MarshalPKIXPublicKey(&private.PublicKey); err != nil {
		return nil, fmt.Errorf("dtls: %w", err)
	}
	c.name = KeyName(c.public)
	if len(chain) == 0 {
		return c, nil
	}
	message := appendChain(nil, chain)
	p, err := parsePeer(message, false)
	switch {
	case err != nil:
		return nil, fmt.Errorf("dtls: the certificate cannot be used: %w", err)
	case len(message) > maxMessage:
		return nil, fmt.Errorf("dtls: a chain of %d bytes is too long: %d at most", len(message), maxMessage)
	case !bytes.Equal(p.Key, c.public):
		return nil, errors.New("dtls: the private key is not that of the certificate: give the key that it was made for")
	}
	c.chain, c.message, c.name = p.Chain, message, p.Name()
	return c, nil
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if k, err = x509.ParseECPrivateKey(der); err != nil {
			return nil, errors.New("dtls: this is no private key: give PKCS #8 or SEC 1, in DER")
		}
	}
	private, ok := k.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, errors.New("dtls: only private keys for ECDSA on P-256 can be used (RFC 7252 section 9.1.3.2)")
	}
	return private, nil
}

// CertificateFromPEM returns the certificate that texts in PEM hold: one private key, and its chain unless it is to be a raw
// public key. Other blocks are skipped.
func CertificateFromPEM(texts ...[]byte) (*Certificate, error) {
	var key []byte
	var chain [][]byte
	for _, rest := range texts {
		for {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			switch b.Type {
			case "CERTIFICATE":
				chain = append(chain, b.Bytes)
			case "PRIVATE KEY", "EC PRIVATE KEY":
				if key != nil {
					return nil, errors.New("dtls: there are two private keys: give one")
				}
				key = b.Bytes
			}
		}
	}
	if key == nil {
		return nil, errors.New("dtls: there is no private key in PEM: give a block PRIVATE KEY or EC PRIVATE KEY without a password")
	}
	return NewCertificate(key, chain...)
}

// GenerateKey makes a private key (PKCS #8, DER).
func GenerateKey(r machine.Rand) ([]byte, error) {
	x := ecdhe{group: groupP256}
	if err := x.generate(r); err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(x.own)
}

// Raw returns the same key without its chain: a raw public key.
func (c *Certificate) Raw() *Certificate {
	return &Certificate{key: c.key, public: c.public, name: KeyName(c.public)}
}

// PublicKey returns the public key: SubjectPublicKeyInfo, DER. It is not to be changed.
func (c *Certificate) PublicKey() []byte { return c.public }

// Chain returns the certificates, DER, our own first; none of a raw public key. They are not to be changed.
func (c *Certificate) Chain() [][]byte { return c.chain }

// Name is what a peer of ours calls us: see Peer.Name.
func (c *Certificate) Name() string { return c.name }

// Kind says whether it is an X.509 certificate or a raw public key.
func (c *Certificate) Kind() machine.SecurityKind {
	if len(c.chain) > 0 {
		return machine.X509
	}
	return machine.RPK
}

// String does not show the secret.
func (c *Certificate) String() string { return fmt.Sprintf("%v %s", c.Kind(), c.name) }

// GoString does not show it either.
func (c *Certificate) GoString() string { return c.String() }

// show appends the body of the Certificate message, with the chain or with the public key alone (RFC 7250 section 3).
func (c *Certificate) show(dst []byte, raw bool) []byte {
	switch {
	case c == nil:
		return append(dst, 0, 0, 0)
	case raw:
		return appendVector24(dst, c.public)
	}
	return append(dst, c.message...)
}

// same reports whether both are the same proof. Nil is none.
func (c *Certificate) same(d *Certificate) bool {
	if c == nil || d == nil {
		return c == d
	}
	return bytes.Equal(c.public, d.public) && bytes.Equal(c.message, d.message)
}
