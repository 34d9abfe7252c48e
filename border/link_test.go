package border_test

import (
	"strings"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
)

// A link with a router to the world: its prefix is used, a default route is published, and the M and O flags are repeated.
func TestRouterOfTheWorld(t *testing.T) {
	b := newBench(t, 1)
	h := b.host("fe80::99").prefix("2001:db8:1::/64", 3600, 1800)
	h.header = nd.RouterHeader{Lifetime: 1800, Other: true}
	n := b.lead(onLink)
	b.has(10*time.Second, routes, n, "::/0 00 ")
	b.has(10*time.Second, prefixes, n, " f300 -1 ") // with a default route
	m := b.manager(n)
	if p, _ := m.FavoredOnLinkPrefix(); p.String() != "2001:db8:1:0::/64" {
		t.Error(p)
	}
	b.net.Run(20 * time.Second)
	last, options, err := nd.ParseRouterAdvert(b.lastAdvert)
	if err != nil || !last.Other || last.Managed || !last.SNAC || last.Lifetime != 0 {
		t.Errorf("%+v %v", last, err)
	}
	nd.Options(options, func(typ uint8, _ []byte) bool {
		if typ == nd.TypePrefix {
			t.Error("the link has a prefix: ours is not advertised")
		}
		return true
	})
	// It says good-bye: its prefix is deprecated, and ours takes its place.
	h.options = nil
	h.prefix("2001:db8:1::/64", 7200, 0)
	h.header.Lifetime = 0
	h.advertise()
	b.has(10*time.Second, func(*network.Node) []string { return []string{b.advertised(nd.TypePrefix)} }, n, "fdde:ad00:beef:cafe::/64")
	b.has(time.Minute, routes, n, "::/0") // until the prefix expires
}

// A router that does not answer any more is given up after six questions, and what it has said with it.
func TestRouterIsLost(t *testing.T) {
	b := newBench(t, 2)
	h := b.host("fe80::99").prefix("2001:db8:1::/64", 3600, 3600)
	n := b.lead(onLink)
	b.net.Run(30 * time.Second)
	h.silent = true
	b.until("given up", 2*time.Minute, func() bool {
		l := b.manager(n).Routers(b.net.World.Now())
		return len(l) == 1 && !l[0].Reachable
	})
	if h.asked != 5 {
		t.Error("asked", h.asked)
	}
	if p, _ := b.manager(n).FavoredOnLinkPrefix(); p.String() != "2001:db8:1:0::/64" {
		t.Log("at once", p)
	}
	b.has(10*time.Second, func(*network.Node) []string { return []string{b.advertised(nd.TypePrefix)} }, n, "fdde:ad00:beef:cafe::/64")
}

// A prefix that was delegated to the driver is preferred to that of the router's own; without it that comes back.
func TestDelegatedPrefix(t *testing.T) {
	b := newBench(t, 3)
	n := b.lead(onLink)
	m := b.manager(n)
	own, _ := m.OMRPrefix()
	b.has(10*time.Second, prefixes, n, own.String())
	b.do(n, func(now machine.Time, m *routing.Manager) {
		m.SetPDEnabled(now, true)
		m.Delegated(now, ip6.MustParsePrefix("2001:db8:7700::/56"), 3600, 600)
		m.Delegated(now, ip6.MustParsePrefix("fd99::/64"), 3600, 600)
	})
	b.has(10*time.Second, prefixes, n, "2001:db8:7700:0::/64 3100 0 ")
	b.hasNot(time.Second, prefixes, n, own.String())
	if m.PDState() != routing.PDRunning {
		t.Error(m.PDState())
	}
	b.net.Run(10 * time.Minute)
	b.has(time.Minute, prefixes, n, own.String())
}

// The prefix of the link follows the extended PAN id; an old one fades, over a reset, too.
func TestOldPrefixFades(t *testing.T) {
	b := newBench(t, 4)
	n := b.lead(onLink)
	b.net.Run(30 * time.Second)
	n.Input(func(now machine.Time, x *thread.Node) {
		if err := x.Stop(now, 0); err != nil {
			t.Fatal(err)
		}
		d := network.Dataset(0)
		d.ExtPANID = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		ds, err := d.Dataset()
		if err != nil {
			t.Fatal(err)
		}
		x.Do(now, 0, func() { err = x.Datasets().SetActive(now, ds) })
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Start(now, 0); err != nil {
			t.Fatal(err)
		}
	})
	check := func(valid string) {
		t.Helper()
		b.until("attached", time.Minute, n.Attached)
		b.until("settled", 30*time.Second, b.manager(n).Settled)
		b.net.Run(10 * time.Second)
		s := b.advertised(nd.TypePrefix)
		for _, want := range []string{"fd01:203:405:708::/64 1800 1800", "fdde:ad00:beef:cafe::/64 " + valid} {
			if !strings.Contains(s, want) {
				t.Errorf("no %q in %q", want, s)
			}
		}
	}
	check("17")
	n.Reset()
	check("17")
	b.net.Run(40 * time.Minute)
	if s := b.advertised(nd.TypePrefix); strings.Contains(s, "fdde:") {
		t.Error("it has not faded:", s)
	}
}

// OMR prefixes of a user's, and none.
func TestOMRConfig(t *testing.T) {
	b := newBench(t, 5)
	n := b.lead(onLink)
	own, _ := b.manager(n).OMRPrefix()
	b.do(n, func(now machine.Time, m *routing.Manager) {
		if err := m.SetOMRConfig(now, routing.OMRCustom, ip6.MustParsePrefix("fd01:2:3::/64"), 1); err != nil {
			t.Error(err)
		}
	})
	b.has(10*time.Second, prefixes, n, "fd01:2:3:0::/64 7100 1 ")
	b.hasNot(time.Second, prefixes, n, own.String())
	b.has(10*time.Second, func(*network.Node) []string { return []string{b.advertised(nd.TypeRoute)} }, n, own.String()+" -1 3") // it fades on the link
	b.do(n, func(now machine.Time, m *routing.Manager) {
		_ = m.SetOMRConfig(now, routing.OMRDisabled, ip6.Prefix{}, 0)
	})
	b.until("none", 10*time.Second, func() bool { return len(prefixes(n)) == 0 })
	b.do(n, func(now machine.Time, m *routing.Manager) { _ = m.SetOMRConfig(now, routing.OMRAuto, ip6.Prefix{}, 0) })
	b.has(10*time.Second, prefixes, n, own.String())
	_ = b.routers[n].Do(b.net.World.Now(), 0, func(m *routing.Manager) error { return m.SetEnabled(b.net.World.Now(), false) })
	n.Do(func(machine.Time) {})
	b.until("taken back", 20*time.Second, func() bool { return len(prefixes(n)) == 0 && len(routes(n)) == 0 })
	if s := b.advertised(nd.TypeRoute); !strings.Contains(s, own.String()+" 0 0") {
		t.Error("on the link it was not:", s)
	}
}

// The NAT64 prefix of the infrastructure is offered where nodes have addresses of the infrastructure, too. Then we do not
// translate.
func TestInfrastructureNAT64(t *testing.T) {
	b := newBench(t, 6)
	h := b.host("fe80::99").prefix("2001:db8:1::/64", 3600, 3600)
	o := nd.NAT64Prefix{Prefix: ip6.MustParsePrefix("2001:db8:64::/96"), Lifetime: 1800}
	h.options = o.Append(h.options)
	h.header.Lifetime = 1800
	c := onLink
	c.NAT64.Enable = true
	n := b.lead(c)
	own, _ := b.manager(n).NAT64Prefix()
	b.has(10*time.Second, routes, n, own.String()+" e0 ")
	if s := b.routers[n].TranslatorState(); s != border.TranslatorActive {
		t.Error(s)
	}
	b.do(n, func(now machine.Time, m *routing.Manager) {
		_ = m.SetOMRConfig(now, routing.OMRCustom, ip6.MustParsePrefix("2001:db8:2::/64"), 0)
	})
	b.has(20*time.Second, routes, n, "2001:db8:64:0:0:0::/96 20 ")
	b.hasNot(20*time.Second, routes, n, own.String())
	if s := b.routers[n].TranslatorState(); s != border.TranslatorNotRunning {
		t.Error(s)
	}
}

// Border routers of one mesh that do not hear each other stand on several links: that is said after ten minutes, and taken
// back a minute after they hear each other.
func TestSeveralLinks(t *testing.T) {
	b := newBench(t, 7)
	first := b.lead(onLink)
	second := b.router(onLink)
	b.cut[second] = true
	b.until("whole", 5*time.Minute, b.net.Whole)
	b.until("said", 15*time.Minute, func() bool { return b.manager(first).SeveralAILs() && b.manager(second).SeveralAILs() })
	delete(b.cut, second)
	b.until("taken back", 10*time.Minute, func() bool { return !b.manager(first).SeveralAILs() && !b.manager(second).SeveralAILs() })
	said := 0
	for _, v := range b.events[first] {
		if e, ok := v.(*border.SeveralAILs); ok {
			if said++; e.Detected != (said == 1) {
				t.Error(said, e)
			}
		}
	}
	if said != 2 {
		t.Error("said", said)
	}
}
