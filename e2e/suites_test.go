//go:build peers

package e2e

import (
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// Every cipher suite, as a client of the peer's meets `heddle server`.
var suites = []struct {
	java, number   string // Scandium's name; the number that tshark shows
	openssl, gnutl string // the names for OpenSSL's and GnuTLS's tools, "" where they have no such suite
}{
	{"TLS_PSK_WITH_AES_128_CCM_8", "0xc0a8", "PSK-AES128-CCM8", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CCM-8"},
	{"TLS_PSK_WITH_AES_128_CCM", "0xc0a4", "PSK-AES128-CCM", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CCM"},
	{"TLS_PSK_WITH_AES_128_GCM_SHA256", "0x00a8", "PSK-AES128-GCM-SHA256", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-GCM"},
	{"TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", "0xd001", "", ""},
	{"TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", "0xd003", "", ""},
	{"TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", "0xd005", "", ""},
	{"TLS_PSK_WITH_AES_128_CBC_SHA256", "0x00ae", "PSK-AES128-CBC-SHA256", "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256"},
}

func TestSuitesWithLeshan2(t *testing.T) {
	s := peer.HeddleServer(t, "--dtls-cbc")
	s.Credentials("leshan", "id", key)
	for _, suite := range suites {
		t.Run(suite.java, func(t *testing.T) {
			relay := peer.NewRelay(t, s.CoAPS, 1, peer.Faults{})
			device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+relay.Addr(), "--identity", "id", "--key", key, "--suites", suite.java)
			device.Expect("registered")
			want(t, operate(t, s, "leshan", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
			shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(s.CoAPS) + ",dtls"}}
			shark.NoneMalformed(t)
			shark.Filter = "dtls.handshake.type == 2"
			if rows := shark.Fields(t, "dtls.handshake.ciphersuite"); len(rows) != 1 || rows[0][0] != suite.number {
				t.Errorf("ServerHello chose %v, want %s", rows, suite.number)
			}
			device.Send("stop")
			device.Expect("deregistered")
		})
	}
}

// OpenSSL's client reaches the end of the handshake in each suite that it has, and is told nothing with a wrong key.
func TestSuitesWithOpenSSL(t *testing.T) {
	s := peer.HeddleServer(t, "--dtls-cbc")
	s.Credentials("openssl", "id", key)
	for _, suite := range suites {
		if suite.openssl == "" {
			continue
		}
		t.Run(suite.openssl, func(t *testing.T) {
			connect := func(identity, key string) *peer.Process {
				return peer.Start(t, "openssl as "+identity, "openssl", "s_client", "-dtls1_2", "-connect", s.CoAPS, "-cipher", suite.openssl, "-psk_identity", identity, "-psk", key)
			}
			p := connect("id", key)
			p.ExpectLine("Cipher is " + suite.openssl)
			p.ExpectLine("Extended master secret: yes")
			p.ExpectLine("Secure Renegotiation IS supported")
			p.Stop()
			if out := p.Output(); strings.Contains(out, "alert") {
				t.Errorf("the handshake did not end well:\n%s", out)
			}
			// From outside a wrong key and an unknown identity look the same: decrypt_error.
			connect("id", "ff"+key[2:]).ExpectLine("SSL alert number 51")
			connect("nobody", key).ExpectLine("SSL alert number 51")
		})
	}
}

func TestSuitesWithGnuTLS(t *testing.T) {
	s := peer.HeddleServer(t, "--dtls-cbc")
	s.Credentials("gnutls", "id", key)
	for _, suite := range suites {
		if suite.gnutl == "" {
			continue
		}
		t.Run(suite.java, func(t *testing.T) {
			p := peer.Start(t, "gnutls", "gnutls-cli", "--udp", "--pskusername", "id", "--pskkey", key, "--priority", suite.gnutl, "-p", port(s.CoAPS), "127.0.0.1")
			p.ExpectLine("Handshake was completed")
		})
	}
}
