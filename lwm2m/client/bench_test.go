package client_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"

	"heddle.example/coap/stack"
)

// idleServer is the least server that a client can register with: it accepts everything.
type idleServer struct {
	stack *stack.Stack
	now   machine.Time
}

func newIdleServer() *idleServer {
	return &idleServer{now: scriptTime, stack: stack.New(stack.Config{
		Rand: machinetest.NewRand(2), Secure: func(a netip.AddrPort) bool { return a.Port() == 5684 },
		DTLS: &dtls.Config{CIDLen: 8, PSK: func([]byte) ([]byte, bool) { return simKey, true }},
	})}
}

// converse carries datagrams between a client and the server until both are silent.
func (s *idleServer) converse(c machine.Machine, device netip.AddrPort) {
	for busy := true; busy; {
		busy = false
		for {
			a, ok := c.Next()
			if !ok {
				break
			}
			if a.Kind == machine.Send {
				busy = true
				s.stack.Receive(s.now, 1, machine.Path{Local: a.Path.Remote, Remote: device}, append([]byte(nil), a.Data...))
			}
		}
		for {
			a, ok := s.stack.Next()
			if !ok {
				break
			}
			if in, ok := a.Value.(*endpoint.Incoming); ok {
				r := &endpoint.Reply{Code: coap.Changed}
				if in.Options.Path() == "/rd" {
					r = &endpoint.Reply{Code: coap.Created, Options: coap.Options(nil).AppendLocation("/rd/1")}
				}
				s.stack.Begin(s.now)
				s.stack.Endpoint().Respond(s.now, 1, in.Exchange, r, 0)
			}
			if a.Kind == machine.Send {
				busy = true
				c.Receive(s.now, 1, machine.Path{Local: device, Remote: a.Path.Local}, append([]byte(nil), a.Data...))
			}
		}
	}
}

var idleDevice = objects.DeviceConfig{Manufacturer: "Heddle", Model: "idle", BatteryCycle: time.Hour}

func newIdleClient(i int, secure bool) (*client.Client, netip.AddrPort) {
	device := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 56830)
	a := client.Account{ShortID: 1, URI: "coap://192.0.2.1", Lifetime: time.Hour}
	if secure {
		a.URI, a.Identity, a.Key = "coaps://192.0.2.1", "id", simKey
	}
	c, err := client.New(client.Config{
		Rand: machinetest.NewRand(uint64(i)), Endpoint: "idle", Local: device, Servers: []client.Account{a},
		Objects: []client.Object{objects.NewDevice(&idleDevice), objects.NewTemperature(1, nil)},
	})
	if err != nil {
		panic(err)
	}
	return c, device
}

// BenchmarkIdle tells what a registered client costs while nobody asks it anything: heap after a collection.
func BenchmarkIdle(b *testing.B) {
	for _, secure := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "DTLS"}[secure], func(b *testing.B) {
			const n = 2000
			for b.Loop() {
				clients := make([]*client.Client, n)
				before := heap()
				for i := range clients {
					s := newIdleServer()
					c, device := newIdleClient(i, secure)
					c.Start(s.now, 1)
					s.converse(c, device)
					if c.State() != client.StateReady {
						b.Fatal("not registered")
					}
					s.now = s.now.Add(6 * time.Minute) // past the linger of handshake and exchanges
					for c.Deadline() <= s.now {
						c.Expire(s.now)
						s.converse(c, device)
					}
					c.Receive(s.now, 1, machine.Path{Local: device, Remote: netip.MustParseAddrPort("192.0.2.9:1")}, []byte{0})
					s.converse(c, device)
					clients[i] = c
				}
				b.ReportMetric(float64(heap()-before)/n, "B/client")
				runtime.KeepAlive(clients)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRead is one Read of a resource, from datagram to datagram.
func BenchmarkRead(b *testing.B) {
	s := newIdleServer()
	c, device := newIdleClient(1, false)
	c.Start(s.now, 1)
	s.converse(c, device)
	m := coap.Message{Type: coap.CON, Code: coap.GET, Token: coap.NewToken([]byte("abcd")),
		Options: coap.Options(nil).AppendPath("/3303/0/5700").SetAccept(coap.SenMLCBOR)}
	var buf []byte
	path := machine.Path{Local: device, Remote: netip.MustParseAddrPort("192.0.2.1:5683")}
	b.ReportAllocs()
	for b.Loop() {
		m.ID++
		buf, _ = m.Append(buf[:0])
		c.Receive(s.now, 1, path, buf)
		for {
			if _, ok := c.Next(); !ok {
				break
			}
		}
	}
}
