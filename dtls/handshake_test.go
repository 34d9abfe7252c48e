package dtls

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

func script(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (w *world) expect(want string) {
	w.t.Helper()
	var got []string
	for _, l := range w.lines {
		got = append(got, strings.TrimSpace(l))
	}
	if g := strings.Join(got, "\n"); g != script(want) {
		w.t.Errorf("transcript:\n%s\nwant:\n%s", g, script(want))
	}
}

func TestHandshakeTranscript(t *testing.T) {
	w := newWorld(t, 1, Config{}, Config{})
	w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
	w.expect(`
		client: ClientHello(0)@0.0
		server: HelloVerifyRequest(0)@0.0
		client: ClientHello(1)@0.1
		server: ServerHello(1)@0.1 ServerHelloDone(2)@0.2
		client: ClientKeyExchange(2)@0.2 CCS@0.3 Handshake@1.0
		server: CCS@0.3 Handshake@1.0
		server  -> *dtls.Established
		client  -> *dtls.Established
		client: Data@1.1
		server: Data@1.1
	`)
}

// Every suite, alone and with connection IDs of all lengths.
func TestSuitesAndCIDs(t *testing.T) {
	for _, suite := range allSuites() {
		for _, c := range []struct {
			name           string
			client, server int
		}{{"none", -1, -1}, {"0 and 8", 0, 8}, {"8 and 0", 8, 0}, {"8 and 8", 8, 8}, {"0 and 0", 0, 0}} {
			t.Run(suite.String()+" "+c.name, func(t *testing.T) {
				w := newWorld(t, 2, Config{CIDLen: max(c.client, 0), DisableCID: c.client < 0, AllowCBC: true},
					Config{CIDLen: max(c.server, 0), DisableCID: c.server < 0, CIDFirst: 7, AllowCBC: true})
				ce, se := w.connect(ClientConfig{Suites: []Suite{suite}})
				if ce.Suite != suite || se.Suite != suite || !ce.EMS || !se.EMS || ce.Resumed || !ce.Client || se.Client {
					t.Errorf("client %+v\nserver %+v", ce, se)
				}
				if len(ce.PeerCID) != max(c.server, 0) || len(ce.OwnCID) != max(c.client, 0) ||
					string(ce.PeerCID) != string(se.OwnCID) || string(ce.OwnCID) != string(se.PeerCID) {
					t.Errorf("connection IDs: client %x %x, server %x %x", ce.OwnCID, ce.PeerCID, se.OwnCID, se.PeerCID)
				}
				if c.server > 0 && se.OwnCID[0] != 7 {
					t.Errorf("the server's connection ID %x does not begin with its shard", se.OwnCID)
				}
				lines := w.lines[len(w.lines)-2:]
				for i, n := range []int{c.server, c.client} {
					if got := strings.Contains(lines[i], "CID"); got != (n > 0) {
						t.Errorf("%s: type 25 is %v", lines[i], got)
					}
				}
				id := se.Path.Security
				if id.Name != testIdentity || id.Kind != machine.PSK || id.Session != se.Session || id.Resumed ||
					id.CID != (c.server > 0) {
					t.Errorf("identity %+v", id)
				}
			})
		}
	}
}

// The n-th datagram is lost, for all n: the handshake ends well on both sides, and both sides can talk.
func TestHandshakeLoss(t *testing.T) {
	for _, suite := range []Suite{PSKWithAES128CCM8, ECDHEPSKWithAES128GCM} {
		for _, mtu := range []int{1232, 128} {
			total := 0
			for n := 0; n == 0 || n <= total; n++ {
				w := newWorld(t, 3, Config{MTU: mtu}, Config{MTU: mtu, CIDLen: 8})
				w.filter = func(d *datagram) bool { return d.n != n }
				id := w.dial(ClientConfig{Suites: []Suite{suite}})
				w.run(3 * time.Minute)
				if n == 0 {
					total = w.n
				}
				w.filter = nil
				se := last[*Established](w.server)
				if se == nil {
					t.Fatalf("MTU %d, datagram %d lost: no session\n%s", mtu, n, w.transcript())
				}
				w.exchange(id, se.Session)
				if c := count[*Established](w.server); c != 1 {
					t.Errorf("MTU %d, datagram %d lost: %d sessions", mtu, n, c)
				}
				if st := w.server.e.Stats(); st.Sessions != 1 || st.Handshakes != 0 {
					t.Errorf("MTU %d, datagram %d lost: %+v", mtu, n, st)
				}
			}
		}
	}
}

// Everything is lost: the client gives up and says so once.
func TestHandshakeTimeout(t *testing.T) {
	w := newWorld(t, 4, Config{}, Config{})
	w.filter = func(*datagram) bool { return false }
	start := w.now
	id := w.dial(ClientConfig{})
	w.run(time.Hour)
	c := last[*Closed](w.client)
	if c == nil || c.Session != id || !errors.Is(c.Reason, ErrTimeout) || count[*Closed](w.client) != 1 {
		t.Fatalf("Closed: %+v", c)
	}
	if w.n != 7 {
		t.Errorf("%d hellos", w.n)
	}
	if d := w.client.e.Deadline(); d != machine.Never {
		t.Errorf("deadline %v after the end", d.Sub(start))
	}
	if w.client.e.ids.Len() != 0 || w.client.e.slab.live != 0 || w.client.e.paths.wild != 0 || len(w.client.e.paths.numbers) != 0 {
		t.Error("something is left of the handshake")
	}
}

// Retransmissions back off: 1, 2, 4, ... 60 s (RFC 6347 section 4.2.4.1).
func TestBackOff(t *testing.T) {
	w := newWorld(t, 5, Config{Retransmissions: 8}, Config{})
	var at []time.Duration
	start := w.now
	w.filter = func(d *datagram) bool { at = append(at, w.now.Sub(start)); return false }
	w.dial(ClientConfig{})
	w.run(time.Hour)
	want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183}
	for i := range want {
		want[i] *= time.Second
	}
	if !slices.Equal(at, want) {
		t.Errorf("sent at %v, want %v", at, want)
	}
}

// Random loss, duplication and reordering, small and large MTU, with and without resumption.
func TestHandshakeChaos(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		mtu := []int{128, 200, 508, 1232}[r.IntN(4)]
		cfg := Config{MTU: mtu, Retransmissions: 20, CIDLen: 8 * r.IntN(2)}
		scfg := cfg
		scfg.CIDLen = 8 * r.IntN(2)
		w := newWorld(t, seed, cfg, scfg)
		chaos := func(d *datagram) bool {
			if r.IntN(100) < 15 {
				c := *d
				c.at = c.at.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
				w.queue = append(w.queue, c)
			}
			d.at = d.at.Add(time.Duration(r.IntN(200)) * time.Millisecond)
			return r.IntN(100) >= 20
		}
		var resume *Resumption
		for range 2 {
			w.filter = chaos
			w.dial(ClientConfig{Suites: []Suite{SecureSuites()[r.IntN(6)]}, Resume: resume})
			w.run(30 * time.Minute)
			w.filter = nil
			ce, se := last[*Established](w.client), last[*Established](w.server)
			if ce == nil || se == nil || ce.Resumed != se.Resumed || ce.Suite != se.Suite {
				t.Fatalf("seed %d: %+v %+v\n%s", seed, ce, se, w.transcript())
			}
			w.exchange(ce.Session, se.Session)
			resume = ce.Resume
		}
	}
}
