package network

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
	"heddle.example/thread/offers"
)

// What nodes offer in the network data, and datasets that change, reach all in every topology, whoever dies or is reset
// meanwhile: in the end the data is what those that live offer, and nothing else, and all have the same.
func TestNetworkDataProperties(t *testing.T) {
	if *oneSeed != 0 {
		dataProperty(t, *oneSeed)
		return
	}
	fixed, fresh := 10, *seeds/2
	if testing.Short() {
		fixed, fresh = 3, 1
	}
	for i := range fixed + fresh {
		seed := uint64(i + 1)
		if i >= fixed {
			seed = rand.Uint64() >> 16
		}
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { dataProperty(t, seed) }) {
			t.Logf("again: go test ./sim/mesh/network -run TestNetworkDataProperties -seed %d", seed)
		}
	}
}

func dataProperty(t *testing.T, seed uint64) {
	shape := draw(New(seed, mesh.Config{}).World.Rand("topology"), seed)
	net := shape.build(seed)
	r := net.World.Rand("data")
	for _, n := range net.nodes {
		net.World.After(time.Duration(r.Uint64()%uint64(20*time.Second)), func() { n.Boot(); n.Join(Dataset(0)) })
	}
	net.Run(20 * time.Second)
	if !net.RunUntil(net.Whole, toForm) {
		t.Fatalf("seed %d: not one partition", seed)
	}
	offers := 0
	for round := range 3 {
		var story []string
		tell := func(n *Node, what string) { story = append(story, fmt.Sprintf("%s (%v) %s", n.Name(), n.Kind(), what)) }
		for range 1 + r.Uint64()%4 {
			n := net.nodes[r.Uint64()%uint64(len(net.nodes))]
			if !n.On() || !n.Attached() {
				continue
			}
			// A child that has the stable subset only does not see that the leader still knows what it offered before its reset.
			sees := n.Thread().MLE().Mode().FullNetworkData() || len(n.Thread().NetData().Local()) == 0
			switch k := r.Uint64() % 6; {
			case k < 3 && offers < 7: // more would not fit
				offers++
				tell(n, offerSome(n, r, offers))
			case k == 3:
				tell(n, "takes all back")
				do(n, func(now machine.Time, x *thread.Node) { withdraw(x.NetData()); x.NetData().Register(now) })
			case k == 4:
				if sees {
					tell(n, "is reset")
					n.Reset()
				}
			case sees:
				tell(n, "dies")
				n.Kill()
				if !shape.connectedWithout(net) {
					tell(n, "lives")
					n.Boot()
				}
			}
			net.Run(time.Duration(r.Uint64() % uint64(20*time.Second)))
		}
		name := fmt.Sprint("round ", round)
		updated := changeDataset(net, r, name, tell)
		net.Run(30 * time.Second)
		for range r.Uint64() % 3 { // while the pending dataset waits
			n := net.nodes[r.Uint64()%uint64(len(net.nodes))]
			if n.On() && n.Attached() && (n.Thread().MLE().Mode().FullNetworkData() || len(n.Thread().NetData().Local()) == 0) {
				tell(n, "is reset before the change")
				n.Reset()
			}
		}
		net.Run(toNotice)
		ok := net.RunUntil(func() bool { return net.Whole() && dataWrong(net) == "" && (!updated || nameIs(net, name)) }, toRecover)
		if !ok {
			t.Fatalf("seed %d, %d nodes, round %d: %s: %s; name %q: %v", seed, len(net.nodes), round, strings.Join(story, ", "), dataWrong(net), name, nameIs(net, name))
		}
	}
}

func do(n *Node, f func(now machine.Time, x *thread.Node)) {
	n.Input(func(now machine.Time, x *thread.Node) { x.Do(now, 0, func() { f(now, x) }) })
}

// offerSome lets a node offer one more thing.
func offerSome(n *Node, r machine.Rand, number int) (what string) {
	stable := r.Uint64()%2 == 0
	do(n, func(now machine.Time, x *thread.Node) {
		d := x.NetData()
		switch r.Uint64() % 3 {
		case 0:
			p := ip6.MustParsePrefix(fmt.Sprintf("fd11:%x::/64", 1+r.Uint64()%3))
			what = fmt.Sprint("offers ", p)
			_ = d.AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: p, OnMesh: true, SLAAC: true, Preferred: true, DefaultRoute: true, Stable: stable})
		case 1:
			p := ip6.MustParsePrefix(fmt.Sprintf("fd33:%x::/64", 1+r.Uint64()%3))
			what = fmt.Sprint("leads to ", p)
			_ = d.AddExternalRoute(now, netdata.ExternalRoute{Prefix: p, Stable: stable})
		default:
			what = "serves"
			_ = d.AddService(now, 44970, []byte{0x70 + byte(r.Uint64()%3)}, stable, []byte{byte(number)})
		}
		d.Register(now)
	})
	return what
}

func withdraw(m *offers.Manager) {
	d := slices.Clone(m.Local())
	for p := range d.OnMeshPrefixes() {
		_ = m.RemoveOnMeshPrefix(p.Prefix)
	}
	for r := range d.ExternalRoutes() {
		_ = m.RemoveExternalRoute(r.Prefix)
	}
	for s := range d.Services() {
		_ = m.RemoveService(s.Enterprise, s.Data)
	}
}

// changeDataset has the leader rename the network through a pending dataset, sometimes with another channel, PAN and key.
func changeDataset(net *Network, r machine.Rand, name string, tell func(*Node, string)) (begun bool) {
	for _, n := range net.nodes {
		if !n.On() || n.Role() != neighbor.RoleLeader {
			continue
		}
		i := meshcop.Info{Has: meshcop.HasNetworkName | meshcop.HasDelay, NetworkName: name, Delay: 60_000}
		what := "renames the network"
		switch r.Uint64() % 3 {
		case 0:
			i.Has |= meshcop.HasChannel | meshcop.HasPANID
			i.Channel, i.PANID = 11+uint16(r.Uint64()%16), uint16(r.Uint64()%0xfffe)
			what = "moves the network"
		case 1:
			i.Has |= meshcop.HasNetworkKey
			i.Delay = 300_000
			r.Fill(i.NetworkKey[:])
			what = "changes the network key"
		}
		do(n, func(now machine.Time, x *thread.Node) {
			d, err := i.Dataset()
			begun = err == nil && x.Datasets().Update(now, d, nil) == nil
		})
		tell(n, what)
		return begun
	}
	return false
}

func nameIs(net *Network, name string) bool {
	for _, n := range net.nodes {
		if n.On() && n.Thread().Datasets().Params().NetworkName != name {
			return false
		}
	}
	return true
}

// dataWrong says what is wrong with the network data, or nothing.
func dataWrong(net *Network) string {
	var leader *Node
	var want []string
	for _, n := range net.nodes {
		if !n.On() {
			continue
		}
		if n.Role() == neighbor.RoleLeader {
			leader = n
		}
		want = append(want, dataLines(n.Thread().NetData().Local(), n.Thread().MLE().RLOC16())...)
	}
	if leader == nil {
		return "no leader"
	}
	slices.Sort(want)
	full := leader.Thread().NetData().Data()
	if have := dataLines(full, 0); !slices.Equal(have, want) {
		return fmt.Sprintf("the leader has %q, what is offered is %q", have, want)
	}
	stable := full.Stable(nil)
	for _, n := range net.nodes {
		if !n.On() {
			continue
		}
		x := []byte(full)
		if !n.Thread().MLE().Mode().FullNetworkData() {
			x = stable
		}
		if d := n.Thread().NetData().Data(); !bytes.Equal(d, x) {
			return fmt.Sprintf("%s (%v, %v) has %x, not %x", n.Name(), n.Kind(), n.Role(), []byte(d), x)
		}
	}
	return ""
}

// dataLines is the entries as sorted text, with a locator where it is given.
func dataLines(d netdata.Data, rloc16 uint16) (list []string) {
	at := func(r uint16) uint16 {
		if rloc16 != 0 {
			return rloc16
		}
		return r
	}
	for p := range d.OnMeshPrefixes() {
		list = append(list, fmt.Sprintf("prefix %v %04x %v %04x", p.Prefix, p.Flags(), p.Stable, at(p.RLOC16)))
	}
	for r := range d.ExternalRoutes() {
		list = append(list, fmt.Sprintf("route %v %02x %v %04x", r.Prefix, r.Flags(), r.Stable, at(r.RLOC16)))
	}
	for s := range d.Services() {
		list = append(list, fmt.Sprintf("service %d %x %x %v %04x", s.Enterprise, s.Data, s.ServerData, s.Stable, at(s.RLOC16)))
	}
	slices.Sort(list)
	return list
}
