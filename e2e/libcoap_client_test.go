//go:build peers

package e2e

import (
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// libcoap's resource directory takes the registration of `heddle client`; then its coap-client, on the directory's port,
// reads, writes and observes the device.
func TestHeddleClientWithLibcoap(t *testing.T) {
	at, own := peer.UDPPort(t), peer.UDPPort(t)
	directory := peer.Start(t, "coap-rd", "coap-rd-notls", "-A", "127.0.0.1", "-p", port(at), "-v", "7")
	directory.ExpectLine("created")
	device := heddleClient(t, at, "-l", port(own))
	device.ExpectLine("State: STATE_READY")
	directory.Stop()

	client := peer.CoapClient{Accept: "0", Options: []string{"-p", port(at)}}
	call := func(method, path, format, payload string) peer.CoapAnswer {
		c := client
		c.Method, c.URI, c.Format, c.Payload = method, "coap://"+own+path, format, payload
		return c.Do(t)
	}
	if a := call("get", "/31024/10/1", "", ""); a.Code != "2.05" || a.Payload != "20" {
		t.Errorf("read: %s %q\n%s", a.Code, a.Payload, a.Log)
	}
	if a := call("put", "/31024/10/1", "0", "33"); a.Code != "2.04" {
		t.Errorf("write: %s\n%s", a.Code, a.Log)
	}
	if a := call("post", "/31024/10/2", "", ""); a.Code != "2.04" {
		t.Errorf("execute: %s\n%s", a.Code, a.Log)
	}
	if a := call("get", "/31024/10/9", "", ""); a.Code != "4.04" {
		t.Errorf("read of what is not there: %s\n%s", a.Code, a.Log)
	}

	// A value of several blocks, there and back.
	large := strings.Repeat("0123456789", 300)
	if a := call("put", "/31024/10/5", "42", large); a.Code != "2.04" {
		t.Errorf("write in blocks: %s\n%s", a.Code, a.Log)
	}
	client.Accept = "42"
	if a := call("get", "/31024/10/5", "", ""); a.Code != "2.05" || a.Payload != large {
		t.Errorf("read in blocks: %s, %d bytes\n%s", a.Code, len(a.Payload), a.Log)
	}

	done := make(chan peer.CoapAnswer)
	client.Accept, client.Observe = "0", 4
	go func() { done <- call("get", "/31024/10/1", "", "") }()
	for _, value := range []string{"41", "42"} {
		time.Sleep(time.Second)
		device.Send("lwchange /31024/10/1 %s", value)
	}
	a := <-done
	if a.Payload != "334142" {
		t.Errorf("observed %q, want 33, 41, 42\n%s", a.Payload, a.Log)
	}
	// A stranger on another port gets nothing.
	if a := (peer.CoapClient{Method: "get", URI: "coap://" + own + "/31024/10/1", Wait: 3}).Do(t); strings.HasPrefix(a.Code, "2.") {
		t.Errorf("a stranger reads: %s", a.Code)
	}
}
