package border_test

import (
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// way makes a border router whose packets can be let out by hand, and a packet of 100 bytes for it.
func way(t *testing.T, to string) (r *border.Router, now machine.Time, packet []byte) {
	b := newBench(t, 1)
	n := b.lead(user)
	b.net.Run(10 * time.Second)
	src, ok := n.Thread().SourceFor(ip6.MustParse("2001:db8::1"))
	if !ok {
		t.Fatal("no address")
	}
	src[15] ^= 1 // another node's
	return b.routers[n], b.net.World.Now(), ip6.AppendUDP(nil, ip6.Header{Src: src, Dst: ip6.MustParse(to), HopLimit: 64}, 5683, 5683, make([]byte, 52))
}

// A packet that leaves costs no allocation, translated or not.
func TestPacketsAllocateNothing(t *testing.T) {
	for _, to := range []string{"2001:db8::1", "64:ff9b::c000:201"} {
		r, now, p := way(t, to)
		out := 0
		once := func() {
			r.FromMesh(now, p)
			for a, ok := r.Next(); ok; a, ok = r.Next() {
				if _, is := a.Value.(*border.Outside); is {
					out++
				}
			}
		}
		once()
		if n := testing.AllocsPerRun(1000, once); n > 0 || out < 1000 {
			t.Errorf("%s: %v allocations a packet, %d left", to, n, out)
		}
		start := time.Now()
		for range 20000 {
			once()
		}
		t.Logf("%s: %v a packet", to, time.Since(start)/20000)
	}
}
