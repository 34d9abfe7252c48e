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

// join gives a node the common dataset and starts it.
func join(n *node) {
	n.t.Helper()
	n.all("dataset clear", commonSet, "dataset panid 0xabcd", "dataset channel 15", "dataset extpanid dead00beef00cafe",
		"dataset networkname heddle", "dataset meshlocalprefix fd00:db8::", "dataset activetimestamp 1",
		"dataset securitypolicy 672 onrc", "dataset pskc 3aa55f91ca47d1e4e71a08cb35e91591", "dataset commit active",
		"routerselectionjitter 1", "ifconfig up", "thread start")
}

// form makes a node the leader.
func form(n *node) {
	n.t.Helper()
	join(n)
	n.state(30*time.Second, "leader")
}

// scenario is a story of two makers' nodes. It is told twice, with the parts exchanged.
type scenario struct {
	name string
	tell func(v *virtual, a, b maker)
}

var scenarios = []scenario{
	{"FormAndAttach", func(v *virtual, a, b maker) {
		leader, child := v.node(a, ftd), v.node(b, ftd)
		form(leader)
		join(child)
		child.state(30*time.Second, "child", "router")
		child.ping(leader.get("ipaddr mleid"), 8, 3)
		leader.ping(child.get("ipaddr linklocal"), 100, 1)
		child.state(60*time.Second, "router")
		leader.ping(child.get("ipaddr mleid"), 1200, 2)
	}},
}

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
