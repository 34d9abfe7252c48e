package shards

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// fleet is n shards on the loopback over a store that outlives them.
type fleet struct {
	*Shards
	h             *host.Host
	plain, secure netip.AddrPort
}

type oneKey struct{}

func (oneKey) ByIdentity(id []byte) (server.Credential, bool) {
	ep := string(id)
	return server.Credential{Endpoint: ep, Identity: ep, Key: []byte("0123456789abcdef"), Mode: machine.PSK}, strings.HasPrefix(ep, "s")
}

func (k oneKey) ByEndpoint(ep string) (server.Credential, bool) { return k.ByIdentity([]byte(ep)) }

func startFleet(t *testing.T, n int, s store.Store, plain, secure string) *fleet {
	t.Helper()
	h := host.New(host.Options{ReceiveBuffer: 1 << 20})
	listen := func(addr string) []*host.Socket {
		l, err := h.Listen(0, addr)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	f := &fleet{h: h}
	p, sec := listen(plain), listen(secure)
	f.plain, f.secure = p[0].Local(), sec[0].Local()
	var err error
	f.Shards, err = Start(Config{Host: h, Shards: n, Plain: p, Secure: sec, Store: s, Tables: server.Tables(),
		Server: server.Config{Unknown: server.AcceptUnknown, Credentials: oneKey{}, DTLS: &dtls.Config{CIDLen: 8, Durable: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.stop(t) })
	return f
}

func (f *fleet) stop(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := f.Stop(ctx); err != nil && !errors.Is(err, host.ErrStopped) && !errors.Is(err, ErrStopped) {
		t.Errorf("Stop: %v", err)
	}
}

// where returns the shard that has an endpoint, and fails where it is in none or in several.
func (f *fleet) where(t *testing.T, ep string) int {
	t.Helper()
	at := -1
	f.Shards.all(func(k *shard, _ machine.Time) {
		if _, _, ok := k.srv.Registration(ep); ok {
			if at >= 0 {
				t.Errorf("%s is on shards %d and %d", ep, at, k.number)
			}
			at = k.number
		}
	})
	if at < 0 {
		t.Errorf("%s is nowhere", ep)
	}
	if n, ok := f.home.find(ep); ok && int(n) != at {
		t.Errorf("the directory says that %s is on shard %d, it is on %d", ep, n, at)
	}
	return at
}

// socket is a device that is no more than a socket.
type socket struct {
	*net.UDPConn
	t  *testing.T
	id uint16
}

func dial(t *testing.T, to netip.AddrPort) *socket {
	t.Helper()
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &socket{UDPConn: c, t: t}
}

// dialTo is dial from an address that belongs to shard k.
func dialTo(t *testing.T, f *fleet, k int) *socket {
	t.Helper()
	for range 1000 {
		s := dial(t, f.plain)
		if byAddress(s.LocalAddr().(*net.UDPAddr).AddrPort(), len(f.list)) == k {
			return s
		}
		s.Close()
	}
	t.Fatalf("no address of shard %d", k)
	return nil
}

// ask sends a request and returns its answer, passing by what the server asks meanwhile.
func (s *socket) ask(code coap.Code, uri, payload string) *coap.Message {
	s.t.Helper()
	s.id++
	path, query, _ := strings.Cut(uri, "?")
	m := coap.Message{Type: coap.CON, Code: code, ID: s.id, Payload: []byte(payload)}
	if m.Options = m.Options.AppendPath(path); payload != "" {
		m.Options = m.Options.SetFormat(coap.LinkFormat)
	}
	for q := range strings.SplitSeq(query, "&") {
		if q != "" {
			m.Options = m.Options.AddQuery(q)
		}
	}
	b, err := m.Append(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	buf := make([]byte, 2000)
	for range 5 {
		s.Write(b)
		s.SetReadDeadline(time.Now().Add(3 * time.Second))
		for {
			n, err := s.Read(buf)
			if err != nil {
				break
			}
			var a coap.Message
			if err := a.Decode(buf[:n]); err != nil {
				s.t.Fatal(err)
			}
			if a.Type == coap.ACK && a.ID == s.id {
				return &a
			}
		}
	}
	s.t.Errorf("%s %s is not answered", code.Name(), uri)
	return &coap.Message{}
}

// Devices come to the shard of their address. One that registers or updates from elsewhere is found all the same, and a
// restart with another number of shards loses nobody.
func TestManyShards(t *testing.T) {
	disk := store.Memory()
	f := startFleet(t, 4, disk, "127.0.0.1:0", "127.0.0.1:0")
	const devices = 24
	locations, at := map[string]string{}, map[int]int{}
	sockets := map[string]*socket{}
	for i := range devices {
		ep := fmt.Sprintf("plain-%d", i)
		s := dialTo(t, f, i%4)
		m := s.ask(coap.POST, "/rd?lwm2m=1.1&lt=300&ep="+ep, "</3/0>")
		if m.Code != coap.Created {
			t.Fatalf("Register is answered %s", m.Code)
		}
		sockets[ep], locations[ep] = s, m.Options.Location()
		at[f.where(t, ep)]++
	}
	for k := range 4 {
		if at[k] != devices/4 {
			t.Errorf("the devices are on %v", at)
		}
	}
	for i := range devices {
		ep := fmt.Sprintf("plain-%d", i)
		home := f.where(t, ep)
		// An Update from another address goes by the registration's number.
		s := dial(t, f.plain)
		if m := s.ask(coap.POST, locations[ep], ""); m.Code != coap.Changed || f.where(t, ep) != home {
			t.Errorf("Update of %s is answered %s", ep, m.Code)
		}
		// And what it answers to us from there is understood.
		go answerRead(s)
		if _, out, err := f.Do(t.Context(), ep, read()); err != nil || out.Code != coap.Content {
			t.Errorf("read of %s at its new address: %v", ep, err)
		}
		s.Close()
		if i%2 == 0 { // one in two registers again, from yet another address
			s = dial(t, f.plain)
			m := s.ask(coap.POST, "/rd?lwm2m=1.1&lt=300&ep="+ep, "</3/0>")
			locations[ep] = m.Options.Location()
			f.where(t, ep)
		}
		sockets[ep] = s
	}
	if st, err := f.Stats(); err != nil || st.Server.Registrations != devices || st.Shards != 4 || st.Server.HandedOver == 0 || len(st.Owner.Sockets) != 2 {
		t.Errorf("%+v %v", st, err)
	}
	for _, n := range []int{3, 1, 7} {
		f.stop(t)
		f = startFleet(t, n, disk, f.plain.String(), f.secure.String())
		for i := range devices {
			ep := fmt.Sprintf("plain-%d", i)
			f.where(t, ep)
			s := dial(t, f.plain)
			if m := s.ask(coap.POST, locations[ep], ""); m.Code != coap.Changed {
				t.Errorf("with %d shards, Update of %s is answered %s", n, ep, m.Code)
			}
		}
		if st, _ := f.Stats(); st.Server.Registrations != devices {
			t.Errorf("with %d shards there are %d devices", n, st.Server.Registrations)
		}
	}
	// The end of a registration is the end of its place in the directory.
	for ep, location := range locations {
		if m := dial(t, f.plain).ask(coap.DELETE, location, ""); m.Code != coap.Deleted {
			t.Errorf("Deregister of %s is answered %s", ep, m.Code)
		}
	}
	f.stop(t)
	if len(f.home.home) != 0 || f.astray.count.Load() != 0 {
		t.Errorf("left: %v, %d addresses", f.home.home, f.astray.count.Load())
	}
}

func answerRead(s *socket) {
	buf := make([]byte, 2000)
	s.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		n, err := s.Read(buf)
		if err != nil {
			return
		}
		var m coap.Message
		if m.Decode(buf[:n]) != nil || !m.Code.IsRequest() {
			continue
		}
		a := coap.Message{Type: coap.ACK, Code: coap.Content, ID: m.ID, Token: m.Token, Options: coap.Options{}.SetFormat(coap.Text), Payload: []byte("Heddle")}
		b, _ := a.Append(nil)
		s.Write(b)
		return
	}
}

// Real clients over DTLS with connection IDs: they are read, observed, and survive a restart with fewer shards on their
// old sessions, without a handshake.
func TestManyShardsSecure(t *testing.T) {
	disk := store.Memory()
	f := startFleet(t, 4, disk, "127.0.0.1:0", "127.0.0.1:0")
	var devices []*device.Device
	const n = 12
	for i := range n {
		ep := fmt.Sprintf("s-%d", i)
		d, err := device.Start(f.h, device.Options{Objects: func() ([]client.Object, error) { return []client.Object{objects.NewTest()}, nil },
			Config: client.Config{Endpoint: ep, Servers: []client.Account{{ShortID: 1, URI: "coaps://" + f.secure.String(), Identity: ep, Key: []byte("0123456789abcdef"), Lifetime: 300 * time.Second}}}})
		if err != nil {
			t.Fatal(err)
		}
		devices = append(devices, d)
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			d.Kill(ctx) // the server has gone before
		})
	}
	check := func() {
		t.Helper()
		for i := range n {
			ep := fmt.Sprintf("s-%d", i)
			var out *server.Outcome
			var err error
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if _, out, err = f.Do(t.Context(), ep, &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/31024/10/1")}); err == nil {
					break
				}
			}
			if err != nil || len(out.Entries) != 1 {
				t.Fatalf("read of %s: %+v %v", ep, out, err)
			}
			f.where(t, ep)
		}
	}
	check()
	f.stop(t)
	f = startFleet(t, 3, disk, f.plain.String(), f.secure.String())
	for _, d := range devices {
		if err := d.Do(func(now machine.Time, c *client.Client) { c.Update(now, 1, 1) }); err != nil {
			t.Fatal(err)
		}
	}
	check()
	st, err := f.Stats()
	if err != nil || st.Server.Registrations != n || st.Server.DTLS.HandshakesDone != 0 {
		t.Errorf("%d registrations, %d handshakes, %v", st.Server.Registrations, st.Server.DTLS.HandshakesDone, err)
	}
}

// Devices that register from many addresses at once: in the end each is on one shard, and the record on disk is that
// registration's.
func TestShardsUnderContention(t *testing.T) {
	disk := store.Memory()
	f := startFleet(t, 4, disk, "127.0.0.1:0", "127.0.0.1:0")
	const endpoints, hops = 4, 25
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range hops {
				s := dial(t, f.plain)
				m := s.ask(coap.POST, fmt.Sprintf("/rd?lwm2m=1.1&ep=thing-%d", (w+i)%endpoints), "</3/0>")
				if m.Code != coap.Created && m.Code != coap.ServiceUnavailable {
					t.Errorf("Register is answered %s", m.Code)
				}
				s.Close()
			}
		})
	}
	wg.Wait()
	stored := map[string]string{}
	if err := disk.Load(server.RegistrationTable, func(key, value []byte) error {
		stored[string(key)] = string(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range endpoints {
		ep := fmt.Sprintf("thing-%d", i)
		k := f.list[f.where(t, ep)]
		shard, _, _, err := server.Home(server.RegistrationTable, []byte(ep), []byte(stored[ep]))
		if err != nil || int(shard) != k.number {
			t.Errorf("%s is on shard %d, on disk it is on %d (%v)", ep, k.number, shard, err)
		}
	}
}

func FuzzRegistrationOf(f *testing.F) {
	id := server.RegistrationID{Shard: 3, Bits: 77}
	for _, uri := range []string{"/rd/" + id.String(), "/rd", "/rd/x", "/dp", "/rd/" + id.String() + "/more"} {
		m := coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Token: coap.NewToken([]byte{1, 2, 3}), Options: coap.Options{}.AddString(coap.URIHost, strings.Repeat("h", 20)).AppendPath(uri).AddQuery("lt=1")}
		b, _ := m.Append(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := registrationOf(b)
		var m coap.Message
		if m.Decode(b) != nil {
			return // whatever it says: the machine drops the datagram
		}
		var segments [][]byte
		for s := range m.Options.All(coap.URIPath) {
			segments = append(segments, s)
		}
		var want server.RegistrationID
		fits := (m.Code == coap.POST || m.Code == coap.DELETE) && len(segments) >= 2 && string(segments[0]) == "rd"
		if fits {
			want, fits = server.ParseRegistrationID(segments[1])
		}
		if ok != fits || got != want {
			t.Errorf("%x: %v %v, want %v %v", b, got, ok, want, fits)
		}
	})
}
