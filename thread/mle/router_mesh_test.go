package mle

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/thread/neighbor"
)

// scatter makes nodes on a square that hear each other within a radius, in one connected piece.
func scatter(t testing.TB, seed uint64, count int, radius float64) (*bench, [][2]float64) {
	r := rand.New(rand.NewPCG(seed, 99))
	for {
		at := make([][2]float64, count)
		for i := range at {
			at[i] = [2]float64{r.Float64(), r.Float64()}
		}
		near := func(i, j int) bool {
			dx, dy := at[i][0]-at[j][0], at[i][1]-at[j][1]
			return dx*dx+dy*dy <= radius*radius
		}
		if !connected(count, near, nil) {
			continue
		}
		b := newBench(t)
		b.seed = seed
		for range count {
			b.add("rdn")
		}
		for i := range at {
			for j := range at {
				if i != j && !near(i, j) {
					b.deaf[[2]int{i + 1, j + 1}] = true
				}
			}
		}
		return b, at
	}
}

func connected(n int, near func(i, j int) bool, dead map[int]bool) bool {
	var todo []int
	seen := map[int]bool{}
	for i := range n {
		if !dead[i] {
			todo = append(todo, i)
			seen[i] = true
			break
		}
	}
	for len(todo) > 0 {
		i := todo[0]
		todo = todo[1:]
		for j := range n {
			if !dead[j] && !seen[j] && near(i, j) {
				seen[j] = true
				todo = append(todo, j)
			}
		}
	}
	return len(seen) == n-len(dead)
}

// whole checks that all are in one partition, with 32 routers at most, and that there is a path between any two.
func (b *bench) whole() error {
	routers := 0 // those of the partition: more are to be had only while partitions merge
	for _, n := range b.nodes {
		switch {
		case n.dead:
		case !n.role.Attached():
			return fmt.Errorf("node %d is %v", n.id, n.role)
		case n.role.RouterOrLeader():
			routers++
		}
	}
	if routers > neighbor.MaxRouters {
		return fmt.Errorf("%d routers", routers)
	}
	if b.nodes[leaderOf(b)].dead {
		return fmt.Errorf("the leader is dead")
	}
	if !b.onePartition() {
		return fmt.Errorf("more than one partition: %s", b.roles())
	}
	for _, n := range b.nodes {
		for _, o := range b.nodes {
			if n != o && !n.dead && !o.dead && n.route(o.rloc16) != o {
				return fmt.Errorf("no path %d (%04x) -> %d (%04x): %s", n.id, n.rloc16, o.id, o.rloc16, b.roles())
			}
		}
	}
	return nil
}

// becomesWhole runs until all is well. Later it may be so for a moment no more: a new router is not known to all at once.
func (b *bench) becomesWhole(limit time.Duration) (err error) {
	for end := b.now.Add(limit); b.now < end; b.run(20 * time.Second) {
		if err = b.whole(); err == nil {
			return nil
		}
	}
	return err
}

// Any connected field of nodes becomes one partition, and does so again after some died, the leader among them.
func TestScatteredNodes(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		const count = 20
		b, at := scatter(t, seed, count, 0.33)
		r := rand.New(rand.NewPCG(seed, 100))
		for _, i := range r.Perm(count) {
			b.nodes[i].Start(b.now)
			b.run(time.Duration(r.IntN(6000)) * time.Millisecond)
		}
		if err := b.becomesWhole(15 * time.Minute); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		dead := map[int]bool{}
		near := func(i, j int) bool {
			dx, dy := at[i][0]-at[j][0], at[i][1]-at[j][1]
			return dx*dx+dy*dy <= 0.33*0.33
		}
		for _, i := range append([]int{leaderOf(b)}, r.Perm(count)...) {
			if len(dead) == 4 || dead[i] {
				break
			}
			dead[i] = true
			if !connected(count, near, dead) {
				delete(dead, i)
				continue
			}
			b.nodes[i].dead = true
		}
		// Two minutes until the leader is missed, and as many in each piece that is left over when partitions merge.
		if err := b.becomesWhole(20 * time.Minute); err != nil {
			t.Fatalf("seed %d after %d died: %v", seed, len(dead), err)
		}
	}
}

func leaderOf(b *bench) int {
	leader := 0
	for i, n := range b.nodes {
		if n.role == Leader && (!n.dead || b.nodes[leader].role != Leader) {
			leader = i
		}
	}
	return leader
}
