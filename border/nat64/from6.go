package nat64

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// packet6 is an IPv6 packet without its extension headers.
type packet6 struct {
	h        ip6.Header
	proto    ip6.Protocol
	body     []byte // what follows the extension headers
	fragment bool
	f        ip6.FragmentHeader
}

// parse6 reads an IPv6 packet. whole: it must be as long as it says.
func parse6(b []byte, whole bool) (p packet6, ok bool) {
	var err error
	if p.h, err = ip6.ParseHeader(b); err != nil || whole && len(b) < ip6.HeaderSize+int(p.h.PayloadLen) {
		return p, false
	}
	p.body = b[ip6.HeaderSize:min(len(b), ip6.HeaderSize+int(p.h.PayloadLen))]
	p.proto = p.h.Next
	for {
		switch p.proto {
		case ip6.HopByHop, ip6.DstOpts, ip6.Routing:
			e, err := ip6.ParseExtension(p.body)
			if err != nil || p.proto == ip6.Routing && len(e.Content) > 1 && e.Content[1] != 0 {
				return p, false // it has not reached its destination (RFC 7915 section 5.1)
			}
			p.proto, p.body = e.Next, p.body[e.Size:]
		case ip6.Fragment:
			if p.f, err = ip6.ParseFragment(p.body); err != nil {
				return p, false
			}
			p.proto, p.body = p.f.Next, p.body[ip6.FragmentSize:]
			p.fragment = p.f.Offset > 0 || p.f.More
		default:
			return p, true
		}
	}
}

// From6 takes in a packet from the mesh whose destination is under the prefix. It is borrowed.
func (t *Translator) From6(now machine.Time, b []byte) {
	p, ok := parse6(b, true)
	if !ok {
		t.Counters.Malformed++
		return
	}
	dst, ok := Extract(t.c.Prefix, p.h.Dst)
	if src := p.h.Src; !ok || !usable(dst) || src.IsMulticast() || src.IsUnspecified() || src.IsLinkLocalUnicast() || t.c.Prefix.Contains(src) {
		t.Counters.Address++
		return
	}
	if p.h.HopLimit <= 1 {
		t.Counters.HopLimit++
		t.error6(now, ip6.TimeExceeded, 0, 0, b)
		return
	}
	p.h.HopLimit--
	if p.proto == ip6.ICMP6 && len(p.body) > 0 && ip6.ICMPType(p.body[0]).IsError() {
		t.error6To4(now, &p, dst)
		return
	}
	m, ok := t.session6(now, &p, dst, b)
	if !ok {
		return
	}
	out := t.header4(&p, m.key4.address, dst)
	at := len(out)
	out = append(out, p.body...)
	if p.f.Offset == 0 {
		if !t.transport6To4(&p, m, out[at:], dst) {
			return
		}
	}
	t.out = out
	m.count(&t.Counters, true, len(out))
	t.use(now, m)
	t.emit4(now, out, dst)
}

// session6 finds or makes the mapping of a packet from the mesh.
func (t *Translator) session6(now machine.Time, p *packet6, dst [4]byte, b []byte) (*mapping, bool) {
	if p.fragment && p.f.Offset > 0 {
		n := t.fragmentOf(key6{p.h.Src, 0, 6}, dst, p.f.ID)
		if n == 0 {
			t.Counters.Fragments++
			return nil, false
		}
		return &t.slots[n], true
	}
	k := key6{address: p.h.Src}
	switch {
	case p.proto == ip6.UDP && len(p.body) >= ip6.UDPSize:
		k.proto, k.port = protoUDP, get16(p.body)
	case p.proto == ip6.TCP && len(p.body) >= 20:
		k.proto, k.port = protoTCP, get16(p.body)
	case p.proto == ip6.ICMP6 && len(p.body) >= ip6.ICMPSize && (p.body[0] == byte(ip6.EchoRequest) || p.body[0] == byte(ip6.EchoReply)):
		k.proto, k.port = protoICMP, get16(p.body[4:])
	default:
		t.Counters.Unsupported++
		return nil, false
	}
	n := t.mapped(now, k)
	if n == 0 {
		t.Counters.Full++
		t.error6(now, ip6.DstUnreachable, 3, 0, b) // address unreachable (RFC 6146 section 3.5.1.1)
		return nil, false
	}
	m := &t.slots[n]
	remote := uint16(0)
	if k.proto != protoICMP {
		remote = get16(p.body[2:])
	}
	m.sentTo(dst, remote)
	if k.proto == protoTCP {
		m.tcp(p.body[13], false)
	}
	if p.fragment {
		t.rememberFragment(now, key6{p.h.Src, 0, 6}, dst, p.f.ID, n)
	}
	return m, true
}

// header4 starts t.out with the IPv4 header of a packet (RFC 7915 section 5.1).
func (t *Translator) header4(p *packet6, src, dst [4]byte) []byte {
	h := ip4{length: ip4Size + len(p.body), ttl: p.h.HopLimit, proto: byte(p.proto), src: src, dst: dst}
	if p.proto == ip6.ICMP6 {
		h.proto = protoICMP
	}
	if t.c.KeepTraffic {
		h.tos = p.h.DSCP<<2 | byte(p.h.ECN)
	}
	switch {
	case p.fragment:
		h.id, h.mf, h.offset = uint16(p.f.ID), p.f.More, p.f.Offset
	case h.length > ip6.MTU-ip4Size: // its sender knows of larger ones, and hears that this one does not fit
		h.df = true
	default:
		t.ident++
		h.id = uint16(t.ident)
	}
	return h.append4(t.out[:0])
}

// transport6To4 changes ports and checksum of the copied message.
func (t *Translator) transport6To4(p *packet6, m *mapping, b []byte, dst [4]byte) bool {
	old := addresses6(&p.h.Src, &p.h.Dst)
	now := addresses4(m.key4.address, dst)
	switch p.proto {
	case ip6.UDP:
		c := get16(b[6:])
		if c == 0 {
			t.Counters.Malformed++ // IPv6 has no UDP without a checksum
			return false
		}
		c = adjust(c, fold(old, get16(b)), fold(now, m.key4.port))
		if c == 0 {
			c = 0xffff
		}
		put16(b[6:], c)
		put16(b, m.key4.port)
	case ip6.TCP:
		put16(b[16:], adjust(get16(b[16:]), fold(old, get16(b)), fold(now, m.key4.port)))
		put16(b, m.key4.port)
	case ip6.ICMP6:
		kind := echo4(b[0])
		// ICMPv4 has no pseudo-header, whose length is that of the whole message, not of the fragment.
		length, ok := t.wholeLength(p, len(b))
		if !ok {
			return false
		}
		old = fold(old, length, protoV6, uint16(b[0])<<8|uint16(b[1]), get16(b[4:]))
		put16(b[2:], adjust(get16(b[2:]), old, fold(uint16(kind)<<8|uint16(b[1]), m.key4.port)))
		b[0] = kind
		put16(b[4:], m.key4.port)
	}
	return true
}

// wholeLength returns the length of the message that a packet holds. Of fragments nobody knows it, so ICMP in fragments
// cannot be translated without putting it together, as RFC 7915 section 1.2 has it.
func (t *Translator) wholeLength(p *packet6, n int) (uint16, bool) {
	if p.fragment {
		t.Counters.Fragments++
		return 0, false
	}
	return uint16(n), true
}

// emit4 sends a packet to IPv4, or back to the mesh if it is for one of its nodes.
func (t *Translator) emit4(now machine.Time, b []byte, dst [4]byte) {
	for _, p := range t.c.Pool {
		if p.Contains(addrFrom4(dst)) {
			hairpin := append(t.aux[:0], b...)
			t.aux = nil // From4 uses t.out, and may come here again by an error
			t.From4(now, hairpin)
			t.aux = hairpin[:0]
			return
		}
	}
	t.env.Send4(now, b)
}

// count counts a packet.
func (m *mapping) count(c *Counters, from6 bool, n int) {
	of := &c.UDP
	switch m.key6.proto {
	case protoTCP:
		of = &c.TCP
	case protoICMP:
		of = &c.ICMP
	}
	for _, x := range [...]*Traffic{of, &c.Total, &m.traffic} {
		if from6 {
			x.Packets6To4++
			x.Bytes6To4 += uint64(n)
		} else {
			x.Packets4To6++
			x.Bytes4To6 += uint64(n)
		}
	}
}
