//go:build peers

package e2e

import (
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// A device's registration typed in by hand, over each of libcoap's three transports.
func TestRegisterByLibcoap(t *testing.T) {
	s := peer.HeddleServer(t)
	for _, tls := range []string{"notls", "gnutls", "openssl"} {
		t.Run(tls, func(t *testing.T) {
			ep := "libcoap-" + tls
			c := peer.CoapClient{TLS: tls, Method: "post", Format: "40", Payload: `</>;rt="oma.lwm2m",</1/0>,</3/0>`}
			base := "coap://" + s.CoAP
			if tls != "notls" {
				const secret = "secret of libcoap" // its command line takes text only
				s.Credentials(ep, "id-"+tls, hex.EncodeToString([]byte(secret)))
				c.User, c.Key, base = "id-"+tls, secret, "coaps://"+s.CoAPS
			}
			c.URI = base + "/rd?lwm2m=1.1&ep=" + ep + "&lt=120"
			a := c.Do(t)
			if a.Code != "2.01" || !strings.HasPrefix(a.Location, "rd/") {
				t.Fatalf("Register: %s %q\n%s", a.Code, a.Location, a.Log)
			}
			want(t, s.AwaitClient(ep).Body, map[string]string{"lifetime": "120", "binding": "U", "version": "1.1"})
			update := c
			update.URI, update.Payload, update.Format = base+"/"+a.Location+"?lt=240", "", ""
			if a := update.Do(t); a.Code != "2.04" {
				t.Errorf("Update: %s\n%s", a.Code, a.Log)
			}
			want(t, s.AwaitClient(ep).Body, map[string]string{"lifetime": "240"})
			leave := update
			leave.Method, leave.URI = "delete", base+"/"+a.Location
			if a := leave.Do(t); a.Code != "2.02" {
				t.Errorf("Deregister: %s\n%s", a.Code, a.Log)
			}
			if a := update.Do(t); a.Code != "4.04" {
				t.Errorf("Update of what is gone: %s\n%s", a.Code, a.Log)
			}
		})
	}
}

// A registration of many objects comes in blocks (RFC 7959).
func TestRegisterByLibcoapInBlocks(t *testing.T) {
	s := peer.HeddleServer(t)
	var links []string
	for o := range 300 {
		links = append(links, "</"+strconv.Itoa(20000+o)+"/0>")
	}
	file := filepath.Join(t.TempDir(), "links")
	if err := os.WriteFile(file, []byte(strings.Join(links, ",")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, block := range []string{"64", "512", "1024"} {
		a := peer.CoapClient{Method: "post", Format: "40", File: file, Block: block, URI: "coap://" + s.CoAP + "/rd?lwm2m=1.0&ep=blocks-" + block + "&lt=60"}.Do(t)
		if a.Code != "2.01" {
			t.Fatalf("blocks of %s: %s\n%s", block, a.Code, a.Log)
		}
		if objects, _ := s.AwaitClient("blocks-" + block).Body["objects"].([]any); len(objects) != 300 {
			t.Errorf("blocks of %s: %d objects", block, len(objects))
		}
	}
}

func TestRefusedByLibcoap(t *testing.T) {
	s := peer.HeddleServer(t)
	s.Credentials("secret", "id", key)
	const objects = "</1/0>,</3/0>"
	for _, c := range []struct{ name, method, path, format, payload, code string }{
		{"1.2", "post", "/rd?lwm2m=1.2&ep=x&lt=60", "40", objects, "4.12"},
		{"no endpoint", "post", "/rd?lwm2m=1.1&lt=60", "40", objects, "4.00"},
		{"bad lifetime", "post", "/rd?lwm2m=1.1&ep=x&lt=soon", "40", objects, "4.00"},
		{"bad links", "post", "/rd?lwm2m=1.1&ep=x&lt=60", "40", "</1/0", "4.00"},
		{"credentials exist", "post", "/rd?lwm2m=1.1&ep=secret&lt=60", "40", objects, "4.03"},
		{"unknown location", "post", "/rd/AAAAAAAAAAAA?lt=60", "", "", "4.04"},
		{"nothing there", "get", "/nothing", "", "", "4.04"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := peer.CoapClient{Method: c.method, URI: "coap://" + s.CoAP + c.path, Format: c.format, Payload: c.payload}.Do(t)
			if a.Code != c.code {
				t.Errorf("%s, want %s\n%s", a.Code, c.code, a.Log)
			}
		})
	}
	for _, tls := range []string{"gnutls", "openssl"} {
		a := peer.CoapClient{TLS: tls, Method: "post", User: "id", Key: "wrong", Wait: 3, URI: "coaps://" + s.CoAPS + "/rd?lwm2m=1.1&ep=secret&lt=60", Format: "40", Payload: objects}.Do(t)
		if a.Code != "" {
			t.Errorf("%s with a wrong key got %s", tls, a.Code)
		}
	}
	if a := s.REST("GET", "/api/v1/clients", nil); a.Body.Field("total") != "0" {
		t.Errorf("somebody got in: %s", a.Raw)
	}
}

// Datagrams that are no messages, hellos that lead nowhere: the server stays as it is.
func TestRubbishOnThePorts(t *testing.T) {
	s := peer.HeddleServer(t)
	for _, to := range []string{s.CoAP, s.CoAPS} {
		c, err := net.Dial("udp4", to)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []string{"", "\x00", "\x40", "\x49\x01\x00\x01", "\xff\xff\xff\xff", "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01", "\x16\xfe\xff" + strings.Repeat("\x00", 10),
			strings.Repeat("\x16\xfe\xfd", 400), "\x19\xfe\xfd" + strings.Repeat("\x41", 60), "\x15\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x07\x00\x02\x02\x28"} {
			c.Write([]byte(b))
		}
		c.Close()
	}
	if a := (peer.CoapClient{Method: "post", Format: "40", Payload: "</3/0>", URI: "coap://" + s.CoAP + "/rd?lwm2m=1.1&ep=after&lt=60"}).Do(t); a.Code != "2.01" {
		t.Errorf("Register after it: %s\n%s", a.Code, a.Log)
	}
}
