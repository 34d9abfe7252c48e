//go:build peers

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// proof is what somebody proves himself with, in DER and as files in PEM.
type proof struct {
	private, public, certificate  []byte
	key, pub, cert                string // files
	privateKey                    *ecdsa.PrivateKey
	hexPrivate, hexPublic, hexCer string
}

func newProof(t *testing.T, name string, by *proof) *proof {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &proof{}
	var err error
	p.privateKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}
	parent, signer := c, p.privateKey
	if by == nil {
		c.IsCA, c.KeyUsage, c.IPAddresses = true, x509.KeyUsageCertSign, nil
	} else {
		parent, err = x509.ParseCertificate(by.certificate)
		must(err)
		signer = by.privateKey
	}
	p.certificate, err = x509.CreateCertificate(rand.Reader, c, parent, &p.privateKey.PublicKey, signer)
	must(err)
	p.private, err = x509.MarshalPKCS8PrivateKey(p.privateKey)
	must(err)
	p.public, err = x509.MarshalPKIXPublicKey(&p.privateKey.PublicKey)
	must(err)
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	p.key, p.pub, p.cert = file("key.pem", "PRIVATE KEY", p.private), file("pub.pem", "PUBLIC KEY", p.public), file("cert.pem", "CERTIFICATE", p.certificate)
	p.hexPrivate, p.hexPublic, p.hexCer = hex.EncodeToString(p.private), hex.EncodeToString(p.public), hex.EncodeToString(p.certificate)
	return p
}

// Leshan's devices register with a raw public key, and with a certificate whose server they know by its certificate or by its
// authority.
func TestLeshan2ClientWithKeysAndCertificates(t *testing.T) {
	t.Parallel()
	ca := newProof(t, "the authority", nil)
	own, raw, lamp := newProof(t, "the server", ca), newProof(t, "raw", ca), newProof(t, "lamp", ca)
	s := peer.HeddleServer(t, "--coaps-key", own.key, "--coaps-cert", own.cert, "--coaps-ca", ca.cert, "--coaps-listed")
	for endpoint, in := range map[string]values{"raw": {"mode": "rpk", "publicKey": raw.hexPublic}, "lamp": {"mode": "x509"}} {
		if a := s.REST("PUT", "/api/v1/credentials/"+endpoint, in); a.Status != 201 {
			t.Fatalf("credentials of %s: %d %s", endpoint, a.Status, a.Raw)
		}
	}
	device := peer.Leshan2Client(t, "--endpoint", "raw", "--server", "coaps://"+s.CoAPS, "--private", raw.hexPrivate, "--public", raw.hexPublic, "--server-public", own.hexPublic)
	device.Expect("registered")
	want(t, s.AwaitClient("raw").Body, map[string]string{"security.mode": "rpk"})
	if v := s.Read("raw", "/3/0/9"); v != "87" {
		t.Errorf("/3/0/9 is %s", v)
	}
	device.Send("stop")
	device.Expect("deregistered")

	certified := []string{"--endpoint", "lamp", "--server", "coaps://" + s.CoAPS, "--private", lamp.hexPrivate, "--certificate", lamp.hexCer}
	for _, c := range []struct{ usage, certificate string }{{"3", own.hexCer}, {"2", ca.hexCer}} {
		device := peer.Leshan2Client(t, append(certified, "--usage", c.usage, "--server-public", c.certificate)...)
		device.Expect("registered")
		want(t, s.AwaitClient("lamp").Body, map[string]string{"security.mode": "x509", "security.identity": "lamp"})
		if v := s.Read("lamp", "/3/0/9"); v != "87" {
			t.Errorf("/3/0/9 is %s", v)
		}
		device.Send("stop")
		device.Expect("deregistered")
	}
	// Without its credentials a certificate of the authority is not enough here.
	if a := s.REST("DELETE", "/api/v1/credentials/lamp", nil); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	device = peer.Leshan2Client(t, append(certified, "--usage", "3", "--server-public", own.hexCer)...)
	if _, ok := device.Await(peer.Timeout, "registration-failed"); !ok {
		t.Error("the registration does not fail")
	}
}

// Our devices register at Leshan's server with raw public keys and certificates.
func TestHeddleClientAtLeshan2WithKeysAndCertificates(t *testing.T) {
	t.Parallel()
	ca := newProof(t, "the authority", nil)
	own, raw, lamp := newProof(t, "the server", ca), newProof(t, "raw", ca), newProof(t, "heddle", ca)
	at := peer.UDPPort(t)
	server := peer.Leshan2Server(t, "--coaps", at, "--private", own.hexPrivate, "--certificate", own.hexCer, "--trust", ca.hexCer, "--x509", "heddle")
	for _, flags := range [][]string{
		{"--server-cert", own.cert},
		{"--server-cert", ca.cert, "--cert-usage", "2"},
		{"--server-cert", own.cert, "--cert-usage", "1", "--trust", ca.cert},
		{"--server-cert", ca.cert, "--cert-usage", "0", "--trust", ca.cert},
	} {
		device := heddleClient(t, at, append(flags, "--key", lamp.key, "--cert", lamp.cert)...)
		device.ExpectLine(" -> State: STATE_READY")
		server.Expect("registered", "ep=heddle")
		want(t, do(t, server, "205", "read", "heddle", "/31024/10/1"), map[string]string{"value": "20"})
		device.Send("exit")
		server.Expect("deregistered", "ep=heddle")
		server.Forget()
	}

	at = peer.UDPPort(t)
	server = peer.Leshan2Server(t, "--coaps", at, "--private", own.hexPrivate, "--public", own.hexPublic, "--rpk", "heddle,"+raw.hexPublic)
	device := heddleClient(t, at, "--key", raw.key, "--server-cert", own.pub)
	device.ExpectLine(" -> State: STATE_READY")
	want(t, do(t, server, "205", "read", "heddle", "/31024/10/1"), map[string]string{"value": "20"})

	other := heddleClient(t, at, "--key", raw.key, "--server-cert", raw.pub)
	other.ExpectLine("nobody knows its raw public key")
}
