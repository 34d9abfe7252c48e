package mesh

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Pings of all sizes along a line of four, by locator and by address: addresses are asked for once.
func TestPingLine(t *testing.T) {
	w := newWorld(t)
	n := w.line(4)
	for _, size := range []int{0, 8, 64, 90, 100, 300, 1232} {
		for _, o := range n[1:] {
			want(t, n[0].ping(o.rloc(), size, time.Second), fmt.Sprintf("%d bytes from %s hops 64", size, o.rloc()))
			want(t, n[0].ping(o.eid(), size, time.Second), fmt.Sprintf("%d bytes from %s hops 64", size, o.eid()))
		}
	}
	queries := 0
	for _, p := range n[0].posts {
		if strings.HasPrefix(p, URIQuery) {
			queries++
		}
	}
	if queries != 3 {
		t.Errorf("%d queries: %v", queries, n[0].posts)
	}
	for _, o := range n {
		if i := o.m.Info(); i.Messages != 0 || i.Reassembly != 0 || i.Buffers != 0 || i.MPL != 0 {
			t.Errorf("left over: %+v", i)
		}
		if c := o.m.Counters; c.Malformed+c.NoRoute+c.StrayFragments+c.RouteLoops != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// What is on the air for one datagram of fragments over two hops, with the pause after a frame that is forwarded.
func TestFragmentsOverTwoHops(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	w.log = nil
	want(t, n[0].ping(n[2].rloc(), 200, 60*time.Millisecond), "200 bytes from "+n[2].rloc().String()+" hops 64")
	want(t, w.log[:6],
		"    0 0400 > 0x0800 mesh 0400-0c00 hops 19, at 0 of 248, len 91, more",
		"    1 0800 > 0x0c00 mesh 0400-0c00 hops 18, at 0 of 248, len 91",
		"    9 0400 > 0x0800 mesh 0400-0c00 hops 19, at 128 of 248, len 88, more",
		"   10 0800 > 0x0c00 mesh 0400-0c00 hops 18, at 128 of 248, len 88",
		"   18 0400 > 0x0800 mesh 0400-0c00 hops 19, at 216 of 248, len 32",
		"   19 0800 > 0x0c00 mesh 0400-0c00 hops 18, at 216 of 248, len 32",
	)
}
