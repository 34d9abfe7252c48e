//go:build peers

package thread

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// crowd starts a leader and then many nodes within one second, and returns when they were one partition, and what they sent
// in three minutes. (Where all start at once, each becomes a leader first; now and then a leader of either maker then leaves
// for another partition, and those that it had wait for two minutes.)
func crowd(t *testing.T, count int, which func(i int) maker) (one time.Duration, frames map[string]int, roles map[string]int) {
	t.Helper()
	v := newVirtual(t)
	var nodes []*node
	for i := range count {
		n := v.node(which(i), ftd)
		join(n)
		if i == 0 {
			n.state(30*time.Second, "leader")
		}
		nodes = append(nodes, n)
		v.pass(time.Second / time.Duration(count))
	}
	start := v.now()
	for v.now() < start+3*time.Minute {
		v.pass(time.Second)
		if one == 0 {
			ids := map[string]bool{}
			for _, n := range nodes {
				switch n.get("state") {
				case "detached":
					ids["detached"] = true
				default:
					ids[n.get("partitionid")] = true
				}
			}
			if len(ids) == 1 && !ids["detached"] {
				one = v.now() - start
			}
		}
	}
	roles = map[string]int{}
	for _, n := range nodes {
		roles[n.get("state")]++
	}
	k := v.tshark()
	frames = map[string]int{}
	for _, row := range k.Fields(t, "_ws.col.Protocol", "_ws.col.Info") {
		frames[row[0]+" "+strings.Join(strings.Fields(row[1])[:min(3, len(strings.Fields(row[1])))], " ")]++
	}
	return one, frames, roles
}

// Two dozen nodes that come together, of one maker, of the other, and mixed: they become one partition, and ours are no
// noisier than theirs.
func TestCrowd(t *testing.T) {
	const count = 24
	sent := map[string]int{}
	for _, c := range []struct {
		name  string
		which func(i int) maker
	}{
		{"theirs", func(int) maker { return theirs }},
		{"ours", func(int) maker { return ours }},
		{"mixed", func(i int) maker { return []maker{ours, theirs}[i%2] }},
	} {
		one, frames, roles := crowd(t, count, c.which)
		names := slices.SortedFunc(maps.Keys(frames), func(a, b string) int { return frames[b] - frames[a] })
		total := 0
		for _, f := range names {
			total += frames[f]
		}
		sent[c.name] = total
		t.Logf("%s: one partition after %v, %v, %d frames", c.name, one, roles, total)
		for _, f := range names[:min(8, len(names))] {
			t.Logf("%7d %s", frames[f], f)
		}
		if one == 0 || roles["leader"] != 1 || roles["leader"]+roles["router"]+roles["child"] != count {
			t.Errorf("%s: one partition after %v, %v", c.name, one, roles)
		}
	}
	if sent["ours"] > 2*sent["theirs"] {
		t.Errorf("ours sent %d frames, theirs %d", sent["ours"], sent["theirs"])
	}
}
