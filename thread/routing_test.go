package thread_test

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
)

// again boots a node and has it go on with what its disk knows.
func again(t *testing.T, n *network.Node) {
	t.Helper()
	n.Reset()
	up(t, n)
}

func up(t *testing.T, n *network.Node) {
	t.Helper()
	n.Input(func(now machine.Time, x *thread.Node) {
		if err := x.Up(now, 0); err != nil {
			t.Fatal(err)
		}
		if err := x.Start(now, 0); err != nil {
			t.Fatal(err)
		}
	})
}

func partition(n *network.Node) uint32 { return n.Thread().MLE().LeaderData().PartitionID }

// whole waits until the nodes that are on are in one partition with a leader among them, and each pings each.
func whole(t *testing.T, net *network.Network, limit time.Duration) {
	t.Helper()
	on := func() (list []*network.Node) {
		for _, n := range net.Members() {
			if n.On() {
				list = append(list, n)
			}
		}
		return list
	}
	roles := func() (s string) {
		for _, n := range on() {
			s += fmt.Sprintf(" %d:%v/%04x/%x", n.Number(), role(n), n.Thread().MLE().RLOC16(), partition(n))
		}
		return s
	}
	one := func() bool {
		leaders := 0
		for _, n := range on() {
			if !role(n).Attached() || partition(n) != partition(on()[0]) {
				return false
			}
			if role(n) == mle.Leader {
				leaders++
			}
		}
		return leaders == 1
	}
	start := net.World.Now()
	if !net.RunUntil(one, limit) {
		t.Fatalf("no one partition after %v:%s", limit, roles())
	}
	t.Logf("one partition after %v:%s", net.World.Now().Sub(start), roles())
	for _, a := range on() {
		for _, b := range on() {
			if a == b {
				continue
			}
			// Routes may be settling.
			p := a.Ping(eid(b))
			for i := 0; i < 12 && p.Received == 0; i++ {
				net.Run(5 * time.Second)
				p = a.Ping(eid(b))
			}
			if p.Received == 0 {
				t.Errorf("%d does not reach %d: %+v;%s", a.Number(), b.Number(), p.PingStatistics, roles())
			}
		}
	}
}

func TestLeaderDies(t *testing.T) {
	net, nodes := line(t, 3, 4)
	was := partition(nodes[0])
	nodes[0].Kill()
	net.Run(100 * time.Second)
	if partition(nodes[1]) != was {
		t.Error("the leader is missed too early")
	}
	net.RunUntil(func() bool { return partition(nodes[1]) != was }, 2*time.Minute)
	whole(t, net, 8*time.Minute)
}

func TestPartitionsMerge(t *testing.T) {
	net := network.New(4, mesh.Config{})
	nodes := net.AddMany(4, network.NodeConfig{})
	net.Split([]int{1, 2}, []int{3, 4})
	d := nodes[0].Thread().Datasets().NewNetwork()
	for _, i := range []int{0, 2, 1, 3} {
		start(t, nodes[i], d)
		net.RunUntil(func() bool { return role(nodes[i]).RouterOrLeader() }, 4*time.Minute)
	}
	if partition(nodes[0]) == partition(nodes[2]) || partition(nodes[0]) != partition(nodes[1]) {
		t.Fatal("not two partitions")
	}
	net.Heal()
	whole(t, net, 3*time.Minute)
}

func TestLineIsCutAndHeals(t *testing.T) {
	net, nodes := line(t, 5, 4)
	net.Split([]int{1, 2}, []int{3, 4})
	if !net.RunUntil(func() bool {
		return partition(nodes[2]) != partition(nodes[1]) && partition(nodes[2]) == partition(nodes[3])
	}, 8*time.Minute) {
		t.Fatal("one partition in spite of the cut")
	}
	net.Heal()
	whole(t, net, 8*time.Minute)
}

// Whoever is reset comes back with the RLOC16 that it had, at once, without an attach.
func TestResets(t *testing.T) {
	net, nodes := line(t, 6, 3)
	child := net.Add(network.NodeConfig{MTD: true})
	net.Only([]int{1, 2, 3, 4})
	set, ok := nodes[0].Thread().Datasets().Active(net.World.Now())
	if !ok {
		t.Fatal("the leader has no dataset")
	}
	child.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() { _ = x.Datasets().SetActive(now, set) })
	})
	up(t, child)
	if !net.RunUntil(func() bool { return role(child) == mle.Child }, time.Minute) {
		t.Fatal("no child")
	}
	net.Run(time.Minute)
	for _, n := range []*network.Node{nodes[1], nodes[0], nodes[2], child} {
		was, rloc, part := role(n), n.Thread().MLE().RLOC16(), partition(n)
		again(t, n)
		begin := net.World.Now()
		if !net.RunUntil(func() bool { return role(n).Attached() }, 10*time.Second) {
			t.Fatalf("%d is %v", n.Number(), role(n))
		}
		t.Logf("%d, %v, is back after %v", n.Number(), was, net.World.Now().Sub(begin))
		if role(n) != was || n.Thread().MLE().RLOC16() != rloc || partition(n) != part {
			t.Errorf("%d is %v %04x, was %v %04x", n.Number(), role(n), n.Thread().MLE().RLOC16(), was, rloc)
		}
		net.Run(20 * time.Second)
	}
	if child.Thread().MLE().Counters(net.World.Now()).AttachAttempts != 0 {
		t.Error("the child attached anew")
	}
	whole(t, net, time.Minute)
}

func TestChildLeavesADeadParent(t *testing.T) {
	net := network.New(7, mesh.Config{})
	nodes := net.AddMany(2, network.NodeConfig{})
	d := nodes[0].Thread().Datasets().NewNetwork()
	for _, n := range nodes {
		start(t, n, d)
		net.RunUntil(func() bool { return role(n).RouterOrLeader() }, 4*time.Minute)
	}
	nodes[1].Input(func(now machine.Time, x *thread.Node) { x.MLE().SetParentPriority(1) })
	child := net.Add(network.NodeConfig{MTD: true})
	child.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() { x.MLE().SetTimeout(now, 20) })
	})
	start(t, child, d)
	if !net.RunUntil(func() bool { return role(child) == mle.Child }, time.Minute) {
		t.Fatal("no child")
	}
	if !neighbor.SameRouter(child.Thread().MLE().RLOC16(), nodes[1].Thread().MLE().RLOC16()) {
		t.Error("not the parent with the priority")
	}
	nodes[1].Kill()
	if !net.RunUntil(func() bool {
		return role(child) == mle.Child && neighbor.SameRouter(child.Thread().MLE().RLOC16(), nodes[0].Thread().MLE().RLOC16())
	}, time.Minute) {
		t.Fatalf("the child is %v %04x", role(child), child.Thread().MLE().RLOC16())
	}
	whole(t, net, time.Minute)
	child.Kill()
	net.Run(25 * time.Second)
	if n := nodes[0].Thread().Table().ChildCount(neighbor.InAny); n != 0 {
		t.Errorf("%d children of a router whose child is dead", n)
	}
}
