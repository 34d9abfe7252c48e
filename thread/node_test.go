package thread_test

import (
	"runtime"
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
func start(t testing.TB, n *network.Node, d meshcop.Info) {
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

// Children of each kind: one that listens, one that sleeps; pings both ways, large ones, too.
func TestSleepyChild(t *testing.T) {
	net := network.New(3, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })
	b := net.Add(network.NodeConfig{MTD: true, OnBoot: func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			if err := x.MLE().SetMode(now, 0); err != nil {
				t.Error(err)
			}
			x.MAC().SetExternalPollPeriod(now, 500*time.Millisecond)
		})
	}})
	start(t, b, d)
	wait(t, net, time.Minute, "child", func() bool { return role(b) == mle.Child })
	for _, size := range []int{8, 200, 1200} {
		ping(t, b, thread.PingConfig{Dst: eid(a), Size: size})
		p := ping(t, a, thread.PingConfig{Dst: eid(b), Size: size})
		if len(p.Replies) > 0 && p.Replies[0].RTT < 2*time.Millisecond {
			t.Errorf("%v: it does not sleep", p.Replies[0].RTT)
		}
	}
	net.Run(10 * time.Minute)
	if role(b) != mle.Child {
		t.Error("it was lost")
	}
	ping(t, a, thread.PingConfig{Dst: eid(b)})
}

func wait(t *testing.T, net *network.Network, d time.Duration, what string, done func() bool) {
	t.Helper()
	if !net.RunUntil(done, d) {
		t.Fatalf("no %s in %v", what, d)
	}
}

// Each role comes back after a reset with what the disk holds.
func TestReset(t *testing.T) {
	net, nodes := line(t, 4, 3)
	med := net.Add(network.NodeConfig{MTD: true})
	net.Only([]int{1, 2, 3, 4})
	d := nodes[0].Thread().Datasets()
	info, _ := d.Active(net.World.Now())
	start(t, med, info.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(med) == mle.Child })
	check := func() {
		t.Helper()
		for _, x := range nodes {
			ping(t, x, thread.PingConfig{Dst: eid(med)})
			ping(t, med, thread.PingConfig{Dst: eid(x)})
		}
	}
	check()
	for _, x := range append(nodes, med) {
		was, addr, rloc := role(x), eid(x), x.Thread().MLE().RLOC16()
		x.Reset()
		x.Input(func(now machine.Time, y *thread.Node) {
			_ = y.Up(now, 0)
			_ = y.Start(now, 0)
		})
		wait(t, net, 3*time.Minute, "role of before", func() bool { return role(x) == was })
		if eid(x) != addr || x.Thread().MLE().RLOC16() != rloc {
			t.Errorf("%s: %v %04x, before %v %04x", x.Name(), eid(x), x.Thread().MLE().RLOC16(), addr, rloc)
		}
		net.Run(40 * time.Second)
		check()
	}
}

// The memory of an idle node: as many as can be of one network, all in range.
func TestMemory(t *testing.T) {
	const n = 100
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	net := network.New(5, mesh.Config{})
	nodes := net.AddMany(n, network.NodeConfig{})
	d := nodes[0].Thread().Datasets().NewNetwork()
	for _, x := range nodes {
		start(t, x, d)
		net.Run(100 * time.Millisecond)
	}
	net.Run(10 * time.Minute)
	attached, routers := 0, 0
	for _, x := range nodes {
		if role(x).Attached() {
			attached++
		}
		if role(x).RouterOrLeader() {
			routers++
		}
	}
	each := (heap() - before) / n
	t.Logf("%d nodes, %d attached, %d routers: %d bytes a node", n, attached, routers, each)
	if each > 32<<10 || attached < n {
		t.Errorf("%d bytes a node, %d attached", each, attached)
	}
	runtime.KeepAlive(net)
}
