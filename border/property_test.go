package border_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/ip6"
)

// Whichever border routers die, come back, lose their link or find it again: in the end those that live agree on one prefix
// for nodes, one for the link and one for IPv4, nobody has two addresses of either, and every node has its way out.
func TestBorderProperties(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { borderProperty(t, seed) })
	}
}

func borderProperty(t *testing.T, seed uint64) {
	b := newBench(t, seed)
	r := b.net.World.Rand("property")
	c := onLink
	c.NAT64.Enable = true
	if seed%2 == 0 {
		c.NAT64.Prefix = nat64.WellKnown
	}
	var all, plain []*network.Node
	for range 2 + r.Uint64()%3 {
		all = append(all, b.router(c))
	}
	for range 3 {
		plain = append(plain, b.plain())
	}
	on := func() (list []*network.Node) {
		for _, n := range all {
			if n.On() && !b.cut[n] {
				list = append(list, n)
			}
		}
		return list
	}
	b.net.Run(time.Minute) // the disks have what they need to start again
	var story string
	for range 4 {
		switch n := all[r.Uint64()%uint64(len(all))]; {
		case n.On() && len(on()) > 1 && r.Uint64()%2 == 0:
			story += n.Name() + " dies, "
			n.Kill()
		case !n.On():
			story += n.Name() + " lives, "
			n.Boot()
		case b.cut[n]:
			story += n.Name() + " is linked, "
			delete(b.cut, n)
		case len(on()) > 1:
			story += n.Name() + " is cut, "
			b.cut[n] = true
		default:
			story += n.Name() + " is reset, "
			n.Reset()
		}
		b.net.Run(time.Duration(r.Uint64() % uint64(4*time.Minute)))
	}
	for _, n := range all { // a router that is cut still offers what it has: the mesh cannot know
		delete(b.cut, n)
	}
	wrong := ""
	ok := b.net.RunUntil(func() bool { wrong = b.disagree(on(), plain); return wrong == "" }, 40*time.Minute)
	if !ok {
		t.Fatalf("%d routers, %s: %s", len(all), story, wrong)
	}
	for _, n := range plain {
		// The answers have to find the node, too, which may have its address for a moment only.
		if !b.net.RunUntil(func() bool {
			return b.pings(n, "fdde:ad00:beef:cafe::1") != nil && b.pings(n, v4(b, n).Netip().String()) != nil
		}, time.Minute) {
			t.Errorf("%s: %s has no way out", story, n.Name())
		}
	}
}

// v4 returns the address of an IPv4 host under the mesh's prefix.
func v4(b *bench, n *network.Node) ip6.Address {
	a, err := n.Thread().Synthesize([4]byte{192, 0, 2, 1})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// disagree says what routers disagree about, or "".
func (b *bench) disagree(on, plain []*network.Node) string {
	if !b.net.Whole() {
		sizes, detached := b.net.Partitions()
		s := fmt.Sprint("not one partition: ", sizes, detached)
		for _, n := range b.net.Members() {
			if n.On() {
				s += fmt.Sprintf(" %s %v %04x", n.Name(), n.Thread().Role(), n.Thread().RLOC16())
			}
		}
		return s
	}
	if len(on) == 0 {
		return "no router"
	}
	first := b.routers[on[0]].Status(b.net.World.Now())
	for _, n := range on {
		s := b.routers[n].Status(b.net.World.Now())
		switch {
		case !s.Settled:
			return n.Name() + " has not decided"
		case s.OMR != first.OMR || s.OnLink != first.OnLink || s.NAT64 != first.NAT64 || s.NAT64.Bits == 0:
			return fmt.Sprintf("%s has %v %v %v, %s %v %v %v", on[0].Name(), first.OMR, first.OnLink, first.NAT64, n.Name(), s.OMR, s.OnLink, s.NAT64)
		case s.Several:
			return n.Name() + " hears not all"
		}
	}
	for _, locator := range plain[0].Thread().NetData().Data().BorderRouters(nil) {
		if !slices.ContainsFunc(on, func(n *network.Node) bool { return n.Thread().RLOC16() == locator }) {
			return fmt.Sprintf("%04x is gone, and still offers a way", locator)
		}
	}
	prefixes := map[ip6.Prefix]bool{}
	for p := range plain[0].Thread().NetData().Data().OnMeshPrefixes() {
		prefixes[p.Prefix] = true
	}
	if len(prefixes) != 1 {
		return fmt.Sprint(len(prefixes), " prefixes for nodes")
	}
	for _, n := range plain {
		count := 0
		for _, a := range n.Thread().Addresses() {
			if a.Preferred && first.OMR.Contains(a.Addr) {
				count++
			}
		}
		if count != 1 {
			return fmt.Sprintf("%s has %d addresses of %v", n.Name(), count, first.OMR)
		}
	}
	return ""
}

// The prefix of a border router's own means nothing beyond its link: who wants to go further is told so. The packet leaves,
// as with OpenThread: a server of this computer's, or one with an address that nobody advertises, answers.
func TestProhibited(t *testing.T) {
	b := newBench(t, 3)
	n := b.lead(onLink)
	other := b.plain()
	b.until("attached", time.Minute, other.Attached)
	b.net.Run(20 * time.Second)
	if b.pings(other, "fd77::1") == nil {
		t.Error("no answer from an address that is not advertised")
	}
	s := b.routers[n].Status(b.net.World.Now())
	if s.Counters.Unreachable != 1 || s.Counters.Out.Packets != 1 || s.Counters.In.Packets != 1 || s.State.String() != "running" {
		t.Errorf("%+v", s.Counters)
	}
}
