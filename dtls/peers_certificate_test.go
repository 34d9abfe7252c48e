//go:build peers

package dtls

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// certFiles are the certificates of a test and where a peer finds its own.
type certFiles struct {
	ca                   *authority
	ours, its            *Certificate
	caFile, cert, public string // the authority; the peer's certificate with its key; its public key
}

// certificates makes them new: a chain with an authority between, so that more than one certificate is sent.
func certificates(t *testing.T, ourName, itsName string) certFiles {
	ca := newAuthority(t, uint64(time.Now().UnixNano()))
	between := ca.under(ca.seed+1, nil)
	here := func(c *x509.Certificate) { // Scandium asks for the name of the address
		address("127.0.0.1")(c)
		dns("localhost")(c)
	}
	f := certFiles{ca: ca, ours: between.issue(ourName, here).with(t, between.der), its: between.issue(itsName, here).with(t, between.der)}
	dir := t.TempDir()
	f.caFile, f.cert, f.public = filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "public")
	writeFile(t, f.caFile, pemOfAuthority(ca))
	writeFile(t, f.cert, pemOf(f.its))
	writeFile(t, f.public, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: f.its.PublicKey()})))
	return f
}

func (f certFiles) trust() *Trust {
	return &Trust{Roots: pool(f.ca), Keys: [][]byte{f.its.PublicKey()}}
}

var opensslCertNames = map[Suite]string{
	ECDHEECDSAWithAES128CCM8: "ECDHE-ECDSA-AES128-CCM8", ECDHEECDSAWithAES128CCM: "ECDHE-ECDSA-AES128-CCM", ECDHEECDSAWithAES128GCM: "ECDHE-ECDSA-AES128-GCM-SHA256",
}

var gnutlsCertNames = map[Suite]string{
	ECDHEECDSAWithAES128CCM8: "+AES-128-CCM-8", ECDHEECDSAWithAES128CCM: "+AES-128-CCM", ECDHEECDSAWithAES128GCM: "+AES-128-GCM",
}

func gnutlsCertPriority(s Suite, types string) string {
	return "NONE:+VERS-DTLS1.2:+ECDHE-ECDSA:" + gnutlsCertNames[s] + ":+AEAD:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256:+GROUP-SECP256R1:+COMP-NULL" + types
}

// certClient meets our server with a tool that is a client.
func certClient(t *testing.T, f certFiles, suite Suite, loss int, raw bool, run func(port string) *tool) {
	own := f.ours
	if raw {
		own = own.Raw()
	}
	d := newDriver(t, Config{Suites: []Suite{suite}, CIDLen: 8, RetransmitInitial: 300 * time.Millisecond,
		Certificate: func(string) *Certificate { return own }, Verify: f.trust().Verify})
	lossy(d, loss)
	x := run(fmt.Sprint(d.local.Port()))
	d.until("Established", func() bool { return lastOf[*Established](d) != nil || lastOf[*Refused](d) != nil })
	if r := lastOf[*Refused](d); r != nil {
		t.Fatalf("%+v", r)
	}
	d.drop = nil
	e := lastOf[*Established](d)
	want, name := machine.X509, f.its.Name()
	if raw {
		want, name = machine.RPK, f.its.Raw().Name()
	}
	if id := e.Path.Security; e.Suite != suite || id.Kind != want || id.Name != name {
		t.Errorf("%+v %+v", e, id)
	}
	talkWithClient(d, e, x)
}

// certServer meets a tool that is a server.
func certServer(t *testing.T, f certFiles, suite Suite, loss int, raw bool, run func(port string) *tool, echo bool) {
	port := freePort(t)
	x := run(fmt.Sprint(port)) // a hello that comes too early is repeated
	d := newDriver(t, Config{RetransmitInitial: 300 * time.Millisecond})
	lossy(d, loss)
	c := ClientConfig{Certificate: f.ours, Verify: f.trust().Verify, Suites: []Suite{suite}, ServerName: "127.0.0.1"}
	want := machine.X509
	if raw {
		c.Certificate, want = f.ours.Raw(), machine.RPK
	}
	e := d.dial(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)), c)
	d.drop = nil
	if e.Suite != suite || e.Path.Security.Kind != want || string(e.Peer.Key) != string(f.its.PublicKey()) {
		t.Errorf("%+v %+v", e, e.Path.Security)
	}
	talkWithServer(d, e, x, echo)
}

func forCertificates(t *testing.T, f func(t *testing.T, suite Suite, loss int), losses ...int) {
	for _, suite := range certificateSuites() {
		for _, loss := range append([]int{0}, losses...) {
			if loss > 0 && suite != ECDHEECDSAWithAES128CCM8 { // what is lost has no suite yet
				continue
			}
			t.Run(fmt.Sprintf("%v/loss=%d", suite, loss), func(t *testing.T) { t.Parallel(); f(t, suite, loss) })
		}
	}
}

func TestOpenSSLCertificateClient(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "us", "urn:dev:openssl")
		certClient(t, f, suite, loss, false, func(port string) *tool {
			return start(t, "openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:"+port, "-cipher", opensslCertNames[suite]+":@SECLEVEL=0",
				"-cert", f.cert, "-key", f.cert, "-cert_chain", f.cert, "-CAfile", f.caFile, "-verify_return_error", "-verify_ip", "127.0.0.1", "-mtu", "600")
		})
	}, 3)
}

func TestOpenSSLCertificateServer(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "urn:dev:us", "openssl")
		certServer(t, f, suite, loss, false, func(port string) *tool {
			return start(t, "openssl", "s_server", "-dtls1_2", "-listen", "-accept", "127.0.0.1:"+port, "-cipher", opensslCertNames[suite]+":@SECLEVEL=0",
				"-cert", f.cert, "-key", f.cert, "-cert_chain", f.cert, "-CAfile", f.caFile, "-Verify", "3", "-verify_return_error", "-mtu", "600")
		}, false)
	}, 3)
}

func TestGnuTLSCertificateClient(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "us", "urn:dev:gnutls")
		certClient(t, f, suite, loss, false, func(port string) *tool {
			return start(t, "gnutls-cli", "--udp", "--priority", gnutlsCertPriority(suite, ":+CTYPE-X509"), "--x509cafile", f.caFile, "--x509certfile", f.cert,
				"--x509keyfile", f.cert, "--port", port, "127.0.0.1")
		})
	}, 3)
}

func TestGnuTLSCertificateServer(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "urn:dev:us", "gnutls")
		certServer(t, f, suite, loss, false, func(port string) *tool {
			return start(t, "gnutls-serv", "--udp", "--echo", "--priority", gnutlsCertPriority(suite, ":+CTYPE-X509"), "--x509cafile", f.caFile, "--x509certfile", f.cert,
				"--x509keyfile", f.cert, "--require-client-cert", "--verify-client-cert", "--port", port)
		}, true)
	}, 3)
}

// GnuTLS has raw public keys (RFC 7250). It does not look at whose they are.
func TestGnuTLSRawKeyClient(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "us", "its")
		certClient(t, f, suite, loss, true, func(port string) *tool {
			return start(t, "gnutls-cli", "--udp", "--insecure", "--no-ca-verification", "--priority", gnutlsCertPriority(suite, ":+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"),
				"--rawpkkeyfile", f.cert, "--rawpkfile", f.public, "--port", port, "127.0.0.1")
		})
	})
}

func TestGnuTLSRawKeyServer(t *testing.T) {
	forCertificates(t, func(t *testing.T, suite Suite, loss int) {
		f := certificates(t, "us", "its")
		certServer(t, f, suite, loss, true, func(port string) *tool {
			return start(t, "gnutls-serv", "--udp", "--echo", "--priority", gnutlsCertPriority(suite, ":+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"),
				"--rawpkkeyfile", f.cert, "--rawpkfile", f.public, "--require-client-cert", "--port", port)
		}, true)
	})
}

// Who is not believed is told so.
func TestOpenSSLUntrusted(t *testing.T) {
	for _, c := range []struct {
		what string
		args func(f certFiles) []string
		want error
		says string
	}{
		{"another authority", func(f certFiles) []string {
			g := certificates(t, "x", "y")
			return []string{"-cert", g.cert, "-key", g.cert}
		}, ErrUntrusted, "unknown ca"},
		{"none", func(certFiles) []string { return nil }, ErrNoCertificate, "handshake failure"},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := certificates(t, "us", "its")
			d := newDriver(t, Config{Certificate: func(string) *Certificate { return f.ours }, Verify: f.trust().Verify})
			x := start(t, "openssl", append([]string{"s_client", "-dtls1_2", "-connect", fmt.Sprint(d.local), "-cipher", "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"}, c.args(f)...)...)
			d.until("Refused", func() bool { return lastOf[*Refused](d) != nil })
			if r := lastOf[*Refused](d); !errors.Is(r.Reason, c.want) {
				t.Errorf("%+v", r)
			}
			d.until("alert", func() bool { return strings.Contains(x.output(), c.says) })
		})
	}
}

// tshark reads the messages of a handshake with certificates, and of one with raw public keys.
func TestTsharkCertificates(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark is missing: install the package tshark")
	}
	t.Parallel()
	for name, change := range map[string]func(x *certWorld, c, s *Config){"x509": nil, "rpk": raw} {
		var all []datagram
		x := newCertWorld(t, 91, change)
		x.filter = func(d *datagram) bool { all = append(all, *d); return true }
		x.connect()
		file := t.TempDir() + "/capture.pcap"
		writeFile(t, file, string(pcap(all)))
		fields := []string{"-r", file, "-d", "udp.port==5684,dtls", "-T", "fields"}
		for _, f := range []string{"_ws.col.Info", "_ws.malformed", "dtls.handshake.cert_type.type",
			"x509sat.uTF8String", "x509sat.printableString"} {
			fields = append(fields, "-e", f)
		}
		out, err := exec.Command(path, fields...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		text := string(out)
		seen := map[string]string{"x509": "CA,urn:dev:1", "rpk": "0x02,0x02"}[name]
		for _, s := range []string{seen, "Server Hello, Certificate, Server Key Exchange, Certificate Request, Server Hello Done", "Certificate, Client Key Exchange, Certificate Verify, Change Cipher Spec"} {
			if !strings.Contains(text, s) || strings.Contains(text, "alformed") {
				t.Errorf("%s: %q is missing, or something is malformed, in\n%s", name, s, text)
			}
		}
	}
}
