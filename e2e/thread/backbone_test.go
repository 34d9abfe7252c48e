//go:build peers

package thread

import (
	"strings"
	"time"
)

// A backbone router of either maker, and a router of the other one that registers its own groups and its sleepy child's.
var _ = story(
	scenario{"Backbone", func(v *virtual, a, b maker) {
		primary, router, child := v.node(a, ftd), v.node(b, ftd), v.node(a, mtd)
		v.link(primary, child, false)
		form(primary)
		join(router)
		router.state(90*time.Second, "router")
		joinAs(child, "-")
		child.state(30*time.Second, "child")
		primary.all("bbr config seqno 5 delay 10 timeout 1200", "bbr enable")
		primary.awaits(30*time.Second, "bbr state", "Primary")
		v.pass(5 * time.Second)
		if got := strings.Join(router.do("bbr"), "\n"); !strings.Contains(got, "delay:    10 secs\ntimeout:  1200 secs") {
			v.t.Errorf("%v knows of %s", router, got)
		}
		if got := router.get("mlr reg ff04::1"); got != "status 0, 0 failed" {
			v.t.Errorf("mlr reg: %s", got)
		}
		router.do("ipmaddr add ff04::2")
		child.do("ipmaddr add ff05::3")
		listens := func(g string) func() bool {
			return func() bool {
				return strings.Contains(strings.Join(primary.do("bbr mgmt mlr listener"), "\n"), g+" ")
			}
		}
		for _, g := range []string{"ff04:0:0:0:0:0:0:1", "ff04:0:0:0:0:0:0:2", "ff05:0:0:0:0:0:0:3"} {
			until(v.t, v, 30*time.Second, "the primary knows "+g, listens(g))
		}
		primary.do("bbr mgmt mlr listener clear")
		primary.do("bbr config seqno 6")
		until(v.t, v, 60*time.Second, "a new sequence number has everybody register again", listens("ff05:0:0:0:0:0:0:3"))
	}},
)
