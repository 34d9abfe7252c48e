package dtls

import (
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"heddle.example/machine"
)

// pair returns two engines with a session between them.
func pair(b testing.TB, suite Suite, cache int) (w *world, client, server uint64) {
	w = newWorld(b, 1, Config{CipherCache: cache}, Config{CipherCache: cache, CIDLen: 8})
	ce, se := w.connect(ClientConfig{Suites: []Suite{suite}})
	return w, ce.Session, se.Session
}

// A record of 100 bytes, sealed or opened by the record layer, with the expanded cipher in the cache and without.
func BenchmarkSeal(b *testing.B) { benchRecord(b, true) }
func BenchmarkOpen(b *testing.B) { benchRecord(b, false) }

func benchRecord(b *testing.B, seal bool) {
	for _, suite := range []Suite{PSKWithAES128CCM8, PSKWithAES128GCM} {
		for _, miss := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/miss=%v", suite, miss), func(b *testing.B) {
				w, client, _ := pair(b, suite, 0)
				e := w.client.e
				s, err := e.find(client)
				if err != nil {
					b.Fatal(err)
				}
				e.ciphers.drop(s)
				s.keys[dirRead] = s.keys[dirWrite]
				content := make([]byte, 100)
				peer := s.peerCID
				s.peerCID = ""
				sealed := e.seal(nil, s, contentApplicationData, 5, content)
				s.peerCID = peer
				var r record
				if _, ok := r.decode(sealed, 0); !ok {
					b.Fatal("record")
				}
				buf := make([]byte, 0, 300)
				b.ReportAllocs()
				b.SetBytes(100)
				for b.Loop() {
					if miss {
						e.ciphers.drop(s)
					}
					if seal {
						e.seal(buf, s, contentApplicationData, 5, content)
					} else {
						e.out.Next()
						e.out.Begin()
						if _, _, ok := e.open(s, &r); !ok {
							b.Fatal("open")
						}
					}
				}
			})
		}
	}
}

// One datagram of 100 bytes from one engine to the other: Write, Send, Receive, Received.
func BenchmarkDatagram(b *testing.B) {
	w, client, _ := pair(b, PSKWithAES128CCM8, 0)
	data := make([]byte, 100)
	path := machine.Path{Local: serverAddr, Remote: clientAddr}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.client.e.Write(w.now, 0, client, data, 0); err != nil {
			b.Fatal(err)
		}
		a, _ := w.client.e.Next()
		w.server.e.Receive(w.now, 0, path, a.Data)
		w.client.e.Next()
		if a, ok := w.server.e.Next(); !ok || a.Kind != machine.Event {
			b.Fatal("nothing received")
		}
		w.server.e.Next()
	}
}

// A handshake, both ends.
func BenchmarkHandshake(b *testing.B) {
	for _, suite := range []Suite{PSKWithAES128CCM8, ECDHEPSKWithAES128CCM8} {
		for _, short := range []bool{false, true} {
			b.Run(fmt.Sprintf("%v/resumed=%v", suite, short), func(b *testing.B) {
				w := newWorld(b, 1, Config{}, Config{CIDLen: 8})
				ce, _ := w.connect(ClientConfig{Suites: []Suite{suite}})
				cfg := ClientConfig{Identity: testIdentity, Key: []byte(testKey), Suites: []Suite{suite}}
				if short {
					cfg.Resume = ce.Resume
				}
				benchHandshakes(b, w, cfg)
			})
		}
	}
}

func benchHandshakes(b *testing.B, w *world, cfg ClientConfig) {
	c, s := w.client.e, w.server.e
	b.ReportAllocs()
	before := cpu(b)
	defer func() { b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-us/op") }()
	for b.Loop() {
		id, err := c.Dial(w.now, 0, machine.Path{Local: clientAddr, Remote: serverAddr}, cfg)
		if err != nil {
			b.Fatal(err)
		}
		exchange(w.now, c, s, clientAddr)
		if _, err := c.find(id); err != nil {
			b.Fatal(err)
		}
	}
}

// exchange carries datagrams between a client at an address and a server until both are silent.
func exchange(now machine.Time, c, s *Engine, at netip.AddrPort) {
	for busy := true; busy; {
		busy = false
		for _, x := range []struct {
			from, to *Engine
			path     machine.Path
		}{{c, s, machine.Path{Local: serverAddr, Remote: at}}, {s, c, machine.Path{Local: at, Remote: serverAddr}}} {
			for {
				a, ok := x.from.Next()
				if !ok {
					break
				}
				busy = true
				if a.Kind == machine.Send {
					x.to.Receive(now, 0, x.path, a.Data)
				}
			}
		}
	}
}

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// A handshake in which both show a certificate of one authority, or a raw public key, both ends.
func BenchmarkCertificateHandshake(b *testing.B) {
	for name, change := range map[string]func(x *certWorld, c, s *Config){"x509": nil, "rpk": raw} {
		for _, short := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/resumed=%v", name, short), func(b *testing.B) {
				x := newCertWorld(b, 1, change)
				ce, _ := x.connect()
				if short {
					x.dialing.Resume = ce.Resume
				}
				benchHandshakes(b, x.world, x.dialing)
			})
		}
	}
}

// Memory of a server's idle session, all told: slab, maps, identity. 100,000 clients of one engine.
func BenchmarkIdleSession(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		var before, after runtime.MemStats
		// The client engine ends each session at once, so that only the server's are measured.
		psk := func(id []byte) ([]byte, bool) { return []byte(testKey), true }
		srv, err := New(Config{Rand: newTestRand(1), CIDLen: 8, PSK: psk, MaxResumable: -1, CipherCache: 64})
		if err != nil {
			b.Fatal(err)
		}
		cli, _ := New(Config{Rand: newTestRand(2), CipherCache: 64, MaxSessions: 1})
		runtime.GC()
		runtime.ReadMemStats(&before)
		now := machine.Time(1e18)
		for i := range n {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 5684)
			cfg := ClientConfig{Identity: fmt.Sprintf("urn:imei:%015d", i), Key: []byte(testKey), Suites: []Suite{PSKWithAES128CCM8}}
			id, err := cli.Dial(now, 0, machine.Path{Local: addr, Remote: serverAddr}, cfg)
			if err != nil {
				b.Fatal(err)
			}
			exchange(now, cli, srv, addr)
			if err := cli.Write(now, 0, id, []byte("x"), 0); err != nil {
				b.Fatal(err)
			}
			exchange(now, cli, srv, addr)
		}
		now = now.Add(5 * time.Minute)
		srv.Expire(now)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if srv.idle.n != n {
			b.Fatalf("%d sessions", srv.idle.n)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/session")
		runtime.KeepAlive(srv)
	}
}

// Memory of a device's engine with its one session: `heddle load` runs many.
func BenchmarkDeviceEngine(b *testing.B) {
	const n = 2000
	for b.Loop() {
		var before, after runtime.MemStats
		w := newWorld(b, 1, Config{}, Config{CIDLen: 8})
		engines := make([]*Engine, 0, n)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range n {
			w.client.addr = netip.AddrPortFrom(clientAddr.Addr(), uint16(10_000+i))
			e, err := New(Config{Rand: w.client.e.cfg.Rand, MaxSessions: 4, MaxHandshakes: 4, CipherCache: 4})
			if err != nil {
				b.Fatal(err)
			}
			w.client.e = e
			w.dial(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
			for len(w.queue) > 0 {
				d := w.queue[0]
				w.queue = w.queue[1:]
				w.deliver(d)
			}
			if e.idle.n != 1 {
				b.Fatal("no session")
			}
			w.lines, w.client.events, w.client.data, w.server.events = nil, nil, nil, nil
			engines = append(engines, e)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/engine")
		runtime.KeepAlive(engines)
	}
}
