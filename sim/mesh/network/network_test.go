package network

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
)

// The bench itself: boots, settings that outlive a reset, a reset that the node asks for, a kill.
func TestBench(t *testing.T) {
	net := New(1, mesh.Config{})
	boots := 0
	n := net.Add(NodeConfig{OnBoot: func(now machine.Time, t *thread.Node) { boots++ }})
	n.Input(func(now machine.Time, t *thread.Node) {
		_ = t.Up(now, 0)
		t.StoreSetting("x", []byte("y"))
		t.Reset(now, 0) // at once: the setting is on its way to the disk
	})
	net.Run(time.Second)
	if boots != 2 || n.Thread().IsUp() || n.Resets() != 2 {
		t.Fatalf("%d boots, up: %v", boots, n.Thread().IsUp())
	}
	if v := n.Thread().LoadSetting("x"); string(v) != "y" {
		t.Errorf("the setting is %q", v)
	}
	n.Kill()
	if p := n.Ping(ip6.Address{}); p.Err == nil || !p.Done {
		t.Error("a node that is off pings")
	}
	n.Boot()
	n.Input(func(now machine.Time, t *thread.Node) { t.FactoryReset(now, 0) })
	net.Run(time.Second)
	if boots != 4 || len(n.Thread().LoadSetting("x")) != 0 {
		t.Errorf("%d boots, setting %q", boots, n.Thread().LoadSetting("x"))
	}
}
