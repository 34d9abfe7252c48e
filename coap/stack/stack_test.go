package stack

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/sim"
)

var (
	serverAddr = netip.MustParseAddr("192.0.2.1")
	clientAddr = netip.MustParseAddr("10.0.0.2")     // behind a NAT
	natAddr    = netip.MustParseAddr("198.51.100.1") // its outside
	key        = []byte("0123456789abcdef")
)

// bed is a server and a client behind a NAT on a simulated network.
type bed struct {
	t              *testing.T
	w              *sim.World
	net            *sim.Network // of the server
	nat            *sim.NAT
	server, client *Stack
	sn, cn         *sim.Node
	session        uint64 // of the client
	path           machine.Path
	log            []string
	taps           []string
	renamed        machine.Cause // what the tap returns
	incoming       func(now machine.Time, a machine.Action, in *endpoint.Incoming)
	responses      map[machine.OpID]endpoint.Response
	notes          []string
	closed         int
	sub            endpoint.Subscription
}

func port(a netip.Addr, secure bool) netip.AddrPort {
	if secure {
		return netip.AddrPortFrom(a, 5684)
	}
	return netip.AddrPortFrom(a, 5683)
}

func (b *bed) newServer() *Stack {
	return New(Config{Rand: b.w.Rand("server"), Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 },
		DTLS: &dtls.Config{CIDLen: 8, Durable: true, PSK: func(id []byte) ([]byte, bool) { return key, string(id) == "dev" }}})
}

func newBed(t *testing.T, seed uint64, link sim.LinkConfig) *bed {
	b := &bed{t: t, w: sim.New(seed), responses: map[machine.OpID]endpoint.Response{}}
	b.net = b.w.Network("net", link)
	inside := b.w.Network("inside", sim.LinkConfig{})
	b.nat = b.w.NAT(inside, b.net, natAddr, time.Hour)
	b.sn, b.cn = b.w.Node("server", b.net, serverAddr), b.w.Node("client", inside, clientAddr)
	b.server = b.newServer()
	b.client = New(Config{Rand: b.w.Rand("client"), DTLS: &dtls.Config{MaxFragment: 512},
		Tap: func(d Direction, _ machine.Cause, p machine.Path, m []byte) machine.Cause {
			b.taps = append(b.taps, fmt.Sprintf("%d %v %x", d, p.Security != nil, m[:2]))
			return b.renamed
		}})
	b.sn.OnAction = b.onServer
	b.cn.OnAction = b.onClient
	b.sn.Boot(b.server)
	b.cn.Boot(b.client)
	return b
}

func (b *bed) onServer(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *endpoint.Incoming:
		if b.incoming != nil {
			b.incoming(now, a, v)
			return
		}
		who := "plain"
		if a.Path.Security != nil {
			who = a.Path.Security.Name
		}
		b.server.Begin(now)
		b.server.Endpoint().Respond(now, a.Cause, v.Exchange, &endpoint.Reply{Code: coap.Content,
			Payload: fmt.Appendf(nil, "%s %s %d", who, v.Options.Path(), len(v.Payload))}, 0)
	case *endpoint.Response:
		v2 := *v
		v2.Payload = append([]byte(nil), v.Payload...)
		b.responses[a.Op+1000] = v2
	case *dtls.Moved:
		b.log = append(b.log, fmt.Sprintf("moved %v > %v", v.Old.Remote, v.New.Remote))
	case *dtls.Fresh:
		b.log = append(b.log, "fresh")
	}
}

func (b *bed) onClient(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *dtls.Established:
		b.session, b.path = v.Session, v.Path
	case *dtls.Closed:
		b.closed++
	case *endpoint.Response:
		v2 := *v
		v2.Payload = append([]byte(nil), v.Payload...)
		b.responses[a.Op] = v2
	case *endpoint.Notification:
		b.notes = append(b.notes, fmt.Sprintf("%s %v", v.Payload, v.Err))
	case *endpoint.Incoming:
		b.client.Begin(now)
		if v.Observe == 0 {
			b.sub = b.client.Endpoint().Accept(now, v.Exchange)
		}
		b.client.Endpoint().Respond(now, a.Cause, v.Exchange, &endpoint.Reply{Code: coap.Content, Payload: []byte("of the device")}, 0)
	}
}

func (b *bed) dial() {
	b.cn.Do(func(now machine.Time) {
		b.client.Begin(now)
		b.client.DTLS().Dial(now, 1, machine.Path{Local: netip.AddrPortFrom(clientAddr, 40000), Remote: port(serverAddr, true)},
			dtls.ClientConfig{Identity: "dev", Key: key})
	})
	if !b.w.RunUntil(func() bool { return b.session != 0 }, time.Minute) {
		b.t.Fatalf("seed %d: no session\n%s", b.w.Seed(), strings.Join(b.w.Transcript(), "\n"))
	}
}

func (b *bed) request(r *endpoint.Request, path machine.Path) (op machine.OpID) {
	b.cn.Do(func(now machine.Time) {
		b.client.Begin(now)
		op = b.client.Endpoint().Request(now, 2, path, r)
	})
	return op
}

func (b *bed) await(op machine.OpID) endpoint.Response {
	b.t.Helper()
	if !b.w.RunUntil(func() bool { _, ok := b.responses[op]; return ok }, 5*time.Minute) {
		b.t.Fatalf("seed %d: operation %d has no result\n%s", b.w.Seed(), op, strings.Join(b.w.Transcript(), "\n"))
	}
	return b.responses[op]
}

func get(path string) *endpoint.Request {
	return &endpoint.Request{Code: coap.GET, Options: coap.Options{}.AppendPath(path)}
}

// What the tap returns is the cause of what goes out, plain or sealed.
func TestTapRenames(t *testing.T) {
	for _, c := range []struct {
		secure        bool
		renamed, want machine.Cause
	}{{false, 0, 2}, {false, 77, 77}, {true, 0, 2}, {true, 77, 77}} {
		b := newBed(t, 1, sim.LinkConfig{})
		b.dial()
		path := machine.Path{Local: netip.AddrPortFrom(clientAddr, 40000), Remote: port(serverAddr, false)}
		if c.secure {
			path = b.path
		}
		b.renamed = c.renamed
		b.cn.Do(func(now machine.Time) {
			b.client.Begin(now)
			b.client.Endpoint().Request(now, 2, path, get("/a"))
			sends := 0
			for a, ok := b.client.Next(); ok; a, ok = b.client.Next() {
				if a.Kind != machine.Send {
					continue
				}
				if sends++; a.Cause != c.want {
					t.Errorf("%+v: cause %d", c, a.Cause)
				}
			}
			if sends != 1 {
				t.Errorf("%+v: %d datagrams", c, sends)
			}
		})
	}
}

// One server, one client, one socket at the client: plain and secure at once, and the tap sees both in plaintext.
func TestPlainAndSecure(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	plain := machine.Path{Local: netip.AddrPortFrom(clientAddr, 40000), Remote: port(serverAddr, false)}
	if r := b.await(b.request(get("/a"), plain)); r.Err != nil || string(r.Payload) != "plain /a 0" {
		t.Errorf("plain: %q %v", r.Payload, r.Err)
	}
	b.dial()
	if r := b.await(b.request(get("/b"), b.path)); r.Err != nil || string(r.Payload) != "dev /b 0" {
		t.Errorf("secure: %q %v", r.Payload, r.Err)
	}
	want := []string{"1 false 4801", "0 false 6845", "1 true 4801", "0 true 6845"}
	if fmt.Sprint(b.taps) != fmt.Sprint(want) {
		t.Errorf("tapped %v, want %v", b.taps, want)
	}
	// A DTLS record on the plain port is no CoAP, CoAP on the secure port is no DTLS.
	b.net.Inject(netip.AddrPortFrom(natAddr, 9), port(serverAddr, false), []byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	b.net.Inject(netip.AddrPortFrom(natAddr, 9), port(serverAddr, true), []byte{0x40, 1, 0, 1})
	sent := b.net.Stats().Sent
	b.w.RunFor(time.Second)
	if b.net.Stats().Sent != sent || b.server.Endpoint().Stats().Ignored != 1 {
		t.Errorf("the wrong protocol on a port: %d datagrams, %+v", b.net.Stats().Sent-sent, b.server.Endpoint().Stats())
	}
}

// Blocks get so small that max_fragment_length 512 carries them, both ways.
func TestBlocksFitFragments(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	b.dial()
	r := b.await(b.request(&endpoint.Request{Code: coap.PUT, Options: coap.Options{}.AppendPath("/big"), Payload: make([]byte, 3000)}, b.path))
	if r.Err != nil || string(r.Payload) != "dev /big 3000" {
		t.Errorf("%q %v", r.Payload, r.Err)
	}
	b.incoming = func(now machine.Time, a machine.Action, in *endpoint.Incoming) {
		b.server.Begin(now)
		b.server.Endpoint().Respond(now, a.Cause, in.Exchange, &endpoint.Reply{Code: coap.Content, Payload: make([]byte, 3000)}, 0)
	}
	if r := b.await(b.request(get("/big"), b.path)); r.Err != nil || len(r.Payload) != 3000 {
		t.Errorf("%d bytes, %v", len(r.Payload), r.Err)
	}
	if n := b.client.Stats().NotSent + b.server.Stats().NotSent; n != 0 {
		t.Errorf("%d messages did not fit", n)
	}
}

// The client's address changes: the server challenges the new one by a ping, adopts it, and what was under way goes on:
// a separate response, an observation, a request of the server's own.
func TestMove(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	b.dial()
	var waiting endpoint.Exchange
	b.incoming = func(now machine.Time, a machine.Action, in *endpoint.Incoming) {
		b.server.Begin(now)
		switch in.Options.Path() {
		case "/slow":
			waiting = in.Exchange
		case "/obs":
			b.sub = b.server.Endpoint().Accept(now, in.Exchange)
			fallthrough
		default:
			b.server.Endpoint().Respond(now, a.Cause, in.Exchange, &endpoint.Reply{Code: coap.Content, Payload: []byte("v0")}, 0)
		}
	}
	r := get("/obs")
	r.Observe = true
	if r := b.await(b.request(r, b.path)); !r.Observing {
		t.Fatalf("not observing: %+v", r)
	}
	slow := b.request(get("/slow"), b.path)
	b.w.RunFor(time.Second)
	b.nat.Forget()
	if r := b.await(b.request(get("/after"), b.path)); r.Err != nil {
		t.Fatalf("after the move: %v", r.Err)
	}
	b.w.RunFor(time.Second)
	if len(b.log) != 1 || b.log[0] != "moved 198.51.100.1:20001 > 198.51.100.1:20002" {
		t.Errorf("moves: %v", b.log)
	}
	b.sn.Do(func(now machine.Time) {
		b.server.Begin(now)
		b.server.Endpoint().Respond(now, 9, waiting, &endpoint.Reply{Code: coap.Content, Payload: []byte("at last")}, 0)
		b.server.Endpoint().Notify(now, 9, b.sub, &endpoint.Reply{Code: coap.Content, Payload: []byte("v1")}, true)
	})
	if r := b.await(slow); string(r.Payload) != "at last" {
		t.Errorf("separate response: %q %v", r.Payload, r.Err)
	}
	b.w.RunFor(time.Second)
	if fmt.Sprint(b.notes) != "[v1 <nil>]" {
		t.Errorf("notifications: %v", b.notes)
	}
	if s := b.server.Endpoint().Stats(); s.Retransmissions+s.WrongSession+s.UnknownToken != 0 {
		t.Errorf("%+v", s)
	}
}

// An address that never answers is not adopted: somebody replays the client's newest record from elsewhere.
func TestSpoofedMove(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	b.dial()
	var last []byte
	b.net.Tap(func(_ machine.Time, from, _ netip.AddrPort, d []byte) {
		if from.Addr() == natAddr {
			last = append(last[:0], d...)
		}
	})
	b.net.Filter = func(from, _ netip.AddrPort, _ []byte) sim.Verdict {
		if from.Addr() == natAddr {
			return sim.Drop // the attacker is in between and keeps the original
		}
		return sim.Chance
	}
	op := b.request(get("/a"), b.path)
	b.w.RunFor(time.Second)
	evil := netip.MustParseAddrPort("203.0.113.66:666")
	var towards int
	b.net.Tap(func(_ machine.Time, _, to netip.AddrPort, d []byte) {
		if to == evil {
			towards += len(d)
		}
	})
	b.net.Inject(evil, port(serverAddr, true), last)
	size := len(last)
	b.w.RunFor(time.Second)
	b.net.Filter = nil
	if r := b.await(op); r.Err != nil {
		t.Errorf("the client's own repetition: %v", r.Err)
	}
	b.w.RunFor(2 * time.Minute)
	if len(b.log) != 0 {
		t.Errorf("moves: %v", b.log)
	}
	if towards > 3*size {
		t.Errorf("%d bytes to an address that sent %d", towards, size)
	}
}

// The server crashes and comes back with the session from its disk: the client's next request is answered without a
// handshake, and the session is proved fresh by a ping.
func TestRestart(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	b.dial()
	b.await(b.request(get("/before"), b.path))
	b.w.RunFor(time.Second)
	handshakes := 0
	b.net.Tap(func(_ machine.Time, _, _ netip.AddrPort, d []byte) {
		if d[0] == 22 {
			handshakes++
		}
	})
	b.sn.Crash()
	b.server = b.newServer()
	if err := b.sn.Disk().Load(dtls.SessionTable, func(k, v []byte) error {
		return b.server.DTLS().Restore(b.w.Now(), k, v)
	}); err != nil {
		t.Fatal(err)
	}
	b.sn.Boot(b.server)
	if r := b.await(b.request(get("/after"), b.path)); r.Err != nil || string(r.Payload) != "dev /after 0" {
		t.Errorf("%q %v", r.Payload, r.Err)
	}
	b.w.RunFor(time.Minute)
	if handshakes != 0 || fmt.Sprint(b.log) != "[fresh]" {
		t.Errorf("%d handshake records, %v", handshakes, b.log)
	}
}

// The session ends: what is under way with it ends, too.
func TestClosed(t *testing.T) {
	b := newBed(t, 1, sim.LinkConfig{})
	b.dial()
	b.incoming = func(now machine.Time, a machine.Action, in *endpoint.Incoming) {
		b.server.Begin(now)
		b.server.Endpoint().AckNow(now, in.Exchange)
	}
	op := b.request(get("/never"), b.path)
	b.w.RunFor(time.Second)
	b.sn.Do(func(now machine.Time) {
		b.server.Begin(now)
		b.server.DTLS().Invalidate(now, 3, "dev")
	})
	if r := b.await(op); !errors.Is(r.Err, endpoint.ErrClosed) || b.closed != 1 {
		t.Errorf("%v, closed %d", r.Err, b.closed)
	}
	if s := b.server.Endpoint().Stats(); s.Exchanges != 0 {
		t.Errorf("%+v", s)
	}
	op = b.request(get("/closed"), b.path) // nothing leaves, and the request ends all the same
	if r := b.await(op); r.Err == nil || b.client.Stats().NotSent == 0 {
		t.Errorf("%v, %+v", r.Err, b.client.Stats())
	}
}

// Over a bad link, with address changes, every request is answered or reported, once, and the same seed gives the same
// transcript.
func TestBadLink(t *testing.T) {
	run := func(seed uint64) []string {
		b := newBed(t, seed, sim.LinkConfig{})
		b.dial()
		b.net.SetLink(sim.LinkConfig{Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, DelayMin: 5 * time.Millisecond, DelayMax: 80 * time.Millisecond})
		executed := map[string]int{}
		b.incoming = func(now machine.Time, a machine.Action, in *endpoint.Incoming) {
			b.server.Begin(now)
			executed[string(in.Payload)]++
			b.server.Endpoint().Respond(now, a.Cause, in.Exchange, &endpoint.Reply{Code: coap.Changed, Remember: true}, 0)
		}
		var ops []machine.OpID
		for i := range 60 {
			ops = append(ops, b.request(&endpoint.Request{Code: coap.POST, Options: coap.Options{}.AppendPath("/x"),
				Payload: fmt.Appendf(nil, "request %d", i), Timeout: time.Hour}, b.path))
			b.w.RunFor(700 * time.Millisecond)
			if i%20 == 10 {
				b.nat.Forget()
			}
		}
		good := 0
		for i, op := range ops {
			if r := b.await(op); r.Err == nil {
				if good++; executed[fmt.Sprintf("request %d", i)] == 0 {
					t.Errorf("seed %d: request %d was answered and never ran", seed, i)
				}
			}
		}
		if good < 50 {
			t.Errorf("seed %d: only %d of 60 answered", seed, good)
		}
		for p, n := range executed {
			if n != 1 {
				t.Errorf("seed %d: %q ran %d times", seed, p, n)
			}
		}
		b.w.RunFor(10 * time.Minute)
		for _, s := range []endpoint.Stats{b.server.Endpoint().Stats(), b.client.Endpoint().Stats()} {
			if s.Peers+s.Calls+s.Exchanges+s.Stored != 0 {
				t.Errorf("seed %d: something is left: %+v", seed, s)
			}
		}
		return b.w.Transcript()
	}
	for seed := range uint64(8) {
		a := run(seed)
		if seed == 0 && strings.Join(a, "\n") != strings.Join(run(seed), "\n") {
			t.Error("two runs of one seed differ")
		}
	}
}

func TestConform(t *testing.T) {
	server := port(serverAddr, true)
	client := netip.AddrPortFrom(clientAddr, 40000)
	paths := []machine.Path{{Local: server, Remote: client}, {Local: port(serverAddr, false), Remote: client},
		{Local: client, Remote: server}}
	machinetest.Conform(t, machinetest.Kit{
		Paths: paths,
		New: func(r machine.Rand) machine.Machine {
			return New(Config{Rand: r, DTLS: &dtls.Config{CIDLen: 8, Durable: true, PSK: func([]byte) ([]byte, bool) { return key, true }}})
		},
		Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				s := m.(*Stack)
				s.Begin(now)
				s.DTLS().Dial(now, cause, paths[2], dtls.ClientConfig{Identity: "dev", Key: key})
			},
			func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				s := m.(*Stack)
				s.Begin(now)
				p := paths[r.IntN(3)]
				if r.IntN(2) == 0 {
					p.Security = &machine.Identity{Session: uint64(r.IntN(3))}
				}
				s.Endpoint().Request(now, cause, p, get("/x"))
			},
		},
	})
}
