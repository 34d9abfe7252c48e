package topology

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A live view knows by diagnostics what the simulation knows of itself: all nodes, their roles and parents, and who hears whom.
func TestLive(t *testing.T) {
	w, ctx := newWorld(t, 14, Options{Speed: 40})
	until(t, w, ctx, func(s *Snapshot) bool { return len(s.Partitions) == 1 && s.Partitions[0].Nodes == 14 })
	own := 0
	s, _ := w.Snapshot(ctx)
	for _, r := range s.Nodes {
		if r.Role == "router" {
			own = r.ID
		}
	}
	l := NewLive(LiveOptions{Seat: w.Seat(own), Name: "node 1"})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader := l.Follow()
	defer reader.Close()
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	shape := func(s *Snapshot) string {
		var all []string
		ext := map[int]string{}
		for _, r := range s.Nodes {
			ext[r.ID] = r.Ext
		}
		for _, r := range s.Nodes {
			if r.Role != "off" {
				all = append(all, fmt.Sprint(r.Ext, " ", r.Role, " ", r.RLOC16, " under ", ext[r.Parent], " ", r.Children))
			}
		}
		for _, k := range s.Links {
			a, b := ext[k.A], ext[k.B]
			all = append(all, fmt.Sprint(min(a, b), " - ", max(a, b), " ", k.Kind))
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	var got, want string
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		a, err := w.Snapshot(ctx)
		b, err2 := l.Snapshot(ctx)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got, want = shape(b), shape(a); got == want {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the live view has\n%s\nnot\n%s", got, want)
		}
	}
	view, _ := l.Snapshot(ctx)
	if view.Nodes[0].Name != "node 1" || view.Own != 1 || len(view.Partitions) != 1 || view.Partitions[0].Nodes != 14 {
		t.Errorf("%+v", view.Partitions)
	}
	for _, r := range view.Nodes[1:] {
		p, err := l.Route(ctx, 1, r.ID)
		if err != nil || !p.Whole {
			t.Errorf("no way to %d: %+v %v", r.ID, p, err)
		}
		if r.Role != "router" && r.Role != "leader" {
			continue
		}
		d, err := l.Node(ctx, r.ID)
		if err != nil || len(d.Addresses) == 0 || !strings.HasPrefix(d.Stack, "HEDDLE") || d.Sent == 0 {
			t.Errorf("%+v %v", d, err)
		}
	}
	if d, err := l.Node(ctx, 1); err != nil || len(d.Neighbors) == 0 || d.Dataset.Name == "" {
		t.Errorf("%+v %v", d, err)
	}
	if said, err := l.Type(ctx, 1, "state"); err != nil || !slices.Equal(said.Output, []string{"router"}) {
		t.Errorf("%+v %v", said, err)
	}
	if _, err := l.Type(ctx, 2, "state"); err != ErrCannot {
		t.Errorf("a prompt of another node: %v", err)
	}
	var file bytes.Buffer
	if err := l.Capture(ctx, &file, true); err != nil || !strings.Contains(file.String(), "ieee802154_keys") {
		t.Error("no capture", err)
	}
	x := 3.5
	if r, err := l.Act(ctx, 2, Action{Action: "move", X: &x}); err != nil || r.X != 3.5 {
		t.Errorf("%+v %v", r, err)
	}
	cancel()
	<-done
}

func FuzzReport(f *testing.F) {
	f.Add([]byte{1, 2, 4, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 16, 3, 0x2a, 1, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		if r := parseReport(b); r != nil && len(r.children) > len(b) {
			t.Error("more children than bytes")
		}
	})
}

func TestCheapest(t *testing.T) {
	rows := []Row{{ID: 1, RouterID: 1}, {ID: 2, RouterID: 2}, {ID: 3, RouterID: 3}, {ID: 4, RouterID: -1}, {ID: 5, RouterID: -1}}
	links := []Link{{1, 2, 3, 3, "router"}, {1, 3, 1, 1, "router"}, {2, 3, 3, 3, "router"}, {3, 4, 0, 3, "child"}, {1, 4, 3, 3, "router"}}
	if p := cheapest(1, 3, rows, links); !p.Whole || !slices.Equal(p.Hops, []int{1, 2, 3}) || p.Cost != 2 {
		t.Errorf("%+v", p)
	}
	if p := cheapest(2, 4, rows, links); !slices.Equal(p.Hops, []int{2, 1, 4}) && !slices.Equal(p.Hops, []int{2, 3, 4}) {
		t.Errorf("%+v", p)
	}
	if p := cheapest(1, 5, rows, links); p.Whole || p.Why == "" {
		t.Errorf("%+v", p)
	}
}
