package border

import (
	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/tmf"
)

// Counters say what passed the border and what did not.
type Counters struct {
	Out, In info.Traffic // IPv6 packets and translated ones
	// What was dropped of the mesh's: multicasts, for which nobody routes; packets whose source the outside cannot answer to;
	// those to the NAT64 prefix of a border router that does not translate.
	OutMulticast, OutSource, OutNAT64 uint64
	// What was dropped of the outside's: not one whole IP packet; to or from addresses that only the mesh has; management of
	// the mesh.
	InMalformed, InForeign, InManagement uint64
	Unreachable                          uint64 // the mesh was told that an address may not be reached from its prefix
}

// fromMesh lets a packet out.
func (r *Router) fromMesh(now machine.Time, b []byte) {
	h, err := ip6.ParseHeader(b)
	if err != nil {
		return
	}
	if h.Dst.IsMulticast() {
		r.counters.OutMulticast++
		return
	}
	if r.node.HasAddress(h.Dst) {
		return // for this node, which has no use for it
	}
	// Whoever is out there answers to the source: it has to be of a prefix that is routed here (RFC 2827).
	if !r.node.NetData().OnMesh(h.Src) || h.Src.Network() == r.node.MeshLocal() || h.Src.IsLinkLocalUnicast() {
		r.counters.OutSource++
		return
	}
	if r.askedHere(now, &h, b) {
		return
	}
	if r.node.NetData().IsNAT64(h.Dst) {
		r.toIPv4(now, &h, b)
		return
	}
	r.doubt(now, &h, b)
	r.send(b)
}

func (r *Router) send(b []byte) {
	count(&r.counters.Out, b)
	if c := r.node.BorderCounted(); c != nil {
		count(&c.OutUnicast, b)
	}
	r.packets = append(r.packets, Outside{r.copy(b)}) // copy begins the input that may empty packets
	r.push(machine.Send, &r.packets[len(r.packets)-1])
}

func count(t *info.Traffic, b []byte) {
	t.Packets++
	t.Bytes += uint64(len(b))
}

// toIPv4 lets a packet to an address of the NAT64 prefix out: translated, or as it is for a driver with sockets.
func (r *Router) toIPv4(now machine.Time, h *ip6.Header, b []byte) {
	switch {
	case r.translator != nil && r.translator.Prefix().Contains(h.Dst):
		was := r.translator.Counters
		r.translator.From6(now, b)
		r.dropped[0].translated(&was, &r.translator.Counters)
	case !r.c.Translate && r.translating:
		r.bySockets(b, true)
		r.send(b)
	default:
		r.counters.OutNAT64++
	}
}

// sides is the Router as nat64.Env.
type sides Router

// Send4 implements nat64.Env.
func (s *sides) Send4(_ machine.Time, b []byte) { (*Router)(s).send(b) }

// Send6 implements nat64.Env.
func (s *sides) Send6(now machine.Time, b []byte) { (*Router)(s).toMesh(now, b) }

// OutsideReceived takes in a packet from the outside, IPv6 or, with Config.Translate, IPv4. b is borrowed.
func (r *Router) OutsideReceived(now machine.Time, cause machine.Cause, b []byte) {
	r.cause = cause
	r.node.Do(now, cause, func() {
		switch {
		case len(b) > 0 && b[0]>>4 == 4 && r.translator != nil:
			was := r.translator.Counters
			r.translator.From4(now, b)
			r.dropped[1].translated(&was, &r.translator.Counters)
		case ip6.Check(b) != nil:
			r.counters.InMalformed++
		case r.foreign(b):
			r.counters.InForeign++
		case r.management(b):
			r.counters.InManagement++
		default:
			if !r.c.Translate && r.node.NetData().IsNAT64(ip6.Src(b)) {
				r.bySockets(b, false)
			}
			r.toMesh(now, b)
		}
	})
}

// foreign is the ingress filter: addresses that only the mesh has do not come from the outside, nor do packets for it go to
// them.
func (r *Router) foreign(b []byte) bool {
	src, dst := ip6.Src(b), ip6.Dst(b)
	inside := func(a ip6.Address) bool {
		return a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.Network() == r.node.MeshLocal()
	}
	data := r.node.NetData()
	return inside(src) || inside(dst) || data.OnMesh(src) || !data.OnMesh(dst)
}

// management reports whether a packet is for a port that manages the mesh: that is done from within. A first fragment shows
// its port; the others come to nothing without it.
func (r *Router) management(b []byte) bool {
	p, err := ip6.ParsePacket(b)
	if err == nil && p.Fragmented {
		f, bad := ip6.ParseFragment(b[p.At:])
		if bad != nil || f.Offset != 0 || f.Next != ip6.UDP {
			return false
		}
		u, bad := ip6.ParseUDP(b[p.At+ip6.FragmentSize:])
		p.Proto, p.DstPort, err = ip6.UDP, u.DstPort, bad
	}
	return err == nil && (p.IsUDP(tmf.Port) || p.IsUDP(mle.Port))
}

func (r *Router) toMesh(now machine.Time, b []byte) {
	count(&r.counters.In, b)
	if c := r.node.BorderCounted(); c != nil {
		count(&c.InUnicast, b)
	}
	r.node.Receive(now, r.cause, machine.Path{}, b)
}

// doubt tells the source of a packet that its address means nothing where it sends to, where that is so: the prefix of a
// border router's own is known on the infrastructure link only. The packet leaves nevertheless, as OpenThread lets it
// (CheckReachabilityToSendIcmpError): this computer may have a way there, and the other end a way back, that nobody advertises.
func (r *Router) doubt(now machine.Time, h *ip6.Header, b []byte) {
	if r.c.Uplink || !r.routing.Settled() || h.Src[0]&0xfe != 0xfc {
		return
	}
	low := false
	for p := range r.node.NetData().Data().OnMeshPrefixes() {
		if p.Prefix.Contains(h.Src) && p.Prefix.Bits == 64 && p.OnMesh && p.SLAAC && p.Stable {
			if p.Preference >= 0 {
				return
			}
			low = true
		}
	}
	if !low || r.routing.Reachable(h.Dst) {
		return
	}
	r.counters.Unreachable++
	src, ok := r.node.SourceFor(h.Src)
	if ok {
		const most = ip6.MTU - ip6.HeaderSize - ip6.ICMPSize
		e := ip6.AppendICMP(nil, ip6.Header{Src: src, Dst: h.Src, HopLimit: 64},
			ip6.ICMPHeader{Type: ip6.DstUnreachable, Code: ip6.AdminProhibited}, b[:min(len(b), most)])
		r.node.Receive(now, r.cause, machine.Path{}, e)
	}
}

// setNAT64 is `nat64 enable` and `nat64 disable`.
func (r *Router) setNAT64(now machine.Time, on bool) {
	r.translating = on
	r.routing.SetNAT64Enabled(now, on)
	r.updateTranslator(now)
}

// SetNAT64 says whether a NAT64 prefix is offered and translated. It is called within Do.
func (r *Router) SetNAT64(now machine.Time, on bool) { r.setNAT64(now, on) }

// updateTranslator has the packets translated of which we offer the prefix.
func (r *Router) updateTranslator(machine.Time) {
	p, own := r.routing.OwnNAT64()
	if !r.c.Translate || !r.translating || !own || len(r.c.NAT64.Pool) == 0 {
		r.translator = nil
		return
	}
	if r.translator != nil && r.translator.Prefix() == p {
		return
	}
	c := r.c.NAT64.Limits
	c.Prefix, c.Pool, c.Rand = p, r.c.NAT64.Pool, r.c.Rand
	t, err := nat64.New(c, (*sides)(r))
	if err == nil { // a prefix or a pool that does not fit was refused by New
		r.translator = t
	}
}
