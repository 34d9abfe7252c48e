//go:build peers

package e2e

import (
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// heddleClient starts `heddle client` towards an address; commands go to its standard input.
func heddleClient(t *testing.T, to string, flags ...string) *peer.Process {
	t.Helper()
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		t.Fatal(err)
	}
	return peer.Heddle(t, append([]string{"client", "-h", host, "-p", port, "-n", "heddle", "--object", "3303"}, flags...)...)
}

// do sends a command to a Leshan server and returns its answer.
func do(t *testing.T, server *peer.Process, code string, command ...string) peer.Event {
	t.Helper()
	server.Send("%s", strings.Join(command, " "))
	e := server.Expect("response", "op="+command[0], "path="+command[2])
	if e.Field("code") != code {
		t.Errorf("%v: %v, want %s", command, e, code)
	}
	return e
}

// manageHeddle goes through all operations from the side of a Leshan server.
func manageHeddle(t *testing.T, server *peer.Process) {
	t.Helper()
	const ep = "heddle"
	if e := do(t, server, "205", "read", ep, "/3/0"); e.Field("value.0") == "" || e.Field("value.16") != "U" {
		t.Errorf("Device is %v", e)
	}
	for _, format := range []string{"TLV", "SENML_JSON", "SENML_CBOR"} {
		want(t, do(t, server, "205", "read", ep, "/31024", format), map[string]string{"value.10.1": "20", "value.11.1": "21", "value.12.3": "-27.98"})
	}
	for _, format := range []string{"TEXT", "CBOR", "TLV", "SENML_JSON", "SENML_CBOR"} {
		want(t, do(t, server, "205", "read", ep, "/31024/11/1", format), map[string]string{"value": "21"})
	}
	do(t, server, "404", "read", ep, "/31024/99")
	do(t, server, "204", "write", ep, "/31024/10/1", "77")
	want(t, do(t, server, "205", "read", ep, "/31024/10/1"), map[string]string{"value": "77"})
	do(t, server, "400", "write", ep, "/31024/10/1", "256")
	do(t, server, "204", "update", ep, "/31024/10", "3=2.5")
	want(t, do(t, server, "205", "read", ep, "/31024/10"), map[string]string{"value.1": "77", "value.3": "2.5"})
	do(t, server, "204", "replace", ep, "/31024/10", "1=6", "3=1.5", "5=c0ffee")
	want(t, do(t, server, "205", "read", ep, "/31024/10"), map[string]string{"value.1": "6", "value.3": "1.5", "value.5": "wP/u"})
	do(t, server, "405", "write", ep, "/3/0/9", "5")
	do(t, server, "204", "execute", ep, "/31024/10/2")
	do(t, server, "405", "execute", ep, "/31024/10/1")
	do(t, server, "201", "create", ep, "/31024/40", "1=5")
	do(t, server, "201", "create", ep, "/31024", "1=8")
	do(t, server, "202", "delete", ep, "/31024/40")
	do(t, server, "404", "read", ep, "/31024/40")
	if e := do(t, server, "205", "discover", ep, "/3"); !strings.Contains(e.Field("links"), "</3/0/9>") {
		t.Errorf("Discover: %v", e)
	}
	do(t, server, "204", "attributes", ep, "/31024/10/1", "pmin=0&pmax=60")
	do(t, server, "205", "observe", ep, "/31024/10/1")
	server.Forget()
	do(t, server, "204", "write", ep, "/31024/10/1", "42")
	server.Expect("notification", "path=/31024/10/1", "value=42")
	do(t, server, "", "cancel", ep, "/31024/10/1")
}

func TestHeddleClientWithLeshan2ServerOverCoap(t *testing.T) {
	at := peer.UDPPort(t)
	server := peer.Leshan2Server(t, "--coap", at)
	device := heddleClient(t, at)
	device.ExpectLine("State: STATE_READY")
	server.Expect("registered", "ep=heddle", "version=1.1", "lifetime=300")
	manageHeddle(t, server)
	device.Send("lwstop")
	server.Expect("deregistered", "ep=heddle", "expired=false")
}

// Over DTLS, and again after the device was killed. It has its session still: with the server's connection ID no handshake
// is needed; without one its new port is a stranger to the server, and it shakes hands anew.
func TestHeddleClientWithLeshan2ServerOverCoaps(t *testing.T) {
	for _, cid := range []string{"off", "6"} {
		t.Run("cid "+cid, func(t *testing.T) {
			at := peer.UDPPort(t)
			server := peer.Leshan2Server(t, "--coaps", at, "--psk", "heddle,id,"+key, "--cid", cid)
			relay := peer.NewRelay(t, at, 1, peer.Faults{})
			data := filepath.Join(t.TempDir(), "device")
			flags := []string{"-i", "id", "-s", key, "--data", data}
			device := heddleClient(t, relay.Addr(), flags...)
			device.ExpectLine("State: STATE_READY")
			server.Expect("registered", "ep=heddle", "identity=Identity [psk=id]")
			manageHeddle(t, server)

			device.Kill()
			server.Forget()
			mark := relay.Mark()
			device = heddleClient(t, relay.Addr(), flags...)
			device.ExpectLine("State: STATE_READY")
			server.Expect("registered", "ep=heddle")
			want(t, do(t, server, "205", "read", "heddle", "/31024/12/1"), map[string]string{"value": "22"})
			handshake := false
			for _, d := range relay.Since(mark) {
				handshake = handshake || slices.Contains(contentTypes(t, d, 6), 22)
			}
			if handshake != (cid == "off") {
				t.Errorf("handshake records after the restart: %v", handshake)
			}
			device.Send("lwstop")
			server.Expect("deregistered", "ep=heddle", "expired=false")
			peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(at) + ",dtls"}}.NoneMalformed(t)
		})
	}
}

// Each suite towards Leshan 2's server, on a link that loses and reorders.
func TestHeddleClientOverABadLink(t *testing.T) {
	for i, suite := range suites {
		t.Run(suite.java, func(t *testing.T) {
			at := peer.UDPPort(t)
			server := peer.Leshan2Server(t, "--coaps", at, "--psk", "heddle,id,"+key, "--suites", suite.java)
			relay := peer.NewRelay(t, at, uint64(i), peer.Faults{Loss: 0.05, Duplicate: 0.1, Reorder: 0.1})
			device := heddleClient(t, relay.Addr(), "-i", "id", "-s", key, "--dtls-cbc")
			device.ExpectLine("State: STATE_READY")
			server.Expect("registered", "ep=heddle")
			want(t, do(t, server, "205", "read", "heddle", "/31024/12/1"), map[string]string{"value": "22"})
		})
	}
}
