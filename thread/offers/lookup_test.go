package offers

import (
	"testing"

	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// offerAs registers at the leader what a node with a locator offers.
func (b *bench) offerAs(t *testing.T, rloc16 uint16, offer func(n *bench) error) {
	t.Helper()
	n := newBench("router", rloc16)
	if err := offer(n); err != nil {
		t.Fatal(err)
	}
	n.local.SetRLOC(rloc16)
	b.request("a/sd", rloc16, append([]byte{threadNetworkTLV, byte(len(n.Local()))}, n.Local()...))
}

func onMesh(p string, more func(*netdata.OnMeshPrefix)) func(n *bench) error {
	return func(n *bench) error {
		x := netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix(p), OnMesh: true, SLAAC: true, Preferred: true, Stable: true}
		if more != nil {
			more(&x)
		}
		return n.AddOnMeshPrefix(n.now, x)
	}
}

func route(p string, preference int8) func(n *bench) error {
	return func(n *bench) error {
		return n.AddExternalRoute(n.now, netdata.ExternalRoute{Prefix: ip6.MustParsePrefix(p), Preference: preference, Stable: true, NAT64: p == "64:ff9b::/96"})
	}
}

func all(list ...func(n *bench) error) func(n *bench) error {
	return func(n *bench) error {
		for _, f := range list {
			if err := f(n); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestRoute(t *testing.T) {
	b := newBench("leader", 0x0c00)
	b.offerAs(t, 0x1400, all(onMesh("fd01::/64", func(p *netdata.OnMeshPrefix) { p.DefaultRoute = true }), route("2001:db8::/32", 0), route("2001:db8:1::/48", -1)))
	b.offerAs(t, 0x1800, all(onMesh("fd02::/64", func(p *netdata.OnMeshPrefix) { p.DefaultRoute, p.Preference = true, 1 }), route("2001:db8::/32", 1)))
	b.offerAs(t, 0x1c00, all(onMesh("fd01::/64", func(p *netdata.OnMeshPrefix) { p.DefaultRoute = true }), route("2001:db8:1::/48", -1), route("64:ff9b::/96", 0)))
	b.offerAs(t, 0x1c05, route("64:ff9b::/96", 0))
	b.cost = map[uint16]uint8{0x1400: 2, 0x1800: 9, 0x1c00: 1, 0x1c05: 1}
	for _, x := range []struct {
		src, dst string
		want     uint16
	}{
		{"fd01::1", "2001:db8::1", 0x1800},   // by preference, however far
		{"fd01::1", "2001:db8:1::1", 0x1c00}, // the longer prefix, then the shorter way
		{"fd01::1", "3000::1", 0x1c00},       // the default route, by cost
		{"fd02::1", "3000::1", 0x1800},       // that of its own prefix
		{"fd01::1", "64:ff9b::1", 0x1c00},    // a router before an end device
		{"fd99::1", "2001:db8::1", 0x1800},   // a deprecated prefix of the same domain
		{"fd99::1", "3000::1", 0},
		{"fd03::1", "2001:db8::1", 0},
	} {
		r, err := b.Route(ip6.MustParse(x.src), ip6.MustParse(x.dst))
		if r != x.want || (err == nil) != (x.want != 0) {
			t.Errorf("%s -> %s: %04x %v, want %04x", x.src, x.dst, r, err, x.want)
		}
	}
	if n, ok := b.NAT64(); !ok || n.Prefix != ip6.MustParsePrefix("64:ff9b::/96") || !b.IsNAT64(ip6.MustParse("64:ff9b::a00:1")) || b.IsNAT64(ip6.MustParse("64:ff9c::1")) {
		t.Error(n, ok)
	}
	for a, want := range map[string]bool{"fd00:db8::1": true, "fd01::1": true, "fd03::1": false, "2001:db8::1": false} {
		if b.OnMesh(ip6.MustParse(a)) != want {
			t.Errorf("%s on mesh: %v", a, !want)
		}
	}
}

func TestContextAndAnycast(t *testing.T) {
	b := newBench("leader", 0x0c00)
	b.offerAs(t, 0x1400, all(onMesh("fd01::/48", func(p *netdata.OnMeshPrefix) { p.SLAAC, p.DHCP = false, true }), onMesh("fd01:0:0:5::/64", nil),
		func(n *bench) error {
			return n.AddService(n.now, netdata.ThreadEnterprise, []byte{0x5c, 1}, true, []byte{1})
		}))
	b.offerAs(t, 0x1802, all(onMesh("fd01::/48", func(p *netdata.OnMeshPrefix) { p.SLAAC, p.Configure, p.Preference = false, true, 1 }),
		func(n *bench) error {
			return n.AddService(n.now, netdata.ThreadEnterprise, []byte{0x5c, 1}, true, []byte{2})
		},
		func(n *bench) error { return n.AddService(n.now, 7, []byte{9}, false, nil) }))
	for a, want := range map[string]uint8{"fd00:db8::1": 0, "fd01::1": 1, "fd01:0:0:5::1": 2, "fd01:0:0:6::1": 1} {
		if c, ok := b.ContextFor(ip6.MustParse(a)); !ok || c.ID != want || !c.Compress || !c.Prefix.Contains(ip6.MustParse(a)) {
			t.Errorf("%s: %+v %v", a, c, ok)
		}
		if c, ok := b.Context(want); !ok || c.ID != want {
			t.Errorf("context %d: %+v %v", want, c, ok)
		}
	}
	if _, ok := b.ContextFor(ip6.MustParse("fd02::1")); ok {
		t.Error("a context for a stranger")
	}
	if _, ok := b.Context(3); ok {
		t.Error("context 3")
	}
	b.cost = map[uint16]uint8{0x1400: 1, 0x1802: 5}
	if err := b.SetCommissioning(b.now, unhex("0902 1c00 0b02 0001")); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		aloc, want uint16
		err        error
	}{
		{0xfc00, 0x0c00, nil}, {0xfc01, 0x1800, nil}, // the parent of the agent with the higher preference
		{0xfc02, 0, status.NoRoute}, {0xfc10, 0x1400, nil}, {0xfc11, 0x1800, nil}, {0xfc12, 0, status.NoRoute},
		{0xfc31, 0x1c00, nil}, {0xfc38, 0, status.Drop}, {0xfc40, 0, status.NoRoute}, {0xfcff, 0, status.Drop},
	} {
		if r, err := b.Anycast(x.aloc); r != x.want || err != x.err {
			t.Errorf("%04x: %04x %v, want %04x %v", x.aloc, r, err, x.want, x.err)
		}
	}
	b.rloc16 = 0x1800
	if r, _ := b.Anycast(0xfc01); r != 0x1802 {
		t.Errorf("a child of this router: %04x", r)
	}
	if id, err := b.ServiceID(7, []byte{9}, false); err != nil || id != 1 {
		t.Error(id, err)
	}
	if l := b.Data().DNSSRPAnycast(nil); len(l) != 2 || l[1].Version != 2 || l[1].RLOC16 != 0x1802 {
		t.Error(l)
	}
	if l := b.Data().RLOC16s(nil); len(l) != 2 {
		t.Errorf("%04x", l)
	}
	if l := b.Data().BorderRouters(nil); len(l) != 0 { // none leads outside
		t.Errorf("%04x", l)
	}
}

func BenchmarkRoute(b *testing.B) {
	n := newBench("leader", 0x0c00)
	n.offerAs(&testing.T{}, 0x1400, all(onMesh("fd01::/64", func(p *netdata.OnMeshPrefix) { p.DefaultRoute = true }), route("2001:db8::/32", 0), route("64:ff9b::/96", 0)))
	src, dst := ip6.MustParse("fd01::1"), ip6.MustParse("64:ff9b::1")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Route(src, dst); err != nil {
			b.Fatal(err)
		}
		if _, ok := n.ContextFor(src); !ok {
			b.Fatal("no context")
		}
	}
}
