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
}
