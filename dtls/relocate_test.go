package dtls

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A device restarts and gets another socket: its restored session goes on from there, without a handshake, and the
// server follows after its proof.
func TestRelocate(t *testing.T) {
	w := newWorld(t, 95, Config{Durable: true}, Config{CIDLen: 8})
	ce, se := w.connect(ClientConfig{})
	stored := w.client.disk
	w.client = w.node("client", otherAddr, Config{Durable: true}, 96)
	w.client.disk = stored
	for k, v := range stored {
		if err := w.client.e.Restore(w.now, []byte(k), slices.Clone(v)); err != nil {
			t.Fatal(err)
		}
	}
	w.client.e.Next()
	if err := w.client.e.Relocate(w.now, 0, ce.Session, otherAddr, 3); err != nil {
		t.Fatal(err)
	}
	w.drain(w.client)
	if err := w.client.e.Relocate(w.now, 0, ce.Session, otherAddr, 0); err != nil {
		t.Fatal(err)
	}
	w.drain(w.client)
	if m := last[*Moved](w.client); m == nil || m.New.Local != otherAddr || m.New.Remote != serverAddr || m.New.Link != 0 {
		t.Fatalf("%+v", m)
	}
	w.lines = nil
	w.write(w.client, ce.Session, "update")
	w.run(time.Second)
	if w.server.lastData() != "update" {
		t.Fatal("not delivered")
	}
	if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != otherAddr {
		t.Errorf("the server has not followed: %v", p.Remote)
	}
	w.exchange(ce.Session, se.Session)
	if err := w.client.e.Relocate(w.now, 0, 1, netip.AddrPort{}, 0); err != ErrUnknownSession {
		t.Errorf("unknown session: %v", err)
	}
	if len(w.client.e.paths.numbers) != 1 || w.client.e.paths.established.Len() != 1 {
		t.Error("an old path is left")
	}
}

// A device's engine is small: its slab fits the sessions that it may have.
func TestSlab(t *testing.T) {
	for _, most := range []int{1, 2, 3, 4, 5, 255, 256, 1000} {
		l := newSlab(most)
		var all []*session
		for i := range 1000 {
			s := l.alloc()
			if s != l.at(s.slot) || s.slot != uint32(i+1) {
				t.Fatalf("slot %d", s.slot)
			}
			s.id = uint64(i)
			all = append(all, s)
		}
		if n := len(l.chunks[0]); n < min(most, 256) || n > 256 || n >= 2*most && most > 1 {
			t.Errorf("chunks of %d for %d sessions", n, most)
		}
		for i, s := range all {
			if s.id != uint64(i) || l.at(uint32(i+1)) != s {
				t.Fatal("a session has moved")
			}
		}
		l.release(all[7])
		if s := l.alloc(); s.slot != 8 || s.id != 0 {
			t.Error("a free slot was not used again, or not wiped")
		}
	}
}
