package topology

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"heddle.example/internal/simulate"
)

func newWorld(t *testing.T, nodes int, o Options) (*World, context.Context) {
	t.Helper()
	groups, err := simulate.Groups(nodes, "router=3,sed=1", "disc 20", time.Second, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o.Scenario = &simulate.Scenario{Seed: 7, For: simulate.Time(2 * time.Hour), Nodes: groups, Script: "at 30s node 1 state"}
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go w.Run(ctx)
	t.Cleanup(func() { cancel(); <-w.closed })
	return w, ctx
}

// until looks at the world until done, at most for a minute of real time.
func until(t *testing.T, w *World, ctx context.Context, done func(s *Snapshot) bool) *Snapshot {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		s, err := w.Snapshot(ctx)
		if err == nil && done(s) {
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("it does not come to that: %+v %v", s, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A network forms while it is looked at; a reader who applies the changes has what a snapshot says.
func TestFollow(t *testing.T) {
	w, ctx := newWorld(t, 12, Options{Paused: true})
	r := w.Follow()
	defer r.Close()
	first, err := w.Snapshot(ctx)
	if err != nil || len(first.Nodes) != 12 || !first.Paused {
		t.Fatalf("%+v %v", first, err)
	}
	no := false
	if _, err := w.Control(ctx, Control{Pause: &no}); err != nil {
		t.Fatal(err)
	}
	rows, seq := first.Nodes, first.Seq
	links := first.Links
	apply := func(m Message) {
		if m.Kind == "reset" {
			t.Fatal("the reader is too slow")
		}
		if m.Kind != "mesh" {
			return
		}
		var c Change
		if err := json.Unmarshal(m.Data, &c); err != nil {
			t.Fatal(err)
		}
		if c.Seq <= first.Seq {
			return
		}
		if c.Seq != seq+1 {
			t.Errorf("seq %d after %d", c.Seq, seq)
		}
		seq = c.Seq
		for _, n := range c.Nodes {
			rows[n.ID-1] = n
		}
		links = slices.DeleteFunc(links, func(l Link) bool {
			same := func(x Link) bool { return compareLinks(x, l) == 0 }
			return slices.ContainsFunc(c.Links.Remove, same) || slices.ContainsFunc(c.Links.Add, same)
		})
		links = append(links, c.Links.Add...)
	}
	settled := func(s *Snapshot) bool {
		return len(s.Partitions) == 1 && s.Partitions[0].Nodes == 12 && s.Now > 60e6
	}
	for end := time.Now().Add(time.Minute); ; {
		for len(r.C) > 0 {
			apply(<-r.C)
		}
		if s, _ := w.Snapshot(ctx); s != nil && settled(s) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no network")
		}
		time.Sleep(5 * time.Millisecond)
	}
	yes := true
	if _, err := w.Control(ctx, Control{Pause: &yes}); err != nil {
		t.Fatal(err)
	}
	last, _ := w.Snapshot(ctx)
	for len(r.C) > 0 {
		apply(<-r.C)
	}
	slices.SortFunc(links, compareLinks)
	if !slices.Equal(rows, last.Nodes) || !slices.Equal(links, last.Links) {
		t.Errorf("a reader has\n%+v\n%+v\nnot\n%+v\n%+v", rows, links, last.Nodes, last.Links)
	}
	if !slices.ContainsFunc(last.History, func(e Entry) bool { return e.Kind == "partition" }) ||
		!slices.ContainsFunc(last.History, func(e Entry) bool { return e.Kind == "script" }) {
		t.Errorf("%+v", last.History)
	}
}

func TestCommands(t *testing.T) {
	w, ctx := newWorld(t, 8, Options{Speed: 300})
	until(t, w, ctx, func(s *Snapshot) bool { return len(s.Partitions) == 1 && s.Partitions[0].Nodes == 8 })
	yes, slow := true, 0.5
	if _, err := w.Control(ctx, Control{Step: "second"}); err != ErrRunning {
		t.Error(err)
	}
	before, err := w.Control(ctx, Control{Pause: &yes, Speed: &slow})
	if err != nil {
		t.Fatal(err)
	}
	r := w.Follow()
	defer r.Close()
	after, err := w.Control(ctx, Control{Step: "frame"})
	if err != nil || after.Now <= before.Now || !after.Paused {
		t.Errorf("%+v %+v %v", before, after, err)
	}
	if after, err = w.Control(ctx, Control{Step: "second"}); err != nil {
		t.Error(err)
	}
	frames := false
	for len(r.C) > 0 {
		frames = (<-r.C).Kind == "frames" || frames
	}
	if !frames {
		t.Error("no frames at low speed")
	}
	said, err := w.Type(ctx, 1, "state")
	if err != nil || said.Last != "Done" || len(said.Output) != 1 {
		t.Errorf("%+v %v", said, err)
	}
	d, err := w.Node(ctx, 2)
	if err != nil || len(d.Addresses) < 2 || len(d.Neighbors) == 0 || d.Dataset.Name == "" {
		t.Errorf("%+v %v", d, err)
	}
	if said, err = w.Type(ctx, 1, "ping "+d.Addresses[1]); err != nil || said.Last != "Done" || len(said.Output) != 2 {
		t.Errorf("%+v %v", said, err)
	}
	x := 3.0
	if row, err := w.Act(ctx, 3, Action{Action: "move", X: &x}); err != nil || row.X != 3 {
		t.Errorf("%+v %v", row, err)
	}
	if row, err := w.Act(ctx, 3, Action{Action: "kill"}); err != nil || row.On || row.Role != "off" {
		t.Errorf("%+v %v", row, err)
	}
	if _, err := w.Type(ctx, 3, "state"); err != ErrOff {
		t.Error(err)
	}
	if row, err := w.Act(ctx, 3, Action{Action: "revive"}); err != nil || !row.On {
		t.Errorf("%+v %v", row, err)
	}
	if _, err := w.Act(ctx, 99, Action{Action: "kill"}); err != ErrNode {
		t.Error(err)
	}
	if err := w.SetLink(ctx, 1, 2, false); err != nil {
		t.Error(err)
	}
	var with, without bytes.Buffer
	if w.Capture(ctx, &with, true) != nil || w.Capture(ctx, &without, false) != nil || with.Len() <= without.Len() {
		t.Errorf("captures of %d and %d bytes", with.Len(), without.Len())
	}
}

// A reader that does not read is told to load anew, and holds nobody up.
func TestSlowReader(t *testing.T) {
	f := feed{readers: map[*Reader]bool{}}
	r := f.Follow()
	for range readerRoom + 10 {
		f.publish("mesh", 1, Change{})
	}
	for range readerRoom {
		if m := <-r.C; m.Kind != "mesh" {
			t.Fatal(m.Kind)
		}
	}
	f.publish("mesh", 2, Change{})
	if m := <-r.C; m.Kind != "reset" {
		t.Error(m.Kind)
	}
	r.Close()
	if f.any() {
		t.Error("a closed reader follows")
	}
}

// Who does not wait any longer does not have his question asked: nothing is written behind his back.
func TestDoGivenUp(t *testing.T) {
	w := &World{commands: make(chan func(), 1), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ran := false
	if err := w.do(ctx, func() error { ran = true; return nil }); err != context.Canceled {
		t.Error(err)
	}
	if (<-w.commands)(); ran {
		t.Error("it ran all the same")
	}
	ctx, cancel = context.WithCancel(t.Context())
	go func() { (<-w.commands)() }()
	if err := w.do(ctx, func() error { cancel(); time.Sleep(time.Millisecond); ran = true; return ErrCannot }); err != ErrCannot || !ran {
		t.Error("what runs was not waited for", err)
	}
}
