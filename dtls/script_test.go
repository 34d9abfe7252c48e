package dtls

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// testRand is a seeded source of randomness.
type testRand struct{ *rand.ChaCha8 }

func newTestRand(seed uint64) testRand {
	var k [32]byte
	binary.LittleEndian.PutUint64(k[:], seed)
	return testRand{rand.NewChaCha8(k)}
}

func (r testRand) Fill(b []byte) { r.Read(b) }

var (
	serverAddr = netip.MustParseAddrPort("192.0.2.1:5684")
	clientAddr = netip.MustParseAddrPort("198.51.100.7:40000")
	otherAddr  = netip.MustParseAddrPort("203.0.113.9:50123")
)

const (
	testIdentity = "urn:imei:123"
	testKey      = "0123456789abcdef"
)

func testPSK(identity []byte) ([]byte, bool) {
	if string(identity) == testIdentity {
		return []byte(testKey), true
	}
	return nil, false
}

// node is one engine in the test world, with what it told its outer machine.
type node struct {
	w      *world
	name   string
	addr   netip.AddrPort
	e      *Engine
	events []any
	data   []string
	disk   map[string][]byte
	seen   machine.Seq
}

// world connects two engines in virtual time. Every datagram is a line of the transcript.
type world struct {
	t      testing.TB
	now    machine.Time
	client *node
	server *node
	queue  []datagram
	lines  []string
	n      int                    // datagrams sent
	filter func(d *datagram) bool // false drops it
	delay  time.Duration
	hold   bool // commits are not acknowledged
}

type datagram struct {
	from, to netip.AddrPort
	data     []byte
	at       machine.Time
	n        int
}

func newWorld(t testing.TB, seed uint64, client, server Config) *world {
	w := &world{t: t, now: 1_000_000_000_000, delay: 10 * time.Millisecond}
	w.client = w.node("client", clientAddr, client, seed)
	w.server = w.node("server", serverAddr, server, seed+1)
	return w
}

func (w *world) node(name string, addr netip.AddrPort, cfg Config, seed uint64) *node {
	w.t.Helper()
	if cfg.Rand == nil {
		cfg.Rand = newTestRand(seed)
	}
	if name == "server" && cfg.PSK == nil {
		cfg.PSK = testPSK
	}
	e, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return &node{w: w, name: name, addr: addr, e: e, disk: map[string][]byte{}}
}

func (w *world) peer(n *node) *node {
	if n == w.client {
		return w.server
	}
	return w.client
}

func (n *node) pathTo(remote netip.AddrPort) machine.Path {
	return machine.Path{Local: n.addr, Remote: remote}
}

// dial begins a handshake of the client.
func (w *world) dial(c ClientConfig) uint64 {
	w.t.Helper()
	if c.Identity == "" {
		c.Identity = testIdentity
	}
	if c.Key == nil {
		c.Key = []byte(testKey)
	}
	id, err := w.client.e.Dial(w.now, 0, w.client.pathTo(serverAddr), c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.drain(w.client)
	return id
}

func (w *world) drain(n *node) {
	for {
		a, ok := n.e.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			w.n++
			from := a.Path.Local
			if isWild(from) {
				from = n.addr
			}
			d := datagram{from, a.Path.Remote, slices.Clone(a.Data), w.now.Add(w.delay), w.n}
			w.lines = append(w.lines, fmt.Sprintf("%s: %s", n.name, describe(d.data)))
			if w.filter == nil || w.filter(&d) {
				w.queue = append(w.queue, d)
			}
		case machine.Persist:
			for _, r := range a.Records {
				if r.Value == nil {
					delete(n.disk, string(r.Key))
				} else {
					n.disk[string(r.Key)] = slices.Clone(r.Value)
				}
			}
			if a.Seq != n.seen+1 {
				w.t.Fatalf("commit %d after %d", a.Seq, n.seen)
			}
			n.seen = a.Seq
			if !w.hold {
				n.e.Persisted(w.now, a.Seq)
			}
		case machine.Event:
			if r, ok := a.Value.(*Received); ok {
				n.data = append(n.data, string(r.Data))
				c := *r
				c.Data = slices.Clone(r.Data)
				n.events = append(n.events, &c)
				continue
			}
			n.events = append(n.events, a.Value)
			w.lines = append(w.lines, fmt.Sprintf("%s  -> %T", n.name, a.Value))
		}
	}
}

// run moves time forward by limit.
func (w *world) run(limit time.Duration) {
	end := w.now.Add(limit)
	for range 100_000 {
		next := min(w.client.e.Deadline(), w.server.e.Deadline())
		i := -1
		for j := range w.queue {
			if w.queue[j].at <= next {
				next, i = w.queue[j].at, j
			}
		}
		if next > end {
			w.now = end
			return
		}
		w.now = max(w.now, next)
		if i >= 0 {
			d := w.queue[i]
			w.queue = slices.Delete(w.queue, i, i+1)
			w.deliver(d)
			continue
		}
		for _, n := range []*node{w.client, w.server} {
			if n.e.Deadline() <= w.now {
				n.e.Expire(w.now)
				if n.e.Deadline() <= w.now {
					w.t.Fatalf("%s: Deadline %d <= now %d after Expire", n.name, n.e.Deadline(), w.now)
				}
				w.drain(n)
			}
		}
	}
	w.t.Fatal("the world does not come to rest")
}

func (w *world) deliver(d datagram) {
	for _, n := range []*node{w.client, w.server} {
		if n.addr == d.to {
			b := slices.Clone(d.data)
			n.e.Receive(w.now, 0, machine.Path{Local: d.to, Remote: d.from}, b)
			for i := range b {
				b[i] = 0xEE // borrowed until Receive returned
			}
			w.drain(n)
		}
	}
}

func (w *world) write(n *node, session uint64, text string) {
	w.t.Helper()
	if err := n.e.Write(w.now, 0, session, []byte(text), 0); err != nil {
		w.t.Fatalf("%s: Write: %v", n.name, err)
	}
	w.drain(n)
}

// last returns the newest event of type T.
func last[T any](n *node) T {
	for i := len(n.events) - 1; i >= 0; i-- {
		if v, ok := n.events[i].(T); ok {
			return v
		}
	}
	var zero T
	return zero
}

func count[T any](n *node) (c int) {
	for _, ev := range n.events {
		if _, ok := ev.(T); ok {
			c++
		}
	}
	return c
}

// connect runs a handshake to its end and sends a word each way.
func (w *world) connect(c ClientConfig) (client, server *Established) {
	w.t.Helper()
	id := w.dial(c)
	w.run(3 * time.Minute)
	client, server = last[*Established](w.client), last[*Established](w.server)
	if client == nil || server == nil || client.Session != id {
		w.t.Fatalf("no session: client %v, server %v\n%s", client, server, strings.Join(w.lines, "\n"))
	}
	w.exchange(client.Session, server.Session)
	return client, server
}

func (w *world) exchange(client, server uint64) {
	w.t.Helper()
	up, down := fmt.Sprintf("up %d", w.n), fmt.Sprintf("down %d", w.n)
	w.write(w.client, client, up)
	w.run(time.Second)
	w.write(w.server, server, down)
	w.run(time.Second)
	if got := w.server.lastData(); got != up {
		w.t.Fatalf("server received %q, want %q\n%s", got, up, strings.Join(w.lines, "\n"))
	}
	if got := w.client.lastData(); got != down {
		w.t.Fatalf("client received %q, want %q\n%s", got, down, strings.Join(w.lines, "\n"))
	}
}

func (n *node) lastData() string {
	if len(n.data) == 0 {
		return ""
	}
	return n.data[len(n.data)-1]
}

// describe says what the records of a datagram are, as far as one can see from outside.
func describe(b []byte) string {
	var parts []string
	for len(b) > 0 {
		var r record
		rest, ok := r.decode(b, 8)
		if !ok {
			return strings.Join(append(parts, "?"), " ")
		}
		b = rest
		name := map[byte]string{20: "CCS", 21: "Alert", 22: "Handshake", 23: "Data", 25: "CID", 27: "RRC"}[r.typ]
		if r.typ == contentHandshake && r.epoch == 0 {
			var f fragment
			if _, ok := f.decode(r.body); ok {
				name = map[byte]string{1: "ClientHello", 2: "ServerHello", 3: "HelloVerifyRequest", 11: "Certificate", 13: "CertificateRequest", 15: "CertificateVerify", 12: "ServerKeyExchange",
					14: "ServerHelloDone", 16: "ClientKeyExchange"}[f.typ]
				if !f.whole() {
					name += fmt.Sprintf("[%d+%d/%d]", f.offset, len(f.body), f.length)
				}
				name += fmt.Sprintf("(%d)", f.seq)
			}
		}
		if r.typ == contentAlert && r.epoch == 0 {
			name += fmt.Sprintf("(%d)", r.body[1])
		}
		parts = append(parts, fmt.Sprintf("%s@%d.%d", name, r.epoch, r.seq))
	}
	return strings.Join(parts, " ")
}

func (w *world) transcript() string { return strings.Join(w.lines, "\n") }
