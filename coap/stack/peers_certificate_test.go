//go:build peers

package stack

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/e2e/peer"
	"heddle.example/machine"
)

// libcoap with certificates (OpenSSL, GnuTLS) and with raw public keys (GnuTLS), both roles. OpenSSL makes the certificates.

type pki struct {
	dir   string
	ours  *dtls.Certificate
	trust *dtls.Trust
}

func (p pki) file(name string) string { return filepath.Join(p.dir, name) }

func newPKI(t *testing.T) pki {
	p := pki{dir: t.TempDir()}
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = p.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	if err := os.WriteFile(p.file("names"), []byte("subjectAltName=DNS:localhost,IP:127.0.0.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"}
	run(append([]string{"req", "-x509", "-days", "2", "-subj", "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem"}, key...)...)
	for _, who := range []string{"ours", "its"} {
		run(append([]string{"req", "-new", "-subj", "/CN=" + who, "-keyout", who + ".key", "-out", who + ".csr"}, key...)...)
		run("x509", "-req", "-in", who+".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", who+".pem")
	}
	run("pkey", "-in", "its.key", "-pubout", "-out", "its.pub")
	read := func(name string) []byte {
		b, err := os.ReadFile(p.file(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var err error
	if p.ours, err = dtls.CertificateFromPEM(read("ours.key"), read("ours.pem")); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read("ca.pem"))
	block, _ := pem.Decode(read("its.pub"))
	p.trust = &dtls.Trust{Roots: roots, Keys: [][]byte{block.Bytes}}
	// libcoap reads a raw public key from one file with both halves.
	if err := os.WriteFile(p.file("its.rpk"), append(read("its.key"), read("its.pub")...), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

var certificateCases = []struct {
	tls  string
	kind machine.SecurityKind
}{{"openssl", machine.X509}, {"gnutls", machine.X509}, {"gnutls", machine.RPK}}

// args are what libcoap's programs want to hear.
func (p pki) args(kind machine.SecurityKind) []string {
	if kind == machine.RPK {
		return []string{"-M", p.file("its.rpk")}
	}
	return []string{"-c", p.file("its.pem"), "-j", p.file("its.key"), "-R", p.file("ca.pem")}
}

func (p pki) own(kind machine.SecurityKind) *dtls.Certificate {
	if kind == machine.RPK {
		return p.ours.Raw()
	}
	return p.ours
}

func TestLibcoapCertificateClient(t *testing.T) {
	for _, c := range certificateCases {
		t.Run(fmt.Sprintf("%s %v", c.tls, c.kind), func(t *testing.T) {
			t.Parallel()
			p := newPKI(t)
			r := onHostWith(t, true, func(d *dtls.Config) {
				d.Certificate = func(string) *dtls.Certificate { return p.own(c.kind) }
				d.Verify = p.trust.Verify
			})
			a := peer.CoapClient{TLS: c.tls, Method: "get", URI: "coaps://" + r.secure.String() + "/small", Options: p.args(c.kind)}.Do(t)
			if a.Code != "2.05" || a.Payload != "hello" {
				t.Errorf("get: %s %q\n%s", a.Code, a.Payload, a.Log)
			}
			select {
			case path := <-r.sessions:
				if id := path.Security; id.Kind != c.kind || c.kind == machine.X509 && id.Name != "its" {
					t.Errorf("%+v", id)
				}
			case <-time.After(10 * time.Second): // that it is closed by now says nothing
				t.Errorf("no session; %d refusals", len(r.refusals))
			}
		})
	}
}

func TestLibcoapCertificateServer(t *testing.T) {
	for _, c := range certificateCases {
		t.Run(fmt.Sprintf("%s %v", c.tls, c.kind), func(t *testing.T) {
			t.Parallel()
			p := newPKI(t)
			server := netip.MustParseAddrPort(peer.UDPPort(t))
			peer.Start(t, "coap-server-"+c.tls, tool(t, "coap-server-"+c.tls), append([]string{"-A", "127.0.0.1", "-p", fmt.Sprint(server.Port())}, p.args(c.kind)...)...)
			r := onHost(t, false)
			path := r.sessionAs(machine.Path{Local: r.local, Remote: netip.AddrPortFrom(server.Addr(), server.Port()+1)},
				dtls.ClientConfig{Certificate: p.own(c.kind), Verify: p.trust.Verify, ServerName: "127.0.0.1"})
			if id := path.Security; id.Kind != c.kind || c.kind == machine.X509 && id.Name != "its" {
				t.Errorf("%+v", id)
			}
			a := r.ask(path, &endpoint.Request{Code: coap.GET, Options: coap.Options{}.AppendPath("/")})
			if a.Err != nil || !strings.HasPrefix(string(a.Payload), "This is a test server") {
				t.Errorf("get: %+v", a)
			}
		})
	}
}
