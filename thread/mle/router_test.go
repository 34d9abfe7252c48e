package mle

import (
	"testing"
	"time"

	"heddle.example/thread/neighbor"
)

func (b *bench) roles() (s string) {
	for _, n := range b.nodes {
		s += n.role.String()[:1]
		if n.dead {
			s = s[:len(s)-1] + "-"
		}
	}
	return s
}

func (b *bench) onePartition() bool {
	id := uint32(0)
	for _, n := range b.nodes {
		switch {
		case n.dead:
		case !n.role.Attached() || id != 0 && n.leaderData.PartitionID != id:
			return false
		default:
			id = n.leaderData.PartitionID
		}
	}
	return true
}

// line makes a line of nodes, each hears its neighbours only, and starts them one after the other.
func line(t testing.TB, count int) *bench {
	b := newBench(t)
	for range count {
		b.add("rdn")
	}
	for i := 1; i <= count; i++ {
		for j := 1; j <= count; j++ {
			if i-j > 1 || j-i > 1 {
				b.deaf[[2]int{i, j}] = true
			}
		}
	}
	for _, n := range b.nodes {
		n.Start(b.now)
		b.until(10*time.Second, "attached", func() bool { return n.role.Attached() })
		b.until(130*time.Second, "router", func() bool { return n.role.RouterOrLeader() })
	}
	return b
}

func TestPromotedRouter(t *testing.T) {
	b := newBench(t)
	b.logging = true
	one, two := b.add("rdn"), b.add("rdn")
	one.Start(b.now)
	b.until(8*time.Second, "leader", func() bool { return one.role == Leader })
	if one.rloc16&0x3FF != 0 || !one.routing.leader || one.leaderData.LeaderRouterID != one.RouterID() {
		t.Errorf("leader %04x", one.rloc16)
	}
	two.Start(b.now)
	b.until(3*time.Second, "child", func() bool { return two.role == Child })
	if !neighbor.SameRouter(two.rloc16, one.rloc16) || one.table.ChildCount(neighbor.InValid) != 1 {
		t.Errorf("child %04x of %04x", two.rloc16, one.rloc16)
	}
	b.until(125*time.Second, "router", func() bool { return two.role == Router })
	if two.alternate == InvalidRLOC16 {
		t.Error("no alternate RLOC16")
	}
	b.run(9 * time.Second)
	if two.alternate != InvalidRLOC16 {
		t.Error("the alternate RLOC16 is still there")
	}
	b.run(30 * time.Second)
	for _, n := range b.nodes {
		o := b.nodes[2-n.id]
		r := n.table.Router(o.RouterID())
		if r == nil || r.State != neighbor.Valid || r.Link.TwoWay() != 3 || n.table.PathCost(o.rloc16) != 1 {
			t.Errorf("%d: %+v", n.id, r)
		}
	}
	if one.table.ChildCount(neighbor.InAny) != 0 {
		t.Error("the leader keeps a child that is a router")
	}
	if t.Failed() {
		for _, l := range b.log {
			t.Log(l)
		}
	}
}

func TestLineRoutes(t *testing.T) {
	b := line(t, 4)
	b.run(60 * time.Second)
	if got := b.roles(); got != "lrrr" {
		t.Fatal(got)
	}
	for _, n := range b.nodes {
		for _, o := range b.nodes {
			if c := int(n.table.PathCost(o.rloc16)); c != max(n.id-o.id, o.id-n.id) {
				t.Errorf("%d -> %d costs %d", n.id, o.id, c)
			}
			if n != o && n.route(o.rloc16) != o {
				t.Errorf("no path %d -> %d", n.id, o.id)
			}
		}
	}
}

// The leader dies. The others notice by its ID sequence, and one of them leads a new partition.
func TestLeaderTakeOver(t *testing.T) {
	b := line(t, 3)
	b.nodes[0].dead = true
	start := b.now
	b.until(200*time.Second, "a new leader", func() bool { return b.onePartition() && (b.nodes[1].role == Leader || b.nodes[2].role == Leader) })
	t.Logf("new leader after %v", b.now.Sub(start))
	if d := b.now.Sub(start); d < 110*time.Second {
		t.Errorf("after %v already", d)
	}
	b.run(130 * time.Second)
	if !b.onePartition() {
		t.Error(b.roles())
	}
}

// Two partitions out of range of each other form one when they hear each other; the better one stays.
func TestMergePartitions(t *testing.T) {
	b := newBench(t)
	for range 4 {
		b.add("rdn")
	}
	part := func(apart bool) {
		for _, i := range []int{1, 2} {
			for _, j := range []int{3, 4} {
				b.deaf[[2]int{i, j}], b.deaf[[2]int{j, i}] = apart, apart
			}
		}
	}
	part(true)
	b.nodes[2].SetLeaderWeight(70)
	for _, i := range []int{0, 2, 1, 3} {
		b.nodes[i].Start(b.now)
		b.run(10 * time.Second)
	}
	b.run(130 * time.Second)
	if got := b.roles(); got != "lrlr" || b.onePartition() {
		t.Fatal(got)
	}
	id := b.nodes[2].leaderData.PartitionID
	part(false)
	start := b.now
	b.until(60*time.Second, "one partition", b.onePartition)
	t.Logf("merged after %v", b.now.Sub(start))
	if b.nodes[0].leaderData.PartitionID != id || b.nodes[2].role != Leader {
		t.Error("the lighter partition won")
	}
	b.run(130 * time.Second)
	if got := b.roles(); got != "rrlr" {
		t.Error(got)
	}
	for _, n := range b.nodes {
		for _, o := range b.nodes {
			if c := n.table.PathCost(o.rloc16); n != o && c != 1 {
				t.Errorf("%d -> %d costs %d", n.id, o.id, c)
			}
		}
	}
}

func TestComparePartitions(t *testing.T) {
	a := LeaderData{PartitionID: 5, Weighting: 64}
	for _, c := range []struct {
		singleA bool
		a       LeaderData
		singleB bool
		b       LeaderData
		want    int
	}{
		{false, a, false, a, 0},
		{true, LeaderData{PartitionID: 1, Weighting: 65}, false, a, 1},
		{true, LeaderData{PartitionID: 9, Weighting: 64}, false, a, -1},
		{true, LeaderData{PartitionID: 9, Weighting: 64}, true, a, 1},
		{false, LeaderData{PartitionID: 4, Weighting: 64}, false, a, -1},
	} {
		if got := comparePartitions(c.singleA, c.a, c.singleB, c.b); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
		if got := comparePartitions(c.singleB, c.b, c.singleA, c.a); got != -c.want {
			t.Errorf("%+v turned: %d", c, got)
		}
	}
}

// A router and a leader come back from a reset with the ids, the partition and the children that they had.
func TestResetRecovery(t *testing.T) {
	for _, who := range []int{1, 2} {
		b := line(t, 3)
		sed := b.add("-")
		for i := 1; i <= 3; i++ {
			if i != who {
				b.deaf[[2]int{i, 4}], b.deaf[[2]int{4, i}] = true, true
			}
		}
		sed.Start(b.now)
		b.until(10*time.Second, "sleepy child", func() bool { return sed.role == Child })
		b.run(20 * time.Second)
		n := b.nodes[who-1]
		role, rloc, partition := n.role, n.rloc16, n.leaderData.PartitionID
		if len(n.routing.children) != 1 {
			t.Fatalf("%d children on disk", len(n.routing.children))
		}
		n.reset()
		n.Start(b.now)
		start := b.now
		b.until(5*time.Second, "restored", func() bool { return n.role == role })
		t.Logf("%v is back after %v", role, b.now.Sub(start))
		if n.rloc16 != rloc || n.leaderData.PartitionID != partition {
			t.Errorf("%04x in %x, was %04x in %x", n.rloc16, n.leaderData.PartitionID, rloc, partition)
		}
		if role == Leader && n.routing.leading[len(n.routing.leading)-1] != RestoredByReset {
			t.Error("the leader starts with empty network data")
		}
		b.run(5 * time.Second)
		c := n.table.ChildByExt(sed.ext, neighbor.InValid)
		if c == nil || c.RLOC16 != sed.rloc16 || sed.counters.Roles[Child] != 1 {
			t.Errorf("the sleepy child was lost: %+v, attached %d times", c, sed.counters.Roles[Child])
		}
		b.run(60 * time.Second)
		for _, o := range b.nodes[:3] {
			for _, p := range b.nodes[:3] {
				if o != p && o.route(p.rloc16) != p {
					t.Errorf("no path %d -> %d", o.id, p.id)
				}
			}
		}
	}
}

// A reset leader that nobody knows any more forms a partition again.
func TestLonelyLeaderReset(t *testing.T) {
	b := newBench(t)
	n := b.add("rdn")
	n.Start(b.now)
	b.until(8*time.Second, "leader", func() bool { return n.role == Leader })
	id := n.RouterID()
	n.reset()
	n.Start(b.now)
	b.until(45*time.Second, "leader again", func() bool { return n.role == Leader })
	if n.RouterID() != id {
		t.Error("another router id")
	}
}

func TestChildTimeout(t *testing.T) {
	b := newBench(t)
	p, c := b.add("rdn"), b.add("rn")
	p.Start(b.now)
	b.until(8*time.Second, "leader", func() bool { return p.role == Leader })
	c.SetTimeout(b.now, 20)
	c.Start(b.now)
	b.until(5*time.Second, "child", func() bool { return c.role == Child })
	b.run(100 * time.Second)
	if c.role != Child || p.table.ChildCount(neighbor.InValid) != 1 || len(p.routing.children) != 1 {
		t.Fatal("the child's signs of life do not count")
	}
	c.dead = true
	b.run(17 * time.Second)
	if b.run(8 * time.Second); p.table.ChildCount(neighbor.InAny) != 0 || len(p.routing.children) != 0 {
		t.Error("a dead child is kept")
	}
}

// Above the threshold nobody becomes a router, below it all do; those that stay end devices advertise every ten minutes.
func TestThresholds(t *testing.T) {
	b := newBench(t)
	for range 6 {
		n := b.add("rdn")
		n.SetUpgradeThreshold(3)
		n.SetDowngradeThreshold(4)
		n.SetSelectionJitter(10)
	}
	for _, n := range b.nodes {
		n.Start(b.now)
		b.run(9 * time.Second)
	}
	b.run(60 * time.Second)
	count := func(r Role) (n int) {
		for _, x := range b.nodes {
			if x.role == r {
				n++
			}
		}
		return n
	}
	if got := b.roles(); count(Child) != 3 || count(Router) != 2 {
		t.Fatal(got)
	}
	sent := func() int { return len(b.records[Advertisement]) }
	for _, n := range b.nodes {
		if n.role == Child && !n.ftd.trickle.plain {
			t.Error("a REED without advertisements")
		}
	}
	// A child id request makes a REED a router, whatever the threshold.
	var reed *benchNode
	for _, n := range b.nodes {
		if n.role == Child {
			reed = n
		}
	}
	far := b.add("rn")
	for _, n := range b.nodes {
		if n != reed && n != far {
			b.deaf[[2]int{n.id, far.id}], b.deaf[[2]int{far.id, n.id}] = true, true
		}
	}
	far.Start(b.now)
	b.until(20*time.Second, "attached to a REED", func() bool { return far.role == Child && reed.role == Router })
	before := sent()
	b.run(20 * time.Minute)
	t.Logf("%d advertisements in 20 min", sent()-before)
	if !b.onePartition() {
		t.Error(b.roles())
	}
}

// Too many routers: some give up their role, and the leader takes the ids back.
func TestDowngrade(t *testing.T) {
	b := newBench(t)
	for range 12 {
		n := b.add("rdn")
		n.SetSelectionJitter(5)
	}
	for _, n := range b.nodes {
		n.Start(b.now)
		b.run(8 * time.Second)
	}
	b.run(30 * time.Second)
	if b.roles() != "lrrrrrrrrrrr" {
		t.Fatal(b.roles())
	}
	for _, n := range b.nodes {
		n.SetUpgradeThreshold(8)
		n.SetDowngradeThreshold(9)
	}
	b.run(5 * time.Minute)
	routers := b.nodes[0].table.RouterCount()
	if routers > 9 || routers < 7 {
		t.Errorf("%d routers: %s", routers, b.roles())
	}
	if !b.onePartition() {
		t.Error("in pieces")
	}
}

func TestParentPriority(t *testing.T) {
	b := newBench(t)
	n := b.add("rdn")
	n.Start(b.now)
	b.until(8*time.Second, "leader", func() bool { return n.role == Leader })
	for range 7 {
		if n.Connectivity().ParentPriority != 0 {
			t.Fatal("low too early")
		}
		c := b.add("rn")
		c.Start(b.now)
		b.until(5*time.Second, "child", func() bool { return c.role == Child })
	}
	// 10 children are the most there may be: from 8 on fewer than a third are free.
	c := b.add("rn")
	c.Start(b.now)
	b.until(5*time.Second, "child", func() bool { return c.role == Child })
	if p := n.Connectivity().ParentPriority; p != -1 {
		t.Errorf("priority %d with %d children", p, n.table.ChildCount(neighbor.InValid))
	}
	if !n.SetParentPriority(1) || n.SetParentPriority(2) || n.SetParentPriority(-3) || n.Connectivity().ParentPriority != 1 {
		t.Error("fixed priority")
	}
}
