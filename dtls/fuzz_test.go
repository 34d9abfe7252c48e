package dtls

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/machine"
)

// recordDatagrams makes a corpus of real datagrams: a full and a short handshake with data, alerts and a change of address.
func recordDatagrams(t testing.TB, suite Suite, c, s Config) (all [][]byte) {
	w := newWorld(t, 70, c, s)
	w.filter = func(d *datagram) bool { all = append(all, d.data); return true }
	ce, _ := w.connect(ClientConfig{Suites: []Suite{suite}})
	ce, _ = w.connect(ClientConfig{Suites: []Suite{suite}, Resume: ce.Resume})
	w.client.e.Close(w.now, 0, ce.Session)
	w.drain(w.client)
	w.run(time.Second)
	return all
}

func FuzzRecord(f *testing.F) {
	for _, b := range recordDatagrams(f, PSKWithAES128CCM8, Config{}, Config{CIDLen: 8}) {
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, cid bool) {
		n := 0
		if cid {
			n = 8
		}
		var r record
		rest, ok := r.decode(b, n)
		if !ok {
			return
		}
		enc := append(appendRecordHeader(nil, r.typ, r.version, r.epoch, r.seq, r.cid, len(r.body)), r.body...)
		if !bytes.Equal(append(enc, rest...), b) {
			t.Errorf("decoded and encoded %x gives %x", b, enc)
		}
		CIDFirst(b)
	})
}

func FuzzClientHello(f *testing.F) {
	for _, b := range append(recordDatagrams(f, ECDHEPSKWithAES128CCM8, Config{}, Config{CIDLen: 8}), certificateDatagrams(f, raw)...) {
		if len(b) > 25 {
			f.Add(b[25:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again clientHello
		if !m.decode(b) {
			return
		}
		enc := m.append(nil)
		if len(enc) > 65535 || !again.decode(enc) {
			t.Fatalf("%x encodes to %x, which does not decode", b, enc)
		}
		if !bytes.Equal(enc, again.append(nil)) {
			t.Error("encoding is not stable")
		}
	})
}

func FuzzServerMessages(f *testing.F) {
	for _, b := range append(recordDatagrams(f, ECDHEPSKWithAES128CCM8, Config{}, Config{CIDLen: 8}), certificateDatagrams(f, raw)...) {
		if len(b) > 25 {
			f.Add(b[25:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var sh, again serverHello
		if sh.decode(b) && (!again.decode(sh.append(nil)) || again.suite != sh.suite) {
			t.Error("ServerHello does not survive")
		}
		var hv helloVerifyRequest
		if hv.decode(b) && !bytes.Equal(hv.append(nil), b) {
			t.Error("HelloVerifyRequest does not survive")
		}
		_ = newECDHEPSK().readServer(b)
		_, _ = newECDHEPSK().readClient(b) // needs a group first: must not panic
		_, _ = newPSK().readClient(b)
		_ = newPSK().readServer(b)
		decodeAlert(b)
	})
}

func FuzzFragments(f *testing.F) {
	f.Add(appendMessageHeader(nil, 1, 4, 0, 0, 4))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r reassembly
		for len(b) > 0 {
			var fr fragment
			rest, ok := fr.decode(b)
			if !ok {
				return
			}
			b = rest
			for _, _, ok := r.offer(&fr); ok; _, _, ok = r.pop() {
			}
			if r.bytes > maxReassembly || len(r.waiting) > maxAhead {
				t.Fatal("above the limits")
			}
		}
	})
}

func FuzzRestore(f *testing.F) {
	w := newWorld(f, 71, Config{}, Config{CIDLen: 8, Durable: true})
	_, se := w.connect(ClientConfig{})
	r, _ := w.server.e.Export(se.Session)
	f.Add(bytes.Clone(r.Key), bytes.Clone(r.Value))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, err := New(Config{Rand: newTestRand(1), CIDLen: 8, Durable: true})
		if err != nil {
			t.Fatal(err)
		}
		if e.Restore(1, key, value) != nil {
			return
		}
		for slot := uint32(1); slot <= e.slab.used; slot++ {
			id := e.slab.at(slot).id
			if r, ok := e.Export(id); !ok || !bytes.Equal(r.Key, key) || !bytes.Equal(r.Value, value) {
				t.Errorf("%x %x comes back as %x %x", key, value, r.Key, r.Value)
			}
		}
	})
}

// FuzzReceive gives an engine, in the middle of all sorts of business, what a fuzzer thinks of: datagrams separated by
// their length, on one of several paths.
func FuzzReceive(f *testing.F) {
	for _, suite := range []Suite{PSKWithAES128CCM8, ECDHEPSKWithAES128GCM} {
		var seed []byte
		for _, b := range recordDatagrams(f, suite, Config{}, Config{CIDLen: 8}) {
			seed = append(append(seed, byte(len(b)>>8), byte(len(b))), b...)
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, 70, Config{}, Config{CIDLen: 8, MaxHandshakes: 3})
		ce, se := w.connect(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
		w.dial(ClientConfig{})
		for len(b) >= 2 {
			n := min(int(b[0]&7)<<8|int(b[1]), len(b)-2)
			d, side := b[2:2+n], b[0]
			b = b[2+n:]
			to, from := w.server, clientAddr
			if side&0x80 != 0 {
				to, from = w.client, serverAddr
			}
			if side&0x40 != 0 {
				from = otherAddr
			}
			to.e.Receive(w.now, 0, machine.Path{Local: to.addr, Remote: from}, d)
			w.drain(to)
			w.run(20 * time.Millisecond)
		}
		w.run(10 * time.Minute)
		// Whatever came in without authentication, a session is there: the first or the one that replaced it.
		if w.server.e.idle.n == 0 {
			t.Errorf("no session is left: %+v", w.server.e.Stats())
		}
		_, _ = ce, se
		(&mirror{Engine: w.server.e}).check(t)
		(&mirror{Engine: w.client.e}).check(t)
	})
}
