package endpoint

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// exchange64 drives GETs of 64 clients through a server: Receive, Next, Respond, Next.
func BenchmarkGet(b *testing.B) {
	e := New(Config{Rand: machinetest.NewRand(1)})
	var paths [64]machine.Path
	for i := range paths {
		paths[i] = pathOf(byte(i), 0)
	}
	reply := &Reply{Code: coap.Content, Options: coap.Options{}.SetFormat(coap.Text), Payload: []byte("22.5")}
	m := coap.Message{Type: coap.CON, Code: coap.GET, Token: coap.NewToken([]byte("12345678")), Options: coap.Options{}.AppendPath("/3303/0/5700")}
	datagram, err := m.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	now, id, answers := machine.Time(0), uint16(0), 0
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		id++
		datagram[2], datagram[3] = byte(id>>8), byte(id)
		e.Receive(now, 1, paths[id%64], datagram)
		for {
			a, ok := e.Next()
			if !ok {
				break
			}
			switch v := a.Value.(type) {
			case *Incoming:
				e.Respond(now, a.Cause, v.Exchange, reply, 0)
			default:
				answers++
			}
		}
	}
	if answers == 0 {
		b.Fatal("no answers")
	}
}

// BenchmarkRequest drives requests of our own to 64 peers, each answered at once.
func BenchmarkRequest(b *testing.B) {
	e := New(Config{Rand: machinetest.NewRand(1)})
	var paths [64]machine.Path
	for i := range paths {
		paths[i] = pathOf(byte(i), 0)
	}
	r := &Request{Code: coap.GET, Options: coap.Options{}.AppendPath("/3303/0/5700").SetAccept(coap.TLV)}
	now, n, results := machine.Time(0), 0, 0
	var answer [64]byte
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		n++
		e.Request(now, 1, paths[n%64], r)
		for {
			a, ok := e.Next()
			if !ok {
				break
			}
			switch a.Kind {
			case machine.Send:
				d := append(answer[:0], a.Data[:12]...)
				d[0], d[1] = d[0]&^0x30|byte(coap.ACK)<<4, byte(coap.Content)
				e.Receive(now, 1, a.Path, append(d, 0xff, '2', '2'))
			case machine.Result:
				results++
			}
		}
	}
	if results != n {
		b.Fatalf("%d results of %d", results, n)
	}
}

// BenchmarkNotification receives confirmable notifications of 64 observed peers.
func BenchmarkNotification(b *testing.B) {
	e := New(Config{Rand: machinetest.NewRand(1)})
	var paths [64]machine.Path
	var datagrams [64][]byte
	for i := range paths {
		paths[i] = pathOf(byte(i), 0)
		token := coap.NewToken([]byte{1, 2, 3, byte(i)})
		e.RestoreObservation(0, paths[i], token, 0, 0, nil)
		m := coap.Message{Type: coap.CON, Code: coap.Content, Token: token, Payload: []byte("22.5"),
			Options: coap.Options{}.SetUint(coap.Observe, 1<<16).SetFormat(coap.Text)}
		datagrams[i], _ = m.Append(nil)
	}
	now, n, got := machine.Time(0), uint32(0), 0
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		n++
		d := datagrams[n%64]
		d[2], d[3] = byte(n>>8), byte(n)
		d[9], d[10], d[11] = byte(n>>16), byte(n>>8), byte(n)
		e.Receive(now, 1, paths[n%64], d)
		for {
			a, ok := e.Next()
			if !ok {
				break
			}
			if a.Kind == machine.Event {
				got++
			}
		}
	}
	if got == 0 {
		b.Fatal("no notifications")
	}
}

// BenchmarkMemory reports what a peer costs right after a remembered exchange, and once it has been silent.
func BenchmarkMemory(b *testing.B) {
	const peers = 20_000
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		e := New(Config{Rand: machinetest.NewRand(1)})
		m := coap.Message{Type: coap.CON, Code: coap.POST, Token: coap.NewToken([]byte("12345678")), Options: coap.Options{}.AppendPath("/rd/12345678")}
		d, _ := m.Append(nil)
		p := pathOf(1, 0)
		for i := range peers {
			p.Remote = netip.AddrPortFrom(p.Remote.Addr(), uint16(i))
			e.Receive(machine.Time(i), 1, p, d)
			for a, ok := e.Next(); ok; a, ok = e.Next() {
				if v, is := a.Value.(*Incoming); is {
					e.Respond(machine.Time(i), 1, v.Exchange, &Reply{Code: coap.Changed, Remember: true}, 0)
				}
			}
		}
		b.ReportMetric((heap()-before)/peers, "B/peer")
		e.Expire(machine.Time(400 * time.Second))
		for _, ok := e.Next(); ok; _, ok = e.Next() {
		}
		b.ReportMetric((heap()-before)/peers, "B/silent-peer")
		runtime.KeepAlive(e)
	}
}

// BenchmarkObserved reports what an observation at rest costs, its peer included.
func BenchmarkObserved(b *testing.B) {
	const peers = 20_000
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		e := New(Config{Rand: machinetest.NewRand(1)})
		p := pathOf(1, 0)
		r := &Request{Code: coap.GET, Options: coap.Options{}.AppendPath("/3303/0/5700")}
		for i := range peers {
			p.Remote = netip.AddrPortFrom(p.Remote.Addr(), uint16(i))
			e.RestoreObservation(0, p, e.newToken(), 1, 0, r)
			for _, ok := e.Next(); ok; _, ok = e.Next() {
			}
		}
		e.Expire(machine.Time(400 * time.Second))
		for _, ok := e.Next(); ok; _, ok = e.Next() {
		}
		b.ReportMetric((heap()-before)/peers, "B/observation")
		runtime.KeepAlive(e)
	}
}
