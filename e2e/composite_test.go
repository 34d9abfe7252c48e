//go:build peers

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// composite carries out a composite operation and checks its CoAP code.
func composite(t *testing.T, s *peer.Server, ep, op, code string, fields values) peer.Event {
	t.Helper()
	in := values{"op": op}
	for k, v := range fields {
		in[k] = v
	}
	a := s.REST("POST", "/api/v1/clients/"+ep+"/operations", in)
	if got := a.Body.Field("code"); got != code {
		t.Errorf("%s %v: %d %s; want %s", op, fields, a.Status, a.Raw, code)
	}
	return a.Body
}

// A Leshan 2 client answers our composites, in both formats, and sends.
func TestCompositesWithLeshan2Client(t *testing.T) {
	s := peer.HeddleServer(t)
	relay := peer.NewRelay(t, s.CoAP, 1, peer.Faults{})
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coap://"+relay.Addr())
	device.Expect("registered")
	s.AwaitClient("leshan")
	for _, format := range []string{"", "senml-json", "senml-cbor"} {
		f := values{"paths": []string{"/3/0/9", "/31024/10/1", "/3/0/7", "/6/0/0", "/9999/0/1"}}
		if format != "" {
			f["format"] = format
		}
		want(t, composite(t, s, "leshan", "read-composite", "2.05", f), map[string]string{"resources.3.0.9": "87", "resources.31024.10.1": "20", "resources.3.0.7.1": "5000", "resources.9999": ""})
		f = values{"values": values{"/31024/10/1": 21, "/31024/11/3": 1.5, "/3/0/14": "+02:00"}}
		if format != "" {
			f["format"] = format
		}
		composite(t, s, "leshan", "write-composite", "2.04", f)
		device.Expect("written", "path=/31024/10/1", "value=21")
		want(t, composite(t, s, "leshan", "read-composite", "2.05", values{"paths": []string{"/31024", "/3/0/14"}}), map[string]string{"resources.31024.10.1": "21", "resources.31024.11.3": "1.5", "resources.3.0.14": "+02:00"})
		composite(t, s, "leshan", "write-composite", "2.04", values{"values": values{"/31024/10/1": 20}})
	}
	want(t, composite(t, s, "leshan", "read-composite", "2.05", values{"paths": []string{"/"}}), map[string]string{"resources.3.0.0": "Eclipse Leshan", "resources.31024.12.1": "22"})

	// The list of paths and the answer are both longer than a block.
	long := []string{"/31024/11/5", "/3"}
	for i := range 100 {
		long = append(long, fmt.Sprintf("/6/0/%d", i))
	}
	operate(t, s, "leshan", "write", "/31024/11/5", "2.04", values{"value": strings.Repeat("c0ffee", 500)})
	want(t, composite(t, s, "leshan", "read-composite", "2.05", values{"paths": long, "timeout": 20}), map[string]string{"resources.31024.11.5": strings.Repeat("c0ffee", 500), "resources.3.0.9": "87", "resources.6.0.2": "8495"})

	// Observed together, told together.
	e := composite(t, s, "leshan", "observe-composite", "2.05", values{"paths": []string{"/3303/0/5700", "/3/0/9"}})
	if e.Field("observation.state") != "active" || e.Field("observation.paths.1") != "/3303/0/5700" {
		t.Errorf("Observe-Composite: %v", e)
	}
	for _, v := range []string{"23.5", "24.25"} {
		notified(t, s, "leshan", device, v)
	}
	list := s.REST("GET", "/api/v1/clients/leshan/observations", nil)
	if n := list.Body.Field("items.0.count"); n != "2" {
		t.Errorf("observations: %s", list.Raw)
	}
	composite(t, s, "leshan", "cancel-observe-composite", "2.05", values{"paths": []string{"/3/0/9", "/3303/0/5700"}})
	mark := relay.Mark()
	device.Send("set /3303/0/5700 50.5")
	device.Expect("set")
	time.Sleep(300 * time.Millisecond)
	if sent := relay.Since(mark); len(sent) > 0 {
		t.Errorf("the device still notifies: % x", sent[0].Data)
	}
	peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(s.CoAP) + ",coap"}}.NoneMalformed(t)
}

// Each content format that a Leshan 2 client knows, read and written.
func TestFormatsWithLeshan2Client(t *testing.T) {
	s := peer.HeddleServer(t)
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coap://"+s.CoAP)
	device.Expect("registered")
	s.AwaitClient("leshan")
	for i, format := range []string{"text", "cbor", "tlv", "json", "senml-json", "senml-cbor"} {
		more := values{"format": format, "value": 30 + i}
		operate(t, s, "leshan", "write", "/31024/10/1", "2.04", more)
		e := operate(t, s, "leshan", "read", "/31024/10/1", "2.05", values{"format": format})
		want(t, e, map[string]string{"value": string(rune('0'+3)) + string(rune('0'+i)), "format": format})
		want(t, operate(t, s, "leshan", "read", "/31024/12/3", "2.05", values{"format": format}), map[string]string{"value": "-27.98"})
		want(t, operate(t, s, "leshan", "read", "/3/0/13", "2.05", values{"format": format}), map[string]string{"value": "2026-01-01T00:00:00Z"})
		operate(t, s, "leshan", "write", "/31024/10/3", "2.04", values{"format": format, "value": 2.25})
		if format != "text" && format != "cbor" {
			want(t, operate(t, s, "leshan", "read", "/3", "2.05", values{"format": format}), map[string]string{"resources.0.0": "Eclipse Leshan", "resources.0.7.1": "5000"})
			operate(t, s, "leshan", "write", "/31024/11", "2.04", values{"format": format, "resources": values{"1": 9, "3": -0.5, "5": "c0ffee"}})
			want(t, operate(t, s, "leshan", "read", "/31024/11", "2.05", values{"format": format}), map[string]string{"resources.1": "9", "resources.3": "-0.5", "resources.5": "c0ffee"})
			want(t, operate(t, s, "leshan", "read", "/3/0/7/1", "2.05", values{"format": format}), map[string]string{"value": "5000"})
		}
	}
	want(t, operate(t, s, "leshan", "read", "/31024/11/5", "2.05", values{"format": "opaque"}), map[string]string{"value": "c0ffee"})
	operate(t, s, "leshan", "write", "/31024/11/5", "2.04", values{"format": "opaque", "value": "0badcafe"})
	want(t, operate(t, s, "leshan", "read", "/31024/11/5", "2.05", values{"format": "opaque"}), map[string]string{"value": "0badcafe"})
}

// A device sends without being asked; samples keep the times when they were taken.
func TestSendFromLeshan2Client(t *testing.T) {
	for _, secure := range []bool{false, true} {
		s := peer.HeddleServer(t)
		flags := []string{"--endpoint", "leshan", "--server", "coap://" + s.CoAP}
		if secure {
			s.Credentials("leshan", "id", key)
			flags = []string{"--endpoint", "leshan", "--server", "coaps://" + s.CoAPS, "--identity", "id", "--key", key}
		}
		device := peer.Leshan2Client(t, flags...)
		device.Expect("registered")
		s.AwaitClient("leshan")
		device.Send("send /3/0/9 /3303/0/5700")
		device.Expect("sent", "code=204")
		s.Await("the values of a Send", func() bool {
			raw := s.REST("GET", "/api/v1/clients/leshan", nil).Raw
			return strings.Contains(raw, `"source":"send"`) && strings.Contains(raw, `20.5`)
		})
		for _, format := range []string{"SENML_JSON", "SENML_CBOR"} {
			before := points(s)
			for _, v := range []string{"21", "22"} {
				device.Send("set /3303/0/5700 %s", v)
				device.Send("collect /3303/0/5700")
				device.Expect("collected")
				time.Sleep(30 * time.Millisecond)
			}
			device.Send("send-collected %s", format)
			s.Await("two samples", func() bool { return points(s) == before+2 })
			b := s.REST("GET", "/api/v1/clients/leshan/series/3303/0/5700", nil).Body
			if b.Field("points.-2.1") != "21" || b.Field("points.-1.1") != "22" || b.Field("points.-1.0") == b.Field("points.-2.0") {
				t.Errorf("%s: %v", format, b)
			}
		}
		device.Send("stop")
		device.Expect("deregistered")
	}
}

func points(s *peer.Server) int {
	list, _ := s.REST("GET", "/api/v1/clients/leshan/series/3303/0/5700", nil).Body["points"].([]any)
	return len(list)
}

// A Leshan 2 server does composites with our client, and takes what it sends.
func TestCompositesWithLeshan2Server(t *testing.T) {
	at := peer.UDPPort(t)
	server := peer.Leshan2Server(t, "--coaps", at, "--psk", "heddle,id,"+key)
	device := heddleClient(t, at, "-i", "id", "-s", key)
	device.ExpectLine("State: STATE_READY")
	server.Expect("registered", "ep=heddle")
	const ep = "heddle"
	for _, format := range []string{"SENML_JSON", "SENML_CBOR"} {
		want(t, do(t, server, "205", "composite-read", ep, "/31024/10/1,/3/0/16,/1/0,/9999/0/1", format), map[string]string{
			"values./31024/10/1": "20", "values./3/0/16": "U", "values./1/0.1": "300", "values./9999/0/1": ""})
		do(t, server, "404", "composite-read", ep, "/9999/0/1,/0/0/0", format)
		do(t, server, "204", "composite-write", ep, "/31024/10/1=21,/31024/11/3=1.5,/3/0/14=+02:00", format)
		want(t, do(t, server, "205", "composite-read", ep, "/31024/10/1,/31024/11/3,/3/0/14", format), map[string]string{
			"values./31024/10/1": "21", "values./31024/11/3": "1.5", "values./3/0/14": "+02:00"})
		// As a whole or not at all.
		do(t, server, "400", "composite-write", ep, "/31024/10/1=20,/31024/11/1=256", format)
		want(t, do(t, server, "205", "read", ep, "/31024/10/1"), map[string]string{"value": "21"})
		do(t, server, "204", "composite-write", ep, "/31024/10/1=20", format)

		want(t, do(t, server, "205", "composite-observe", ep, "/31024/10/1,/31024/11/1", format), map[string]string{"values./31024/10/1": "20", "values./31024/11/1": "21"})
		server.Forget()
		device.Send("lwchange /31024/11/1 99")
		want(t, server.Expect("composite-notification", "code=205"), map[string]string{"values./31024/10/1": "20", "values./31024/11/1": "99"})
		do(t, server, "205", "composite-cancel", ep, "/31024/10/1,/31024/11/1")
		device.Send("lwchange /31024/11/1 21")
	}
	want(t, do(t, server, "205", "composite-read", ep, "/", "SENML_CBOR"), map[string]string{"values./.31024.10.1": "20", "values./.3.0.16": "U"})
	long := []string{"/31024/12/1"}
	for i := range 100 {
		long = append(long, fmt.Sprintf("/3/0/%d", i))
	}
	do(t, server, "204", "write", ep, "/31024/11/5", strings.Repeat("c0ffee", 500))
	long = append(long, "/31024/11/5")
	e := do(t, server, "205", "composite-read", ep, strings.Join(long, ","), "SENML_CBOR")
	if got := e.Field("values./31024/11/5"); len(got) != 2000 || e.Field("values./31024/12/1") != "22" {
		t.Errorf("a long Read-Composite: %d bytes, %v", len(got), e)
	}
	do(t, server, "205", "composite-observe", ep, strings.Join(long, ","), "SENML_CBOR")
	server.Forget()
	device.Send("lwchange /31024/12/1 23")
	want(t, server.Expect("composite-notification", "code=205"), map[string]string{"values./31024/12/1": "23"})
	device.Send("lwchange /31024/12/1 22")
	device.Send("lwsend /3/0/9 /31024/12")
	device.ExpectLine("Send: 2.04 Changed")
	want(t, server.Expect("send", "ep=heddle"), map[string]string{"values./31024/12/1": "22", "values./31024/12/3": "-27.98"})
	// Muted, and not any more.
	do(t, server, "204", "write", ep, "/1/0/23", "true")
	device.Send("lwsend /3/0/9")
	device.ExpectLine("Send failed: lwm2m client: Send is muted")
	do(t, server, "204", "write", ep, "/1/0/23", "false")
	device.Send("lwsend /3/0/9")
	device.ExpectLine("Send: 2.04 Changed")
	for _, format := range []string{"JSON", "TLV", "SENML_JSON", "SENML_CBOR"} {
		want(t, do(t, server, "205", "read", ep, "/31024/12", format), map[string]string{"value.1": "22", "value.3": "-27.98"})
	}
}
