package credentials

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"heddle.example/dtls"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// A public key of secp256r1 and one of secp384r1, which the DTLS layer has no use for.
const (
	p256 = "3059301306072a8648ce3d020106082a8648ce3d03010703420004462cc3d3230efe19d0173997dbd75329aec425a3cffb923c9295d94c91cbaf6f8c3056010b73418cf76fdf3238b9f5b44eab8a6ba4bb8713e29ea2e33bf650d7"
	p384 = "3076301006072a8648ce3d020106052b8104002203620004bf00463347a6097a4c9d9cce0de94145c4e5a8875cee28e2242d6f2b08ee5ffd6f286229ba29293d251bdd23d81db80ee2a21295f6ef3029cdd40d641c3697c688aed1a071216e0dc55d20c50554f21c2949b826342ac08cab7e1b463a9b51dd"
)

func bytesOf(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKinds(t *testing.T) {
	s := &memory{}
	c := open(t, s)
	rpk, x509 := RPK("lamp", bytesOf(t, p256)), X509("meter", "")
	for _, cr := range []server.Credential{rpk, x509, X509("valve", "name of the valve"), psk("old", "old")} {
		if _, err := c.Put(cr, true); err != nil {
			t.Fatalf("%s: %v", cr.Endpoint, err)
		}
	}
	if _, err := c.Put(RPK("thief", rpk.Key), true); !errors.Is(err, ErrConflict) {
		t.Errorf("one key for two endpoints: %v", err)
	}
	for range 2 {
		if r, ok := c.ByIdentity([]byte(dtls.KeyName(rpk.Key))); !ok || r.Endpoint != "lamp" || r.Mode != machine.RPK || string(r.Key) != string(rpk.Key) {
			t.Errorf("the raw public key finds %+v", r)
		}
		if r, ok := c.ByIdentity([]byte("name of the valve")); !ok || r.Endpoint != "valve" || r.Mode != machine.X509 || len(r.Key) != 0 {
			t.Errorf("the name in the certificate finds %+v", r)
		}
		if r, ok := c.ByEndpoint("meter"); !ok || r.Identity != "meter" {
			t.Errorf("the endpoint finds %+v", r)
		}
		c = open(t, s)
	}
}

func TestCheckKinds(t *testing.T) {
	key := bytesOf(t, p256)
	good := RPK("a", key)
	for name, change := range map[string]func(c *server.Credential){
		"another curve":        func(c *server.Credential) { *c = RPK("a", bytesOf(t, p384)) },
		"no key":               func(c *server.Credential) { *c = RPK("a", nil) },
		"half a key":           func(c *server.Credential) { *c = RPK("a", key[:50]) },
		"something behind it":  func(c *server.Credential) { *c = RPK("a", append(key[:len(key):len(key)], 0)) },
		"another identity":     func(c *server.Credential) { c.Identity = "a" },
		"certificate with key": func(c *server.Credential) { *c = X509("a", ""); c.Key = key },
		"long name":            func(c *server.Credential) { *c = X509("a", strings.Repeat("x", 200)) },
	} {
		cr := good
		if change(&cr); !errors.Is(Check(cr), ErrInvalid) {
			t.Errorf("%s: %v", name, Check(cr))
		}
	}
}

func TestParsePublicKey(t *testing.T) {
	key := bytesOf(t, p256)
	armoured := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key}))
	for _, text := range []string{p256, " " + strings.ToUpper(p256) + "\n", base64.StdEncoding.EncodeToString(key), armoured} {
		if got, err := ParsePublicKey(text); err != nil || string(got) != string(key) {
			t.Errorf("%.20q: %x %v", text, got, err)
		}
	}
	for text, why := range map[string]string{
		"": "neither PEM", "lamp!": "neither PEM", p384: "P-256", p256[:20]: "SubjectPublicKeyInfo", strings.Repeat("30", 1000): "longer",
		strings.ReplaceAll(armoured, "PUBLIC", "PRIVATE"): "private key", strings.ReplaceAll(armoured, "PUBLIC KEY", "CERTIFICATE"): "certificate",
	} {
		if _, err := ParsePublicKey(text); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add(p256)
	f.Add(p384)
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParsePublicKey(text); err == nil && Check(RPK("a", key)) != nil {
			t.Errorf("%x is taken and is no credential: %v", key, Check(RPK("a", key)))
		}
	})
}
