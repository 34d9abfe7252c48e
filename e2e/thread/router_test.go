//go:build peers

package thread

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Stories of routers, leaders and partitions.
func init() {
	scenarios = append(scenarios,
		scenario{"ParentReset", func(v *virtual, a, b maker) {
			one, child := v.node(a, ftd), v.node(b, mtd)
			form(one)
			joinAs(child, "rn")
			child.state(10*time.Second, "child")
			rloc := child.get("rloc16")
			again(one)
			// Nobody knows its partition any more but the child, so it forms another one, and the child comes back.
			one.state(60*time.Second, "leader")
			until(v.t, v, 300*time.Second, "the child is back", func() bool {
				return child.get("state") == "child" && routerID(v, child.get("rloc16")) == routerID(v, one.get("rloc16"))
			})
			v.t.Logf("RLOC16 %s, was %s", child.get("rloc16"), rloc)
			one.reach(child.get("ipaddr mleid"), 8, 2, 5)
		}},
		scenario{"REEDBecomesRouter", func(v *virtual, a, b maker) {
			one, two, far := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
			v.link(one, far, false)
			for _, n := range []*node{one, two} {
				n.do("routerupgradethreshold 1")
			}
			form(one)
			joins(two, 20*time.Second, "child")
			v.pass(130 * time.Second)
			two.state(time.Second, "child")
			joinAs(far, "rn")
			far.state(30*time.Second, "child")
			two.state(time.Second, "router")
			far.reach(one.get("ipaddr mleid"), 100, 2, 5)
		}},
		scenario{"RouterDowngrades", func(v *virtual, a, b maker) {
			nodes := []*node{}
			for i := range 10 {
				m := a
				if i%2 == 1 {
					m = b
				}
				nodes = append(nodes, v.node(m, ftd))
			}
			formAll(nodes...)
			for _, n := range nodes {
				n.all("routerupgradethreshold 8", "routerdowngradethreshold 9")
			}
			until(v.t, v, 300*time.Second, "nine routers", func() bool { return len(nodes[0].routers()) <= 9 })
			v.pass(60 * time.Second)
			if n := len(nodes[0].routers()); n < 8 {
				v.t.Errorf("%d routers are left", n)
			}
			// A child whose parent stepped down while it attached notices that when its time at the parent is over.
			for _, n := range nodes[1:] {
				n.reach(nodes[0].get("ipaddr mleid"), 8, 1, 30)
			}
		}},
		scenario{"RouterIDReleased", func(v *virtual, a, b maker) {
			one, two := v.node(a, ftd), v.node(b, ftd)
			formAll(one, two)
			rloc := two.get("rloc16")
			one.do("releaserouterid %d", routerID(v, rloc))
			until(v.t, v, 60*time.Second, "another id", func() bool {
				return two.get("state") == "router" && two.get("rloc16") != rloc
			})
			one.reach(two.get("ipaddr mleid"), 8, 2, 10)
		}},
		scenario{"PreferredRouterID", func(v *virtual, a, b maker) {
			one, two := v.node(a, ftd), v.node(b, ftd)
			form(one)
			id := 17
			if one.get("rloc16") == "4400" {
				id = 18
			}
			two.do("preferrouterid %d", id)
			joins(two, 30*time.Second, "router")
			if got := routerID(v, two.get("rloc16")); got != id {
				v.t.Errorf("router id %d, not %d", got, id)
			}
		}},
		scenario{"ChildTimesOut", func(v *virtual, a, b maker) {
			one, child := v.node(a, ftd), v.node(b, mtd)
			form(one)
			child.do("childtimeout 20")
			joinAs(child, "rn")
			child.state(10*time.Second, "child")
			v.pass(90 * time.Second)
			child.state(time.Second, "child")
			if got := one.get("child list"); got != "1" && !strings.Contains(got, "1") {
				v.t.Errorf("children: %q", got)
			}
			v.kill(child)
			until(v.t, v, 30*time.Second, "the child is forgotten", func() bool {
				return strings.TrimSpace(strings.Join(one.do("child list"), "")) == ""
			})
		}},
		scenario{"ParentPriority", func(v *virtual, a, b maker) {
			one, two, child := v.node(a, ftd), v.node(b, ftd), v.node(b, mtd)
			two.do("parentpriority 1")
			formAll(one, two)
			joinAs(child, "rn")
			child.state(10*time.Second, "child")
			if routerID(v, child.get("rloc16")) != routerID(v, two.get("rloc16")) {
				v.t.Errorf("the child %s is not the preferred router's, %s", child.get("rloc16"), two.get("rloc16"))
			}
		}},
		scenario{"ChildrenMax", func(v *virtual, a, b maker) {
			one, two := v.node(a, ftd), v.node(b, mtd)
			third := v.node(b, mtd)
			one.do("childmax 1")
			form(one)
			joinAs(two, "rn")
			two.state(10*time.Second, "child")
			joinAs(third, "rn")
			v.pass(20 * time.Second)
			third.state(time.Second, "detached")
		}},
		scenario{"TakenForLeader", func(v *virtual, a, b maker) {
			one, two := v.node(a, ftd), v.node(b, ftd)
			formAll(one, two)
			two.do("leaderweight 100")
			two.do("state leader")
			two.state(5*time.Second, "leader")
			one.state(60*time.Second, "router")
			if one.get("partitionid") != two.get("partitionid") {
				v.t.Error("two partitions")
			}
		}},
	)
}

// formAll makes a leader of the first node and routers of the others, one after the other.
func formAll(nodes ...*node) {
	nodes[0].t.Helper()
	form(nodes[0])
	for _, n := range nodes[1:] {
		joins(n, 90*time.Second, "router")
	}
}

// joinAs is join in another mode, and with the usual jitter of role changes: for nodes that are to stay children.
func joinAs(n *node, mode string) {
	n.t.Helper()
	n.do("mode %s", mode)
	common(n)
	n.do("thread start")
}

// again resets a node and starts Thread on it.
func again(n *node) {
	n.t.Helper()
	n.reset("reset")
	n.all("ifconfig up", "thread start")
}

// routers returns the ids of the routers that a node knows.
func (n *node) routers() []string {
	n.t.Helper()
	return strings.Fields(strings.Join(n.do("router list"), " "))
}

func routerID(v *virtual, rloc16 string) int {
	v.t.Helper()
	r, err := strconv.ParseUint(rloc16, 16, 16)
	if err != nil {
		v.t.Fatal(fmt.Errorf("RLOC16 %q: %w", rloc16, err))
	}
	return int(r >> 10)
}
