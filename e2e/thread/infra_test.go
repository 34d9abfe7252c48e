//go:build peers

package thread

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// spaced is real in a network namespace of its own, with a border router on a network whose other end is another namespace.
type spaced struct {
	*real
	inside, outside string // the namespaces
	near, far       string // the ends of the network between them
}

const gateway kind = "border router"

func (s *spaced) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	c := s.real.program(t, m, k, id)
	args := c.Args
	if k == gateway {
		args = []string{args[0], "border-router", "--tun", "--infra", s.near, "1"}
	}
	return exec.Command("ip", append([]string{"netns", "exec", s.inside}, args...)...)
}

func (s *spaced) ip(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func newSpaced(t *testing.T) *spaced {
	if os.Getuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	s := &spaced{real: newReal(t, 1)}
	name := fmt.Sprintf("h%d-%d", os.Getpid(), s.offset)
	s.inside, s.outside, s.near, s.far = name+"in", name+"out", "n"+name, "f"+name
	for _, n := range []string{s.inside, s.outside} {
		s.ip("netns", "add", n)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n).Run() })
		s.ip("-n", n, "link", "set", "lo", "up")
	}
	s.ip("link", "add", s.near, "netns", s.inside, "type", "veth", "peer", "name", s.far, "netns", s.outside)
	s.sysctl(s.inside, "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf."+s.near+".accept_dad=0")
	// What a computer on the network needs to learn routes by advertisements (RFC 4191), as most have it.
	s.sysctl(s.outside, "net.ipv6.conf."+s.far+".accept_ra=2", "net.ipv6.conf."+s.far+".accept_ra_rt_info_max_plen=64",
		"net.ipv6.conf."+s.far+".accept_dad=0")
	s.ip("-n", s.inside, "route", "add", "224.0.0.0/4", "dev", "lo") // the simulated radio
	s.ip("-n", s.inside, "link", "set", s.near, "up")
	s.ip("-n", s.outside, "link", "set", s.far, "up")
	until(t, s, 10*time.Second, "a link-local address", func() bool {
		return strings.Contains(s.ip("-n", s.inside, "-6", "addr", "show", "dev", s.near, "scope", "link"), "fe80:")
	})
	return s
}

// pass lets more time pass than other real worlds: each question here is a process of its own.
func (s *spaced) pass(d time.Duration) { time.Sleep(min(d, 50*time.Millisecond)) }

func (s *spaced) sysctl(ns string, values ...string) {
	for _, v := range values {
		s.ip(append([]string{"netns", "exec", ns, "sysctl", "-qw"}, v)...)
	}
}

// A border router with a TUN device on a real network: a computer there learns by its router advertisements an address of the
// network's prefix and the route into the mesh, and a node of OpenThread's in the mesh pings it.
func TestInfrastructureLink(t *testing.T) {
	t.Parallel()
	s := newSpaced(t)
	br := start(t, s, s.dir, ours, gateway, 1, fmt.Sprint("PORT_OFFSET=", s.offset))
	br.state(30*time.Second, "leader")
	n := start(t, s, s.dir, theirs, ftd, 2, fmt.Sprint("PORT_OFFSET=", s.offset))
	n.do("dataset set active %s", br.get("dataset active -x"))
	n.all("routereligible disable", "ifconfig up", "thread start")
	n.state(30*time.Second, "child")
	until(t, s, 30*time.Second, "border routing", func() bool { return br.get("br state") == "running" })
	var address string
	until(t, s, 40*time.Second, "an address of our prefix on the network", func() bool {
		l := br.do("br onlinkprefix favored")
		prefix := strings.TrimSuffix(l[0], "::/64")
		for _, f := range strings.Fields(s.ip("-n", s.outside, "-6", "addr", "show", "dev", s.far, "scope", "global")) {
			if a, ok := strings.CutSuffix(f, "/64"); ok && strings.HasPrefix(a, strings.ReplaceAll(prefix, ":0", ":")) {
				address = a
			}
		}
		return address != ""
	})
	omr := strings.Replace(br.get("br omrprefix local"), ":0::/", "::/", 1)
	until(t, s, 20*time.Second, "the route into the mesh", func() bool {
		return strings.Contains(s.ip("-n", s.outside, "-6", "route"), omr+" via fe80:")
	})
	until(t, s, 20*time.Second, "an answer to the node's ping", func() bool {
		l, _ := n.try(20*time.Second, "ping %s", address)
		return strings.Contains(strings.Join(l, "\n"), "1 packets received")
	})
	if l := br.do("br counters"); !strings.Contains(strings.Join(l, "\n"), "RS TxSuccess: 3") {
		t.Errorf("%q", l)
	}
}
