//go:build peers

package thread

import (
	"slices"
	"strings"
	"time"
)

// Joining with a password: the commissioner is the leader, the joiner comes by it or by a router.
var _ = story(
	scenario{"Join", func(v *virtual, a, b maker) { joinBy(v, a, b, a, false) }},
	scenario{"JoinByRouter", func(v *virtual, a, b maker) { joinBy(v, a, b, a, true) }},
	scenario{"JoinByOtherRouter", func(v *virtual, a, b maker) { joinBy(v, a, a, b, true) }},
	scenario{"JoinByOwnRouter", func(v *virtual, a, b maker) { joinBy(v, a, b, b, true) }},
	scenario{"JoinerStopsWhileItLooks", stopLooking},
)

// stopLooking stops a joiner in the middle of its discovery, which goes on by itself. Another start in that time is Busy, for
// OpenThread's nodes even for ever after: their secure agent stays open. So the story waits.
func stopLooking(v *virtual, a, b maker) {
	leader, in := v.node(a, ftd), v.node(b, ftd)
	leader.all("dataset init new", "dataset commit active", "ifconfig up", "thread start")
	leader.state(30*time.Second, "leader")
	leader.do("commissioner start")
	v.pass(3 * time.Second)
	leader.do("commissioner joiner add * J01NME")
	v.pass(5 * time.Second)
	in.do("ifconfig up")
	in.do("joiner start J01NME")
	v.pass(500 * time.Millisecond)
	if s := in.get("joiner state"); s != "Discover" {
		v.t.Errorf("%v is %s", in, s)
	}
	in.do("joiner stop")
	if s := in.get("joiner state"); s != "Idle" {
		v.t.Errorf("%v is %s", in, s)
	}
	v.pass(20 * time.Second)
	if in.drain(); strings.Contains(in.out.String(), "Join failed") {
		v.t.Errorf("%v speaks of the attempt that was stopped", in)
	}
	in.do("joiner start J01NME")
	in.says(60*time.Second, "Join success")
}

func joinBy(v *virtual, commissioner, joiner, router maker, far bool) {
	leader, in := v.node(commissioner, ftd), v.node(joiner, ftd)
	leader.all("dataset init new", "dataset commit active", "ifconfig up", "thread start") // who joins gets a whole dataset
	leader.state(30*time.Second, "leader")
	if far {
		relay := v.node(router, ftd)
		v.link(leader, in, false)
		relay.do("dataset set active %s", leader.get("dataset active -x"))
		relay.all("ifconfig up", "thread start")
		relay.state(150*time.Second, "router")
	}
	leader.do("commissioner start")
	v.pass(3 * time.Second)
	if s := leader.get("commissioner state"); s != "active" {
		v.t.Fatalf("%v's commissioner is %s", leader, s)
	}
	leader.do("commissioner joiner add %s J01NME", in.get("eui64"))
	v.pass(5 * time.Second)
	in.do("ifconfig up")
	in.do("joiner start WR0NGPASS")
	in.says(60*time.Second, "Join failed [Security]")
	v.pass(60 * time.Second)
	in.do("joiner start J01NME")
	in.says(60*time.Second, "Join success")
	in.do("thread start")
	in.state(60*time.Second, "child", "router")
	leader.ping(in.get("ipaddr mleid"), 8, 2)
	v.pass(5 * time.Second)
	if got, want := in.do("dataset active"), leader.do("dataset active"); !slices.Equal(got, want) {
		v.t.Errorf("%v got the dataset %q, not %q", in, got, want)
	}
}

// says waits until the node has printed a line by itself.
func (n *node) says(timeout time.Duration, line string) {
	n.t.Helper()
	until(n.t, n.world, timeout, n.String()+" says "+line, func() bool {
		n.drain()
		return strings.Contains(n.out.String(), line)
	})
}
