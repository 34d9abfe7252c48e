//go:build peers

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// An independent decoder reads what a device and `heddle server` say to each other: registration, TLV, SenML, blocks.
func TestCaptureOfPlainCoap(t *testing.T) {
	s := peer.HeddleServer(t)
	relay := peer.NewRelay(t, s.CoAP, 1, peer.Faults{})
	one := peer.Leshan1Client(t, "--endpoint", "one", "--server", "coap://"+relay.Addr())
	two := peer.Leshan2Client(t, "--endpoint", "two", "--server", "coap://"+relay.Addr())
	one.Expect("registered")
	two.Expect("registered")
	operate(t, s, "one", "read", "/3/0", "2.05", nil)
	operate(t, s, "two", "read", "/3/0", "2.05", values{"format": "senml-json"})
	operate(t, s, "two", "write-attributes", "/3303/0/5700", "2.04", values{"attributes": values{"pmin": 0, "pmax": 60}})
	observe(t, s, "one", one)
	large := strings.Repeat("0123456789abcdef", 300) // 2,400 bytes as hexadecimal
	operate(t, s, "one", "write", "/31024/10/5", "2.04", values{"value": large})
	want(t, operate(t, s, "one", "read", "/31024/10/5", "2.05", nil), map[string]string{"value": large})

	shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(s.CoAP) + ",coap"}}
	shark.NoneMalformed(t)
	look := func(filter, field string) []string {
		shark.Filter = filter
		var all []string
		for _, row := range shark.Fields(t, field) {
			all = append(all, row[0])
		}
		return all
	}
	for _, c := range []struct{ what, filter, field, value string }{
		{"Register of the old device", `coap.code == 2 && coap.opt.uri_path_recon == "/rd"`, "coap.opt.uri_query", "b=U,lwm2m=1.0,lt=300,ep=one"},
		{"location", "coap.code == 65 && coap.opt.location_path", "coap.opt.location_path", "rd," + s.AwaitClient("one").Body.Field("id")},
		{"Write-Attributes", "coap.code == 3 && coap.opt.uri_query", "coap.opt.uri_query", "pmin=0,pmax=60"},
		{"Observe", "coap.code == 1 && coap.opt.observe", "coap.opt.observe", "0"},
		{"notification", "coap.opt.observe && lwm2mtlv", "coap.code", "69"},
		{"Write in blocks", "coap.code == 3 && coap.opt.block_number == 2", "coap.opt.block_mflag", "0"},
		{"answer in blocks", "coap.code == 69 && coap.opt.block_number > 2", "coap.opt.block_mflag", "0"},
	} {
		rows := look(c.filter, c.field)
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, c.value) }) {
			t.Errorf("%s: %s of %s is %q, want %q", c.what, c.field, c.filter, rows, c.value)
		}
	}
	for filter, text := range map[string]string{"lwm2mtlv": "Manufacturer: Eclipse Leshan", "json": "/3/0/"} {
		shark.Filter = filter
		if !strings.Contains(shark.Text(t), text) {
			t.Errorf("%q is in no packet of %s:\n%s", text, filter, shark.Text(t))
		}
	}
	// Confirmable messages are acknowledged, each once.
	cons, acks := look("coap.type == 0", "coap.mid"), look("coap.type == 2", "coap.mid")
	for _, id := range cons {
		if n := strings.Count(fmt.Sprint(acks), id); n == 0 {
			t.Errorf("message %s is not acknowledged", id)
		}
	}
}

func TestIPv6(t *testing.T) {
	at := peer.UDPPort6(t)
	s := peer.HeddleServer(t, "--coaps", at)
	s.Credentials("six", "id", key)
	device := peer.Leshan2Client(t, "--endpoint", "six", "--server", "coaps://"+at, "--identity", "id", "--key", key)
	device.Expect("registered")
	want(t, operate(t, s, "six", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
	if address := s.AwaitClient("six").Body.Field("address"); address != "::1" && !strings.HasPrefix(address, "[::1]") {
		t.Errorf("address is %s", address)
	}
}
