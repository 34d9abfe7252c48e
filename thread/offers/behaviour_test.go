package offers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// A node's registration: again when it was lost, with the old locator when it has another one, not while it is about to
// become a router.
func TestNotifier(t *testing.T) {
	n := newBench("child", 0x1401)
	if err := onMesh("fd01::/64", nil)(n); err != nil {
		t.Fatal(err)
	}
	const own = "0a12 0310 0040 fd01000000000000 0504"
	lost := func() { p := n.posts[len(n.posts)-1]; p.done(n.now, nil, errors.New("no answer")) }
	n.soon = 5 * time.Second
	n.Register(n.now)
	n.run(time.Second)
	n.soon = 0
	n.run(4 * time.Second)
	n.want(t) // a second after the time is over
	n.run(time.Second)
	n.want(t, "6.000 post fd00:db8:0:0:0:ff:fe00:fc00 a/sd "+hexOf(own+"1401 3100"))
	n.run(4 * time.Second)
	lost()
	n.run(0)
	n.want(t, "10.000 post fd00:db8:0:0:0:ff:fe00:fc00 a/sd "+hexOf(own+"1401 3100"))
	n.rloc16, n.role = 0x1800, "router"
	n.RoleChanged(n.now)
	n.run(time.Second)
	n.want(t) // waits for the answer
	n.posts[1].done(n.now, nil, nil)
	n.run(time.Second)
	n.want(t, "11.001 post fd00:db8:0:0:0:ff:fe00:fc00 a/sd "+hexOf(own+"1800 3100")+"02021401")
	n.posts[2].done(n.now, nil, nil)
	n.run(299 * time.Second)
	n.want(t)
	n.run(2 * time.Second) // the leader still does not have it
	n.want(t, "312.001 post fd00:db8:0:0:0:ff:fe00:fc00 a/sd "+hexOf(own+"1800 3100"))
	// A request that does not even leave is not sent again at once.
	n.posts[3].done(n.now, nil, nil)
	n.Register(n.now)
	n.run(0)
	n.log = nil
	n.posts[len(n.posts)-1].done(n.now, nil, status.NoBufs)
	n.run(999 * time.Millisecond)
	n.want(t)
}

// A router tells the leader of children that are gone.
func TestStaleChild(t *testing.T) {
	l := newBench("leader", 0x0c00)
	l.offerAs(t, 0x0c01, route("fd05::/64", 0))
	l.offerAs(t, 0x1401, route("fd06::/64", 0)) // another's child
	l.children[0x0c01] = true
	l.run(time.Second)
	if len(l.posts) != 0 {
		t.Fatal(l.posts)
	}
	delete(l.children, 0x0c01)
	l.ChildRemoved(l.now)
	l.run(time.Second)
	if len(l.posts) != 1 || string(l.posts[0].payload) != "\x02\x02\x0c\x01" {
		t.Fatal(l.posts)
	}
	l.request("a/sd", 0x0c00, l.posts[0].payload)
	if got := dump(l.Data()); got != "route fd06:0:0:0::/64 00 0 true 1401\n" {
		t.Error(got)
	}
}

// A context's number is not used again for a while, and is kept when the prefix comes back.
func TestContextReuse(t *testing.T) {
	l := newBench("leader", 0x0c00)
	l.quiet = true
	none := func(*bench) error { return nil }
	l.offerAs(t, 0x1400, onMesh("fd01::/64", nil))
	l.offerAs(t, 0x1400, onMesh("fd02::/64", nil))
	want := func(text string) {
		t.Helper()
		var s []string
		for c := range l.Data().Contexts() {
			s = append(s, fmt.Sprint(c.Prefix, " ", c.ID, " ", c.Compress))
		}
		if got := strings.Join(s, ", "); got != text {
			t.Errorf("%s, want %s", got, text)
		}
	}
	want("fd01:0:0:0::/64 1 false, fd02:0:0:0::/64 2 true")
	l.run(299 * time.Second)
	l.offerAs(t, 0x1800, onMesh("fd01::/64", nil))
	want("fd01:0:0:0::/64 1 true, fd02:0:0:0::/64 2 true")
	l.run(10 * time.Second)
	l.offerAs(t, 0x1800, none)
	v, s := l.version, l.stable
	l.run(299 * time.Second)
	want("fd01:0:0:0::/64 1 false, fd02:0:0:0::/64 2 true")
	l.run(2 * time.Second)
	want("fd02:0:0:0::/64 2 true")
	if l.version != v+1 || l.stable != s+1 {
		t.Error("the versions stay")
	}
	l.offerAs(t, 0x1800, onMesh("fd03::/64", nil))
	want("fd02:0:0:0::/64 2 true, fd03:0:0:0::/64 1 true")
	for i := range 20 {
		l.offerAs(t, uint16(i+20)<<10, onMesh(fmt.Sprintf("fd04:%x::/64", i), func(p *netdata.OnMeshPrefix) { p.Stable = i%2 == 0 }))
	}
	if len(l.Data()) > netdata.MaxSize {
		t.Error(len(l.Data()))
	}
}

// A leader that was reset waits for its data, learns contexts and the commissioner's session, and gives up after a minute.
func TestRestoredLeader(t *testing.T) {
	before := newBench("leader", 0x0c00)
	before.offerAs(t, 0x1400, onMesh("fd01::/64", nil))
	before.offerAs(t, 0x1800, onMesh("fd02::/64", nil))
	before.offerAs(t, 0x1400, func(*bench) error { return nil })
	if err := before.SetCommissioning(before.now, unhex("0902 1400 0b02 0102")); err != nil {
		t.Fatal(err)
	}
	l := newBench("detached", 0x0c00)
	l.role = "leader"
	l.StartLeader(l.now, true)
	if _, ok := l.request("a/sd", 0x1400, nil); ok {
		t.Error("it answers before it knows")
	}
	l.dead[0x1800>>10] = true
	l.log = nil
	if err := l.SetNetworkData(l.now, 7, 8, false, before.Data()); err != nil {
		t.Fatal(err)
	}
	if l.version != 8 || l.stable != 9 || l.session != "258 true" {
		t.Error(l.version, l.stable, l.session)
	}
	if got := dump(l.Data()); got != "context fd01:0:0:0::/64 1 false true\ncontext fd02:0:0:0::/64 2 false true\n" {
		t.Error(got)
	}
	l.run(301 * time.Second)
	if got := dump(l.Data()); got != "" || l.detached != 0 {
		t.Error(got, l.detached)
	}
	l = newBench("detached", 0x0c00)
	l.role = "leader"
	l.StartLeader(l.now, true)
	l.run(59 * time.Second)
	if l.detached != 0 {
		t.Error("too soon")
	}
	l.run(2 * time.Second)
	if l.detached != 1 {
		t.Error("it waits for ever")
	}
}

// Many nodes publish the same: as many entries as wanted, the preferred ones stay.
func TestPublisher(t *testing.T) {
	for _, x := range []struct {
		name    string
		publish func(n *bench)
		want    int
	}{
		{"prefix", func(n *bench) {
			p := netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd01::/64"), OnMesh: true, SLAAC: true, Stable: true}
			if err := n.PublishOnMeshPrefix(n.now, p); err != nil {
				t.Error(err)
			}
		}, desiredOnMesh},
		{"route", func(n *bench) {
			if err := n.PublishExternalRoute(n.now, netdata.ExternalRoute{Prefix: ip6.MustParsePrefix("fd02::/64"), Stable: true}); err != nil {
				t.Error(err)
			}
		}, desiredRoute},
		{"anycast", func(n *bench) { n.PublishDNSSRPAnycast(n.now, 1, 1) }, desiredAnycast},
		{"unicast", func(n *bench) { n.PublishDNSSRPUnicast(n.now, ip6.MustParse("fd00::1"), 53, 1) }, desiredUnicast},
		{"mesh-local", func(n *bench) { n.PublishDNSSRPMeshLocal(n.now, 53, 1) }, desiredUnicast},
	} {
		t.Run(x.name, func(t *testing.T) {
			nodes := []*bench{newBench("leader", 0x0400)}
			for i := range 14 {
				nodes = append(nodes, newBench("router", uint16(i+2)<<10))
			}
			spread := func(d time.Duration) { // 100 ms at a time: the leader's data reaches all
				for end := nodes[0].now.Add(d); nodes[0].now < end; {
					for _, n := range nodes {
						n.run(100 * time.Millisecond)
						for _, p := range n.posts {
							if p.path == serverDataPath {
								nodes[0].request("a/sd", n.rloc16, p.payload)
								p.done(n.now, nil, nil)
							}
						}
						n.posts = nil
					}
					for _, n := range nodes[1:] {
						if n.version != nodes[0].version {
							_ = n.SetNetworkData(n.now, nodes[0].version, nodes[0].stable, false, nodes[0].Data())
						}
					}
				}
			}
			for i, n := range nodes {
				n.quiet = true
				n.Manager.rand = &machinetest.Plain{N: uint64(i)}
				x.publish(n)
			}
			spread(90 * time.Second)
			total := func() int { return len(nodes[0].Data().RLOC16s(nil)) }
			if total() < x.want || total() > x.want+1 {
				t.Errorf("%d entries, want %d: %s", total(), x.want, dump(nodes[0].Data()))
			}
			events := 0
			nodes[0].OnPublisherEvent(func(_ machine.Time, e PublisherEvent) { events++ })
			for _, n := range nodes[:12] {
				n.UnpublishDNSSRP(n.now)
				_ = n.UnpublishPrefix(n.now, ip6.MustParsePrefix("fd01::/64"))
				_ = n.UnpublishPrefix(n.now, ip6.MustParsePrefix("fd02::/64"))
			}
			spread(10 * time.Second)
			if total() != min(3, x.want) {
				t.Errorf("%d entries after most went: %s", total(), dump(nodes[0].Data()))
			}
			if events > 1 {
				t.Errorf("%d events", events)
			}
		})
	}
}

func hexOf(s string) string { return fmt.Sprintf("%x", unhex(s)) }

// A border router that is an end device asks for a router's role once for each registration.
func TestBorderRouterRole(t *testing.T) {
	l := newBench("leader", 0x0c00)
	n := newBench("child", 0x1401)
	n.quiet = true
	br := onMesh("fd01::/64", func(p *netdata.OnMeshPrefix) { p.DefaultRoute = true })
	l.offerAs(t, 0x1401, br)
	if err := br(n); err != nil {
		t.Fatal(err)
	}
	n.local.SetRLOC(0x1401)
	n.scarce = true
	_ = n.SetNetworkData(n.now, 1, 1, false, l.Data())
	n.quiet = false
	n.run(12 * time.Second)
	if len(n.log) != 1 || !strings.HasSuffix(n.log[0], "become router") {
		t.Fatal(n.log)
	}
	n.log = nil
	n.run(time.Hour)
	n.want(t)
	n.Register(n.now)
	l.offerAs(t, 0x2000, br)
	l.offerAs(t, 0x2400, br)
	n.quiet = true
	_ = n.SetNetworkData(n.now, 2, 2, false, l.Data())
	n.quiet = false
	n.run(12 * time.Second)
	n.want(t) // two others have it
	if n.DeservesRouterRole() {
		t.Error("it deserves it")
	}
}
