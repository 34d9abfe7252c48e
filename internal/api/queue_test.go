package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/machine"
)

// asleep registers a device in queue mode and waits until its window is over.
func (r *rig) asleep(endpoint string) {
	r.t.Helper()
	r.register(endpoint, thermometer, "Q")
	r.advance(94 * time.Second)
}

func (r *rig) advance(d time.Duration) {
	r.now = r.now.Add(d)
	r.srv.Expire(r.now)
	r.drain()
}

// device is the first one's path.
func (r *rig) path() machine.Path {
	return machine.Path{Local: netip.MustParseAddrPort("192.0.2.1:5683"), Remote: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), 10_001)}
}

// wake sends an Update of the first device.
func (r *rig) wake(endpoint string) {
	r.t.Helper()
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: 900 + r.peers}
	r.peers++
	m.Options = m.Options.AppendPath(r.fleet.Registration(endpoint).Location())
	r.receive(&m)
}

func (r *rig) receive(m *coap.Message) {
	r.t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.srv.Receive(r.now, 1, r.path(), b)
	r.drain()
}

// answer has the device answer what it was asked last.
func (r *rig) answer(code coap.Code) {
	r.t.Helper()
	var q coap.Message
	if err := q.Decode(r.sent); err != nil || !q.Code.IsRequest() {
		r.t.Fatalf("the device was asked nothing: %v %v", q.Code, err)
	}
	r.receive(&coap.Message{Type: coap.ACK, Code: code, ID: q.ID, Token: q.Token})
}

// An operation for a sleeping device is answered 202 and known by its id: while it waits, and how it ended.
func TestQueuedOperation(t *testing.T) {
	r := newRig(t)
	r.machine()
	r.asleep("door")
	url := httptest.NewServer(r.h)
	t.Cleanup(url.Close)
	l := r.listen(t, url.URL, "kinds=queued,presence,operation,value", "")
	l.next() // hello

	w := r.request(access.Operate, "PUT", "/api/v1/clients/door/objects/3/0/14?expires=3600", `{"value": "+01:00"}`)
	var q fleet.QueuedView
	if err := json.Unmarshal(w.Body.Bytes(), &q); err != nil || w.Code != 202 {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if q.ID == "" || w.Header().Get("Location") != "/api/v1/operations/"+q.ID {
		t.Errorf("Location %q", w.Header().Get("Location"))
	}
	want := `{"id":"` + q.ID + `","endpoint":"door","op":"write","path":"/3/0/14","status":"queued","position":1,"attempts":0,"queuedAt":"2026-09-21T14:14:54.000Z","expiresAt":"2026-09-21T15:14:54.000Z","value":"+01:00"}`
	if got := compact(w.Body.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := l.next(); got != "queued "+want {
		t.Errorf("got %s", got)
	}
	if w := r.request(access.Read, "GET", "/api/v1/operations/"+q.ID, ""); w.Code != 200 || compact(w.Body.Bytes()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := r.request(access.Operate, "POST", "/api/v1/clients/door/operations", `{"op": "execute", "path": "/3/0/4", "queue": "always", "repeat": true}`); w.Code != 202 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	l.next()
	if w := r.request(access.Operate, "POST", "/api/v1/clients/door/observations", `{"path": "/3303/0"}`); w.Code != 202 || w.Header().Get("Content-Type") != "application/json" || !strings.HasPrefix(w.Header().Get("Location"), "/api/v1/operations/") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	l.next()
	if c, _ := r.fleet.Client("door", false); c.Queued != 3 || c.Awake || c.State != fleet.Asleep || c.Pending != 0 {
		t.Errorf("%+v", c)
	}
	if w := r.request(access.Read, "GET", "/api/v1/clients/door/queue", ""); w.Code != 200 || strings.Count(w.Body.String(), `"status":"queued"`) != 3 || !strings.Contains(w.Body.String(), `"awake":false,"awakeUntil":null,"window":93,"own":false`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	r.wake("door")
	if got := l.next(); got != `presence {"endpoint":"door","awake":true,"until":"2026-09-21T14:16:27.000Z"}` {
		t.Errorf("got %s", got)
	}
	if got := l.next(); !strings.Contains(got, `"status":"sent","position":1,"attempts":1`) {
		t.Errorf("got %s", got)
	}
	r.now = r.now.Add(time.Second)
	r.answer(coap.Changed)
	got := map[string]string{}
	for range 3 { // the result, the value that it made known, and the next request under way
		kind, data, _ := strings.Cut(l.next(), " ")
		got[kind] = data
	}
	done := `{"operation":"` + q.ID + `","endpoint":"door","op":"write","path":"/3/0/14","status":"answered","code":"2.04","codeName":"Changed","tookMs":1000,"queuedAt":"2026-09-21T14:14:54.000Z"`
	if got["operation"] != done+"}" || !strings.Contains(got["value"], `"path":"/3/0/14"`) || !strings.Contains(got["queued"], `"op":"execute"`) {
		t.Errorf("%q\nwant %s", got, done)
	}
	if w := r.request(access.Read, "GET", "/api/v1/operations/"+q.ID, ""); w.Code != 200 || compact(w.Body.Bytes()) != done+`,"endedAt":"2026-09-21T14:14:55.000Z"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if c, _ := r.fleet.Client("door", false); c.Queued != 2 || !c.Awake || c.AwakeUntil == 0 {
		t.Errorf("%+v", c)
	}
}

func TestQueueCancelByREST(t *testing.T) {
	r := newRig(t)
	r.machine()
	r.asleep("door")
	ids := []string{}
	for range 3 {
		var q fleet.QueuedView
		w := r.request(access.Read, "GET", "/api/v1/clients/door/objects/3/0/9?queue=auto", "")
		if json.Unmarshal(w.Body.Bytes(), &q); w.Code != 202 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		ids = append(ids, q.ID)
	}
	for _, c := range []struct {
		as           access.Role
		method, path string
		want         int
	}{
		{access.Read, "DELETE", "/api/v1/operations/" + ids[0], 403},
		{access.Operate, "DELETE", "/api/v1/operations/" + ids[0], 204},
		{access.Operate, "DELETE", "/api/v1/operations/" + ids[0], 404},
		{access.Operate, "DELETE", "/api/v1/operations/no-such", 404},
		{access.Read, "GET", "/api/v1/operations/zzz", 404},
		{access.Operate, "DELETE", "/api/v1/clients/door/queue", 204},
		{access.Operate, "DELETE", "/api/v1/clients/nobody/queue", 404},
		{access.Read, "GET", "/api/v1/clients/nobody/queue", 404},
	} {
		if w := r.request(c.as, c.method, c.path, ""); w.Code != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	if w := r.request(access.Read, "GET", "/api/v1/operations/"+ids[2], ""); !strings.Contains(w.Body.String(), `"status":"cancelled"`) {
		t.Errorf("%s", w.Body)
	}
	if c, _ := r.fleet.Client("door", false); c.Queued != 0 {
		t.Errorf("%+v", c)
	}
	for body, want := range map[string]int{`{"window": 20}`: 204, `{"window": 0.5}`: 422, `{"window": -1}`: 422, `{"window": 100000}`: 422, `{"window": 0}`: 204} {
		if w := r.request(access.Operate, "PUT", "/api/v1/clients/door/queue", body); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for query, want := range map[string]int{"queue=sometimes": 422, "expires=0.5": 422, "expires=x": 422, "expires=1e99": 422, "expires=NaN": 422, "queue=always&expires=5": 202} {
		if w := r.request(access.Read, "GET", "/api/v1/clients/door/objects/3/0/9?"+query, ""); w.Code != want {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := r.request(access.Operate, "POST", "/api/v1/clients/door/operations", `{"op": "ping", "queue": "always"}`); w.Code != 422 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
