package firmware

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/firmware"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/store"
)

// pack makes a package.
func pack(t testing.TB, version string, size int) []byte {
	t.Helper()
	image := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
	h := firmware.Header{Name: "lamp", Version: version, Image: uint64(size), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, image...)
}

// thing is a device with object 5, as the standard has it, without the network.
type thing struct {
	reg       *server.Registration
	away      bool
	asleep    bool
	state     int
	result    int
	version   string
	got       []byte
	method    int
	protocols []int64
	uri       string
	szx       uint8 // largest block
	fail      int   // the result that its downloads end with
	fails     int   // how often; 0: always
	installs  int   // result of an installation: 0 for success
	executed  int
	lost      int  // answers that get lost, of operations that were carried out
	cutAt     int  // goes away once so many bytes have come
	forgets   bool // does not fetch what it is told to
	stuck     bool // never ends an installation
	asks      []string
}

// world is the devices of a test.
type world struct {
	t  *testing.T
	mu sync.Mutex
	m  *Manager
	st store.Store

	things   map[string]*thing
	observed map[string][]lwm2m.Path
	dir      string
	config   func(*Config)
}

// hasty gives up on a device soon. Only tests of giving up want it: on a busy machine 300 ms are nothing.
func hasty(c *Config) {
	c.Patience.Installed, c.Patience.Stalled = 300*time.Millisecond, 300*time.Millisecond
}

func newWorld(t *testing.T, config func(*Config)) *world {
	w := &world{t: t, things: map[string]*thing{}, observed: map[string][]lwm2m.Path{}, st: store.Memory(), dir: t.TempDir(), config: config}
	w.start()
	t.Cleanup(func() { w.m.Close() })
	return w
}

// start is a start of the program, on what is stored.
func (w *world) start() {
	c := Config{Store: w.st, Dir: w.dir, Devices: w, Plain: true,
		Run: func(ctx context.Context, endpoint string, op *server.Operation) (*server.Outcome, error) {
			_, out, err := w.Do(ctx, endpoint, op)
			return out, err
		},
		Registration: func(e string) *server.Registration {
			w.mu.Lock()
			defer w.mu.Unlock()
			if d := w.things[e]; d != nil && !d.away {
				return d.reg
			}
			return nil
		},
		Asleep: func(e string) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.things[e].asleep
		},
		Endpoint: func(id string) (string, bool) { return id, true },
		BaseURI:  func(scheme string, _ *server.Registration) string { return scheme + "://192.0.2.1/fw/" },
		Patience: Patience{Poll: 10 * time.Millisecond, Backoff: time.Millisecond, Installed: time.Minute, Stalled: time.Minute},
	}
	if w.config != nil {
		w.config(&c)
	}
	m, err := Open(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.m = m
	w.mu.Unlock()
	m.Start()
}

// restart ends the program and starts it again.
func (w *world) restart() {
	w.m.Close()
	w.start()
}

// registration makes one that a real server machine has accepted.
func registration(t *testing.T, endpoint, links string) *server.Registration {
	t.Helper()
	s := server.New(server.Config{Rand: machinetest.NewRand(1), Unknown: server.AcceptUnknown})
	s.Started(1)
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Payload: []byte(links)}
	m.Options = m.Options.AppendPath("/rd").SetFormat(coap.LinkFormat).AddQuery("lwm2m=1.1").AddQuery("ep=" + endpoint)
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Receive(2, 1, machine.Path{Local: netip.MustParseAddrPort("[::1]:5683"), Remote: netip.MustParseAddrPort("[::1]:9")}, b)
	for a, ok := s.Next(); ok; a, ok = s.Next() {
		if r, ok := a.Value.(*server.Registered); ok {
			return r.Registration
		}
	}
	t.Fatal("not registered")
	return nil
}

func (w *world) add(endpoint string, change func(*thing)) *thing {
	d := &thing{reg: registration(w.t, endpoint, "</1/0>,</3/0>,</5/0>"), version: "1.0", method: 2, protocols: []int64{0, 1}, szx: 6}
	if change != nil {
		change(d)
	}
	w.things[endpoint] = d
	return d
}

// heard is a sign of life of a device.
func (w *world) heard(endpoint string, change func(*thing)) {
	w.mu.Lock()
	d := w.things[endpoint]
	if change != nil {
		change(d)
	}
	m := w.m
	w.mu.Unlock()
	m.Take(&server.Updated{Registration: d.reg})
}

func (w *world) Observations(endpoint string) (list []server.Observation, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.observed[endpoint] {
		list = append(list, server.Observation{Path: p})
	}
	return list, nil
}

// Do is one exchange with a device.
func (w *world) Do(ctx context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		return "", nil, ctx.Err()
	}
	d := w.things[endpoint]
	out := &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path}
	fail := func(err error) (string, *server.Outcome, error) { out.Err = err; return "", out, err }
	switch {
	case d.away:
		return fail(server.ErrUnknownEndpoint)
	case d.asleep:
		return fail(server.ErrTimeout)
	}
	if op.Block == nil {
		d.asks = append(d.asks, op.Kind.String()+" "+op.Path.String())
	}
	out.Code = d.serve(w, endpoint, op, out)
	if d.lost > 0 && op.Kind != server.Read {
		d.lost--
		out.Code = 0
		return fail(server.ErrTimeout)
	}
	return "", out, nil
}

func (d *thing) serve(w *world, endpoint string, op *server.Operation, out *server.Outcome) coap.Code {
	entry := func(p lwm2m.Path, v lwm2m.Value) { out.Entries = append(out.Entries, lwm2m.Entry{Path: p, Value: v}) }
	switch {
	case op.Kind == server.Read && op.Path == versionPath:
		entry(versionPath, lwm2m.Str(d.version))
		return coap.Content
	case op.Kind == server.Read && op.Path == object:
		entry(statePath, lwm2m.Int(int64(d.state)))
		entry(resultPath, lwm2m.Int(int64(d.result)))
		for i, p := range d.protocols {
			entry(protocolPath.Child(uint16(i)), lwm2m.Int(p))
		}
		entry(methodPath, lwm2m.Int(int64(d.method)))
		return coap.Content
	case op.Kind == server.Observe:
		w.observed[endpoint] = append(w.observed[endpoint], op.Path)
		return coap.Content
	case op.Kind == server.CancelObserve:
		w.observed[endpoint] = slices.DeleteFunc(w.observed[endpoint], func(p lwm2m.Path) bool { return p == op.Path })
		return coap.Content
	case op.Kind == server.Execute && d.state == downloaded:
		d.executed++
		if d.installs != 0 {
			d.result = d.installs
			return coap.Changed
		}
		d.state, d.result = updating, 0
		if d.stuck {
			return coap.Changed
		}
		go func() { // it reboots
			time.Sleep(20 * time.Millisecond)
			w.heard(endpoint, func(d *thing) { d.state, d.result, d.version, d.got = idle, 1, "2.0", nil })
		}()
		return coap.Changed
	case op.Kind == server.Write && op.Block != nil:
		return d.block(op.Block, out)
	case op.Kind == server.Write && op.Path == packagePath, op.Kind == server.Write && op.Entries[0].Value.Raw() == "":
		d.state, d.result, d.got, d.uri = idle, 0, nil, ""
		return coap.Changed
	case op.Kind == server.Write && op.Path == uriPath:
		d.uri, d.state, d.result = op.Entries[0].Value.Raw(), downloading, 0
		if r := d.failing(); r != 0 {
			d.state, d.result = idle, r
		} else if !d.forgets {
			go d.fetch(w, endpoint)
		}
		return coap.Changed
	}
	return coap.MethodNotAllowed
}

// failing returns the result with which this download is to fail, or 0.
func (d *thing) failing() (r int) {
	if r = d.fail; d.fails > 0 {
		if d.fails--; d.fails == 0 {
			d.fail = 0
		}
	}
	return r
}

func (d *thing) block(b *server.WriteBlock, out *server.Outcome) coap.Code {
	out.Block, out.HasBlock = coap.Block{Num: b.Block.Num, SZX: min(b.Block.SZX, d.szx)}, true
	offset := b.Block.Offset()
	switch {
	case b.Block.SZX > d.szx && offset == 0:
		return coap.RequestEntityTooLarge
	case offset == 0:
		if d.state != idle && d.state != downloading {
			return coap.MethodNotAllowed
		}
		d.state, d.result, d.got = downloading, 0, nil
	case offset > len(d.got) || d.state != downloading:
		return coap.RequestEntityIncomplete
	}
	d.got = append(d.got[:offset], b.Data...)
	if d.cutAt > 0 && len(d.got) >= d.cutAt {
		d.away, d.cutAt = true, 0
	}
	if b.Block.More {
		return coap.Continue
	}
	d.state = downloaded
	if r := d.failing(); r != 0 {
		d.state, d.result = idle, r
	}
	return coap.Changed
}

// fetch downloads the package by blocks, as a device over coap does.
func (d *thing) fetch(w *world, endpoint string) {
	w.mu.Lock()
	name := d.uri[len("coap://192.0.2.1/fw/"):]
	w.mu.Unlock()
	var got []byte
	for num := uint32(0); ; num++ {
		p := w.block(name, num)
		if p.Code != 0 {
			w.heard(endpoint, func(d *thing) { d.state, d.result = idle, 7 })
			return
		}
		if got = append(got, p.Data...); int64(len(got)) == p.Length {
			break
		}
	}
	w.heard(endpoint, func(d *thing) { d.state, d.got = downloaded, got })
}

// block asks for a block until it is answered, as CoAP's retransmission does: the program may be restarted meanwhile.
func (w *world) block(name string, num uint32) server.FilePart {
	for {
		w.mu.Lock()
		m := w.m
		w.mu.Unlock()
		answer := make(chan server.FilePart, 1)
		m.TakeFile(&server.FileRequest{Name: name, Block: coap.Block{Num: num, SZX: 6}}, func(p server.FilePart) { answer <- p })
		select {
		case p := <-answer:
			if p.Code != coap.ServiceUnavailable {
				return p
			}
		case <-time.After(100 * time.Millisecond):
		case <-w.t.Context().Done():
			return server.FilePart{Code: coap.ServiceUnavailable}
		}
	}
}

// package2 adds version 2.0.
func (w *world) package2(size int) *Package {
	w.t.Helper()
	p, err := w.m.Add(bytes.NewReader(pack(w.t, "2.0", size)), "", "", "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) begin(o Options) Update {
	w.t.Helper()
	u, err := w.m.Begin(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// until waits until an update is as ok says.
func (w *world) until(id, what string, ok func(u Update) bool) Update {
	w.t.Helper()
	var u Update
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); {
		var err error
		if u, err = w.m.Update(id, "", 1000); err != nil {
			w.t.Fatal(err)
		}
		if ok(u) {
			return u
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("the update waited in vain to be %s: %+v", what, u)
	return u
}

func ended(u Update) bool { return u.State != Running && u.Counts[Updating] == 0 }
