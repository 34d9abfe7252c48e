package dtls

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// verifying is a peer as Trust sees it.
func verifying(t *testing.T, server bool, name string, chain ...[]byte) *Peer {
	t.Helper()
	p, err := parsePeer(appendChain(nil, chain), false)
	if err != nil {
		t.Fatal(err)
	}
	p.Server, p.ServerName, p.Now = server, name, machine.Time(testStart.UnixNano())
	return p
}

// What Trust believes, and why not.
func TestTrust(t *testing.T) {
	ca, other := newAuthority(t, 1), newAuthority(t, 2)
	between := ca.under(3, nil)
	twin := other.under(4, nil).der
	leaf := ca.issue("server.example", nil)
	far := between.issue("server.example", nil)
	named := func(change func(*x509.Certificate)) []byte { return ca.issue("x", change).Chain()[0] }
	sum := func(der []byte) []byte { s := sha256.Sum256(der); return s[:] }
	sum384 := func(der []byte) []byte { s := sha512.Sum384(der); return s[:] }
	sum512 := func(der []byte) []byte { s := sha512.Sum512(der); return s[:] }
	chain := func(c ...[]byte) [][]byte { return c }
	der := func(c *Certificate) []byte { return c.Chain()[0] }
	selfKey, _ := testKeyPair(t, 900)
	self := sign(t, template(t, "server.example", nil), template(t, "server.example", nil), &selfKey.PublicKey, selfKey)
	roots := Trust{Roots: pool(ca)}
	pin := func(u Usage, m Matching, pinned []byte) Trust {
		return Trust{Roots: pool(ca), Usage: u, Matching: m, Pinned: pinned}
	}
	constrained := ca.under(5, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"allowed.example"}
	})
	for _, c := range []struct {
		what   string
		trust  Trust
		server bool
		name   string
		chain  [][]byte
		want   error // nil: believed
		alert  int
	}{
		{"nothing is believed by default", Trust{}, true, "server.example", chain(der(leaf)), ErrUntrusted, alertUnknownCA},
		{"a root vouches", roots, true, "server.example", chain(der(leaf)), nil, 0},
		{"another root", Trust{Roots: pool(other)}, true, "server.example", chain(der(leaf)), ErrUntrusted, alertUnknownCA},
		{"a chain", roots, true, "server.example", chain(der(far), between.der), nil, 0},
		{"a chain with its root", roots, true, "server.example", chain(der(far), between.der, ca.der), nil, 0},
		{"a chain with a gap", roots, true, "server.example", chain(der(far)), ErrUntrusted, alertUnknownCA},
		{"a twin behind an authority is not looked at", roots, true, "server.example", chain(der(far), between.der, twin), nil, 0},
		{"nor an authority behind its twin", roots, true, "server.example", chain(der(far), twin, between.der), ErrUntrusted, alertUnknownCA},
		{"a leaf as an authority", roots, true, "server.example", chain(func() []byte {
			fake := &authority{t: t, cert: leaf.parsed(t), key: leaf.key, seed: 50}
			return der(fake.issue("server.example", nil))
		}(), der(leaf)), ErrUntrusted, alertUnknownCA},
		{"the same name, another key", roots, true, "server.example", chain(der(newAuthority(t, 4).issue("server.example", nil))), ErrUntrusted, alertUnknownCA},

		{"another name", roots, true, "other.example", chain(der(leaf)), errOtherName, alertBadCertificate},
		{"no name", roots, true, "", chain(der(leaf)), errNoName, alertCertUnknown},
		{"any name", Trust{Roots: pool(ca), AnyName: true}, true, "", chain(der(leaf)), nil, 0},
		{"a DNS name", roots, true, "a.example", chain(named(dns("b.example", "A.example"))), nil, 0},
		{"a DNS name with a wildcard", roots, true, "a.b.example", chain(named(dns("*.b.example"))), nil, 0},
		{"a wildcard as common name", roots, true, "a.b.example", chain(der(ca.issue("*.b.example", nil))), errOtherName, alertBadCertificate},
		{"a common name beside other names", roots, true, "x", chain(named(dns("y"))), errOtherName, alertBadCertificate},
		{"an address", roots, true, "192.0.2.1", chain(named(address("192.0.2.1"))), nil, 0},
		{"an address in brackets", roots, true, "[2001:db8::1]", chain(named(address("2001:db8::1"))), nil, 0},
		{"another address", roots, true, "192.0.2.2", chain(named(address("192.0.2.1"))), errOtherName, alertBadCertificate},
		{"a link-local address", roots, true, "fe80::1%eth0", chain(named(address("fe80::1"))), nil, 0},
		{"an address as a common name", roots, true, "192.0.2.1", chain(der(ca.issue("192.0.2.1", nil))), nil, 0},
		{"a coaps URI", roots, true, "a.example", chain(named(uri("coaps://a.example:5684"))), nil, 0},
		{"an https URI", roots, true, "a.example", chain(named(uri("https://a.example"))), errOtherName, alertBadCertificate},
		{"a constrained authority", roots, true, "a.allowed.example", chain(der(constrained.issue("x", dns("a.allowed.example"))), constrained.der), nil, 0},
		{"beyond its constraint", roots, true, "a.example", chain(der(constrained.issue("x", dns("a.example"))), constrained.der), ErrUntrusted, alertBadCertificate},
		{"around its constraint", roots, true, "a.example", chain(der(constrained.issue("a.example", nil)), constrained.der), errOtherName, alertBadCertificate},
		{"a client has no name to match", roots, false, "", chain(der(leaf)), nil, 0},

		{"too early", roots, true, "x", chain(named(func(c *x509.Certificate) { c.NotBefore = testStart.Add(time.Minute) })), ErrUntrusted, alertExpired},
		{"too late", roots, true, "x", chain(named(func(c *x509.Certificate) { c.NotAfter = testStart.Add(-time.Minute) })), ErrUntrusted, alertExpired},
		{"too late without a calendar", Trust{Roots: pool(ca), AnyTime: true}, true, "x", chain(named(func(c *x509.Certificate) { c.NotAfter = testStart.Add(-time.Minute) })), nil, 0},
		{"never valid at once, without a calendar", Trust{Roots: pool(ca), AnyTime: true}, true, "x",
			chain(named(func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = testStart.Add(-3*time.Hour), testStart.Add(-2*time.Hour)
			}), ca.under(8, nil).der), ErrUntrusted, alertExpired},
		{"a certificate of a server at a server", roots, false, "", chain(named(usage(x509.ExtKeyUsageServerAuth))), ErrUntrusted, alertBadCertificate},
		{"a certificate of a client at a server", roots, false, "", chain(named(usage(x509.ExtKeyUsageClientAuth))), nil, 0},
		{"a certificate of a client at a client", roots, true, "x", chain(named(usage(x509.ExtKeyUsageClientAuth))), ErrUntrusted, alertBadCertificate},
		{"a key for signatures", roots, true, "x", chain(named(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })), nil, 0},
		{"a key for agreement only", roots, true, "x", chain(named(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement })), errKeyUsage, alertUnsupportedCert},
		{"an authority with a huge key", roots, true, "server.example", chain(der(leaf), hugeKey(t, ca)), errOtherKey, alertUnsupportedCert},
		{"rubbish in the chain", roots, true, "server.example", chain(der(leaf), []byte{1}), errBadCertificate, alertBadCertificate},

		{"usage 0", pin(CAConstraint, MatchExact, between.der), true, "server.example", chain(der(far), between.der), nil, 0},
		{"usage 0, by hash", pin(CAConstraint, MatchSHA256, sum(between.der)), true, "server.example", chain(der(far), between.der), nil, 0},
		{"usage 0, its root", pin(CAConstraint, MatchExact, ca.der), true, "server.example", chain(der(far), between.der), nil, 0},
		{"usage 0, another authority", pin(CAConstraint, MatchExact, between.der), true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"usage 0, its own certificate", pin(CAConstraint, MatchExact, der(leaf)), true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"usage 0 without roots", Trust{Usage: CAConstraint, Pinned: ca.der}, true, "server.example", chain(der(leaf)), ErrUntrusted, alertUnknownCA},
		{"usage 1", pin(ServiceConstraint, MatchExact, der(leaf)), true, "server.example", chain(der(leaf)), nil, 0},
		{"usage 1, another name", pin(ServiceConstraint, MatchExact, der(leaf)), true, "other.example", chain(der(leaf)), errOtherName, alertBadCertificate},
		{"usage 1, another certificate", pin(ServiceConstraint, MatchSHA384, sum384(der(far))), true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"usage 1 without roots", Trust{Usage: ServiceConstraint, Pinned: self}, true, "server.example", chain(self), ErrUntrusted, alertUnknownCA},
		{"usage 2", Trust{Usage: TrustAnchor, Pinned: ca.der}, true, "server.example", chain(der(leaf)), nil, 0},
		{"usage 2, an authority between", Trust{Usage: TrustAnchor, Pinned: between.der}, true, "server.example", chain(der(far)), nil, 0},
		{"usage 2, by hash", Trust{Usage: TrustAnchor, Matching: MatchSHA512, Pinned: sum512(between.der)}, true, "server.example", chain(der(far), between.der), nil, 0},
		{"usage 2, by hash of what was not sent", Trust{Usage: TrustAnchor, Matching: MatchSHA512, Pinned: sum512(between.der)}, true, "server.example", chain(der(far)), errNotPinned, alertCertUnknown},
		{"usage 2, self-signed", Trust{Usage: TrustAnchor, Pinned: self}, true, "server.example", chain(self), nil, 0},
		{"usage 2, roots do not matter", pin(TrustAnchor, MatchExact, other.der), true, "server.example", chain(der(leaf)), ErrUntrusted, alertUnknownCA},
		{"usage 2, another name", Trust{Usage: TrustAnchor, Pinned: ca.der}, true, "other.example", chain(der(leaf)), errOtherName, alertBadCertificate},
		{"usage 2, rubbish", Trust{Usage: TrustAnchor, Pinned: []byte{1}}, true, "server.example", chain(der(leaf)), ErrUntrusted, alertCertUnknown},
		{"usage 3", Trust{Usage: DomainIssued, Pinned: self}, true, "", chain(self), nil, 0},
		{"usage 3, dates and names say nothing", Trust{Usage: DomainIssued, Matching: MatchSHA256, Pinned: sum(leaf.expired(t, ca))}, true, "other.example", chain(leaf.expired(t, ca)), nil, 0},
		{"usage 3, its authority", Trust{Usage: DomainIssued, Pinned: ca.der}, true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"usage 3, further down", Trust{Usage: DomainIssued, Pinned: self}, true, "server.example", chain(der(leaf), self), errNotPinned, alertCertUnknown},
		{"usage 9", pin(9, MatchExact, der(leaf)), true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"matching 9", pin(ServiceConstraint, 9, der(leaf)), true, "server.example", chain(der(leaf)), errNotPinned, alertCertUnknown},
		{"a raw public key is no certificate", Trust{Keys: [][]byte{leaf.PublicKey()}}, true, "server.example", chain(der(leaf)), ErrUntrusted, alertUnknownCA},
	} {
		p := verifying(t, c.server, c.name, c.chain...)
		name, err := c.trust.Verify(p)
		switch {
		case c.want == nil && (err != nil || name != p.Name()):
			t.Errorf("%s: %q, %v", c.what, name, err)
		case c.want != nil && (!errors.Is(err, c.want) || !errors.Is(err, ErrUntrusted)):
			t.Errorf("%s: %v", c.what, err)
		case c.want != nil && alertFor(err) != c.alert:
			t.Errorf("%s: alert %d for %v", c.what, alertFor(err), err)
		case c.want != nil && strings.Count(err.Error(), "dtls:") != 1:
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestTrustRawKeys(t *testing.T) {
	ca := newAuthority(t, 1)
	a, b := ca.issue("a", nil).Raw(), ca.issue("b", nil)
	p, err := parsePeer(a.show(nil, true), true)
	if err != nil || p.Kind() != machine.RPK || p.Name() != a.Name() {
		t.Fatal(p, err)
	}
	for _, c := range []struct {
		trust Trust
		ok    bool
	}{{Trust{}, false}, {Trust{Keys: [][]byte{b.PublicKey()}}, false}, {Trust{Keys: [][]byte{{1}, a.PublicKey()}}, true}, {Trust{Pinned: a.PublicKey(), Usage: DomainIssued}, false}} {
		if _, err := c.trust.Verify(p); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.trust, err)
		}
	}
}

func usage(u x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{u} }
}

// hugeKey is a certificate of an authority for a key of RSA that nobody wants to compute with.
func hugeKey(t *testing.T, ca *authority) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), 8191)
	n.Add(n, big.NewInt(1))
	return sign(t, template(t, "huge", nil), ca.cert, &rsa.PublicKey{N: n, E: 65537}, ca.key)
}

func (c *Certificate) parsed(t *testing.T) *x509.Certificate {
	x, err := x509.ParseCertificate(c.chain[0])
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// expired is the certificate as it would be if its time were over.
func (c *Certificate) expired(t *testing.T, ca *authority) []byte {
	return sign(t, template(t, "expired", func(x *x509.Certificate) { x.NotAfter = testStart.Add(-time.Minute) }), ca.cert, &c.key.PublicKey, ca.key)
}
