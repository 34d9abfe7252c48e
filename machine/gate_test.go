package machine

import (
	"fmt"
	"slices"
	"testing"
)

func TestGate(t *testing.T) {
	var g Gate
	var left []string
	send := func(a Action) { left = append(left, string(a.Data)) }
	offer := func(data string, after Seq) {
		b := []byte(data)
		if a := (Action{Kind: Send, Data: b, After: after}); g.Pass(a) {
			send(a)
		}
		clear(b) // the gate must have copied it
	}
	want := func(held int, datagrams ...string) {
		t.Helper()
		if !slices.Equal(left, datagrams) || g.Held() != held {
			t.Fatalf("left %q, held %d; want %q, %d", left, g.Held(), datagrams, held)
		}
		left = nil
	}
	offer("free", 0)
	offer("a1", 1)
	offer("b3", 3)
	offer("c2", 2)
	want(3, "free")
	g.Persisted(2, send)
	want(1, "a1", "c2")
	offer("d2", 2)
	want(1, "d2")
	g.PersistFailed(3) // nothing that waits for it ever leaves
	want(0)
	offer("e3", 3)
	want(0)
	offer("f4", 4) // the disk has space again
	g.Persisted(4, send)
	want(0, "f4")
	for i := range 1000 {
		offer(fmt.Sprint(i), 5)
	}
	g.Persisted(5, send)
	if len(left) != 1000 || left[999] != "999" {
		t.Fatalf("%d left", len(left))
	}
}
