package thread_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
)

// do calls f inside an input of a node.
func do(n *network.Node, f func(now machine.Time, x *thread.Node)) {
	n.Input(func(now machine.Time, x *thread.Node) { x.Do(now, 0, func() { f(now, x) }) })
}

// addPrefix lets a node offer a SLAAC prefix that leads outside.
func addPrefix(t *testing.T, n *network.Node, p string) {
	t.Helper()
	do(n, func(now machine.Time, x *thread.Node) {
		err := x.NetData().AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix(p), OnMesh: true, SLAAC: true,
			Preferred: true, DefaultRoute: true, Stable: true})
		if err != nil {
			t.Fatal(err)
		}
		x.NetData().Register(now)
	})
}

// addressIn returns a node's address of a prefix.
func addressIn(n *network.Node, p string) (a thread.Address, ok bool) {
	for _, x := range n.Thread().Addresses() {
		if ip6.MustParsePrefix(p).Contains(x.Addr) {
			return x, true
		}
	}
	return a, false
}

func allHave(nodes []*network.Node, p string, want bool) func() bool {
	return func() bool {
		for _, n := range nodes {
			if _, ok := addressIn(n, p); ok != want {
				return false
			}
		}
		return true
	}
}

func sleepyAt(t *testing.T, net *network.Network, period time.Duration) *network.Node {
	return net.Add(network.NodeConfig{MTD: true, OnBoot: func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			if err := x.MLE().SetMode(now, 0); err != nil {
				t.Error(err)
			}
			x.MAC().SetExternalPollPeriod(now, period)
		})
	}})
}

// A prefix that one router offers reaches all, also a child that sleeps; all have addresses in it and talk by them. What a
// router offered goes with it.
func TestPrefixReachesAll(t *testing.T) {
	net, nodes := line(t, 11, 3)
	sed := sleepyAt(t, net, 500*time.Millisecond)
	net.Only([]int{1, 2, 3, 4})
	d, _ := nodes[0].Thread().Datasets().Active(net.World.Now())
	start(t, sed, d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(sed) == mle.Child })
	all := append(nodes, sed)
	addPrefix(t, nodes[2], "fd11:22::/64")
	wait(t, net, 20*time.Second, "address of the prefix", allHave(all, "fd11:22::/64", true))
	net.Run(5 * time.Second) // the children's addresses reach their parents
	for _, a := range all {
		for _, b := range all {
			if a != b {
				x, _ := addressIn(b, "fd11:22::/64")
				ping(t, a, thread.PingConfig{Dst: x.Addr})
			}
		}
	}
	// A datagram for the outside finds the border router, from everywhere.
	for _, n := range nodes {
		x, _ := addressIn(n, "fd11:22::/64")
		r, err := n.Thread().NetData().Route(x.Addr, ip6.MustParse("2001:db8::1"))
		if want := nodes[2].Thread().MLE().RLOC16(); r != want || err != nil {
			t.Errorf("%s: %04x %v, want %04x", n.Name(), r, err, want)
		}
	}
	if full, stable := len(nodes[0].Thread().NetData().Data()), len(sed.Thread().NetData().Data()); full <= stable || stable == 0 {
		t.Errorf("the sleepy child has %d bytes of %d", stable, full)
	}
	// The prefix is taken back: addresses are deprecated, and go later.
	do(nodes[2], func(now machine.Time, x *thread.Node) {
		if err := x.NetData().RemoveOnMeshPrefix(ip6.MustParsePrefix("fd11:22::/64")); err != nil {
			t.Error(err)
		}
		x.NetData().Register(now)
	})
	net.Run(10 * time.Second)
	for _, n := range all {
		if x, ok := addressIn(n, "fd11:22::/64"); !ok || x.Preferred {
			t.Errorf("%s: %+v %v", n.Name(), x, ok)
		}
	}
	wait(t, net, 301*time.Second, "end of the addresses", allHave(all, "fd11:22::/64", false))
	// Another one, of a router that dies.
	addPrefix(t, nodes[1], "fd11:33::/64")
	wait(t, net, 20*time.Second, "address of the prefix", allHave([]*network.Node{nodes[0]}, "fd11:33::/64", true))
	nodes[1].Kill()
	wait(t, net, 10*time.Minute, "end of the dead router's prefix", func() bool {
		for range nodes[0].Thread().NetData().Data().OnMeshPrefixes() {
			return false
		}
		return true
	})
}

// A leader that is reset gets the network data back from its routers; what a child offers survives its parent's change.
func TestNetworkDataSurvives(t *testing.T) {
	net, nodes := line(t, 12, 3)
	med := net.Add(network.NodeConfig{MTD: true})
	net.Only([]int{1, 2, 3, 4})
	d, _ := nodes[0].Thread().Datasets().Active(net.World.Now())
	start(t, med, d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(med) == mle.Child })
	addPrefix(t, nodes[1], "fd11:22::/64")
	do(med, func(now machine.Time, x *thread.Node) { // without all network data it would not know its anycast address
		if err := x.MLE().SetMode(now, neighbor.ModeRxOnWhenIdle|neighbor.ModeFullNetworkData); err != nil {
			t.Error(err)
		}
		if err := x.NetData().AddService(now, 44970, []byte{0x5d}, true, []byte{1, 2}); err != nil {
			t.Error(err)
		}
		x.NetData().Register(now)
	})
	net.Run(10 * time.Second)
	has := func(n *network.Node) string {
		prefixes, services := 0, 0
		for range n.Thread().NetData().Data().OnMeshPrefixes() {
			prefixes++
		}
		rloc := uint16(0)
		for s := range n.Thread().NetData().Data().Services() {
			services++
			rloc = s.RLOC16
		}
		return fmt.Sprintf("%d %d %v", prefixes, services, rloc == med.Thread().MLE().RLOC16())
	}
	for _, n := range nodes {
		if has(n) != "1 1 true" {
			t.Fatalf("%s: %s", n.Name(), has(n))
		}
	}
	again(t, nodes[0])
	wait(t, net, 2*time.Minute, "leader again", func() bool { return role(nodes[0]) == mle.Leader })
	wait(t, net, time.Minute, "network data", func() bool { return has(nodes[0]) == "1 1 true" })
	// The service answers at its anycast address.
	ping(t, nodes[0], thread.PingConfig{Dst: ip6.RLOC(nodes[0].Thread().MLE().MeshLocalPrefix(), netdata.ServiceALOC16(0))})
	// The child moves to the first node.
	net.Only([]int{1, 2, 3}, []int{1, 4})
	wait(t, net, 10*time.Minute, "other parent", func() bool {
		return role(med) == mle.Child && med.Thread().MLE().RLOC16()>>10 == nodes[0].Thread().MLE().RLOC16()>>10
	})
	wait(t, net, time.Minute, "service at the new locator", func() bool { return has(nodes[2]) == "1 1 true" })
}

// A change of dataset from each kind of node: a name at once, a new key, channel and PAN through the pending dataset.
func TestDatasetChange(t *testing.T) {
	net, nodes := line(t, 13, 3)
	sed := sleepyAt(t, net, time.Second)
	net.Only([]int{1, 2, 3, 4})
	d, _ := nodes[0].Thread().Datasets().Active(net.World.Now())
	start(t, sed, d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(sed) == mle.Child })
	all := append(nodes, sed)
	name := func(want string) func() bool {
		return func() bool {
			for _, n := range all {
				if n.Thread().Datasets().Params().NetworkName != want {
					return false
				}
			}
			return true
		}
	}
	for i, n := range []*network.Node{nodes[2], sed, nodes[0]} {
		want := fmt.Sprintf("name%d", i)
		var verdict error
		answered := false
		do(n, func(now machine.Time, x *thread.Node) {
			a, _ := x.Datasets().Active(now)
			more := meshcop.Info{Has: meshcop.HasActiveTimestamp | meshcop.HasNetworkName, NetworkName: want,
				ActiveTimestamp: meshcop.NewTimestamp(uint64(i+10), 0, false)}
			if err := more.Write(&a); err != nil {
				t.Fatal(err)
			}
			if err := x.Datasets().MgmtSet(now, false, a, func(_ machine.Time, err error) { answered, verdict = true, err }); err != nil {
				t.Fatal(err)
			}
		})
		wait(t, net, 20*time.Second, want, name(want))
		if !answered || verdict != nil {
			t.Errorf("%s: verdict %v %v", want, answered, verdict)
		}
	}
	key := [16]byte{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}
	do(nodes[2], func(now machine.Time, x *thread.Node) {
		a, _ := x.Datasets().Active(now)
		more := meshcop.Info{Has: meshcop.HasActiveTimestamp | meshcop.HasPendingTimestamp | meshcop.HasDelay | meshcop.HasChannel |
			meshcop.HasPANID | meshcop.HasNetworkKey, ActiveTimestamp: meshcop.NewTimestamp(20, 0, false), PendingTimestamp: meshcop.NewTimestamp(20, 0, false),
			Delay: 300_000, Channel: 26, PANID: 0x1234, NetworkKey: key}
		if a.Info().Channel == 26 {
			more.Channel = 25
		}
		if err := more.Write(&a); err != nil {
			t.Fatal(err)
		}
		if err := x.Datasets().SetPending(now, a); err != nil {
			t.Fatal(err)
		}
	})
	net.Run(20 * time.Second)
	for _, n := range all {
		if left, ok := n.Thread().Datasets().PendingDelay(net.World.Now()); !ok || left < 279*time.Second || left > 281*time.Second {
			t.Errorf("%s: %v %v", n.Name(), left, ok)
		}
	}
	net.Run(282 * time.Second)
	for _, n := range all {
		p := n.Thread().Datasets().Params()
		if p.NetworkKey != key || p.PANID != 0x1234 || p.NetworkName != "name2" || !role(n).Attached() {
			t.Errorf("%s %v: %+v", n.Name(), role(n), p)
		}
	}
	for _, a := range all {
		for _, b := range all {
			if a != b {
				ping(t, a, thread.PingConfig{Dst: eid(b)})
			}
		}
	}
	if role(nodes[0]) != mle.Leader || role(nodes[1]) != mle.Router || role(nodes[2]) != mle.Router {
		t.Error(role(nodes[0]), role(nodes[1]), role(nodes[2]))
	}
	// A node that was away while the channel changed leads a partition of its own until it hears an announcement.
	nodes[2].Kill()
	do(nodes[0], func(now machine.Time, x *thread.Node) {
		more := meshcop.Info{Has: meshcop.HasChannel | meshcop.HasPANID | meshcop.HasDelay, Channel: 12, PANID: 0x4321, Delay: 30_000}
		if x.Datasets().Params().Channel == 12 {
			more.Channel = 13
		}
		d, err := more.Dataset()
		if err == nil {
			err = x.Datasets().Update(now, d, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	net.Run(40 * time.Second)
	nodes[2].Boot()
	up(t, nodes[2])
	wait(t, net, 15*time.Minute, "node with the old channel", func() bool {
		return role(nodes[2]).Attached() && nodes[2].Thread().Datasets().Params().PANID == 0x4321 && partition(nodes[2]) == partition(nodes[0])
	})
	net.Run(3 * time.Minute)
	whole(t, net, time.Minute)
}

// Addresses by DHCPv6: of a router's prefix, for routers and for a child that knows the agent by its anycast address only.
func TestDHCPv6(t *testing.T) {
	net, nodes := line(t, 14, 3)
	med := net.Add(network.NodeConfig{MTD: true})
	net.Only([]int{1, 2, 3, 4})
	d, _ := nodes[0].Thread().Datasets().Active(net.World.Now())
	start(t, med, d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(med) == mle.Child })
	all := append(nodes, med)
	do(nodes[0], func(now machine.Time, x *thread.Node) {
		err := x.NetData().AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd11:66::/64"), OnMesh: true, DHCP: true, Stable: true})
		if err != nil {
			t.Fatal(err)
		}
		x.NetData().Register(now)
	})
	wait(t, net, 20*time.Second, "address of the prefix", allHave(all, "fd11:66::/64", true))
	net.Run(5 * time.Second)
	for _, n := range all {
		x, _ := addressIn(n, "fd11:66::/64")
		e := n.Thread().EUI64()
		if x.Origin != thread.OriginDHCPv6 || !x.Preferred || x.Addr.IID() != ip6.IIDFromExt(e) {
			t.Errorf("%s: %+v", n.Name(), x)
		}
		if n != nodes[1] {
			ping(t, nodes[1], thread.PingConfig{Dst: x.Addr})
		}
	}
	ping(t, nodes[2], thread.PingConfig{Dst: ip6.RLOC(nodes[2].Thread().MLE().MeshLocalPrefix(), 0xfc01)}) // the agent
	do(nodes[0], func(now machine.Time, x *thread.Node) {
		_ = x.NetData().RemoveOnMeshPrefix(ip6.MustParsePrefix("fd11:66::/64"))
		x.NetData().Register(now)
	})
	wait(t, net, 20*time.Second, "end of the addresses", allHave(all, "fd11:66::/64", false))
}

// An end device that becomes a border router gets a router's role although there are routers enough.
func TestBorderRouterBecomesRouter(t *testing.T) {
	net, nodes := line(t, 15, 2)
	reed := net.Add(network.NodeConfig{})
	net.Only([]int{1, 2, 3})
	d, _ := nodes[0].Thread().Datasets().Active(net.World.Now())
	for _, n := range append(nodes, reed) {
		do(n, func(_ machine.Time, x *thread.Node) { x.MLE().SetUpgradeThreshold(2) })
	}
	start(t, reed, d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(reed) == mle.Child })
	net.Run(5 * time.Minute)
	if role(reed) != mle.Child {
		t.Fatal(role(reed))
	}
	addPrefix(t, reed, "fd11:77::/64")
	wait(t, net, 15*time.Second, "router", func() bool { return role(reed) == mle.Router })
	wait(t, net, 15*time.Second, "prefix at the new locator", func() bool {
		for p := range nodes[0].Thread().NetData().Data().OnMeshPrefixes() {
			return p.RLOC16 == reed.Thread().MLE().RLOC16()
		}
		return false
	})
}

// With another mesh-local prefix all mesh-local addresses are others: also the anycast locators of a DHCPv6 agent and of a
// backbone router, which do not follow from the role (Netif::ApplyNewMeshLocalPrefix).
func TestNewMeshLocalPrefix(t *testing.T) {
	net := network.New(20, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	start(t, a, a.Thread().Datasets().NewNetwork())
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })
	locators := func() (list []uint16) {
		ml := a.Thread().Datasets().Params().MeshLocalPrefix
		for _, x := range a.Thread().Addresses() {
			if x.MeshLocal && x.Addr.Network() != ml {
				t.Errorf("%v is not of %v", x.Addr, ml)
			}
			if i := x.Addr.IID(); x.MeshLocal && i.IsLocator() {
				list = append(list, i.Locator())
			}
		}
		slices.Sort(list)
		return list
	}
	do(a, func(now machine.Time, x *thread.Node) {
		x.Backbone().SetEnabled(now, true)
		err := x.NetData().AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd11:66::/64"), OnMesh: true, DHCP: true, Stable: true})
		if err != nil {
			t.Fatal(err)
		}
		x.NetData().Register(now)
	})
	agents := []uint16{a.Thread().MLE().RLOC16(), 0xfc00, 0xfc01, netdata.ServiceALOC16(0), 0xfc38}
	slices.Sort(agents)
	wait(t, net, time.Minute, "anycast locators", func() bool { return slices.Equal(locators(), agents) })
	do(a, func(now machine.Time, x *thread.Node) {
		d, _ := x.Datasets().Active(now)
		i := d.Info()
		i.MeshLocalPrefix = ip6.Network{0xfd, 1, 2, 3, 4, 5, 6, 7}
		i.ActiveTimestamp += 1 << 16
		changed, err := i.Dataset()
		if err == nil {
			err = x.Datasets().SetActive(now, changed)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	net.Run(time.Minute)
	if got := locators(); !slices.Equal(got, agents) {
		t.Errorf("%04x, want %04x", got, agents)
	}
	do(a, func(now machine.Time, x *thread.Node) {
		x.Backbone().SetEnabled(now, false)
		_ = x.NetData().RemoveOnMeshPrefix(ip6.MustParsePrefix("fd11:66::/64"))
		x.NetData().Register(now)
	})
	wait(t, net, time.Minute, "end of the anycast locators", func() bool { return len(locators()) == 2 })
}
