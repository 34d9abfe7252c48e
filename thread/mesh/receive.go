package mesh

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Received takes in a data frame.
func (m *Mesh) Received(now machine.Time, rx *Rx) {
	if !m.enabled {
		return
	}
	in := incoming{rx: rx, src: rx.Src, dst: rx.Dst, payload: rx.Payload}
	switch lowpan.KindOf(rx.Payload) {
	case lowpan.Mesh:
		if m.cfg.FTD {
			m.receiveMesh(now, &in)
		}
	case lowpan.Fragment:
		m.receiveFragment(now, &in)
	case lowpan.Compressed:
		m.receiveCompressed(now, &in)
	default:
		if len(rx.Payload) > 0 {
			m.Counters.Malformed++
		}
	}
}

// incoming is a frame on its way up: with the addresses of its mesh header once that was read.
type incoming struct {
	rx       *Rx
	src, dst ieee802154.Address
	payload  []byte
	buf      []byte // its headers, decompressed, and what follows; from the pool or shared
	shared   bool
	packet   ip6.Packet
	parsed   bool // packet is valid
}

func (in *incoming) secured() bool { return in.rx.Security != Unsecured }

// decompress makes the datagram, or its beginning, of a compressed frame. size is that of the whole one if it is a first
// fragment.
func (m *Mesh) decompress(in *incoming, frame []byte, size int) error {
	shared := size == 0 && in.rx.Frame != nil && in.dst.IsBroadcast() && contextFree(frame)
	if shared {
		if d, ok := in.rx.Frame.Memo[radio.MemoIP].(*incoming); ok {
			in.buf, in.packet, in.parsed, in.shared = d.buf, d.packet, d.parsed, true
			return nil
		}
		in.buf, in.shared = make([]byte, 0, len(frame)+64), true
	} else {
		in.buf = m.pool.getBytes()
	}
	out, used, err := lowpan.AppendDecompressed(in.buf, frame, lowpan.LinkOf(in.src, in.dst), m.env, size)
	if err != nil {
		m.release(in)
		return err
	}
	in.buf = append(out, frame[used:]...)
	in.packet, err = ip6.ParsePacket(in.buf)
	in.parsed = err == nil
	if shared {
		in.rx.Frame.Memo[radio.MemoIP] = &incoming{buf: in.buf, packet: in.packet, parsed: in.parsed}
	}
	return nil
}

// contextFree reports whether a compressed header says the same to all who hear it: it names no context.
func contextFree(b []byte) bool {
	const sourceContext, unspecified, destinationContext = 1 << 6, 0x40, 1 << 2
	return len(b) > 1 && b[1]&destinationContext == 0 && (b[1]&sourceContext == 0 || b[1]&0x70 == unspecified)
}

func (m *Mesh) release(in *incoming) {
	if !in.shared && in.buf != nil {
		m.pool.putBytes(in.buf)
	}
	in.buf = nil
}

// receiveCompressed takes in a datagram that is one frame.
func (m *Mesh) receiveCompressed(now machine.Time, in *incoming) {
	if err := m.decompress(in, in.payload, 0); err != nil {
		m.Counters.Malformed++
		return
	}
	if m.accepts(in) {
		m.snoop(now, in)
		m.checkReachable(now, in)
		m.deliver(now, in, in.buf, false)
	}
	m.release(in)
}

// accepts decides whether a datagram may come in (Ip6::Filter).
func (m *Mesh) accepts(in *incoming) bool {
	if in.rx.Security == Unsecured || in.rx.Security == Mode2 {
		if m.Accept != nil && !(in.parsed && m.Accept(in.packet.Dst, in.packet.Proto, in.packet.DstPort)) {
			m.Counters.Unsecured++
			return false
		}
	}
	return true
}

// deliver hands a whole datagram up.
func (m *Mesh) deliver(now machine.Time, in *incoming, ip []byte, fragmented bool) {
	if ip6.Check(ip) != nil {
		m.Counters.Malformed++
		return
	}
	m.Counters.RxSuccess++
	rx := in.rx
	i := &m.info // there is one delivery at a time: frames come from the radio one by one
	*i = LinkInfo{Src: in.src, Dst: in.dst, SrcPAN: rx.SrcPAN, DstPAN: rx.DstPAN, Channel: rx.Channel, Secured: in.secured(),
		Security: rx.Security, KeySeq: rx.KeySeq, RSSI: rx.RSSI, LQI: rx.LQI, Fragmented: fragmented, Neighbor: rx.Neighbor,
		Priority: Normal}
	if !fragmented {
		i.Frame = rx.Frame
	}
	if in.parsed {
		i.Priority = PriorityOf(&in.packet, m.table.Self.MeshLocal)
	}
	m.env.Deliver(now, ip, i)
}

// snoop learns from a frame where its source is, and that a child of ours that sent it from elsewhere has moved there
// (MeshForwarder::UpdateEidRlocCacheAndStaleChild).
func (m *Mesh) snoop(now machine.Time, in *incoming) {
	if !m.cfg.FTD || !in.parsed || !in.secured() || in.dst.IsBroadcast() || in.src.Kind != ieee802154.Short {
		return
	}
	src := in.packet.Src
	if !src.IID().IsLocator() && m.env.OnMesh(src) {
		m.Resolver.snoop(now, src, in.src.Short, in.dst)
	}
	c := m.table.FindIP(src, neighbor.InValidOrRestoring).Child()
	if c != nil && !c.Mode.FTD() && !neighbor.SameRouter(in.src.Short, m.table.Self.RLOC16) {
		m.env.ChildMoved(now, c)
	}
}

// checkReachable tells the source of a datagram that its destination is not here (CheckReachabilityToSendIcmpError).
func (m *Mesh) checkReachable(now machine.Time, in *incoming) {
	if !m.cfg.FTD || !in.parsed || !in.secured() || in.src.Kind != ieee802154.Short || in.dst.Kind != ieee802154.Short {
		return
	}
	if c := m.table.ChildByShort(in.src.Short, neighbor.InAny); c != nil && !c.Mode.FTD() {
		return // it knows no better than to give all to its parent
	}
	dst := in.packet.Dst
	if dst.IsMulticast() || !m.env.OnMesh(dst) {
		return
	}
	if !m.reachable(in.dst.Short, dst) {
		m.unreachable(now, in)
	}
}

// unreachable tells the source of a datagram that there is no way to its destination.
func (m *Mesh) unreachable(now machine.Time, in *incoming) {
	p := &in.packet
	if p.Proto == ip6.ICMP6 && p.Type.IsError() {
		return
	}
	h := p.Header
	dst := ip6.RLOC(m.table.Self.MeshLocal, in.src.Short)
	m.env.SendICMPError(now, dst, ip6.ICMPHeader{Type: ip6.DstUnreachable, Code: ip6.NoRoute}, &h)
}
