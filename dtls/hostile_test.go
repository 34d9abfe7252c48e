package dtls

import (
	"bytes"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// tamper changes the body of the first message of a type, in a handshake without fragments.
func (x *certWorld) tamper(typ byte, change func(body []byte)) {
	x.filter = func(d *datagram) bool {
		for b := d.data; len(b) > 0; {
			var r record
			rest, ok := r.decode(b, 8)
			if !ok {
				break
			}
			b = rest
			var f fragment
			if r.typ != contentHandshake || r.epoch != 0 {
				continue
			}
			if _, ok := f.decode(r.body); ok && f.typ == typ {
				change(f.body)
			}
		}
		return true
	}
}

// What a handshake with certificates does about peers that lie. Nobody is let in, the other side is told why as far as it
// may know, nothing is left, and nobody is asked about a certificate whose private key was not proved.
func TestHostileCertificates(t *testing.T) {
	stolen := func(c, thief *Certificate) *Certificate { // the chain of one with the key of another
		return &Certificate{key: thief.key, public: c.public, chain: c.chain, message: c.message, name: c.name}
	}
	shows := func(c *Certificate, body []byte) *Certificate {
		return &Certificate{key: c.key, public: c.public, chain: c.chain, message: body, name: c.name}
	}
	for _, c := range []struct {
		what           string
		change         func(x *certWorld, c, s *Config)
		later          func(x *certWorld)
		client, server error // how the client's try ends, and what the server's operator reads
	}{
		{what: "somebody between changes the server's key", later: func(x *certWorld) {
			x.tamper(typeServerKeyExchange, func(b []byte) { copy(b[4:], anotherPoint(t)) })
		}, client: ErrSignature, server: AlertError{alertDecryptError}},
		{what: "somebody between changes the signature", later: func(x *certWorld) {
			x.tamper(typeServerKeyExchange, func(b []byte) { b[len(b)-1] ^= 1 })
		}, client: ErrSignature, server: AlertError{alertDecryptError}},
		{what: "somebody between changes the algorithm", later: func(x *certWorld) {
			x.tamper(typeServerKeyExchange, func(b []byte) { b[4+65] = 2 }) // SHA-1
		}, client: ErrSignature, server: AlertError{alertDecryptError}},
		{what: "somebody between puts the key off the curve", later: func(x *certWorld) {
			x.tamper(typeServerKeyExchange, func(b []byte) { b[40] ^= 1 })
		}, client: ErrProtocol, server: AlertError{alertIllegalParameter}},
		{what: "a server without the private key", change: func(x *certWorld, _, _ *Config) {
			x.server = stolen(x.server, x.client)
		}, client: ErrSignature, server: AlertError{alertDecryptError}},
		{what: "a client without the private key", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = stolen(x.client, x.server)
		}, client: AlertError{alertDecryptError}, server: ErrSignature},
		{what: "somebody between changes the client's signature", later: func(x *certWorld) {
			x.tamper(typeCertificateVerify, func(b []byte) { b[len(b)-1] ^= 1 })
		}, client: AlertError{alertDecryptError}, server: ErrSignature},
		{what: "a client signs with what nobody asked for", later: func(x *certWorld) {
			x.tamper(typeCertificateVerify, func(b []byte) { b[0] = 2 })
		}, client: AlertError{alertIllegalParameter}, server: ErrProtocol},
		{what: "a client that shows nothing", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = nil
		}, client: AlertError{alertHandshakeFailure}, server: ErrNoCertificate},
		{what: "a server that shows nothing", change: func(x *certWorld, _, _ *Config) {
			x.server = shows(x.server, []byte{0, 0, 0})
		}, client: ErrNoCertificate, server: AlertError{alertHandshakeFailure}},
		{what: "a client of another authority", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = newAuthority(t, 99).issue("urn:dev:1", nil)
		}, client: AlertError{alertUnknownCA}, server: ErrUntrusted},
		{what: "a server of another authority", change: func(x *certWorld, _, _ *Config) {
			x.server = newAuthority(t, 99).issue("server", dns("server.example"))
		}, client: ErrUntrusted, server: AlertError{alertUnknownCA}},
		{what: "a server with another name", change: func(x *certWorld, _, _ *Config) {
			x.server = x.ca.issue("server", dns("other.example"))
		}, client: errOtherName, server: AlertError{alertBadCertificate}},
		{what: "a client with a key on another curve", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = shows(x.client, appendChain(nil, [][]byte{otherCurve(t, elliptic.P384())}))
		}, client: AlertError{alertUnsupportedCert}, server: errOtherKey},
		{what: "a server with a key on another curve", change: func(x *certWorld, _, _ *Config) {
			x.server = shows(x.server, appendChain(nil, [][]byte{otherCurve(t, elliptic.P521())}))
		}, client: errOtherKey, server: AlertError{alertUnsupportedCert}},
		{what: "a chain of more than anybody needs", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = shows(x.client, appendChain(nil, make9(x.client.chain[0])))
		}, client: AlertError{alertBadCertificate}, server: errLongChain},
		{what: "a chain that no message can hold", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = shows(x.client, appendChain(nil, [][]byte{x.client.chain[0], make([]byte, maxMessage)}))
		}, client: ErrTimeout, server: ErrTimeout},
		{what: "rubbish", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = shows(x.client, []byte{0, 0, 9, 0, 0, 6, 1, 2, 3, 4, 5, 6})
		}, client: AlertError{alertBadCertificate}, server: errBadCertificate},
		{what: "rubbish about lengths", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = shows(x.client, []byte{0, 0, 4, 0, 0, 6, 1})
		}, client: AlertError{alertDecodeError}, server: ErrProtocol},
		{what: "a name that is too long", change: func(x *certWorld, _, _ *Config) {
			x.dialing.Certificate = x.ca.issue(strings.Repeat("n", 400), nil)
		}, client: AlertError{alertBadCertificate}, server: errBadCertificate},
		{what: "a raw public key that nobody knows", change: func(x *certWorld, c, s *Config) {
			raw(x, c, s)
			s.Verify = (&Trust{Keys: [][]byte{x.server.PublicKey()}}).Verify
		}, client: AlertError{alertCertUnknown}, server: ErrUntrusted},
		{what: "a server's raw public key that nobody knows", change: func(x *certWorld, c, s *Config) {
			raw(x, c, s)
			x.dialing.Verify = (&Trust{Keys: [][]byte{x.client.PublicKey()}}).Verify
		}, client: ErrUntrusted, server: AlertError{alertCertUnknown}},
		{what: "a certificate where a raw public key was asked for", change: func(x *certWorld, c, s *Config) {
			x.dialing.PeerKinds = []machine.SecurityKind{machine.RPK}
		}, later: func(x *certWorld) { // a server that does not know RFC 7250
			x.tamper(typeClientHello, func(b []byte) { copy(b[bytes.Index(b, []byte{0, extServerCertType, 0, 2}):], []byte{0, 99}) })
		}, client: errCertificateType, server: AlertError{alertUnsupportedCert}},
		{what: "a raw public key where a certificate was asked for", change: func(x *certWorld, _, _ *Config) {
			x.server = x.server.Raw()
		}, client: AlertError{alertHandshakeFailure}, server: ErrNoSuite},
		{what: "who decides says no", change: func(x *certWorld, _, s *Config) {
			s.Verify = func(*Peer) (string, error) { return "", errors.New("never heard of it") }
		}, client: AlertError{alertCertUnknown}, server: ErrUntrusted},
		{what: "a server without a certificate", change: func(x *certWorld, _, s *Config) { s.Certificate = nil },
			client: AlertError{alertHandshakeFailure}, server: ErrNoSuite},
	} {
		t.Run(c.what, func(t *testing.T) {
			asked := 0
			watch := func(f func(*Peer) (string, error), who error) func(*Peer) (string, error) {
				return func(p *Peer) (string, error) {
					asked++
					if errors.Is(who, ErrSignature) {
						t.Error("somebody was asked about a key that is not proved")
					}
					return f(p)
				}
			}
			x := newCertWorld(t, 7, func(x *certWorld, cc, s *Config) {
				cc.MTU, s.MTU = 9000, 9000
				if c.change != nil {
					c.change(x, cc, s)
				}
				x.dialing.Verify = watch(x.dialing.Verify, c.client)
				s.Verify = watch(s.Verify, c.server)
			})
			if c.later != nil {
				c.later(x)
			}
			x.start()
			x.run(10 * time.Minute)
			if got := last[*Closed](x.world.client); got == nil || !errors.Is(got.Reason, c.client) {
				t.Errorf("the client's try ended with %+v", got)
			}
			if got := last[*Refused](x.world.server); got == nil || !errors.Is(got.Reason, c.server) {
				t.Errorf("the operator reads %+v", got)
			}
			for _, n := range []*node{x.world.client, x.world.server} {
				if n.e.slab.live != 0 || len(n.e.paths.pending) != 0 || n.e.Deadline() != machine.Never {
					t.Errorf("%s keeps something", n.name)
				}
			}
		})
	}
}

func anotherPoint(t *testing.T) []byte {
	k, err := ecdh.P256().NewPrivateKey(append(make([]byte, 31), 9))
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey().Bytes()
}

// A client that has shown a certificate is not finished without CertificateVerify.
func TestNoCertificateVerify(t *testing.T) {
	x := newCertWorld(t, 8, nil)
	x.filter = func(d *datagram) bool { return !strings.Contains(describe(d.data), "CertificateVerify") }
	x.start()
	x.run(time.Second)
	slot := x.world.server.e.findPending(x.world.server.pathTo(clientAddr))
	s := x.world.server.e.slab.at(slot)
	s.hs.state = serverWaitVerify
	if err := x.world.server.e.serverMessage(s, typeFinished, 9, make([]byte, 12)); !errors.Is(err, errUnexpected) {
		t.Error(err)
	}
}

// An earlier session is resumed only by who would be let in today.
func TestCertificateResumption(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(x *certWorld)
		full   bool // a full handshake instead, with this end
		ok     bool
	}{
		{"nothing has changed", func(x *certWorld) {}, false, true},
		{"another certificate", func(x *certWorld) { x.dialing.Certificate = x.ca.issue("urn:dev:2", nil) }, true, true},
		{"another server name", func(x *certWorld) {
			x.dialing.ServerName = "other.example"
			x.server = x.ca.issue("server", dns("other.example"))
		}, true, true},
		{"the client believes others", func(x *certWorld) { x.dialing.Verify = (&Trust{Roots: pool(newAuthority(x.t, 60))}).Verify }, true, false},
		{"the client wants a raw public key", func(x *certWorld) {
			x.dialing.PeerKinds = []machine.SecurityKind{machine.RPK}
			x.dialing.Verify = (&Trust{Keys: [][]byte{x.server.PublicKey()}}).Verify
		}, true, true},
		{"the server believes others", func(x *certWorld) {
			x.world.server.e.cfg.Verify = (&Trust{Roots: pool(newAuthority(x.t, 60))}).Verify
		}, true, false},
		{"the server has another name for it", func(x *certWorld) {
			x.world.server.e.cfg.Verify = func(*Peer) (string, error) { return "renamed", nil }
		}, true, true},
		{"its time is over", func(x *certWorld) { x.now = x.now.Add(2 * time.Hour) }, true, false},
		{"its name was invalidated", func(x *certWorld) { x.world.server.e.Invalidate(x.now, 0, "urn:dev:1"); x.drain(x.world.server) }, true, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			x := newCertWorld(t, 9, func(x *certWorld, _, _ *Config) {
				x.client = x.ca.issue("urn:dev:1", func(c *x509.Certificate) { c.NotAfter = testStart.Add(time.Hour) })
				x.dialing.Certificate = x.client
			})
			first, _ := x.connect()
			if first.Resume == nil {
				t.Fatal("nothing to resume with")
			}
			x.dialing.Resume = first.Resume
			c.change(x)
			before := count[*Established](x.world.server)
			x.start()
			x.run(3 * time.Minute)
			if ok := count[*Established](x.world.server) > before; ok != c.ok || ok && last[*Established](x.world.server).Resumed == c.full {
				t.Errorf("%+v", last[*Established](x.world.server))
			}
		})
	}
}

// A session with certificates outlives a restart as the one that it was.
func TestCertificateRestart(t *testing.T) {
	x := newCertWorld(t, 10, func(_ *certWorld, _, s *Config) { s.Durable = true })
	ce, se := x.connect()
	r, ok := x.world.server.e.Export(se.Session)
	if !ok {
		t.Fatal("no record")
	}
	if len(r.Value) > 200 {
		t.Errorf("a record of %d bytes", len(r.Value))
	}
	cfg := x.world.server.e.cfg
	cfg.Nest, cfg.Rand = nil, newTestRand(5)
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Restore(x.now, bytes.Clone(r.Key), bytes.Clone(r.Value)); err != nil {
		t.Fatal(err)
	}
	x.world.server.e, x.world.server.seen = e, 0
	if _, id, ok := e.Lookup(se.Session); !ok || id.Kind != machine.X509 || id.Name != "urn:dev:1" || !id.Resumed {
		t.Errorf("%+v", id)
	}
	x.write(x.world.client, ce.Session, "after the restart")
	x.run(time.Second)
	if got := x.world.server.lastData(); got != "after the restart" {
		t.Errorf("received %q", got)
	}
}
