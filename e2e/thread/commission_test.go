//go:build peers

package thread

import (
	"strings"
	"testing"
	"time"
)

// A commissioner of ours lets a device of theirs into a network of theirs, by the hand of a joiner router of theirs: not
// with a wrong password, but with the right one. (Their router hands over nothing where the dataset has no channel mask.)
func TestCommissioner(t *testing.T) {
	v := newVirtual(t)
	a, b, c := v.node(theirs, ftd), v.node(ours, ftd), v.node(theirs, ftd)
	for i, n := range []*node{a, b} {
		n.all("dataset clear", commonSet, "dataset panid 0xabcd", "dataset channel 15", "dataset extpanid dead00beef00cafe",
			"dataset networkname heddle", "dataset meshlocalprefix fd00:db8::", "dataset activetimestamp 1",
			"dataset securitypolicy 672 onrc", "dataset pskc 3aa55f91ca47d1e4e71a08cb35e91591", "dataset channelmask 0x07fff800",
			"dataset commit active", "routerselectionjitter 1", "ifconfig up", "thread start")
		n.state(60*time.Second, [...]string{"leader", "router"}[i])
	}
	b.do("commissioner start")
	v.pass(2 * time.Second)
	b.awaits(time.Second, "commissioner state", "active")
	b.do("commissioner joiner add * J01NME")
	v.pass(time.Second)
	c.do("ifconfig up")
	for _, try := range [][2]string{{"J01NMF", "Join failed [Security]"}, {"J01NME", "Join success"}} {
		c.do("joiner start %s", try[0])
		v.pass(20 * time.Second)
		c.drain()
		if !strings.Contains(c.log.String(), try[1]) {
			t.Fatalf("a joiner with %s does not say %s", try[0], try[1])
		}
	}
	b.drain()
	for _, event := range []string{"start", "connect", "finalize", "end"} {
		if !strings.Contains(b.log.String(), "Commissioner: Joiner "+event+" ") {
			t.Errorf("the commissioner says nothing of %s", event)
		}
	}
	c.do("thread start")
	c.state(30*time.Second, "child", "router")
	c.reach(b.get("ipaddr mleid"), 64, 3, 2)
}
