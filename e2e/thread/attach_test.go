//go:build peers

package thread

import (
	"strings"
	"time"
)

// Forming and attaching, as each kind of device.
var _ = story(
	scenario{"FormAndAttach", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		joins(child, 30*time.Second, "child", "router")
		child.ping(leader.get("ipaddr mleid"), 8, 3)
		leader.ping(child.get("ipaddr linklocal"), 100, 1)
		child.state(60*time.Second, "router")
		leader.ping(child.get("ipaddr mleid"), 1200, 2)
	}},
	scenario{"MinimalEndDevice", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		joinsAs(child, "rn", 30*time.Second, "child")
		leader.ping(child.get("ipaddr mleid"), 300, 2)
		child.ping(leader.get("ipaddr rloc"), 300, 2)
		v.pass(300 * time.Second)
		child.state(time.Second, "child")
		if rows := leader.do("child table"); len(rows) != 3 || !strings.Contains(rows[2], "|1|0|1|") {
			v.t.Errorf("%v's children: %q", leader, rows)
		}
	}},
	scenario{"RouterEligibleEndDevice", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		child.do("routereligible disable")
		joins(child, 30*time.Second, "child")
		v.pass(150 * time.Second)
		child.state(time.Second, "child")
		leader.ping(child.get("ipaddr mleid"), 8, 2)
		child.do("routereligible enable")
		child.state(150*time.Second, "router")
		leader.reach(child.get("ipaddr mleid"), 8, 2, 3)
	}},
	scenario{"FullEndDeviceBecomesRouterOnlyWhenWanted", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		leader.do("routerupgradethreshold 1")
		child.do("routerupgradethreshold 1")
		joins(child, 30*time.Second, "child")
		v.pass(150 * time.Second)
		child.state(time.Second, "child")
		child.do("state router")
		child.state(20*time.Second, "router")
	}},
	scenario{"ModeChanges", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		child.all("routereligible disable", "pollperiod 500")
		joins(child, 30*time.Second, "child")
		for _, m := range []string{"rn", "-", "r", "rdn"} {
			child.do("mode %s", m)
			v.pass(3 * time.Second)
			child.state(20*time.Second, "child")
			leader.reach(child.get("ipaddr mleid"), 8, 1, 2)
		}
	}},
	scenario{"DetachAndAttachAgain", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		withRouter(leader, child)
		child.do("detach")
		child.state(10*time.Second, "disabled")
		child.do("thread start")
		child.state(60*time.Second, "router")
		leader.reach(child.get("ipaddr mleid"), 8, 1, 3)
	}},
	scenario{"ChildLeavesSilently", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode rn", "childtimeout 20")
		joins(child, 30*time.Second, "child")
		v.pass(5 * time.Second)
		if rows := leader.do("child list"); len(rows) != 1 || strings.TrimSpace(rows[0]) == "" {
			v.t.Errorf("%v's children: %q", leader, rows)
		}
		v.kill(child)
		v.pass(60 * time.Second)
		if rows := leader.do("child list"); len(rows) != 0 {
			v.t.Errorf("%v's children after the time-out: %q", leader, rows)
		}
	}},
	scenario{"ParentDies", func(v *virtual, a, b maker) {
		leader, parent, child := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
		form(leader)
		v.link(leader, child, false)
		joins(parent, 60*time.Second, "router")
		child.all("mode rn", "childtimeout 20")
		joins(child, 30*time.Second, "child")
		leader.reach(child.get("ipaddr mleid"), 40, 2, 2)
		v.kill(parent)
		v.link(leader, child, true)
		want := strings.ToLower(leader.get("extaddr"))
		until(v.t, v, 120*time.Second, "the child finds another parent", func() bool {
			rows, last := child.try(5*time.Second, "parent")
			return last == "Done" && len(rows) > 0 && strings.ToLower(rows[0]) == "ext addr: "+want
		})
		leader.reach(child.get("ipaddr mleid"), 8, 2, 5)
	}},
	scenario{"DiscoverAndScan", func(v *virtual, a, b maker) {
		leader, other := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		other.all("ifconfig up", "panid 0xffff")
		found := strings.Join(other.do("discover"), "\n")
		for _, want := range []string{"heddle", "dead00beef00cafe", "abcd", leader.get("extaddr"), "15"} {
			if !strings.Contains(found, want) {
				v.t.Errorf("%v discovers %v without %s:\n%s", other, leader, want, found)
			}
		}
		found = strings.Join(other.do("scan"), "\n")
		for _, want := range []string{"abcd", leader.get("extaddr"), "15"} {
			if !strings.Contains(found, want) {
				v.t.Errorf("%v scans %v without %s:\n%s", other, leader, want, found)
			}
		}
	}},
)
