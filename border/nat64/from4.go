package nat64

import (
	"net/netip"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

func addrFrom4(a [4]byte) netip.Addr { return netip.AddrFrom4(a) }

// From4 takes in a packet from IPv4 for one of our addresses. It is borrowed.
func (t *Translator) From4(now machine.Time, b []byte) {
	h, ok := parse4(b, true)
	if !ok {
		t.Counters.Malformed++
		return
	}
	body := b[h.size:h.length]
	if !usable(h.src) {
		t.Counters.Address++
		return
	}
	if h.proto == protoICMP && h.offset == 0 && len(body) > 0 && isError4(body[0]) {
		t.error4To6(now, &h, body)
		return
	}
	m, ok := t.session4(now, &h, body)
	if !ok {
		return
	}
	if h.ttl <= 1 {
		t.Counters.HopLimit++
		t.error4(now, 11, 0, 0, b)
		return
	}
	h.ttl--
	fragment := h.mf || h.offset > 0
	extra := 0
	if fragment {
		extra = ip6.FragmentSize
	}
	if size := ip6.HeaderSize + extra + len(body); size > t.c.MTU6 {
		if h.df {
			t.Counters.TooBig++
			t.error4(now, 3, 4, uint16(t.c.MTU6-ip6.HeaderSize+ip4Size), b)
			return
		}
		fragment, extra = true, ip6.FragmentSize
	}
	src, dst := Embed(t.c.Prefix, h.src), m.key6.address
	t.out = append(t.out[:0], make64[:ip6.HeaderSize+extra]...)
	at := len(t.out)
	t.out = append(t.out, body...)
	if h.offset == 0 && !t.transport4To6(&h, m, t.out[at:], &src, &dst) {
		return
	}
	next := ip6.Protocol(h.proto)
	if h.proto == protoICMP {
		next = ip6.ICMP6
	}
	x := ip6.Header{Next: next, HopLimit: h.ttl, Src: src, Dst: dst}
	if t.c.KeepTraffic {
		x.DSCP, x.ECN = h.tos>>2, ip6.ECN(h.tos&3)
	}
	m.count(&t.Counters, false, ip6.HeaderSize+extra+len(body))
	t.use(now, m)
	if !fragment {
		x.PayloadLen = uint16(len(body))
		x.Append(t.out[:0])
		t.env.Send6(now, t.out)
		return
	}
	t.send6Fragments(now, &h, &x, at)
}

// make64 is the room for headers that are filled in later.
var make64 [64]byte

// send6Fragments sends what is in t.out from offset at on, in as many fragments as it takes.
func (t *Translator) send6Fragments(now machine.Time, h *ip4, x *ip6.Header, at int) {
	f := ip6.FragmentHeader{Next: x.Next, ID: uint32(h.id)}
	if !h.mf && h.offset == 0 && h.id == 0 {
		t.ident++
		f.ID = t.ident
	}
	x.Next = ip6.Fragment
	room := (t.c.MTU6 - ip6.HeaderSize - ip6.FragmentSize) &^ 7
	body := t.out[at:]
	for offset := 0; ; {
		n := min(room, len(body)-offset)
		more := offset+n < len(body)
		f.Offset, f.More = h.offset+offset, more || h.mf
		x.PayloadLen = uint16(ip6.FragmentSize + n)
		t.aux = append(f.Append(x.Append(t.aux[:0])), body[offset:offset+n]...)
		t.env.Send6(now, t.aux)
		if offset += n; !more {
			return
		}
	}
}

// session4 finds the mapping of a packet from IPv4.
func (t *Translator) session4(now machine.Time, h *ip4, body []byte) (*mapping, bool) {
	if h.offset > 0 {
		n := t.fragmentOf(key6{Embed(t.c.Prefix, h.src), 0, 4}, h.dst, uint32(h.id)|uint32(h.proto)<<16)
		if n == 0 {
			t.Counters.Fragments++
			return nil, false
		}
		return &t.slots[n], true
	}
	k := key4{address: h.dst, proto: h.proto}
	switch {
	case h.proto == protoUDP && len(body) >= ip6.UDPSize, h.proto == protoTCP && len(body) >= 20:
		k.port = get16(body[2:])
	case h.proto == protoICMP && len(body) >= 8 && (body[0] == 0 || body[0] == 8):
		k.port = get16(body[4:])
	default:
		t.Counters.Unsupported++
		return nil, false
	}
	n := t.find4(k)
	if n == 0 {
		t.Counters.NoMapping++
		return nil, false
	}
	m := &t.slots[n]
	if t.c.Restricted && !m.knows(h.src) {
		t.Counters.Filtered++
		return nil, false
	}
	if h.proto == protoTCP {
		m.tcp(body[13], true)
	}
	if h.mf {
		t.rememberFragment(now, key6{Embed(t.c.Prefix, h.src), 0, 4}, h.dst, uint32(h.id)|uint32(h.proto)<<16, n)
	}
	return m, true
}

// transport4To6 changes ports and checksum of the copied message.
func (t *Translator) transport4To6(h *ip4, m *mapping, b []byte, src, dst *ip6.Address) bool {
	old := addresses4(h.src, h.dst)
	now := addresses6(src, dst)
	switch h.proto {
	case protoUDP:
		c := get16(b[6:])
		switch {
		case c != 0:
			c = adjust(c, fold(old, get16(b[2:])), fold(now, m.key6.port))
			put16(b[2:], m.key6.port)
		case h.mf:
			t.Counters.Fragments++ // its checksum cannot be made (RFC 7915 section 4.5)
			return false
		default:
			put16(b[2:], m.key6.port)
			c = ip6.Checksum(src, dst, ip6.UDP, b)
		}
		if c == 0 {
			c = 0xffff
		}
		put16(b[6:], c)
	case protoTCP:
		put16(b[16:], adjust(get16(b[16:]), fold(old, get16(b[2:])), fold(now, m.key6.port)))
		put16(b[2:], m.key6.port)
	case protoICMP:
		if h.mf {
			t.Counters.Fragments++
			return false
		}
		kind := byte(ip6.EchoRequest)
		if b[0] == 0 {
			kind = byte(ip6.EchoReply)
		}
		old = fold(uint16(b[0])<<8|uint16(b[1]), get16(b[4:]))
		now = fold(now, uint16(len(b)), protoV6, uint16(kind)<<8|uint16(b[1]), m.key6.port)
		put16(b[2:], adjust(get16(b[2:]), old, now))
		b[0] = kind
		put16(b[4:], m.key6.port)
	}
	return true
}
