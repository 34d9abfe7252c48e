package topology

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
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

// The radio hands over the acknowledgement of what the node has sent: it has no addresses.
func TestLiveAcknowledged(t *testing.T) {
	w, ctx := newWorld(t, 2, Options{Speed: 40})
	until(t, w, ctx, func(s *Snapshot) bool { return len(s.Partitions) == 1 && s.Partitions[0].Nodes == 2 })
	l := NewLive(LiveOptions{Seat: w.Seat(1)})
	reader := l.Follow()
	defer reader.Close()
	peer := ieee802154.ExtAddr{1, 2, 3, 4, 5, 6, 7, 8}
	l.ids[peer] = 2
	hear := func(own bool, f ieee802154.Frame) {
		f.Plan()
		if err := w.Seat(1).Do(ctx, func(now machine.Time, n *thread.Node) error {
			l.Heard(now, n, own, 15, -50, f.Append(nil))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	to := ieee802154.Address{Kind: ieee802154.Extended, Ext: peer}
	for _, sequence := range []uint8{7, 7, 8} { // the first is lost and sent again, the last is lost
		hear(true, ieee802154.Frame{Type: ieee802154.Data, Sequence: sequence, AckRequest: true, DstPAN: 1, Dst: to})
	}
	hear(false, ieee802154.Frame{Type: ieee802154.Ack, Sequence: 7})
	l.air.flush()
	var told struct{ Frames []Frame }
	select {
	case m := <-reader.C:
		if err := json.Unmarshal(m.Data, &told); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatal("the reader was told nothing")
	}
	got := ""
	for _, f := range told.Frames {
		got += fmt.Sprintf("%d to %d, %s, %s, %v\n", f.From, f.To, f.Kind, f.Text, f.OK)
	}
	if want := `1 to 2, data, Keep-alive, false
1 to 2, data, Keep-alive, retry, true
1 to 2, data, Keep-alive, false
2 to 1, ack, Acknowledgement, true
`; got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
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

// Who forges addresses cannot hide the nodes that come later: numbers of nodes that have left are given again.
func TestLiveNumbers(t *testing.T) {
	l := NewLive(LiveOptions{Name: "node 1"})
	l.own.ext = [8]byte{1}
	build := func(first, n int) (last *Row) {
		b := builder{l: l, rows: map[int]*Row{}, byRLOC: map[uint16]int{}}
		b.row(l.own.ext, 0)
		for i := first; i < first+n; i++ {
			last = b.row([8]byte{2, byte(i >> 8), byte(i)}, uint16(i))
		}
		l.publish(&b)
		return last
	}
	build(1, nodesMost-1)
	if r := build(1, nodesMost); r.ID != 0 {
		t.Errorf("one too many is number %d", r.ID)
	}
	build(1, 1) // all but number 2 leave
	r := build(5000, 1)
	if r.ID != 3 || l.rows[2].Ext != r.Ext || l.rows[2].Role == "off" || len(l.ids) != nodesMost {
		t.Errorf("a node that comes then is %+v, shown as %+v, of %d", r, l.rows[2], len(l.ids))
	}
	if l.ids[l.own.ext] != 1 {
		t.Errorf("the own node is number %d", l.ids[l.own.ext])
	}
}
