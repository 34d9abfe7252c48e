package border_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
)

// zone answers as a server of the Internet's: six has an IPv6 address only, four an IPv4 one, both has both.
func (b *bench) zone(n *network.Node, _ machine.Time, q *border.Query) {
	m, err := dns.Parse(q.Message)
	if err != nil {
		b.t.Error(err)
		return
	}
	var w dns.Writer
	w.Header(m.ID, dns.FlagResponse|dns.FlagRecursion|dns.FlagAvailable)
	w.Question(dns.Name(m.Question.Asked), m.Question.Type)
	name := m.Question.Name.Text()
	six, four := netip.MustParseAddr("2001:db8::6").As16(), []byte{192, 0, 2, 4}
	switch {
	case m.Question.Type == dns.TypeAAAA && (name == "six.example" || name == "both.example"):
		w.Record(dns.Name(m.Question.Asked), dns.TypeAAAA, dns.ClassIN, 60, six[:])
	case m.Question.Type == dns.TypeA && (name == "four.example" || name == "both.example"):
		w.Record(dns.Name(m.Question.Asked), dns.TypeA, dns.ClassIN, 60, four)
	case name != "six.example" && name != "both.example" && name != "four.example":
		w.SetFlags(dns.FlagResponse | dns.FlagRecursion | dns.FlagAvailable | dns.CodeNoName)
	}
	n.Do(func(now machine.Time) { b.routers[n].UpstreamReceived(now, 0, q.Server, w.Bytes()) })
}

// resolves returns the addresses that a node finds for a name.
func (b *bench) resolves(n *network.Node, name string) string {
	b.t.Helper()
	got := b.resolve(n, name)
	s := ""
	for _, a := range got.Addresses {
		s += fmt.Sprintf("%s %v ", a.IP.Netip(), a.IP4)
	}
	if got.Err != nil {
		s = got.Err.Error()
	}
	return strings.TrimSpace(s)
}

// A border router is the DNS server of its mesh: it knows what is registered with it, and asks for the rest. Nodes find it in
// the network data, and so does the router itself.
func TestNamesOfAllKinds(t *testing.T) {
	b := newBench(t, 1)
	c := user
	c.Services = true
	c.Upstream = []netip.AddrPort{netip.MustParseAddrPort("198.51.100.53:53")}
	n := b.router(c)
	b.query = b.zone
	b.until("leads", time.Minute, n.Attached)
	other := b.plain()
	b.until("attached", time.Minute, other.Attached)
	b.net.Run(20 * time.Second)
	other.Input(func(now machine.Time, x *thread.Node) {
		if own := n.Thread().MeshLocalEID(); x.NameServer() != own {
			t.Errorf("%s is asked, not %s", x.NameServer(), own)
		}
	})
	for _, who := range []*network.Node{other, n} {
		for _, c := range []struct{ name, want string }{
			{"six.example", "2001:db8::6 invalid IP"},
			{"four.example", "64:ff9b::c000:204 192.0.2.4"},
			{"both.example", "2001:db8::6 invalid IP 64:ff9b::c000:204 192.0.2.4"},
			{"no.example", "Error 23: NotFound"},
			{"nobody", "Error 23: NotFound"},
			{"192.0.2.7", "64:ff9b::c000:207 192.0.2.7"},
		} {
			if got := b.resolves(who, c.name); got != c.want {
				t.Errorf("%s: %s: %s, not %s", who.Name(), c.name, got, c.want)
			}
		}
	}
}
