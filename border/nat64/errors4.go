package nat64

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// isError4 reports whether ICMPv4 messages of a type tell of an error.
func isError4(kind byte) bool { return kind == 3 || kind == 4 || kind == 5 || kind == 11 || kind == 12 }

// sendICMP4 sends an ICMPv4 message. inner may be t.aux.
func (t *Translator) sendICMP4(now machine.Time, src, dst [4]byte, ttl, kind, code byte, value uint32, inner []byte) {
	inner = inner[:min(len(inner), 548)] // a packet of 576 bytes (RFC 1812 section 4.3.2.3)
	h := ip4{length: ip4Size + 8 + len(inner), ttl: ttl, proto: protoICMP, src: src, dst: dst}
	t.ident++
	h.id = uint16(t.ident)
	out := h.append4(t.out[:0])
	out = append(out, kind, code, 0, 0, byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
	out = append(out, inner...)
	put16(out[ip4Size+2:], ^ip6.Sum(0, out[ip4Size:]))
	t.out = out
	t.env.Send4(now, out)
}

// error4 tells the source of a packet from IPv4 what became of it, from the address that it was sent to.
func (t *Translator) error4(now machine.Time, kind, code byte, mtu uint16, about []byte) {
	h, ok := parse4(about, false)
	if !ok || h.offset > 0 || h.proto == protoICMP && len(about) > h.size && isError4(about[h.size]) {
		return
	}
	t.sendICMP4(now, h.dst, h.src, 64, kind, code, uint32(mtu), append(t.aux[:0], about...))
}

// error4To6 translates an ICMPv4 error about a packet that a node of the mesh sent (RFC 7915 section 4.2).
func (t *Translator) error4To6(now machine.Time, h *ip4, b []byte) {
	if len(b) < 8+ip4Size || h.mf || ip6.Sum(0, b) != 0xffff {
		t.Counters.Malformed++
		return
	}
	in, ok := parse4(b[8:], false)
	if !ok || in.offset > 0 {
		t.Counters.Unsupported++
		return
	}
	body := b[8+in.size:]
	k := key4{address: in.src, proto: in.proto}
	switch {
	case (in.proto == protoUDP || in.proto == protoTCP) && len(body) >= 8:
		k.port = get16(body)
	case in.proto == protoICMP && len(body) >= 8 && (body[0] == 8 || body[0] == 0):
		k.port = get16(body[4:])
	default:
		t.Counters.Unsupported++
		return
	}
	n := t.find4(k)
	if n == 0 || in.src != h.dst {
		t.Counters.NoMapping++
		return
	}
	m := &t.slots[n]
	kind, code, value, ok := t.icmp4To6(b, in.length)
	if !ok || h.ttl <= 1 {
		t.Counters.Unsupported++
		return
	}
	next := ip6.Protocol(in.proto)
	if in.proto == protoICMP {
		next = ip6.ICMP6
	}
	x := ip6.Header{PayloadLen: uint16(in.length - in.size), Next: next, HopLimit: in.ttl, Src: m.key6.address, Dst: Embed(t.c.Prefix, in.dst)}
	inner := x.Append(t.aux[:0])
	at := len(inner)
	inner = append(inner, body[:min(len(body), t.c.MTU6-2*ip6.HeaderSize-ip6.ICMPSize)]...)
	if in.proto == protoICMP {
		inner[at] = byte(ip6.EchoRequest)
		if body[0] == 0 {
			inner[at] = byte(ip6.EchoReply)
		}
		put16(inner[at+4:], m.key6.port)
	} else {
		put16(inner[at:], m.key6.port)
	}
	t.aux = inner
	outer := ip6.Header{HopLimit: h.ttl - 1, Src: Embed(t.c.Prefix, h.src), Dst: m.key6.address}
	t.out = ip6.AppendICMP(t.out[:0], outer, ip6.ICMPHeader{Type: kind, Code: code, ID: uint16(value >> 16), Sequence: uint16(value)}, inner)
	t.env.Send6(now, t.out)
}

// icmp4To6 translates type, code and the four bytes after the checksum of an ICMPv4 error about a packet of some length.
func (t *Translator) icmp4To6(b []byte, length int) (kind ip6.ICMPType, code uint8, value uint32, ok bool) {
	switch b[0] {
	case 3:
		switch b[1] {
		case 0, 1, 5, 6, 7, 8, 11, 12:
			return ip6.DstUnreachable, 0, 0, true
		case 2:
			return ip6.ParamProblem, 1, 6, true
		case 3:
			return ip6.DstUnreachable, 4, 0, true
		case 4:
			return ip6.PacketTooBig, 0, uint32(max(ip6.MTU, min(t.pathMTU(int(get16(b[6:])), length)+20, t.c.MTU6))), true
		case 9, 10, 13, 15:
			return ip6.DstUnreachable, 1, 0, true
		}
	case 11:
		return ip6.TimeExceeded, b[1], 0, true
	case 12:
		if b[1] == 0 || b[1] == 2 {
			p, ok := pointer4To6(b[4])
			return ip6.ParamProblem, 0, p, ok
		}
	}
	return 0, 0, 0, false
}

// pathMTU returns what a router wants, or for one of old that does not say it, the next smaller plateau (RFC 1191).
func (t *Translator) pathMTU(mtu, length int) int {
	if mtu != 0 {
		return mtu
	}
	for _, p := range [...]int{65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296} {
		if p < length {
			return p
		}
	}
	return 68
}

// pointer4To6 says where in an IPv6 header a field of an IPv4 header is (RFC 7915 figure 3).
func pointer4To6(v byte) (uint32, bool) {
	switch {
	case v <= 1:
		return uint32(v), true
	case v == 2 || v == 3:
		return 4, true
	case v == 8:
		return 7, true
	case v == 9:
		return 6, true
	case v >= 12 && v <= 15:
		return 8, true
	case v >= 16 && v <= 19:
		return 24, true
	}
	return 0, false
}
