package thread_test

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
)

// The border agent's text record says that the node is a backbone router when it is one.
func TestBorderAgentText(t *testing.T) {
	net := network.New(5, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	start(t, a, a.Thread().Datasets().NewNetwork())
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })
	check := func(backbone bool) {
		t.Helper()
		a.Input(func(now machine.Time, n *thread.Node) {
			b := n.AppendBorderAgentText(now, nil, ip6.Prefix{})
			primary := bytes.Contains(b, []byte("\x07sb=\x00\x00\x0f\xb1"))
			if got := bytes.Contains(b, []byte("\x05bb=\xf0\xbf")); got != backbone || primary != backbone {
				t.Errorf("%q", b)
			}
		})
	}
	check(false)
	a.Input(func(now machine.Time, n *thread.Node) {
		n.Do(now, 0, func() { n.Backbone().SetEnabled(now, true) })
	})
	net.Run(20 * time.Second)
	check(true)
}
