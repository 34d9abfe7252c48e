package dtls

import (
	"bytes"
	"crypto/elliptic"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
)

// certWorld is a client and a server that have certificates of one authority.
type certWorld struct {
	*world
	ca             *authority
	client, server *Certificate
	dialing        ClientConfig
}

// worldCertificates are made once: a fuzzer has many worlds.
var worldCertificates struct {
	once sync.Once
	x    certWorld
}

func newCertWorld(t testing.TB, seed uint64, change func(x *certWorld, client, server *Config)) *certWorld {
	worldCertificates.once.Do(func() {
		ca := newAuthority(t, 1)
		worldCertificates.x = certWorld{ca: ca, client: ca.issue("urn:dev:1", nil), server: ca.issue("server", dns("server.example"))}
	})
	ca := *worldCertificates.x.ca
	ca.t = t
	x := &certWorld{ca: &ca, client: worldCertificates.x.client, server: worldCertificates.x.server}
	trust := &Trust{Roots: pool(&ca)}
	x.dialing = ClientConfig{Certificate: x.client, Verify: trust.Verify, ServerName: "server.example"}
	var c, s Config
	s.CIDLen = 8
	s.Certificate = func(string) *Certificate { return x.server }
	s.Verify = trust.Verify
	if change != nil {
		change(x, &c, &s)
	}
	x.world = newWorld(t, seed, c, s)
	return x
}

// start dials with certificates only.
func (x *certWorld) start() uint64 {
	x.t.Helper()
	id, err := x.world.client.e.Dial(x.now, 0, x.world.client.pathTo(serverAddr), x.dialing)
	if err != nil {
		x.t.Fatal(err)
	}
	x.drain(x.world.client)
	return id
}

func (x *certWorld) connect() (client, server *Established) {
	x.t.Helper()
	id := x.start()
	x.run(3 * time.Minute)
	client, server = last[*Established](x.world.client), last[*Established](x.world.server)
	if client == nil || server == nil || client.Session != id {
		x.t.Fatalf("no session: closed %+v, refused %+v\n%s", last[*Closed](x.world.client), last[*Refused](x.world.server), x.transcript())
	}
	x.exchange(client.Session, server.Session)
	return client, server
}

// raw makes raw public keys of both.
func raw(x *certWorld, _, s *Config) {
	x.client, x.server = x.client.Raw(), x.server.Raw()
	x.dialing.Certificate = x.client
	x.dialing.Verify = (&Trust{Keys: [][]byte{x.server.PublicKey()}}).Verify
	s.Verify = (&Trust{Keys: [][]byte{x.client.PublicKey()}}).Verify
}

func TestCertificateTranscript(t *testing.T) {
	x := newCertWorld(t, 1, nil)
	ce, se := x.connect()
	x.expect(`
		client: ClientHello(0)@0.0
		server: HelloVerifyRequest(0)@0.0
		client: ClientHello(1)@0.1
		server: ServerHello(1)@0.1 Certificate(2)@0.2 ServerKeyExchange(3)@0.3 CertificateRequest(4)@0.4 ServerHelloDone(5)@0.5
		client: Certificate(2)@0.2 ClientKeyExchange(3)@0.3 CertificateVerify(4)@0.4 CCS@0.5 CID@1.0
		server: CCS@0.6 Handshake@1.0
		server  -> *dtls.Established
		client  -> *dtls.Established
		client: CID@1.1
		server: Data@1.1
	`)
	if id := se.Path.Security; id.Kind != machine.X509 || id.Name != "urn:dev:1" || !id.CID {
		t.Errorf("the server sees %+v", id)
	}
	if id := ce.Path.Security; id.Kind != machine.X509 || id.Name != "server" {
		t.Errorf("the client sees %+v", id)
	}
	if ce.Suite != ECDHEECDSAWithAES128CCM8 || !bytes.Equal(se.Peer.Key, x.client.PublicKey()) || !bytes.Equal(ce.Peer.Chain[0], x.server.Chain()[0]) {
		t.Errorf("%v %+v %+v", ce.Suite, ce.Peer, se.Peer)
	}
}

// Each suite, with chains and with raw public keys, and with one of each.
func TestCertificateSuites(t *testing.T) {
	for _, suite := range []Suite{ECDHEECDSAWithAES128CCM8, ECDHEECDSAWithAES128CCM, ECDHEECDSAWithAES128GCM} {
		for name, c := range map[string]struct {
			change         func(x *certWorld, c, s *Config)
			client, server machine.SecurityKind // as the other side sees them
		}{
			"X.509":    {nil, machine.X509, machine.X509},
			"raw keys": {raw, machine.RPK, machine.RPK},
			"raw client": {func(x *certWorld, c, s *Config) {
				trust, s1 := x.dialing.Verify, *s
				raw(x, c, s)
				x.server, x.dialing.Verify, x.dialing.PeerKinds = s1.Certificate("").with(t), trust, []machine.SecurityKind{machine.X509}
				x.server = x.ca.issue("server", dns("server.example"))
			}, machine.RPK, machine.X509},
			"raw server": {func(x *certWorld, c, s *Config) { // its certificate can be shown as a raw public key
				x.dialing.Verify = (&Trust{Keys: [][]byte{x.server.PublicKey()}}).Verify
				x.dialing.PeerKinds = []machine.SecurityKind{machine.RPK, machine.X509}
			}, machine.X509, machine.RPK},
			"anonymous client": {func(x *certWorld, c, s *Config) {
				x.dialing.Certificate, s.ClientAuth, s.Verify = nil, NotAsked, nil
			}, machine.NoSecurity, machine.X509},
			"client with none": {func(x *certWorld, c, s *Config) {
				x.dialing.Certificate, s.ClientAuth = nil, MayProve
			}, machine.NoSecurity, machine.X509},
			"client with one, asked for": {func(x *certWorld, c, s *Config) { s.ClientAuth = MayProve }, machine.X509, machine.X509},
			"client with one, not asked": {func(x *certWorld, c, s *Config) { s.ClientAuth = NotAsked }, machine.NoSecurity, machine.X509},
		} {
			t.Run(suite.String()+"/"+name, func(t *testing.T) {
				x := newCertWorld(t, 2, c.change)
				x.dialing.Suites = []Suite{suite}
				for _, resumed := range []bool{false, true} {
					ce, se := x.connect()
					if ce.Path.Security.Kind != c.server || se.Path.Security.Kind != c.client || ce.Suite != suite || ce.Resumed != resumed {
						t.Errorf("client %+v %+v, server %+v", ce, ce.Path.Security, se.Path.Security)
					}
					wantName, wantPeer := "", false
					if c.client == machine.X509 {
						wantName, wantPeer = "urn:dev:1", true
					} else if c.client == machine.RPK {
						wantName, wantPeer = KeyName(x.client.PublicKey()), true
					}
					if se.Path.Security.Name != wantName || (se.Peer != nil) != wantPeer || ce.Peer == nil {
						t.Errorf("the server sees %+v, %+v, the client %+v", se.Path.Security, se.Peer, ce.Peer)
					}
					x.dialing.Resume = ce.Resume
				}
			})
		}
	}
}

// With a pre-shared key and a certificate side by side the client's order decides, and what the server has.
func TestCertificateOrKey(t *testing.T) {
	x := newCertWorld(t, 3, nil)
	x.dialing.Identity, x.dialing.Key = testIdentity, []byte(testKey)
	if ce, se := x.connect(); ce.Suite != PSKWithAES128CCM8 || se.Path.Security.Kind != machine.PSK || ce.Peer != nil {
		t.Errorf("%+v", ce)
	}
	x = newCertWorld(t, 3, func(_ *certWorld, _, s *Config) {
		s.PSK = func([]byte) ([]byte, bool) { return nil, false }
		s.Suites = certificateSuites()
	})
	x.dialing.Identity, x.dialing.Key = testIdentity, []byte(testKey)
	if ce, se := x.connect(); ce.Suite != ECDHEECDSAWithAES128CCM8 || se.Path.Security.Kind != machine.X509 {
		t.Errorf("%+v", ce)
	}
}

func certificateSuites() []Suite {
	return []Suite{ECDHEECDSAWithAES128CCM8, ECDHEECDSAWithAES128CCM, ECDHEECDSAWithAES128GCM}
}

// A flight with chains goes in fragments where it must, and every datagram may be lost once.
func TestCertificateLoss(t *testing.T) {
	for _, mtu := range []int{1232, 200} {
		for n, total := 0, 0; n <= total; n++ {
			x := newCertWorld(t, 4, func(x *certWorld, c, s *Config) {
				between := x.ca.under(77, nil)
				x.client = between.issue("urn:dev:1", nil).with(t, between.der)
				x.dialing.Certificate = x.client
				c.MTU, s.MTU, s.CIDLen = mtu, mtu, 8
			})
			x.filter = func(d *datagram) bool { return d.n != n }
			id := x.start()
			x.run(3 * time.Minute)
			if n == 0 {
				total = x.n
			}
			x.filter = nil
			se := last[*Established](x.world.server)
			if se == nil {
				t.Fatalf("MTU %d, datagram %d lost: no session\n%s", mtu, n, x.transcript())
			}
			x.exchange(id, se.Session)
			if c := count[*Established](x.world.server); c != 1 {
				t.Errorf("MTU %d, datagram %d lost: %d sessions", mtu, n, c)
			}
		}
	}
}

// max_fragment_length binds what carries a chain, too.
func TestCertificateFragments(t *testing.T) {
	x := newCertWorld(t, 6, func(x *certWorld, c, _ *Config) {
		between := x.ca.under(77, nil)
		x.server = between.issue("server", dns("server.example")).with(t, between.der)
		c.MaxFragment = 512
	})
	x.filter = func(d *datagram) bool {
		for b := d.data; len(b) > 0; {
			var r record
			rest, ok := r.decode(b, 8)
			if !ok || r.epoch == 0 && len(r.body) > 512 {
				t.Errorf("%s", describe(d.data))
				break
			}
			b = rest
		}
		return true
	}
	x.connect()
	if text := x.transcript(); !strings.Contains(text, "Certificate[") {
		t.Errorf("nothing in fragments:\n%s", text)
	}
}

// Random loss, duplication and reordering: Finished before CertificateVerify, for one.
func TestCertificateChaos(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		mtu := []int{200, 508, 1232}[r.IntN(3)]
		x := newCertWorld(t, seed, func(x *certWorld, c, s *Config) {
			if seed%2 == 0 {
				raw(x, c, s)
			}
			c.MTU, s.MTU, c.Retransmissions, s.Retransmissions = mtu, mtu, 20, 20
			c.CIDLen, s.CIDLen = 8*r.IntN(2), 8*r.IntN(2)
		})
		chaos := func(d *datagram) bool {
			if r.IntN(100) < 15 {
				c := *d
				c.at = c.at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
				x.queue = append(x.queue, c)
			}
			d.at = d.at.Add(time.Duration(r.IntN(200)) * time.Millisecond)
			return r.IntN(100) >= 20
		}
		for range 2 {
			x.filter = chaos
			x.start()
			x.run(20 * time.Minute)
			x.filter = nil
			ce, se := last[*Established](x.world.client), last[*Established](x.world.server)
			if ce == nil || se == nil || ce.Resumed != se.Resumed || ce.Suite != se.Suite || se.Path.Security.Name != x.client.Name() {
				t.Fatalf("seed %d: %+v %+v\n%s", seed, ce, se, x.transcript())
			}
			x.exchange(ce.Session, se.Session)
			x.dialing.Resume = ce.Resume
		}
	}
}

// The server chooses its certificate by the name that the client asks for.
func TestCertificateByName(t *testing.T) {
	asked := []string{}
	x := newCertWorld(t, 5, func(x *certWorld, _, s *Config) {
		s.Certificate = func(name string) *Certificate {
			asked = append(asked, name)
			if name == "server.example" || name == "" {
				return x.server
			}
			return nil
		}
	})
	x.connect()
	x.dialing.ServerName = "192.0.2.1" // no literal is sent
	x.server = x.ca.issue("server", address("192.0.2.1"))
	x.connect()
	x.dialing.ServerName = "other.example"
	x.start()
	x.run(time.Minute)
	if got := strings.Join(asked, ","); got != "server.example,,other.example" {
		t.Errorf("asked for %q", got)
	}
	if c := last[*Closed](x.world.client); c == nil || c.Reason != (AlertError{alertHandshakeFailure}) {
		t.Errorf("%+v", c)
	}
}

func TestNewCertificate(t *testing.T) {
	ca := newAuthority(t, 1)
	a, b := ca.issue("a", nil), ca.issue("b", nil)
	_, keyB := testKeyPair(t, ca.seed)
	if a.Kind() != machine.X509 || a.Raw().Kind() != machine.RPK || a.Name() != "a" || a.Raw().Name() != KeyName(a.PublicKey()) {
		t.Errorf("%v %v", a, a.Raw())
	}
	c, err := CertificateFromPEM([]byte(pemOf(a)))
	if err != nil || !c.same(a) {
		t.Errorf("%v %v", c, err)
	}
	for what, f := range map[string]func() (*Certificate, error){
		"this is no private key":      func() (*Certificate, error) { return NewCertificate([]byte{1, 2, 3}) },
		"not that of the certificate": func() (*Certificate, error) { return NewCertificate(keyB, a.Chain()...) },
		"cannot be used": func() (*Certificate, error) {
			return NewCertificate(keyB, otherCurve(t, elliptic.P384()))
		},
		"more certificates than": func() (*Certificate, error) { return NewCertificate(keyB, make9(b.Chain()[0])...) },
		"no private key in PEM":  func() (*Certificate, error) { return CertificateFromPEM([]byte(pemOfAuthority(ca))) },
		"two private keys":       func() (*Certificate, error) { return CertificateFromPEM([]byte(pemOf(a)), []byte(pemOf(b))) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s := a.GoString() + a.String(); strings.Contains(s, a.key.D.String()) || !strings.Contains(s, "x509 a") {
		t.Error("a certificate prints as ", s)
	}
}

func make9(der []byte) (chain [][]byte) {
	for range maxChain + 1 {
		chain = append(chain, der)
	}
	return chain
}

// A server uses its certificate only with what the client can read (RFC 8422 section 5.1, RFC 9155 section 2).
func TestCertificateNegotiation(t *testing.T) {
	ca := newAuthority(t, 1)
	own := ca.issue("server", nil)
	for _, c := range []struct {
		what   string
		change func(x *extensions)
		ok     bool
	}{
		{"all", func(*extensions) {}, true},
		{"no groups named", func(x *extensions) { x.groups = nil }, true},
		{"another group", func(x *extensions) { x.groups = []byte{0, 29} }, false},
		{"no signatures named", func(x *extensions) { x.signatures = nil }, false},
		{"other signatures", func(x *extensions) { x.signatures = []byte{2, 3, 5, 3} }, false},
		{"either type", func(x *extensions) { x.serverTypes, x.clientTypes = []byte{2, 2, 0}, []byte{2, 0, 2} }, true},
		{"unknown types of the server", func(x *extensions) { x.serverTypes = []byte{1, 1} }, false},
		{"unknown types of the client", func(x *extensions) { x.clientTypes = []byte{1, 1} }, false},
		{"types without sense", func(x *extensions) { x.serverTypes = []byte{9, 0} }, false},
	} {
		m := baseHello()
		m.suites = []byte{0xC0, 0xAE}
		m.ext.groups, m.ext.signatures = []byte{0, 23}, []byte{4, 3}
		c.change(&m.ext)
		_, answer, h := answerTo(t, Config{Certificate: func(string) *Certificate { return own }, Verify: Anyone}, &m)
		if (h != nil) != c.ok || c.ok != strings.Contains(answer, "Certificate") {
			t.Errorf("%s: %s", c.what, answer)
		}
		if h != nil && (string(h.ext.serverTypes) != "\x02" || string(h.ext.clientTypes) != "\x00") && m.ext.serverTypes != nil {
			t.Errorf("%s: types %x %x", c.what, h.ext.serverTypes, h.ext.clientTypes)
		}
	}
}
