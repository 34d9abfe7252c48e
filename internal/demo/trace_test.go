package demo

import (
	"context"
	"slices"
	"testing"
	"time"

	"heddle.example/internal/trace"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// followed reads from a device some hops away and wants to see the exchange in all its places.
func followed(t *testing.T, d *Demo) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	id, out, err := d.Program.Shards.Do(ctx, "climate-greenhouse", &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0")})
	if err != nil || !out.Code.IsSuccess() {
		t.Fatalf("%v %+v", err, out)
	}
	x, err := d.home.follow.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, l := range x.Lanes {
		kinds = append(kinds, l.Kind)
		t.Logf("%-9s %s", l.Name, l.Where)
	}
	for _, s := range x.Spans {
		t.Logf("%8d-%8d %-9s %-8s %s", s.Begin, s.End, x.Lanes[s.Lane].Name, s.Kind, s.Label)
	}
	for _, want := range []string{"coap", "dtls", "ipv4", "nat64", "ipv6", "6lowpan", "hop", "device"} {
		if !slices.ContainsFunc(x.Lanes, func(l trace.Lane) bool { return l.Kind == want }) {
			t.Errorf("the trace has no lane %s: %v", want, kinds)
		}
	}
	if x.State != "done" || x.Frames < 4 || x.Node == 0 {
		t.Errorf("%s, %d frames, node %d", x.State, x.Frames, x.Node)
	}
	registered(ctx, t, d, x.Node)
}

// registered wants to see in all places how that device registered, which it did by itself.
func registered(ctx context.Context, t *testing.T, d *Demo, node int) {
	t.Helper()
	is := func(x trace.Trace) bool { return x.Op == "register" && x.State != "running" }
	for {
		list, err := d.home.follow.List(ctx, "climate-greenhouse", trace.ByDevice, 1000)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, is)
		if i < 0 { // the server knows it before its answer is at the device
			select {
			case <-ctx.Done():
				t.Fatalf("no Register among %d", len(list))
			case <-time.After(20 * time.Millisecond):
				continue
			}
		}
		x, err := d.home.follow.Get(ctx, list[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range x.Spans {
			t.Logf("%8d-%8d %-9s %-8s %s", s.Begin, s.End, x.Lanes[s.Lane].Name, s.Kind, s.Label)
		}
		for _, kind := range []string{"lwm2m", "coap", "dtls", "ipv4", "nat64", "ipv6", "6lowpan", "hop", "device"} {
			if !slices.ContainsFunc(x.Lanes, func(l trace.Lane) bool { return l.Kind == kind }) {
				t.Errorf("the trace of the Register has no lane %s", kind)
			}
		}
		if x.State != "done" || x.Code != "2.01 Created" || x.Node != node || x.Frames < 4 {
			t.Errorf("%s %s, node %d, %d frames", x.State, x.Code, x.Node, x.Frames)
		}
		return
	}
}
