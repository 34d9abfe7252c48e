package dtls

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// disk is the store of one engine in the tests of restarts: commits become durable in order, some time after they were
// asked for, and a crash loses those that are not.
type disk struct {
	durable map[string][]byte
	pending []pendingCommit
	sends   []heldSend
	done    machine.Seq
}

type pendingCommit struct {
	seq     machine.Seq
	records []machine.Record
}

type heldSend struct {
	after machine.Seq
	d     datagram
}

// oracle knows every protected record that ever left an engine: no key is used twice with one nonce.
type oracle struct {
	t     testing.TB
	where string
	seen  map[string][]byte
	n     int
}

func (o *oracle) watch(e *Engine, b []byte) {
	for len(b) > 0 {
		var r record
		rest, ok := r.decode(b, 8)
		if !ok {
			o.t.Fatalf("%s: sent a record that makes no sense: %x", o.where, b)
		}
		b = rest
		if r.epoch == 0 {
			continue
		}
		// The key is not on the wire: ask the engine which of its sessions wrote this.
		for slot := uint32(1); slot <= e.slab.used; slot++ {
			s := e.slab.at(slot)
			if s.id == 0 || !s.is(flagKeys) || string(r.cid) != s.peerCID {
				continue
			}
			if !sealedBy(s, &r) {
				continue
			}
			id := fmt.Sprintf("%x %x", s.keys[dirWrite].key, append(slices.Clone(s.keys[dirWrite].iv[:]), r.body[:8]...))
			if old, ok := o.seen[id]; ok && !bytes.Equal(old, r.body) {
				o.t.Fatalf("%s: key and nonce used twice, for sequence number %d of session %x", o.where, r.seq, s.id)
			}
			o.seen[id] = slices.Clone(r.body)
			o.n++
		}
	}
}

// sealedBy reports whether a record opens with the write key of a session.
func sealedBy(s *session, r *record) bool {
	a, err := newAEAD(s.info().aead, s.keys[dirWrite].key[:], s.info().tagLen, new(ccmScratch))
	if err != nil {
		return false
	}
	var nonce [12]byte
	copy(nonce[:], s.keys[dirWrite].iv[:])
	copy(nonce[4:], r.body)
	aad := additionalData(nil, s, r.typ, r.seq, r.cid, len(r.body)-s.info().expansion())
	_, ok := a.open(nil, &nonce, r.body[8:], aad)
	return ok
}

// restartWorld is client and server with disks that lag and crash.
type restartWorld struct {
	t      *testing.T
	r      *rand.Rand
	now    machine.Time
	side   [2]*restartSide
	oracle oracle
	wire   []datagram
}

type restartSide struct {
	name    string
	cfg     Config
	addr    netip.AddrPort
	e       *Engine
	disk    disk
	session uint64
	got     map[string]int
	resumed bool
}

func newRestartWorld(t *testing.T, seed uint64, block uint64) *restartWorld {
	w := &restartWorld{t: t, r: rand.New(rand.NewPCG(seed, 7)), now: 1e18}
	w.oracle = oracle{t: t, where: fmt.Sprintf("seed %d", seed), seen: map[string][]byte{}}
	for i, addr := range []netip.AddrPort{clientAddr, serverAddr} {
		s := &restartSide{name: []string{"client", "server"}[i], addr: addr, got: map[string]int{}}
		s.cfg = Config{Durable: true, ReserveBlock: block, CIDLen: 8 * i, DisableRRC: seed%2 == 0, StoreLate: seed%4 < 2}
		if i == 1 {
			s.cfg.PSK = testPSK
		}
		s.disk.durable = map[string][]byte{}
		w.side[i] = s
		w.boot(s, seed)
	}
	return w
}

func (w *restartWorld) boot(s *restartSide, seed uint64) {
	s.cfg.Rand = newTestRand(w.r.Uint64())
	e, err := New(s.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	s.e = e
	keys := make([]string, 0)
	for k := range s.disk.durable {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := e.Restore(w.now, []byte(k), s.disk.durable[k]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// crash loses what is not durable, a random part of which happened to reach the disk before, and what was held back.
func (w *restartWorld) crash(s *restartSide) {
	w.commit(s, w.r.IntN(len(s.disk.pending)+1))
	s.disk.pending, s.disk.sends, s.disk.done = nil, nil, 0
	w.boot(s, 0)
}

func (w *restartWorld) commit(s *restartSide, n int) {
	for range n {
		c := s.disk.pending[0]
		s.disk.pending = s.disk.pending[1:]
		for _, r := range c.records {
			if r.Value == nil {
				delete(s.disk.durable, string(r.Key))
			} else {
				s.disk.durable[string(r.Key)] = r.Value
			}
		}
		s.disk.done = c.seq
		s.e.Persisted(w.now, c.seq)
		w.drain(s)
	}
	held := s.disk.sends[:0]
	for _, h := range s.disk.sends {
		if h.after <= s.disk.done {
			w.leave(s, h.d)
		} else {
			held = append(held, h)
		}
	}
	s.disk.sends = held
}

func (w *restartWorld) drain(s *restartSide) {
	for {
		a, ok := s.e.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Send:
			d := datagram{from: s.addr, to: a.Path.Remote, data: slices.Clone(a.Data)}
			if a.After > s.disk.done {
				s.disk.sends = append(s.disk.sends, heldSend{a.After, d})
			} else {
				w.leave(s, d)
			}
		case machine.Persist:
			c := pendingCommit{seq: a.Seq}
			for _, r := range a.Records {
				c.records = append(c.records, machine.Record{Table: r.Table, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)})
			}
			s.disk.pending = append(s.disk.pending, c)
		case machine.Event:
			switch v := a.Value.(type) {
			case *Established:
				s.session = v.Session
			case *Received:
				s.got[string(v.Data)]++
				s.resumed = v.Path.Security.Resumed
				if strings.HasPrefix(string(v.Data), "challenge ") {
					_ = s.e.Write(w.now, 0, v.Path.Security.Session, []byte("answer"+string(v.Data[9:])), 0)
				}
				if strings.HasPrefix(string(v.Data), "answer ") {
					s.e.Proved(w.now, 0, v.Path.Security.Session, v.Path)
				}
				w.effect(s, v.Path.Security.Session)
			case *Challenge:
				_ = s.e.WriteTo(w.now, 0, v.Session, v.Path, []byte(fmt.Sprintf("challenge %d", w.r.Uint64())), 0)
			}
		}
	}
}

// leave lets a datagram out into the world: what never leaves cannot repeat a nonce.
func (w *restartWorld) leave(s *restartSide, d datagram) {
	w.oracle.watch(s.e, d.data)
	w.wire = append(w.wire, d)
}

// effect stores the highest number received, as an outer machine does with each durable effect.
func (w *restartWorld) effect(s *restartSide, session uint64) {
	if w.r.IntN(3) == 0 {
		w.export(s, session)
	}
}

func (w *restartWorld) export(s *restartSide, session uint64) {
	if r, ok := s.e.Export(session); ok {
		seq := s.e.out.Nest().NextSeq()
		s.disk.pending = append(s.disk.pending, pendingCommit{seq, []machine.Record{
			{Table: r.Table, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}}})
	}
}

// TestNonceOracle crashes both sides at random points, with commits that lag at random, and lets them talk on. No key
// is ever used twice with one nonce, and no handshake is needed.
func TestNonceOracle(t *testing.T) {
	records := 0
	for seed := range uint64(150) {
		w := newRestartWorld(t, seed, []uint64{8, 16, 64}[seed%3])
		c, s := w.side[0], w.side[1]
		if _, err := c.e.Dial(w.now, 0, machine.Path{Local: clientAddr, Remote: serverAddr},
			ClientConfig{Identity: testIdentity, Key: []byte(testKey)}); err != nil {
			t.Fatal(err)
		}
		w.drain(c)
		for range 20 {
			w.tick(0)
		}
		if c.session == 0 || s.session == 0 {
			t.Fatalf("seed %d: no session", seed)
		}
		for i, side := range w.side { // the sessions are on disk now, so that a crash cannot undo them
			if side.cfg.StoreLate && (seed/4+uint64(i))%2 == 0 {
				w.export(side, side.session)
			} else if side.cfg.StoreLate {
				if err := side.e.Write(w.now, 0, side.session, []byte("first"), 0); err != nil {
					t.Fatal(err)
				}
				w.drain(side)
			}
			w.commit(side, len(side.disk.pending))
		}
		w.flush()
		hello := false
		for step := range 400 {
			side := w.side[w.r.IntN(2)]
			switch p := w.r.IntN(100); {
			case p < 4:
				w.crash(side)
			case p < 40:
				text := fmt.Sprintf("%s %d", side.name, step)
				if err := side.e.Write(w.now, 0, side.session, []byte(text), 0); err != nil {
					t.Fatalf("seed %d, step %d: %v", seed, step, err)
				}
				w.drain(side)
			case p < 60 && len(side.disk.pending) > 0:
				w.commit(side, 1+w.r.IntN(len(side.disk.pending)))
			default:
				w.tick(10)
			}
			for _, d := range w.wire {
				hello = hello || d.data[0] == contentHandshake
			}
		}
		if hello {
			t.Errorf("seed %d: a handshake record after a restart", seed)
		}
		// In the end everybody is well: both restart, both prove themselves, both talk.
		for _, side := range w.side {
			w.crash(side)
		}
		for i := range 5 {
			w.now = w.now.Add(30 * time.Second)
			for _, side := range w.side {
				text := fmt.Sprintf("%s at the end %d", side.name, i)
				if err := side.e.Write(w.now, 0, side.session, []byte(text), 0); err != nil {
					t.Fatal(err)
				}
				w.drain(side)
			}
			w.flush()
			w.flush()
		}
		for i, side := range w.side {
			other := w.side[1-i]
			if side.got[other.name+" at the end 4"] != 1 || side.resumed {
				t.Fatalf("seed %d: %s did not come back: resumed=%v %v", seed, side.name, side.resumed, side.got[other.name+" at the end 4"])
			}
		}
		records += w.oracle.n
	}
	if records < 10_000 {
		t.Errorf("the oracle saw %d records only", records)
	}
}

// tick delivers, duplicates, reorders or loses a datagram, and lets timers fire.
func (w *restartWorld) tick(loss int) {
	w.now = w.now.Add(time.Duration(w.r.IntN(300)) * time.Millisecond)
	if len(w.wire) > 0 {
		i := w.r.IntN(min(len(w.wire), 3))
		d := w.wire[i]
		if w.r.IntN(100) >= loss || loss == 0 {
			w.wire = slices.Delete(w.wire, i, i+1)
		} // otherwise it comes again later
		if w.r.IntN(100) >= loss {
			w.deliver(d)
		}
	}
	for _, s := range w.side {
		if s.e.Deadline() <= w.now {
			s.e.Expire(w.now)
			w.drain(s)
		}
		if loss == 0 {
			w.commit(s, len(s.disk.pending))
		}
	}
}

func (w *restartWorld) deliver(d datagram) {
	for _, s := range w.side {
		if s.addr == d.to {
			s.e.Receive(w.now, 0, machine.Path{Local: d.to, Remote: d.from}, d.data)
			w.drain(s)
		}
	}
}

func (w *restartWorld) flush() {
	for n := 0; n < 200; n++ {
		for _, s := range w.side {
			w.commit(s, len(s.disk.pending))
		}
		if len(w.wire) == 0 {
			return
		}
		d := w.wire[0]
		w.wire = w.wire[1:]
		w.deliver(d)
	}
}

// A session that is stored late: nothing is written for the handshake, one commit holds the session and its effect, and
// while the store fails the session goes on without a record, as any other.
func TestStoreLate(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(w *world, session uint64)
		stored bool
	}{
		{"export", func(w *world, session uint64) {
			r, ok := w.server.e.Export(session)
			if !ok || len(r.Value) == 0 {
				t.Error("no record")
			}
			w.server.e.out.Nest().NextSeq()
		}, true},
		{"write", func(w *world, session uint64) {
			if err := w.server.e.Write(w.now, 0, session, []byte("x"), 0); err != nil {
				t.Error(err)
			}
		}, true},
		{"failed store", func(w *world, session uint64) {
			w.server.e.PersistFailed(w.now, 1, errors.New("fsync"))
			if _, ok := w.server.e.Export(session); ok {
				t.Error("a record for a store that has failed")
			}
			if err := w.server.e.Write(w.now, 0, session, []byte("x"), 0); err != nil {
				t.Error(err)
			}
		}, false},
		{"close", func(w *world, session uint64) { w.server.e.Close(w.now, 0, session) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1, Config{}, Config{CIDLen: 8, Durable: true, StoreLate: true})
			w.dial(ClientConfig{})
			w.run(3 * time.Minute)
			se := last[*Established](w.server)
			if se == nil {
				t.Fatal("no session")
			}
			if n := w.server.e.out.Nest().LastSeq(); n != 0 {
				t.Fatalf("%d commits for a handshake", n)
			}
			c.do(w, se.Session)
			if s, err := w.server.e.find(se.Session); err == nil && (s.is(flagDue) || s.is(flagStored) != c.stored) {
				t.Errorf("flags %b", s.flags)
			}
			if n := w.server.e.out.Nest().LastSeq(); c.stored && n == 0 || !c.stored && n != 0 {
				t.Errorf("%d commits", n)
			}
		})
	}
}
