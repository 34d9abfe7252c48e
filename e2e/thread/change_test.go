//go:build peers

package thread

import (
	"fmt"
	"strings"
	"time"
)

// trio is a leader and a router of one maker each, and a child of the second maker below the leader.
func trio(v *virtual, a, b maker) (leader, router, child *node) {
	v.t.Helper()
	leader, router, child = v.node(a, ftd), v.node(b, ftd), v.node(b, mtd)
	withRouter(leader, router)
	v.link(router, child, false)
	joinsAs(child, "rn", 30*time.Second, "child")
	v.pass(5 * time.Second)
	return leader, router, child
}

func (n *node) netdata() string { n.t.Helper(); return n.get("netdata show -x") }

// Network data and datasets, continued.
var _ = story(
	scenario{"DHCPv6", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		router.all("prefix add fd11:22::/64 pdos med", "netdata register")
		for _, n := range []*node{leader, child} {
			until(v.t, v, 60*time.Second, "an address", func() bool { return n.address("fd11:22:") != "" })
			if want := fmt.Sprintf("fd11:22:0:0:1ab4:3000:0:%x", n.id); n.address("fd11:22:") != want {
				v.t.Errorf("%v has %s, not %s", n, n.address("fd11:22:"), want)
			}
		}
		v.pass(10 * time.Second)
		leader.reach(child.address("fd11:22:"), 8, 1, 3)
		router.reach(leader.address("fd11:22:"), 8, 1, 3)
		child.reach("fd00:db8:0:0:0:ff:fe00:fc01", 8, 1, 3) // the agent
		router.all("prefix remove fd11:22::/64", "netdata register")
		for _, n := range []*node{leader, child} {
			until(v.t, v, 60*time.Second, "the address has gone", func() bool { return n.address("fd11:22:") == "" })
		}
	}},
	scenario{"LeaderIsResetAndKeepsTheData", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		router.all("prefix add fd11:22::/64 paros med", "netdata register")
		child.all("service add 44970 5d01 1122", "netdata register")
		until(v.t, v, 30*time.Second, "prefix and service", func() bool {
			return leader.has("netdata show", "fd11:22:0:0::/64") && leader.has("netdata show", "44970 5d01 1122")
		})
		leader.reset("reset")
		leader.all("ifconfig up", "thread start")
		leader.state(60*time.Second, "leader")
		// The leader takes its child for gone at first; the child looks again after at most 300 s.
		until(v.t, v, 400*time.Second, "prefix and service again", func() bool {
			return leader.has("netdata show", "fd11:22:0:0::/64 paros med "+router.get("rloc16")) && leader.has("netdata show", "44970 5d01 1122 s "+child.get("rloc16"))
		})
		until(v.t, v, 60*time.Second, "the same data everywhere", func() bool { return leader.netdata() == router.netdata() })
		leader.reach(child.get("ipaddr mleid"), 8, 1, 3)
	}},
	scenario{"SleepyChildHasTheStableData", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "pollperiod 500")
		joins(child, 60*time.Second, "child")
		leader.all("prefix add fd11:22::/64 paros med", "prefix add fd11:44::/64 paro med", "route add fd33:44::/64 s high", "service add 44970 112233 aabbcc", "netdata register")
		until(v.t, v, 30*time.Second, "what is stable", func() bool { return child.has("netdata show", "fd11:22:0:0::/64 paros med fffe") })
		for want, there := range map[string]bool{"fd33:44:0:0::/64 s high fffe": true, "44970 112233 aabbcc s fc10": true, "fd11:44:": false} {
			if child.has("netdata show", want) != there {
				v.t.Errorf("%v: %q is not %v: %q", child, want, there, child.do("netdata show"))
			}
		}
		until(v.t, v, 30*time.Second, "an address", func() bool { return child.address("fd11:22:") != "" })
		leader.reach(child.address("fd11:22:"), 8, 1, 3)
	}},
	scenario{"ContextIsForgottenAfterItsTime", func(v *virtual, a, b maker) {
		leader, router, _ := trio(v, a, b)
		leader.do("contextreusedelay 20")
		router.all("prefix add fd11:22::/64 paros med", "netdata register")
		until(v.t, v, 30*time.Second, "a context", func() bool { return leader.has("netdata show", "fd11:22:0:0::/64 1 sc") })
		router.all("prefix remove fd11:22::/64", "netdata register")
		until(v.t, v, 30*time.Second, "one that is not used", func() bool {
			return router.has("netdata show", "fd11:22:0:0::/64 1 s") && !router.has("netdata show", "1 sc")
		})
		until(v.t, v, 30*time.Second, "none", func() bool { return !router.has("netdata show", "fd11:22:0:0::/64 1") })
	}},
	scenario{"NetworkDataIsFull", func(v *virtual, a, b maker) {
		leader, router, _ := trio(v, a, b)
		for i := range 14 {
			router.do("route add fd33:%x::/64 s med", i)
			leader.do("route add fd44:%x::/64 s med", i)
		}
		leader.do("netdata register")
		v.pass(5 * time.Second)
		router.do("netdata register")
		v.pass(10 * time.Second)
		for _, n := range []*node{leader, router} {
			if got := n.get("netdata full"); got != "yes" {
				v.t.Errorf("%v: netdata full: %s", n, got)
			}
		}
		if leader.netdata() != router.netdata() {
			v.t.Errorf("network data differ:\n%s\n%s", leader.netdata(), router.netdata())
		}
	}},
	scenario{"PublishedServers", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		for _, n := range []*node{leader, router, child} {
			n.do("netdata publish dnssrp unicast %d", 50000+n.id)
		}
		v.pass(60 * time.Second)
		count := func() int { return strings.Count(strings.Join(leader.do("netdata show"), "\n"), "44970 5d ") }
		if count() != 2 {
			v.t.Errorf("%d unicast servers: %q", count(), leader.do("netdata show"))
		}
		// One that somebody wants makes the others go.
		router.do("netdata publish dnssrp anycast 3")
		until(v.t, v, 60*time.Second, "only the anycast server", func() bool { return count() == 0 && leader.has("netdata show", "44970 5c03") })
		router.do("netdata unpublish dnssrp")
		until(v.t, v, 60*time.Second, "the unicast servers again", func() bool { return count() == 2 })
		for _, n := range []*node{leader, router} {
			n.do("netdata publish prefix fd11:22::/64 paos med")
		}
		until(v.t, v, 30*time.Second, "both prefixes", func() bool {
			return strings.Count(strings.Join(child.do("netdata show"), "\n"), "fd11:22:0:0::/64 paos med") == 2
		})
	}},
	scenario{"PendingFromAChild", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		child.all("dataset init active", "dataset activetimestamp 20", "dataset pendingtimestamp 30", "dataset channel 21",
			"dataset meshlocalprefix fd00:7777::", "dataset delay 40000", "dataset commit pending")
		all := []*node{leader, router, child}
		for _, n := range all {
			until(v.t, v, 30*time.Second, "the pending dataset", func() bool {
				lines, last := n.try(5*time.Second, "dataset pending")
				return last == "Done" && strings.Contains(strings.Join(lines, "\n"), "Channel: 21")
			})
		}
		known := len(v.air)
		defer func() { v.air = v.air[:known] }() // tshark knows only one mesh-local prefix
		for _, n := range all {
			n.awaits(60*time.Second, "channel", "21")
		}
		v.pass(20 * time.Second)
		for _, n := range all {
			if !strings.HasPrefix(n.get("ipaddr mleid"), "fd00:7777:0:0:") {
				v.t.Errorf("%v: %s", n, n.get("ipaddr mleid"))
			}
		}
		if v.t.Failed() {
			return
		}
		leader.reach(child.get("ipaddr rloc"), 8, 1, 5)
		router.reach(leader.get("ipaddr rloc"), 8, 1, 5)
	}},
	scenario{"Updater", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		router.all("dataset clear", "dataset channel 23", "dataset delay 35000", "dataset updater start")
		if router.get("dataset updater") != "Enabled" {
			v.t.Error("the updater does not run")
		}
		for _, n := range []*node{leader, router, child} {
			n.awaits(90*time.Second, "channel", "23")
		}
		if router.get("dataset updater") != "Disabled" {
			v.t.Error("the updater still runs")
		}
		leader.reach(child.get("ipaddr mleid"), 8, 1, 5)
	}},
	scenario{"ResetDuringTheDelay", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		all := []*node{leader, router, child}
		leader.all("dataset init active", "dataset activetimestamp 20", "dataset pendingtimestamp 30", "dataset channel 24",
			"dataset networkkey 0f0e0d0c0b0a09080706050403020100", "dataset delay 300000", "dataset commit pending")
		for _, n := range all {
			until(v.t, v, 30*time.Second, "the pending dataset", func() bool { _, last := n.try(5*time.Second, "dataset pending"); return last == "Done" })
		}
		for _, n := range all {
			if n.maker == ours { // theirs do not start their delay timer again, and may stay behind
				n.reset("reset")
				n.all("ifconfig up", "thread start")
				n.state(60*time.Second, "leader", "router", "child")
				v.pass(10 * time.Second)
			}
		}
		for _, n := range all {
			n.awaits(350*time.Second, "channel", "24")
			n.awaits(10*time.Second, "networkkey", "0f0e0d0c0b0a09080706050403020100")
		}
		v.pass(30 * time.Second)
		leader.reach(child.get("ipaddr mleid"), 8, 1, 10)
		router.reach(leader.get("ipaddr mleid"), 8, 1, 10)
	}},
	scenario{"MgmtGetAndVerdicts", func(v *virtual, a, b maker) {
		leader, router, child := trio(v, a, b)
		router.do("dataset mgmtgetcommand active address %s networkname channel", leader.get("ipaddr rloc"))
		child.do("dataset mgmtgetcommand active")
		router.do("dataset mgmtsetcommand active activetimestamp 1 networkname toolate") // is rejected
		v.pass(10 * time.Second)
		for _, n := range []*node{leader, router, child} {
			n.awaits(5*time.Second, "networkname", "heddle")
		}
		child.do("dataset mgmtsetcommand active activetimestamp 60 networkname bychild")
		for _, n := range []*node{leader, router, child} {
			n.awaits(30*time.Second, "networkname", "bychild")
		}
	}},
)
