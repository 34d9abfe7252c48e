//go:build peers

package thread

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var _ = story(scenario{"SecureCoAPCertificates", secureCoAPCertificates})

// theirCertificate writes the certificate for tests that OpenThread's nodes carry into files, and returns the environment that
// makes a node of ours use them: so the two makers can believe each other.
func theirCertificate(t testing.TB) []string {
	t.Helper()
	header, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(openThread(t, "real", "ot-cli-ftd"))), "source", "src", "cli", "x509_cert_key.hpp"))
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for variable, name := range map[string]string{"HEDDLE_COAPS_CERT": "X509_CERT", "HEDDLE_COAPS_KEY": "PRIV_KEY", "HEDDLE_COAPS_CA": "TRUSTED_ROOT_CERTIFICATE"} {
		m := regexp.MustCompile(`#define OT_CLI_COAPS_` + name + `((?:[^\n]*\\\n)+[^\n]*)`).FindSubmatch(header)
		if m == nil {
			t.Fatalf("x509_cert_key.hpp has no OT_CLI_COAPS_%s", name)
		}
		var text strings.Builder
		for _, line := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(string(m[1]), -1) {
			text.WriteString(strings.ReplaceAll(line[1], `\r\n`, "\n"))
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, variable+"="+file)
	}
	return env
}

// secureCoAPCertificates has nodes that know each other's authority ask each other by coaps, and one whose authority nobody
// knows: it gets in only where nobody looks.
func secureCoAPCertificates(v *virtual, a, b maker) {
	known := theirCertificate(v.t)
	server, client, stranger := v.node(a, ftd, known...), v.node(b, ftd, known...), v.node(ours, ftd)
	form(server)
	join(client)
	join(stranger)
	client.state(90*time.Second, "router")
	stranger.state(90*time.Second, "router")
	server.all("coaps x509", "coaps resource sec 2", "coaps set hello", "coaps start")
	client.all("coaps x509", "coaps start true")
	stranger.all("coaps x509", "coaps start false")
	address := server.get("ipaddr mleid")
	connect := func(n *node, says string) {
		n.do("coaps connect %s", address)
		n.says(40*time.Second, says)
	}
	ends := func(n *node) {
		n.do("coaps disconnect")
		n.says(10*time.Second, "coaps disconnected")
		server.awaits(10*time.Second, "coaps isconnactive", "no")
	}
	connect(client, "coaps connected")
	client.do("coaps get sec con")
	client.says(10*time.Second, "with payload: 68656c6c6f")
	client.do("coaps get sec block-16")
	client.says(10*time.Second, "received block: Num 1 Len 16")
	ends(client)

	connect(stranger, "coaps disconnected")
	server.awaits(10*time.Second, "coaps isconnactive", "no")
	server.do("coaps stop")
	server.awaits(10*time.Second, "coaps isclosed", "yes")
	server.do("coaps start false")
	connect(stranger, "coaps connected")
	stranger.do("coaps get sec con")
	stranger.says(10*time.Second, "with payload: 68656c6c6f")
	ends(stranger)
	stranger.all("coaps stop", "coaps start")
	connect(stranger, "coaps disconnected") // now it looks
}
