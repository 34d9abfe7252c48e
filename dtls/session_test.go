package dtls

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// A hello from a spoofed address stores nothing and gets nothing but HelloVerifyRequest, which is not longer than the
// hello.
func TestSpoofedHelloStoresNothing(t *testing.T) {
	w := newWorld(t, 10, Config{}, Config{})
	var hello []byte
	w.filter = func(d *datagram) bool { hello = d.data; return false }
	w.dial(ClientConfig{})
	for i := range 1000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 5000)
		w.filter = func(d *datagram) bool {
			if len(d.data) > len(hello) || describe(d.data) != "HelloVerifyRequest(0)@0.0" || d.data[1] != 0xFE || d.data[2] != 0xFF {
				t.Fatalf("%s: %x", describe(d.data), d.data)
			}
			return false
		}
		w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: from}, hello)
		w.drain(w.server)
	}
	e := w.server.e
	if e.slab.used != 0 || e.ids.Len() != 0 || len(e.paths.numbers) != 0 || e.timers.Len() != 0 || e.stats.HelloVerifies != 1000 {
		t.Errorf("stored: %d sessions, %d numbers, %d paths, %d timers; %+v", e.slab.used, e.ids.Len(), len(e.paths.numbers),
			e.timers.Len(), e.stats)
	}
}

// A cookie is good for its address and its hello only, and until its secret is two changes old.
func TestCookie(t *testing.T) {
	w := newWorld(t, 11, Config{}, Config{})
	w.filter = func(d *datagram) bool { return d.n <= 2 } // up to the cookie
	w.dial(ClientConfig{})
	var second []byte
	w.filter = func(d *datagram) bool {
		if strings.HasPrefix(describe(d.data), "ClientHello(1)") {
			second = d.data
			return false
		}
		return true
	}
	w.run(100 * time.Millisecond)
	if second == nil {
		t.Fatal("no second hello")
	}
	answer := func(from netip.AddrPort, b []byte) string {
		n := len(w.lines)
		w.filter = func(*datagram) bool { return false }
		w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: from}, b)
		w.drain(w.server)
		if len(w.lines) == n {
			return ""
		}
		return strings.TrimPrefix(w.lines[n], "server: ")
	}
	if got := answer(otherAddr, second); !strings.HasPrefix(got, "HelloVerifyRequest") {
		t.Errorf("from another address: %s", got)
	}
	changed := append([]byte(nil), second...)
	changed[recordHeaderLen+messageHeaderLen+10] ^= 1 // random
	if got := answer(clientAddr, changed); !strings.HasPrefix(got, "HelloVerifyRequest") {
		t.Errorf("with another random: %s", got)
	}
	w.now = w.now.Add(cookieLife + time.Second)
	if got := answer(clientAddr, second); !strings.HasPrefix(got, "ServerHello(1)@0.1") {
		t.Errorf("with the secret before: %s", got)
	}
	w.now = w.now.Add(cookieLife + time.Second)
	if got := answer(clientAddr, changed); !strings.HasPrefix(got, "HelloVerifyRequest") {
		t.Errorf("changed: %s", got)
	}
	w.now = w.now.Add(2*cookieLife + time.Second)
	if got := answer(clientAddr, changed[:0:0]); got != "" {
		t.Errorf("empty datagram answered: %s", got)
	}
}

// Unknown identity and wrong key look the same from outside: the same datagrams, to the byte but for random fields.
func TestWrongKeyAndUnknownIdentity(t *testing.T) {
	var seen [2]string
	for i, c := range []struct {
		cfg  ClientConfig
		want error
	}{
		{ClientConfig{Key: []byte("another key.....")}, ErrWrongKey},
		{ClientConfig{Identity: "urn:imei:999"}, ErrUnknownIdentity},
	} {
		w := newWorld(t, 12, Config{}, Config{})
		id := w.dial(c.cfg)
		w.run(time.Minute)
		r := last[*Refused](w.server)
		if r == nil || r.Reason != c.want || r.Path.Remote != clientAddr {
			t.Fatalf("Refused: %+v", r)
		}
		cl := last[*Closed](w.client)
		if cl == nil || cl.Session != id || cl.Reason != (AlertError{alertDecryptError}) {
			t.Errorf("Closed: %+v", cl)
		}
		if count[*Closed](w.server) != 0 || w.server.e.slab.live != 0 {
			t.Error("the server keeps or reports a session")
		}
		seen[i] = w.transcript()
	}
	if seen[0] != seen[1] {
		t.Errorf("wrong key:\n%s\nunknown identity:\n%s", seen[0], seen[1])
	}
}

// Without a common suite the client is told, and only after it has shown its address.
func TestNoCommonSuite(t *testing.T) {
	w := newWorld(t, 13, Config{}, Config{Suites: []Suite{PSKWithAES128GCM}})
	w.dial(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
	w.run(time.Minute)
	if c := last[*Closed](w.client); c == nil || c.Reason != (AlertError{alertHandshakeFailure}) {
		t.Errorf("Closed: %+v", c)
	}
	if r := last[*Refused](w.server); r == nil || !errors.Is(r.Reason, ErrNoSuite) {
		t.Errorf("Refused: %+v", r)
	}
}

// Nothing without authentication ends a session: alerts, garbage, replays, old records.
func TestUnauthenticatedRecordsDoNothing(t *testing.T) {
	w := newWorld(t, 14, Config{}, Config{CIDLen: 8})
	var captured [][]byte
	w.filter = func(d *datagram) bool { captured = append(captured, d.data); return true }
	ce, se := w.connect(ClientConfig{})
	w.filter = nil
	data := len(w.server.data)
	inject := func(n *node, from netip.AddrPort, b []byte) {
		n.e.Receive(w.now, 0, machine.Path{Local: n.addr, Remote: from}, b)
		w.drain(n)
	}
	for _, b := range [][]byte{
		{21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40},                               // plaintext fatal alert
		{21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0},                                // plaintext close_notify
		{21, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40},                               // the same in epoch 1
		{23, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 'h', 'i'},                            // data of epoch 0
		{23, 0xFE, 0xFD, 0, 2, 0, 0, 0, 0, 0, 9, 0, 2, 'h', 'i'},                            // of an epoch that is not there
		{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, // HelloRequest
		{25, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 'h', 'i'},    // unknown connection ID
		{22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0xFF, 0xFF},
	} {
		inject(w.client, serverAddr, b)
		inject(w.server, clientAddr, b)
	}
	for _, b := range captured { // replays, from the right and from a wrong address
		for _, from := range []netip.AddrPort{clientAddr, serverAddr, otherAddr} {
			inject(w.client, from, b)
			inject(w.server, from, b)
		}
	}
	if n := count[*Closed](w.client) + count[*Closed](w.server) + count[*Challenge](w.server); n != 0 {
		t.Errorf("%d events", n)
	}
	if len(w.server.data) != data {
		t.Errorf("replayed data was delivered: %q", w.server.data)
	}
	w.queue = nil
	w.run(10 * time.Minute)
	w.exchange(ce.Session, se.Session)
}

// A hello from the address of a living session does not end it before the new handshake is finished
// (RFC 6347 section 4.2.8).
func TestRebootedClient(t *testing.T) {
	w := newWorld(t, 15, Config{}, Config{CIDLen: 8})
	ce, se := w.connect(ClientConfig{})
	// The second hello's handshake is cut off after ServerHello: the session lives on, the handshake times out.
	w.filter = func(d *datagram) bool { return !strings.Contains(describe(d.data), "ClientKeyExchange") }
	if _, err := w.client.e.Dial(w.now, 0, w.client.pathTo(serverAddr), ClientConfig{Identity: testIdentity, Key: []byte(testKey)}); err != nil {
		t.Fatal(err)
	}
	w.drain(w.client)
	w.run(5 * time.Second)
	if w.server.e.running.n != 1 || w.server.e.idle.n != 1 {
		t.Fatalf("%+v", w.server.e.Stats())
	}
	w.write(w.client, ce.Session, "still here")
	w.run(time.Second)
	if w.server.lastData() != "still here" {
		t.Fatal("the session is gone")
	}
	w.run(10 * time.Minute)
	if count[*Closed](w.server) != 0 || w.server.e.idle.n != 1 {
		t.Fatal("the session is gone")
	}
	// A whole handshake replaces it.
	w.filter = nil
	ce2, se2 := w.connect(ClientConfig{})
	c := last[*Closed](w.server)
	if c == nil || c.Session != se.Session || !errors.Is(c.Reason, ErrReplaced) || se2.Session == se.Session {
		t.Errorf("Closed: %+v", c)
	}
	w.exchange(ce2.Session, se2.Session)
	if err := w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0); err != ErrUnknownSession {
		t.Errorf("Write to the old session: %v", err)
	}
}

// Closing: close_notify is sent and answered; a lost one is no drama.
func TestClose(t *testing.T) {
	w := newWorld(t, 16, Config{}, Config{CIDLen: 8})
	ce, se := w.connect(ClientConfig{})
	w.client.e.Close(w.now, 0, ce.Session)
	w.drain(w.client)
	w.run(time.Second)
	if c := last[*Closed](w.client); c == nil || c.Session != ce.Session || c.Reason != ErrClosedLocally {
		t.Errorf("client: %+v", c)
	}
	if c := last[*Closed](w.server); c == nil || c.Session != se.Session || c.Reason != ErrCloseNotify {
		t.Errorf("server: %+v", c)
	}
	if w.client.e.slab.live+w.server.e.slab.live != 0 || len(w.server.e.paths.numbers) != 0 {
		t.Error("something is left")
	}
	if w.lines[len(w.lines)-1] != "server  -> *dtls.Closed" && !strings.Contains(w.transcript(), "server: Alert@1.2") {
		t.Errorf("no close_notify in answer:\n%s", w.transcript())
	}
}

// Removed credentials end the sessions of an identity and forbid to resume them.
func TestInvalidate(t *testing.T) {
	w := newWorld(t, 17, Config{}, Config{CIDLen: 8})
	ce, se := w.connect(ClientConfig{})
	w.server.e.Invalidate(w.now, 0, "somebody else", testIdentity)
	w.drain(w.server)
	w.run(time.Second)
	if c := last[*Closed](w.server); c == nil || c.Session != se.Session || c.Reason != ErrInvalidated {
		t.Errorf("server: %+v", c)
	}
	if c := last[*Closed](w.client); c == nil || c.Reason != ErrCloseNotify {
		t.Errorf("client: %+v", c)
	}
	if again, _ := w.connect(ClientConfig{Resume: ce.Resume}); again.Resumed {
		t.Error("resumed an invalidated session")
	}
}

// Limits: the oldest handshake and the longest silent session make room.
func TestLimits(t *testing.T) {
	w := newWorld(t, 18, Config{}, Config{MaxHandshakes: 3, MaxSessions: 2, CIDLen: 8})
	var ids []uint64
	for i := range 5 {
		w.client.addr = netip.AddrPortFrom(clientAddr.Addr(), uint16(41000+i))
		_, se := w.connect(ClientConfig{})
		ids = append(ids, se.Session)
	}
	if n := w.server.e.idle.n; n != 2 {
		t.Errorf("%d sessions", n)
	}
	for i, id := range ids {
		if _, _, ok := w.server.e.Lookup(id); ok != (i >= 3) {
			t.Errorf("session %d: %v", i, ok)
		}
	}
	w.filter = func(d *datagram) bool { return !strings.Contains(describe(d.data), "ClientKeyExchange") }
	for i := range 6 {
		w.client.addr = netip.AddrPortFrom(clientAddr.Addr(), uint16(42000+i))
		w.dial(ClientConfig{})
		w.run(100 * time.Millisecond)
	}
	if n := w.server.e.running.n; n != 3 {
		t.Errorf("%d handshakes", n)
	}
	if n := len(w.server.e.paths.pending); n != 3 {
		t.Errorf("%d pending", n)
	}
}

// A session silent for too long ends by itself.
func TestIdle(t *testing.T) {
	w := newWorld(t, 19, Config{}, Config{SessionIdleMax: time.Hour})
	_, se := w.connect(ClientConfig{}) // ends with a second of silence
	w.run(59 * time.Minute)
	if _, _, ok := w.server.e.Lookup(se.Session); !ok {
		t.Fatal("ended early")
	}
	w.run(2 * time.Minute)
	if c := last[*Closed](w.server); c == nil || c.Reason != ErrIdle {
		t.Errorf("%+v", c)
	}
}

// Renegotiation is refused on both sides with a warning, and the session goes on (RFC 5746 section 4.5).
func TestRenegotiationRefused(t *testing.T) {
	w := newWorld(t, 20, Config{}, Config{CIDLen: 8})
	ce, se := w.connect(ClientConfig{})
	for _, x := range []struct {
		n       *node
		session uint64
		typ     byte
	}{{w.client, ce.Session, typeClientHello}, {w.server, se.Session, typeHelloRequest}} {
		s, _ := x.n.e.find(x.session)
		x.n.e.begin(w.now, 0)
		seq, _, _ := x.n.e.nextSequence(s)
		msg := appendMessageHeader(nil, x.typ, 0, 9, 0, 0)
		x.n.e.send(x.n.e.paths.path(s), x.n.e.seal(nil, s, contentHandshake, seq, msg), 0)
		w.drain(x.n)
		n := len(w.lines)
		w.run(time.Second)
		if len(w.lines) != n+1 || w.peer(x.n).e.idle.n != 1 {
			t.Errorf("answer: %v", w.lines[n:])
		}
	}
	w.exchange(ce.Session, se.Session)
}

// max_fragment_length binds both sides (RFC 6066 section 4).
func TestMaxFragment(t *testing.T) {
	w := newWorld(t, 21, Config{MaxFragment: 512}, Config{})
	ce, se := w.connect(ClientConfig{})
	if w.client.e.MaxData(ce.Session) != 512 || w.server.e.MaxData(se.Session) != 512 {
		t.Error("not negotiated")
	}
	for _, n := range []int{512, 513} {
		err := w.server.e.Write(w.now, 0, se.Session, make([]byte, n), 0)
		if (err == nil) != (n == 512) || err != nil && err != ErrTooLarge {
			t.Errorf("%d bytes: %v", n, err)
		}
		w.drain(w.server)
	}
}

// A client behind a wildcard socket hears answers on the concrete address.
func TestWildcardLocal(t *testing.T) {
	for _, local := range []string{"0.0.0.0:40000", "[::]:40000", ""} {
		w := newWorld(t, 22, Config{}, Config{})
		var from netip.AddrPort
		if local != "" {
			from = netip.MustParseAddrPort(local)
		}
		id, err := w.client.e.Dial(w.now, 0, machine.Path{Local: from, Remote: serverAddr},
			ClientConfig{Identity: testIdentity, Key: []byte(testKey)})
		if err != nil {
			t.Fatal(err)
		}
		w.drain(w.client)
		w.run(time.Second)
		se := last[*Established](w.server)
		if se == nil {
			t.Fatalf("from %q: no session\n%s", local, w.transcript())
		}
		w.exchange(id, se.Session)
	}
}

// A server that has forgotten its secret asks for another cookie; the client gives it once its hello got no answer. A
// copy of the first request changes nothing.
func TestSecondVerifyRequest(t *testing.T) {
	w := newWorld(t, 23, Config{}, Config{})
	copies := 0
	w.filter = func(d *datagram) bool {
		if strings.HasPrefix(describe(d.data), "HelloVerifyRequest") && copies == 0 {
			copies++
			late := *d
			late.at = late.at.Add(5 * time.Millisecond)
			w.queue = append(w.queue, late)
			w.server.e = w.node("server", serverAddr, Config{}, 77).e // restarted: another secret
		}
		return true
	}
	w.connect(ClientConfig{})
	if n := strings.Count(w.transcript(), "client: ClientHello"); n != 4 { // plain, cookie, repeated, second cookie
		t.Errorf("%d hellos:\n%s", n, w.transcript())
	}
}
