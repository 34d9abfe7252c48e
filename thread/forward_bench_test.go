package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/radio"
)

// forwarder is the router in the middle of a line of three, taken off its simulated radio, and frames of the first for the
// last, each with a frame counter of its own.
type forwarder struct {
	n      *thread.Node
	frames [][]byte
	air    *radio.Frame
	now    machine.Time
	sent   int
}

func newForwarder(tb testing.TB, count int) *forwarder {
	t, ok := tb.(*testing.T)
	if !ok {
		t = new(testing.T)
	}
	net, nodes := line(t, 7, 3)
	net.Run(time.Minute)
	first, mid, last := nodes[0].Thread(), nodes[1].Thread(), nodes[2].Thread()
	f := &forwarder{n: mid, air: &radio.Frame{Air: radio.NewAir(0, nil), RSSI: -20, LQI: 255}, now: net.World.Now()}
	key := keys.Derive(first.Keys().NetworkKey(), first.Keys().Sequence()).MAC
	src, dst := first.Table().Self.RLOC16, last.Table().Self.RLOC16
	ip := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: first.MLE().MeshLocalEID(), Dst: ip6.RLOC(first.Table().Self.MeshLocal, dst)}, 5000, 5000, make([]byte, 50))
	h := lowpan.MeshHeader{HopsLeft: 19, Src: src, Dst: dst}
	payload, used, err := lowpan.AppendCompressed(h.Append(nil), ip, lowpan.Link{Src: ip6.IIDFromShort(src), Dst: ip6.IIDFromShort(dst)}, contexts{first}, 90)
	if err != nil {
		tb.Fatal(err)
	}
	payload = append(payload, ip[used:]...)
	for i := range count {
		fr := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: uint8(i), AckRequest: true,
			DstPAN: mid.MAC().PAN(), SrcPAN: mid.MAC().PAN(), HasDstPAN: true, HasSrcPAN: true,
			Dst: ieee802154.ShortAddr(mid.Table().Self.RLOC16), Src: ieee802154.ShortAddr(src), Payload: payload,
			Security: ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1, Counter: 100000 + uint32(i), KeyIndex: 1}}
		fr.Plan()
		f.frames = append(f.frames, fr.AppendSealed(nil, key, first.MAC().Ext()))
	}
	return f
}

type contexts struct{ n *thread.Node }

func (c contexts) ContextByID(id uint8) (lowpan.Context, bool) {
	x, ok := c.n.NetData().Context(id)
	return lowpan.Context{ID: x.ID, Prefix: x.Prefix, Compress: x.Compress}, ok
}

func (c contexts) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	x, ok := c.n.NetData().ContextFor(a)
	return lowpan.Context{ID: x.ID, Prefix: x.Prefix, Compress: x.Compress}, ok
}

// pass gives the node one frame and lets it send on what it makes of it.
func (f *forwarder) pass(psdu []byte) {
	f.air.Set(f.n.MAC().Channel(), psdu)
	f.air.At = f.now
	f.n.RadioReceived(f.now, 0, f.air)
	for range 3 { // back-off, and the pause after a frame that is passed on
		for {
			a, ok := f.n.Next()
			if !ok {
				break
			}
			if t, ok := a.Value.(*radio.Transmit); ok && a.Kind == machine.Send {
				f.sent++
				id := t.ID
				f.n.RadioSent(f.now, 0, radio.Sent{ID: id})
			} else if a.Kind == machine.Persist {
				f.n.Persisted(f.now, a.Seq)
			}
		}
		if d := f.n.Deadline(); d > f.now.Add(20*time.Millisecond) {
			break
		} else {
			f.now = max(f.now, d)
			f.n.Expire(f.now)
		}
	}
}

// One frame through a whole node: MAC, decryption, 6LoWPAN headers, route, encryption, and out.
func BenchmarkForwardThroughNode(b *testing.B) {
	const count = 4000 // then the others, who say nothing, are taken for lost
	b.ReportAllocs()
	var f *forwarder
	for i := range b.N {
		if i%count == 0 {
			b.StopTimer()
			f = newForwarder(b, count)
			b.StartTimer()
		}
		f.pass(f.frames[i%count])
	}
	if want := (b.N-1)%count + 1; f.sent < want {
		b.Fatalf("%d of %d sent on", f.sent, want)
	}
}

func TestForwardingThroughNodeAllocatesNothing(t *testing.T) {
	f := newForwarder(t, 400)
	i := 0
	n := testing.AllocsPerRun(300, func() {
		f.pass(f.frames[i])
		i++
	})
	if f.sent != i {
		t.Errorf("%d of %d sent on", f.sent, i)
	}
	if n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
