package dtls

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
)

// A restored session: what it refuses, what it says, and what it does only after a fresh answer.
func TestRestored(t *testing.T) {
	for _, rrc := range []bool{false, true} {
		w := newWorld(t, 60, Config{DisableRRC: !rrc}, Config{CIDLen: 8, Durable: true})
		var wire [][]byte
		w.filter = func(d *datagram) bool {
			if d.to == serverAddr {
				wire = append(wire, d.data)
			}
			return true
		}
		ce, se := w.connect(ClientConfig{})
		// A durable effect: the record with the highest number received goes to the disk with it.
		w.write(w.client, ce.Session, "register")
		w.run(time.Second)
		r, ok := w.server.e.Export(se.Session)
		if !ok || r.Table != SessionTable {
			t.Fatal("Export")
		}
		w.server.disk[string(r.Key)] = slices.Clone(r.Value)
		committed := len(wire)
		w.write(w.client, ce.Session, "update")
		w.run(time.Second)

		stored := w.server.disk
		w.server = w.node("server", serverAddr, Config{CIDLen: 8, Durable: true}, 99)
		w.server.disk = stored
		for k, v := range stored {
			if err := w.server.e.Restore(w.now, []byte(k), v); err != nil {
				t.Fatal(err)
			}
		}
		_, ident, ok := w.server.e.Lookup(se.Session)
		if !ok || !ident.Resumed || ident.Name != testIdentity || !ident.CID {
			t.Fatalf("%+v", ident)
		}
		inject := func(from netip.AddrPort, b []byte) {
			w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: from}, b)
			w.drain(w.server)
		}
		for _, b := range wire[:committed] {
			inject(clientAddr, b)
		}
		if len(w.server.data) != 0 {
			t.Fatalf("delivered again: %q", w.server.data)
		}
		w.queue = nil
		// What was received after the last commit cannot be told from new: it is delivered, marked.
		inject(otherAddr, wire[committed])
		got := last[*Received](w.server)
		if got == nil || string(got.Data) != "update" || !got.Path.Security.Resumed {
			t.Fatalf("%+v", got)
		}
		if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != clientAddr {
			t.Fatal("a replayed record moved the session")
		}
		if rrc {
			w.queue = nil // the challenge to the wrong address is lost
			w.write(w.client, ce.Session, "next")
			w.run(time.Second)
			w.now = w.now.Add(challengeEvery)
			w.write(w.client, ce.Session, "next")
			w.run(time.Second)
		} else {
			if ch := last[*Challenge](w.server); ch == nil || !ch.Fresh {
				t.Fatalf("%+v", ch)
			}
			w.write(w.client, ce.Session, "next")
			w.run(time.Second)
			if ch := last[*Challenge](w.server); !ch.Fresh || ch.Path.Remote != clientAddr {
				t.Fatalf("%+v", ch)
			}
			w.server.e.Proved(w.now, 0, se.Session, machine.Path{Local: serverAddr, Remote: clientAddr})
			w.drain(w.server)
		}
		f := last[*Fresh](w.server)
		if f == nil || f.Path.Security.Resumed {
			t.Fatalf("rrc=%v: %+v\n%s", rrc, f, w.transcript())
		}
		w.exchange(ce.Session, se.Session)
		if got := last[*Received](w.server); got.Path.Security.Resumed || ident.Resumed == false {
			t.Error("the mark is still there, or the old identity was changed under its readers")
		}
		if n := count[*Established](w.server); n != 0 {
			t.Error("a handshake")
		}
	}
}

// A session that cannot be read is refused, and does not get in the way.
func TestRestoreErrors(t *testing.T) {
	w := newWorld(t, 61, Config{}, Config{CIDLen: 8, Durable: true})
	_, se := w.connect(ClientConfig{})
	r, _ := w.server.e.Export(se.Session)
	key, value := slices.Clone(r.Key), slices.Clone(r.Value)
	w.server.e.Next()
	fresh := w.node("server", serverAddr, Config{CIDLen: 8}, 1).e
	for i := range value {
		if err := fresh.Restore(w.now, key, value[:i]); !errors.Is(err, ErrRestore) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if err := fresh.Restore(w.now, key[:7], value); !errors.Is(err, ErrRestore) {
		t.Error(err)
	}
	if fresh.slab.live != 0 {
		t.Error("something was restored")
	}
	if err := fresh.Restore(w.now, key, value); err != nil {
		t.Error(err)
	}
	if err := fresh.Restore(w.now, key, value); !errors.Is(err, ErrRestore) {
		t.Error("twice")
	}
	without := w.node("server", serverAddr, Config{}, 1).e
	if err := without.Restore(w.now, key, value); !errors.Is(err, ErrRestore) {
		t.Error("with a connection ID into an engine without them")
	}
}

// When the store fails, sessions that it may know use up what they have reserved and no more; new ones live in memory.
func TestStoreFailure(t *testing.T) {
	w := newWorld(t, 62, Config{}, Config{CIDLen: 8, Durable: true, ReserveBlock: 16})
	ce, se := w.connect(ClientConfig{})
	w.hold = true
	first := w.server.seen + 1
	for {
		if err := w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		w.drain(w.server)
		if w.server.seen >= first {
			break
		}
	}
	w.server.e.PersistFailed(w.now, first, errors.New("disk full"))
	w.drain(w.server)
	n := 0
	for ; n < 100; n++ {
		if err := w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0); err != nil {
			if err != ErrNotDurable {
				t.Fatal(err)
			}
			break
		}
		w.drain(w.server)
	}
	s, _ := w.server.e.find(se.Session)
	if n == 0 || n > 16 || s.sendSeq > 17 { // Finished and one block
		t.Errorf("%d more records, up to number %d", n, s.sendSeq)
	}
	if w.server.seen != first {
		t.Errorf("asked for commit %d after the failure", w.server.seen)
	}
	w.run(time.Second)
	_, se2 := w.connect(ClientConfig{})
	for range 100 {
		if err := w.server.e.Write(w.now, 0, se2.Session, []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		w.drain(w.server)
	}
	_ = ce
}

// A disk that was full has space again, as another layer's commit shows: sessions go on, and reserve again.
func TestStoreComesBack(t *testing.T) {
	w := newWorld(t, 64, Config{}, Config{CIDLen: 8, Durable: true, ReserveBlock: 16})
	_, se := w.connect(ClientConfig{})
	w.hold = true
	for first := w.server.seen + 1; w.server.seen < first; w.drain(w.server) {
		if err := w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
	}
	w.server.e.PersistFailed(w.now, w.server.seen, errors.New("disk full"))
	again := w.server.e.out.Nest().NextSeq()
	w.server.seen = again // of another layer
	w.server.e.Persisted(w.now, again)
	w.drain(w.server)
	for range 100 {
		if err := w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0); err != nil {
			t.Fatal("after the store came back:", err)
		}
		w.drain(w.server)
	}
	if w.server.seen <= again {
		t.Error("nothing was reserved after the store came back")
	}
}

// A session whose first record may or may not be on disk never uses a number at or above the bound in that record: a
// restart might begin there.
func TestStoreFailureAtTheFirstRecord(t *testing.T) {
	w := newWorld(t, 63, Config{}, Config{CIDLen: 8, Durable: true, ReserveBlock: 16})
	w.hold = true
	_, se := w.connect(ClientConfig{})
	s, _ := w.server.e.find(se.Session)
	bound := s.bound
	w.server.e.PersistFailed(w.now, s.storedSeq, errors.New("fsync"))
	w.drain(w.server)
	var err error
	for n := 0; n < 100 && err == nil; n++ {
		err = w.server.e.Write(w.now, 0, se.Session, []byte("x"), 0)
		w.drain(w.server)
	}
	if err != ErrNotDurable || s.sendSeq > bound {
		t.Errorf("%v after number %d; the record says %d", err, s.sendSeq, bound)
	}
}
