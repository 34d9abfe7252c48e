package tun

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"heddle.example/thread/ip6"
)

// The device with its address and routes: a program of this computer sends to the mesh, and the mesh answers. It runs
// where the test may make a device; the tests with peers do so in a network of their own.
func TestDevice(t *testing.T) {
	if os.Getenv("HEDDLE_TUN_TEST") == "" {
		t.Skip("it changes this computer's routes: HEDDLE_TUN_TEST=1 in a network namespace")
	}
	var d *Device
	got := make(chan string, 100)
	d, err := Open(Config{Address: netip.MustParsePrefix("fd99::1/64"), Routes: []netip.Prefix{netip.MustParsePrefix("fd98::/64")},
		Receive: func(b []byte) {
			p, err := ip6.ParsePacket(b)
			if err != nil || !p.IsUDP(7) {
				return
			}
			text := b[p.At+ip6.UDPSize:]
			got <- string(text)
			d.Send(ip6.AppendUDP(nil, ip6.Header{Src: p.Dst, Dst: p.Src, HopLimit: 64}, 7, p.SrcPort, append([]byte("re:"), text...)))
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, err := net.Dial("udp6", "[fd98::5]:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	c.Write([]byte("hello"))
	var b [100]byte
	n, err := c.Read(b[:])
	if err != nil || string(b[:n]) != "re:hello" || <-got != "hello" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	if err := d.SetRoutes(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("udp6", "[fd98::5]:7"); err == nil {
		t.Error("the route stays")
	}
	if s := d.Status(); s.Received == 0 || s.Sent != 1 || s.Device != d.Name() {
		t.Errorf("%+v", s)
	}
	d.Close()
	if _, err := net.InterfaceByName(d.Name()); err == nil {
		t.Error("the device stays")
	}
}
