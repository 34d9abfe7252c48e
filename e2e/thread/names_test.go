//go:build peers

package thread

import (
	"net"
	"strings"
	"testing"
	"time"

	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// zone is a DNS server outside: six.example has an IPv6 address, four.example an IPv4 one, and there are no others.
func zone(t *testing.T) string {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	six := ip6.MustParse("2001:db8::6")
	go func() {
		b := make([]byte, 1500)
		for {
			k, from, err := c.ReadFromUDP(b)
			if err != nil {
				return
			}
			m, err := dns.Parse(b[:k])
			if err != nil {
				continue
			}
			q := &m.Question
			asked := dns.Name(q.Asked)
			var w dns.Writer
			w.Header(m.ID, dns.FlagResponse|dns.FlagRecursion|dns.FlagAvailable)
			w.Question(asked, q.Type)
			switch name := q.Name.Text(); {
			case name == "six.example" && q.Type == dns.TypeAAAA:
				w.Record(asked, dns.TypeAAAA, dns.ClassIN, 60, six[:])
			case name == "four.example" && q.Type == dns.TypeA:
				w.Record(asked, dns.TypeA, dns.ClassIN, 60, []byte{192, 0, 2, 4})
			case name != "six.example" && name != "four.example":
				w.SetFlags(dns.FlagResponse | dns.FlagRecursion | dns.FlagAvailable | dns.CodeNoName)
			}
			_, _ = c.WriteToUDP(w.Bytes(), from) // the forwarder asks again
		}
	}()
	return c.LocalAddr().String()
}

// Nodes of both makers find our border router as their DNS server, ask it for names of the Internet, register with it, and
// find each other.
func TestNamesOfTheBorderRouter(t *testing.T) {
	t.Parallel()
	o, router, device := newOutsideWith(t, zone(t))
	nodes := []*node{router, device}
	own := strings.Join(o.border.do("ipaddr mleid"), "")
	for i, n := range nodes {
		n.do("srp client autostart enable") // off in the profile of tests
		until(t, o, 30*time.Second, "the server in the network data", func() bool { return n.has("dns config", "Server: ["+own+"]:53") })
		for _, c := range []struct{ command, want string }{
			{"dns resolve six.example", "DNS response for six.example. - 2001:db8:0:0:0:0:0:6 TTL:60 "},
			{"dns resolve four.example", "DNS response for four.example. - 64:ff9b:0:0:0:0:c000:204 TTL:60 "},
			{"dns resolve4 four.example", "DNS response for four.example. - 64:ff9b:0:0:0:0:c000:204 TTL:60 "},
		} {
			lines, last := n.try(25*time.Second, "%s", c.command)
			if got := strings.Join(lines, "\n"); got != c.want || last != "Done" {
				t.Errorf("%v: %s: %q, %s", n, c.command, got, last)
			}
		}
		n.all("srp client host name "+[]string{"theirs", "ours"}[i], "srp client host address auto", "srp client service add x"+[]string{"1", "2"}[i]+" _x._udp 7")
	}
	for i, n := range nodes {
		until(t, o, 30*time.Second, "both are registered", func() bool {
			lines, _ := n.try(25*time.Second, "dns browse _x._udp.default.service.arpa")
			text := strings.Join(lines, "\n")
			return strings.Contains(text, "x1") && strings.Contains(text, "x2")
		})
		name := []string{"ours", "theirs"}[i] + ".default.service.arpa"
		if lines := n.do("dns resolve %s", name); !strings.Contains(strings.Join(lines, ""), " - fd") {
			t.Errorf("%v: %s: %q", n, name, lines)
		}
	}
	device.do("ping theirs.default.service.arpa")
	if _, last := device.try(10*time.Second, "ping no.example"); last != "Error 23: NotFound" {
		t.Errorf("ping of a name that does not exist: %s", last)
	}
}
