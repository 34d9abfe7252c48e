package bootstrap

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"reflect"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// pair is a private key, its public key and a certificate of its own, in DER.
type pair struct{ private, public, certificate []byte }

func newPair(t *testing.T, name string) (p pair) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now(), NotAfter: now().Add(time.Hour)}
	var errs [3]error
	p.private, errs[0] = x509.MarshalPKCS8PrivateKey(key)
	p.public, errs[1] = x509.MarshalPKIXPublicKey(&key.PublicKey)
	p.certificate, errs[2] = x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return p
}

// proved is a good configuration with a key pair for the device.
func proved(mode machine.SecurityKind, device, own pair) *Configuration {
	c := demo("demo")
	s := &c.Servers[0]
	s.Mode, s.Identity, s.Key = mode, "", device.private
	if s.Public, s.ServerPublic = device.public, own.public; mode == machine.X509 {
		s.Public, s.ServerPublic = device.certificate, own.certificate
	}
	return c
}

func TestCheckProofs(t *testing.T) {
	device, own := newPair(t, "serial 1234"), newPair(t, "the server")
	for _, c := range []struct {
		where  string
		mode   machine.SecurityKind
		change func(c *Configuration, s *Server)
	}{
		{"", machine.RPK, func(*Configuration, *Server) {}},
		{"", machine.X509, func(*Configuration, *Server) {}},
		{"", machine.X509, func(_ *Configuration, s *Server) {
			s.Security = []bootstrap.Resource{{ID: 13, Value: lwm2m.Uint(1)}, {ID: 15, Value: lwm2m.Uint(3)}}
			s.ServerPublic = make([]byte, 32)
		}},
		{"servers[0].mode", machine.RPK, func(c *Configuration, s *Server) { c.Endpoint, c.Reach = "demo*", Reach{} }},
		{"servers[0].identity", machine.RPK, func(_ *Configuration, s *Server) { s.Identity = "x" }},
		{"servers[0].generateKey", machine.RPK, func(_ *Configuration, s *Server) { s.Generate = true }},
		{"servers[0].key", machine.RPK, func(_ *Configuration, s *Server) { s.Key = nil }},
		{"servers[0].key", machine.RPK, func(_ *Configuration, s *Server) { s.Key = []byte("0123456789abcdef") }},
		{"servers[0].key", machine.X509, func(_ *Configuration, s *Server) { s.Key = own.private }},
		{"servers[0].publicKey", machine.RPK, func(_ *Configuration, s *Server) { s.Public = own.public }},
		{"servers[0].publicKey", machine.X509, func(_ *Configuration, s *Server) { s.Public = nil }},
		{"servers[0].serverPublicKey", machine.RPK, func(_ *Configuration, s *Server) { s.ServerPublic = nil }},
		{"servers[0].serverPublicKey", machine.RPK, func(_ *Configuration, s *Server) { s.ServerPublic = own.certificate }},
		{"servers[0].serverPublicKey", machine.X509, func(_ *Configuration, s *Server) { s.ServerPublic = own.public }},
		{"servers[0].uri", machine.X509, func(_ *Configuration, s *Server) { s.URI = "coap://h" }},
	} {
		conf := proved(c.mode, device, own)
		c.change(conf, &conf.Servers[0])
		var invalid *Invalid
		got := ""
		if errors.As(Check(conf, registry.Builtin()), &invalid) {
			got = invalid.Items[0].Where
		}
		if got != c.where {
			t.Errorf("want %q, got %q: %v", c.where, got, invalid)
		}
	}
}

// The device is given its key pair, and this program's own server knows it by that; after a restart too.
func TestLocalProofs(t *testing.T) {
	device, own := newPair(t, "serial 1234"), newPair(t, "the server")
	for _, tt := range []struct {
		mode             machine.SecurityKind
		number           int64
		identity         string
		public, toBelief []byte
	}{
		{machine.RPK, 1, dtls.KeyName(device.public), device.public, own.public},
		{machine.X509, 2, "serial 1234", device.certificate, own.certificate},
	} {
		r := newRig(t)
		r.put(demo("demo")) // it had a PSK before
		c := proved(tt.mode, device, own)
		if tt.mode == machine.RPK {
			c.Servers[0].Public = nil // the private key has it
		}
		stored := r.put(c)
		r.open()
		again, _ := r.table.Get("demo")
		if !reflect.DeepEqual(stored, again) {
			t.Fatalf("\n%+v\n%+v", stored, again)
		}
		if have, ok := r.creds.Get("demo"); !ok || have.Mode != tt.mode || have.Identity != tt.identity {
			t.Errorf("%v: the server has %+v", tt.mode, have)
		}
		r.creds.Delete("demo")
		if r.table.Ready("demo", again) {
			t.Errorf("%v: nothing to store", tt.mode)
		}
		p, err := r.table.Give("demo", again)
		if err != nil {
			t.Fatal(err)
		}
		given := p.Accounts[0].Security
		if n, _ := given[2].Value.AsInt(); n != tt.number || given[3].Value.Raw() != string(tt.public) || given[4].Value.Raw() != string(tt.toBelief) || given[5].Value.Raw() != string(device.private) {
			t.Errorf("%v: the device is given %v", tt.mode, given)
		}
		if have, ok := r.creds.Get("demo"); !ok || have.Mode != tt.mode || !r.table.Ready("demo", again) {
			t.Errorf("%v: the server has %+v", tt.mode, have)
		}
		// A person who edits it leaves the private key out.
		edited := proved(tt.mode, device, own)
		edited.Servers[0].Key, edited.Servers[0].Lifetime = nil, 99
		if got := r.put(edited); string(got.Servers[0].Key) != string(device.private) {
			t.Errorf("%v: the private key is gone", tt.mode)
		}
	}
}
