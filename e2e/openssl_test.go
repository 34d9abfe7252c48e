//go:build peers

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"heddle.example/e2e/peer"
)

// OpenSSL comes back with its session: the second handshake is the short one (RFC 5246 section 7.3).
func TestResumptionByOpenSSL(t *testing.T) {
	s := peer.HeddleServer(t)
	s.Credentials("openssl", "id", key)
	file := filepath.Join(t.TempDir(), "session")
	args := []string{"s_client", "-dtls1_2", "-connect", s.CoAPS, "-cipher", "PSK-AES128-CCM8", "-psk_identity", "id", "-psk", key}
	p := peer.Start(t, "openssl, first", "openssl", append(args, "-sess_out", file)...)
	p.ExpectLine("New, TLSv1.2, Cipher is PSK-AES128-CCM8")
	p.Send("Q")
	p.End(peer.Timeout)
	peer.Start(t, "openssl, again", "openssl", append(args, "-sess_in", file)...).ExpectLine("Reused, TLSv1.2, Cipher is PSK-AES128-CCM8")
}

// `heddle client` towards the servers of OpenSSL and GnuTLS: the handshake ends well in each suite that they have.
func TestHeddleClientWithOpenSSLServer(t *testing.T) {
	for _, suite := range suites {
		if suite.openssl == "" {
			continue
		}
		t.Run(suite.openssl, func(t *testing.T) {
			at := peer.UDPPort(t)
			server := peer.Start(t, "openssl s_server", "openssl", "s_server", "-dtls1_2", "-accept", at, "-nocert", "-psk", key, "-psk_identity", "id", "-cipher", suite.openssl)
			server.ExpectLine("ACCEPT")
			heddleClient(t, at, "-i", "id", "-s", key, "--dtls-cbc")
			server.ExpectLine("CIPHER is " + suite.openssl)
			server.ExpectLine("Secure Renegotiation IS supported")
		})
	}
}

func TestHeddleClientWithGnuTLSServer(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "psk")
	if err := os.WriteFile(secrets, []byte("id:"+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, suite := range suites {
		if suite.gnutl == "" {
			continue
		}
		t.Run(suite.java, func(t *testing.T) {
			at := peer.UDPPort(t)
			server := peer.Start(t, "gnutls-serv", "gnutls-serv", "--udp", "--echo", "--pskpasswd", secrets, "--priority", suite.gnutl, "-p", port(at))
			server.ExpectLine("listening on IPv4")
			// An echo: the device's own Register comes back to it, it answers 4.04, and takes the echo of that for the
			// server's answer. So records go both ways.
			heddleClient(t, at, "-i", "id", "-s", key, "--dtls-cbc").ExpectLine("failed: 4.04 Not Found")
		})
	}
}
