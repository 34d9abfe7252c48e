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

// A child that sleeps finds out that its parent does not know it any more.
func TestSupervision(t *testing.T) {
	net := network.New(3, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })
	b := net.Add(network.NodeConfig{MTD: true, OnBoot: func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			_ = x.MLE().SetMode(now, 0)
			x.MAC().SetExternalPollPeriod(now, 500*time.Millisecond)
		})
	}})
	start(t, b, d)
	wait(t, net, time.Minute, "child", func() bool { return role(b) == mle.Child })
	net.Run(10 * time.Minute)
	a.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			for c := range x.Table().Children(neighbor.InAny) {
				x.MLE().RemoveChild(now, c)
			}
		})
	})
	net.Run(4 * time.Minute)
	ping(t, a, thread.PingConfig{Dst: eid(b)})
}
