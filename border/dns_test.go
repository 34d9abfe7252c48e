package border_test

import (
	"net/netip"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
)

// server answers for names upstream: old.example has an IPv4 address only, new.example one of each kind.
func (b *bench) server(n *network.Node, _ machine.Time, q *border.Query) {
	m, err := dns.Parse(q.Message)
	if err != nil {
		b.t.Error(err)
		return
	}
	var data []byte
	switch name := m.Question.Name.Text(); {
	case name != "old.example." && name != "new.example." && name != "old.example" && name != "new.example":
		b.t.Errorf("asked for %q", name)
	case m.Question.Type == dns.TypeA:
		data = []byte{192, 0, 2, 7}
	case m.Question.Type == dns.TypeAAAA && name[:3] == "new":
		a := netip.MustParseAddr("2001:db8::7").As16()
		data = a[:]
	}
	count := 0
	if data != nil {
		count = 1
	}
	answer := dns.AppendHeader(nil, m.ID, dns.FlagResponse|dns.FlagRecursion|dns.FlagAvailable, &m.Question, count)
	if data != nil {
		answer = dns.AppendRecord(answer, &m.Question, m.Question.Name, m.Question.Type, 300, data)
	}
	b.net.World.After(10*time.Millisecond, func() {
		n.Do(func(now machine.Time) { b.routers[n].UpstreamReceived(now, 0, q.Server, answer) })
	})
}

// resolve asks for a host at a node.
func (b *bench) resolve(n *network.Node, name string) *thread.Resolved {
	b.t.Helper()
	var got *thread.Resolved
	was := n.OnEvent
	n.OnEvent = func(now machine.Time, a machine.Action) {
		if r, ok := a.Value.(*thread.Resolved); ok {
			got = r
		}
		if was != nil {
			was(now, a)
		}
	}
	defer func() { n.OnEvent = was }()
	n.Input(func(now machine.Time, t *thread.Node) {
		if _, err := t.Resolve(now, 0, name); err != nil {
			b.t.Fatal(err)
		}
	})
	b.until("resolve "+name, time.Minute, func() bool { return got != nil })
	return got
}

// Names are resolved through the border router: by the server that the network data name, and by OpenThread's default one
// where they name none. A host without IPv6 is reached by NAT64.
func TestNames(t *testing.T) {
	for _, services := range []bool{false, true} {
		b := newBench(t, 5)
		b.query = b.server
		c := user
		c.Upstream = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}
		c.Services, c.DefaultDNS = services, !services
		n := b.router(c)
		b.until("leads", time.Minute, n.Attached)
		other := b.plain()
		b.until("attached", time.Minute, func() bool { return other.Attached() && len(routes(other)) == 2 })
		b.net.Run(10 * time.Second)
		if s := other.Thread().NameServer(); (s.String() == "2001:4860:4860:0:0:0:0:8888") == services {
			t.Error(services, s)
		}
		for name, want := range map[string]string{"old.example": "64:ff9b::c000:207", "new.example": "2001:db8::7"} {
			begun := b.net.World.Now()
			r := b.resolve(other, name)
			if took := b.net.World.Now().Sub(begun); took >= time.Second { // a node waits so long for a second answer
				t.Errorf("services %v: %s takes %v: an answer is lost", services, name, took)
			}
			if r.Err != nil || len(r.Addresses) == 0 || r.Addresses[0].IP.Netip() != netip.MustParseAddr(want) {
				t.Errorf("services %v: %s: %+v", services, name, r)
			}
		}
		if s := b.routers[n].Status(b.net.World.Now()); len(s.Names) == 0 || s.DNS.Queries == 0 {
			t.Errorf("%+v", s.DNS)
		}
		if b.pings(other, "64:ff9b::c000:207") == nil {
			t.Error("no answer through NAT64")
		}
	}
}
