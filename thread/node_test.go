package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
)

// start gives a node the dataset and starts it.
func start(t *testing.T, n *network.Node, d meshcop.Info) {
	t.Helper()
	n.Input(func(now machine.Time, x *thread.Node) {
		set, err := d.Dataset()
		if err != nil {
			t.Fatal(err)
		}
		x.Do(now, 0, func() { err = x.Datasets().SetActive(now, set) })
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Up(now, 0); err != nil {
			t.Fatal(err)
		}
		if err := x.Start(now, 0); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFormAttachPing(t *testing.T) {
	net := network.New(1, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	role := func(n *network.Node) mle.Role { return n.Thread().MLE().Role() }
	if !net.RunUntil(func() bool { return role(a) == mle.Leader }, time.Minute) {
		t.Fatalf("a is %v", role(a))
	}
	b := net.Add(network.NodeConfig{})
	start(t, b, d)
	if !net.RunUntil(func() bool { return role(b) == mle.Child }, time.Minute) {
		t.Fatalf("b is %v", role(b))
	}
	p := b.Ping(a.Thread().MLE().MeshLocalEID())
	if p.Err != nil || p.Received != 1 {
		t.Fatalf("%+v", p)
	}
	if !net.RunUntil(func() bool { return role(b) == mle.Router }, 3*time.Minute) {
		t.Fatalf("b is %v", role(b))
	}
	p = b.Ping(a.Thread().MLE().MeshLocalEID())
	if p.Err != nil || p.Received != 1 {
		t.Fatalf("%+v", p)
	}
	p = a.Ping(b.Thread().MLE().MeshLocalEID())
	if p.Err != nil || p.Received != 1 {
		t.Fatalf("%+v", p)
	}
}
