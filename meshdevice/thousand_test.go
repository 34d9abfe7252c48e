package meshdevice_test

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/lwm2m/client/words"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// A thousand devices on a mesh of 32 routers, with DTLS through one border router and NAT64 to one server: all registered,
// in so much virtual and real time.
func BenchmarkThousand(b *testing.B) {
	for _, kind := range []network.Kind{network.MED, network.SED} {
		b.Run(kind.String(), func(b *testing.B) {
			for b.Loop() {
				thousand(b, kind)
			}
		})
	}
}

func thousand(b *testing.B, kind network.Kind) {
	w := newWorld(b, 1, mesh.Config{})
	for range 31 {
		w.net.Add(network.NodeConfig{}).Join(network.Dataset(0))
	}
	w.net.Run(5 * time.Minute)
	rand := w.net.World.Rand("thousand")
	const n = 968
	for i := range n {
		name := fmt.Sprintf("secure-%d", i)
		x := w.rig().device(network.NodeConfig{Kind: kind, Off: true}, meshdevice.Config{Start: &meshdevice.StartOptions{
			Options: words.Options{Name: name, Host: "198.51.100.10", Identity: "id-" + name, Key: "30313233343536373839616263646566", Lifetime: 600}}})
		x.OnEvent = nil
		w.net.World.After(time.Duration(rand.Uint64()%uint64(2*time.Minute)), func() { x.Boot(); x.Join(network.Dataset(0)) })
	}
	began, real := w.net.World.Now(), time.Now()
	count := func() (c int) {
		for i := range n {
			if w.registered(fmt.Sprintf("secure-%d", i)) {
				c++
			}
		}
		return c
	}
	w.net.RunUntil(func() bool { return count() == n }, 20*time.Minute)
	ready := w.net.World.Now().Sub(began)
	w.net.Run(10 * time.Minute)
	all := w.net.World.Now().Sub(began)
	b.ReportMetric(float64(count()), "registered")
	b.ReportMetric(ready.Seconds(), "virtual-s-ready")
	b.ReportMetric(all.Seconds()/time.Since(real).Seconds(), "x-real-time")
}
