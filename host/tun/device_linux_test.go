//go:build peers

package tun

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/thread/ip6"
)

// The device with its address and routes, in a network namespace of its own: the test runs itself there.
func TestDevice(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	ns := "heddle-tun-" + strconv.Itoa(os.Getpid())
	command(t, "ip", "netns", "add", ns)
	defer exec.Command("ip", "netns", "delete", ns).Run()
	command(t, "ip", "-n", ns, "link", "set", "lo", "up")
	c := exec.Command("ip", "netns", "exec", ns, os.Args[0], "-test.run=^TestInNamespace$")
	c.Env = append(os.Environ(), "HEDDLE_TUN_TEST=1")
	if b, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
}

// TestInNamespace is what TestDevice runs: a program of this computer sends to the mesh, and the mesh answers.
func TestInNamespace(t *testing.T) {
	if os.Getenv("HEDDLE_TUN_TEST") == "" {
		return // a part of the other test: it changes the computer's routes
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
	var b [100]byte
	for tries := 0; ; tries++ { // the kernel takes a moment until its own address is one
		c.Write([]byte("hello"))
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := c.Read(b[:])
		if err == nil && string(b[:n]) == "re:hello" && <-got == "hello" {
			break
		}
		if tries > 50 {
			t.Fatalf("%q, %v, %+v", b[:n], err, d.Status())
		}
	}
	if err := d.SetRoutes(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("udp6", "[fd98::5]:7"); err == nil {
		t.Error("the route stays")
	}
	// Down and up again: the system has forgotten address and routes, and is given them back.
	both := []netip.Prefix{netip.MustParsePrefix("fd98::/64"), netip.MustParsePrefix("198.51.100.0/24")}
	if err := d.SetRoutes(both); err != nil {
		t.Fatal(err)
	}
	command(t, "ip", "link", "set", d.Name(), "down")
	if _, err := net.Dial("udp6", "[fd98::5]:7"); err == nil {
		t.Error("a device that is down has a route")
	}
	command(t, "ip", "link", "set", d.Name(), "up")
	for _, to := range []string{"[fd98::5]:7", "198.51.100.5:7"} {
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			c, err := net.Dial("udp", to)
			if err == nil {
				c.Close()
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after down and up: %v; %v", err, d.Trouble())
			}
		}
	}
	if out := command(t, "ip", "-6", "address", "show", "dev", d.Name()); !strings.Contains(out, "fd99::1/64") {
		t.Errorf("after down and up:\n%s", out)
	}
	// What the system refused is tried again.
	other := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	command(t, "ip", "link", "set", d.Name(), "down")
	if err := d.SetRoutes(other); err == nil {
		t.Error("a device that is down takes a route")
	}
	command(t, "ip", "link", "set", d.Name(), "up")
	if err := d.SetRoutes(other); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("udp4", "192.0.2.5:7"); err != nil {
		t.Error("the route is not there:", err)
	} else {
		c.Close()
	}
	if s := d.Status(); s.Received == 0 || s.Sent == 0 || s.Device != d.Name() {
		t.Errorf("%+v", s)
	}
	d.Close()
	if _, err := net.InterfaceByName(d.Name()); err == nil {
		t.Error("the device stays")
	}
}
