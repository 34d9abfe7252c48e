package border_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/border"
)

// A router without an infrastructure link gives the mesh a prefix, a default route and the IPv4 world at once.
func TestUserRouter(t *testing.T) {
	b := newBench(t, 1)
	n := b.router(user)
	b.until("leads", time.Minute, n.Attached)
	start := b.net.World.Now()
	b.until("settled", 10*time.Second, func() bool { return b.routers[n].Routing().Settled() && len(routes(n)) == 2 })
	if d := b.net.World.Now().Sub(start); d > 5*time.Second {
		t.Error("it took", d)
	}
	other := b.plain()
	b.until("attached", time.Minute, other.Attached)
	b.net.Run(3 * time.Second)
	for _, line := range append(prefixes(other), routes(other)...) {
		t.Log(line)
	}
	for _, to := range []string{"2001:db8::1", "64:ff9b::101:101"} {
		r := b.pings(other, to)
		if r == nil {
			t.Fatal("no answer from", to)
		}
		t.Log(r.From, r.HopLimit, r.RTT)
		if b.pings(n, to) == nil {
			t.Error("the router itself has no answer from", to)
		}
	}
	s := b.routers[n].Status(b.net.World.Now())
	if len(s.Mappings) == 0 || s.Counters.Out.Packets != 4 || s.Counters.In.Packets != 4 {
		t.Errorf("%+v", s)
	}
}

// Where the driver's sockets translate, `nat64 counters` has what they did.
func TestCountersOfSockets(t *testing.T) {
	b := newBench(t, 1)
	c := user
	c.Translate = false
	n := b.router(c)
	b.until("leads", time.Minute, n.Attached)
	b.until("settled", 10*time.Second, func() bool { return b.routers[n].Routing().Settled() && len(routes(n)) == 2 })
	for _, to := range []string{"2001:db8::1", "64:ff9b::101:101"} {
		if b.pings(n, to) == nil {
			t.Fatal("no answer from", to)
		}
	}
	k, _, _ := b.routers[n].Translations()
	if k.Total != k.ICMP || k.ICMP.Packets6To4 != 1 || k.ICMP.Packets4To6 != 1 || k.ICMP.Bytes6To4 != 36 || k.ICMP.Bytes4To6 != 36 {
		t.Errorf("%+v", k)
	}
	if s := b.routers[n].Status(b.net.World.Now()); s.NAT64Counters != k {
		t.Errorf("%+v", s.NAT64Counters)
	}
}

// OpenThread's policy, on an infrastructure link with no router: solicit for 9 to 10 s, then a prefix for the mesh, one for
// the link, and a route to it.
func TestFirstRouterOfALink(t *testing.T) {
	b := newBench(t, 1)
	n := b.router(onLink)
	b.until("leads", time.Minute, n.Attached)
	b.until("settled", 20*time.Second, func() bool { return b.routers[n].Routing().Settled() })
	b.net.Run(10 * time.Second)
	m := b.routers[n].Routing()
	omr, _ := m.OMRPrefix()
	if got := prefixes(n); len(got) != 1 || !strings.HasPrefix(got[0], omr.String()) {
		t.Error(got)
	}
	if got := routes(n); len(got) != 1 || !strings.HasPrefix(got[0], "fc00::/7 10 ") {
		t.Error(got)
	}
	t.Log(strings.Join(b.seen, "\n"))
	if p, _ := m.OnLinkPrefix(); p.String() != "fdde:ad00:beef:cafe::/64" {
		t.Error(p)
	}
	if b.pings(n, "fdde:ad00:beef:cafe::1") == nil {
		t.Error("no way to the link")
	}
}

// Two routers on one link: the second finds the first's prefix and has no OMR prefix of its own; it takes over when the
// first dies.
func TestTakeOver(t *testing.T) {
	b := newBench(t, 2)
	c := onLink
	c.NAT64.Enable = true
	first := b.router(c)
	b.until("leads", time.Minute, first.Attached)
	b.until("settled", 20*time.Second, func() bool { return b.routers[first].Routing().Settled() })
	second := b.router(c)
	third := b.plain()
	b.until("whole", 5*time.Minute, func() bool { return b.net.Whole() && len(b.net.Members()) == 3 })
	b.net.Run(time.Minute)
	p1, _, _ := b.routers[first].Routing().FavoredOMRPrefix()
	p2, _, _ := b.routers[second].Routing().FavoredOMRPrefix()
	if p1 != p2 || len(prefixes(third)) != 1 {
		t.Error(p1, p2, prefixes(third))
	}
	if l := b.routers[second].Routing().Routers(b.net.World.Now()); len(l) != 1 || !l[0].Peer || !l[0].SNAC {
		t.Errorf("%+v", l)
	}
	if l := b.routers[second].Routing().Peers(b.net.World.Now()); len(l) != 1 {
		t.Errorf("%+v", l)
	}
	if b.pings(third, "fdde:ad00:beef:cafe::1") == nil {
		t.Error("no way out")
	}
	first.Kill()
	start := b.net.World.Now()
	b.until("the other's prefix is there", 10*time.Minute, func() bool {
		p, _, err := b.routers[second].Routing().FavoredOMRPrefix()
		own, _ := b.routers[second].Routing().OMRPrefix()
		return err == nil && p == own && len(prefixes(third)) == 1
	})
	t.Log("taken over after", b.net.World.Now().Sub(start))
	b.until("a way out", 5*time.Minute, func() bool { return b.pings(third, "fdde:ad00:beef:cafe::1") != nil })
	if i := slices.IndexFunc(b.events[second], func(v any) bool { _, ok := v.(*border.Changed); return ok }); i < 0 {
		t.Error("nothing was told")
	}
}

// Two routers without a link, each with a way out of its own: one prefix, two default routes; who is left takes over. That
// they do not hear each other says nothing.
func TestUserRoutersTakeOver(t *testing.T) {
	b := newBench(t, 4)
	first := b.lead(user)
	b.router(user)
	other := b.plain()
	b.until("whole", 5*time.Minute, b.net.Whole)
	b.net.Run(15 * time.Minute)
	if p, r := prefixes(other), routes(other); len(p) != 1 || len(r) != 3 || b.manager(first).SeveralAILs() {
		t.Error(p, r)
	}
	first.Kill()
	start := b.net.World.Now()
	b.until("a way out to IPv4", 10*time.Minute, func() bool { return b.pings(other, "64:ff9b::101:101") != nil })
	b.until("a way out", 10*time.Minute, func() bool { return b.pings(other, "2001:db8::1") != nil && len(prefixes(other)) == 1 })
	t.Log("taken over after", b.net.World.Now().Sub(start))
}
