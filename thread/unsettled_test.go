package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/mle"
)

// A node whose disk is full says nothing, since it could say it again after a reset; with space again it goes on.
func TestFullDisk(t *testing.T) {
	net := network.New(7, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })

	b := net.Add(network.NodeConfig{})
	b.Disk().Full = true
	start(t, b, d)
	net.Run(time.Minute)
	if n := b.Counts().Sent; n != 0 {
		t.Errorf("b has sent %d frames without a frame counter on its disk", n)
	}
	b.Disk().Full = false
	same := func() bool {
		return role(b).Attached() && a.Thread().MLE().LeaderData().PartitionID == b.Thread().MLE().LeaderData().PartitionID
	}
	wait(t, net, 5*time.Minute, "one partition", same)
	ping(t, b, thread.PingConfig{Dst: eid(a)})

	// What it has stored then outlives a reset: it is again who it was.
	net.Run(5 * time.Minute)
	was := b.Thread().MLE().RLOC16()
	again := func() {
		b.Reset()
		b.Input(func(now machine.Time, x *thread.Node) {
			_ = x.Up(now, 0)
			_ = x.Start(now, 0)
		})
	}
	again()
	wait(t, net, time.Minute, "again", func() bool { return role(b).Attached() })
	if now := b.Thread().MLE().RLOC16(); now != was {
		t.Errorf("%04x, then %04x", was, now)
	}

	// A disk that fails now and then.
	n := 0
	b.Disk().Fail = func(machine.Seq) error {
		if n++; n%2 == 0 {
			return sim.ErrDiskFull
		}
		return nil
	}
	for range 5 {
		again()
		wait(t, net, time.Minute, "again", func() bool { return role(b).Attached() })
		ping(t, a, thread.PingConfig{Dst: eid(b), Size: 500})
	}
}

// A node that goes to a later key and back, or to another network and back, with resets in between, sends no frame counter
// twice. The disk is slow, and a reset loses what is not on it.
func TestOldKeyAfterReset(t *testing.T) {
	net := network.New(11, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	a.Disk().SyncDelay = 300 * time.Millisecond
	d := a.Thread().Datasets().NewNetwork()
	other := d
	other.NetworkKey[0] ^= 1
	b := net.Add(network.NodeConfig{})
	var last uint32
	frames, again := 0, ""
	net.Tap(func(_ machine.Time, from *mesh.Node, _ uint8, _ int8, psdu []byte) {
		var f ieee802154.Frame
		if f.Parse(psdu) != nil || !f.Secured() || f.Security.Mode != ieee802154.KeyIDMode1 ||
			from != a.Node || f.Type == ieee802154.Ack || string(psdu) == again {
			return
		}
		if frames > 0 && f.Security.Counter <= last {
			t.Errorf("frame counter %d after %d", f.Security.Counter, last)
		}
		last, again = f.Security.Counter, string(psdu)
		frames++
	})
	mle := uint32(0)
	for round := range 12 {
		set := d
		if round%4 > 1 {
			set = other
		}
		start(t, a, set)
		start(t, b, set)
		for _, seq := range []uint32{5, 0, 6, 0} {
			for _, n := range []*network.Node{a, b} {
				n.Input(func(now machine.Time, x *thread.Node) {
					x.Do(now, 0, func() { x.Keys().SetSequence(now, seq, keys.Forced) })
				})
			}
			net.Run(time.Duration(3+round) * 7 * time.Second)
			a.Ping(eid(b))
			c := a.Thread().Keys().Counters().MLE
			if c < mle {
				t.Errorf("the MLE counter goes back from %d to %d", mle, c)
			}
			mle = c
		}
		a.Reset()
	}
	if frames < 48 || mle < 48 {
		t.Errorf("%d frames, %d MLE messages", frames, mle)
	}
}
