package mac

import (
	"slices"
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

func TestSendReceive(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0401, nil)
	w.child(a, b, false)
	a.queue = []*Tx{a.data(b, "one"), a.data(b, "two"), {Src: ieee802154.ShortAddr(0x0400), Dst: ieee802154.Broadcast,
		Security: NetworkKey, Payload: []byte("all")}}
	a.next(w.now)
	b.mac.Send(w.now, b.data(a, "up"))
	w.run(time.Second)
	if !slices.Equal(b.got, []string{"one", "two", "all"}) || !slices.Equal(a.got, []string{"up"}) {
		t.Fatalf("a %q, b %q", a.got, b.got)
	}
	for _, r := range a.sent {
		if r.Err != radio.OK || r.Attempts != 1 {
			t.Errorf("%+v", r)
		}
	}
	c := a.mac.Counters
	if c.TxTotal != 3 || c.TxUnicast != 2 || c.TxBroadcast != 1 || c.TxAcked != 2 || c.TxData != 3 || c.RxData != 1 {
		t.Errorf("%+v", c)
	}
	if len(a.stored) != 1 || a.stored[0].MAC != 1+keys.Ahead {
		t.Errorf("stored %+v", a.stored)
	}
}

func TestRetriesAndDuplicates(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0401, nil)
	w.child(a, b, false)
	acks := 0
	w.lose = func(from, _ *station, h *ieee802154.Frame) bool {
		if h.Type == ieee802154.Ack {
			acks++
			return acks <= 3
		}
		return false
	}
	a.mac.Send(w.now, a.data(b, "x"))
	w.run(time.Second)
	if !slices.Equal(b.got, []string{"x"}) || b.mac.Counters.RxDuplicated != 3 {
		t.Errorf("b got %q, %d duplicates", b.got, b.mac.Counters.RxDuplicated)
	}
	if len(a.sent) != 1 || a.sent[0].Attempts != 4 || a.mac.Counters.TxRetry != 3 {
		t.Errorf("%+v", a.sent)
	}
	// Nobody there: 16 attempts, each 16 ms, with growing pauses.
	w.lose = func(_, to *station, _ *ieee802154.Frame) bool { return true }
	start := w.now
	a.mac.Send(w.now, a.data(b, "y"))
	for len(a.sent) < 2 {
		w.run(time.Millisecond)
	}
	if r := a.sent[1]; r.Err != radio.NoAck || r.Attempts != 16 {
		t.Errorf("%+v", r)
	}
	if d := w.now.Sub(start); d < 256*time.Millisecond || d > 500*time.Millisecond {
		t.Errorf("it took %v", d)
	}
}

func TestLateAckOfAnEarlierAttempt(t *testing.T) {
	w := newWorld(t)
	a := w.add(1, 0x0400, nil)
	a.table.Parent.SetState(w.now, neighbor.Valid)
	b := w.add(2, 0x0401, nil)
	w.child(a, b, false)
	w.lose = func(*station, *station, *ieee802154.Frame) bool { return true }
	a.mac.Send(w.now, a.data(b, "x"))
	w.run(20 * time.Millisecond)
	id := a.pending.ID
	a.mac.RadioSent(w.now, radio.Sent{ID: id - 1, Err: radio.OK}) // given up: not looked at
	if len(a.sent) != 0 {
		t.Fatal("the answer to another attempt counted")
	}
}

func TestReplayAndForgery(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0401, nil)
	w.child(a, b, false)
	a.mac.Send(w.now, a.data(b, "1"))
	w.run(time.Second)
	old := slices.Clone(a.pending.PSDU)
	a.mac.Send(w.now, a.data(b, "2"))
	a.queue = []*Tx{a.data(b, "3")}
	w.run(time.Second)
	last := slices.Clone(a.pending.PSDU)
	give := func(psdu []byte) { b.mac.RadioReceived(w.now, &radio.Frame{Air: radio.NewAir(15, psdu), RSSI: -20}) }
	give(old)
	if b.mac.Counters.RxErrSec != 1 {
		t.Error("an old frame passed")
	}
	give(last)
	if b.mac.Counters.RxDuplicated != 1 {
		t.Error("a duplicate passed")
	}
	bad := slices.Clone(last)
	bad[len(bad)-4] ^= 1
	bad[10] += 9 // counter
	give(bad)
	if b.mac.Counters.RxErrSec != 2 {
		t.Errorf("a wrong MIC passed: %+v", b.mac.Counters)
	}
	if got := []string{"1", "2", "3"}; !slices.Equal(b.got, got) {
		t.Errorf("b got %q", b.got)
	}
	// Strangers by short address, ourselves, another network.
	f := ieee802154.Frame{Type: ieee802154.Data, Version: 1, Src: ieee802154.ShortAddr(0x9999), Dst: ieee802154.ShortAddr(0x0401),
		DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, HasSrcPAN: true}
	f.Plan()
	give(f.Append(nil))
	f.Src = ieee802154.ExtendedAddr(ext(2))
	give(f.Append(nil))
	f.DstPAN, f.SrcPAN = 0x1111, 0x1111
	give(f.Append(nil))
	give([]byte{1})
	if c := b.mac.Counters; c.RxErrUnknownNeighbor != 1 || c.RxErrInvalidSrcAddr != 1 || c.RxDestAddrFiltered != 1 || c.RxErrOther != 1 || c.RxErrSec != 2 {
		t.Errorf("%+v", c)
	}
}

func TestFilter(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0401, nil)
	w.child(a, b, false)
	b.mac.Filters.Mode = FilterAllow
	a.mac.Send(w.now, a.data(b, "1"))
	w.run(time.Second)
	if len(b.got) != 0 || b.mac.Counters.RxAddressFiltered == 0 || a.sent[0].Err != radio.OK {
		t.Errorf("%q, %+v", b.got, a.sent) // acked all the same: the radio knows no filter
	}
	b.mac.Filters.Add(ext(1))
	b.mac.Filters.AddRSS(ext(1), -85)
	a.mac.Send(w.now, a.data(b, "2"))
	w.run(time.Second)
	if !slices.Equal(b.got, []string{"2"}) || b.table.Parent.Link.RSS() != -85 {
		t.Errorf("%q, rss %d", b.got, b.table.Parent.Link.RSS())
	}
	// The other way round: the ack of a filtered node is no ack.
	a.mac.Filters.Mode = FilterDeny
	a.mac.Filters.Add(ext(2))
	a.mac.Send(w.now, a.data(b, "3"))
	w.run(time.Second)
	if a.sent[2].Err != radio.NoAck {
		t.Errorf("%+v", a.sent[2])
	}
}

func TestKeySequenceFollowed(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0401, nil)
	w.child(a, b, false)
	a.mac.Send(w.now, a.data(b, "1"))
	w.run(time.Second)
	a.keys.SetSequence(w.now, 1, keys.Forced)
	a.mac.Send(w.now, a.data(b, "2"))
	w.run(time.Second)
	if !slices.Equal(b.got, []string{"1", "2"}) || b.keys.Sequence() != 1 || b.table.Parent.KeySeq != 1 {
		t.Errorf("%q, sequence %d", b.got, b.keys.Sequence())
	}
	// Within the guard time the next one is understood, but not followed.
	a.keys.SetSequence(w.now, 2, keys.Forced)
	a.mac.Send(w.now, a.data(b, "3"))
	w.run(time.Second)
	if len(b.got) != 3 || b.keys.Sequence() != 1 || b.table.Parent.KeySeq != 2 {
		t.Errorf("%q, sequence %d", b.got, b.keys.Sequence())
	}
}

func TestScans(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(1, 0x0400, nil), w.add(2, 0x0800, nil)
	b.mac.SetBeacons(true)
	b.mac.SetPAN(w.now, 0x1234)
	if !a.mac.ActiveScan(w.now, 0, 0) || a.mac.ActiveScan(w.now, 0, 0) || a.mac.EnergyScan(w.now, 0, 0) {
		t.Fatal("one scan at a time")
	}
	w.run(6 * time.Second)
	if a.scanDone != 1 || len(a.beacons) != 1 || a.beacons[0].PAN != 0x1234 || a.beacons[0].Channel != 15 || a.beacons[0].Ext != ext(2) {
		t.Errorf("%d, %+v", a.scanDone, a.beacons)
	}
	if a.filter.PAN != 0xabcd || !a.hears(15) {
		t.Errorf("after the scan: PAN %04x, %+v", a.filter.PAN, a.state)
	}
	if a.mac.Counters.TxBeaconRequest != 16 || b.mac.Counters.TxBeacon != 1 {
		t.Errorf("%+v", a.mac.Counters)
	}
	a.mac.EnergyScan(w.now, 1<<12|1<<20, 10*time.Millisecond)
	w.run(time.Second)
	if a.scanDone != 2 || !slices.Equal(a.energies, []int{-12, -20}) {
		t.Errorf("%d, %v", a.scanDone, a.energies)
	}
}
