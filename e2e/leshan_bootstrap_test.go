//go:build peers

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// Leshan's bootstrap server gives `heddle client` its server, in each of its formats, and as the device prefers.
func TestHeddleClientIsBootstrappedByLeshanOverCoap(t *testing.T) {
	s := peer.HeddleServer(t)
	for _, format := range []string{"", "TLV", "SENML_JSON", "SENML_CBOR"} {
		t.Run("format "+format, func(t *testing.T) {
			at := peer.UDPPort(t)
			flags := []string{"--coap", at, "--endpoint", "heddle", "--server", "7,120,coap://" + s.CoAP, "--delete", "/0", "--delete", "/1", "--auto", "on"}
			if format != "" {
				flags = append(flags, "--format", format)
			}
			bs := peer.LeshanBootstrapServer(t, flags...)
			relay := peer.NewRelay(t, at, 1, peer.Faults{})
			device := heddleClient(t, relay.Addr(), "-b", "--hold-off", "0")
			bs.Expect("initiated", "ep=heddle", "pct=SENML_CBOR")
			bs.Expect("bootstrapped", "ep=heddle")
			device.ExpectLine("STATE_READY")
			out := device.Output()
			if want := " -> State: STATE_BOOTSTRAPPING\n[BOOTSTRAP] backup security and server objects\n -> State: STATE_REGISTERING\n -> State: STATE_READY"; !strings.Contains(out, want) {
				t.Errorf("the device printed\n%s", out)
			}
			want(t, s.AwaitClient("heddle").Body, map[string]string{"version": "1.1", "lifetime": "120"})
			if n := s.Read("heddle", "/1/0/0"); n != "7" {
				t.Errorf("Short Server ID is %s", n)
			}
			if n := s.Read("heddle", "/1/0/2"); n != "1" {
				t.Errorf("default minimum period is %s", n)
			}
			device.Send("lwlist")
			device.ExpectLine("status: BOOTSTRAP FINISHED")
			device.ExpectLine("Server ID 7\tstatus: REGISTERED")
			device.Send("lwdisp")
			device.ExpectLine("shortServerId: 7, lifetime: 120, storing: true, binding: U, communicationRetryCount: 3")

			shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(at) + ",coap"}}
			shark.NoneMalformed(t)
			shark.Filter = `coap.code == 2 && coap.opt.uri_path_recon == "/bs"`
			if rows := shark.Fields(t, "coap.opt.uri_query"); len(rows) != 2 || rows[0][0] != "ep=heddle,pct=112" {
				t.Errorf("Bootstrap-Request and Finish: %q", rows)
			}
			shark.Filter = `coap.code == 3 && coap.opt.uri_path_recon contains "/1/"`
			if rows := shark.Fields(t, "coap.opt.uri_path_recon"); len(rows) == 0 {
				t.Errorf("there is no write of the Server object")
			}
			device.Send("lwstop")
			device.ExpectLine("STATE_INITIAL")
		})
	}
}

// Over DTLS: the device gets credentials of its own for the server. After kill -9 it goes on with them: no bootstrap, no
// handshake.
func TestHeddleClientIsBootstrappedByLeshanOverCoaps(t *testing.T) {
	const bsKey, newKey = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	s := peer.HeddleServer(t)
	s.Credentials("heddle", "heddle-id", newKey)
	at := peer.UDPPort(t)
	front := peer.NewRelay(t, at, 1, peer.Faults{})
	relay := peer.NewRelay(t, s.CoAPS, 1, peer.Faults{})
	bs := peer.LeshanBootstrapServer(t, "--coaps", at, "--endpoint", "heddle", "--psk", "heddle,bs-id,"+bsKey,
		"--bootstrap", "coaps://"+front.Addr()+",bs-id,"+bsKey, "--server", "1,300,coaps://"+relay.Addr()+",heddle-id,"+newKey, "--delete", "/1")
	data := filepath.Join(t.TempDir(), "device")
	flags := []string{"-b", "--hold-off", "0", "-i", "bs-id", "-s", bsKey, "--data", data}
	device := heddleClient(t, front.Addr(), flags...)
	bs.Expect("bootstrapped", "ep=heddle")
	device.ExpectLine("STATE_READY")
	want(t, s.AwaitClient("heddle").Body, map[string]string{"lifetime": "300"})
	operate(t, s, "heddle", "write", "/31024/10/1", "2.04", values{"value": 99})
	operate(t, s, "heddle", "write", "/1/0/1", "2.04", values{"value": 500})
	operate(t, s, "heddle", "write-attributes", "/3303/0/5700", "2.04", values{"attributes": values{"pmin": 7}})

	for range 2 {
		device.Kill()
		mark, bsMark := relay.Mark(), front.Mark()
		device = heddleClient(t, front.Addr(), flags...)
		device.ExpectLine("STATE_READY")
		if out := device.Output(); strings.Contains(out, "BOOTSTRAP") {
			t.Errorf("the restarted device bootstraps:\n%s", out)
		}
		s.Await("the value that was written before the restart", func() bool { return s.Read("heddle", "/31024/10/1") == "99" })
		if n := s.Read("heddle", "/1/0/1"); n != "500" {
			t.Errorf("the lifetime is %s", n)
		}
		if a := s.Operate("heddle", "discover", "/3303/0/5700", nil); !strings.Contains(a.Raw, "pmin") {
			t.Errorf("the attributes are gone: %s", a.Raw)
		}
		for _, d := range relay.Since(mark) {
			if slices.Contains(contentTypes(t, d, 8), 22) {
				t.Errorf("a handshake after the restart")
				break
			}
		}
		if n := len(front.Since(bsMark)); n > 0 {
			t.Errorf("%d datagrams to or from the bootstrap server after the restart", n)
		}
	}
	device.Send("lwdisp")
	device.ExpectLine("isBootstrap: true")
	for _, k := range []string{bsKey, newKey} {
		if strings.Contains(device.Output(), k) {
			t.Errorf("a key was printed:\n%s", device.Output())
		}
	}
	peer.Tshark{File: peer.WritePcap(t, front.Since(0)), DecodeAs: []string{"udp.port==" + port(at) + ",dtls"}}.NoneMalformed(t)
	// A server may send it back to the bootstrap server.
	bs.Forget()
	operate(t, s, "heddle", "execute", "/1/0/9", "2.04", nil)
	bs.Expect("bootstrapped", "ep=heddle")
	device.ExpectLine("STATE_BOOTSTRAPPING")
}

// Two servers, and rules of who may what: the second one may read the Device object, and nothing else.
func TestLeshanGivesTwoServersAndTheirRights(t *testing.T) {
	one, two := peer.HeddleServer(t), peer.HeddleServer(t)
	at := peer.UDPPort(t)
	flags := []string{"--coap", at, "--endpoint", "heddle", "--delete", "/0", "--delete", "/1", "--auto", "on"}
	for i, s := range []*peer.Server{one, two} {
		flags = append(flags, "--server", fmt.Sprintf("%d,300,coap://%s", i+1, s.CoAP))
	}
	for _, rule := range []string{"3,0,1,2,1", "31024,10,1,2,0", "1,0,1,2,0", "1,1,2,1,0"} {
		flags = append(flags, "--acl", rule)
	}
	bs := peer.LeshanBootstrapServer(t, flags...)
	device := heddleClient(t, at, "-b", "--hold-off", "0")
	bs.Expect("bootstrapped", "ep=heddle")
	one.AwaitClient("heddle")
	two.AwaitClient("heddle")
	operate(t, one, "heddle", "write", "/31024/10/1", "2.04", values{"value": 5})
	operate(t, one, "heddle", "write", "/3/0/14", "2.04", values{"value": "+02:00"})
	operate(t, two, "heddle", "read", "/3/0/14", "2.05", nil)
	operate(t, two, "heddle", "write", "/3/0/14", "4.01", values{"value": "+03:00"})
	operate(t, two, "heddle", "read", "/31024/10/1", "4.01", nil)
	operate(t, two, "heddle", "read", "/1/1/0", "2.05", nil)
	operate(t, two, "heddle", "read", "/1/0/0", "4.01", nil)
	operate(t, two, "heddle", "read", "/6/0/0", "4.01", nil) // no rule: closed
	device.Send("lwdisp")
	device.ExpectLine("objectId: 3, objectInstanceId: 0, owner: 1, acl[2]: R")
}
