package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
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

// line makes a line of full devices, started one after the other, and waits until all but the last are routers.
func line(t *testing.T, seed uint64, n int) (*network.Network, []*network.Node) {
	t.Helper()
	net := network.New(seed, mesh.Config{})
	path := make([]int, n)
	for i := range path {
		path[i] = i + 1
	}
	nodes := net.AddMany(n, network.NodeConfig{})
	net.Only(path)
	d := nodes[0].Thread().Datasets().NewNetwork()
	for i, x := range nodes {
		start(t, x, d)
		if !net.RunUntil(func() bool { return role(x).Attached() }, time.Minute) {
			t.Fatalf("node %d is %v", i+1, role(x))
		}
		if !net.RunUntil(func() bool { return role(x).RouterOrLeader() }, 4*time.Minute) {
			t.Fatalf("node %d is %v", i+1, role(x))
		}
	}
	return net, nodes
}

func role(n *network.Node) mle.Role { return n.Thread().MLE().Role() }

func eid(n *network.Node) ip6.Address { return n.Thread().MLE().MeshLocalEID() }

func ping(t *testing.T, from *network.Node, c thread.PingConfig) *network.Ping {
	t.Helper()
	p := from.PingWith(c)
	if p.Err != nil || p.Received == 0 {
		t.Errorf("%s pings %v with %d bytes: %+v", from.Name(), c.Dst, c.Size, p)
	}
	return p
}

func TestLine(t *testing.T) {
	net, nodes := line(t, 2, 4)
	net.Run(time.Minute)
	for _, size := range []int{8, 100, 300, 1200} {
		ping(t, nodes[3], thread.PingConfig{Dst: eid(nodes[0]), Size: size})
		ping(t, nodes[0], thread.PingConfig{Dst: eid(nodes[3]), Size: size})
		ping(t, nodes[1], thread.PingConfig{Dst: eid(nodes[3]), Size: size})
	}
	p := ping(t, nodes[0], thread.PingConfig{Dst: ip6.MustParse("ff03::1"), Count: 1})
	if p.Received != 3 {
		t.Errorf("%d answers to a multicast", p.Received)
	}
}
