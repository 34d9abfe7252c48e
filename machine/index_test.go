package machine

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"pgregory.net/rapid"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func newTestRand(seed uint64) testRand { return testRand{rand.New(rand.NewPCG(seed, 1))} }

// The index against a map. Few distinct hashes in some runs, so that entries crowd and wrap around.
func TestIndexAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []string{""}
		var x Index
		model := map[string]uint32{}
		crowd := rapid.SampledFrom([]uint32{0, 1, 3, 0xFFFF0000}).Draw(t, "crowd")
		hash := func(k string) uint32 {
			h := x.HashString(k)
			if crowd != 0 {
				h = h%16*crowd | h&0xFF000000*(crowd&1)
			}
			return h
		}
		x = NewIndex(newTestRand(rapid.Uint64().Draw(t, "seed")), func(n uint32) uint32 { return hash(keys[n]) })
		find := func(k string) uint32 { return x.Find(hash(k), func(n uint32) bool { return keys[n] == k }) }
		space := rapid.SampledFrom([]int{10, 300, 5000}).Draw(t, "space")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "ops"), 2))
		shrink := false
		for range 4 * space {
			k := fmt.Sprint("device-", r.IntN(space))
			if r.IntN(space) == 0 {
				shrink = !shrink
			}
			n, ok := model[k]
			if got := find(k); got != n {
				t.Fatalf("%q is %d, want %d", k, got, n)
			}
			switch {
			case !ok && (!shrink || r.IntN(4) == 0):
				n = uint32(len(keys))
				keys = append(keys, k)
				x.Add(n)
				model[k] = n
			case ok && (shrink || r.IntN(4) == 0):
				if !x.Remove(n) || x.Remove(n) {
					t.Fatalf("removing %q", k)
				}
				delete(model, k)
			}
			if x.Len() != len(model) {
				t.Fatalf("%d entries, want %d", x.Len(), len(model))
			}
		}
		for k, n := range model {
			if got := find(k); got != n {
				t.Fatalf("%q is %d, want %d", k, got, n)
			}
		}
	})
}

// Keys that differ little must not crowd: the longest run of a full index stays short.
func TestIndexSpreads(t *testing.T) {
	var x Index
	x = NewIndex(newTestRand(1), func(n uint32) uint32 { return x.HashString(fmt.Sprintf("urn:dev:os:%08d", n)) })
	const n = 100_000
	for i := range uint32(n) {
		x.Add(i + 1)
	}
	longest, room := 0, 0
	for i, b := range x.dir {
		if i > 0 && x.dir[i-1] == b {
			continue
		}
		room += len(b.entries)
		for run, j := 0, 0; j < len(b.entries); j++ {
			if run++; b.entries[j] == 0 {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	if longest > 250 || room > 2*n {
		t.Errorf("longest run %d, %d places for %d entries", longest, room, n)
	}
	var y Index
	y = NewIndex(newTestRand(2), func(n uint32) uint32 { return y.HashUint(uint64(n), 0, 0) })
	for i := range uint32(10) {
		y.Add(i + 1)
	}
	if x.HashUint(1, 2, 3) == y.HashUint(1, 2, 3) || x.HashString("a") == y.HashString("a") {
		t.Error("two indexes with the same key")
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			keys := make([]uint64, n+1)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var x Index
			x = NewIndex(newTestRand(1), func(s uint32) uint32 { return x.HashUint(keys[s], 0, 0) })
			for i := 1; i <= n; i++ {
				keys[i] = uint64(i) * 7
				x.Add(uint32(i))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if i++; i > n {
					i = 1
				}
				k := keys[i]
				if x.Find(x.HashUint(k, 0, 0), func(s uint32) bool { return keys[s] == k }) != uint32(i) {
					b.Fatal(i)
				}
			}
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(n), "B/entry")
		})
	}
}
