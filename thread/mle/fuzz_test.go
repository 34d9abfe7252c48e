package mle

import (
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// No bytes make the readers panic, and what they read is written again to bytes that read the same.
func FuzzMessage(f *testing.F) {
	for _, r := range recordings(f) {
		if _, x, _, err := r.open(); err == nil {
			f.Add(byte(x.Command), x.TLVs)
		}
	}
	f.Fuzz(func(t *testing.T, command byte, tlvs []byte) {
		x, err := ParseMessage(append([]byte{command}, tlvs...))
		if err != nil {
			t.Fatal(err)
		}
		for typ := range 256 {
			b, err := rewrite(&x, TLV(typ))
			if err != nil {
				continue
			}
			y := Message{x.Command, b}
			if again, err := rewrite(&y, TLV(typ)); err != nil || string(again) != string(b) {
				t.Fatalf("TLV %d: % x becomes % x: %v", typ, b, again, err)
			}
		}
	})
}

// An MLE in any role, given any opened message of a stranger, a parent or a child, neither panics nor lets its deadline
// stand still.
func FuzzReceive(f *testing.F) {
	for _, r := range recordings(f) {
		if _, x, _, err := r.open(); err == nil {
			for role := range byte(4) {
				f.Add(byte(x.Command), x.TLVs, role, byte(2))
			}
		}
	}
	f.Fuzz(func(t *testing.T, command byte, tlvs []byte, role, from byte) {
		if len(tlvs) > 1200 {
			return
		}
		b := newBench(t)
		n := b.add("rdn")
		if role&1 != 0 {
			n.is(Disabled)
		}
		n.Start(0)
		switch role % 4 {
		case 1:
			n.table.Parent.Ext = ieee802154.ExtAddr{0x11, 0x22, 0x33, 0, 0, 0, 0, 2}
			n.table.Parent.RLOC16 = 0x400
			n.table.Parent.State = neighbor.Valid
			n.setChild(0, 0x401)
		case 2:
			b.run(500 * time.Millisecond) // in the middle of an attach
		case 3:
			b.run(12 * time.Second) // leader
		}
		src := ip6.LinkLocal([8]byte{0x11, 0x22, 0x33, 0, 0, 0, 0, from%3 + 2})
		for i := range 3 {
			d := Datagram{Src: src, Dst: n.LinkLocal(), HopLimit: 255, RSSI: -20, Channel: 15, PAN: 0xabcd}
			if Command(command).Secured() {
				d.Payload = forge(n, uint32(i), Command(command), tlvs, src, d.Dst)
			} else {
				d.Payload = append([]byte{noSecurity, command}, tlvs...)
			}
			n.Receive(b.now, &d)
			n.settle()
			b.run(700 * time.Millisecond)
		}
		if n.Deadline() <= b.now {
			t.Fatal("the deadline does not move")
		}
	})
}

// forge makes a message that has the right key.
func forge(n *benchNode, counter uint32, c Command, tlvs []byte, src, dst ip6.Address) []byte {
	h := header{FrameCounter: counter, KeySequence: n.keys.Sequence()}
	p := make([]byte, 1+headerLen, 64+len(tlvs))
	return h.seal(append(append(p, byte(c)), tlvs...), n.keys.MLE(), src, dst)
}

// What is not secured as it should be has no effect but on a counter.
func TestForgeries(t *testing.T) {
	b := newBench(t)
	n := b.add("rdn")
	n.Start(0)
	src := ip6.LinkLocal([8]byte{2})
	good := forge(n, 5, ParentRequest, nil, src, ip6.LinkLocalAllRouters)
	send := func(change func(d *Datagram)) {
		d := Datagram{Src: src, Dst: ip6.LinkLocalAllRouters, HopLimit: 255, RSSI: -20,
			Payload: append([]byte(nil), good...)}
		change(&d)
		n.Receive(b.now, &d)
	}
	for name, c := range map[string]struct {
		change func(d *Datagram)
		count  func() uint32
	}{
		"hop limit":    {func(d *Datagram) { d.HopLimit = 254 }, func() uint32 { return n.counters.Malformed }},
		"empty":        {func(d *Datagram) { d.Payload = nil }, func() uint32 { return n.counters.Malformed }},
		"global":       {func(d *Datagram) { d.Src[0] = 0x20 }, func() uint32 { return n.counters.Malformed }},
		"suite":        {func(d *Datagram) { d.Payload[0] = 3 }, func() uint32 { return n.counters.Malformed }},
		"short":        {func(d *Datagram) { d.Payload = d.Payload[:12] }, func() uint32 { return n.counters.Malformed }},
		"level":        {func(d *Datagram) { d.Payload[1] = 0x0d - 8 }, func() uint32 { return n.counters.Malformed }},
		"mic":          {func(d *Datagram) { d.Payload[len(d.Payload)-1] ^= 1 }, func() uint32 { return n.counters.BadSecurity }},
		"counter":      {func(d *Datagram) { d.Payload[2] ^= 1 }, func() uint32 { return n.counters.BadSecurity }},
		"key sequence": {func(d *Datagram) { d.Payload[9] ^= 1 }, func() uint32 { return n.counters.BadSecurity }},
		"source":       {func(d *Datagram) { d.Src[15] ^= 1 }, func() uint32 { return n.counters.BadSecurity }},
		"destination":  {func(d *Datagram) { d.Dst[15] ^= 1 }, func() uint32 { return n.counters.BadSecurity }},
	} {
		before := c.count()
		send(c.change)
		if c.count() != before+1 {
			t.Errorf("%s: not counted", name)
		}
	}
}
