package shards

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/store"
)

// startQueue is startFleet with an ear for how kept operations end.
func startQueue(t *testing.T, n int, s store.Store, plain string) (*fleet, chan *Ended) {
	t.Helper()
	h := host.New(host.Options{ReceiveBuffer: 1 << 20})
	sockets, err := h.Listen(0, plain)
	if err != nil {
		t.Fatal(err)
	}
	f, ended := &fleet{h: h, plain: sockets[0].Local()}, make(chan *Ended, 100)
	f.Shards, err = Start(Config{Host: h, Shards: n, Plain: sockets, Store: s, Tables: server.Tables(),
		Server: server.Config{Unknown: server.AcceptUnknown, DTLS: &dtls.Config{CIDLen: 8, Durable: true}},
		OnEvent: func(v any) {
			if e, ok := v.(*Ended); ok {
				ended <- e
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	return f, ended
}

func (f *fleet) asleep(t *testing.T, ep string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		q, err := f.Queue(ep)
		if err != nil {
			t.Fatal(err)
		}
		if !q.Awake {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not fall asleep: %+v", ep, q)
		}
	}
}

// answer answers the next request of the server, and returns its payload.
func (s *socket) answer(code coap.Code) string {
	s.t.Helper()
	buf := make([]byte, 2000)
	s.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		n, err := s.Read(buf)
		if err != nil {
			s.t.Fatal(err)
		}
		var q coap.Message
		if err := q.Decode(buf[:n]); err != nil {
			s.t.Fatal(err)
		}
		if !q.Code.IsRequest() {
			continue
		}
		payload := string(q.Payload)
		b, _ := (&coap.Message{Type: coap.ACK, Code: code, ID: q.ID, Token: q.Token}).Append(nil)
		s.Write(b)
		return payload
	}
}

// What is kept for sleeping devices outlives the shards, whose number may change, and a device that comes to another shard
// finds it there. Whoever asks by the id is told, wherever the answer is.
func TestQueueOverShards(t *testing.T) {
	disk := store.Memory()
	f, _ := startQueue(t, 3, disk, "127.0.0.1:0")
	const devices = 6
	locations, ids := map[string]string{}, map[string]string{}
	p := lwm2m.MustPath("/3/0/14")
	write := func(value string) *server.Operation {
		return &server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: lwm2m.Str(value)}}}
	}
	for i := range devices {
		ep := fmt.Sprintf("door-%d", i)
		if err := f.SetAwakeWindow(ep, time.Second); err != nil {
			t.Fatal(err)
		}
		m := dial(t, f.plain).ask(coap.POST, "/rd?lwm2m=1.1&Q&ep="+ep, "</3/0>")
		locations[ep] = m.Options.Location()
	}
	for ep := range locations {
		f.asleep(t, ep)
		id, out, err := f.Do(t.Context(), ep, write(ep))
		var kept *Kept
		if !errors.As(err, &kept) || out != nil || server.FormatOp(kept.ID) != id || kept.Position != 1 {
			t.Fatalf("%s: %q %+v %v", ep, id, out, err)
		}
		ids[ep] = id
	}
	f.stop(t)

	f, ended := startQueue(t, 2, disk, f.plain.String())
	for ep, id := range ids {
		o, ok, err := f.Operation(id)
		if err != nil || !ok || o.Waits == nil || o.Waits.Endpoint != ep {
			t.Fatalf("%s: %+v %v %v", ep, o, ok, err)
		}
		if q, err := f.Queue(ep); err != nil || q.Window != time.Second || !q.Own || len(q.Requests) != 1 {
			t.Errorf("%s: %+v %v", ep, q, err)
		}
	}
	cancelled := "door-0"
	if ok, err := f.Cancel(ids[cancelled]); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := f.Cancel(ids[cancelled]); ok || err != nil {
		t.Error("cancelled twice", err)
	}
	for ep, at := range locations {
		if ep == cancelled {
			continue
		}
		// From a new address each, which belongs to one shard or the other.
		s := dial(t, f.plain)
		if m := s.ask(coap.POST, at, ""); m.Code != coap.Changed {
			t.Fatalf("Update of %s is answered %s", ep, m.Code)
		}
		if got := s.answer(coap.Changed); got != ep {
			t.Errorf("%s was sent %q", ep, got)
		}
	}
	results := map[string]*server.Outcome{}
	for range devices {
		select {
		case e := <-ended:
			results[e.ID] = e.Outcome
		case <-time.After(10 * time.Second):
			t.Fatalf("results: %v", results)
		}
	}
	for ep, id := range ids {
		want := coap.Changed
		if ep == cancelled {
			want = 0
		}
		o, ok, err := f.Operation(id)
		if err != nil || !ok || o.Ended == nil || o.Ended.Code != want || results[id] == nil || results[id].Code != want {
			t.Errorf("%s: %+v %v %v, told %+v", ep, o, ok, err, results[id])
		}
	}
	if _, ok, err := f.Operation("no such id"); ok || err != nil {
		t.Error(ok, err)
	}
	if n, err := f.CancelQueue("door-1"); n != 0 || err != nil {
		t.Error(n, err)
	}
}
