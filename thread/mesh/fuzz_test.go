package mesh

import (
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/lowpan"
)

// Any frames, from anyone: nothing breaks, what is kept is bounded, and afterwards the node still answers.
func FuzzReceived(f *testing.F) {
	w := newWorld(nil)
	n := w.line(3)
	ip := udpTo(n[0].eid(), n[1].rloc(), 0, 200)
	f.Add(uint8(3), meshed(0x0400, lowpan.MeshHeader{HopsLeft: 3, Src: 0x0400, Dst: 0x0800}, &lowpan.FragmentHeader{Size: len(ip), Tag: 3}, ip).Payload)
	f.Add(uint8(1), meshed(0x0400, lowpan.MeshHeader{HopsLeft: 3, Src: 0x0400, Dst: 0x0c00}, nil, udpTo(n[0].eid(), n[1].rloc(), 0, 20)).Payload)
	f.Add(uint8(7), []byte{0x7e, 0x33, 0xf0, 1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, how uint8, b []byte) {
		w := newWorld(t)
		n := w.line(3)
		s, c := w.child(n[1], sleepy)
		w.hostile = true
		for i := 0; len(b) > 0 && i < 50; i++ {
			k := min(len(b), 1+int(how)%106)
			rx := &Rx{Src: addr(0x0400), Dst: addr(0x0800), Payload: b[:k], RSSI: -30, Security: Mode1}
			if how&1 != 0 {
				rx.Dst = ieee802154.Broadcast
			}
			if how&2 != 0 {
				rx.Src = ieee802154.ExtendedAddr(n[0].table.Self.Ext)
			}
			if how&4 != 0 {
				rx.Security = Unsecured
			}
			n[1].m.Received(w.now, rx)
			w.run(3 * time.Millisecond)
			b = b[k:]
		}
		if i := n[1].m.Info(); i.Reassembly > 8 || i.Buffers > 256 || n[1].m.Resolver.Len() > 32 {
			t.Fatalf("%+v", i)
		}
		for range 20 {
			n[1].m.ChildListens(w.now, c)
			w.run(time.Second)
		}
		if got := n[0].ping(n[1].rloc(), 200, time.Second); len(got) == 0 {
			t.Fatal("it does not answer any more")
		}
		_ = s
	})
}
