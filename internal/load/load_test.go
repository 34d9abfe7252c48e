package load

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// rig is a server on loopback with just enough of a REST interface, in both shapes.
type rig struct {
	t      *testing.T
	owner  *host.Owner
	srv    *server.Server
	h      *host.Host
	port   uint16
	http   *httptest.Server
	mu     sync.Mutex
	keys   map[string]server.Credential
	waits  map[machine.OpID]chan *server.Outcome
	events map[chan string]bool
	told   uint64 // notifications
	calls  []string
	leshan bool
	max    int // registrations seen
}

func (r *rig) ByIdentity(identity []byte) (server.Credential, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.keys[string(identity)]
	return c, ok
}

func (r *rig) ByEndpoint(endpoint string) (server.Credential, bool) {
	return r.ByIdentity([]byte(endpoint))
}

func newRig(t *testing.T, secure, leshan bool) *rig {
	return newRigAt(t, "127.0.0.1:0", secure, leshan)
}

func newRigAt(t *testing.T, listen string, secure, leshan bool) *rig {
	r := &rig{t: t, h: host.New(host.Options{}), keys: map[string]server.Credential{}, waits: map[machine.OpID]chan *server.Outcome{},
		events: map[chan string]bool{}, leshan: leshan}
	c := server.Config{Rand: r.h.Rand(), Credentials: r, Unknown: server.AcceptUnknown}
	if secure {
		c.DTLS = &dtls.Config{CIDLen: 8}
		c.Secure = func(netip.AddrPort) bool { return true }
	}
	r.srv = server.New(c)
	r.srv.Started(r.h.Now())
	socks, err := r.h.Listen(0, listen)
	if err != nil {
		t.Fatal(err)
	}
	r.port = socks[0].Local().Port()
	r.owner, err = r.h.Run(r.srv, host.RunOptions{Sockets: socks, OnAction: r.action})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.owner.Stop(context.Background()) })
	r.http = httptest.NewServer(r)
	t.Cleanup(r.http.Close)
	return r
}

func (r *rig) action(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *server.Outcome:
		if w := r.waits[a.Op]; w != nil {
			delete(r.waits, a.Op)
			w <- v
		}
	case *server.Notified:
		r.mu.Lock()
		r.told++
		for c := range r.events {
			select {
			case c <- "value":
			default:
				r.t.Error("the test's listener is too slow")
			}
		}
		r.mu.Unlock()
	case *server.Registered:
		r.mu.Lock()
		r.max++
		r.mu.Unlock()
	}
}

func (r *rig) do(endpoint string, op *server.Operation) *server.Outcome {
	w := make(chan *server.Outcome, 1)
	r.owner.Do(func(now machine.Time) { r.waits[r.srv.Do(now, 0, endpoint, op)] = w })
	return <-w
}

func (r *rig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.calls = append(r.calls, req.Method+" "+req.URL.Path)
	r.mu.Unlock()
	part := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	if part[0] == "healthz" && !r.leshan {
		return
	}
	if part[0] != "api" || (part[1] == "v1") == r.leshan {
		http.NotFound(w, req)
		return
	}
	if part[1] == "v1" {
		part = part[1:]
	}
	switch part[1] {
	case "server":
		r.mu.Lock()
		fmt.Fprintf(w, `{"counters":{"notifications":%d}}`, r.told)
		r.mu.Unlock()
	case "credentials", "security":
		r.credentials(w, req)
	case "event", "events":
		r.stream(w, req)
	case "clients":
		path := lwm2m.MustPath("/3/0/9")
		kind := server.Read
		if req.Method == "POST" {
			path, kind = lwm2m.MustPath("/3303/0/5700"), server.Observe
		}
		out := r.do(part[2], &server.Operation{Kind: kind, Path: path})
		if out.Err != nil {
			http.Error(w, out.Err.Error(), http.StatusGatewayTimeout)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"status": "answered", "code": out.Code.String(), "success": true})
	default:
		http.NotFound(w, req)
	}
}

func (r *rig) credentials(w http.ResponseWriter, req *http.Request) {
	var items []heddleCredential
	switch {
	case req.Method == "DELETE":
		r.mu.Lock()
		delete(r.keys, req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:])
		r.mu.Unlock()
	case r.leshan:
		var in struct {
			Endpoint string
			TLS      struct {
				Mode    string
				Details struct{ Identity, Key string }
			}
		}
		json.NewDecoder(req.Body).Decode(&in)
		items = append(items, heddleCredential{in.Endpoint, in.TLS.Mode, in.TLS.Details.Identity, in.TLS.Details.Key})
	default:
		var in struct{ Items []heddleCredential }
		json.NewDecoder(req.Body).Decode(&in)
		items = in.Items
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range items {
		key, err := hex.DecodeString(c.Key)
		if err != nil || c.Mode != "psk" {
			http.Error(w, "bad", http.StatusUnprocessableEntity)
			return
		}
		r.keys[c.Identity] = server.Credential{Endpoint: c.Endpoint, Identity: c.Identity, Key: key, Mode: machine.PSK}
	}
	io.WriteString(w, "{}")
}

func (r *rig) stream(w http.ResponseWriter, req *http.Request) {
	c := make(chan string, 100_000)
	r.mu.Lock()
	r.events[c] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.events, c)
		r.mu.Unlock()
	}()
	w.WriteHeader(200)
	w.(http.Flusher).Flush()
	name := "value"
	if r.leshan {
		name = "NOTIFICATION"
	}
	for {
		select {
		case <-req.Context().Done():
			return
		case <-c:
			fmt.Fprintf(w, "id: 1\nevent: %s\ndata: {}\n\n", name)
			if len(c) == 0 {
				w.(http.Flusher).Flush()
			}
		}
	}
}

func (r *rig) options(scheme string) Options {
	return Options{
		Server: fmt.Sprintf("%s://127.0.0.1:%d", scheme, r.port), REST: r.http.URL, API: "auto", Phases: Phases, Clients: 40, Sockets: 4,
		Concurrency: 8, Duration: 150 * time.Millisecond, Observed: 10, Rate: 500, Prefix: "load-", Lifetime: time.Hour, PID: os.Getpid(),
	}
}

func TestAllPhases(t *testing.T) {
	for _, c := range []struct {
		scheme string
		leshan bool
	}{{"coap", false}, {"coap", true}, {"coaps", false}, {"coaps", true}} {
		t.Run(fmt.Sprintf("%s/leshan=%v", c.scheme, c.leshan), func(t *testing.T) {
			secure := c.scheme == "coaps"
			r := newRig(t, secure, c.leshan)
			report, err := Run(context.Background(), r.options(c.scheme))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			report.Write(&out)
			t.Log("\n" + out.String())
			want := []string{"register", "update", "read, 1 at a time", "read, 8 at a time", "notify, CON", "notify, NON at 500/s", "deregister"}
			if secure {
				want = append([]string{"credentials", "handshake+register"}, want[1:]...)
			}
			var names []string
			for _, p := range report.Phases {
				names = append(names, p.Name)
				if p.Operations == 0 || p.Errors != 0 || p.Rate <= 0 || p.ServerMB <= 0 {
					t.Errorf("%+v", p)
				}
				if strings.HasPrefix(p.Name, "notify") && p.Seen != p.Operations {
					t.Errorf("%s: the listener saw %d of %d", p.Name, p.Seen, p.Operations)
				}
				if strings.HasPrefix(p.Name, "notify") && !c.leshan && (p.Counted == nil || *p.Counted != p.Operations) {
					t.Errorf("%s: the server counted %v of %d", p.Name, p.Counted, p.Operations)
				}
			}
			if !slices.Equal(names, want) {
				t.Errorf("phases %q, want %q", names, want)
			}
			if report.API != map[bool]string{false: "heddle", true: "leshan"}[c.leshan] {
				t.Errorf("API %q", report.API)
			}
			r.mu.Lock()
			if r.max != 40 || len(r.keys) != 0 {
				t.Errorf("%d registrations, %d credentials left", r.max, len(r.keys))
			}
			r.mu.Unlock()
			r.owner.Do(func(machine.Time) {
				n := 0
				r.srv.Each(func(*server.Registration, machine.Time) { n++ })
				if n != 0 {
					t.Errorf("%d registrations left", n)
				}
			})
		})
	}
}

// Devices on addresses of their own are for IPv4 loopback; elsewhere each has a socket.
func TestIPv6(t *testing.T) {
	r := newRigAt(t, "[::1]:0", false, false)
	o := r.options("coap")
	o.Server = fmt.Sprintf("coap://[::1]:%d", r.port)
	report, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if report.Sockets != o.Clients || len(report.Phases) != 7 {
		t.Errorf("%+v", report)
	}
	for _, p := range report.Phases {
		if p.Operations == 0 || p.Errors > 0 {
			t.Errorf("%+v", p)
		}
	}
}

// One key for all that the server knows needs no REST.
func TestGivenKey(t *testing.T) {
	r := newRig(t, true, false)
	o := r.options("coaps")
	o.REST, o.Key = "", []byte("0123456789abcdef")
	for i := range o.Clients {
		e := endpointName(o.Prefix, i)
		r.mu.Lock()
		r.keys[e] = server.Credential{Endpoint: e, Identity: e, Key: o.Key, Mode: machine.PSK}
		r.mu.Unlock()
	}
	report, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Phases) != 3 || len(report.Notes) != 2 {
		t.Errorf("%+v", report)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) != o.Clients || len(r.calls) != 0 {
		t.Errorf("%d keys left, calls %v", len(r.keys), r.calls)
	}
}

// Who stops the measurement leaves nothing behind on the server.
func TestInterrupted(t *testing.T) {
	r := newRig(t, true, false)
	o := r.options("coaps")
	o.Duration = time.Hour
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("enough")
	o.Progress = func(p Progress) {
		if p.Phase == "update" && p.Done > 0 {
			cancel(stop)
		}
	}
	o.PID = 0
	if _, err := Run(ctx, o); !errors.Is(err, stop) {
		t.Errorf("Run: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.keys) != 0 {
		t.Errorf("%d credentials left", len(r.keys))
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	r := newRig(t, false, false)
	secure := newRig(t, true, false)
	for _, c := range []struct {
		name   string
		change func(o *Options)
		want   string
	}{
		{"not an address", func(o *Options) { o.Server = "127.0.0.1" }, "is not a server's address"},
		{"remote", func(o *Options) { o.Server = "coap://192.0.2.1" }, "--allow-remote"},
		{"remote REST", func(o *Options) { o.REST = "http://192.0.2.1:8080" }, "--allow-remote"},
		{"no phase", func(o *Options) { o.Phases = []string{"register", "dance"} }, `there is no phase "dance"`},
		{"nothing registered", func(o *Options) { o.Phases = []string{"update"} }, "the first of --phases must be register"},
		{"no clients", func(o *Options) { o.Clients = 0 }, "--clients must be at least 1"},
		{"no REST there", func(o *Options) { o.REST = "http://127.0.0.1:1" }, "the REST interface does not answer"},
		{"no process", func(o *Options) { o.PID = 1 << 30 }, "there is no process"},
		{"keys without REST", func(o *Options) { o.Server = "coaps://127.0.0.1"; o.REST = "" }, "--key"},
		{"wrong key", func(o *Options) {
			o.Server, o.REST, o.Key = fmt.Sprintf("coaps://127.0.0.1:%d", secure.port), "", []byte("wrong")
			o.Clients, o.Phases = 1, []string{"register"}
		}, "no device could register"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := r.options("coap")
			c.change(&o)
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			if _, err := Run(ctx, o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// The histogram against a sorted list: within its resolution of 1/32.
func TestHistogram(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h, half histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(1) << rng.IntN(36)
		d += time.Duration(rng.Int64N(int64(d)))
		all = append(all, d)
		if i%2 == 0 {
			h.add(d)
		} else {
			half.add(d)
		}
	}
	h.merge(&half)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.9999, 1} {
		want := all[min(int(q*10_000), 9_999)]
		if got := h.quantile(q); got < want || float64(got) > float64(want)*(1+1.0/32)+1 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	for b := range 1000 {
		if got := bucketOf(bucketEnd(b)); got != b {
			t.Fatalf("the end of bucket %d is in bucket %d", b, got)
		}
		if got := bucketOf(bucketEnd(b) + 1); got != b+1 {
			t.Fatalf("what follows bucket %d is in bucket %d", b, got)
		}
	}
}

func TestBar(t *testing.T) {
	var out bytes.Buffer
	b := NewBar(&out)
	b.Show(Progress{Phase: "register", Done: 5, Total: 10, Rate: 100, Elapsed: time.Second})
	b.Clear()
	line := "register             [############............]  50 %  100/s  1s"
	if got := out.String(); got != "\r"+line+"\r"+strings.Repeat(" ", len(line))+"\r" {
		t.Errorf("%q", got)
	}
}
