package dtls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"
)

// authority is a certificate that issues others, for tests.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
	seed uint64
}

// testStart is the time of the test world.
var testStart = time.Unix(1000, 0)

func testKeyPair(t testing.TB, seed uint64) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	der, err := GenerateKey(newTestRand(seed))
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func newAuthority(t testing.TB, seed uint64) *authority {
	key, _ := testKeyPair(t, seed)
	return authority{t: t, key: key, seed: seed}.signed(template(t, "CA", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}))
}

// template is a certificate for one name, valid in the test world and in ours.
func template(t testing.TB, name string, change func(c *x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: testStart.Add(-time.Hour),
		NotAfter: time.Date(2125, 1, 1, 0, 0, 0, 0, time.UTC)}
	if change != nil {
		change(c)
	}
	return c
}

func (a authority) signed(c *x509.Certificate) *authority {
	der := sign(a.t, c, c, &a.key.PublicKey, a.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	a.cert, a.der = cert, der
	return &a
}

func sign(t testing.TB, c, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(nil, c, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue makes a certificate with a key of its own.
func (a *authority) issue(name string, change func(c *x509.Certificate)) *Certificate {
	a.t.Helper()
	a.seed += 1000
	key, der := testKeyPair(a.t, a.seed)
	c, err := NewCertificate(der, sign(a.t, template(a.t, name, change), a.cert, &key.PublicKey, a.key))
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// under makes an authority below another one.
func (a *authority) under(seed uint64, change func(c *x509.Certificate)) *authority {
	key, _ := testKeyPair(a.t, seed)
	der := sign(a.t, template(a.t, "CA between", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		if change != nil {
			change(c)
		}
	}), a.cert, &key.PublicKey, a.key)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return &authority{t: a.t, cert: cert, key: key, der: der, seed: seed}
}

// with appends certificates to a chain.
func (c *Certificate) with(t testing.TB, more ...[]byte) *Certificate {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = NewCertificate(key, append(append([][]byte{}, c.chain...), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pool(as ...*authority) *x509.CertPool {
	p := x509.NewCertPool()
	for _, a := range as {
		p.AddCert(a.cert)
	}
	return p
}

func dns(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func uri(text string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		u, _ := url.Parse(text)
		c.URIs = []*url.URL{u}
	}
}

func address(text string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(text)} }
}

// pemOf is what peers read.
func pemOf(c *Certificate) string {
	key, _ := x509.MarshalPKCS8PrivateKey(c.key)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	for _, der := range c.chain {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return text
}

func pemOfAuthority(a *authority) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.der}))
}

// otherCurve is a self-signed certificate with a key on another curve.
func otherCurve(t testing.TB, curve elliptic.Curve) []byte {
	key, err := ecdsa.ParseRawPrivateKey(curve, append(make([]byte, (curve.Params().BitSize+7)/8-1), 7))
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, template(t, "other", nil), template(t, "other", nil), &key.PublicKey, key)
}
