//go:build peers

package thread

import (
	"strings"
	"time"
)

func (n *node) has(command, part string) bool {
	n.t.Helper()
	return strings.Contains(strings.Join(n.do("%s", command), "\n"), part)
}

// address returns the node's address that begins so.
func (n *node) address(prefix string) string {
	n.t.Helper()
	for _, l := range n.do("ipaddr") {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}

// Network data, datasets, keys.
var _ = story(
	scenario{"PrefixOfARouter", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		n[3].all("prefix add fd11:22::/64 paros med", "netdata register")
		for _, x := range n {
			until(v.t, v, 60*time.Second, "a SLAAC address", func() bool { return x.address("fd11:22:0:0:") != "" })
			if !x.has("netdata show", "fd11:22:0:0::/64 paros med "+n[3].get("rloc16")) {
				v.t.Errorf("%v shows %q", x, x.do("netdata show"))
			}
		}
		n[0].reach(n[3].address("fd11:22:"), 8, 1, 5)
		n[1].reach(n[3].address("fd11:22:"), 500, 1, 3)
		n[3].all("prefix remove fd11:22::/64", "netdata register")
		for _, x := range n {
			until(v.t, v, 60*time.Second, "the prefix has gone", func() bool { return !x.has("netdata show", "fd11:22:0:0::/64 paros") })
		}
	}},
	// tshark is told of one context: fd11:22::/64.
	scenario{"PrefixOfAChild", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		joinsAs(child, "rn", 30*time.Second, "child")
		child.all("prefix add fd11:22::/64 paros low", "netdata register")
		until(v.t, v, 30*time.Second, "the leader has the prefix", func() bool { return leader.has("netdata show", "fd11:22:0:0::/64 paros low") })
		until(v.t, v, 30*time.Second, "both have addresses", func() bool { return leader.address("fd11:22:") != "" && child.address("fd11:22:") != "" })
		leader.reach(child.address("fd11:22:"), 100, 1, 2)
	}},
	scenario{"RoutesAndServices", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		n[2].all("route add fd33:44::/64 s high", "service add 44970 112233 aabbcc", "netdata register")
		n[0].all("service add 44970 445566 ddeeff", "netdata register")
		for _, x := range n {
			until(v.t, v, 60*time.Second, "route and services", func() bool {
				text := strings.Join(x.do("netdata show"), "\n")
				return strings.Contains(text, "fd33:44:0:0::/64 s high "+n[2].get("rloc16")) && strings.Contains(text, "44970 112233 aabbcc s "+n[2].get("rloc16")) &&
					strings.Contains(text, "44970 445566 ddeeff s "+n[0].get("rloc16"))
			})
		}
		if x, y := n[0].get("netdata show -x"), n[3].get("netdata show -x"); x != y {
			v.t.Errorf("network data differ:\n%s\n%s", x, y)
		}
	}},
	scenario{"DataOfARouterThatDiesGoes", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, router)
		router.all("prefix add fd11:44::/64 paros med", "netdata register")
		until(v.t, v, 30*time.Second, "the prefix is there", func() bool { return leader.has("netdata show", "fd11:44:0:0::/64") })
		v.kill(router)
		until(v.t, v, 400*time.Second, "the prefix has gone", func() bool { return !leader.has("netdata show", "fd11:44:0:0::/64 paros") })
	}},
	scenario{"PendingDataset", func(v *virtual, a, b maker) {
		leader, router, child := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
		withRouter(leader, router)
		joinsAs(child, "rn", 30*time.Second, "child")
		leader.all("dataset init active", "dataset activetimestamp 20", "dataset pendingtimestamp 30", "dataset channel 20", "dataset panid 0x1234",
			"dataset networkkey 0f0e0d0c0b0a09080706050403020100", "dataset delay 60000", "dataset commit pending")
		until(v.t, v, 30*time.Second, "the pending dataset is everywhere", func() bool {
			_, x := router.try(5*time.Second, "dataset pending")
			_, y := child.try(5*time.Second, "dataset pending")
			return x == "Done" && y == "Done"
		})
		for _, n := range []*node{leader, router, child} {
			n.awaits(120*time.Second, "channel", "20")
			n.awaits(10*time.Second, "panid", "0x1234")
			n.awaits(10*time.Second, "networkkey", "0f0e0d0c0b0a09080706050403020100")
		}
		router.state(120*time.Second, "router", "leader")
		child.state(120*time.Second, "child")
		leader.reach(router.get("ipaddr mleid"), 8, 2, 20)
		leader.reach(child.get("ipaddr mleid"), 8, 2, 20)
	}},
	scenario{"ActiveDatasetSetFromARouter", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, router)
		router.do("dataset mgmtsetcommand active activetimestamp 50 networkname renamed")
		for _, n := range []*node{leader, router} {
			n.awaits(30*time.Second, "networkname", "renamed")
		}
	}},
	scenario{"KeyRotation", func(v *virtual, a, b maker) {
		leader, router, child := v.node(a, ftd), v.node(b, ftd), v.node(b, mtd)
		withRouter(leader, router)
		joinsAs(child, "rn", 30*time.Second, "child")
		for _, n := range []*node{leader, router, child} {
			n.do("keysequence guardtime 0")
		}
		router.do("keysequence counter 5")
		v.pass(60 * time.Second)
		leader.reach(child.get("ipaddr mleid"), 8, 2, 3)
		router.reach(child.get("ipaddr mleid"), 8, 2, 3)
		for _, n := range []*node{leader, router, child} {
			n.awaits(120*time.Second, "keysequence counter", "5")
		}
	}},
	scenario{"OrphanFollowsItsNetwork", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode rn", "childtimeout 20")
		joins(child, 30*time.Second, "child")
		v.link(leader, child, false)
		leader.all("dataset init active", "dataset activetimestamp 20", "dataset pendingtimestamp 30", "dataset channel 22", "dataset delay 35000", "dataset commit pending")
		leader.awaits(600*time.Second, "channel", "22")
		child.state(200*time.Second, "detached")
		v.link(leader, child, true)
		child.awaits(600*time.Second, "channel", "22")
		child.state(120*time.Second, "child")
		leader.reach(child.get("ipaddr mleid"), 8, 2, 5)
	}},
)
