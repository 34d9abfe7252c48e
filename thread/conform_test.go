package thread_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/mle"
	"heddle.example/thread/radio"
)

// TestConform runs the conformance kit of machines on a node that has one neighbour, whose frames an insider changes on
// their way: it knows the network key, so what it makes of them is authentic and reaches every parser. In each role.
func TestConform(t *testing.T) {
	seeds, steps := 3, 400
	if testing.Short() {
		seeds = 1
	}
	for _, c := range []struct {
		name  string
		kind  network.Kind // of the node under test
		first bool         // it forms the network
	}{{"leader", network.Router, true}, {"router", network.Router, false}, {"med", network.MED, false}, {"sed", network.SED, false}} {
		t.Run(c.name, func(t *testing.T) {
			machinetest.Conform(t, machinetest.Kit{
				Seeds: seeds, Steps: steps,
				New: func(r machine.Rand) machine.Machine { return newPair(t, r, c.kind, c.first) },
				Paths: []machine.Path{
					{Remote: netip.MustParseAddrPort("[::1]:1")}, // a datagram of the host
					{Remote: netip.MustParseAddrPort("[::1]:2")}, // a frame
				},
				Commands: pairCommands(),
			})
		})
	}
}

// pair is the node under test (0) and its neighbour (1) with the air between them. As a machine it is the first of them;
// what goes in and out of the other is its own.
type pair struct {
	t       *testing.T
	rand    machine.Rand
	set     keys.Set
	station [2]*station
	now     machine.Time
	changed int
}

// station is a node and its radio.
type station struct {
	node   *thread.Node
	filter radio.Filter
	state  radio.State
	sent   *radio.Transmit // under way
	scan   bool
	until  machine.Time
	socket thread.SocketID
	starts machine.Time
	start  func(now machine.Time) // nil once it has
}

func newPair(t *testing.T, r machine.Rand, kind network.Kind, first bool) *pair {
	d := network.Dataset(0)
	now := machine.Time(1_790_000_000_000_000_000) // when the kit begins
	p := &pair{t: t, rand: r, set: keys.Derive(d.NetworkKey, 0), now: now}
	for i := range p.station {
		x, err := thread.New(thread.Config{
			Rand: r, Caps: mesh.Caps, EUI64: ieee802154.ExtAddr{0x18, 0xb4, 0x30, 0, 0, 0, 0, byte(i + 1)}, Now: now,
			MTD:  i == 0 && (kind == network.MED || kind == network.SED),
			Host: func(machine.Time, []byte) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		s := &station{node: x, until: machine.Never}
		p.station[i] = s
	}
	for i, s := range p.station {
		s.start = func(now machine.Time) {
			x := s.node
			x.Do(now, 0, func() {
				set, err := d.Dataset()
				if err == nil {
					err = x.Datasets().SetActive(now, set)
				}
				if err == nil && i == 0 && kind == network.SED {
					x.MAC().SetExternalPollPeriod(now, 5*time.Second)
					err = x.MLE().SetMode(now, 0)
				}
				if err == nil {
					err = x.Up(now, 0)
				}
				if err == nil {
					err = x.Start(now, 0)
				}
				if err == nil {
					s.socket, err = x.OpenUDP()
				}
				if err != nil {
					t.Fatal(err)
				}
			})
		}
		s.starts = now
		if (i == 0) != first {
			s.starts = now.Add(15 * time.Second) // the other one leads by then
		}
	}
	return p
}

// take lets a node's radio do what it asks for.
func (p *pair) take(s *station, a *machine.Action) {
	switch v := a.Value.(type) {
	case *radio.Transmit:
		if s.sent != nil {
			p.t.Fatal("a node sends while it sends")
		}
		s.sent, s.until = v, p.now.Add(2*time.Millisecond)
	case *radio.Config:
		s.filter.Update(v.Filter)
	case *radio.State:
		s.state = *v
	case *radio.EnergyScan:
		s.scan, s.until = true, p.now.Add(v.Duration+time.Millisecond)
	}
}

func (p *pair) drain() {
	for {
		a, ok := p.station[1].node.Next()
		if !ok {
			return
		}
		p.take(p.station[1], &a)
	}
}

// Next implements machine.Machine.
func (p *pair) Next() (machine.Action, bool) {
	a, ok := p.station[0].node.Next()
	if !ok {
		return a, false
	}
	p.take(p.station[0], &a)
	if v, ok := a.Value.(*radio.Transmit); ok {
		a.Data, a.Path.Remote = v.PSDU, netip.MustParseAddrPort("[::1]:2")
	}
	return a, true
}

// Receive implements machine.Machine.
func (p *pair) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	p.now = now
	s := p.station[0]
	if path.Remote.Port() == 1 {
		s.node.Receive(now, cause, machine.Path{}, b)
		return
	}
	b = b[:min(len(b), 127)]
	if len(b) > 2 {
		ieee802154.SetFCS(b)
	}
	p.hear(now, s, radio.NewAir(s.state.Channel, b))
}

// hear gives a station a frame, and returns its acknowledgement.
func (p *pair) hear(now machine.Time, s *station, air *radio.Air) (ack []byte) {
	f := &radio.Frame{Air: air, RSSI: -40, LQI: 200, At: now}
	h := f.Parsed()
	if s.state.Mode != radio.Receive || s.sent != nil || s.state.Channel != air.Channel || h == nil || !s.filter.Accept(h) {
		return nil
	}
	ack = s.filter.Ack(nil, f, now)
	s.node.RadioReceived(now, 1, f)
	for i := range air.PSDU {
		air.PSDU[i] = 0xa5
	}
	return ack
}

// Deadline implements machine.Machine.
func (p *pair) Deadline() machine.Time {
	d := machine.Never
	for _, s := range p.station {
		d = min(d, s.until, s.node.Deadline())
		if s.start != nil {
			d = min(d, s.starts)
		}
	}
	return d
}

// Expire implements machine.Machine: one input of the node under test at most.
func (p *pair) Expire(now machine.Time) {
	p.now = now
	p.expire(now)
	for _, s := range p.station {
		if s.node.Deadline() <= now {
			s.node.Expire(now)
		}
	}
	p.drain()
	p.later(now)
}

func (p *pair) expire(now machine.Time) {
	a, b := p.station[0], p.station[1]
	for _, s := range p.station {
		if s.start != nil && s.starts <= now {
			s.start(now)
			s.start = nil
			p.drain()
			return
		}
	}
	if b.node.Deadline() <= now {
		b.node.Expire(now)
		p.drain()
	}
	if a.node.Deadline() <= now {
		a.node.Expire(now)
		if d := a.node.Deadline(); d <= now {
			p.t.Fatalf("after Expire(%d) the node's deadline is %d", now, d)
		}
		return
	}
	if b.until <= now {
		if a.until <= now {
			a.until = now + 1000
		}
		if b.scan {
			b.scan, b.until = false, machine.Never
			b.node.RadioEnergy(now, 1, -70)
		} else {
			p.arrive(now, b, a, true)
		}
		p.drain()
		return
	}
	if a.until <= now {
		if a.scan {
			a.scan, a.until = false, machine.Never
			a.node.RadioEnergy(now, 1, -70)
			return
		}
		p.arrive(now, a, b, false)
		p.drain()
	}
}

// later puts off what the air would do now: the node under test has had an input.
func (p *pair) later(now machine.Time) {
	for _, s := range p.station {
		if s.until <= now {
			s.until = now + 1000
		}
	}
}

// arrive ends a transmission.
func (p *pair) arrive(now machine.Time, from, to *station, change bool) {
	tx := from.sent
	psdu := append([]byte(nil), tx.PSDU...)
	if change && p.rand.Uint64()%3 == 0 {
		psdu = p.change(psdu)
	}
	done := radio.Sent{ID: tx.ID}
	ack := p.hear(now, to, radio.NewAir(tx.Channel, psdu))
	switch {
	case p.rand.Uint64()%50 == 0:
		done.Err = radio.ChannelBusy
	case tx.AckRequest && (ack == nil || p.rand.Uint64()%50 == 0):
		done.Err = radio.NoAck
	case tx.AckRequest:
		done.Ack = &radio.Frame{Air: radio.NewAir(tx.Channel, ack), RSSI: -40, LQI: 200, At: now}
	}
	from.sent, from.until = nil, machine.Never
	if from == p.station[0] { // its second input in this Expire would be one too many
		p.drain()
	}
	from.node.RadioSent(now, 1, done)
}

// change makes another frame of one, as an insider can.
func (p *pair) change(psdu []byte) []byte {
	var f ieee802154.Frame
	if f.Parse(psdu) != nil || f.Type != ieee802154.Data {
		return psdu
	}
	from := p.station[1].node.MAC().Ext()
	payload := append([]byte(nil), f.Payload...)
	if f.Secured() {
		var ok bool
		if payload, ok = f.Open(make([]byte, len(f.Payload)), p.set.MAC, from); !ok {
			return psdu
		}
	}
	p.changed++
	if p.rand.Uint64()%3 == 0 {
		payload = p.mutate(payload)
	} else if b, ok := p.changeIP(payload, &f); ok {
		payload = b
	}
	room := 125 - f.Overhead()
	f.Payload = payload[:min(len(payload), room)]
	if f.Secured() {
		return f.AppendSealed(nil, p.set.MAC, from)
	}
	return f.Append(nil)
}

func (p *pair) mutate(b []byte) []byte {
	r := machinetest.NewRand(p.rand.Uint64())
	return r.Mutate(b)
}

// meshLocal is the context 0 alone.
type meshLocal struct{}

func (meshLocal) ContextByID(id uint8) (lowpan.Context, bool) {
	return lowpan.Context{Prefix: network.Dataset(0).MeshLocalPrefix.Prefix(), Compress: true}, id == 0
}

func (m meshLocal) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	c, _ := m.ContextByID(0)
	return c, a.Network() == network.Dataset(0).MeshLocalPrefix
}

// changeIP changes what a datagram carries and mends its checksum, and what MLE seals.
func (p *pair) changeIP(payload []byte, f *ieee802154.Frame) ([]byte, bool) {
	link := lowpan.LinkOf(f.Src, f.Dst)
	if lowpan.KindOf(payload) != lowpan.Compressed {
		return nil, false
	}
	ip, used, err := lowpan.AppendDecompressed(nil, payload, link, meshLocal{}, 0)
	if err != nil {
		return nil, false
	}
	ip = append(ip, payload[used:]...)
	ip6.SetPayloadLen(ip)
	h, err := ip6.ParseHeader(ip)
	if err != nil || h.Next != ip6.UDP || len(ip) < 48 {
		return nil, false
	}
	to := binary.BigEndian.Uint16(ip[42:])
	body := ip[48:]
	if to == 19788 && len(body) > 15 && body[0] == 0 {
		body = p.changeMLE(body, h.Src, h.Dst)
	} else {
		body = p.mutate(body)
	}
	h.HopLimit = ip[7]
	ip = ip6.AppendUDP(nil, h, binary.BigEndian.Uint16(ip[40:]), to, body)
	head, used, err := lowpan.AppendCompressed(nil, ip, link, meshLocal{}, 100)
	if err != nil {
		return nil, false
	}
	return append(head, ip[used:]...), true
}

func (p *pair) changeMLE(b []byte, src, dst ip6.Address) []byte {
	head, sealed := b[:11], b[11:]
	aad := append(append(append([]byte(nil), src[:]...), dst[:]...), head[1:]...)
	nonce := ieee802154.MakeNonce(src.IID().Ext(), binary.LittleEndian.Uint32(head[2:]), ieee802154.EncMIC32)
	n := len(sealed) - 4
	text := make([]byte, n)
	if !p.set.MLE.Open(&nonce, ieee802154.EncMIC32, aad, text, sealed[:n], sealed[n:]) {
		return b
	}
	text = append(text[:1], p.changeTLVs(text[1:])...)
	out := append([]byte(nil), head...)
	out = append(append(out, text...), 0, 0, 0, 0)
	p.set.MLE.Seal(&nonce, ieee802154.EncMIC32, aad, out[11:len(out)-4], out[len(out)-4:])
	return out
}

// changeTLVs drops, doubles or changes TLVs, mostly so that they stay TLVs.
func (p *pair) changeTLVs(b []byte) (out []byte) {
	if p.rand.Uint64()%4 == 0 {
		return p.mutate(b)
	}
	for len(b) > 0 {
		typ, value, rest, err := mle.NextTLV(b)
		if err != nil {
			return append(out, b...)
		}
		b = rest
		value = append([]byte(nil), value...)
		switch p.rand.Uint64() % 12 {
		case 0:
			continue
		case 1:
			out = mle.AppendTLV(out, typ, value)
		case 2:
			value = p.mutate(value)
		case 3:
			if len(value) > 0 {
				value[p.rand.Uint64()%uint64(len(value))] ^= 1 << (p.rand.Uint64() % 8)
			}
		}
		if len(value) > 200 {
			value = value[:200]
		}
		out = mle.AppendTLV(out, typ, value)
	}
	return out
}

// Persisted implements machine.Durable.
func (p *pair) Persisted(now machine.Time, seq machine.Seq) {
	p.now = now
	p.station[0].node.Persisted(now, seq)
}

// PersistFailed implements machine.Durable.
func (p *pair) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	p.now = now
	p.station[0].node.PersistFailed(now, seq, err)
}

// pairCommands are what users of both nodes do.
func pairCommands() []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand) {
	type command = func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand)
	on := func(i int, f func(s, other *station, now machine.Time, r machinetest.Rand)) command {
		return func(m machine.Machine, now machine.Time, _ machine.Cause, r machinetest.Rand) {
			p := m.(*pair)
			p.now = now
			f(p.station[i], p.station[1-i], now, r)
			p.drain()
		}
	}
	address := func(s *station, r machinetest.Rand) ip6.Address {
		all := []ip6.Address{s.node.MLE().MeshLocalEID(), ip6.LinkLocal(s.node.MAC().Ext()),
			ip6.RLOC(network.Dataset(0).MeshLocalPrefix, s.node.MLE().RLOC16()), ip6.MustParse("ff03::1"), ip6.MustParse("ff02::2"),
			ip6.MustParse("fd00:db8::ff:fe00:fc00"), ip6.MustParse("fd00::1234")}
		return all[r.IntN(len(all))]
	}
	ping := func(s, o *station, now machine.Time, r machinetest.Rand) {
		_, _ = s.node.Ping(now, 1, thread.PingConfig{Dst: address(o, r), Size: r.IntN(1233), Count: 1 + r.IntN(3)})
	}
	// Requests of management with all their words, then changed: the insider's way to each handler.
	tmf := func(s, o *station, now machine.Time, r machinetest.Rand) {
		paths := []string{"a/as", "a/ar", "a/aq", "a/an", "a/ae", "a/sd", "d/dg", "d/dq", "d/dr", "d/da", "c/as", "c/ps", "c/ag", "c/pg", "c/ca",
			"c/cs", "c/la", "c/lp", "c/er", "c/ge", "c/pq", "c/dc", "c/an", "n/mr", "n/dr", "n/dn", "c/tx", "c/rx"}
		path := paths[r.IntN(len(paths))]
		b := []byte{0x40 | byte(r.IntN(2))<<4, 2, byte(r.Uint32()), byte(r.Uint32())}
		b = append(b, 0xb0|byte(len(path[:1])))
		b = append(append(b, path[:1]...), byte(len(path[2:])))
		b = append(append(b, path[2:]...), 0xff)
		for range r.IntN(8) {
			v := r.Bytes(20)
			b = append(append(b, byte(r.IntN(40)), byte(len(v))), v...)
		}
		if r.IntN(3) == 0 {
			b = r.Mutate(b)
		}
		_ = s.node.SendUDP(now, 1, s.socket, thread.UDPMessage{Dst: address(o, r), Port: 61631, Payload: b})
	}
	return []command{
		on(0, ping), on(1, ping), on(1, tmf), on(1, tmf), on(1, tmf),
		on(0, func(s, o *station, now machine.Time, r machinetest.Rand) {
			switch r.IntN(20) {
			case 0:
				_ = s.node.Stop(now, 1)
			case 1, 2:
				_ = s.node.Up(now, 1)
			case 3:
				_ = s.node.Down(now, 1)
			default:
				_ = s.node.Start(now, 1)
			}
		}),
	}
}
