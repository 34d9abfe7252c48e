//go:build peers

package thread

import (
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
		join(n)
		n.state(150*time.Second, "router")
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
			join(n)
			n.state(150*time.Second, "router")
		}
		child.do("mode rn")
		join(child)
		child.state(60*time.Second, "child")
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
			join(x)
			x.state(150*time.Second, "router")
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
