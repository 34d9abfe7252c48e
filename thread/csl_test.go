package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
)

// A sleepy child that samples its channel is pinged without a poll in between, for as long as nobody moves.
func TestSynchronizedSleepyChild(t *testing.T) {
	net := network.New(5, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	if !net.RunUntil(func() bool { return role(a) == mle.Leader }, time.Minute) {
		t.Fatal(role(a))
	}
	b := net.Add(network.NodeConfig{MTD: true})
	b.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() { _ = x.MLE().SetMode(now, 0) })
		if x.SetCSLPeriod(now, 500) == nil || x.SetCSLPeriod(now, 160_001) == nil {
			t.Error("a bad period")
		}
		if err := x.SetCSLPeriod(now, 500_000); err != nil {
			t.Fatal(err)
		}
		_ = x.SetCSLTimeout(now, 30)
	})
	start(t, b, d)
	if !net.RunUntil(func() bool { return role(b) == mle.Child }, time.Minute) {
		t.Fatal(role(b))
	}
	child := func() *neighbor.Child {
		for c := range a.Thread().Table().Children(neighbor.InValid) {
			return c
		}
		t.Fatal("no child")
		return nil
	}
	net.Run(10 * time.Second)
	if c := child().CSL; c == nil || !c.Synchronized || c.Period != 3125 || c.Timeout != 30 {
		t.Fatalf("%+v", c)
	}
	polls := a.Thread().MAC().Counters.RxDataPoll
	for i := range 20 {
		p := a.Ping(b.Thread().MLE().MeshLocalEID())
		if p.Err != nil || p.Received != 1 {
			t.Fatalf("ping %d: %+v", i, p)
		}
		net.Run(300 * time.Millisecond)
	}
	if n := a.Thread().MAC().Counters.RxDataPoll - polls; n > 2 {
		t.Errorf("%d polls for 20 pings", n)
	}
	// Polls keep it synchronized over a long rest.
	net.Run(5 * time.Minute)
	if !child().CSL.Synchronized || role(b) != mle.Child {
		t.Errorf("%+v, %v", child().CSL, role(b))
	}
}
