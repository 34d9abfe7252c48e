//go:build peers

package thread

import (
	"strings"
	"time"
)

// Leaders that die, partitions that split and merge, nodes that are reset.
var _ = story(
	scenario{"LeaderDies", func(v *virtual, a, b maker) {
		leader, router, third := v.node(a, ftd), v.node(b, ftd), v.node(b, ftd)
		form(leader)
		for _, n := range []*node{router, third} {
			joins(n, 60*time.Second, "router")
		}
		v.kill(leader)
		until(v.t, v, 300*time.Second, "one of the others leads", func() bool {
			x, y := router.get("state"), third.get("state")
			return x == "leader" && y == "router" || y == "leader" && x == "router"
		})
		router.reach(third.get("ipaddr mleid"), 8, 2, 5)
	}},
	scenario{"LeaderDiesAndComesBack", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, router)
		v.kill(leader)
		router.state(300*time.Second, "leader")
		v.revive(leader)
		leader.all("ifconfig up", "thread start")
		until(v.t, v, 300*time.Second, "one partition", func() bool {
			return leader.get("partitionid") == router.get("partitionid") && (leader.get("state") == "leader") != (router.get("state") == "leader")
		})
		leader.reach(router.get("ipaddr mleid"), 8, 2, 10)
	}},
	scenario{"PartitionsMerge", func(v *virtual, a, b maker) {
		x, y := v.node(a, ftd), v.node(b, ftd)
		v.link(x, y, false)
		form(x)
		form(y)
		if x.get("partitionid") == y.get("partitionid") {
			v.t.Fatal("two partitions with one id")
		}
		v.link(x, y, true)
		until(v.t, v, 300*time.Second, "one partition", func() bool {
			return x.get("partitionid") == y.get("partitionid") && (x.get("state") == "leader") != (y.get("state") == "leader")
		})
		x.reach(y.get("ipaddr mleid"), 8, 2, 10)
	}},
	scenario{"LineIsCutAndMended", func(v *virtual, a, b maker) {
		n := fourLine(v, a, b)
		v.link(n[1], n[2], false)
		until(v.t, v, 400*time.Second, "two partitions", func() bool {
			return n[0].get("partitionid") == n[1].get("partitionid") && n[2].get("partitionid") == n[3].get("partitionid") && n[0].get("partitionid") != n[3].get("partitionid")
		})
		n[2].reach(n[3].get("ipaddr mleid"), 8, 1, 5)
		v.link(n[1], n[2], true)
		until(v.t, v, 600*time.Second, "one partition", func() bool {
			for _, x := range n[1:] {
				if x.get("partitionid") != n[0].get("partitionid") || x.get("state") != "router" && x.get("state") != "leader" && x.get("state") != "child" {
					return false
				}
			}
			return true
		})
		n[0].reach(n[3].get("ipaddr mleid"), 8, 2, 60)
	}},
	scenario{"HeavierPartitionWins", func(v *virtual, a, b maker) {
		x, y := v.node(a, ftd), v.node(b, ftd)
		v.link(x, y, false)
		x.do("leaderweight 80")
		y.do("leaderweight 60")
		form(x)
		form(y)
		v.link(x, y, true)
		y.state(300*time.Second, "router")
		x.state(time.Second, "leader")
		if y.get("partitionid") != x.get("partitionid") {
			v.t.Error("not one partition")
		}
	}},
	scenario{"RouterIsReset", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, router)
		rloc, id := router.get("rloc16"), router.get("ipaddr mleid")
		router.reset("reset")
		router.all("ifconfig up", "thread start")
		router.state(60*time.Second, "router")
		if router.get("rloc16") != rloc || router.get("ipaddr mleid") != id {
			v.t.Errorf("%v was %s %s, now it is %s %s", router, rloc, id, router.get("rloc16"), router.get("ipaddr mleid"))
		}
		leader.reach(id, 8, 2, 5)
	}},
	scenario{"LeaderIsReset", func(v *virtual, a, b maker) {
		leader, router := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, router)
		partition, rloc := leader.get("partitionid"), leader.get("rloc16")
		leader.reset("reset")
		leader.all("ifconfig up", "thread start")
		leader.state(60*time.Second, "leader")
		if leader.get("partitionid") != partition || leader.get("rloc16") != rloc {
			v.t.Errorf("%v led %s as %s, now %s as %s", leader, partition, rloc, leader.get("partitionid"), leader.get("rloc16"))
		}
		router.reach(leader.get("ipaddr mleid"), 8, 2, 10)
	}},
	scenario{"ChildIsReset", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		joinsAs(child, "rn", 30*time.Second, "child")
		rloc := child.get("rloc16")
		child.reset("reset")
		child.all("ifconfig up", "thread start")
		child.state(60*time.Second, "child")
		if now := child.get("rloc16"); now != rloc {
			v.t.Errorf("%v had %s, now %s", child, rloc, now)
		}
		leader.reach(child.get("ipaddr mleid"), 8, 2, 3)
	}},
	scenario{"FactoryReset", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, child)
		child.reset("factoryreset")
		if _, last := child.try(5*time.Second, "dataset active"); !strings.HasPrefix(last, "Error 23") {
			v.t.Errorf("the dataset after factoryreset: %s", last)
		}
		joins(child, 90*time.Second, "child", "router")
		leader.reach(child.get("ipaddr mleid"), 8, 1, 3)
	}},
	scenario{"RouterStepsDown", func(v *virtual, a, b maker) {
		var nodes []*node // a router steps down only where it has seven neighbours
		for range 5 {
			nodes = append(nodes, v.node(a, ftd), v.node(b, ftd))
		}
		form(nodes[0])
		for _, n := range nodes[1:] {
			joins(n, 90*time.Second, "router")
		}
		for _, n := range nodes {
			n.all("routerupgradethreshold 7", "routerdowngradethreshold 8")
		}
		until(v.t, v, 900*time.Second, "not more than eight routers", func() bool {
			count := 0
			for _, n := range nodes {
				if s := n.get("state"); s == "router" || s == "leader" {
					count++
				}
			}
			return count <= 8
		})
		for _, n := range nodes[1:] {
			nodes[0].reach(n.get("ipaddr mleid"), 8, 1, 10)
		}
	}},
)
