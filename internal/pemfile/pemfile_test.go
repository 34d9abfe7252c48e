package pemfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// material is a private key (PKCS #8), its public key and a certificate of its own.
func material(t *testing.T) (private, public, certificate []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lamp"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	if private, err = x509.MarshalPKCS8PrivateKey(key); err == nil {
		if public, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err == nil {
			certificate, err = x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return private, public, certificate
}

func TestFiles(t *testing.T) {
	private, public, certificate := material(t)
	dir := t.TempDir()
	file := func(name string, blocks ...*pem.Block) string {
		path := filepath.Join(dir, name)
		var b []byte
		for _, x := range blocks {
			b = append(b, pem.EncodeToMemory(x)...)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, cert := &pem.Block{Type: "PRIVATE KEY", Bytes: private}, &pem.Block{Type: "CERTIFICATE", Bytes: certificate}
	params := &pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}}
	both := file("both.pem", params, cert, key)
	raw := filepath.Join(dir, "raw.der")
	if err := os.WriteFile(raw, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{both, raw} {
		if got, err := Certificates(path); err != nil || len(got) != 1 || !bytes.Equal(got[0], certificate) {
			t.Errorf("certificates of %s: %x %v", path, got, err)
		}
	}
	c, err := Certificate(both, both)
	if err != nil || c.Kind() != machine.X509 || c.Name() != "lamp" {
		t.Errorf("certificate: %v %v", c, err)
	}
	if c, err = Certificate("", both); err != nil || c.Kind() != machine.RPK || !bytes.Equal(c.PublicKey(), public) {
		t.Errorf("raw public key: %v %v", c, err)
	}
	if b, kind, err := Peer(both); err != nil || kind != machine.X509 || !bytes.Equal(b, certificate) {
		t.Errorf("peer's certificate: %v %v", kind, err)
	}
	if b, kind, err := Peer(file("public.pem", &pem.Block{Type: "PUBLIC KEY", Bytes: public})); err != nil || kind != machine.RPK || !bytes.Equal(b, public) {
		t.Errorf("peer's public key: %v %v", kind, err)
	}
	if pool, err := Roots(both); err != nil || pool == nil {
		t.Errorf("roots: %v", err)
	}
}

func TestFileErrors(t *testing.T) {
	private, _, certificate := material(t)
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for name, tt := range map[string]struct {
		err error
		why string
	}{
		"no file":       {second(PrivateKey(filepath.Join(dir, "none"))), "no such file"},
		"two keys":      {second(PrivateKey(file("two", append(key, key...)))), "2 private keys"},
		"with password": {second(PrivateKey(file("password", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: private})))), "has a password"},
		"key no cert":   {second(Certificates(file("key", key))), "no certificate"},
		"bad cert":      {second(Certificates(file("bad", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate[:99]})))), "cannot be read"},
		"large":         {second(Roots(file("large", make([]byte, most+1)))), "larger than 1 MiB"},
		"no roots":      {second(Roots(file("text", []byte("hello")))), "cannot be read"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.why) || bytes.Contains([]byte(tt.err.Error()), key[30:60]) {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
	if _, _, err := Peer(file("neither", []byte("hello"))); err == nil || !strings.Contains(err.Error(), "neither") {
		t.Errorf("neither: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
