//go:build peers

package thread

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestFields scatters nodes of both makers at random, every second one theirs, and lets some of them die, be cut off and be
// reset. Each time all that are left come together in one partition and reach each other.
func TestFields(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { scattered(t, seed, 9) })
	}
}

func scattered(t *testing.T, seed uint64, count int) {
	r := rand.New(rand.NewPCG(seed, 7))
	v := newVirtual(t)
	near := graph(r, count)
	var nodes []*node
	for i := range count {
		m := ours
		if i%2 == 1 {
			m = theirs
		}
		nodes = append(nodes, v.node(m, ftd))
	}
	for i := range nodes {
		for j := range i {
			v.link(nodes[i], nodes[j], near[i][j])
		}
	}
	for _, i := range r.Perm(count) {
		join(nodes[i])
		v.pass(time.Duration(r.IntN(4000)) * time.Millisecond)
	}
	v.comeTogether(nodes, "at first")

	// One dies that the others do not need, the leader if it is one.
	for i, n := range nodes {
		if n.get("state") == "leader" && whole(near, map[int]bool{i: true}) {
			v.kill(n)
		}
	}
	for _, i := range r.Perm(count) {
		if !nodes[i].dead && whole(near, gone(nodes, i)) {
			v.kill(nodes[i])
			break
		}
	}
	v.comeTogether(nodes, "after deaths")

	for _, i := range r.Perm(count)[:count/2] {
		if !nodes[i].dead {
			nodes[i].reset("reset")
			nodes[i].all("routerselectionjitter 1", "ifconfig up", "thread start")
		}
	}
	v.comeTogether(nodes, "after resets")
	for _, n := range nodes {
		if n.dead {
			v.revive(n)
			n.all("routerselectionjitter 1", "ifconfig up", "thread start")
		}
	}
	v.comeTogether(nodes, "after the dead came back")
	v.check()
}

// comeTogether waits for one partition with one leader, and for each to be reached from each.
func (v *virtual) comeTogether(nodes []*node, when string) {
	v.t.Helper()
	var alive []*node
	for _, n := range nodes {
		if !n.dead {
			alive = append(alive, n)
		}
	}
	state := ""
	until(v.t, v, 25*time.Minute, "one partition "+when, func() bool {
		v.pass(5 * time.Second)
		state = ""
		leaders, one := 0, true
		for _, n := range alive {
			s := n.get("state")
			p := ""
			if s != "detached" && s != "disabled" {
				p = n.get("partitionid")
			}
			state += fmt.Sprintf(" %d:%s/%s", n.id, s, p)
			if s == "leader" {
				leaders++
			}
			one = one && p != "" && p == alive[0].get("partitionid")
		}
		return one && leaders == 1
	})
	v.t.Logf("%s at %v:%s", when, v.now(), state)
	for i, a := range alive {
		b := alive[(i+1)%len(alive)]
		a.reach(b.get("ipaddr mleid"), 40, 1, 40)
	}
	first, last := alive[0], alive[len(alive)-1]
	last.reach(first.get("ipaddr mleid"), 700, 1, 10)
}

func gone(nodes []*node, also int) map[int]bool {
	m := map[int]bool{also: true}
	for i, n := range nodes {
		if n.dead {
			m[i] = true
		}
	}
	return m
}

// graph draws a connected field of nodes that hear the near ones.
func graph(r *rand.Rand, count int) [][]bool {
	for {
		at := make([][2]float64, count)
		for i := range at {
			at[i] = [2]float64{r.Float64(), r.Float64()}
		}
		near := make([][]bool, count)
		for i := range near {
			near[i] = make([]bool, count)
			for j := range near[i] {
				x, y := at[i][0]-at[j][0], at[i][1]-at[j][1]
				near[i][j] = i != j && x*x+y*y < 0.45*0.45
			}
		}
		if whole(near, nil) {
			return near
		}
	}
}

// whole reports whether those that are not gone are in one piece.
func whole(near [][]bool, gone map[int]bool) bool {
	seen := map[int]bool{}
	var todo []int
	for i := range near {
		if !gone[i] {
			seen[i], todo = true, []int{i}
			break
		}
	}
	for len(todo) > 0 {
		i := todo[0]
		todo = todo[1:]
		for j := range near {
			if near[i][j] && !gone[j] && !seen[j] {
				seen[j] = true
				todo = append(todo, j)
			}
		}
	}
	return len(seen) == len(near)-len(gone)
}
