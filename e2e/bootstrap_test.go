//go:build peers

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// bootstrapServer is both servers in one program.
func bootstrapServer(t *testing.T) (s *peer.Server, coap, coaps string) {
	t.Helper()
	coap, coaps = peer.UDPPort(t), peer.UDPPort(t)
	return peer.HeddleServer(t, "--bootstrap", "--bootstrap-coap", coap, "--bootstrap-coaps", coaps), coap, coaps
}

// configure stores a configuration whose server is the LwM2M server of the same program.
func configure(t *testing.T, s *peer.Server, endpoint string, account values, more values) {
	t.Helper()
	in := values{"account": account, "delete": []string{"/0", "/1"}, "read": []string{"/1"},
		"servers": []values{{"uri": "coaps://" + s.CoAPS, "mode": "psk", "identity": endpoint + " at work", "generateKey": true, "shortServerId": 123, "lifetime": 300, "storing": true, "muteSend": false}}}
	for k, v := range more {
		in[k] = v
	}
	if a := s.REST("PUT", "/api/v1/bootstrap/configurations/"+endpoint, in); a.Status/100 != 2 {
		t.Fatalf("configuration of %s: %d %s", endpoint, a.Status, a.Raw)
	}
}

// finished returns the newest session of a device, which must have ended well.
func finished(t *testing.T, s *peer.Server, endpoint string) peer.Event {
	t.Helper()
	a := s.REST("GET", "/api/v1/bootstrap/sessions?limit=1&endpoint="+endpoint, nil)
	list, _ := a.Body["items"].([]any)
	if len(list) != 1 {
		t.Fatalf("no session: %s", a.Raw)
	}
	session := peer.Event(list[0].(map[string]any))
	if session.Field("state") != "finished" {
		t.Fatalf("%s", a.Raw)
	}
	return session
}

// A Leshan client is bootstrapped over DTLS, registers with the key that was generated for it, and is managed.
func TestETS_1_Leshan2ClientIsBootstrapped(t *testing.T) {
	s, _, coaps := bootstrapServer(t)
	configure(t, s, "leshan", values{"mode": "psk", "identity": "BS leshan", "key": key}, nil)
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--bootstrap", "on", "--server", "coaps://"+coaps, "--identity", "BS leshan", "--key", key)
	device.Expect("bootstrapped")
	device.Expect("registered")
	want(t, s.AwaitClient("leshan").Body, map[string]string{"security.mode": "psk", "security.identity": "leshan at work", "lifetime": "300"})
	want(t, operate(t, s, "leshan", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
	session := finished(t, s, "leshan")
	t.Log(session)
	want(t, session, map[string]string{"configuration": "leshan", "security": "psk", "identity": "BS leshan"})
	// It is asked to come again, and does.
	device.Forget()
	if a := s.REST("POST", "/api/v1/clients/leshan/bootstrap", nil); a.Body.Field("status") != "answered" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	device.Expect("bootstrapped")
	device.Expect("registered")
	want(t, operate(t, s, "leshan", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
}

// An old device: LwM2M 1.0, which may not know Discover, and has no Mute Send.
func TestLeshan1ClientIsBootstrapped(t *testing.T) {
	s, coap, coaps := bootstrapServer(t)
	configure(t, s, "old", values{"mode": "psk", "identity": "BS old", "key": key}, values{"read": []string{}})
	configure(t, s, "plain", values{"mode": "none"}, values{"read": []string{}})
	for endpoint, flags := range map[string][]string{"old": {"--server", "coaps://" + coaps, "--identity", "BS old", "--key", key}, "plain": {"--server", "coap://" + coap}} {
		device := peer.Leshan1Client(t, append(flags, "--endpoint", endpoint, "--bootstrap", "on")...)
		device.Expect("bootstrapped")
		device.Expect("registered")
		want(t, s.AwaitClient(endpoint).Body, map[string]string{"version": "1.0", "security.identity": endpoint + " at work"})
		want(t, operate(t, s, endpoint, "read", "/3/0/9", "2.05", nil), map[string]string{"value": "85"})
		t.Log(finished(t, s, endpoint))
	}
}

// Who has no configuration, or the wrong key, gets nothing.
func TestBootstrapRefusesStrangers(t *testing.T) {
	s, coap, coaps := bootstrapServer(t)
	configure(t, s, "leshan", values{"mode": "psk", "identity": "BS leshan", "key": key}, nil)
	for _, c := range []struct {
		name  string
		flags []string
		event string
	}{
		{"unknown endpoint", []string{"--endpoint", "stranger", "--server", "coap://" + coap}, "bootstrap-failed"},
		{"on the plain port", []string{"--endpoint", "leshan", "--server", "coap://" + coap}, "bootstrap-failed"},
		{"another endpoint", []string{"--endpoint", "other", "--server", "coaps://" + coaps, "--identity", "BS leshan", "--key", key}, "bootstrap-failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			device := peer.Leshan2Client(t, append([]string{"--bootstrap", "on"}, c.flags...)...)
			if e := device.Expect(c.event); e.Field("code") != "400" {
				t.Errorf("%v", e)
			}
		})
	}
}

// An independent decoder reads a bootstrap on the plain port: request, discover, delete, writes in each format, finish.
func TestCaptureOfBootstrap(t *testing.T) {
	s, coap, _ := bootstrapServer(t)
	relay := peer.NewRelay(t, coap, 1, peer.Faults{})
	for _, format := range []string{"tlv", "senml-json", "senml-cbor"} {
		configure(t, s, format, values{"mode": "none"}, values{"format": format, "objects": []values{{"path": "/3/0/15", "value": "Europe/Vienna"}}})
		device := peer.Leshan2Client(t, "--endpoint", format, "--bootstrap", "on", "--server", "coap://"+relay.Addr())
		device.Expect("bootstrapped")
		device.Expect("registered")
		want(t, operate(t, s, format, "read", "/3/0/15", "2.05", nil), map[string]string{"value": "Europe/Vienna"})
		finished(t, s, format)
	}
	shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(coap) + ",coap"}}
	shark.NoneMalformed(t)
	for _, c := range []struct{ filter, field, value string }{
		{`coap.code == 2 && coap.opt.uri_path_recon == "/bs" && coap.opt.uri_query`, "coap.opt.uri_query", "ep=tlv"},
		{`coap.code == 1 && coap.opt.accept`, "coap.opt.accept", "application/link-format"},
		{`coap.code == 4`, "coap.opt.uri_path_recon", "/1"},
		{`coap.code == 3 && coap.opt.ctype == "application/vnd.oma.lwm2m+tlv"`, "coap.opt.uri_path_recon", "/0/1"},
		{`coap.code == 3 && coap.opt.ctype == "application/senml+json"`, "coap.opt.uri_path_recon", "/1/0"},
		{`coap.code == 3 && coap.opt.ctype == "application/senml+cbor"`, "coap.opt.uri_path_recon", "/3/0/15"},
		{`coap.code == 2 && coap.opt.uri_path_recon == "/bs" && !coap.opt.uri_query`, "coap.opt.uri_path_recon", "/bs"},
	} {
		shark.Filter = c.filter
		var rows []string
		for _, row := range shark.Fields(t, c.field) {
			rows = append(rows, row[0])
		}
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, c.value) }) {
			t.Errorf("%s of %s is %q, want %q", c.field, c.filter, rows, c.value)
		}
	}
	shark.Filter = "lwm2mtlv"
	if text := shark.Text(t); !strings.Contains(text, "Short Server ID") {
		t.Errorf("tshark finds no Short Server ID:\n%s", fmt.Sprint(text))
	}
}
