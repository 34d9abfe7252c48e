package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
	"heddle.example/store"
)

var from = machine.Path{Remote: netip.MustParseAddrPort("192.0.2.10:40000"), Security: &machine.Identity{Name: "BSID", Kind: machine.PSK}}

func openSessions(t *testing.T, s store.Store, hub *stream.Hub) *Sessions {
	t.Helper()
	x, err := OpenSessions(SessionsOptions{Hub: hub, Registry: registry.Builtin, Store: s, Epoch: "e"})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// play tells a session with one write that fails or succeeds.
func play(s *Sessions, id bootstrap.SessionID, endpoint string, at machine.Time, err error) {
	s.Take(&bootstrap.Began{Session: id, Endpoint: endpoint, Configuration: "light-*", Path: from, Format: coap.TLV, At: at, Step: bootstrap.Step{Op: bootstrap.Request, Method: coap.POST, URI: "/bs?ep=" + endpoint, Done: true, Code: coap.Changed}})
	entries, lengths := bootstrap.Mask([]lwm2m.Entry{{Path: lwm2m.MustPath("/0/1/3"), Value: lwm2m.Bytes([]byte("id"))}, {Path: lwm2m.MustPath("/0/1/5"), Value: lwm2m.Bytes([]byte("the secret key!!"))}})
	step := bootstrap.Step{Number: 1, Op: bootstrap.WriteOp, Method: coap.PUT, URI: "/0/1", Format: coap.TLV, HasFormat: true, Entries: entries, Lengths: lengths, Size: 40, Total: 3, At: at}
	s.Take(&bootstrap.Sent{Session: id, Endpoint: endpoint, Step: step})
	if err == nil {
		step.Done, step.Code, step.Took = true, coap.Changed, 20*time.Millisecond
		s.Take(&bootstrap.Answered{Session: id, Endpoint: endpoint, Step: step})
	}
	s.Take(&bootstrap.Ended{Session: id, Endpoint: endpoint, Configuration: "light-*", Err: err, Took: time.Second, At: at.Add(time.Second)})
}

// Sessions are seen step by step, without keys; what became of them is there after a restart.
func TestSessions(t *testing.T) {
	disk := store.Memory()
	defer disk.Close()
	hub := stream.NewHub(stream.Options{Epoch: 1, Cells: time.Millisecond})
	reader, _ := hub.Follow(nil)
	defer reader.Close()
	reader.Every()
	s := openSessions(t, disk, hub)
	at := machine.Time(1_790_000_000_000_000_000)
	play(s, 1, "light-1", at, nil)
	play(s, 2, "light-2", at.Add(time.Minute), bootstrap.ErrTimeout)
	s.Take(&bootstrap.Refused{Endpoint: "stranger", Path: from, Why: "no configuration", At: at.Add(2 * time.Minute)})
	list := s.List("", 10)
	if len(list) != 3 || list[0].State != "refused" || list[1].State != "failed" || list[2].State != "finished" || s.Running() != 0 {
		t.Fatalf("%+v", list)
	}
	b, _ := json.Marshal(list)
	for _, part := range []string{`"security":"psk","identity":"BSID"`, `"what":"Write Security"`, `"value":"•••••••• 16 B","secret":true`, `"state":"failed","detail":"The device did not answer in time"`, `"answer":"2.04"`, `"tookMs":20`, `"of":3`} {
		if !strings.Contains(string(b), part) {
			t.Errorf("no %s in %s", part, b)
		}
	}
	if strings.Contains(string(b), "secret key") {
		t.Error("a key is shown")
	}
	if l := s.List("light-2", 10); len(l) != 1 || l[0].Endpoint != "light-2" {
		t.Errorf("%+v", l)
	}
	if x, id, ok := s.Get(list[1].ID); !ok || id != 2 || x.Endpoint != "light-2" {
		t.Errorf("%+v %d", x, id)
	}
	// Followers see it grow: the request, the write, its answer, the end.
	var states []string
	for end := time.Now().Add(5 * time.Second); len(states) < 8 && time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		events, _ := reader.Next(ctx)
		cancel()
		for _, e := range events {
			for _, e := range append(e.Earlier(), e) {
				var x Session
				if err := json.Unmarshal(e.Data(), &x); err != nil || e.Kind != "bootstrap" || e.Endpoint != x.Endpoint {
					t.Fatalf("%s %s", e.Kind, e.Data())
				}
				states = append(states, fmt.Sprintf("%s %s %d", x.Endpoint, x.State, x.Step))
			}
		}
	}
	if got := strings.Join(states, ", "); got != "light-1 running 1, light-1 running 2, light-1 running 2, light-1 finished 2, light-2 running 1, light-2 running 2, light-2 failed 2, stranger refused 0" {
		t.Error(got)
	}
	out, ok, newest := openSessions(t, disk, hub).Outcome("light-*")
	if !ok || out.Done != 1 || out.Failed != 1 || out.Endpoint != "light-2" || out.State != "failed" || newest != nil {
		t.Errorf("%+v %v %v", out, ok, newest)
	}
}

// What strangers can make grow is bounded.
func TestSessionsAreBounded(t *testing.T) {
	disk := store.Memory()
	defer disk.Close()
	s := openSessions(t, disk, stream.NewHub(stream.Options{}))
	at := machine.Time(1_790_000_000_000_000_000)
	for i := range 2 * sessionsKept {
		play(s, bootstrap.SessionID(i+1), fmt.Sprint("light-", i), at.Add(time.Duration(i)*time.Second), nil)
		s.Take(&bootstrap.Refused{Endpoint: fmt.Sprint("stranger-", i), Path: from, Why: "no configuration", At: at.Add(time.Duration(i) * time.Second)})
	}
	if len(s.list) != sessionsKept || len(s.refusals) != refusalsKept || len(s.byID) != 0 || len(s.newest) != 1 || len(s.outcomes) != 1 {
		t.Errorf("%d sessions, %d refusals, %d running, %d newest, %d outcomes", len(s.list), len(s.refusals), len(s.byID), len(s.newest), len(s.outcomes))
	}
	if l := s.List("", 1000); len(l) != sessionsKept+refusalsKept || l[0].StartedAt < l[len(l)-1].StartedAt {
		t.Errorf("%d listed", len(l))
	}
}
