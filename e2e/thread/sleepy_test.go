//go:build peers

package thread

import (
	"strings"
	"time"
)

// Children that sleep.
var _ = story(
	scenario{"SleepyChild", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "pollperiod 500")
		joins(child, 30*time.Second, "child")
		v.pass(2 * time.Second)
		leader.ping(child.get("ipaddr mleid"), 8, 3)
		leader.ping(child.get("ipaddr mleid"), 300, 2)
		leader.ping(child.get("ipaddr linklocal"), 8, 1)
		child.ping(leader.get("ipaddr mleid"), 300, 2)
		if rows := leader.do("child table"); len(rows) != 3 || !strings.Contains(rows[2], "|0|0|0|") {
			v.t.Errorf("%v's children: %q", leader, rows)
		}
	}},
	scenario{"SleepyChildOfARouter", func(v *virtual, a, b maker) {
		leader, parent, child := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
		v.link(leader, child, false)
		withRouter(leader, parent)
		child.all("mode -", "pollperiod 700")
		joins(child, 30*time.Second, "child")
		v.pass(2 * time.Second)
		leader.reach(child.get("ipaddr mleid"), 200, 2, 2)
		child.ping(leader.get("ipaddr mleid"), 500, 2)
	}},
	scenario{"SleepyChildKeepsItsParent", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "childtimeout 30")
		joins(child, 30*time.Second, "child")
		rloc := child.get("rloc16")
		v.pass(600 * time.Second)
		child.state(time.Second, "child")
		if now := child.get("rloc16"); now != rloc {
			v.t.Errorf("%v has had RLOC16 %s, now %s", child, rloc, now)
		}
		child.do("pollperiod 1000")
		child.ping(leader.get("ipaddr mleid"), 8, 1)
	}},
	scenario{"SleepyChildHearsMulticast", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "pollperiod 500")
		joins(child, 30*time.Second, "child")
		child.all("ipmaddr add ff05::abcd")
		v.pass(5 * time.Second)
		leader.reach("ff05::abcd", 8, 1, 2)
	}},
	scenario{"SleepyChildAfterItsParentsReset", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "pollperiod 500", "childtimeout 60")
		joins(child, 30*time.Second, "child")
		v.pass(2 * time.Second)
		leader.reset("reset")
		leader.all("ifconfig up", "thread start")
		leader.state(60*time.Second, "leader")
		v.pass(30 * time.Second)
		child.state(120*time.Second, "child")
		leader.reach(child.get("ipaddr mleid"), 8, 2, 5)
	}},
	scenario{"SupervisedChildNoticesThatItsParentForgotIt", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, mtd)
		form(leader)
		child.all("mode -", "pollperiod 1000", "childsupervision interval 10", "childsupervision checktimeout 30")
		joins(child, 30*time.Second, "child")
		v.pass(60 * time.Second)
		child.state(time.Second, "child")
		leader.ping(child.get("ipaddr mleid"), 8, 1)
	}},
)
