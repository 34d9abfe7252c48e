//go:build peers

package thread

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// avahi is Debian's avahi-daemon on the network beside the mesh, with a message bus and a /run of its own.
type avahi struct {
	s   *spaced
	bus string
}

func newAvahi(t *testing.T, s *spaced, host string) *avahi {
	t.Helper()
	for _, tool := range []string{"avahi-daemon", "avahi-browse", "avahi-resolve", "avahi-publish-service", "avahi-publish-address", "dbus-daemon", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: ./scripts/set-up-outside installs it", err)
		}
	}
	a := &avahi{s, filepath.Join(s.dir, "bus")}
	write := func(name, text string) string {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := write("bus.conf", `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=`+a.bus+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`)
	run(t, exec.Command("dbus-daemon", "--config-file="+conf, "--nofork", "--nopidfile"))
	until(t, s, 10*time.Second, "a message bus", func() bool { _, err := os.Stat(a.bus); return err == nil })
	conf = write("avahi.conf", "[server]\nhost-name="+host+"\nallow-interfaces="+s.far+"\n[publish]\npublish-workstation=no\n")
	run(t, a.command("unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /run && mkdir /run/avahi-daemon && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "+conf))
	until(t, s, 10*time.Second, "avahi-daemon", func() bool {
		return a.command("avahi-resolve", "-n", host+".local").Run() == nil
	})
	return a
}

func (a *avahi) command(name string, args ...string) *exec.Cmd {
	c := exec.Command("ip", append([]string{"netns", "exec", a.s.outside, name}, args...)...)
	c.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+a.bus)
	return c
}

// browse returns what avahi has found of a type, one line an instance that it could resolve: name, host, address, port and text.
func (a *avahi) browse(service string) (list []string) {
	a.s.t.Helper()
	b, err := a.command("avahi-browse", "-rtpk", service).Output()
	if err != nil {
		a.s.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ";", 10)
		if len(f) == 10 && f[0] == "=" && !slices.Contains(list, strings.Join(append(f[3:4:4], f[6:]...), " ")) {
			list = append(list, strings.Join(append(f[3:4:4], f[6:]...), " "))
		}
	}
	return list
}

// Computers of the network beside the mesh find the border agent, and what a node of OpenThread's has registered, under another
// name where theirs is taken; the node finds what is on that network. Both ends are Debian's avahi and OpenThread.
func TestServicesOfTheMeshAndOfTheLink(t *testing.T) {
	t.Parallel()
	s := newSpaced(t)
	s.ip("-n", s.inside, "addr", "add", "10.98.0.1/24", "dev", s.near)
	s.ip("-n", s.outside, "addr", "add", "10.98.0.2/24", "dev", s.far)
	a := newAvahi(t, s, "desk")
	run(t, a.command("avahi-publish-address", "-R", "lamp.local", "10.98.0.9"))
	run(t, a.command("avahi-publish-service", "printer", "_ipp._tcp", "631", "rp=a"))
	br := start(t, s, s.dir, ours, gateway, 1, fmt.Sprint("PORT_OFFSET=", s.offset))
	br.state(30*time.Second, "leader")
	n := start(t, s, s.dir, theirs, ftd, 2, fmt.Sprint("PORT_OFFSET=", s.offset))
	n.do("dataset set active %s", br.get("dataset active -x"))
	n.all("ifconfig up", "thread start", "srp client autostart enable", "srp client host name lamp", "srp client host address auto", "srp client service add kitchen _coap._udp,_light 5683 0 0 03613d62")
	n.state(30*time.Second, "child", "router")

	var found []string
	until(t, s, time.Minute, "the border agent", func() bool { found = a.browse("_meshcop._udp"); return len(found) == 1 })
	omr := strings.TrimSuffix(br.get("br omrprefix local"), ":0::/64")
	for _, want := range []string{"Heddle\\032BR\\032\\035", "heddle-" + br.get("extaddr") + ".local", " " + strings.TrimSuffix(omr, "::/64"), " " + br.get("ba port") + " ", "nn=" + br.get("networkname"), "vn=Heddle"} {
		if !strings.Contains(found[0], want) {
			t.Errorf("the border agent has no %q: %s", want, found[0])
		}
	}
	until(t, s, time.Minute, "registered", func() bool { return strings.Contains(strings.Join(n.do("srp client host"), ""), "Registered") })
	until(t, s, time.Minute, "the node's service, whose host has another name because a computer is called lamp", func() bool {
		found = a.browse("_coap._udp")
		return len(found) == 1 && strings.HasPrefix(found[0], "kitchen lamp-2.local fd") && strings.HasSuffix(found[0], ` 5683 "a=b"`)
	})
	address := strings.Fields(found[0])[2]
	if found := a.browse("_light._sub._coap._udp"); len(found) != 1 {
		t.Errorf("by its subtype: %q", found)
	}
	if b, err := a.command("avahi-resolve", "-6", "-n", "lamp-2.local").CombinedOutput(); err != nil || strings.TrimSpace(string(b)) != "lamp-2.local\t"+address {
		t.Errorf("avahi-resolve: %q, not %s", b, address)
	}
	until(t, s, 20*time.Second, "a computer reaches what it has found", func() bool {
		return a.command("ping", "-c1", "-W1", address).Run() == nil
	})

	until(t, s, 30*time.Second, "the node finds the printer", func() bool {
		lines, last := n.try(20*time.Second, "dns browse _ipp._tcp.default.service.arpa")
		return last == "Done" && strings.Contains(strings.Join(lines, "\n"), "printer")
	})
	lines := strings.Join(n.do("dns service printer _ipp._tcp.default.service.arpa"), "\n")
	for _, want := range []string{"Port:631,", "Host:desk.default.service.arpa.", "TXT:[rp=61]"} {
		if !strings.Contains(lines, want) {
			t.Errorf("the printer has no %q:\n%s", want, lines)
		}
	}
	global := strings.Fields(s.ip("-n", s.outside, "-br", "-6", "addr", "show", "dev", s.far, "scope", "global"))
	if lines := n.get("dns resolve desk.default.service.arpa"); len(global) < 3 || !strings.Contains(lines, "TTL:") {
		t.Errorf("a computer's address: %q, of %q", lines, global)
	}

	n.do("srp client host remove 1")
	until(t, s, 20*time.Second, "what was taken back is gone", func() bool { return len(a.browse("_coap._udp")) == 0 })
	br.write("exit")
	until(t, s, 20*time.Second, "the border agent is gone with its program", func() bool { return len(a.browse("_meshcop._udp")) == 0 })
}
