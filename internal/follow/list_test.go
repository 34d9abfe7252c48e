package follow

import (
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// While a trace is built, others can tell of what goes on: the owners of the server and of the mesh do not wait for a page.
func TestBuiltWithoutLock(t *testing.T) {
	var f *Follower
	named := 0
	f = New(Options{Node: func(int) Node {
		named++
		if !f.mu.TryLock() {
			t.Fatal("the lock is held")
		}
		f.mu.Unlock()
		return Node{}
	}})
	f.seats["lamp"] = 3
	f.Asked(1, 1, 7, "lamp", &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
	if list, err := f.List(t.Context(), "", "", 10); err != nil || len(list) != 1 || list[0].Node != 3 {
		t.Errorf("%+v %v", list, err)
	}
	if x, err := f.Get(t.Context(), server.FormatOp(7)); err != nil || x.Node != 3 {
		t.Errorf("%+v %v", x, err)
	}
	if named < 2 {
		t.Errorf("%d names were asked for", named)
	}
}
