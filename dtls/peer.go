package dtls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"

	"heddle.example/machine"
)

// Peer is who the far end of a handshake has shown to be: it holds the private key of Key. Whether that is somebody to talk
// to says Config.Verify of a client, and ClientConfig.Verify of a server.
type Peer struct {
	Path       machine.Path
	Server     bool         // a server that we dialled
	ServerName string       // ClientConfig.ServerName, or the name that a client asked us for
	Now        machine.Time // when it is asked

	Key   []byte   // its public key: SubjectPublicKeyInfo, DER
	Chain [][]byte // its certificates, DER, its own first, as it sent them: not verified; none: a raw public key

	public *ecdsa.PublicKey
	leaf   *x509.Certificate
	body   []byte // of its Certificate message
}

// Kind says whether it has shown an X.509 certificate or a raw public key.
func (p *Peer) Kind() machine.SecurityKind {
	if len(p.Chain) > 0 {
		return machine.X509
	}
	return machine.RPK
}

// Name is what its certificate calls it: the common name, else the first other name (URI, DNS name), else KeyName. That of
// a raw public key is KeyName.
func (p *Peer) Name() string {
	if p.leaf != nil {
		switch {
		case p.leaf.Subject.CommonName != "":
			return p.leaf.Subject.CommonName
		case len(p.leaf.URIs) > 0:
			return p.leaf.URIs[0].String()
		case len(p.leaf.DNSNames) > 0:
			return p.leaf.DNSNames[0]
		}
	}
	return KeyName(p.Key)
}

// KeyName is the name of a public key (SubjectPublicKeyInfo, DER): its SHA-256 in hexadecimal.
func KeyName(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// parsePeer reads the body of a Certificate message: a chain (RFC 5246 section 7.4.2), or a raw public key (RFC 7250 section
// 3). Nil without an error: the peer has none. Only the peer's own certificate is looked into.
func parsePeer(body []byte, raw bool) (*Peer, error) {
	p := &Peer{body: bytes.Clone(body)}
	r := reader{b: p.body}
	all := reader{b: r.vector24()}
	if !r.done() {
		return nil, errMalformed
	}
	if len(all.b) == 0 {
		return nil, nil
	}
	if raw {
		p.Key = all.b
		return p, p.setKey(x509.ParsePKIXPublicKey(p.Key))
	}
	for len(all.b) > 0 {
		c := all.vector24()
		if all.bad || len(c) == 0 {
			return nil, errMalformed
		}
		if len(p.Chain) == maxChain {
			return nil, errLongChain
		}
		p.Chain = append(p.Chain, c)
	}
	var err error
	if p.leaf, err = x509.ParseCertificate(p.Chain[0]); err != nil {
		return nil, errBadCertificate
	}
	p.Key = p.leaf.RawSubjectPublicKeyInfo
	return p, p.setKey(p.leaf.PublicKey, nil)
}

// setKey takes a key for ECDSA on P-256, and no other (RFC 7252 section 9.1.3.2).
func (p *Peer) setKey(key any, err error) error {
	public, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok || public.Curve != elliptic.P256() {
		return errOtherKey
	}
	p.public = public
	return nil
}

func appendVector24(dst, v []byte) []byte {
	return append(append(dst, byte(len(v)>>16), byte(len(v)>>8), byte(len(v))), v...)
}

func appendChain(dst []byte, chain [][]byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0)
	for _, c := range chain {
		dst = appendVector24(dst, c)
	}
	n := len(dst) - start - 3
	dst[start], dst[start+1], dst[start+2] = byte(n>>16), byte(n>>8), byte(n)
	return dst
}
