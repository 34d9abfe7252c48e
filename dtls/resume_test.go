package dtls

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestResumption(t *testing.T) {
	for _, suite := range allSuites() {
		w := newWorld(t, 30, Config{AllowCBC: true}, Config{CIDLen: 8, AllowCBC: true})
		first, _ := w.connect(ClientConfig{Suites: []Suite{suite}})
		if first.Resume == nil {
			t.Fatal("nothing to resume with")
		}
		w.lines = nil
		ce, se := w.connect(ClientConfig{Resume: first.Resume})
		if !ce.Resumed || !se.Resumed || ce.Suite != suite || se.Path.Security.Name != testIdentity || ce.Resume == nil {
			t.Errorf("%v: client %+v, server %+v", suite, ce, se)
		}
		if suite != PSKWithAES128CCM8 {
			continue
		}
		w.expect(`
			client: ClientHello(0)@0.0
			server: HelloVerifyRequest(0)@0.0
			client: ClientHello(1)@0.1
			server: ServerHello(1)@0.1 CCS@0.2 Handshake@1.0
			client: CCS@0.2 CID@1.0
			client  -> *dtls.Closed
			client  -> *dtls.Established
			server  -> *dtls.Closed
			server  -> *dtls.Established
			client: CID@1.1
			server: Data@1.1
		`)
	}
}

// The n-th datagram of a short handshake is lost, for all n.
func TestResumptionLoss(t *testing.T) {
	for n := 1; n <= 6; n++ {
		w := newWorld(t, 31, Config{}, Config{CIDLen: 8})
		first, _ := w.connect(ClientConfig{})
		base := w.n
		w.filter = func(d *datagram) bool { return d.n != base+n }
		id := w.dial(ClientConfig{Resume: first.Resume})
		w.run(3 * time.Minute)
		w.filter = nil
		se := last[*Established](w.server)
		if count[*Established](w.server) != 2 || !se.Resumed {
			t.Fatalf("datagram %d lost:\n%s", n, w.transcript())
		}
		w.exchange(id, se.Session)
	}
}

// When a session is not resumed there is a full handshake instead: RFC 7627 section 5.3, RFC 5246 section 7.4.1.2.
func TestNoResumption(t *testing.T) {
	t.Run("without extended master secret", func(t *testing.T) {
		w := newWorld(t, 32, Config{}, Config{DisableEMS: true})
		first, se := w.connect(ClientConfig{})
		if first.EMS || se.EMS || first.Resume != nil {
			t.Errorf("%+v", first)
		}
		w = newWorld(t, 33, Config{DisableEMS: true}, Config{})
		if first, _ := w.connect(ClientConfig{}); first.EMS || first.Resume != nil {
			t.Errorf("%+v", first)
		}
	})
	t.Run("too old", func(t *testing.T) {
		w := newWorld(t, 35, Config{}, Config{ResumeLifetime: time.Hour})
		first, _ := w.connect(ClientConfig{})
		w.run(2 * time.Hour)
		if ce, _ := w.connect(ClientConfig{Resume: first.Resume}); ce.Resumed {
			t.Error("resumed")
		}
	})
	t.Run("key changed", func(t *testing.T) {
		key := testKey
		w := newWorld(t, 36, Config{}, Config{PSK: func([]byte) ([]byte, bool) { return []byte(key), true }})
		first, _ := w.connect(ClientConfig{})
		key = "another key"
		if ce, _ := w.connect(ClientConfig{Resume: first.Resume, Key: []byte(key)}); ce.Resumed {
			t.Error("resumed")
		}
	})
	t.Run("suite not offered any more", func(t *testing.T) {
		w := newWorld(t, 37, Config{}, Config{})
		first, _ := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128GCM}})
		ce, _ := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CCM}, Resume: first.Resume})
		if ce.Resumed || ce.Suite != PSKWithAES128CCM {
			t.Errorf("%+v", ce)
		}
	})
	t.Run("forgotten", func(t *testing.T) {
		w := newWorld(t, 38, Config{}, Config{MaxResumable: 2})
		first, _ := w.connect(ClientConfig{})
		for range 2 {
			w.connect(ClientConfig{})
		}
		if ce, _ := w.connect(ClientConfig{Resume: first.Resume}); ce.Resumed {
			t.Error("resumed")
		}
		if n := len(w.server.e.resume.byID); n != 2 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		w := newWorld(t, 39, Config{}, Config{MaxResumable: -1})
		if first, _ := w.connect(ClientConfig{}); first.Resume != nil {
			t.Error("a session id")
		}
	})
}

// A server that answers a resumption without the extended master secret, or with another suite, is refused.
func TestResumptionDowngrade(t *testing.T) {
	w := newWorld(t, 40, Config{}, Config{})
	first, _ := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
	forged := *first.Resume
	forged.suite = PSKWithAES128GCM
	w.dial(ClientConfig{Resume: &forged})
	w.run(time.Minute)
	if c := last[*Closed](w.client); c == nil || !errors.Is(c.Reason, ErrProtocol) {
		t.Errorf("%+v\n%s", c, w.transcript())
	}
}

// The other way round: a hello that drops the extended master secret of the session it names is refused
// (RFC 7627 section 5.3).
func TestResumptionDowngradeByClient(t *testing.T) {
	w := newWorld(t, 34, Config{}, Config{})
	first, _ := w.connect(ClientConfig{})
	m := baseHello()
	m.sessionID = first.Resume.id
	w2, answer, _ := answerToEngine(t, w, &m)
	if !strings.HasPrefix(answer, "Alert(40)") {
		t.Errorf("answer %s", answer)
	}
	if r := last[*Refused](w2.server); r == nil || !errors.Is(r.Reason, ErrProtocol) {
		t.Errorf("%+v", r)
	}
}

func TestResumeCacheBounds(t *testing.T) {
	c := resumeCache{limit: 100, byID: map[[32]byte]*resumeEntry{}}
	for i := range 10_000 {
		r := &resumeEntry{until: 1 << 60, identity: fmt.Sprint(i % 7)}
		copy(r.id[:], fmt.Sprint(i))
		c.put(r)
		if i%5 == 0 {
			c.drop(r.id[:])
		}
		if i%1000 == 0 {
			c.dropIdentities(map[string]bool{"3": true})
		}
		if len(c.byID) > 100 || len(c.queue) > 500 {
			t.Fatalf("%d entries, %d in the queue", len(c.byID), len(c.queue))
		}
	}
	if !strings.HasPrefix(string(c.queue[len(c.queue)-1].id[:]), "9999") {
		t.Error("the newest is not last")
	}
}
