package mac

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// take has the frames that a child got taken out of its queue.
func take(w *world, p *station, child *neighbor.Child, queue *[]string) {
	p.done = func(tx *Tx, r Result) {
		if r.Err == radio.OK && len(*queue) > 0 {
			*queue = (*queue)[1:]
			child.Queued = uint16(len(*queue))
			p.mac.ChildQueueChanged(w.now, child)
		}
	}
}

// A child that samples tells its schedule with a poll, and then gets what comes for it without another.
func TestCSL(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, 0)
	c.mac.SetTimeouts(w.now, 240*time.Second, 20*time.Second)
	c.mac.SetCSLPeriod(w.now, 3125) // 500 ms
	c.mac.SetCSLCapable(w.now, true, 20, 10)
	if !c.mac.CSLEnabled() || c.mac.PollPeriod() != 19*time.Second {
		t.Fatalf("period %v", c.mac.PollPeriod())
	}
	put(w, p, child, queue, "hello")
	take(w, p, child, queue)
	c.mac.SendPoll(w.now)
	w.run(100 * time.Millisecond)
	p.sent, c.got = nil, nil
	if child.CSL == nil || !child.CSL.Synchronized || child.CSL.Period != 3125 || p.schedule != 1 {
		t.Fatalf("the parent knows %+v", child.CSL)
	}
	on := time.Duration(0)
	for range 5000 { // the receiver is on for a small part of the time
		w.run(time.Millisecond)
		if c.state.Mode == radio.Receive {
			on += time.Millisecond
		}
	}
	if on == 0 || on > 200*time.Millisecond {
		t.Errorf("the receiver was on for %v of 5 s", on)
	}
	polls := len(c.polls)
	inner := p.listens
	p.listens = func(now machine.Time, k *neighbor.Child, csl bool) {
		if !csl {
			t.Error("not at a sample")
		}
		inner(now, k, csl)
	}
	var want []string
	for i := range 20 {
		text := fmt.Sprint("frame ", i)
		want = append(want, text)
		put(w, p, child, queue, text)
		w.run(time.Duration(600+37*i) * time.Millisecond)
	}
	if !slices.Equal(c.got, want) {
		t.Errorf("child got %q", c.got)
	}
	if len(c.polls) > polls+2 {
		t.Errorf("%d polls for it", len(c.polls)-polls)
	}
	// Enhanced acks are secured, and their counters are used once only.
	if b := c.filter.Block; b.Used < 20 {
		t.Errorf("acks used %+v", b)
	}
}

// A child that is not there at its samples loses its place after three, and is served at its next poll.
func TestCSLLost(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, 10*time.Second)
	c.mac.SetCSLPeriod(w.now, 3125)
	c.mac.SetCSLCapable(w.now, true, 20, 10)
	put(w, p, child, queue, "hello")
	take(w, p, child, queue)
	c.mac.SendPoll(w.now)
	w.run(100 * time.Millisecond)
	p.sent, c.got = nil, nil
	w.lose = func(from, to *station, h *ieee802154.Frame) bool { return from == p && h.Type == ieee802154.Data }
	put(w, p, child, queue, "x")
	w.run(3 * time.Second)
	if child.CSL.Synchronized || len(p.sent) != 3 || p.schedule != 2 {
		t.Errorf("%+v, %+v, %d", child.CSL, p.sent, p.schedule)
		for _, l := range w.log {
			t.Log(l)
		}
	}
	w.lose = nil
	w.run(10 * time.Second)
	if !slices.Equal(c.got, []string{"x"}) || !child.CSL.Synchronized {
		t.Errorf("child got %q", c.got)
	}
}

// A child that samples sends data frames with its schedule, secured enhanced acks come back, and are checked.
func TestEnhancedAck(t *testing.T) {
	w := newWorld(t)
	p, c, _, _ := sleepy(w, 10*time.Second)
	c.mac.SetCSLPeriod(w.now, 3125)
	c.mac.SetCSLCapable(w.now, true, 20, 10)
	for i := range 300 {
		if !c.mac.Send(w.now, c.data(p, fmt.Sprint(i))) {
			t.Fatal("busy")
		}
		w.run(500 * time.Millisecond)
	}
	if len(p.got) != 300 {
		t.Fatalf("parent got %d", len(p.got))
	}
	for i, r := range c.sent {
		if r.Err != radio.OK {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	if n := c.table.Parent.AckCounter; n < 256+300 {
		t.Errorf("counter of acks %d", n)
	}
	// A parent that sends as much moves on to another run of counters.
	for i := range 700 {
		p.mac.Send(w.now, &Tx{Src: ieee802154.ShortAddr(0x0400), Dst: ieee802154.Broadcast, Security: NetworkKey, Payload: []byte("b")})
		w.run(10 * time.Millisecond)
		if i%100 == 0 {
			c.mac.Send(w.now, c.data(p, "again"))
			w.run(500 * time.Millisecond)
			if r := c.sent[len(c.sent)-1]; r.Err != radio.OK {
				t.Fatalf("after %d broadcasts: %+v", i, r)
			}
		}
	}
}

// The radio gets counters for acks only once they are reserved on disk, and goes on with those it has until then.
func TestAckCountersWaitForDisk(t *testing.T) {
	w := newWorld(t)
	p, c, _, _ := sleepy(w, 10*time.Second)
	p.slowDisk = true
	c.mac.SetCSLPeriod(w.now, 3125)
	c.mac.SetCSLCapable(w.now, true, 20, 10)
	send := func(n int) (acked int) {
		c.sent = c.sent[:0]
		for range n {
			if !c.mac.Send(w.now, c.data(p, "x")) {
				t.Fatal("busy")
			}
			w.run(500 * time.Millisecond)
		}
		for _, r := range c.sent {
			if r.Err == radio.OK {
				acked++
			}
		}
		return acked
	}
	if n := send(3); n != 0 || p.filter.Block.End != 0 || len(p.filter.Keys) == 0 {
		t.Fatalf("%d acks, %+v", n, p.filter.Block)
	}
	stored := func() {
		p.slowDisk = false
		p.mac.CountersStored(w.now)
		p.slowDisk = true
	}
	stored()
	first := p.filter.Block
	if n := send(115); n != 115 || p.filter.Block.Start != first.Start {
		t.Fatalf("%d acks, %+v", n, p.filter.Block)
	}
	stored()
	if b := p.filter.Block; b.Start != first.End || b.Used != 0 || p.stored[len(p.stored)-1].MAC < b.End {
		t.Fatalf("%+v after %+v, stored %+v", b, first, p.stored)
	}
	if n := send(20); n != 20 {
		t.Errorf("%d acks", n)
	}
}

// A radio that seals frames by itself, and acknowledges without asking, gets no key before counters ahead are on disk.
func TestKeysOfASealingRadioWaitForDisk(t *testing.T) {
	w := newWorld(t)
	s := w.add(1, 0x0400, func(c *Config) { c.Caps = radio.CapTransmitSec })
	s.mac.KeysChanged(w.now)
	if s.keyIndex != 1 {
		t.Fatalf("key index %d", s.keyIndex)
	}
	s.slowDisk = true
	s.mac = New(s.mac.cfg, s) // a restart
	s.mac.SetPAN(w.now, 0xabce)
	if s.keyIndex != 0 {
		t.Fatal("the radio has keys, and nothing ahead is on disk")
	}
	s.slowDisk = false
	s.mac.CountersStored(w.now)
	if s.keyIndex != 1 || s.stored[len(s.stored)-1].MAC <= s.counter {
		t.Errorf("key index %d, counter %d, stored %+v", s.keyIndex, s.counter, s.stored)
	}
	s.slowDisk = true
	s.mac.SetPAN(w.now, 0xabcf)
	if s.keyIndex != 1 {
		t.Error("it loses them with a later commit")
	}
}

// What a radio that seals frames has used is not used again, by the next life of the node either: neither the counters of its
// frames nor those of the acks that it makes unasked.
func TestCountersOfASealingRadio(t *testing.T) {
	w := newWorld(t)
	s := w.add(1, 0x0400, func(c *Config) { c.Caps = radio.CapTransmitSec })
	s.mac.KeysChanged(w.now)
	used := func(counter uint32) {
		t.Helper()
		last := s.stored[len(s.stored)-1].MAC
		if next := s.keys.Counters().MAC; next != counter+1 || last <= next {
			t.Errorf("next counter %d, stored %d, used %d", next, last, counter)
		}
	}
	s.mac.Send(w.now, &Tx{Src: ieee802154.ShortAddr(0x0400), Dst: ieee802154.Broadcast, Security: NetworkKey, Payload: []byte("x")})
	for s.pending == nil {
		w.run(time.Millisecond)
	}
	s.mac.RadioSent(w.now, radio.Sent{ID: s.pending.ID, Counter: 1700})
	used(1700)
	f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2015, Src: ieee802154.ExtendedAddr(ext(2)), Dst: ieee802154.ShortAddr(0x0400),
		DstPAN: 0xabcd, HasDstPAN: true, AckRequest: true, Payload: []byte("x")}
	f.Plan()
	s.mac.RadioReceived(w.now, &radio.Frame{Air: radio.NewAir(15, f.Append(nil)), RSSI: -20, At: w.now, AckedSecured: true, AckCounter: 4000})
	used(4000)
	s.mac.SetPAN(w.now, 0xabce)
	if s.counter != 4001 {
		t.Errorf("the radio is told to go on at %d", s.counter)
	}
}
