package peer

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// Relay is a UDP relay before a server: it sees every datagram, can lose, repeat and reorder them, and can change the
// addresses under which the clients appear, as a NAT does that forgot them.
type Relay struct {
	t      testing.TB
	listen *net.UDPConn
	server netip.AddrPort

	mu      sync.Mutex
	faults  Faults
	rng     *rand.Rand
	clients map[netip.AddrPort]*net.UDPConn
	seen    []Datagram
	held    []func() // datagrams that the next one overtakes
	closed  bool
	running sync.WaitGroup
}

// Faults are what a relay does to datagrams, each with a probability from 0 to 1.
type Faults struct{ Loss, Duplicate, Reorder float64 }

// Datagram is one datagram that came to a relay.
type Datagram struct {
	At       time.Time
	ToServer bool
	From, To netip.AddrPort // on the server's side: what the server sees
	Data     []byte
	Lost     bool // by the relay
}

// NewRelay starts a relay before the server at an address. The faults of a seed are always the same for the same
// datagrams.
func NewRelay(t testing.TB, server string, seed uint64, faults Faults) *Relay {
	t.Helper()
	to, err := netip.ParseAddrPort(server)
	if err != nil {
		t.Fatal(err)
	}
	listen, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{t: t, listen: listen, server: to, faults: faults, rng: rand.New(rand.NewPCG(seed, 0)), clients: map[netip.AddrPort]*net.UDPConn{}}
	r.running.Go(r.fromClients)
	t.Cleanup(r.Close)
	if faults != (Faults{}) {
		t.Logf("relay before %s: seed %d, faults %+v", server, seed, faults)
	}
	return r
}

// Addr returns where clients reach the relay.
func (r *Relay) Addr() string { return r.listen.LocalAddr().String() }

// SetFaults changes the faults from now on.
func (r *Relay) SetFaults(f Faults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = f
}

// Rebind gives every client a new port on the server's side. What is sent to the old ones is lost.
func (r *Relay) Rebind() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for client, up := range r.clients {
		up.Close()
		delete(r.clients, client)
	}
}

// Close ends the relay.
func (r *Relay) Close() {
	r.mu.Lock()
	r.closed = true
	r.listen.Close()
	for _, up := range r.clients {
		up.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}

// Mark returns how many datagrams have come so far.
func (r *Relay) Mark() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// Since returns the datagrams that came after a mark.
func (r *Relay) Since(mark int) []Datagram {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Datagram(nil), r.seen[mark:]...)
}

func (r *Relay) fromClients() {
	buf := make([]byte, 64<<10)
	for {
		n, client, err := r.listen.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		up := r.clients[client]
		if up == nil && !r.closed {
			if up, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(r.server)); err == nil {
				r.clients[client] = up
				r.running.Go(func() { r.fromServer(client, up) })
			}
		}
		if up != nil {
			from := up.LocalAddr().(*net.UDPAddr).AddrPort()
			r.pass(Datagram{At: time.Now(), ToServer: true, From: from, To: r.server, Data: append([]byte(nil), buf[:n]...)},
				func(b []byte) { up.Write(b) })
		}
		r.mu.Unlock()
	}
}

func (r *Relay) fromServer(client netip.AddrPort, up *net.UDPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() || isRefused(err) {
				continue // nobody listens at the server's port just now
			}
			return
		}
		r.mu.Lock()
		to := up.LocalAddr().(*net.UDPAddr).AddrPort()
		r.pass(Datagram{At: time.Now(), From: r.server, To: to, Data: append([]byte(nil), buf[:n]...)},
			func(b []byte) { r.listen.WriteToUDPAddrPort(b, client) })
		r.mu.Unlock()
	}
}

// pass sends a datagram on, or does to it what the faults say. The lock is held.
func (r *Relay) pass(d Datagram, send func([]byte)) {
	lose, again, hold := r.rng.Float64() < r.faults.Loss, r.rng.Float64() < r.faults.Duplicate, r.rng.Float64() < r.faults.Reorder
	d.Lost = lose
	r.seen = append(r.seen, d)
	held := r.held
	r.held = nil
	switch {
	case lose:
	case hold:
		r.held = append(r.held, func() { send(d.Data) })
		// Nothing may come for long: then it is only late.
		time.AfterFunc(200*time.Millisecond, r.release)
	default:
		send(d.Data)
		if again {
			send(d.Data)
		}
	}
	for _, f := range held {
		f()
	}
}

func (r *Relay) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.held {
		f()
	}
	r.held = nil
}
