package network

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/radio"
	"heddle.example/thread/tlv"
)

// attacker is a radio that hears everything and sends what it is told, whatever anyone may think of it.
type attacker struct {
	node  *mesh.Node
	out   []machine.Action
	heard [][]byte
	id    uint32
	wait  []*radio.Transmit
	busy  bool
}

func (net *Network) addAttacker() *attacker {
	x := &attacker{node: net.Medium.Add(mesh.Position{})}
	x.ask(&radio.Config{Filter: radio.Filter{Promiscuous: true, RxOnWhenIdle: true}})
	x.ask(&radio.State{Mode: radio.Receive, Channel: 15})
	x.node.Boot(x)
	return x
}

func (x *attacker) ask(v any) { x.out = append(x.out, machine.Action{Kind: machine.Ask, Value: v}) }

func (x *attacker) Receive(machine.Time, machine.Cause, machine.Path, []byte)    {}
func (x *attacker) Expire(machine.Time)                                          {}
func (x *attacker) Deadline() machine.Time                                       { return machine.Never }
func (x *attacker) RadioEnergy(now machine.Time, cause machine.Cause, rssi int8) {}

func (x *attacker) RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame) {
	if len(x.heard) < 5000 {
		x.heard = append(x.heard, append([]byte(nil), f.PSDU...))
	}
}

func (x *attacker) RadioSent(now machine.Time, cause machine.Cause, s radio.Sent) {
	x.busy = false
	x.next()
}

func (x *attacker) Next() (machine.Action, bool) {
	if len(x.out) == 0 {
		return machine.Action{}, false
	}
	a := x.out[0]
	x.out = x.out[1:]
	return a, true
}

func (x *attacker) next() {
	if x.busy || len(x.wait) == 0 {
		return
	}
	x.busy = true
	x.out = append(x.out, machine.Action{Kind: machine.Send, Value: x.wait[0]})
	x.wait = x.wait[1:]
}

// send queues a frame as it is, with or without a right check sequence.
func (x *attacker) send(psdu []byte) {
	x.id++
	x.wait = append(x.wait, &radio.Transmit{ID: x.id, PSDU: psdu, Channel: 15})
	x.node.Do(func(machine.Time) { x.next() })
}

// finish lets time pass until all is sent.
func (x *attacker) finish(net *Network) {
	net.RunUntil(func() bool { return len(x.wait) == 0 && !x.busy }, time.Hour)
}

func fcs(b []byte) []byte {
	if len(b) >= 2 {
		ieee802154.SetFCS(b)
	}
	return b
}

// town is a network of a leader, two routers, a child that listens and one that sleeps.
type town struct {
	*Network
	t     *testing.T
	nodes []*Node
	info  meshcop.Info
}

func newTown(t *testing.T, seed uint64) *town {
	t.Helper()
	w := &town{Network: New(seed, mesh.Config{}), t: t}
	for i := range 5 {
		c := NodeConfig{MTD: i >= 3}
		if i == 4 {
			c.OnBoot = func(now machine.Time, x *thread.Node) {
				x.Do(now, 0, func() {
					_ = x.MLE().SetMode(now, 0)
					x.MAC().SetExternalPollPeriod(now, 500*time.Millisecond)
				})
			}
		}
		w.nodes = append(w.nodes, w.Add(c))
		if i == 0 {
			w.info = w.nodes[0].Thread().Datasets().NewNetwork()
			w.info.Channel = 15
		}
		w.start(w.nodes[i])
		if !w.RunUntil(func() bool { return w.nodes[i].Thread().MLE().Role().Attached() }, 2*time.Minute) {
			t.Fatalf("node %d does not attach", i+1)
		}
	}
	w.Run(5 * time.Minute)
	w.stands()
	return w
}

func (w *town) start(n *Node) {
	w.t.Helper()
	n.Input(func(now machine.Time, x *thread.Node) {
		set, err := w.info.Dataset()
		if err == nil {
			x.Do(now, 0, func() { err = x.Datasets().SetActive(now, set) })
		}
		if err == nil {
			err = x.Up(now, 0)
		}
		if err == nil {
			err = x.Start(now, 0)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	})
}

// stands checks that all nodes are attached in one partition and reach each other.
func (w *town) stands() {
	w.t.Helper()
	leader := w.nodes[0].Thread().MLE()
	for i, n := range w.nodes {
		m := n.Thread().MLE()
		if !m.Role().Attached() || m.LeaderData().PartitionID != leader.LeaderData().PartitionID {
			w.t.Errorf("node %d is %v", i+1, m.Role())
		}
	}
	for i, n := range w.nodes {
		o := w.nodes[(i+1)%len(w.nodes)]
		p := n.PingWith(thread.PingConfig{Dst: o.Thread().MLE().MeshLocalEID(), Size: 200, Count: 2, Timeout: 5 * time.Second})
		if p.Received == 0 {
			w.t.Errorf("node %d does not reach node %d: %+v", i+1, o.Number(), p)
		}
	}
}

// bounded checks what a node holds.
func (w *town) bounded() {
	w.t.Helper()
	for i, n := range w.nodes {
		x := n.Thread()
		q := x.Mesh().Info()
		if q.Buffers > 256 || q.Reassembly > 8 || x.Mesh().Resolver.Len() > 32 || x.Table().ChildCount(4) > x.Table().MaxChildren() {
			w.t.Errorf("node %d: %+v, %d addresses", i+1, q, x.Mesh().Resolver.Len())
		}
	}
}

func heap() uint64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// An outsider, who has no key: it says again what it heard, with and without changes, and noise of every length.
func TestOutsider(t *testing.T) {
	w := newTown(t, 1)
	x := w.addAttacker()
	w.Run(3 * time.Minute)
	r := rand.New(rand.NewPCG(1, 2))
	before := heap()
	heard := x.heard
	t.Logf("%d frames heard", len(heard))
	for _, f := range heard {
		x.send(f) // replayed
		g := append([]byte(nil), f...)
		g[r.IntN(len(g))] ^= 1 << r.IntN(8)
		x.send(g) // wrong check sequence
		x.send(fcs(append([]byte(nil), g...)))
		x.send(fcs(append([]byte(nil), f[:r.IntN(len(f)+1)]...)))
	}
	for n := range 128 {
		for range 20 {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			x.send(fcs(b))
		}
	}
	x.send(make([]byte, 1000))
	x.send(nil)
	x.finish(w.Network)
	// Fragments that never end, in the clear, and datagrams in the clear to every port.
	for i := range 3000 {
		f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: uint8(i), DstPAN: ieee802154.PANID(w.info.PANID), SrcPAN: ieee802154.PANID(w.info.PANID),
			Dst: ieee802154.Broadcast, Src: ieee802154.ShortAddr(uint16(i)), HasDstPAN: true, HasSrcPAN: true}
		if i%2 == 0 {
			h := lowpan.FragmentHeader{Size: 1200, Tag: uint16(i)}
			f.Payload = append(h.Append(nil), 0x7f, 0x3b, 0x01, 0xf0, 0x4d, 0x4c, 0x4d, 0x4c, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8)
		} else {
			f.Payload = []byte{0x7f, 0x3b, 0x01, 0xf0, byte(i), 0x4c, byte(i), byte(r.Uint32()), 0, 0, 1, 2, 3, 4}
		}
		f.Plan()
		x.send(f.Append(nil))
	}
	x.finish(w.Network)
	// MLE under a wrong key, and with a right suite but nothing behind it.
	wrong := *w
	wrong.info.NetworkKey[3] ^= 1
	for i := range uint32(500) {
		from := ieee802154.ExtAddr{0xdd, 7: byte(i)}
		x.send(insider(&wrong, from, ip6.LinkLocalAllRouters, i, []byte{byte(mle.ParentRequest), 1, 2, 3}))
		x.send(insider(&wrong, w.nodes[1].Thread().MAC().Ext(), ip6.LinkLocalAllNodes, 1<<30+i, []byte{byte(mle.Advertisement)}))
	}
	x.finish(w.Network)
	w.bounded()
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes more than before", grown)
	}
	w.Run(10 * time.Second)
	w.stands()
	var sec, other, fcsErr, replayed, malformed uint32
	for _, n := range w.nodes {
		c := n.Thread().MAC().Counters
		sec, other, fcsErr = sec+c.RxErrSec, other+c.RxErrOther, fcsErr+c.RxErrFCS
		m := n.Thread().MLE().Counters(w.World.Now())
		replayed, malformed = replayed+m.Replayed, malformed+m.Malformed+m.BadSecurity
	}
	t.Logf("security %d, other %d, FCS %d; MLE: replayed %d, malformed or badly secured %d", sec, other, fcsErr, replayed, malformed)
	if sec == 0 || replayed == 0 || malformed == 0 {
		t.Error("something is not counted")
	}
}

// insider makes MLE messages with the network's key.
func insider(w *town, from ieee802154.ExtAddr, to ip6.Address, counter uint32, message []byte) []byte {
	key := keys.Derive(meshcop.NetworkKey(w.info.NetworkKey), 0).MLE
	src := ip6.LinkLocal(from)
	b := []byte{0, 0x15}
	b = binary.LittleEndian.AppendUint32(b, counter)
	b = append(b, 0, 0, 0, 0, 1)
	aad := append(append(append([]byte(nil), src[:]...), to[:]...), b[1:]...)
	at := len(b)
	b = append(append(b, message...), make([]byte, 4)...)
	nonce := ieee802154.MakeNonce(from, counter, ieee802154.EncMIC32)
	key.Seal(&nonce, ieee802154.EncMIC32, aad, b[at:len(b)-4], b[len(b)-4:])
	udp := ip6.AppendUDP(nil, ip6.Header{HopLimit: 255, Src: src, Dst: to}, 19788, 19788, b)
	f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: uint8(counter), DstPAN: ieee802154.PANID(w.info.PANID), SrcPAN: ieee802154.PANID(w.info.PANID),
		Dst: ieee802154.Broadcast, Src: ieee802154.ExtendedAddr(from), HasDstPAN: true, HasSrcPAN: true}
	head, used, err := lowpan.AppendCompressed(nil, udp, lowpan.LinkOf(ieee802154.ExtendedAddr(from), ieee802154.Broadcast), noContexts{}, 100)
	if err != nil {
		panic(err)
	}
	f.Payload = append(head, udp[used:]...)
	f.Plan()
	return f.Append(nil)
}

type noContexts struct{}

func (noContexts) ContextByID(uint8) (lowpan.Context, bool)      { return lowpan.Context{}, false }
func (noContexts) ContextFor(ip6.Address) (lowpan.Context, bool) { return lowpan.Context{}, false }

// An insider asks for a parent under ten thousand names: child tables do not fill for good, and a true child gets in.
func TestFloodOfParentRequests(t *testing.T) {
	w := newTown(t, 2)
	x := w.addAttacker()
	before := heap()
	for i := range 10000 {
		from := ieee802154.ExtAddr{0xee, 1, 2, 3, 4, 5, byte(i >> 8), byte(i)}
		b := []byte{byte(mle.ParentRequest)}
		b = mle.AppendMode(b, 0x0f)
		b = mle.AppendChallenge(b, []byte{1, 2, 3, 4, 5, 6, 7, byte(i)})
		b = mle.AppendScanMask(b, 0xc0)
		b = mle.AppendVersion(b, 5)
		x.send(insider(w, from, ip6.LinkLocalAllRouters, uint32(i+1), b))
		if i%50 == 0 {
			x.finish(w.Network)
			w.bounded()
		}
	}
	x.finish(w.Network)
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("%d bytes more than before", grown)
	}
	w.Run(time.Minute)
	w.stands()
	n := w.Add(NodeConfig{MTD: true})
	w.start(n)
	if !w.RunUntil(func() bool { return n.Thread().MLE().Role().Attached() }, 2*time.Minute) {
		t.Error("a true child finds no place")
	}
	w.nodes = append(w.nodes, n)
	w.stands()
}

// A member tells lies about where addresses are, unasked, and asks for what does not exist.
func TestForgedNotifications(t *testing.T) {
	w := newTown(t, 3)
	liar, victim := w.nodes[1], w.nodes[0]
	dst := ip6.RLOC(victim.Thread().Table().Self.MeshLocal, victim.Thread().Table().Self.RLOC16)
	for i := range 2000 {
		target := ip6.Join(victim.Thread().Table().Self.MeshLocal, ip6.IID{1, 6: byte(i >> 8), 7: byte(i)})
		b := tlv.Append(nil, 0, target[:])
		b = tlv.Append(b, 3, make([]byte, 8))
		b = tlv.AppendUint16(b, 2, uint16(i))
		liar.Input(func(now machine.Time, x *thread.Node) {
			x.Do(now, 0, func() {
				_ = x.TMF().Post(now, dst, "a/an", b, false, nil)
				_ = x.TMF().Post(now, dst, "a/an", b, true, nil)
				_ = x.TMF().Post(now, dst, "a/ae", b, false, nil)
				_ = x.TMF().Post(now, dst, "a/aq", b[:i%len(b)], false, nil)
			})
		})
		w.Run(20 * time.Millisecond)
	}
	w.bounded()
	w.Run(10 * time.Second)
	w.stands()
	if c := victim.Thread().Mesh().Counters; c.StrayNotifies == 0 {
		t.Errorf("%+v", c)
	}
}

// An insider takes a child's name and number and gets ahead of its frame counter: the true one is shut out, as it must be
// in OpenThread, too, but nobody else is, and attaching as a new child wins it back.
func TestStolenIdentity(t *testing.T) {
	w := newTown(t, 4)
	child := w.nodes[3]
	x := w.addAttacker()
	parent := child.Thread().Table().Parent
	ext := child.Thread().MAC().Ext()
	key := keys.Derive(meshcop.NetworkKey(w.info.NetworkKey), 0).MAC
	for i := range uint32(20) {
		f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: uint8(200 + i), DstPAN: ieee802154.PANID(w.info.PANID), SrcPAN: ieee802154.PANID(w.info.PANID),
			Dst: ieee802154.ShortAddr(parent.RLOC16), Src: ieee802154.ShortAddr(child.Thread().Table().Self.RLOC16), HasDstPAN: true, HasSrcPAN: true,
			Security: ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1, Counter: 1000000 + i, KeyIndex: 1},
			Payload:  []byte{0x7e, 0x33, 0xf0, 1, 2, 3, 4, 5, 6, 7}}
		f.Plan()
		x.send(f.AppendSealed(nil, key, ext))
	}
	x.finish(w.Network)
	p := child.PingWith(thread.PingConfig{Dst: w.nodes[0].Thread().MLE().MeshLocalEID(), Timeout: time.Second})
	if p.Received != 0 {
		t.Error("the thief did not get through: the test proves nothing")
	}
	all := w.nodes
	w.nodes = []*Node{all[0], all[1], all[2], all[4]}
	w.stands()
	w.nodes = all
	child.FactoryReset() // its counters are on its disk, so a reset alone would not help
	w.start(child)
	w.Run(2 * time.Minute)
	w.stands()
	w.bounded()
}

// An outsider says something to sockets and asks for an echo: in the clear, and under the one key that everybody knows.
// Nobody hears it, but on a port that was opened for such.
func TestInTheClear(t *testing.T) {
	w := newTown(t, 5)
	x := w.addAttacker()
	heard := map[uint16]int{}
	n := w.nodes[0]
	n.OnEvent = func(_ machine.Time, a machine.Action) {
		if d, ok := a.Value.(*thread.Datagram); ok {
			heard[d.LocalPort]++
		}
	}
	n.Input(func(now machine.Time, n *thread.Node) {
		for _, port := range []uint16{5000, 5001} {
			id, _ := n.OpenUDP()
			if err := n.BindUDP(id, ip6.Address{}, port); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.AddUnsecurePort(5001); err != nil {
			t.Fatal(err)
		}
	})
	from := ieee802154.ExtAddr{0xdd, 1}
	src := ip6.LinkLocal(from)
	dst := n.Thread().MLE().LinkLocal()
	sent := n.Thread().Mesh().Counters.TxSuccess
	frame := func(ip []byte, sequence uint8, mode2 bool) {
		pan := ieee802154.PANID(w.info.PANID)
		f := ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Sequence: sequence, DstPAN: pan, SrcPAN: pan,
			Dst: ieee802154.ExtendedAddr(n.Thread().MAC().Ext()), Src: ieee802154.ExtendedAddr(from), HasDstPAN: true, HasSrcPAN: true}
		head, used, err := lowpan.AppendCompressed(nil, ip, lowpan.LinkOf(ieee802154.ExtendedAddr(from), ieee802154.ExtendedAddr(n.Thread().MAC().Ext())), noContexts{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		f.Payload = append(head, ip[used:]...)
		if mode2 {
			f.Security = ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode2, Counter: uint32(sequence), KeyIndex: 0xff, KeySource: [8]byte{0xff, 0xff, 0xff, 0xff}}
			f.Plan()
			x.send(fcs(f.AppendSealed(nil, keys.NewCache().Mode2(), keys.Mode2Source)))
			f.Security.Mode = ieee802154.KeyIDMode0 // there is no such key
			x.send(fcs(f.AppendSealed(nil, keys.NewCache().Mode2(), from)))
			return
		}
		f.Plan()
		x.send(f.Append(nil))
	}
	for i, mode2 := range []bool{false, true} {
		h := ip6.Header{HopLimit: 64, Src: src, Dst: dst}
		frame(ip6.AppendUDP(nil, h, 7, 5000, []byte("in the clear")), uint8(10*i), mode2)
		frame(ip6.AppendUDP(nil, h, 7, 5001, []byte("in the clear")), uint8(10*i+1), mode2)
		frame(ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoRequest}, []byte("in the clear")), uint8(10*i+2), mode2)
		h.Dst = n.EID()
		frame(ip6.AppendUDP(nil, h, 7, 5001, []byte("from afar")), uint8(10*i+3), mode2)
	}
	x.finish(w.Network)
	w.Run(time.Second)
	c := n.Thread().Mesh().Counters
	if heard[5000] != 0 || heard[5001] != 2 || c.Unsecured != 6 || c.TxSuccess > sent+3 {
		t.Errorf("heard %v, refused %d, sent %d", heard, c.Unsecured, c.TxSuccess-sent)
	}
	w.stands()
}
