package nat64

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// error6 tells the source of a packet from the mesh what became of it (RFC 4443): with as much of it as fits.
func (t *Translator) error6(now machine.Time, kind ip6.ICMPType, code uint8, value uint32, about []byte) {
	p, err := ip6.ParsePacket(about)
	if err == nil && p.Proto == ip6.ICMP6 && p.Type.IsError() || len(about) < ip6.HeaderSize {
		return
	}
	src, dst := t.c.Address6, ip6.Src(about)
	if src.IsUnspecified() {
		src = ip6.Dst(about)
	}
	if dst.IsMulticast() || dst.IsUnspecified() {
		return
	}
	about = about[:min(len(about), ip6.MTU-ip6.HeaderSize-ip6.ICMPSize)]
	h := ip6.Header{HopLimit: 64, Src: src, Dst: dst}
	t.out = ip6.AppendICMP(t.out[:0], h, ip6.ICMPHeader{Type: kind, Code: code, ID: uint16(value >> 16), Sequence: uint16(value)}, about)
	t.env.Send6(now, t.out)
}

// error6To4 translates an ICMPv6 error that a node of the mesh sends about a packet that came from IPv4 (RFC 7915 section
// 5.2). The packet inside is translated, too.
func (t *Translator) error6To4(now machine.Time, p *packet6, dst [4]byte) {
	b := p.body
	if p.fragment || len(b) < ip6.ICMPSize+ip6.HeaderSize {
		t.Counters.Malformed++
		return
	}
	if ip6.Checksum(&p.h.Src, &p.h.Dst, ip6.ICMP6, b) != 0 {
		t.Counters.Malformed++
		return
	}
	kind, code, value, ok := icmp6To4(b)
	in, whole := parse6(b[ip6.ICMPSize:], false)
	if !ok || !whole || in.fragment && in.f.Offset > 0 {
		t.Counters.Unsupported++
		return
	}
	// The inner packet went from IPv4 to the node.
	from, inside := Extract(t.c.Prefix, in.h.Src)
	n := t.inner6(&in, false)
	if !inside || n == 0 || from != dst {
		t.Counters.NoMapping++
		return
	}
	m := &t.slots[n]
	inner := t.innerHeader4(&in, from, m.key4.address)
	inner = appendPorts(inner, in.body, in.proto, m.key4.port, false)
	t.sendICMP4(now, m.key4.address, dst, p.h.HopLimit, kind, code, value, inner)
}

// inner6 finds the mapping of a packet inside of an error: by its source if it came from the mesh, else by its destination.
func (t *Translator) inner6(in *packet6, fromMesh bool) uint32 {
	k := key6{address: in.h.Dst}
	at := 2
	if fromMesh {
		k.address, at = in.h.Src, 0
	}
	switch in.proto {
	case ip6.UDP, ip6.TCP:
		if len(in.body) < 4 {
			return 0
		}
		k.proto, k.port = byte(in.proto), get16(in.body[at:])
	case ip6.ICMP6:
		if len(in.body) < ip6.ICMPSize || ip6.ICMPType(in.body[0]).IsError() {
			return 0
		}
		k.proto, k.port = protoICMP, get16(in.body[4:])
	default:
		return 0
	}
	return t.find6(k)
}

func (t *Translator) innerHeader4(in *packet6, src, dst [4]byte) []byte {
	h := ip4{length: ip4Size + int(in.h.PayloadLen), ttl: in.h.HopLimit, proto: byte(in.proto), src: src, dst: dst, df: true}
	if in.proto == ip6.ICMP6 {
		h.proto = protoICMP
	}
	return h.append4(t.aux[:0])
}

// appendPorts appends the beginning of a message of which one port, or the identifier, is another. source says which one.
// Checksums inside of errors are left: nobody looks at them.
func appendPorts(dst, body []byte, proto ip6.Protocol, port uint16, source bool) []byte {
	at := len(dst)
	dst = append(dst, body...)
	b := dst[at:]
	switch proto {
	case ip6.UDP, ip6.TCP:
		if source {
			put16(b, port)
		} else {
			put16(b[2:], port)
		}
	case ip6.ICMP6:
		b[0] = echo4(b[0])
		put16(b[4:], port)
	}
	return dst
}

// echo4 returns the ICMPv4 type of an echo.
func echo4(kind byte) byte {
	if kind == byte(ip6.EchoRequest) {
		return 8
	}
	return 0
}

// icmp6To4 translates type, code and the four bytes after the checksum.
func icmp6To4(b []byte) (kind, code byte, value uint32, ok bool) {
	v := uint32(get16(b[4:]))<<16 | uint32(get16(b[6:]))
	switch ip6.ICMPType(b[0]) {
	case ip6.DstUnreachable:
		switch b[1] {
		case 0, 2, 3:
			return 3, 1, 0, true
		case 1:
			return 3, 10, 0, true
		case 4:
			return 3, 3, 0, true
		}
	case ip6.PacketTooBig:
		return 3, 4, min(v, 65535) - min(20, v), true
	case ip6.TimeExceeded:
		return 11, b[1], 0, true
	case ip6.ParamProblem:
		switch b[1] {
		case 0:
			p, ok := pointer6To4(v)
			return 12, 0, uint32(p) << 24, ok
		case 1:
			return 3, 2, 0, true
		}
	}
	return 0, 0, 0, false
}

// pointer6To4 says where in an IPv4 header a field of an IPv6 header is (RFC 7915 figure 6).
func pointer6To4(v uint32) (byte, bool) {
	switch {
	case v <= 1:
		return byte(v), true
	case v == 4 || v == 5:
		return 2, true
	case v == 6:
		return 9, true
	case v == 7:
		return 8, true
	case v >= 8 && v <= 23:
		return 12, true
	case v >= 24 && v <= 39:
		return 16, true
	}
	return 0, false
}
