package meshdevice_test

import (
	"runtime"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// behind puts a device of a kind behind hops-1 routers in a line.
func (w *world) behind(t *testing.T, hops int, kind network.Kind, c meshdevice.Config) *dev {
	t.Helper()
	far := func(n *network.Node) {
		for i := 1; i < n.Number()-1; i++ {
			w.net.SetLink(n.Number(), i, mesh.Link{Off: true})
		}
	}
	for range hops - 1 {
		n := w.net.Add(network.NodeConfig{})
		far(n)
		n.Join(network.Dataset(0))
		if !n.WaitRole(3, 5*time.Minute) {
			t.Fatal("no router")
		}
	}
	x := w.rig().device(network.NodeConfig{Kind: kind, Off: true}, c)
	far(x.Node)
	x.Boot()
	x.join(t)
	return x
}

// From lwstart to READY over three hops, with air time and a name to look up: two seconds beyond what the frames take.
func TestStartOverThreeHops(t *testing.T) {
	w := newWorld(t, 8, mesh.Config{AirTime: true})
	x := w.behind(t, 3, network.FED, meshdevice.Config{})
	w.net.Run(time.Minute) // the network data and its addresses are there
	var air time.Duration
	w.net.Follow(func(h *mesh.Hop) { air += h.End.Sub(h.Start) })
	began, ready := w.net.World.Now(), machine.Time(0)
	x.typed("lwstart -n secure-demo -h server.example -i id-secure-demo -s 30313233343536373839616263646566")
	if !x.ready(20 * time.Second) {
		t.Fatalf("%+v", x.d.Status())
	}
	ready = w.net.World.Now()
	took := ready.Sub(began)
	t.Logf("READY after %v, of which %v air time", took, air)
	if took-air > 2*time.Second {
		t.Errorf("it took %v, of which %v air time", took, air)
	}
}

// A device that loses its network for an hour comes back by itself: seconds after it is attached again (a detached node tries
// that every 20 minutes at last, as OpenThread's). It has given its session up by then, so there is a handshake.
func TestNetworkAway(t *testing.T) {
	for _, kind := range []network.Kind{network.FED, network.SED} {
		w := newWorld(t, 9, mesh.Config{})
		x := w.behind(t, 2, kind, meshdevice.Config{})
		x.typed("lwstart -n secure-demo -h server.example -t 300 -i id-secure-demo -s 30313233343536373839616263646566")
		if !x.ready(20 * time.Second) {
			t.Fatalf("%+v", x.d.Status())
		}
		w.net.Run(time.Minute)
		w.net.Split([]int{1, 2}, []int{3})
		w.net.Run(time.Hour)
		if w.registered("secure-demo") {
			t.Fatal("the registration has not expired")
		}
		w.net.Heal()
		if !x.WaitAttached(21 * time.Minute) {
			t.Fatal("not attached")
		}
		began := w.net.World.Now()
		if !w.net.RunUntil(func() bool { return w.registered("secure-demo") }, 10*time.Minute) {
			t.Fatalf("%v: not back: %+v, %v", kind, x.d.Status(), x.Role())
		}
		took := w.net.World.Now().Sub(began)
		t.Logf("%v: back after %v", kind, took)
		if took > 10*time.Second {
			t.Errorf("%v: after %v", kind, took)
		}
		if o := w.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")}); o.Err != nil {
			t.Errorf("%+v", o)
		}
	}
}

// What a device costs beside its node.
func BenchmarkMemory(b *testing.B) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		const n = 100
		r := &rig{net: network.New(1, mesh.Config{})}
		r.net.World.Quiet = true
		list := make([]*dev, n)
		before := heap()
		for i := range list {
			list[i] = r.device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
			list[i].shell = nil
		}
		idle := heap()
		for _, x := range list {
			x.Do(func(now machine.Time) {
				if err := x.d.Start(now, 0, meshdevice.Defaults()); err != nil {
					b.Fatal(err)
				}
			})
		}
		b.ReportMetric(float64(idle-before)/n, "B/node")
		b.ReportMetric(float64(heap()-idle)/n, "B/client")
		runtime.KeepAlive(list)
	}
}

// The border router dies and another one takes over: the server hears of the new way within seconds after the mesh has it,
// and reaches the device again, by the session that there was.
func TestBorderRouterDies(t *testing.T) {
	w := newWorld(t, 10, mesh.Config{})
	second := w.router(false)
	x := w.rig().device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	x.join(t)
	w.net.Run(3 * time.Minute)
	x.typed("lwstart -n secure-demo -h server.example -t 3600 -i id-secure-demo -s 30313233343536373839616263646566")
	if !x.ready(20 * time.Second) {
		t.Fatalf("%+v", x.d.Status())
	}
	session := x.d.Status().Servers[0].Session
	heard := 0
	for _, e := range w.events {
		if _, ok := e.(*server.Updated); ok {
			heard++
		}
	}
	w.border.Kill()
	_ = second
	began := w.net.World.Now()
	updates := func() (n int) {
		for _, e := range w.events {
			if _, ok := e.(*server.Updated); ok {
				n++
			}
		}
		return n
	}
	if !w.net.RunUntil(func() bool { return updates() > heard }, 20*time.Minute) {
		t.Fatalf("the server heard nothing: %+v, %v", x.d.Status(), x.Role())
	}
	t.Logf("an Update after %v", w.net.World.Now().Sub(began))
	if o := w.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")}); o.Err != nil || o.Took > 5*time.Second {
		t.Errorf("%+v", o)
	}
	if s := x.d.Status().Servers[0]; s.Session != session {
		t.Errorf("%+v", s)
	}
}
