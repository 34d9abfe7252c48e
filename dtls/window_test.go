package dtls

import (
	"testing"

	"pgregory.net/rapid"
)

// The window against a set: nothing is accepted twice, and everything within 64 of the highest is accepted once.
func TestWindowAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen := map[uint64]bool{}
		high, any := uint64(0), false
		base := rapid.Uint64Range(0, maxSequence-500).Draw(t, "base") * uint64(rapid.IntRange(0, 1).Draw(t, "far"))
		for range 200 {
			seq := base + rapid.Uint64Range(0, 200).Draw(t, "seq")
			want := !seen[seq] && seq+64 > high
			if got := w.fresh(seq); got != want {
				t.Fatalf("fresh(%d) = %v with the highest %d", seq, got, high)
			}
			if got := w.newest(seq); got != (!any || seq > high) {
				t.Fatalf("newest(%d) = %v with the highest %d", seq, got, high)
			}
			if want && rapid.Bool().Draw(t, "verified") {
				w.mark(seq)
				seen[seq] = true
				high, any = max(high, seq), true
			}
		}
		w.close()
		for seq := high - min(high, 100); seq <= high; seq++ {
			if w.fresh(seq) {
				t.Fatalf("%d is fresh in a closed window", seq)
			}
		}
		if !w.fresh(high + 1) {
			t.Fatal("a closed window takes nothing new")
		}
	})
}
