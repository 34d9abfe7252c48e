package fleet

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// rig is a fleet that is fed by a real server machine.
type rig struct {
	*Fleet
	t     testing.TB
	hub   *stream.Hub
	srv   *server.Server
	now   machine.Time
	peers uint16
	watch []string
}

func newRig(t testing.TB) *rig {
	r := &rig{t: t, hub: stream.NewHub(stream.Options{Epoch: 1, Cells: time.Millisecond}), now: 1_790_000_000_000_000_000}
	reg := registry.Builtin()
	r.Fleet = New(Options{Hub: r.hub, Registry: func() *registry.Registry { return reg }, Now: func() machine.Time { return r.now },
		Watch: func(ep string, on bool) { r.watch = append(r.watch, fmt.Sprint(ep, " ", on)) }})
	r.srv = server.New(server.Config{Rand: machinetest.NewRand(1), Unknown: server.AcceptUnknown})
	r.srv.Started(r.now)
	return r
}

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
	r.srv.Receive(r.now, 1, machine.Path{Local: netip.MustParseAddrPort("[::1]:5683"), Remote: netip.AddrPortFrom(netip.MustParseAddr("::ffff:198.51.100.7"), 10_000+r.peers)}, b)
	r.drain()
	reg := r.Registration(endpoint)
	if reg == nil {
		r.t.Fatalf("%s did not register", endpoint)
	}
	return reg
}

func (r *rig) drain() {
	for a, ok := r.srv.Next(); ok; a, ok = r.srv.Next() {
		switch a.Kind {
		case machine.Persist:
			r.srv.Persisted(r.now, a.Seq)
		case machine.Event:
			r.Take(a.Value)
		}
	}
}

// advance lets time pass on the server as well.
func (r *rig) advance(d time.Duration) {
	end := r.now.Add(d)
	for at := r.srv.Deadline(); at <= end; at = r.srv.Deadline() {
		r.now = max(r.now, at)
		if r.srv.Expire(r.now); r.srv.Stats().Expired > 0 {
			r.t.Fatal("expired")
		}
		r.drain()
	}
	r.now = end
}

var p = lwm2m.MustPath

func TestKinds(t *testing.T) {
	r := newRig(t)
	for links, want := range map[string]string{
		`</1/0>,</3/0>`: "Device", `</1/0>,</3/0>,</3303/0>`: "Temperature", `</3/0>,</6/0>`: "Location", `</3/0>,</6/0>,</3311/0>`: "Light Control",
		`</1/0>,</3/0>,</4/0>,</31024/10>`: "LWM2M Test", `</3/0>,</61234/0>`: "Device",
	} {
		ep := fmt.Sprint("d", len(links))
		r.register(ep, links)
		if c, _ := r.Client(ep, false); !strings.HasPrefix(c.Kind, want) {
			t.Errorf("%s is a %q, want %q", links, c.Kind, want)
		}
	}
}

func TestStates(t *testing.T) {
	r := newRig(t)
	r.register("lamp", `</3/0>`)
	r.register("door", `</3/0>`, "Q")
	state := func() string {
		a, _ := r.Client("lamp", false)
		b, _ := r.Client("door", false)
		r.counts.until = time.Time{}
		return fmt.Sprint(a.State, " ", b.State, " ", r.Counts())
	}
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{
		{0, "awake awake {2 0 0 2}"}, {92 * time.Second, "awake awake {2 0 0 2}"}, {2 * time.Second, "awake asleep {1 1 0 2}"}, {207 * time.Second, "late late {0 0 2 2}"},
	} {
		r.advance(tt.after)
		if got := state(); got != tt.want {
			t.Errorf("%v later: %s, want %s", tt.after, got, tt.want)
		}
	}
	r.Take(&server.Updated{Registration: r.Registration("door"), At: r.now})
	r.Take(&server.Presence{Endpoint: "door", Awake: true, Window: time.Minute, Until: r.now.Add(time.Minute), At: r.now})
	if c, _ := r.Client("door", false); !c.Awake || c.AwakeUntil != Time(r.now.Add(time.Minute)) {
		t.Errorf("%+v", c)
	}
	if got := state(); got != "late awake {1 0 1 2}" {
		t.Errorf("after an Update: %s", got)
	}
	if c, _ := r.Client("lamp", false); c.Address != "198.51.100.7:10001" {
		t.Errorf("an IPv4 address is written %s", c.Address)
	}
}

func TestValues(t *testing.T) {
	r := newRig(t)
	r.register("lamp", `</3/0>`)
	battery := func(n int64, at machine.Time) {
		r.Values("lamp", []lwm2m.Entry{{Path: p("/3/0/9"), Value: lwm2m.Int(n)}}, at, "notify", "1")
	}
	battery(80, r.now)
	battery(79, r.now.Add(time.Second))
	battery(81, r.now.Add(-time.Second)) // late, and older
	c, _ := r.Client("lamp", false)
	if c.Battery == nil || *c.Battery != 79 {
		t.Errorf("battery %v", c.Battery)
	}
	if k := r.Known("lamp"); len(k) != 1 || k[0].Source != "notify" {
		t.Errorf("known %v", k)
	}
	if s := r.Series("lamp", p("/3/0/9"), 0); len(s) != 3 || s[0].Value != 80 {
		t.Errorf("series %v", s)
	}
	if s := r.Series("lamp", p("/3/0/9"), r.now.Add(time.Second)); len(s) != 1 {
		t.Errorf("series from an instant on: %v", s)
	}
	for i := range 2 * pointsMost {
		battery(int64(i), r.now.Add(time.Minute+time.Duration(i)*time.Second))
	}
	if s := r.Series("lamp", p("/3/0/9"), 0); len(s) != pointsMost || s[0].Value != pointsMost || s[pointsMost-1].Value != 2*pointsMost-1 {
		t.Errorf("a full series has %d points, from %v", len(s), s[0])
	}
	// A device that reports more than we remember costs no more.
	for i := range 70 {
		var e []lwm2m.Entry
		for j := range 20 {
			e = append(e, lwm2m.Entry{Path: lwm2m.NewPath(9999, uint16(i), uint16(j)), Value: lwm2m.Str("x")})
		}
		r.Values("lamp", e, r.now, "read", "")
	}
	if k := r.Known("lamp"); len(k) != valuesMost {
		t.Errorf("%d values are known, the limit is %d", len(k), valuesMost)
	}
	r.Deleted("lamp", p("/9999"))
	if k := r.Known("lamp"); len(k) != 1 {
		t.Errorf("after the object was deleted: %v", k)
	}
}

// A device may send a float that JSON has no number for; nothing breaks.
func TestNotANumber(t *testing.T) {
	r := newRig(t)
	r.register("lamp", `</3/0>`)
	reader, _ := r.hub.Follow(nil)
	defer reader.Close()
	for _, f := range []float64{math.NaN(), math.Inf(1)} {
		r.Values("lamp", []lwm2m.Entry{{Path: p("/3/0/9"), Value: lwm2m.Num(f)}}, r.now, "notify", "1")
		c, _ := r.Client("lamp", false)
		if _, err := json.Marshal(c); err != nil || c.Battery != nil {
			t.Errorf("%v: battery %v, %v", f, c.Battery, err)
		}
		if s := r.Series("lamp", p("/3/0/9"), 0); len(s) != 0 {
			t.Errorf("%v: series %v", f, s)
		}
		events, err := reader.Next(t.Context())
		if err != nil || !json.Valid(events[0].Data()) {
			t.Errorf("%v: event %s %v", f, events[0].Data(), err)
		}
	}
}

// A registration that ends after its endpoint has registered anew does not take the new one away.
func TestOldEndDoesNotTakeTheNewOne(t *testing.T) {
	r := newRig(t)
	old := r.register("lamp", `</3/0>`)
	r.register("lamp", `</3/0>,</3311/0>`)
	r.Take(&server.Deregistered{Registration: old, Reason: server.Expired, At: r.now})
	if r.Registration("lamp") == nil {
		t.Fatal("the new registration is gone")
	}
	r.Take(&server.Deregistered{Registration: r.Registration("lamp"), Reason: server.Expired, At: r.now})
	if r.Len() != 0 || !r.Seen("lamp") || r.Seen("other") {
		t.Errorf("%d registered, seen %v", r.Len(), r.Seen("lamp"))
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	r.Take(&server.Refused{Endpoint: "lamp", Why: "no credentials", At: r.now})
	r.Take(&server.Refused{Identity: "id", Why: "wrong key", At: r.now.Add(time.Second)})
	if v, ok := r.LastRefusal("lamp", "id"); !ok || v.Reason != "wrong key" {
		t.Errorf("last refusal %v", v)
	}
	r.register("lamp", `</3/0>`)
	if v, _ := r.LastRefusal("lamp", "other"); v.Reason != "" {
		t.Errorf("after a registration: %v", v)
	}
	since := r.hub.Last()
	reader, _ := r.hub.Follow(&since)
	defer reader.Close()
	for i := range 2 * refusalsMost {
		r.Take(&server.Refused{Endpoint: fmt.Sprint("e", i), Why: "x", At: r.now})
	}
	if n := len(r.refusals.last); n > refusalsMost {
		t.Errorf("%d refusals are remembered, the limit is %d", n, refusalsMost)
	}
	if n := r.hub.Last().Seq - since.Seq; n > refusalsPerSecond {
		t.Errorf("a flood of refusals in one second made %d events", n)
	}
}

// say builds a message and returns what the log says about it.
func TestMessages(t *testing.T) {
	r := newRig(t)
	release, ok := r.Watch("lamp")
	if !ok {
		t.Fatal("not watched")
	}
	r.register("lamp", `</3/0>,</3303/0>`)
	token := coap.NewToken([]byte{1, 2, 3, 4})
	o := func() coap.Options { return nil }
	for _, tt := range []struct {
		m             coap.Message
		out           bool
		path, summary string
	}{
		{coap.Message{Type: coap.CON, Code: coap.POST, Options: o().AppendPath("/rd").SetFormat(coap.LinkFormat).AddQuery("ep=lamp").AddQuery("lt=300"), Payload: []byte("</3/0>")}, false, "/rd", "Register  ep=lamp lt=300"},
		{coap.Message{Type: coap.ACK, Code: coap.Created, Options: o().AppendLocation("/rd/x")}, true, "/rd/x", "Created"},
		{coap.Message{Type: coap.CON, Code: coap.POST, Options: o().AppendPath("/rd/x")}, false, "/rd/x", "Update"},
		{coap.Message{Type: coap.CON, Code: coap.DELETE, Options: o().AppendPath("/rd/x")}, false, "/rd/x", "Deregister"},
		{coap.Message{Type: coap.CON, Code: coap.GET, Token: token, Options: o().AppendPath("/3/0/0")}, true, "/3/0/0", "GET /3/0/0"},
		{coap.Message{Type: coap.ACK, Code: coap.Content, Token: token, Options: o().SetFormat(coap.Text), Payload: []byte("He\nddle")}, false, "/3/0/0", `/3/0/0 = "He·ddle"`},
		{coap.Message{Type: coap.CON, Code: coap.GET, Token: token, Options: o().AddUint(coap.Observe, 0).AppendPath("/3303/0/5700")}, true, "/3303/0/5700", "Observe /3303/0/5700"},
		{coap.Message{Type: coap.NON, Code: coap.Content, Token: token, Options: o().AddUint(coap.Observe, 12).SetFormat(coap.Text), Payload: []byte("21.37")}, false, "/3303/0/5700", "/3303/0/5700 = 21.37"},
		{coap.Message{Type: coap.CON, Code: coap.PUT, Token: token, Options: o().AppendPath("/3/0/14").SetFormat(coap.Text), Payload: []byte("+01:00")}, true, "/3/0/14", `PUT /3/0/14 = "+01:00"`},
		{coap.Message{Type: coap.ACK, Code: coap.NotFound, Token: token, Payload: []byte("no such thing")}, false, "/3/0/14", "Not Found: no such thing"},
		{coap.Message{Type: coap.CON, Code: coap.Content, Token: coap.NewToken([]byte{9}), Options: o().SetFormat(coap.TLV), Payload: []byte{0xc1, 9, 80}}, false, "", "3 bytes of tlv"},
		{coap.Message{Type: coap.ACK, Code: coap.Content, Token: token, Options: o().SetFormat(coap.SenMLJSON), Payload: []byte("{")}, false, "/3/0/14", "cannot be read"},
		{coap.Message{Type: coap.CON}, false, "", "ping"},
		{coap.Message{Type: coap.RST}, true, "", "rejected"},
	} {
		b, err := tt.m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Take(&server.Message{Endpoint: "lamp", Out: tt.out, Raw: b, At: r.now})
		list := r.Messages("lamp", 1)
		if len(list) != 1 {
			t.Fatal("nothing is in the log")
		}
		if m := list[0]; !strings.HasPrefix(m.Summary, tt.summary) || m.Path != tt.path || m.Out != tt.out || m.Size != len(b) {
			t.Errorf("%v %v: %q about %q, want %q about %q", tt.m.Type, tt.m.Code, m.Summary, m.Path, tt.summary, tt.path)
		}
	}
	r.Take(&server.Message{Endpoint: "lamp", Raw: []byte{0xff, 1}, At: r.now})
	if m := r.Messages("lamp", 1)[0]; !strings.HasPrefix(m.Summary, "not a CoAP message") || m.Payload != "ff01" {
		t.Errorf("garbage: %+v", m)
	}
	for range 2 * messagesMost {
		r.Take(&server.Message{Endpoint: "lamp", Raw: []byte{0x40, 0, 0, 1}, At: r.now})
	}
	if n := len(r.Messages("lamp", 10_000)); n > messagesMost {
		t.Errorf("%d messages are kept, the limit is %d", n, messagesMost)
	}
	release()
	release()
	r.Take(&server.Message{Endpoint: "other", Raw: []byte{0x40, 0, 0, 1}, At: r.now})
	if len(r.Messages("other", 10)) != 0 {
		t.Error("messages of a device that nobody watches are kept")
	}
	for i := range watchedMost + 5 {
		release, ok := r.Watch(fmt.Sprint("d", i))
		if !ok {
			t.Fatalf("device %d is not watched though the others were left", i)
		}
		release()
	}
	if n := len(r.Watched()); n != watchedMost {
		t.Errorf("%d devices are watched, the limit is %d", n, watchedMost)
	}
	if r.watch[0] != "lamp true" || r.watch[watchedMost] != "lamp false" && r.watch[watchedMost+1] != "lamp false" {
		t.Errorf("the shards were told %v", r.watch[:watchedMost+2])
	}
}

// FuzzDescribe: whatever a device sends, it can be shown.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte{0x40, 1, 0, 1}, []byte{0x44, 0x45, 0, 1, 1, 2, 3, 4, 0xc0, 0xff, 0x31})
	f.Add([]byte{0x44, 1, 0, 1, 1, 2, 3, 4, 0xb1, '3', 0x01, '0'}, []byte{0x64, 0x45, 0, 1, 1, 2, 3, 4, 0xc2, 0x2d, 0x16, 0xff, 0xc1, 9, 80})
	r := newRig(f)
	r.Watch("lamp")
	r.register("lamp", `</3/0>`)
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, raw := range [][]byte{a, b} {
			r.Take(&server.Message{Endpoint: "lamp", Raw: raw, At: r.now})
			m := r.Messages("lamp", 1)[0]
			out, err := json.Marshal(m)
			if err != nil || m.Summary == "" && m.Type != "" && m.Code != "0.00" {
				t.Fatalf("%x: %s %v", raw, out, err)
			}
			if strings.ContainsAny(m.Summary, "\x00\x1b\r") {
				t.Fatalf("%x: control characters in %q", raw, m.Summary)
			}
		}
	})
}

// Shards write while lists are read. Run with -race.
func TestConcurrently(t *testing.T) {
	r := newRig(t)
	var regs []*server.Registration
	for i := range 300 {
		regs = append(regs, r.register(fmt.Sprintf("d-%03d", i), `</3/0>`))
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				reg := regs[(i*7+w)%len(regs)]
				switch i % 4 {
				case 0:
					r.Take(&server.Updated{Registration: reg, At: r.now.Add(time.Duration(i))})
				case 1:
					r.Values(reg.Endpoint, []lwm2m.Entry{{Path: p("/3/0/9"), Value: lwm2m.Int(int64(i))}}, r.now, "notify", "1")
				case 2:
					r.Take(&server.Deregistered{Registration: reg, At: r.now})
				default:
					r.Take(&server.Registered{Registration: reg, At: r.now})
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				for q := (Query{Limit: 37, Object: -1, Text: "d-"}); ; {
					page := r.List(q)
					for i := 1; i < len(page.Items); i++ {
						if page.Items[i].Endpoint <= page.Items[i-1].Endpoint {
							t.Errorf("%s after %s", page.Items[i].Endpoint, page.Items[i-1].Endpoint)
						}
					}
					if page.Next == "" {
						break
					}
					q.After = page.Next
				}
				r.Counts()
			}
		})
	}
	wg.Wait()
}

func BenchmarkUpdated(b *testing.B) {
	r := newRig(b)
	e := &server.Updated{Registration: r.register("lamp", `</3/0>`), At: r.now}
	b.ReportAllocs()
	for b.Loop() {
		r.Take(e)
	}
}

// BenchmarkSearch is a search through 50,000 devices.
func BenchmarkSearch(b *testing.B) {
	r := newRig(b)
	reg := *r.register("lamp", `</3/0>`)
	for i := range 50_000 {
		x := reg
		x.Endpoint = fmt.Sprintf("device-%05d", i)
		r.Restored(&x, r.now)
	}
	for b.Loop() {
		if page := r.List(Query{Limit: 100, Object: -1, Text: "-4999"}); page.Matched != 10 {
			b.Fatal(page.Matched)
		}
	}
}
