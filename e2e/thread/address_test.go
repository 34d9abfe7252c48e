//go:build peers

package thread

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// cache returns the lines of a node's address cache, each without the addresses in the middle of which chance has a hand.
func (n *node) cache() map[string]string {
	n.t.Helper()
	got := map[string]string{}
	for _, l := range n.do("eidcache") {
		address, rest, _ := strings.Cut(l, " ")
		got[address] = rest
	}
	return got
}

// field returns the number of a name=number field of a cache entry, or -1.
func field(entry, name string) int {
	for _, f := range strings.Fields(entry) {
		if v, ok := strings.CutPrefix(f, name+"="); ok {
			var k int
			if _, err := fmt.Sscan(v, &k); err == nil {
				return k
			}
		}
	}
	return -1
}

// The address cache: where an address is, asked for, told, seen and forgotten.
var _ = story(
	scenario{"QueriesNobodyAnswers", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		joins(router, 120*time.Second, "router")
		v.pass(30 * time.Second)
		for _, n := range []*node{leader, router} {
			n.all("udp open", "udp bind :: 1234")
			send := func() {
				for i := range 5 {
					n.do("udp send fd00:db8:0:0:800:0:0:%d 1234 -t hello", i)
				}
			}
			all := func(what string, check func(entry string) bool) {
				n.t.Helper()
				c := n.cache()
				for i := range 5 {
					if e := c[fmt.Sprintf("fd00:db8:0:0:800:0:0:%d", i)]; !check(e) {
						n.t.Errorf("%v: entry %d is %q, not %s", n, i, e, what)
					}
				}
			}
			send()
			v.pass(500 * time.Millisecond)
			all("a query", func(e string) bool {
				t := field(e, "timeout")
				return strings.HasPrefix(e, "fffe query canEvict=0 timeout=") && t > 0 && t <= 3
			})
			v.pass(4 * time.Second)
			all("to be tried again", func(e string) bool {
				t := field(e, "timeout")
				return strings.HasPrefix(e, "fffe retry canEvict=1 ") && t > 5 && t <= 15 && field(e, "retryDelay") == 30 && field(e, "rampDown") == 0
			})
			send() // too early
			v.pass(time.Second)
			all("waiting still", func(e string) bool { return strings.HasPrefix(e, "fffe retry ") && field(e, "rampDown") == 0 })
			v.pass(15 * time.Second)
			all("ramped down", func(e string) bool {
				t := field(e, "timeout")
				return strings.HasPrefix(e, "fffe retry canEvict=1 ") && t > 100 && t <= 120 && field(e, "retryDelay") == 30 && field(e, "rampDown") == 1
			})
			send()
			v.pass(500 * time.Millisecond)
			all("a second query", func(e string) bool { return strings.HasPrefix(e, "fffe query canEvict=1 ") })
			v.pass(4 * time.Second)
			all("to be tried later", func(e string) bool {
				return strings.HasPrefix(e, "fffe retry canEvict=1 ") && field(e, "retryDelay") == 60 && field(e, "rampDown") == 0
			})
			v.pass(40 * time.Second)
			v.pass(125 * time.Second)
			all("with a shorter delay again", func(e string) bool { return field(e, "retryDelay") == 30 && field(e, "rampDown") == 1 })
		}
	}},
	scenario{"SnoopedAddresses", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		joins(router, 120*time.Second, "router")
		v.pass(30 * time.Second)
		for _, x := range [][2]*node{{leader, router}, {router, leader}} {
			from, to := x[0], x[1]
			to.try(time.Second, "udp close")
			to.all("udp open", "udp bind :: 1234")
			from.try(time.Second, "udp close")
			for i := range 4 {
				from.do("ipaddr add fd00:db8:0:0:700:%d:0:%d", from.id, i)
				from.all("udp open", fmt.Sprintf("udp bind fd00:db8:0:0:700:%d:0:%d 1234", from.id, i))
				from.do("udp send %s 1234 -t hello", to.get("ipaddr mleid"))
				v.pass(100 * time.Millisecond)
				from.do("udp close")
			}
			var blocked, free int
			for address, e := range to.cache() {
				switch {
				case !strings.HasPrefix(address, fmt.Sprintf("fd00:db8:0:0:700:%d:0:", from.id)):
				case !strings.HasPrefix(e, from.get("rloc16")+" snoop "):
					v.t.Errorf("%v: %s %s", to, address, e)
				case field(e, "canEvict") == 0 && field(e, "timeout") > 0:
					blocked++
				case field(e, "canEvict") == 1 && field(e, "timeout") == 0:
					free++
				}
			}
			if blocked < 2 || blocked+free != 4 { // how many depends on how a node is built
				v.t.Errorf("%v: %d snooped entries are kept and %d may go: %q", to, blocked, free, to.do("eidcache"))
			}
			v.pass(5 * time.Second)
			for address, e := range to.cache() {
				if strings.Contains(e, " snoop ") && field(e, "canEvict") != 1 {
					v.t.Errorf("%v: %s %s", to, address, e)
				}
			}
			// Used, they are cached; nobody told when their owner was heard of last.
			used := fmt.Sprintf("fd00:db8:0:0:700:%d:0:2", from.id)
			to.ping(used, 8, 1)
			if got, want := to.cache()[used], from.get("rloc16")+" cache canEvict=1"; got != want {
				v.t.Errorf("%v: %s %s, want %s", to, used, got, want)
			}
			for i := range 4 {
				from.do("ipaddr del fd00:db8:0:0:700:%d:0:%d", from.id, i)
			}
		}
	}},
	scenario{"AChildMovesAndItsAddressIsFoundAgain", func(v *virtual, a, b maker) {
		first, second, third, child := v.node(a, ftd), v.node(b, ftd), v.node(a, ftd), v.node(b, mtd)
		v.line(first, second, third)
		v.link(child, first, false)
		v.link(child, third, false)
		form(first)
		for _, n := range []*node{second, third} {
			joins(n, 150*time.Second, "router")
		}
		child.do("childtimeout 60")
		joins(child, 60*time.Second, "child")
		v.pass(30 * time.Second)
		eid := child.get("ipaddr mleid")
		first.reach(eid, 8, 2, 3)
		if e, want := first.cache()[eid], second.get("rloc16")+" cache canEvict=1"; !strings.HasPrefix(e, want) {
			v.t.Errorf("%v: %s, want %s", first, e, want)
		}
		v.link(child, second, false)
		v.link(child, third, true)
		until(v.t, v, 300*time.Second, "a new parent", func() bool {
			rloc := child.get("rloc16")
			return rloc != "fffe" && strings.Contains(strings.Join(third.do("child table"), "\n"), "0x"+rloc)
		})
		v.pass(90 * time.Second)
		first.reach(eid, 8, 2, 10)
	}},
	scenario{"AddressesOfAChild", func(v *virtual, a, b maker) {
		leader, parent, child := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
		v.link(leader, child, false)
		form(leader)
		joins(parent, 120*time.Second, "router")
		child.all("mode -", "pollperiod 300")
		joins(child, 60*time.Second, "child")
		leader.all("prefix add fd11:22::/64 paos med", "netdata register")
		var slaac string
		until(v.t, v, 60*time.Second, "an address of the prefix", func() bool {
			for _, l := range child.do("ipaddr") {
				if strings.HasPrefix(l, "fd11:22:0:0:") {
					slaac = l
				}
			}
			return slaac != ""
		})
		until(v.t, v, 60*time.Second, "the parent knows it", func() bool {
			return slices.ContainsFunc(parent.do("childip"), func(l string) bool { return strings.HasSuffix(l, slaac) })
		})
		leader.reach(slaac, 8, 2, 5)
		leader.reach(slaac, 400, 1, 2)
		e := leader.cache()[slaac]
		if want := parent.get("rloc16") + " cache canEvict=1 transTime="; !strings.HasPrefix(e, want) || !strings.HasSuffix(e, "eid="+child.get("ipaddr mleid")) {
			v.t.Errorf("%v: %s is %s, want %s...", leader, slaac, e, want)
		}
		child.reach(leader.get("ipaddr mleid"), 400, 1, 2)
	}},
	scenario{"AddressesBehindARouterThatIsGone", func(v *virtual, a, b maker) {
		n := [3]*node{v.node(a, ftd), v.node(b, ftd), v.node(a, ftd)}
		v.line(n[:]...)
		form(n[0])
		for _, x := range n[1:] {
			joins(x, 150*time.Second, "router")
		}
		v.pass(60 * time.Second)
		eid := n[2].get("ipaddr mleid")
		n[0].reach(eid, 8, 1, 3)
		v.kill(n[2])
		until(v.t, v, 600*time.Second, "the address is forgotten", func() bool { return n[0].cache()[eid] == "" })
	}},
	scenario{"TwoNodesWithOneAddress", func(v *virtual, a, b maker) {
		n := [3]*node{v.node(a, ftd), v.node(b, ftd), v.node(a, ftd)}
		v.line(n[:]...)
		form(n[0])
		for _, x := range n[1:] {
			joins(x, 150*time.Second, "router")
		}
		v.pass(60 * time.Second)
		n[0].do("ipaddr add fd00:db8:0:0:123::1")
		n[2].do("ipaddr add fd00:db8:0:0:123::1")
		n[1].try(20*time.Second, "ping fd00:db8:0:0:123::1 8 1 1 64 3")
		v.pass(5 * time.Second)
		has := func(x *node) bool { return slices.Contains(x.do("ipaddr"), "fd00:db8:0:0:123:0:0:1") }
		if has(n[0]) && has(n[2]) {
			v.t.Error("both keep it")
		}
	}},
	scenario{"HopLimits", func(v *virtual, a, b maker) {
		leader, parent, child := v.node(a, ftd), v.node(b, ftd), v.node(b, mtd)
		v.link(leader, child, false)
		form(leader)
		joins(parent, 120*time.Second, "router")
		joinsAs(child, "rn", 60*time.Second, "child")
		v.pass(30 * time.Second)
		leader.reach(child.get("ipaddr mleid"), 8, 1, 3)
		for _, c := range []struct {
			from, to *node
			hops     string
			answer   string
		}{
			{leader, parent, "64", "hlim=64"}, {leader, parent, "1", "hlim=64"},
			{leader, child, "64", "hlim=63"}, {leader, child, "2", "hlim=63"}, {leader, child, "1", ""},
			{child, leader, "64", "hlim=63"}, {child, leader, "1", ""}, {child, parent, "1", "hlim=64"},
		} {
			lines, _ := c.from.try(30*time.Second, "ping %s 8 1 1 %s 3", c.to.get("ipaddr mleid"), c.hops)
			text := strings.Join(lines, "\n")
			if c.answer == "" && strings.Contains(text, "hlim=") || !strings.Contains(text, c.answer) {
				v.t.Errorf("%v pings %v with %s hops: %q, want %q", c.from, c.to, c.hops, text, c.answer)
			}
		}
	}},
)
