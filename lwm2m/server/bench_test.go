package server

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// bench drives a server as a driver with a store does: it drains after each input and confirms each commit.
type bench struct {
	s    *Server
	now  machine.Time
	last []byte // what was sent last
	path machine.Path
}

func newBench() *bench {
	return &bench{s: New(Config{Rand: machinetest.NewRand(1), Unknown: AcceptUnknown}), now: rigStart}
}

func (x *bench) drain() {
	for {
		var seq machine.Seq
		for {
			a, ok := x.s.Next()
			if !ok {
				break
			}
			switch a.Kind {
			case machine.Send:
				x.last, x.path = append(x.last[:0], a.Data...), a.Path
			case machine.Persist:
				seq = a.Seq
			}
		}
		if seq == 0 {
			return
		}
		x.s.Persisted(x.now, seq)
	}
}

func (x *bench) receive(path machine.Path, b []byte) {
	x.now += 1000
	if x.s.Deadline() <= x.now {
		x.s.Expire(x.now)
		x.drain()
	}
	x.s.Receive(x.now, 1, path, b)
	x.drain()
}

func benchPath(i int) machine.Path {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 0x0A000000+uint32(i))
	return machine.Path{Local: serverAddr, Remote: netip.AddrPortFrom(netip.AddrFrom4(a), 40000)}
}

func mustAppend(m coap.Message) []byte {
	b, err := m.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// benchLinks is what the client of package lwm2m/client has.
const benchLinks = `</>;rt="oma.lwm2m";ct="60 110 112 11542",</1/0>,</3/0>,</4/0>,</6/0>,</7/0>,</31024/10>,</31024/11>,</31024/12>,</3303>;ver=1.1,</3303/0>`

func benchRegister(i int, links string) []byte {
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: uint16(i), Token: coap.NewToken([]byte{1, 2, 3, 4}),
		Options: uriOptions(fmt.Sprintf("/rd?ep=urn:dev:os:heddle-%06d&lwm2m=1.1&lt=300&b=U", i)).SetFormat(coap.LinkFormat), Payload: []byte(links)}
	return mustAppend(m)
}

// BenchmarkRegister is the machine's part of a Register of a new endpoint, its commit included.
func BenchmarkRegister(b *testing.B) {
	x := newBench()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		p, datagram := benchPath(i), benchRegister(i, benchLinks)
		b.StartTimer()
		x.receive(p, datagram)
	}
	if n := x.s.Stats().Registrations; n == 0 {
		b.Fatal("nobody registered")
	}
}

// BenchmarkRegisterAgain is a Register of an endpoint that is registered.
func BenchmarkRegisterAgain(b *testing.B) {
	const clients = 1000
	x := newBench()
	var paths [clients]machine.Path
	var datagrams [clients][]byte
	for i := range clients {
		paths[i], datagrams[i] = benchPath(i), benchRegister(i, benchLinks)
		x.receive(paths[i], datagrams[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d := datagrams[i%clients]
		binary.BigEndian.PutUint16(d[2:], uint16(i/clients+7000))
		x.receive(paths[i%clients], d)
	}
}

// BenchmarkUpdate is an Update that changes nothing.
func BenchmarkUpdate(b *testing.B) {
	const clients = 1000
	x := newBench()
	var paths [clients]machine.Path
	var datagrams [clients][]byte
	for i := range clients {
		paths[i] = benchPath(i)
		x.receive(paths[i], benchRegister(i, benchLinks))
		var m coap.Message
		if err := m.Decode(x.last); err != nil {
			b.Fatal(err)
		}
		datagrams[i] = mustAppend(coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Token: coap.NewToken([]byte{1, 2, 3, 4}),
			Options: uriOptions(m.Options.Location())})
	}
	before := x.s.Stats().Updates
	b.ReportAllocs()
	n := 0
	for ; b.Loop(); n++ {
		d := datagrams[n%clients]
		binary.BigEndian.PutUint16(d[2:], uint16(n/clients+7000))
		x.receive(paths[n%clients], d)
	}
	if got := x.s.Stats().Updates - before; got != uint64(n) {
		b.Fatalf("%d of %d Updates were taken", got, n)
	}
}

// BenchmarkRead is a Read of one resource and its answer.
func BenchmarkRead(b *testing.B) {
	x := newBench()
	p := benchPath(0)
	x.receive(p, benchRegister(0, benchLinks))
	op := &Operation{Kind: Read, Path: path("/3/0/9")}
	var m coap.Message
	answer := coap.Message{Type: coap.ACK, Code: coap.Content, Options: in(coap.TLV), Payload: []byte{0xC1, 9, 100}}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		x.now += 1000
		x.s.Do(x.now, 1, "urn:dev:os:heddle-000000", op)
		x.drain()
		if err := m.Decode(x.last); err != nil {
			b.Fatal(err)
		}
		answer.ID, answer.Token = m.ID, m.Token
		var err error
		if buf, err = answer.Append(buf[:0]); err != nil {
			b.Fatal(err)
		}
		x.receive(p, buf)
	}
	if st := x.s.Stats(); st.Failures != 0 || st.Unreadable != 0 || st.UnderWay != 0 {
		b.Fatalf("%+v", st)
	}
}

// BenchmarkNotification is a notification of one resource; with a history, its record and the ACK that waits for it, too.
func BenchmarkNotification(b *testing.B) {
	b.Run("NON", func(b *testing.B) { benchNotification(b, coap.NON, false) })
	b.Run("CON", func(b *testing.B) { benchNotification(b, coap.CON, false) })
	b.Run("CON,history", func(b *testing.B) { benchNotification(b, coap.CON, true) })
}

func benchNotification(b *testing.B, kind coap.Type, history bool) {
	x := newBench()
	x.s.config.History = history
	p := benchPath(0)
	x.receive(p, benchRegister(0, benchLinks))
	x.s.Do(x.now, 1, "urn:dev:os:heddle-000000", &Operation{Kind: Observe, Path: path("/3303/0/5700")})
	x.drain()
	var q coap.Message
	if err := q.Decode(x.last); err != nil {
		b.Fatal(err)
	}
	m := coap.Message{Type: coap.ACK, Code: coap.Content, ID: q.ID, Token: q.Token, Options: observing(0, coap.Text), Payload: []byte("21.5")}
	x.receive(p, mustAppend(m))
	m.Type, m.Options = kind, coap.Options{}.Add(coap.Observe, make([]byte, 3)).SetFormat(coap.Text)
	var buf []byte
	b.ReportAllocs()
	n := 0
	for ; b.Loop(); n++ {
		v := m.Options[0].Value
		v[0], v[1], v[2] = byte((n+1)>>16), byte((n+1)>>8), byte(n+1)
		m.ID = uint16(n + 1)
		var err error
		if buf, err = m.Append(buf[:0]); err != nil {
			b.Fatal(err)
		}
		x.receive(p, buf)
	}
	if got := x.s.Stats().Notifications; got != uint64(n) {
		b.Fatalf("%d of %d notifications were taken", got, n)
	}
}

// BenchmarkMemory reports what an idle plain client holds: its registration, and what is left of its exchange with the
// message layer once that is over.
func BenchmarkMemory(b *testing.B) {
	const clients = 100_000
	for _, c := range []struct {
		name  string
		links func(i int) string
	}{
		{"SharedLinks", func(int) string { return benchLinks }},
		{"LinksOfTheirOwn", func(i int) string { return fmt.Sprintf("%s,</33000/%d>", benchLinks, i%65000) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				x := newBench()
				for i := range clients {
					x.receive(benchPath(i), benchRegister(i, c.links(i)))
				}
				fresh := heap()
				// Idle: the exchanges are over, the registrations are not.
				end := x.now.Add(280e9)
				for x.s.Deadline() <= end {
					x.now = max(x.now, x.s.Deadline())
					x.s.Expire(x.now)
					x.drain()
				}
				idle := heap()
				if n := x.s.Stats().Registrations; n != clients {
					b.Fatalf("%d registrations", n)
				}
				b.ReportMetric(float64(fresh-before)/clients, "B/client-fresh")
				b.ReportMetric(float64(idle-before)/clients, "B/client")
				runtime.KeepAlive(x)
			}
		})
	}
}

// BenchmarkMemorySecure is BenchmarkMemory for clients with a DTLS session each.
func BenchmarkMemorySecure(b *testing.B) {
	const clients = 20_000
	for b.Loop() {
		keys := make(benchKeys, clients)
		before := heap()
		x := &bench{s: New(Config{Rand: machinetest.NewRand(1), Credentials: keys, DTLS: &dtls.Config{}, Secure: isSecure}), now: rigStart}
		for i := range clients {
			x.secureClient(b, i)
		}
		end := x.now.Add(280e9)
		for x.s.Deadline() <= end {
			x.now = max(x.now, x.s.Deadline())
			x.s.Expire(x.now)
			x.drain()
		}
		idle := heap()
		if n := x.s.Stats().Registrations; n != clients {
			b.Fatalf("%d registrations", n)
		}
		b.ReportMetric(float64(idle-before)/clients, "B/client")
		runtime.KeepAlive(x)
		runtime.KeepAlive(keys)
	}
}

// BenchmarkSecureUpdate is an Update over DTLS that changes nothing: the device's record is opened, the answer sealed.
// The device's own part is not counted.
func BenchmarkSecureUpdate(b *testing.B) {
	x := &bench{s: New(Config{Rand: machinetest.NewRand(1), Credentials: make(benchKeys, 1), DTLS: &dtls.Config{}, Secure: isSecure}), now: rigStart}
	c := x.secureClient(b, 0)
	before := x.s.Stats().Updates
	b.ReportAllocs()
	n := 0
	for ; b.Loop(); n++ {
		b.StopTimer()
		c.send(x.now, coap.POST, c.location, "")
		b.StartTimer()
		x.receive(c.outside, c.last)
		b.StopTimer()
		c.receive(x.now, x.last)
		b.StartTimer()
	}
	if got := x.s.Stats().Updates - before; got != uint64(n) {
		b.Fatalf("%d of %d Updates were taken", got, n)
	}
}

func isSecure(local netip.AddrPort) bool { return local.Port() == 5684 }

// benchKeys has a key for every endpoint; its length is the number of endpoints.
type benchKeys []struct{}

func (benchKeys) ByIdentity(id []byte) (Credential, bool) {
	return Credential{Endpoint: string(id), Identity: string(id), Key: []byte("0123456789abcdef"), Mode: machine.PSK}, true
}

func (k benchKeys) ByEndpoint(ep string) (Credential, bool) { return k.ByIdentity([]byte(ep)) }

// benchClient is the device's side of a session.
type benchClient struct {
	stack    *stack.Stack
	path     machine.Path // its own
	outside  machine.Path // the server's
	session  uint64
	last     []byte
	location string
}

// secureClient connects and registers a device.
func (x *bench) secureClient(b *testing.B, i int) *benchClient {
	c := &benchClient{outside: benchPath(i), stack: stack.New(stack.Config{Rand: machinetest.NewRand(uint64(i)), DTLS: &dtls.Config{}})}
	c.outside.Local = secureAddr
	c.path = machine.Path{Local: c.outside.Remote, Remote: secureAddr}
	c.stack.Begin(x.now)
	var err error
	if c.session, err = c.stack.DTLS().Dial(x.now, 0, c.path, dtls.ClientConfig{
		Identity: fmt.Sprintf("urn:dev:os:heddle-%06d", i), Key: []byte("0123456789abcdef")}); err != nil {
		b.Fatal(err)
	}
	c.drain()
	for range 4 { // flights
		c.exchange(x)
	}
	c.send(x.now, coap.POST, fmt.Sprintf("/rd?ep=urn:dev:os:heddle-%06d&lwm2m=1.1&lt=300", i), benchLinks)
	c.exchange(x)
	if c.location == "" {
		b.Fatal("not registered")
	}
	return c
}

func (c *benchClient) exchange(x *bench) {
	if out := c.last; out != nil {
		c.last, x.last = nil, x.last[:0]
		x.receive(c.outside, out)
		if len(x.last) > 0 {
			c.receive(x.now, x.last)
		}
	}
}

func (c *benchClient) send(now machine.Time, code coap.Code, uri, payload string) {
	path, _, _ := c.stack.DTLS().Lookup(c.session)
	c.stack.Begin(now)
	c.stack.Endpoint().Request(now, 0, path, &endpoint.Request{Code: code, Options: uriOptions(uri), Payload: []byte(payload)})
	c.drain()
}

func (c *benchClient) receive(now machine.Time, b []byte) {
	c.stack.Receive(now, 0, c.path, b)
	c.drain()
}

func (c *benchClient) drain() {
	for {
		a, ok := c.stack.Next()
		if !ok {
			return
		}
		if a.Kind == machine.Send {
			c.last = append([]byte(nil), a.Data...)
		}
		if r, ok := a.Value.(*endpoint.Response); ok && r.Code == coap.Created {
			c.location = r.Options.Location()
		}
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
