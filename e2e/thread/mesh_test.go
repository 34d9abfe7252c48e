//go:build peers

package thread

import (
	"fmt"
	"strings"
	"time"
)

// promote waits until all are routers or the leader.
func routers(timeout time.Duration, nodes ...*node) {
	for _, n := range nodes {
		n.t.Helper()
		n.state(timeout, "router", "leader")
	}
}

// fourLine is four nodes in a line, makers in turns, all of them routers.
func fourLine(v *virtual, a, b maker) (nodes [4]*node) {
	v.t.Helper()
	for i := range nodes {
		nodes[i] = v.node([]maker{a, b}[i%2], ftd)
	}
	v.line(nodes[:]...)
	form(nodes[0])
	for _, n := range nodes[1:] {
		joins(n, 150*time.Second, "router")
	}
	v.pass(60 * time.Second)
	return nodes
}

// Routing over several hops.
var _ = story(
	scenario{"LineOfFour", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		first, last := n[0].get("ipaddr mleid"), n[3].get("ipaddr mleid")
		n[0].reach(last, 8, 1, 5)
		for _, size := range []int{8, 80, 300, 500, 1200} {
			n[0].reach(last, size, 2, 1)
			n[3].reach(first, size, 2, 1)
		}
		n[0].ping(n[3].get("ipaddr rloc"), 8, 1)
		n[1].ping(n[3].get("ipaddr rloc"), 8, 1)
	}},
	scenario{"MulticastOverALine", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		lines, _ := n[0].try(20*time.Second, "ping ff03::1 8 1 1 64 3")
		answers := 0
		for _, l := range lines {
			if strings.Contains(l, "bytes from") {
				answers++
			}
		}
		if answers != 3 {
			v.t.Errorf("ff03::1 reaches %d of 3: %q", answers, lines)
		}
		n[3].do("ipmaddr add ff05::1234")
		n[0].reach("ff05::1234", 100, 1, 2)
	}},
	scenario{"AddressQueryThroughAForeignRouter", func(v *virtual, a, b maker) {
		leader, middle, parent, child := v.node(a, ftd), v.node(b, ftd), v.node(a, ftd), v.node(b, mtd)
		v.line(leader, middle, parent, child)
		form(leader)
		for _, n := range []*node{middle, parent} {
			joins(n, 150*time.Second, "router")
		}
		joinsAs(child, "rn", 60*time.Second, "child")
		v.pass(30 * time.Second)
		eid := child.get("ipaddr mleid")
		leader.reach(eid, 8, 2, 3)
		cache := strings.Join(leader.do("eidcache"), "\n")
		if want := eid + " " + parent.get("rloc16"); !strings.Contains(cache, want) {
			v.t.Errorf("no %q in the cache of %v:\n%s", want, leader, cache)
		}
		if _, last := leader.try(20*time.Second, "ping fd00:db8::88 8 1 1 64 2"); last != "Done" {
			v.t.Errorf("a ping to nobody: %s", last)
		}
	}},
	scenario{"RoutesHealWhenARouterDies", func(v *virtual, a, b maker) {
		n := [4]*node{v.node(a, ftd), v.node(b, ftd), v.node(a, ftd), v.node(b, ftd)}
		v.link(n[0], n[3], false) // a ring: 0-1-3 and 0-2-3
		v.link(n[1], n[2], false)
		form(n[0])
		for _, x := range n[1:] {
			joins(x, 150*time.Second, "router")
		}
		v.pass(60 * time.Second)
		n[0].reach(n[3].get("ipaddr mleid"), 8, 1, 5)
		v.kill(n[1])
		n[0].reach(n[3].get("ipaddr mleid"), 8, 2, 60)
	}},
	scenario{"AnycastOfTheLeader", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		n[3].reach("fd00:db8:0:0:0:ff:fe00:fc00", 8, 2, 2)
	}},
	scenario{"UDP", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		n[3].all("udp open", "udp bind :: 4321")
		n[0].do("udp open")
		n[0].do("udp send %s 4321 -t hello-from-afar", n[3].get("ipaddr mleid"))
		n[0].do("udp send %s 4321 -s 1000", n[3].get("ipaddr mleid"))
		v.pass(5 * time.Second)
		n[3].drain()
		for _, want := range []string{"15 bytes from ", "hello-from-afar", "1000 bytes from "} {
			if !strings.Contains(n[3].out.String(), want) {
				v.t.Errorf("%v did not receive %q: %q", n[3], want, n[3].out.String())
			}
		}
	}},
	scenario{"DiagnosticsOverALine", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		for _, x := range [][2]*node{{n[0], n[3]}, {n[3], n[0]}} {
			var text string
			until(v.t, v, 30*time.Second, "diagnostics", func() bool {
				x[0].do("networkdiagnostic get %s 0 1 2 5 6 8", x[1].get("ipaddr rloc"))
				v.pass(3 * time.Second)
				x[0].drain()
				text = x[0].out.String()
				return strings.Contains(text, "Rloc16")
			})
			for _, want := range []string{"Ext Address: " + x[1].get("extaddr"), "Rloc16: 0x" + x[1].get("rloc16")} {
				if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
					v.t.Errorf("%v asks %v and does not learn %q:\n%s", x[0], x[1], want, text)
				}
			}
		}
	}},
)

// Traffic: bursts, all sizes, both ways at once, to children that sleep, and the counters of it.
var _ = story(
	scenario{"BurstsOverALine", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		n[0].reach(n[3].get("ipaddr mleid"), 8, 1, 5)
		for _, x := range [][2]*node{{n[0], n[3]}, {n[3], n[0]}} {
			from, to := x[0], x[1]
			to.try(time.Second, "udp close")
			from.try(time.Second, "udp close")
			to.all("udp open", "udp bind :: 1234")
			from.do("udp open")
			dst := to.get("ipaddr mleid")
			const count = 30
			for range count {
				from.do("udp send %s 1234 -s 400", dst)
				v.pass(100 * time.Millisecond) // a node has room for few of them
			}
			v.pass(10 * time.Second)
			to.drain()
			if got := strings.Count(to.log.String(), "400 bytes from "); got < count {
				v.t.Errorf("%v to %v: %d of %d arrive", from, to, got, count)
			}
		}
	}},
	scenario{"SizesAroundAFrame", func(v *virtual, a, b maker) {
		leader, router, third := v.node(a, ftd), v.node(b, ftd), v.node(a, ftd)
		v.line(leader, router, third)
		form(leader)
		for _, x := range []*node{router, third} {
			joins(x, 150*time.Second, "router")
		}
		v.pass(60 * time.Second)
		leader.reach(third.get("ipaddr mleid"), 8, 1, 5)
		router.reach(leader.get("ipaddr mleid"), 8, 1, 5)
		for size := 40; size < 110; size += 3 {
			leader.ping(router.get("ipaddr mleid"), size, 1)
			leader.ping(router.get("ipaddr linklocal"), size+1, 1)
			leader.ping(third.get("ipaddr rloc"), size+2, 1)
		}
		leader.ping(third.get("ipaddr mleid"), 1232, 1)
	}},
	scenario{"LargePingsToSleepyChildren", func(v *virtual, a, b maker) {
		leader, one, two := v.node(a, ftd), v.node(b, mtd), v.node(a, mtd)
		v.link(one, two, false)
		form(leader)
		for _, c := range []*node{one, two} {
			c.all("mode -", "pollperiod 300")
			joins(c, 60*time.Second, "child")
		}
		v.pass(5 * time.Second)
		for _, size := range []int{8, 100, 500, 1200} {
			one.reach(two.get("ipaddr mleid"), size, 1, 2)
			two.reach(one.get("ipaddr mleid"), size, 1, 2)
			leader.reach(one.get("ipaddr rloc"), size, 1, 2)
		}
		// Several datagrams in one child's queue come in order, by one poll after the other.
		two.all("udp open", "udp bind :: 1234")
		leader.do("udp open")
		for i := range 12 {
			leader.do("udp send %s 1234 -t message-%d-of-12", two.get("ipaddr mleid"), i)
		}
		v.pass(10 * time.Second)
		two.drain()
		at := 0
		for i := range 12 {
			k := strings.Index(two.out.String()[at:], fmt.Sprintf("message-%d-of-12", i))
			if k < 0 {
				v.t.Fatalf("%v: message %d is missing or late: %q", two, i, two.out.String())
			}
			at += k
		}
	}},
	scenario{"MulticastsOfAllScopes", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		sleepy, listening := v.node(b, mtd), v.node(a, mtd)
		for _, x := range n[:3] {
			v.link(x, sleepy, false)
			v.link(x, listening, false)
		}
		sleepy.all("mode -", "pollperiod 300")
		listening.do("mode rn")
		for _, c := range []*node{sleepy, listening} {
			joins(c, 60*time.Second, "child")
			c.do("ipmaddr add ff04::4321")
			c.do("ipmaddr add ff03::4321")
		}
		n[1].all("ipmaddr add ff04::4321", "ipmaddr add ff03::4321")
		v.pass(20 * time.Second)
		count := func(from *node, group string, want int) {
			v.t.Helper()
			got := 0
			for range 3 { // answers may be lost on the way: nobody repeats them
				lines, _ := from.try(30*time.Second, "ping %s 20 1 1 64 4", group)
				k := strings.Count(strings.Join(lines, "\n"), "bytes from")
				if got = max(got, k); got == want {
					return
				}
			}
			v.t.Errorf("%v pings %s: %d answers of %d", from, group, got, want)
		}
		count(n[0], "ff03::1", 4) // the three routers, and the child that listens
		count(n[0], "ff33:40:fd00:db8::1", 5)
		count(n[0], "ff03::4321", 3)
		count(n[0], "ff04::4321", 3)
		count(n[0], "ff02::1", 1)
		count(n[3], "ff02::1", 2)
		count(sleepy, "ff03::4321", 2)
		count(sleepy, "ff04::4321", 3) // its parent gives it back what it listens to, its own, too
		count(listening, "ff03::2", 4)
	}},
	scenario{"CountersOfDatagrams", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		joins(router, 120*time.Second, "router")
		v.pass(30 * time.Second)
		for _, n := range []*node{leader, router} {
			n.all("counters ip reset")
		}
		leader.ping(router.get("ipaddr rloc"), 500, 5)
		for _, n := range []*node{leader, router} {
			var tx, rx int
			for _, l := range n.do("counters ip") {
				fmt.Sscanf(strings.TrimSpace(l), "TxSuccess: %d", &tx)
				fmt.Sscanf(strings.TrimSpace(l), "RxSuccess: %d", &rx)
			}
			if tx < 5 || tx > 12 || rx < 5 || rx > 12 {
				v.t.Errorf("%v: %q", n, n.do("counters ip"))
			}
		}
	}},
)
