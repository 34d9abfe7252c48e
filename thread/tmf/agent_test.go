package tmf

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// peer is an agent on a wire to another, in virtual time.
type peer struct {
	*Agent
	addr  ip6.Address
	other *peer
	lose  int // of the next messages
	log   *[]string
	wire  *[]func(now machine.Time)
	serve func(now machine.Time, r *Request) bool
}

func (p *peer) SendTMF(now machine.Time, o *Message, message []byte) error {
	var m coap.Message
	if err := m.Decode(message); err != nil {
		panic(err)
	}
	*p.log = append(*p.log, fmt.Sprintf("%v %v %v %s %q", p.addr[15], m.Type, m.Code, m.Options.Path(), m.Payload))
	if p.lose > 0 {
		p.lose--
		return nil
	}
	to := p.other
	*p.wire = append(*p.wire, func(now machine.Time) { to.Receive(now, p.addr, o.Dst, Port, o.Priority.DSCP(), message) })
	return nil
}

func (p *peer) ServeTMF(now machine.Time, r *Request) bool {
	if p.serve == nil {
		return false
	}
	return p.serve(now, r)
}

type pair struct {
	a, b *peer
	wire []func(now machine.Time)
	log  []string
	now  machine.Time
}

func newPair() *pair {
	w := &pair{}
	mk := func(n byte) *peer {
		p := &peer{addr: ip6.Address{0xfd, 15: n}, log: &w.log, wire: &w.wire}
		p.Agent = New(Config{Rand: testRand{rand.New(rand.NewPCG(uint64(n), 1))}}, p)
		return p
	}
	w.a, w.b = mk(1), mk(2)
	w.a.other, w.b.other = w.b, w.a
	return w
}

func (w *pair) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		for len(w.wire) > 0 {
			f := w.wire[0]
			w.wire = w.wire[1:]
			f(w.now)
		}
		next := min(w.a.Deadline(), w.b.Deadline())
		if next > end {
			w.now = end
			return
		}
		w.now = next
		w.a.Expire(w.now)
		w.b.Expire(w.now)
	}
}

func TestConfirmable(t *testing.T) {
	w := newPair()
	served := 0
	w.b.serve = func(now machine.Time, r *Request) bool {
		if r.URI != AddressSolicit || string(r.Payload) != "ask" {
			t.Errorf("%+v", r)
		}
		served++
		w.b.Respond(now, r, coap.Changed, []byte("granted"))
		return true
	}
	w.a.lose, w.b.lose = 1, 1
	var got []Response
	err := w.a.Post(0, w.b.addr, AddressSolicit, []byte("ask"), true, func(now machine.Time, r Response) {
		r.Payload = append([]byte(nil), r.Payload...)
		got = append(got, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.run(5 * time.Minute)
	if served != 1 || len(got) != 1 || got[0].Err != nil || got[0].Code != coap.Changed || string(got[0].Payload) != "granted" {
		t.Errorf("served %d, got %+v\n%q", served, got, w.log)
	}
	if w.b.Stats.Duplicates != 1 || w.a.Stats.Retransmissions != 2 {
		t.Errorf("%+v %+v", w.a.Stats, w.b.Stats)
	}
	if w.a.calls != nil || w.b.cache != nil || w.b.Deadline() != machine.Never {
		t.Error("something is left")
	}
}

func TestTimeout(t *testing.T) {
	w := newPair()
	w.a.lose = 100
	var errs []error
	for _, con := range []bool{true, false} {
		_ = w.a.Post(0, w.b.addr, ServerData, nil, con, func(now machine.Time, r Response) { errs = append(errs, r.Err) })
	}
	w.run(3 * time.Minute)
	if len(errs) != 2 || errs[0] != ErrTimeout || errs[1] != ErrTimeout || len(w.log) != 6 {
		t.Errorf("%v\n%q", errs, w.log)
	}
}

// An unknown URI is 4.04; an anycast locator's answer may come from any address; a call that nobody listens to ends with
// its acknowledgement.
func TestAnycastAndUnknown(t *testing.T) {
	w := newPair()
	var code coap.Code
	aloc := ip6.RLOC(ip6.Network{0xfd}, 0xfc00)
	_ = w.a.Post(0, aloc, "x/y", nil, true, func(now machine.Time, r Response) { code = r.Code })
	w.run(time.Second)
	if code != coap.NotFound {
		t.Errorf("%v\n%q", code, w.log)
	}
	w.b.serve = func(now machine.Time, r *Request) bool { w.b.Changed(now, r); return true }
	_ = w.a.Post(w.now, w.b.addr, AddressNotify, []byte{1}, true, nil)
	w.run(time.Second)
	if len(w.a.calls) != 0 {
		t.Error("a notification is still under way")
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte{0x42, 2, 1, 2, 3, 4, 0xb1, 'a', 1, 's', 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newPair()
		_ = w.a.Post(0, w.b.addr, AddressSolicit, nil, true, nil)
		w.a.Receive(0, w.b.addr, w.a.addr, Port, 0, b)
		w.b.Receive(0, w.a.addr, w.b.addr, Port, 0, b)
	})
}
