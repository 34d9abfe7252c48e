package mac

import (
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// sleepy returns a parent, a sleepy child that polls every period, and the queue that the parent serves it from.
func sleepy(w *world, period time.Duration) (p, c *station, child *neighbor.Child, queue *[]string) {
	p, c = w.add(1, 0x0400, nil), w.add(2, 0x0401, func(cfg *Config) { cfg.FullThread = false })
	child = w.child(p, c, true)
	queue = new([]string)
	p.listens = func(now machine.Time, k *neighbor.Child, csl bool) {
		tx := &Tx{Src: ieee802154.ShortAddr(0x0400), Dst: ieee802154.ShortAddr(0x0401), Security: NetworkKey, Indirect: k}
		if len(*queue) > 0 {
			tx.Payload, tx.Pending = []byte((*queue)[0]), len(*queue) > 1
		}
		if !p.mac.Send(now, tx) {
			w.t.Fatal("Send within ChildListens is refused")
		}
	}
	c.mac.SetExternalPollPeriod(w.now, period)
	c.mac.StartPolling(w.now)
	return p, c, child, queue
}

// put queues a frame for the child, and sent takes it out again.
func put(w *world, p *station, c *neighbor.Child, queue *[]string, text string) {
	*queue = append(*queue, text)
	c.Queued = uint16(len(*queue))
	p.mac.ChildQueueChanged(w.now, c)
}

func TestPolls(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, time.Second)
	w.run(3500 * time.Millisecond)
	// Until something was queued once, all acks say "pending": the polls are answered with empty frames.
	if p.mac.Counters.RxDataPoll != 3 || len(c.got) != 3 || c.state.Mode != radio.Sleep {
		t.Fatalf("%d polls, child got %d, is %+v", p.mac.Counters.RxDataPoll, len(c.got), c.state)
	}
	if child.LastHeard == 0 || !slices.Equal(c.polls, []radio.Err{radio.OK, radio.OK, radio.OK}) {
		t.Errorf("polls %v", c.polls)
	}
	p.sent, c.got = nil, nil
	put(w, p, child, queue, "a")
	put(w, p, child, queue, "b")
	w.run(0)
	taken := func() {
		for _, r := range p.sent {
			if r.Err == radio.OK && len(*queue) > 0 {
				*queue = (*queue)[1:]
			}
		}
		p.sent = nil
		child.Queued = uint16(len(*queue))
		p.mac.ChildQueueChanged(w.now, child)
	}
	for range 3000 {
		w.run(time.Millisecond)
		taken()
	}
	if !slices.Equal(c.got, []string{"a", "b"}) {
		t.Errorf("child got %q", c.got)
	}
	if len(p.filter.ShortMatch) != 0 || !p.filter.SourceMatch {
		t.Errorf("source match %v", p.filter.ShortMatch)
	}
	// "a" said that there is more: the second poll follows at once, and the third answer says "nothing".
	before := p.mac.Counters.RxDataPoll
	w.run(time.Second)
	if p.mac.Counters.RxDataPoll != before+1 || len(c.got) != 2 {
		t.Errorf("%d polls in a second, %q", p.mac.Counters.RxDataPoll-before, c.got)
	}
}

// A frame that the child does not acknowledge goes out again after its next polls: with the same number and counter, so
// that it is taken once, and after four polls it is given up.
func TestIndirectAgain(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, time.Second)
	put(w, p, child, queue, "x")
	acks := 0
	w.lose = func(from, to *station, h *ieee802154.Frame) bool {
		if from == c && h.Type == ieee802154.Ack {
			acks++
			return true
		}
		return false
	}
	w.run(4500 * time.Millisecond)
	if !slices.Equal(c.got, []string{"x"}) || acks != 4 || c.mac.Counters.RxDuplicated != 3 {
		t.Errorf("child got %q, %d acks, %d duplicates", c.got, acks, c.mac.Counters.RxDuplicated)
	}
	var again []bool
	for _, r := range p.sent {
		again = append(again, r.Again)
	}
	if !slices.Equal(again, []bool{true, true, true, false}) || p.sent[3].Err != radio.NoAck {
		t.Errorf("%+v", p.sent)
	}
}

func TestPollsOfSeveralChildren(t *testing.T) {
	w := newWorld(t)
	p, _, child, queue := sleepy(w, 500*time.Millisecond)
	var others []*station
	for i := range byte(3) {
		o := w.add(3+i, 0x0402+uint16(i), func(cfg *Config) { cfg.FullThread = false })
		k := w.child(p, o, true)
		_ = k
		o.mac.SetExternalPollPeriod(w.now, 500*time.Millisecond)
		o.mac.StartPolling(w.now)
		others = append(others, o)
	}
	p.listens = func(now machine.Time, k *neighbor.Child, csl bool) {
		p.mac.Send(now, &Tx{Src: ieee802154.ShortAddr(0x0400), Dst: ieee802154.ShortAddr(k.RLOC16), Security: NetworkKey, Indirect: k,
			Payload: []byte("for you")})
	}
	_, _ = child, queue
	w.run(5200 * time.Millisecond)
	for _, o := range others {
		if len(o.got) < 8 {
			t.Errorf("station %s got %d frames", o.name, len(o.got))
		}
	}
	if p.mac.child != nil || len(p.mac.waiting) != 0 {
		t.Error("a child is left over")
	}
}

func TestPollRetries(t *testing.T) {
	w := newWorld(t)
	p, c, _, _ := sleepy(w, 0)
	c.mac.SetTimeouts(w.now, 20*time.Second, 0)
	w.lose = func(from, to *station, h *ieee802154.Frame) bool { return true }
	w.run(16 * time.Second)
	if c.mac.KeepAlivePollPeriod() != 16*time.Second || len(c.polls) != 0 {
		t.Errorf("polls %v before 16 s", c.polls)
	}
	w.run(6 * time.Second)
	// Retried after a second each, until four have failed.
	if len(c.polls) != 4 || c.polls[3] != radio.NoAck {
		t.Errorf("polls %v", c.polls)
	}
	w.lose = nil
	c.table.Parent.SetState(w.now, neighbor.Invalid)
	w.run(40 * time.Second)
	if c.mac.Polling() {
		t.Error("still polls nobody")
	}
	_ = p
}

// An ack that promises a frame that does not come is followed by quick polls.
func TestPollTimeout(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, time.Second)
	put(w, p, child, queue, "never sent")
	p.listens = nil
	w.run(2 * time.Second)
	if n := len(c.polls); n != 5 {
		t.Errorf("%d polls", n) // the first, and four after time-outs of 100 ms
	}
	if c.state.Mode == radio.Receive && c.mac.op == idle {
		t.Error("the receiver stays on")
	}
}

func TestChangeIndirect(t *testing.T) {
	w := newWorld(t)
	p, c, child, queue := sleepy(w, time.Second)
	put(w, p, child, queue, "old")
	w.lose = func(from, to *station, h *ieee802154.Frame) bool { return from == p && h.Type == ieee802154.Data }
	w.run(1050 * time.Millisecond)
	if len(p.sent) != 1 || !p.sent[0].Again {
		t.Fatalf("%+v", p.sent)
	}
	if p.mac.ChangeIndirect(child, true) {
		t.Error("nothing is on its way")
	}
	w.lose = nil
	(*queue)[0] = "new"
	w.run(time.Second)
	if !slices.Equal(c.got, []string{"new"}) {
		t.Errorf("child got %q", c.got)
	}
}

// While the frame is on its way.
func TestChangeIndirectUnderWay(t *testing.T) {
	w := newWorld(t)
	p, _, child, queue := sleepy(w, time.Second)
	put(w, p, child, queue, "old")
	w.lose = func(from, to *station, h *ieee802154.Frame) bool { return from == p && h.Type == ieee802154.Data }
	for range 2000 {
		w.run(time.Millisecond)
		if p.mac.cur == &p.mac.indirect {
			break
		}
	}
	if !p.mac.ChangeIndirect(child, true) {
		t.Fatal("it is on its way")
	}
	w.run(100 * time.Millisecond)
	if len(p.sent) != 1 || !p.sent[0].Changed || p.sent[0].Again {
		t.Errorf("%+v", p.sent)
	}
}
