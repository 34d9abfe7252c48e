package demo

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"heddle.example/internal/serve"
)

func TestCheck(t *testing.T) {
	d := startQuiet(t)
	var out bytes.Buffer
	if err := d.Check(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if n := strings.Count(out.String(), "ok      "); n != len((&checker{}).steps()) || !strings.HasSuffix(out.String(), "All works.\n") {
		t.Errorf("%d steps:\n%s", n, out.String())
	}
}

// The check fails where the main job does not work: here all devices have lost their power.
func TestCheckFails(t *testing.T) {
	d := startQuiet(t)
	ready(t, d, Count())
	for _, dev := range d.devices {
		dev.Kill(t.Context())
	}
	d.devices = nil
	var out bytes.Buffer
	if err := d.Check(t.Context(), &out); err == nil || !strings.Contains(out.String(), "FAILED  read a resource") {
		t.Errorf("error %v:\n%s", err, out.String())
	}
}

func TestPortsInUse(t *testing.T) {
	busy, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	c := serve.Config{CoAP: []string{busy.LocalAddr().String()}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{web.Addr().String()}}
	if _, err := Start(c, Options{Direct: true, MayMove: func(flag string) bool { return flag == "--web" }}); err == nil || !strings.Contains(err.Error(), "--coap") {
		t.Errorf("a port that the user has chosen: %v", err)
	}
	var moved []string
	d, err := Start(c, Options{Direct: true, MayMove: func(flag string) bool { moved = append(moved, flag); return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(t.Context())
	if got := strings.Join(moved, " "); got != "--coap --web" {
		t.Errorf("moved %s", got)
	}
	ready(t, d, Count())
}
