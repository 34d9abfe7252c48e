//go:build peers

package thread

import (
	"testing"
	"time"
)

// The network of all scenarios.
const (
	networkKey = "00112233445566778899aabbccddeeff"
	commonSet  = "dataset networkkey " + networkKey
)

// common gives a node the network's dataset.
func common(n *node) {
	n.t.Helper()
	n.all("dataset clear", commonSet, "dataset panid 0xabcd", "dataset channel 15", "dataset extpanid dead00beef00cafe",
		"dataset networkname heddle", "dataset meshlocalprefix fd00:db8::", "dataset activetimestamp 1",
		"dataset securitypolicy 672 onrc", "dataset pskc 3aa55f91ca47d1e4e71a08cb35e91591", "dataset commit active",
		"ifconfig up")
}

// join gives a node the common dataset and starts it.
func join(n *node) {
	n.t.Helper()
	common(n)
	if n.kind == ftd {
		n.do("routerselectionjitter 1")
	}
	n.do("thread start")
}

// joins lets a node join and waits until it has one of the roles.
func joins(n *node, timeout time.Duration, roles ...string) {
	n.t.Helper()
	join(n)
	n.state(timeout, roles...)
}

// joinsAs is joins in another mode.
func joinsAs(n *node, mode string, timeout time.Duration, roles ...string) {
	n.t.Helper()
	n.do("mode %s", mode)
	joins(n, timeout, roles...)
}

// withRouter makes one node the leader and the other a router of its network.
func withRouter(leader, router *node) {
	leader.t.Helper()
	form(leader)
	joins(router, 60*time.Second, "router")
}

// form makes a node the leader.
func form(n *node) {
	n.t.Helper()
	joins(n, 30*time.Second, "leader")
}

// scenario is a story of two makers' nodes. It is told twice, with the parts exchanged.
type scenario struct {
	name string
	tell func(v *virtual, a, b maker)
}

var scenarios []scenario

// story adds scenarios; each file of them has its own.
func story(list ...scenario) bool { scenarios = append(scenarios, list...); return true }

func TestScenarios(t *testing.T) {
	for _, s := range scenarios {
		for _, m := range []maker{ours, theirs} {
			t.Run(s.name+"/"+string(m)+"First", func(t *testing.T) {
				v := newVirtual(t)
				s.tell(v, m, m.other())
				v.check()
			})
		}
	}
}

// TestScenariosAmongThem tells the stories with nodes of theirs only: it shows that the stories themselves are right.
func TestScenariosAmongThem(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			v := newVirtual(t)
			s.tell(v, theirs, theirs)
			v.check()
		})
	}
}
