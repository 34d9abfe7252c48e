package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/internal/definitions"
	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
	"heddle.example/internal/history"
	"heddle.example/internal/notes"
	"heddle.example/internal/shards"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/store"
)

// rig is the API with a real fleet, and with devices that a test plays.
type rig struct {
	t      testing.TB
	api    *API
	h      http.Handler
	now    machine.Time
	fleet  *fleet.Fleet
	hub    *stream.Hub
	access *access.Manager
	creds  *credentials.Credentials
	notes  *notes.Notes
	srv    *server.Server // makes registrations
	peers  uint16
	tokens map[access.Role]string
	failed error
	disk   *faulty
	sent   []byte // the newest datagram of the server
	kept   *server.Kept
	out    *server.Outcome

	do           func(ctx context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error)
	observations []server.Observation
}

// faulty is a store that can fail.
type faulty struct {
	store.Store
	err error
}

func (s *faulty) Append(records []machine.Record, done func(error)) {
	if s.err != nil {
		done(s.err)
		return
	}
	s.Store.Append(records, done)
}

func (r *rig) Do(ctx context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
	if r.fleet.Registration(endpoint) == nil {
		return "op-0", &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path, Err: server.ErrUnknownEndpoint}, server.ErrUnknownEndpoint
	}
	return r.do(ctx, endpoint, op)
}

// drain carries out what the server wants: commits at once, events to the fleet, results of kept operations to the API.
func (r *rig) drain() {
	for a, ok := r.srv.Next(); ok; a, ok = r.srv.Next() {
		switch a.Kind {
		case machine.Send:
			r.sent = append(r.sent[:0], a.Data...)
		case machine.Persist:
			r.srv.Persisted(r.now, a.Seq)
		case machine.Event:
			r.fleet.Take(a.Value)
			if k, ok := a.Value.(*server.Kept); ok {
				r.kept = k
			}
		case machine.Result:
			if out := a.Value.(*server.Outcome); out.Kept {
				r.fleet.QueueLeft(out.Endpoint, out.Left)
				r.api.KeptEnded(&shards.Ended{ID: server.FormatOp(a.Op), Outcome: out})
			} else {
				r.out = out
			}
		}
	}
}

// machine has operations done by the server machine.
func (r *rig) machine() {
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		r.kept, r.out = nil, nil
		id := server.FormatOp(r.srv.Do(r.now, 1, endpoint, op))
		r.drain()
		if r.kept != nil {
			return id, nil, &shards.Kept{Kept: *r.kept}
		}
		return id, r.out, r.out.Err
	}
}

func (r *rig) Queue(endpoint string) (shards.Queue, error) {
	q := shards.Queue{Requests: r.srv.Queue(endpoint)}
	q.Awake, q.Until = r.srv.Awake(endpoint)
	q.Window, q.Own = r.srv.AwakeWindow(endpoint)
	return q, nil
}

func (r *rig) CancelQueue(endpoint string) (int, error) {
	n := r.srv.CancelQueue(r.now, 1, endpoint)
	r.drain()
	return n, nil
}

func (r *rig) SetAwakeWindow(endpoint string, d time.Duration) error {
	r.srv.SetAwakeWindow(r.now, 1, endpoint, d)
	r.drain()
	return nil
}

func (r *rig) Operation(id string) (o shards.Operation, ok bool, err error) {
	op, err := server.ParseOp(id)
	if err != nil {
		return o, false, nil
	}
	if q, waits := r.srv.Waiting(op); waits {
		return shards.Operation{Waits: &q}, true, nil
	}
	o.Ended, o.At, ok = r.srv.Done(op)
	return o, ok, nil
}

func (r *rig) Cancel(id string) (bool, error) {
	op, err := server.ParseOp(id)
	if err != nil {
		return false, nil
	}
	if _, waits := r.srv.Waiting(op); !waits {
		return false, nil
	}
	r.srv.Cancel(r.now, op)
	r.drain()
	return true, nil
}

func (r *rig) Observations(string) ([]server.Observation, error) { return r.observations, nil }

func (r *rig) Forget(endpoint string) (bool, error) {
	return r.fleet.Registration(endpoint) != nil, nil
}

// bootstrap is a bootstrap server without devices.
func (r *rig) bootstrap(s store.Store, defs *definitions.Definitions) *bootstrap.Service {
	r.t.Helper()
	c, err := bootstrap.Open(bootstrap.Options{Store: s, Registry: defs.Registry, Local: rigServer{r.creds}, Now: func() time.Time { return time.Unix(0, int64(r.now)) }})
	if err != nil {
		r.t.Fatal(err)
	}
	sessions, err := bootstrap.OpenSessions(bootstrap.SessionsOptions{Hub: r.hub, Registry: defs.Registry, Store: s, Epoch: "e"})
	if err != nil {
		r.t.Fatal(err)
	}
	return &bootstrap.Service{Configurations: c, Sessions: sessions}
}

// rigServer is the LwM2M server of the same program: it is at lwm2m.example.
type rigServer struct{ *credentials.Credentials }

func (rigServer) IsLocal(uri string) bool { return strings.Contains(uri, "//lwm2m.example") }

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, now: 1_790_000_000_000_000_000, tokens: map[access.Role]string{}}
	s := &faulty{Store: store.MemoryWith(&store.Points{Table: server.HistoryTable, Packer: history.Packer{}})}
	r.disk = s
	t.Cleanup(func() { s.Close() })
	r.hub = stream.NewHub(stream.Options{Epoch: 77, Cells: time.Millisecond})
	var err error
	if r.access, err = access.Open(s, access.Options{Cheap: true}); err != nil {
		t.Fatal(err)
	}
	if r.creds, err = credentials.Open(s, func() time.Time { return time.Unix(0, int64(r.now)) }); err != nil {
		t.Fatal(err)
	}
	defs, err := definitions.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	if r.notes, err = notes.Open(s); err != nil {
		t.Fatal(err)
	}
	fw, err := firmware.Open(firmware.Config{Store: s, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fw.Close)
	r.fleet = fleet.New(fleet.Options{Hub: r.hub, Registry: defs.Registry, Now: func() machine.Time { return r.now }, Notes: r.notes.Of})
	r.srv = server.New(server.Config{Rand: machinetest.NewRand(1), Unknown: server.AcceptUnknown})
	r.srv.Started(r.now)
	r.api = New(Config{Fleet: r.fleet, Hub: r.hub, Access: r.access, Credentials: r.creds, Notes: r.notes, History: history.New(s), Firmware: fw, Backup: func(w io.Writer) error { _, err := w.Write([]byte("all")); return err }, Devices: r, Definitions: defs, Bootstrap: r.bootstrap(s, defs), Info: func() Info { return Info{Version: "test", Unknown: "accept"} },
		Failed: func() error { return r.failed }, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("heddle_registrations 1\n")) }),
		Web: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("page")) }), Port: 8080, Version: "test", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(r.api.Close)
	r.h = r.api.Handler()
	for _, role := range []access.Role{access.Read, access.Operate, access.Admin} {
		if r.tokens[role], _, err = r.access.CreateToken(role.String(), role, time.Time{}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// register lets a device register with a real server machine, and gives its event to the fleet.
func (r *rig) register(endpoint, links string, query ...string) *server.Registration {
	r.t.Helper()
	r.peers++
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: r.peers, Token: coap.NewToken([]byte{1, byte(r.peers), byte(r.peers >> 8)}), Payload: []byte(links)}
	m.Options = m.Options.AppendPath("/rd").SetFormat(coap.LinkFormat).AddQuery("lwm2m=1.1").AddQuery("ep=" + endpoint).AddQuery("lt=300")
	for _, q := range query {
		m.Options = m.Options.AddQuery(q)
	}
	b, err := m.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	path := machine.Path{Local: netip.MustParseAddrPort("192.0.2.1:5683"), Remote: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), 10_000+r.peers)}
	r.srv.Receive(r.now, 1, path, b)
	r.drain()
	reg := r.fleet.Registration(endpoint)
	if reg == nil {
		r.t.Fatalf("%s did not register", endpoint)
	}
	return reg
}

const thermometer = `</>;rt="oma.lwm2m",</1/0>,</3/0>,</3303/0>,</31024/10>`

// request makes a request. as is a role, or None for nobody.
func (r *rig) request(as access.Role, method, path, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if as != access.None {
		req.Header.Set("Authorization", "Bearer "+r.tokens[as])
	}
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, req)
	return w
}

// compact returns JSON without white space, for comparing.
func compact(b []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return string(b)
	}
	return out.String()
}
