package client_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/sim"
)

// authority signs certificates.
type authority struct {
	t   *testing.T
	key *ecdsa.PrivateKey
	der []byte
}

// pair is a private key, its public key and a certificate of it.
type pair struct{ key, public, certificate []byte }

func newKey(t *testing.T, seed uint64) (der []byte, key *ecdsa.PrivateKey) {
	t.Helper()
	der, err := dtls.GenerateKey(machinetest.NewRand(seed))
	if err != nil {
		t.Fatal(err)
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return der, k.(*ecdsa.PrivateKey)
}

var worldBegins = time.Unix(0, int64(sim.Start))

func newAuthority(t *testing.T, name string, seed uint64) *authority {
	t.Helper()
	_, key := newKey(t, seed)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: worldBegins.Add(-time.Hour), NotAfter: worldBegins.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, key, der}
}

func (a *authority) pool() *x509.CertPool {
	c, err := x509.ParseCertificate(a.der)
	if err != nil {
		a.t.Fatal(err)
	}
	p := x509.NewCertPool()
	p.AddCert(c)
	return p
}

// sign makes a pair; change may change its certificate.
func (a *authority) sign(name string, seed uint64, change func(c *x509.Certificate)) pair {
	a.t.Helper()
	der, key := newKey(a.t, seed)
	c := &x509.Certificate{SerialNumber: new(big.Int).SetUint64(seed), Subject: pkix.Name{CommonName: name}, NotBefore: worldBegins.Add(-time.Hour), NotAfter: worldBegins.Add(24 * time.Hour)}
	if change != nil {
		change(c)
	}
	parent, err := x509.ParseCertificate(a.der)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair{der, public, certificate}
}

// proofCredentials are those of a server, by endpoint.
type proofCredentials map[string]server.Credential

func (k proofCredentials) ByEndpoint(ep string) (server.Credential, bool) {
	c, ok := k[ep]
	return c, ok
}

func (k proofCredentials) ByIdentity(id []byte) (server.Credential, bool) {
	for _, c := range k {
		if c.Identity == string(id) {
			return c, true
		}
	}
	return server.Credential{}, false
}

// proofWorld is one server with a certificate, and one device.
type proofWorld struct {
	w              *sim.World
	server, device *sim.Node
	s              *server.Server
	c              *client.Client
	certificates   int // datagrams with a Certificate message in the clear: full handshakes
	events         []string
}

func newProofWorld(t *testing.T, config server.Config, own pair) *proofWorld {
	t.Helper()
	x := &proofWorld{w: sim.New(7)}
	x.w.Quiet = true
	net := x.w.Network("net", sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 30 * time.Millisecond})
	net.Tap(func(_ machine.Time, _, _ netip.AddrPort, b []byte) {
		if len(b) > 13 && b[0] == 22 && b[13] == 1 { // a ClientHello
			x.certificates++
		}
	})
	x.server, x.device = x.w.Node("server", net, simServer), x.w.Node("device", net, netip.MustParseAddr("198.51.100.1"))
	certificate, err := dtls.NewCertificate(own.key, own.certificate)
	if err != nil {
		t.Fatal(err)
	}
	config.Rand, config.Secure = x.w.Rand("server"), func(local netip.AddrPort) bool { return local.Port() == 5684 }
	config.DTLS = &dtls.Config{Certificate: func(string) *dtls.Certificate { return certificate }}
	x.s = server.New(config)
	x.server.OnAction = func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*server.Refused); ok {
			x.events = append(x.events, "server: "+v.Why)
		}
	}
	x.server.Boot(x.s)
	x.server.Do(x.s.Started)
	return x
}

func (x *proofWorld) boot(t *testing.T, name string, a client.Account, roots *x509.CertPool) {
	t.Helper()
	a.ShortID, a.URI = 1, "coaps://192.0.2.1"
	var err error
	x.c, err = client.New(client.Config{Rand: x.w.Rand(fmt.Sprintf("device %d", x.w.Now())), Endpoint: name, Servers: []client.Account{a}, Durable: true, Roots: roots,
		Local: netip.MustParseAddrPort("198.51.100.1:56830")})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range x.device.Disk().Tables() {
		x.device.Disk().Load(table, func(k, v []byte) error { return x.c.Restore(x.w.Now(), table, k, v) })
	}
	x.device.OnAction = func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*client.RegistrationFailed); ok && v.Err != nil {
			x.events = append(x.events, "device: "+v.Err.Error())
		}
	}
	x.device.Boot(x.c)
	x.device.Do(func(now machine.Time) { x.c.Start(now, x.w.Cause()) })
	x.w.RunFor(20 * time.Second)
}

func (x *proofWorld) registered(name string) bool {
	_, _, ok := x.s.Registration(name)
	return ok
}

func usage(u dtls.Usage) *dtls.Usage { return &u }

// TestProofs has devices with raw public keys and certificates register, or says why they do not.
func TestProofs(t *testing.T) {
	ca, other := newAuthority(t, "our authority", 1), newAuthority(t, "another authority", 2)
	own := ca.sign("the server", 3, func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, simServer.AsSlice()) })
	lamp := ca.sign("lamp", 4, nil)
	stranger := other.sign("lamp", 5, nil)
	named := ca.sign("serial 1234", 6, nil)
	old := ca.sign("lamp", 7, func(c *x509.Certificate) { c.NotAfter = worldBegins.Add(-time.Minute) })
	hash := sha256.Sum256(own.certificate)
	rpk := func(p pair, server []byte) client.Account {
		return client.Account{Mode: machine.RPK, Key: p.key, ServerKey: server}
	}
	cert := func(p pair, u *dtls.Usage, pinned []byte) client.Account {
		return client.Account{Mode: machine.X509, Identity: string(p.certificate), Key: p.key, ServerKey: pinned, CertificateUsage: u}
	}
	raw := proofCredentials{"lamp": {Endpoint: "lamp", Identity: dtls.KeyName(lamp.public), Key: lamp.public, Mode: machine.RPK}}
	listed := proofCredentials{"lamp": {Endpoint: "lamp", Identity: "lamp", Mode: machine.X509}}
	byHash := cert(lamp, nil, hash[:])
	byHash.MatchingType = dtls.MatchSHA256
	elsewhere := cert(lamp, usage(dtls.TrustAnchor), ca.der)
	elsewhere.SNI = "lwm2m.example"
	for _, tt := range []struct {
		name      string
		table     proofCredentials
		certified bool
		a         client.Account
		roots     *x509.CertPool
		why       string // "": it registers
	}{
		{"raw public key", raw, false, rpk(lamp, own.public), nil, ""},
		{"raw public key of nobody", raw, false, rpk(stranger, own.public), nil, "server: dtls: the peer's certificate is not trusted: no endpoint has the raw public key"},
		{"raw public key, another server", raw, false, rpk(lamp, lamp.public), nil, "device: dtls: the peer's certificate is not trusted: nobody knows its raw public key"},
		{"raw public key where a certificate is expected", listed, false, rpk(lamp, own.public), nil, "no endpoint has the raw public key"},
		{"usage 3, domain-issued certificate", listed, false, cert(lamp, nil, own.certificate), nil, ""},
		{"usage 3, by its hash", listed, false, byHash, nil, ""},
		{"usage 3, another certificate", listed, false, cert(lamp, nil, lamp.certificate), nil, "device: dtls: the peer's certificate is not trusted: it is not the one that was pinned"},
		{"usage 2, trust anchor", listed, false, cert(lamp, usage(dtls.TrustAnchor), ca.der), nil, ""},
		{"usage 2, another anchor", listed, false, cert(lamp, usage(dtls.TrustAnchor), other.der), ca.pool(), "device: dtls: the peer's certificate is not trusted: x509: certificate signed by unknown authority"},
		{"usage 2, another name", listed, false, elsewhere, nil, "it has another name"},
		{"usage 1, service certificate", listed, false, cert(lamp, usage(dtls.ServiceConstraint), own.certificate), ca.pool(), ""},
		{"usage 1, no authority", listed, false, cert(lamp, usage(dtls.ServiceConstraint), own.certificate), nil, "device: dtls: the peer's certificate is not trusted: x509: certificate signed by unknown authority"},
		{"usage 0, authority", listed, false, cert(lamp, usage(dtls.CAConstraint), ca.der), ca.pool(), ""},
		{"usage 0, another authority", listed, false, cert(lamp, usage(dtls.CAConstraint), other.der), ca.pool(), "device: dtls: the peer's certificate is not trusted: it is not the one that was pinned"},
		{"certificate of a stranger", listed, false, cert(stranger, nil, own.certificate), nil, "server: dtls: the peer's certificate is not trusted: x509: certificate signed by unknown authority"},
		{"certificate out of date", listed, false, cert(old, nil, own.certificate), nil, "expired"},
		{"certificate not listed", proofCredentials{}, false, cert(lamp, nil, own.certificate), nil, `no endpoint has a certificate with the name "lamp"`},
		{"certificate not listed, believed", proofCredentials{}, true, cert(lamp, nil, own.certificate), nil, ""},
		{"certificate of another endpoint, believed", proofCredentials{}, true, cert(named, nil, own.certificate), nil, "this identity belongs to another endpoint"},
		{"certificate, but the endpoint has a raw public key", raw, true, cert(lamp, nil, own.certificate), nil, "this endpoint has another identity"},
		{"certificate with another name, listed", proofCredentials{"lamp": {Endpoint: "lamp", Identity: "serial 1234", Mode: machine.X509}}, false, cert(named, nil, own.certificate), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newProofWorld(t, server.Config{Credentials: tt.table, Roots: ca.pool(), Certified: tt.certified}, own)
			x.boot(t, "lamp", tt.a, tt.roots)
			all := strings.Join(x.events, "\n")
			if x.registered("lamp") != (tt.why == "") || !strings.Contains(all, tt.why) {
				t.Errorf("registered: %v, want why %q; it happened:\n%s", x.registered("lamp"), tt.why, all)
			}
		})
	}
}

// TestProofRestart has a device with a certificate start again: its session goes on, unless it has another key now.
func TestProofRestart(t *testing.T) {
	ca := newAuthority(t, "our authority", 1)
	own, lamp, next := ca.sign("the server", 3, nil), ca.sign("lamp", 4, nil), ca.sign("lamp", 5, nil)
	x := newProofWorld(t, server.Config{Credentials: proofCredentials{}, Roots: ca.pool(), Certified: true}, own)
	a := client.Account{Mode: machine.X509, Identity: string(lamp.certificate), Key: lamp.key, ServerKey: own.certificate}
	x.boot(t, "lamp", a, nil)
	before := x.certificates
	if !x.registered("lamp") || before == 0 {
		t.Fatalf("not registered, %d handshakes: %v", before, x.events)
	}
	x.boot(t, "lamp", a, nil)
	if !x.registered("lamp") || x.certificates != before {
		t.Errorf("after a restart it made %d handshakes more: %v", x.certificates-before, x.events)
	}
	a.Identity, a.Key = string(next.certificate), next.key
	x.boot(t, "lamp", a, nil)
	if !x.registered("lamp") || x.certificates == before {
		t.Errorf("with another key it went on as the old one: %v", x.events)
	}
}
