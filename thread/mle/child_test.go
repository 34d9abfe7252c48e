package mle

import (
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
)

func (b *bench) count(from *benchNode, c Command) (n int) {
	for _, f := range b.records[c] {
		if f.from == from.id {
			n++
		}
	}
	return n
}

// A child that is always awake says that it lives about four seconds before its time-out; one that sleeps polls instead.
func TestKeepAlive(t *testing.T) {
	for mode, want := range map[string]int{"rn": 3, "n": 0} {
		b := newBench(t)
		n := b.form()
		c := b.child(mode)
		c.SetSupervisionTimeout(b.now, 0)
		b.run(250 * 3 * time.Second)
		if got := b.count(c, ChildUpdateRequest); got != want {
			t.Errorf("mode %s: %d Child Update Requests, not %d", mode, got, want)
		}
		if got := n.table.ChildCount(neighbor.InValid); mode == "rn" && got != 1 {
			t.Errorf("mode %s: %d children", mode, got)
		}
	}
}

// A child whose parent is gone asks it four times, then looks for another one.
func TestParentGone(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rn")
	c.SetTimeout(b.now, 20)
	b.run(time.Second)
	before := b.count(c, ChildUpdateRequest)
	n.dead = true
	b.until(25*time.Second, "detached", func() bool { return c.role == Detached })
	if got := b.count(c, ChildUpdateRequest) - before; got != 4 {
		t.Errorf("%d Child Update Requests", got)
	}
	if c.rloc16 != InvalidRLOC16 || c.table.Parent.State != neighbor.Invalid {
		t.Errorf("%04x, parent %v", c.rloc16, c.table.Parent.State)
	}
	// It goes on: orphan announcements on all channels in each attempt, longer and longer pauses between.
	b.run(60 * time.Second)
	if b.count(c, Announce) < 16 || c.counters.AttachAttempts < 4 {
		t.Errorf("%d announcements in %d attempts", b.count(c, Announce), c.counters.AttachAttempts)
	}
	n.dead = false
	b.until(10*time.Minute, "a child again", func() bool { return c.role == Child })
}

// After a reset a child asks its parent and is what it was within a second; what is new it then asks for.
func TestChildReset(t *testing.T) {
	for _, mode := range []string{"rn", "n", "r", ""} {
		b := newBench(t)
		n := b.form()
		c := b.child(mode)
		n.change("network data")
		b.run(3 * time.Second)
		rloc16, eid := c.rloc16, c.MeshLocalEID()
		asked := b.count(c, ParentRequest)
		c.reset()
		if c.mode.Wire() != Mode(0).Wire()|map[bool]byte{true: 8}[strings.Contains(mode, "r")]|map[bool]byte{true: 1}[strings.Contains(mode, "n")] {
			t.Fatalf("mode %q is %02x after a reset", mode, c.mode)
		}
		c.Start(b.now)
		b.until(time.Second, "a child again", func() bool { return c.role == Child })
		if c.rloc16 != rloc16 || c.MeshLocalEID() != eid || b.count(c, ParentRequest) != asked {
			t.Errorf("mode %s: %04x is %04x, %d Parent Requests", mode, rloc16, c.rloc16, b.count(c, ParentRequest)-asked)
		}
		b.run(3 * time.Second)
		if string(c.data) != "network data" {
			t.Errorf("mode %s: network data %q", mode, c.data)
		}
		if c.rxOn != c.mode.RxOn() {
			t.Errorf("mode %s: receiver on: %v", mode, c.rxOn)
		}
	}
}

// A parent that does not know the child any more says so at once, and the child attaches anew.
func TestChildResetForgotten(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rn")
	n.RemoveChild(b.now, n.table.ChildByExt(c.ext, neighbor.InAny))
	c.reset()
	c.Start(b.now)
	b.until(4*time.Second, "a child again", func() bool { return c.role == Child })
	if b.count(c, ParentRequest) != 2 {
		t.Errorf("%d Parent Requests", b.count(c, ParentRequest))
	}
}

// Newer network data reaches every kind of child: the awake by multicast, the sleepy by a Child Update of their parent.
func TestNewData(t *testing.T) {
	for _, mode := range []string{"rdn", "rn", "r", "n", ""} {
		b := newBench(t)
		n := b.form()
		c := b.child(mode)
		b.run(time.Second)
		for _, data := range []string{"one", "two", "three"} {
			n.change(data)
			b.run(8 * time.Second)
			if string(c.data) != data {
				t.Errorf("mode %q has %q, not %q", mode, c.data, data)
			}
		}
	}
}

// A node that detaches tells its parent, which forgets it at once.
func TestDetach(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rn")
	done := machine.Time(0)
	start := b.now
	if err := c.Detach(b.now, func(now machine.Time) { done = now }); err != nil {
		t.Fatal(err)
	}
	if c.Detach(b.now, nil) == nil {
		t.Error("detaching twice")
	}
	b.run(2 * time.Second)
	c.is(Disabled)
	if done.Sub(start) > 100*time.Millisecond || n.table.ChildCount(neighbor.InAny) != 0 {
		t.Errorf("after %v, %d children left", done.Sub(start), n.table.ChildCount(neighbor.InAny))
	}
	n.dead = true
	d := b.add("rn")
	d.Start(b.now)
	b.run(100 * time.Millisecond)
	if d.Detach(b.now, nil); true {
		b.run(time.Millisecond)
		d.is(Disabled)
	}
}

// A change of mode is told to the parent, or needs a new attach, as OpenThread has it.
func TestModes(t *testing.T) {
	for _, c := range []struct {
		from, to string
		anew     bool
	}{
		{"rn", "r", false}, {"rn", "n", true}, {"n", "rn", false}, {"rn", "rdn", true}, {"rdn", "rn", true},
	} {
		b := newBench(t)
		n := b.form()
		k := b.child(c.from)
		b.run(time.Second)
		asked := b.count(k, ParentRequest)
		var m Mode
		for _, r := range c.to {
			m |= map[rune]Mode{'r': neighbor.ModeRxOnWhenIdle, 'd': neighbor.ModeFTD, 'n': neighbor.ModeFullNetworkData}[r]
		}
		if err := k.SetMode(b.now, m); err != nil {
			t.Fatal(err)
		}
		b.until(5*time.Second, "a child in the new mode", func() bool {
			e := n.table.ChildByExt(k.ext, neighbor.InValid)
			return k.role == Child && e != nil && e.Mode == m
		})
		if anew := b.count(k, ParentRequest) > asked; anew != c.anew {
			t.Errorf("%s -> %s: attached anew: %v", c.from, c.to, anew)
		}
		b.run(time.Second)
		if k.rxOn != m.RxOn() {
			t.Errorf("%s -> %s: receiver on: %v", c.from, c.to, k.rxOn)
		}
	}
	b := newBench(t)
	n := b.add("rdn")
	if n.SetMode(0, neighbor.ModeFTD) == nil {
		t.Error("a full Thread device that sleeps")
	}
}

// A sleepy child that hears nothing for the supervision time asks its parent.
func TestSupervision(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("n")
	b.run(30 * time.Second)
	c.HeardSecured(b.now, &c.table.Parent.Neighbor)
	before := b.count(c, ChildUpdateRequest)
	b.run(189 * time.Second)
	if c.SupervisionFailures() != 0 || b.count(c, ChildUpdateRequest) != before {
		t.Fatal("too early")
	}
	b.run(2 * time.Second)
	if c.SupervisionFailures() != 1 || b.count(c, ChildUpdateRequest) != before+1 {
		t.Fatal("not asked", c.SupervisionFailures(), b.count(c, ChildUpdateRequest)-before)
	}
	if e := n.table.ChildByExt(c.ext, neighbor.InValid); e == nil || e.Supervision != 129 {
		t.Fatal("the parent does not know the interval")
	}
}

// A network moved to another channel with a newer dataset while a node was away. It announces itself as an orphan, is
// told, follows, and tells on the old channel.
func TestOrphan(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rn")
	b.run(time.Second)
	c.dead = true
	n.channel, n.pan = 20, 0x1234
	n.SaveDataset(b.now, false, 2<<16, []byte{})
	c.dead = false
	c.BecomeDetached(b.now)
	b.until(40*time.Second, "attached on the other channel", func() bool { return c.role == Child && c.channel == 20 })
	if c.pan != 0x1234 {
		t.Errorf("PAN %04x", c.pan)
	}
	attached, old := b.now.Add(-20*time.Millisecond), 0
	b.run(4 * time.Second)
	for _, f := range b.records[Announce] {
		if f.from == c.id && f.ch == 15 && f.at > attached {
			old++
		}
	}
	if old != 3 {
		t.Errorf("announced %d times on the old channel", old)
	}
}

// An announcement that leads nowhere is undone.
func TestAnnounceNowhere(t *testing.T) {
	b := newBench(t)
	b.form()
	c := b.child("rn")
	b.run(time.Second)
	src := ip6.LinkLocal([8]byte{9})
	tlvs := AppendChannel(nil, TLVChannel, 22)
	tlvs = AppendTimestamp(tlvs, TLVActiveTimestamp, 9<<16)
	tlvs = AppendPANID(tlvs, 0x7777)
	c.Receive(b.now, &Datagram{Src: src, Dst: ip6.LinkLocalAllNodes, HopLimit: 255, RSSI: -20, Channel: 15, PAN: 0xabcd,
		PANBroadcast: true, Payload: forge(c, 1, Announce, tlvs, src, ip6.LinkLocalAllNodes)})
	b.until(time.Second, "on the way", func() bool { return c.channel == 22 && c.pan == 0x7777 })
	b.until(30*time.Second, "back", func() bool { return c.role == Child && c.channel == 15 && c.pan == 0xabcd })
}

// Discovery asks on all channels; networks on other ones answer as well.
func TestDiscovery(t *testing.T) {
	b := newBench(t)
	n := b.form()
	n.channel = 24
	d := b.add("rdn")
	d.pan = ieee802154.BroadcastPAN
	var found []Network
	done := false
	start := b.now
	if err := d.Discover(b.now, Discovery{PAN: ieee802154.BroadcastPAN,
		Found: func(now machine.Time, n *Network) { found = append(found, *n) },
		Done:  func(now machine.Time) { done = true }}); err != nil {
		t.Fatal(err)
	}
	if d.Discover(b.now, Discovery{}) == nil {
		t.Error("two at once")
	}
	b.until(10*time.Second, "done", func() bool { return done })
	if took := b.now.Sub(start); took < 4800*time.Millisecond || took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if len(found) != 1 || found[0].Channel != 24 || found[0].PAN != 0xabcd || found[0].Ext != n.ext || string(found[0].Name) != "heddle" {
		t.Errorf("found %+v", found)
	}
	if d.pan != ieee802154.BroadcastPAN || d.temporary != 0 || d.Discovering() {
		t.Errorf("left PAN %04x, channel %d", d.pan, d.temporary)
	}
	found, done = nil, false
	d.Discover(b.now, Discovery{PAN: ieee802154.BroadcastPAN, Wanted: func([]byte) bool { return false },
		Found: func(now machine.Time, n *Network) { found = append(found, *n) },
		Done:  func(now machine.Time) { done = true }})
	b.until(10*time.Second, "done", func() bool { return done })
	if len(found) != 0 {
		t.Error("not wanted, and found")
	}
}

// A larger key sequence is adopted from a neighbour if it is the next one, and from who answers our challenge if it is any.
func TestKeySequence(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rn")
	b.run(time.Second)
	n.keys.SetSequence(b.now, 1, keys.Rotation)
	n.settle()
	n.change("more")
	b.run(5 * time.Second)
	if c.keys.Sequence() != 1 {
		t.Fatalf("the next one is not adopted: %d", c.keys.Sequence())
	}
	// The guard time runs: the next one is not adopted again.
	n.keys.SetSequence(b.now, 2, keys.Forced)
	n.change("and more")
	b.run(5 * time.Second)
	if c.keys.Sequence() != 1 || string(c.data) != "and more" {
		t.Fatalf("within the guard time: %d, %q", c.keys.Sequence(), c.data)
	}
	// A jump has the child ask its parent to prove itself, and then it follows.
	n.keys.SetSequence(b.now, 9, keys.Forced)
	n.change("and still more")
	b.run(8 * time.Second)
	if c.keys.Sequence() != 9 {
		t.Fatalf("a jump of the parent is not adopted: %d", c.keys.Sequence())
	}
	// A stranger's is not.
	src := ip6.LinkLocal([8]byte{9})
	h := header{FrameCounter: 1, KeySequence: 50}
	p := append(make([]byte, 1+headerLen), byte(Announce))
	p = AppendPANID(AppendTimestamp(AppendChannel(p, TLVChannel, 15), TLVActiveTimestamp, 1<<16), 0xabcd)
	c.Receive(b.now, &Datagram{Src: src, Dst: c.LinkLocal(), HopLimit: 255, RSSI: -20,
		Payload: h.seal(p, c.keys.MLEFor(50), src, c.LinkLocal())})
	if c.keys.Sequence() != 9 {
		t.Fatal("a stranger's key sequence is adopted")
	}
	// A new child learns it while it attaches.
	d := b.child("rn")
	if d.keys.Sequence() != 9 {
		t.Errorf("a new child has %d", d.keys.Sequence())
	}
}

// A child looks for a better parent when it is badly heard, and takes it.
func TestBetterParent(t *testing.T) {
	b := newBench(t)
	n := b.form()
	r := b.child("rdn")
	b.until(150*time.Second, "a second router", func() bool { return r.role == Router })
	b.deaf[[2]int{r.id, 3}], b.deaf[[2]int{3, r.id}] = true, true
	b.rssi[[2]int{n.id, 3}], b.rssi[[2]int{3, n.id}] = -85, -85
	c := b.child("rn")
	b.run(time.Second)
	delete(b.deaf, [2]int{r.id, 3})
	delete(b.deaf, [2]int{3, r.id})
	if err := c.SearchForBetterParent(b.now); err != nil {
		t.Fatal(err)
	}
	b.until(10*time.Second, "the better parent", func() bool { return c.role == Child && c.table.Parent.RLOC16 == r.rloc16 })
	if len(c.informed) != 1 || c.informed[0] != n.rloc16 || c.counters.ParentChanges != 1 {
		t.Errorf("informed %x", c.informed)
	}
	// The other way there is nothing better.
	asked := b.count(c, ChildIDRequest)
	c.SearchForBetterParent(b.now)
	b.run(10 * time.Second)
	if c.role != Child || b.count(c, ChildIDRequest) != asked || c.Attaching() {
		t.Errorf("%v, attaching %v", c.role, c.Attaching())
	}
}

// What was recorded and is sent again has no effect.
func TestReplay(t *testing.T) {
	b := newBench(t)
	n := b.form()
	c := b.child("rdn")
	d := b.child("rn")
	b.until(150*time.Second, "a second router", func() bool { return c.role == Router })
	b.run(60 * time.Second)
	for _, x := range b.nodes {
		before := *x.MLE
		counters := map[ieee802154.ExtAddr]uint32{}
		for _, y := range b.nodes {
			if nb := x.table.FindExt(y.ext, neighbor.InValid); nb != nil {
				counters[y.ext] = nb.MLECounter
			}
		}
		replayed, sent := 0, b.order
		for command := range Command(21) {
			for _, f := range b.records[command] {
				if nb := x.table.FindExt(ieee802154.ExtAddr(f.src.IID().Ext()), neighbor.InValid); nb == nil || f.from == x.id ||
					!f.to.IsMulticast() && f.to != x.LinkLocal() || command == ChildIDResponse { // only who waits looks at that
					continue
				}
				x.Receive(b.now, &Datagram{Src: f.src, Dst: f.to, HopLimit: 255, RSSI: -20, Payload: f.bytes, Channel: 15, PAN: 0xabcd})
				if replayed++; x.MLE.counters.Replayed-before.counters.Replayed != uint32(replayed) {
					t.Errorf("%d: %v of %d at %v to %v", x.id, command, f.from, f.at, f.to)
				}
			}
		}
		if replayed == 0 || x.MLE.counters.Replayed-before.counters.Replayed != uint32(replayed) {
			t.Errorf("%d: %d sent again, %d counted", x.id, replayed, x.MLE.counters.Replayed-before.counters.Replayed)
		}
		if b.order != sent || x.role != before.role || x.leaderData != before.leaderData {
			t.Errorf("%d: something happened", x.id)
		}
	}
	_, _ = n, d
}

// A router announces its network on all channels every 688 s, one that hears eight others say the same does not.
func TestAnnounceOwn(t *testing.T) {
	b := newBench(t)
	n := b.form()
	b.run(1400 * time.Second)
	if got := b.count(n, Announce); got < 16 || got > 32 {
		t.Errorf("%d announcements", got)
	}
	before := b.count(n, Announce)
	for range 160 {
		n.heardSameAnnounce()
		b.run(30 * time.Second)
	}
	if got := b.count(n, Announce) - before; got > 32 {
		t.Errorf("%d announcements beside others", got)
	}
}
