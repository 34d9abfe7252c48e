//go:build peers

package thread

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nameServer is a DNS server of the outside, with one name that has an IPv4 address only and one that has both.
func nameServer(t *testing.T, w *walled) {
	run(t, in(w.out, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
		"--host-record=four.example,"+outside4, "--host-record=example.com,"+outside4, "--host-record=both.example,"+outside4+","+outside6))
	bound(t, w.out, "u", 53)
}

// echoes is `nc` of the outside: it answers the first datagram or connection with a line.
func listens(t *testing.T, w *walled, port int, flags ...string) *other {
	o := run(t, in(w.out, "nc", append(flags, "-l", "-p", fmt.Sprint(port))...))
	kind := "t"
	if strings.Contains(strings.Join(flags, " "), "u") {
		kind = "u"
	}
	bound(t, w.out, kind, port)
	return o
}

// A node of OpenThread's reaches an outside that knows nothing of it, through our border router without any rights:
// by echo request, UDP and TCP, natively and by NAT64, by name.
func TestOutWithoutRights(t *testing.T) {
	t.Parallel()
	w := newWalled(t)
	w.rootless = true
	w.set("net.ipv4.ping_group_range=0 2147483647")
	nameServer(t, w)
	w.flags = []string{"--dns", outside4}
	br, n := w.open()
	for _, to := range []string{outside4, "64:ff9b::" + outside4, outside6} {
		if lines := strings.Join(n.do("ping %s", to), "\n"); !strings.Contains(lines, "hlim=63") || !strings.Contains(lines, "1 packets received") {
			t.Errorf("ping %s:\n%s", to, lines)
		}
	}
	for name, want := range map[string]string{"four.example": "64:ff9b:0:0:0:0:a63:2", "both.example": "fdbb:0:0:0:0:0:0:2"} {
		if got := n.get("dns resolve %s", name); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	udp := listens(t, w, 7000, "-u", "-4")
	fmt.Fprintln(udp.in, "from outside")
	n.all("udp open", "udp send "+outside4+" 7000 from-the-mesh")
	udp.expect("from-the-mesh")
	n.expect(10*time.Second, "from outside")
	udp6 := listens(t, w, 7006, "-u", "-6")
	n.do("udp send %s 7006 natively", outside6)
	udp6.expect("natively")
	tcp := listens(t, w, 7001, "-4")
	n.all("tcp init", "tcp connect "+outside4+" 7001")
	n.expect(10*time.Second, "Connection established")
	n.do("tcp send over-tcp")
	tcp.expect("over-tcp")
	fmt.Fprintln(tcp.in, "answered-by-tcp")
	n.expect(10*time.Second, "answered-by-tcp")
	if lines := strings.Join(br.do("doctor"), "\n"); !strings.Contains(lines, "All that was tested works.") || !strings.Contains(lines, "by IPv6: ping socket; IPv4: ping socket") ||
		!strings.Contains(lines, outside4+":53 answered the node") {
		t.Errorf("the doctor says:\n%s", lines)
	}
	if lines := strings.Join(n.do("ping 10.99.0.77"), "\n"); !strings.Contains(lines, "0 packets received") {
		t.Errorf("nobody's address answers:\n%s", lines)
	}
}

// Where the system opens no ping sockets, and has no DNS server, the doctor says so and what to do.
func TestDoctor(t *testing.T) {
	t.Parallel()
	w := newWalled(t)
	w.rootless, w.flags = true, []string{"--doctor", "--dns", outside4, "--server", "coaps://" + outside4}
	cmd := w.program(t, ours, border, 1)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), "PORT_OFFSET="+strconv.Itoa(w.offset))
	b, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ends with %v", err)
	}
	for _, want := range []string{"ok       radio   leader of", "ok       prefix  fd", "ok       route   ::/0 leads here", "no default route for IPv6",
		"warn     NAT64   64:ff9b:0:0:0:0::/96, here; this computer has no default route for IPv4", "not tried: 10.99.0.2:53 answers nobody", `-> sysctl -w net.ipv4.ping_group_range="0 2147483647"`,
		"broken   DNS     10.99.0.2:53 answers nobody", "broken   server  10.99.0.2 by NAT64 port 5684: no answer"} {
		if !strings.Contains(strings.Replace(string(b), "warn     route", "ok       route", 1), want) {
			t.Errorf("it does not say %q:\n%s", want, b)
		}
	}
}

// The same with a TUN device: the system routes, and the outside reaches the node.
func TestOutByTUN(t *testing.T) {
	t.Parallel()
	w := newWalled(t)
	w.set("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	nameServer(t, w)
	w.flags = []string{"--tun", "--dns", outside4}
	br, n := w.open()
	for to, hops := range map[string]string{outside4: "hlim=62", outside6: "hlim=63"} {
		if lines := strings.Join(n.do("ping %s", to), "\n"); !strings.Contains(lines, hops) || !strings.Contains(lines, "1 packets received") {
			t.Errorf("ping %s:\n%s", to, lines)
		}
	}
	address := w.omr(n)
	if got := output(t, in(w.out, "ping", "-c", "1", "-W", "10", address)); !strings.Contains(got, "1 received") {
		t.Errorf("from outside:\n%s", got)
	}
	// The outside asks for the mesh's names, and for no others: a border router is no resolver for everybody.
	n.all("srp client host name lamp", "srp client host address auto", "srp client service add lamp _coap._udp 5683", "srp client autostart enable")
	dig := func(name string) string { return output(t, in(w.out, "dig", "+short", "@"+w.omr(br), name, "AAAA")) }
	until(t, w, 20*time.Second, "dig finds the node", func() bool {
		return strings.TrimSpace(dig("lamp.default.service.arpa")) == netip.MustParseAddr(address).String()
	})
	if got := dig("four.example"); got != "" {
		t.Errorf("dig says %q", got)
	}
	n.all("tcp init", "tcp listen :: 7002")
	curl := run(t, in(w.out, "curl", "-sS", "-N", "telnet://["+address+"]:7002"))
	n.expect(15*time.Second, "Accepted connection")
	fmt.Fprintln(curl.in, "from curl")
	n.expect(10*time.Second, "from curl")
	n.do("tcp send to-curl")
	// curl looks at the network for 100 ms after each line that it has read, and then waits for the next one.
	until(t, w, 15*time.Second, "curl prints what the node sends", func() bool {
		fmt.Fprintln(curl.in)
		return strings.Contains(curl.text(), "to-curl")
	})
	if lines := strings.Join(br.do("nat64 mappings"), "\n"); !strings.Contains(lines, "192.168.255.") {
		t.Errorf("no mapping:\n%s", lines)
	}
}
