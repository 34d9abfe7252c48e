package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
)

// issued is a key pair with a certificate, in DER.
type issued struct {
	key                          *ecdsa.PrivateKey
	private, public, certificate []byte
}

func issue(t *testing.T, name string, by *issued) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: by == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	parent, signer := c, key
	if by != nil {
		c.KeyUsage = x509.KeyUsageDigitalSignature
		if parent, err = x509.ParseCertificate(by.certificate); err != nil {
			t.Fatal(err)
		}
		signer = by.key
	}
	i := &issued{key: key}
	if i.certificate, err = x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer); err != nil {
		t.Fatal(err)
	}
	if i.private, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	if i.public, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		t.Fatal(err)
	}
	return i
}

// file writes DER as PEM.
func file(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.ReplaceAll(kind, " ", "-"))
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Devices that know their bootstrap server only, by a PSK, are given a raw public key and a certificate, and register with them.
func TestETS_2_BootstrapOfCertificates(t *testing.T) {
	ca := issue(t, "the authority", nil)
	own, raw, lamp := issue(t, "the server", ca), issue(t, "raw", ca), issue(t, "serial 1234", ca)
	p, err := Start(Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Version: "test",
		Bootstrap: true, BootstrapCoAP: []string{"127.0.0.1:0"}, BootstrapCoAPS: []string{"127.0.0.1:0"},
		Proof: Proof{Key: file(t, "PRIVATE KEY", own.private), Certificate: file(t, "CERTIFICATE", own.certificate), Authorities: file(t, "CERTIFICATE", ca.certificate), Listed: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	token, _, err := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	var info api.Info
	get(t, p, token, "GET", "/api/v1/server", &info)
	if info.PublicKey != base64.StdEncoding.EncodeToString(own.public) || info.Certificate != base64.StdEncoding.EncodeToString(own.certificate) {
		t.Errorf("the server says that it has the key %q and the certificate %q", info.PublicKey, info.Certificate)
	}
	for _, d := range []struct {
		name, mode          string
		device              *issued
		public, server      []byte
		resources, identity string
	}{
		{"raw", "rpk", raw, raw.public, own.public, `{}`, ""},
		{"lamp", "x509", lamp, lamp.certificate, ca.certificate, `{"15": 2, "14": "the server"}`, "serial 1234"},
	} {
		body := fmt.Sprintf(`{"account": {"mode": "psk", "identity": "BS-%s", "key": "%s"}, "delete": ["/0", "/1"], "servers": [{"uri": "coaps://%s", "mode": "%s", "key": "%x",
			"publicKey": "%x", "serverPublicKey": "%x", "securityResources": %s, "shortServerId": 7, "lifetime": 3600}]}`,
			d.name, hexKey, p.DeviceAddress(true), d.mode, d.device.private, d.public, d.server, d.resources)
		if code := put(t, p, token, "/api/v1/bootstrap/configurations/"+d.name, body); code != 201 {
			t.Fatal(code)
		}
		var shown any
		get(t, p, token, "GET", "/api/v1/bootstrap/configurations/"+d.name, &shown)
		if s := fmt.Sprint(shown); strings.Contains(s, hex.EncodeToString(d.device.private)) || !strings.Contains(s, hex.EncodeToString(d.public)) {
			t.Errorf("the configuration of %s shows its private key, or not its public one", d.name)
		}
		deviceFor(t, d.name, "coaps://"+p.BootstrapAddress(true).String(), "BS-"+d.name, "0123456789abcdef")
		eventually(t, d.name+" registers", func() bool { return p.Fleet.Registration(d.name) != nil })
		row, _ := p.Fleet.Client(d.name, false)
		if row.Security.Mode != d.mode || d.identity != "" && row.Security.Identity != d.identity {
			t.Errorf("%s: %+v", d.name, row.Security)
		}
		if code := get(t, p, token, "GET", "/api/v1/clients/"+d.name+"/objects/3/0/0", nil); code != 200 {
			t.Errorf("%s is read with %d", d.name, code)
		}
	}
}
