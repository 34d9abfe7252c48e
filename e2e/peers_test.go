//go:build peers

package e2e

import (
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// The peers among themselves, through the relay and before tshark: what the other tests stand on.
func TestPeersMeetEachOther(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff"
	coaps, coap := peer.UDPPort(t), peer.UDPPort(t)
	server := peer.Leshan2Server(t, "--coap", coap, "--coaps", coaps, "--psk", "two,id2,"+key, "--psk", "one,id1,00ff")
	relay := peer.NewRelay(t, coaps, 1, peer.Faults{})
	two := peer.Leshan2Client(t, "--endpoint", "two", "--server", "coaps://"+relay.Addr(), "--identity", "id2", "--key", key,
		"--suites", "TLS_PSK_WITH_AES_128_CCM_8") // which tshark can look into with the key alone
	one := peer.Leshan1Client(t, "--endpoint", "one", "--server", "coaps://"+relay.Addr(), "--identity", "id1", "--key", "00ff")
	for _, p := range []struct {
		ep      string
		client  *peer.Process
		version string
	}{{"one", one, "1.0"}, {"two", two, "1.1"}} {
		p.client.Expect("registered")
		server.Expect("registered", "ep="+p.ep, "version="+p.version)
		server.Send("read %s /3/0", p.ep)
		if e := server.Expect("response", "op=read", "ep="+p.ep); e.Field("value.0") != "Eclipse Leshan" {
			t.Errorf("manufacturer is %q", e.Field("value.0"))
		}
		server.Send("observe %s /3303/0/5700", p.ep)
		server.Expect("response", "op=observe", "success=true")
		p.client.Send("set /3303/0/5700 23.5")
		server.Expect("notification", "ep="+p.ep, "value=23.5")
		server.Send("write %s /31024/10/1 77", p.ep)
		p.client.Expect("written", "path=/31024/10/1", "value=77")
		server.Send("execute %s /31024/10/2", p.ep)
		p.client.Expect("executed", "path=/31024/10/2")
		p.client.Send("stop")
		server.Expect("deregistered", "ep="+p.ep, "expired=false")
		if err := p.client.End(peer.Timeout); err != nil {
			t.Errorf("%s ends with %v", p.ep, err)
		}
	}

	shark := peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(coaps) + ",dtls", "dtls.port==" + port(coaps) + ",coap"}, PSK: key}
	shark.NoneMalformed(t)
	shark.Filter = "coap.opt.uri_path_recon == \"/rd\" && coap.code == 2"
	if rows := shark.Fields(t, "coap.opt.uri_query"); len(rows) == 0 || !strings.Contains(rows[0][0], "ep=two") {
		t.Errorf("Register's query: %v", rows)
	}

	a := peer.CoapClient{Method: "post", URI: "coap://" + coap + "/rd?lwm2m=1.1&ep=libcoap&lt=60&b=U", Format: "40", Payload: "</1/0>,</3/0>"}.Do(t)
	if a.Code != "2.01" || !strings.HasPrefix(a.Location, "rd/") {
		t.Errorf("Register by libcoap: %s, %s\n%s", a.Code, a.Location, a.Log)
	}
	server.Expect("registered", "ep=libcoap")
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
