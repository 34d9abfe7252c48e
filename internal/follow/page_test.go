package follow

import (
	"context"
	"testing"
	"time"

	"heddle.example/internal/trace"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// A page tells intervals of its own clock; they stand around what the server saw, whatever that clock says.
func TestPage(t *testing.T) {
	const ms = machine.Time(time.Millisecond)
	f := New(Options{})
	began := 1000 * ms
	f.Asked(began, 1, 7, "lamp", &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0")})
	x := f.byID[server.FormatOp(7)]
	x.end, x.t.State = began+20*ms, "done"
	id := x.id
	at := func(t machine.Time) time.Time { return time.Unix(0, int64(t)) }
	f.Requested(id, at(began-1*ms), at(began+21*ms))
	f.Requested(id, at(began-9*ms), at(began+99*ms)) // once only
	get := func() *trace.Trace {
		got, err := f.Get(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := get(); len(got.Lanes) != 2 || got.Lanes[0].Name != "REST" || got.Took != 22_000 || !got.At.Equal(at(began-1*ms)) {
		t.Errorf("without a page: %+v", got)
	}
	// 22 ms in the server, 24 with HTTP on both ways.
	if err := f.Shown(id, trace.Page{Before: 3_000, Request: 24_000, After: 5_000}); err != nil {
		t.Fatal(err)
	}
	f.Shown(id, trace.Page{Before: 1, Request: 1, After: 1})
	got := get()
	type span struct {
		lane, kind string
		begin, end int64
	}
	want := []span{{"Page", "whole", 0, 32_000}, {"Page", "request", 0, 3_000}, {"REST", "whole", 4_000, 26_000}, {"LwM2M", "whole", 5_000, 25_000}, {"Page", "answer", 27_000, 32_000}}
	for i, s := range got.Spans {
		if i >= len(want) || (span{got.Lanes[s.Lane].Name, s.Kind, s.Begin, s.End}) != want[i] {
			t.Errorf("span %d: %s %+v", i, got.Lanes[s.Lane].Name, s)
		}
	}
	if len(got.Spans) != len(want) || got.Took != 32_000 || !got.At.Equal(at(began-5*ms)) {
		t.Errorf("%+v", got)
	}
	took := map[string]int64{}
	for _, p := range got.Parts {
		took[p.Kind] = p.Took
	}
	if took["page"] != 10_000 || took["server"] != 22_000 {
		t.Errorf("%+v", got.Parts)
	}
	// A page that is wrong about its time: the server's own stands.
	x.page = &trace.Page{Request: 1}
	if got = get(); got.Took != 22_000 {
		t.Errorf("%+v", got)
	}
	if f.Shown("nothing", trace.Page{}) != trace.ErrUnknown {
		t.Error("an unknown exchange was shown")
	}
}
