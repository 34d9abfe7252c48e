package device

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

const factoryTOML = `
[bootstrap]
uri = "coaps://bs.example:5784"
identity = "lamp-bs"
key = "00ff"
hold_off = 10
account_timeout = 3600
security_instance = 4

[[server]]
id = 123
uri = "coaps://[2001:db8::1]"
identity = "lamp"
key = "0102"
lifetime = 300
priority = 1
failure_block = true
bootstrap_on_failure = false
retry_count = 3
storing = true
mute_send = false

[[server]]
id = 7
uri = "coap://192.0.2.7"
lifetime = 0

[[access]]
object = 3
instance = 0
owner = 123
rights = { 0 = "R", 7 = "RWE" }
`

const factoryJSON = `{
 "bootstrap": {"uri": "coaps://bs.example:5784", "identity": "lamp-bs", "key": "00ff", "hold_off": 10, "account_timeout": 3600, "security_instance": 4},
 "server": [
  {"id": 123, "uri": "coaps://[2001:db8::1]", "identity": "lamp", "key": "0102", "lifetime": 300, "priority": 1, "failure_block": true,
   "bootstrap_on_failure": false, "retry_count": 3, "storing": true, "mute_send": false},
  {"id": 7, "uri": "coap://192.0.2.7", "lifetime": 0}],
 "access": [{"object": 3, "instance": 0, "owner": 123, "rights": {"0": "R", "7": "RWE"}}]
}`

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFactory(t *testing.T) {
	retry := client.DefaultRetry
	retry.Count = 3
	want := &Factory{
		Servers: []client.Account{
			{Bootstrap: true, URI: "coaps://bs.example:5784", Identity: "lamp-bs", Key: []byte{0, 255}, SecurityInstance: 4, HoldOff: 10 * time.Second, AccountTimeout: time.Hour},
			{ShortID: 123, URI: "coaps://[2001:db8::1]", Identity: "lamp", Key: []byte{1, 2}, Lifetime: 300 * time.Second, Priority: 1,
				FailureBlock: true, NoBootstrapOnFailure: true, Retry: &retry, Storing: true, Unmuted: true},
			{ShortID: 7, URI: "coap://192.0.2.7", Key: []byte{}, Lifetime: -1},
		},
		Access: []client.AccessControl{{Object: 3, Owner: 123, Rights: []client.ServerRights{{Server: 0, Rights: 1}, {Server: 7, Rights: 7}}}},
	}
	for name, text := range map[string]string{"f.toml": factoryTOML, "f.json": factoryJSON} {
		got, err := ReadFactory(write(t, name, text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\nwant\n%+v", name, got, want)
		}
		if _, err := client.New(client.Config{Rand: machinetest.NewRand(1), Servers: got.Servers, Access: got.Access}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFactoryErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"f.toml", "", "neither a bootstrap server nor a server"},
		{"f.toml", "[bootstrap]\nurl = \"coap://x\"", "line 2: bootstrap.url is not known here"},
		{"f.toml", "[bootstrap]\nkey = \"secret\"", "bootstrap: the key is not hexadecimal"},
		{"f.toml", "[[server]]\nid = 70000", "line 2"},
		{"f.toml", "[[server", "line 1"},
		{"f.toml", "[[server]]\nid = 1\n[[access]]\nrights = { x = \"R\" }", "no Short Server ID"},
		{"f.toml", "[[server]]\nid = 1\n[[access]]\nrights = { 1 = \"Q\" }", "letters of R, W, E, D and C"},
		{"f.json", `{"servers": []}`, "servers"},
		{"f.json", `{} {}`, "more than one"},
		{"f.json", strings.Repeat(" ", 1<<20+1), "larger than 1 MiB"},
	} {
		_, err := ReadFactory(write(t, c.name, c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := ReadFactory(filepath.Join(t.TempDir(), "nothing")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func FuzzFactory(f *testing.F) {
	f.Add([]byte(factoryTOML), false)
	f.Add([]byte(factoryJSON), true)
	f.Fuzz(func(t *testing.T, b []byte, json bool) {
		var file factoryFile
		decode := decodeTOML
		if json {
			decode = decodeJSON
		}
		if decode(b, &file) != nil {
			return
		}
		if out, err := file.factory(""); err == nil {
			// Whatever it says: New takes it or says why not.
			_, _ = client.New(client.Config{Rand: machinetest.NewRand(1), Servers: out.Servers, Access: out.Access})
		}
	})
}

// TestFactoryProofs reads accounts with a raw public key and a certificate from files beside the factory's.
func TestFactoryProofs(t *testing.T) {
	dir := t.TempDir()
	der, err := dtls.GenerateKey(machinetest.NewRand(1))
	if err != nil {
		t.Fatal(err)
	}
	own, err := dtls.NewCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if kind != "" {
			b = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b})
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("lamp.key", "PRIVATE KEY", der)
	file("server.pub", "PUBLIC KEY", own.PublicKey())
	const good = "[[server]]\nid = 1\nuri = \"coaps://h\"\nprivate_key = \"lamp.key\"\nserver_cert = \"server.pub\"\n"
	f, err := ReadFactory(file("good.toml", "", []byte(good)))
	if err != nil {
		t.Fatal(err)
	}
	if a := f.Servers[0]; a.Mode != machine.RPK || string(a.Key) != string(der) || string(a.ServerKey) != string(own.PublicKey()) {
		t.Errorf("%+v", a)
	}
	if _, err := client.New(client.Config{Rand: machinetest.NewRand(1), Endpoint: "lamp", Servers: f.Servers}); err != nil {
		t.Error(err)
	}
	for text, why := range map[string]string{
		good + "key = \"00\"":                      "not both",
		good + "certificate = \"none.pem\"":        "a device with a certificate needs a certificate",
		"[[server]]\nid = 1\nprivate_key = \"x\"":  "go together",
		strings.ReplaceAll(good, "lamp.key", "no"): "private key: open",
	} {
		if _, err := ReadFactory(file("bad.toml", "", []byte(text))); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "server 1") {
			t.Errorf("%v, want %q", err, why)
		}
	}
}
