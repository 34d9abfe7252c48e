package mle

import (
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

// Where there are many routers, an end device answers who asks a second time, and forgets whom it knows no more.
func TestEndDeviceSparesRouterIDs(t *testing.T) {
	b := newBench(t)
	n := b.form()
	few := func(ext byte) bool { return n.neededAsRouter(b.now, ieee802154.ExtAddr{ext}) }
	if !few(1) || n.ftd.asked != nil {
		t.Error("with few routers everyone is welcome")
	}
	for n.table.RouterCount() < sparedFrom {
		n.table.Allocate(b.now, neighbor.InvalidRouterID)
	}
	if few(1) || !few(1) || few(2) {
		t.Error("the second request counts")
	}
	b.now = b.now.Add(askedLately + time.Second)
	if few(1) {
		t.Error("an old request counts")
	}
	for i := range byte(100) {
		few(i)
	}
	if len(n.ftd.asked) > mostAsked {
		t.Errorf("%d are remembered", len(n.ftd.asked))
	}
}

// Where ids stay scarce they are not spared any more, until there are enough again.
func TestSparingEnds(t *testing.T) {
	b := newBench(t)
	n := b.form()
	for n.table.RouterCount() < scarceIDs {
		n.table.Allocate(b.now, neighbor.InvalidRouterID)
	}
	at := func(after time.Duration) bool {
		n.ftd.now = b.now.Add(after)
		return n.sparingFails()
	}
	if at(time.Second) || at(sparingFor) || !at(sparingFor+time.Second) {
		t.Error("it ends after", sparingFor)
	}
	for r := range n.table.Routers() {
		if id := r.RouterID(); id != n.ftd.routerID {
			n.table.Release(b.now, id)
			break
		}
	}
	if at(sparingFor+2*time.Second) || n.ftd.scarceSince != 0 {
		t.Error("there are ids again")
	}
}

// An end device that hears a worse partition says so, but not again and again.
func TestEndDeviceHailsAWorsePartition(t *testing.T) {
	b := newBench(t)
	one, two, far := b.add("rdn"), b.add("rdn"), b.add("rdn")
	for _, p := range [][2]int{{1, 3}, {2, 3}} {
		b.deaf[p], b.deaf[[2]int{p[1], p[0]}] = true, true
	}
	one.SetLeaderWeight(70)
	two.SetUpgradeThreshold(1)
	two.SetSelectionJitter(1)
	for _, n := range b.nodes {
		n.Start(b.now)
		b.until(10*time.Second, "attached", func() bool { return n.role.Attached() })
	}
	b.run(5 * time.Second)
	two.is(Child)
	far.is(Leader)
	b.deaf[[2]int{2, 3}], b.deaf[[2]int{3, 2}] = false, false
	b.until(60*time.Second, "the far one joins", func() bool { return far.leaderData.PartitionID == one.leaderData.PartitionID })
	two.is(Router)
}

// A hundred nodes that hear their neighbours only, each well: they need most of the 32 ids, and everyone gets in.
func TestNearTheEndOfRouterIDs(t *testing.T) {
	if testing.Short() {
		t.Skip()
	}
	for _, seed := range []uint64{4, 8} { // without sparing ids these end with two partitions
		b, _ := scatter(t, seed, 100, 0.211)
		r := rand.New(rand.NewPCG(seed, 100))
		for _, i := range r.Perm(100) {
			b.nodes[i].Start(b.now)
			b.run(time.Duration(r.IntN(2000)) * time.Millisecond)
		}
		if err := b.becomesWhole(25 * time.Minute); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		for _, n := range b.nodes {
			if n.table.RouterCount() > neighbor.MaxRouters {
				t.Fatal("too many routers")
			}
		}
	}
}
