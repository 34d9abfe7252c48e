package keyset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAgainstSortedList adds and removes at random and compares every page with a sorted list.
func TestAgainstSortedList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	set := New(func(s *string) string { return *s })
	have := map[string]bool{}
	for range 30_000 {
		n := fmt.Sprintf("device-%04d", r.IntN(4000))
		if have[n] && r.IntN(2) == 0 {
			set.Remove(n)
			delete(have, n)
		} else {
			set.Add(&n)
			have[n] = true
		}
	}
	want := make([]string, 0, len(have))
	for n := range have {
		want = append(want, n)
	}
	slices.Sort(want)
	var got []string
	for after, more := "", true; more; {
		more = false
		page := 0
		set.After(after, func(s *string) bool {
			got, after, more = append(got, *s), *s, true
			page++
			return page < 97
		})
	}
	if !slices.Equal(got, want) || set.Len() != len(want) {
		t.Fatalf("%d rows, Len %d, want %d", len(got), set.Len(), len(want))
	}
	for i := range 4000 {
		n := fmt.Sprintf("device-%04d", i)
		if _, ok := set.Get(n); ok != have[n] {
			t.Fatalf("Get(%s) = %v", n, ok)
		}
	}
}

func TestEmpty(t *testing.T) {
	set := New(func(s string) string { return s })
	set.Remove("a")
	set.After("", func(string) bool { t.Error("a row in an empty set"); return true })
	set.Add("b")
	set.Add("b")
	set.Remove("a")
	if _, ok := set.Get("a"); ok || set.Len() != 1 {
		t.Errorf("Len %d", set.Len())
	}
	set.Remove("b")
	if set.Len() != 0 {
		t.Errorf("Len %d", set.Len())
	}
}

func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("device-%06d", r.IntN(1_000_000))
	}
	for b.Loop() {
		set := New(func(s string) string { return s })
		for _, n := range names {
			set.Add(n)
		}
	}
}
