package nat64

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// wires keeps what a Translator sends.
type wires struct {
	six, four [][]byte
}

func (w *wires) Send6(now machine.Time, b []byte) { w.six = append(w.six, bytes.Clone(b)) }
func (w *wires) Send4(now machine.Time, b []byte) { w.four = append(w.four, bytes.Clone(b)) }

func (w *wires) clear() { w.six, w.four = nil, nil }

const start = machine.Time(1e18)

func newTranslator(t testing.TB, edit func(*Config)) (*Translator, *wires) {
	t.Helper()
	c := Config{Prefix: WellKnown, Pool: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, Rand: testRand{rand.New(rand.NewPCG(1, 2))},
		Address6: ip6.MustParse("fd00::1")}
	if edit != nil {
		edit(&c)
	}
	w := new(wires)
	x, err := New(c, w)
	if err != nil {
		t.Fatal(err)
	}
	return x, w
}

var (
	nodeA  = ip6.MustParse("fd11:22::a")
	nodeB  = ip6.MustParse("fd11:22::b")
	server = [4]byte{198, 51, 100, 7}
)

func to(v4 [4]byte) ip6.Address { return Embed(WellKnown, v4) }

func udp6(src ip6.Address, port uint16, dst [4]byte, dport uint16, payload string) []byte {
	return ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: src, Dst: to(dst)}, port, dport, []byte(payload))
}

func packet4(src, dst [4]byte, proto byte, body []byte, edit func(*ip4)) []byte {
	h := ip4{length: ip4Size + len(body), ttl: 64, proto: proto, src: src, dst: dst, id: 7}
	if edit != nil {
		edit(&h)
	}
	return append(h.append4(nil), body...)
}

func udp4(src [4]byte, port uint16, dst [4]byte, dport uint16, payload string) []byte {
	b := []byte{byte(port >> 8), byte(port), byte(dport >> 8), byte(dport), 0, byte(8 + len(payload)), 0, 0}
	b = append(b, payload...)
	put16(b[6:], ^fold(addresses4(src, dst), protoUDP, uint16(len(b)), ip6.Sum(0, b)))
	return packet4(src, dst, protoUDP, b, nil)
}

// check4 checks an IPv4 packet's checksums and returns header and body.
func check4(t *testing.T, b []byte) (ip4, []byte) {
	t.Helper()
	h, ok := parse4(b, true)
	if !ok || h.length != len(b) {
		t.Fatalf("not an IPv4 packet: %x", b)
	}
	body := b[h.size:]
	if h.offset > 0 || h.mf {
		return h, body
	}
	pseudo := fold(addresses4(h.src, h.dst), uint16(h.proto), uint16(len(body)))
	if h.proto == protoICMP {
		pseudo = 0
	}
	if fold(pseudo, ip6.Sum(0, body)) != 0xffff {
		t.Fatalf("checksum: %x", b)
	}
	return h, body
}

func check6(t *testing.T, b []byte) ip6.Packet {
	t.Helper()
	p, err := ip6.ParsePacket(b)
	if err != nil || ip6.Check(b) != nil || !p.Fragmented && !ip6.ChecksumOK(b, p.At, p.Proto) {
		t.Fatalf("not an IPv6 packet: %v: %x", err, b)
	}
	return p
}

func TestPrefixes(t *testing.T) {
	// RFC 6052 section 2.4.
	for p, want := range map[string]string{
		"2001:db8::/32":         "2001:db8:c000:221:0:0:0:0",
		"2001:db8:100::/40":     "2001:db8:1c0:2:21:0:0:0",
		"2001:db8:122::/48":     "2001:db8:122:c000:2:2100:0:0",
		"2001:db8:122:300::/56": "2001:db8:122:3c0:0:221:0:0",
		"2001:db8:122:344::/64": "2001:db8:122:344:c0:2:2100:0",
		"2001:db8:122:344::/96": "2001:db8:122:344:0:0:c000:221",
		"64:ff9b::/96":          "64:ff9b:0:0:0:0:c000:221",
	} {
		x := ip6.MustParsePrefix(p)
		v4 := [4]byte{192, 0, 2, 33}
		a := Embed(x, v4)
		got, ok := Extract(x, a)
		if CheckPrefix(x) != nil || a.String() != want || !ok || got != v4 {
			t.Errorf("%s: %s %v %v, want %s", p, a, got, ok, want)
		}
	}
	for _, p := range []string{"2001:db8::/33", "::/0", "2001:db8::/128", "2001:db8:0:0:ff00::/96"} {
		if CheckPrefix(ip6.MustParsePrefix(p)) == nil {
			t.Errorf("%s is taken", p)
		}
	}
	if _, err := New(Config{Prefix: WellKnown, Rand: testRand{rand.New(rand.NewPCG(1, 2))}}, nil); err == nil {
		t.Error("no pool")
	}
}

func TestUDP(t *testing.T) {
	x, w := newTranslator(t, nil)
	x.From6(start, udp6(nodeA, 5000, server, 53, "question"))
	h, body := check4(t, w.four[0])
	if h.src != [4]byte{192, 0, 2, 1} || h.dst != server || h.ttl != 63 || get16(body) != 5000 || get16(body[2:]) != 53 || string(body[8:]) != "question" || h.df {
		t.Fatalf("%+v %x", h, body)
	}
	// The same port of another node is another one, of the same parity.
	x.From6(start, udp6(nodeB, 5000, server, 53, "question"))
	_, body = check4(t, w.four[1])
	other := get16(body)
	if other == 5000 || other&1 != 0 || other < 1024 {
		t.Errorf("port %d", other)
	}
	x.From4(start, udp4(server, 53, [4]byte{192, 0, 2, 1}, other, "answer"))
	p := check6(t, w.six[0])
	if p.Src != to(server) || p.Dst != nodeB || p.SrcPort != 53 || p.DstPort != 5000 || p.HopLimit != 63 {
		t.Errorf("%+v", p)
	}
	// Without a checksum, one is made.
	b := udp4(server, 53, [4]byte{192, 0, 2, 1}, 5000, "answer")
	put16(b[ip4Size+6:], 0)
	x.From4(start, b)
	if p = check6(t, w.six[1]); p.Dst != nodeA || p.Checksum == 0 {
		t.Errorf("%+v", p)
	}
	if x.Counters.UDP.Packets4To6 != 2 || x.Counters.UDP.Packets6To4 != 2 || x.Len() != 2 {
		t.Errorf("%+v", x.Counters)
	}
	// Mappings go when nobody uses them.
	x.Expire(start.Add(4 * time.Minute))
	x.From6(start.Add(4*time.Minute), udp6(nodeA, 5000, server, 53, "again"))
	x.Expire(start.Add(5*time.Minute + time.Second))
	if x.Len() != 1 {
		t.Errorf("%d mappings", x.Len())
	}
	if m := x.Mappings(start.Add(5*time.Minute), nil); len(m) != 1 || m[0].Address6 != nodeA || m[0].Port4 != 5000 || m[0].Left != 4*time.Minute || m[0].Packets6To4 != 2 || m[0].Remote != netip.AddrPortFrom(netip.AddrFrom4(server), 53) {
		t.Errorf("%+v", m)
	}
	x.Expire(start.Add(time.Hour))
	if x.Len() != 0 || x.Deadline() != machine.Never {
		t.Errorf("%d mappings, %v", x.Len(), x.Deadline())
	}
	x.From4(start.Add(time.Hour), udp4(server, 53, [4]byte{192, 0, 2, 1}, 5000, "late"))
	if x.Counters.NoMapping != 1 {
		t.Errorf("%+v", x.Counters)
	}
}

func TestEcho(t *testing.T) {
	x, w := newTranslator(t, nil)
	ping := ip6.AppendICMP(nil, ip6.Header{HopLimit: 64, Src: nodeA, Dst: to(server)}, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: 77, Sequence: 3}, []byte("data"))
	x.From6(start, ping)
	h, body := check4(t, w.four[0])
	if h.proto != protoICMP || body[0] != 8 || get16(body[4:]) != 77 || get16(body[6:]) != 3 || string(body[8:]) != "data" {
		t.Fatalf("%+v %x", h, body)
	}
	body[0] = 0
	put16(body[2:], 0)
	put16(body[2:], ^ip6.Sum(0, body))
	x.From4(start, packet4(server, h.src, protoICMP, body, nil))
	p := check6(t, w.six[0])
	e, _ := ip6.ParseICMP(w.six[0][p.At:])
	if e.Type != ip6.EchoReply || e.ID != 77 || p.Dst != nodeA {
		t.Errorf("%+v", e)
	}
	x.Expire(start.Add(61 * time.Second))
	if x.Len() != 0 {
		t.Error("it stays")
	}
}

func tcp6(src ip6.Address, port uint16, dst [4]byte, dport uint16, flags byte) []byte {
	b := (&ip6.Header{HopLimit: 64, Next: ip6.TCP, PayloadLen: 20, Src: src, Dst: to(dst)}).Append(nil)
	b = append(b, byte(port>>8), byte(port), byte(dport>>8), byte(dport), 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0)
	ip6.SetChecksum(b, ip6.HeaderSize, ip6.TCP)
	return b
}

func tcp4(src [4]byte, port uint16, dst [4]byte, dport uint16, flags byte) []byte {
	b := []byte{byte(port >> 8), byte(port), byte(dport >> 8), byte(dport), 0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0}
	put16(b[16:], ^fold(addresses4(src, dst), protoTCP, uint16(len(b)), ip6.Sum(0, b)))
	return packet4(src, dst, protoTCP, b, nil)
}

// A connection that is open lives for two hours, one that opens or closes for four minutes.
func TestTCP(t *testing.T) {
	x, w := newTranslator(t, nil)
	ours := [4]byte{192, 0, 2, 1}
	left := func() time.Duration { return x.Mappings(start, nil)[0].Left }
	x.From6(start, tcp6(nodeA, 4000, server, 443, 2))
	check4(t, w.four[0])
	if left() != 4*time.Minute {
		t.Error(left())
	}
	x.From4(start, tcp4(server, 443, ours, 4000, 0x12))
	check6(t, w.six[0])
	if left() != 124*time.Minute {
		t.Error(left())
	}
	x.From6(start, tcp6(nodeA, 4000, server, 443, 0x10))
	x.From4(start, tcp4(server, 443, ours, 4000, 0x11))
	x.From6(start, tcp6(nodeA, 4000, server, 443, 0x10))
	if left() != 4*time.Minute {
		t.Error(left())
	}
	x.From6(start, tcp6(nodeA, 4000, server, 443, 2)) // opened again
	x.From4(start, tcp4(server, 443, ours, 4000, 0x12))
	if left() != 124*time.Minute {
		t.Error(left())
	}
}

// Errors about what a node sent find it, with the packet that they are about as it knows it.
func TestErrorsFromIP4(t *testing.T) {
	x, w := newTranslator(t, nil)
	router := [4]byte{203, 0, 113, 1}
	x.From6(start, udp6(nodeB, 5000, server, 53, "question"))
	x.From6(start, udp6(nodeA, 5000, server, 53, "question"))
	about := w.four[1]
	for _, c := range []struct {
		kind, code byte
		value      uint32
		want       ip6.ICMPType
		wantCode   uint8
		wantValue  uint32
	}{
		{3, 0, 0, ip6.DstUnreachable, 0, 0}, {3, 1, 0, ip6.DstUnreachable, 0, 0}, {3, 2, 0, ip6.ParamProblem, 1, 6}, {3, 3, 0, ip6.DstUnreachable, 4, 0},
		{3, 4, 1400, ip6.PacketTooBig, 0, 1280}, {3, 4, 500, ip6.PacketTooBig, 0, 1280}, {3, 13, 0, ip6.DstUnreachable, 1, 0},
		{11, 0, 0, ip6.TimeExceeded, 0, 0}, {12, 0, 8 << 24, ip6.ParamProblem, 0, 7},
	} {
		w.six = nil
		b := []byte{c.kind, c.code, 0, 0, byte(c.value >> 24), byte(c.value >> 16), byte(c.value >> 8), byte(c.value)}
		b = append(b, about...)
		put16(b[2:], ^ip6.Sum(0, b))
		x.From4(start, packet4(router, [4]byte{192, 0, 2, 1}, protoICMP, b, nil))
		if len(w.six) != 1 {
			t.Errorf("%d/%d: nothing", c.kind, c.code)
			continue
		}
		p := check6(t, w.six[0])
		value := uint32(get16(w.six[0][p.At+4:]))<<16 | uint32(get16(w.six[0][p.At+6:]))
		if p.Type != c.want || p.Code != c.wantCode || value != c.wantValue || p.Src != to(router) || p.Dst != nodeA {
			t.Errorf("%d/%d: %+v value %d", c.kind, c.code, p, value)
		}
		in, err := ip6.ParsePacket(w.six[0][p.At+ip6.ICMPSize:])
		if err != nil || in.Src != nodeA || in.Dst != to(server) || in.SrcPort != 5000 || in.DstPort != 53 {
			t.Errorf("%d/%d: inside: %+v %v", c.kind, c.code, in, err)
		}
	}
	// About what nobody sent.
	w.six = nil
	about[ip4Size+1]++
	b := append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, about...)
	put16(b[2:], ^ip6.Sum(0, b))
	x.From4(start, packet4(router, [4]byte{192, 0, 2, 1}, protoICMP, b, nil))
	if len(w.six) != 0 || x.Counters.NoMapping != 1 {
		t.Errorf("%+v", x.Counters)
	}
}

// Errors about what came from IPv4 find their way back.
func TestErrorsFromIP6(t *testing.T) {
	x, w := newTranslator(t, nil)
	x.From6(start, udp6(nodeA, 5001, server, 53, "question"))
	_, body := check4(t, w.four[0])
	port := get16(body)
	x.From4(start, udp4(server, 53, [4]byte{192, 0, 2, 1}, port, "answer"))
	for _, c := range []struct {
		m          ip6.ICMPHeader
		kind, code byte
		value      uint32
	}{
		{ip6.ICMPHeader{Type: ip6.DstUnreachable, Code: 4}, 3, 3, 0},
		{ip6.ICMPHeader{Type: ip6.DstUnreachable, Code: 1}, 3, 10, 0},
		{ip6.ICMPHeader{Type: ip6.PacketTooBig, Sequence: 1280}, 3, 4, 1260},
		{ip6.ICMPHeader{Type: ip6.TimeExceeded}, 11, 0, 0},
		{ip6.ICMPHeader{Type: ip6.ParamProblem, Code: 0, Sequence: 7}, 12, 0, 8 << 24},
	} {
		w.four = nil
		x.From6(start, ip6.AppendICMP(nil, ip6.Header{HopLimit: 64, Src: nodeA, Dst: to(server)}, c.m, w.six[0]))
		if len(w.four) != 1 {
			t.Errorf("%+v: nothing: %+v", c.m, x.Counters)
			continue
		}
		h, b := check4(t, w.four[0])
		value := uint32(get16(b[4:]))<<16 | uint32(get16(b[6:]))
		if h.dst != server || b[0] != c.kind || b[1] != c.code || value != c.value {
			t.Errorf("%+v: %+v %x", c.m, h, b)
		}
		in, ok := parse4(b[8:], false)
		if !ok || in.src != server || in.dst != [4]byte{192, 0, 2, 1} || get16(b[8+in.size+2:]) != port {
			t.Errorf("%+v: inside %+v", c.m, in)
		}
	}
}

func TestHopLimits(t *testing.T) {
	x, w := newTranslator(t, nil)
	b := udp6(nodeA, 5000, server, 53, "question")
	b[ip6.HopLimitAt] = 1
	x.From6(start, b)
	if p := check6(t, w.six[0]); p.Type != ip6.TimeExceeded || p.Dst != nodeA || p.Src != ip6.MustParse("fd00::1") {
		t.Errorf("%+v", p)
	}
	b[ip6.HopLimitAt] = 64
	x.From6(start, b)
	d := udp4(server, 53, [4]byte{192, 0, 2, 1}, 5000, "answer")
	h, _ := parse4(d, true)
	h.ttl = 1
	x.From4(start, append(h.append4(nil), d[ip4Size:]...))
	if g, body := check4(t, w.four[1]); body[0] != 11 || g.dst != server {
		t.Errorf("%+v %x", g, body)
	}
	if x.Counters.HopLimit != 2 {
		t.Errorf("%+v", x.Counters)
	}
}

// A long packet from IPv4 is fragmented or refused; fragments are put together by the node.
func TestLongPackets(t *testing.T) {
	x, w := newTranslator(t, nil)
	x.From6(start, udp6(nodeA, 5000, server, 53, "q"))
	payload := make([]byte, 1400)
	for i := range payload {
		payload[i] = byte(i)
	}
	d := udp4(server, 53, [4]byte{192, 0, 2, 1}, 5000, "")
	body := append(bytes.Clone(d[ip4Size:]), payload...)
	put16(body[4:], uint16(len(body)))
	put16(body[6:], 0)
	put16(body[6:], ^fold(addresses4(server, [4]byte{192, 0, 2, 1}), protoUDP, uint16(len(body)), ip6.Sum(0, body)))
	x.From4(start, packet4(server, [4]byte{192, 0, 2, 1}, protoUDP, body, nil))
	if len(w.six) != 2 {
		t.Fatalf("%d packets", len(w.six))
	}
	var whole []byte
	for i, b := range w.six {
		p := check6(t, b)
		f, err := ip6.ParseFragment(b[p.At:])
		if err != nil || f.Offset != len(whole) || f.More != (i == 0) || len(b) > 1280 {
			t.Errorf("%+v %v", f, err)
		}
		whole = append(whole, b[p.At+ip6.FragmentSize:]...)
	}
	src, dst := to(server), nodeA
	if ip6.Checksum(&src, &dst, ip6.UDP, whole) != 0 || !bytes.Equal(whole[8:], payload) {
		t.Error("not what was sent")
	}
	w.clear()
	x.From4(start, packet4(server, [4]byte{192, 0, 2, 1}, protoUDP, body, func(h *ip4) { h.df = true }))
	if h, b := check4(t, w.four[0]); h.dst != server || b[0] != 3 || b[1] != 4 || get16(b[6:]) != 1260 || len(w.six) != 0 {
		t.Errorf("%+v %x", h, b[:8])
	}
	// Fragments from IPv4 pass one by one.
	w.clear()
	x.From4(start, packet4(server, [4]byte{192, 0, 2, 1}, protoUDP, body[:800], func(h *ip4) { h.mf = true; h.id = 99 }))
	x.From4(start, packet4(server, [4]byte{192, 0, 2, 1}, protoUDP, body[800:], func(h *ip4) { h.offset = 800; h.id = 99 }))
	whole = nil
	for _, b := range w.six {
		p := check6(t, b)
		whole = append(whole, b[p.At+ip6.FragmentSize:]...)
	}
	if ip6.Checksum(&src, &dst, ip6.UDP, whole) != 0 {
		t.Error("fragments do not make a message")
	}
	x.From4(start.Add(3*time.Second), packet4(server, [4]byte{192, 0, 2, 1}, protoUDP, body[800:], func(h *ip4) { h.offset = 800; h.id = 98 }))
	if x.Counters.Fragments != 1 {
		t.Errorf("%+v", x.Counters)
	}
	x.Expire(start.Add(4 * time.Second))
	if len(x.fragments) != 0 {
		t.Error("fragments stay")
	}
	// The same from the mesh.
	w.clear()
	u := udp6(nodeA, 5000, server, 53, string(payload))
	h, _ := ip6.ParseHeader(u)
	h.Next = ip6.Fragment
	var out []byte
	for offset := 0; offset < len(u)-ip6.HeaderSize; offset += 800 {
		part := u[ip6.HeaderSize+offset:]
		f := ip6.FragmentHeader{Next: ip6.UDP, Offset: offset, More: len(part) > 800, ID: 0x12345}
		part = part[:min(len(part), 800)]
		h.PayloadLen = uint16(ip6.FragmentSize + len(part))
		x.From6(start, append(f.Append(h.Append(nil)), part...))
	}
	for _, b := range w.four {
		h, part := check4(t, b)
		if h.id != 0x2345 || h.offset != len(out) || h.df {
			t.Errorf("%+v", h)
		}
		out = append(out, part...)
	}
	if fold(addresses4([4]byte{192, 0, 2, 1}, server), protoUDP, uint16(len(out)), ip6.Sum(0, out)) != 0xffff {
		t.Error("fragments do not make a message")
	}
}

// Two nodes of one mesh speak by their IPv4 addresses.
func TestHairpin(t *testing.T) {
	x, w := newTranslator(t, nil)
	x.From6(start, udp6(nodeB, 6000, server, 53, "q"))
	x.From6(start, udp6(nodeA, 5000, [4]byte{192, 0, 2, 1}, 6000, "hello"))
	p := check6(t, w.six[0])
	if p.Dst != nodeB || p.Src != to([4]byte{192, 0, 2, 1}) || p.SrcPort != 5000 || len(w.four) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestFilter(t *testing.T) {
	x, w := newTranslator(t, func(c *Config) { c.Restricted = true })
	x.From6(start, udp6(nodeA, 5000, server, 53, "q"))
	x.From4(start, udp4([4]byte{1, 2, 3, 4}, 53, [4]byte{192, 0, 2, 1}, 5000, "unasked"))
	x.From4(start, udp4(server, 54, [4]byte{192, 0, 2, 1}, 5000, "asked"))
	if len(w.six) != 1 || x.Counters.Filtered != 1 {
		t.Errorf("%d %+v", len(w.six), x.Counters)
	}
}

// One node cannot take all mappings, and all together not more than there are.
func TestLimits(t *testing.T) {
	x, w := newTranslator(t, func(c *Config) { c.Mappings, c.PerHost = 100, 30 })
	for port := range 200 {
		x.From6(start, udp6(nodeA, uint16(2000+port), server, 53, "q"))
	}
	if x.Len() != 30 || len(w.six) != 170 {
		t.Errorf("%d mappings, %d errors", x.Len(), len(w.six))
	}
	for node := range 200 {
		a := nodeB
		a[14] = byte(node)
		x.From6(start, udp6(a, 2000, server, 53, "q"))
	}
	if x.Len() != 100 || x.hosts.Len() != 71 {
		t.Errorf("%d mappings of %d hosts", x.Len(), x.hosts.Len())
	}
	x.Expire(start.Add(6 * time.Minute))
	if x.Len() != 0 || x.hosts.Len() != 0 {
		t.Errorf("%d mappings of %d hosts", x.Len(), x.hosts.Len())
	}
	for _, bad := range [][]byte{nil, make([]byte, 40), udp6(nodeA, 1, [4]byte{127, 0, 0, 1}, 2, ""), udp6(nodeA, 1, [4]byte{224, 0, 0, 1}, 2, ""),
		udp6(ip6.MustParse("fe80::1"), 1, server, 2, ""), udp6(to(server), 1, server, 2, ""), udp6(nodeA, 1, server, 2, "")[:44]} {
		w.clear()
		if x.From6(start, bad); len(w.four) != 0 {
			t.Errorf("passed: %x", bad)
		}
	}
}

// A /24 gives each node an address of its own.
func TestPool(t *testing.T) {
	x, w := newTranslator(t, func(c *Config) { c.Pool = []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")} })
	seen := map[[4]byte]bool{}
	for node := range 100 {
		a := nodeA
		a[14] = byte(node)
		for port := range 3 {
			w.clear()
			x.From6(start, udp6(a, uint16(3000+port), server, 53, "q"))
			h, _ := check4(t, w.four[0])
			if h.src[3] == 0 || h.src[3] == 255 || port > 0 && !seen[h.src] {
				t.Errorf("%v", h.src)
			}
			seen[h.src] = true
		}
	}
	if len(seen) < 70 {
		t.Errorf("%d addresses", len(seen))
	}
}

// What goes there and back is what it was; its checksums are right on the way.
func TestThereAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x, w := newTranslator(t, func(c *Config) { c.KeepTraffic = true })
	for range 3000 {
		w.clear()
		src := nodeA
		src[15] = byte(r.Uint32())
		dst := [4]byte{198, 51, 100, byte(r.Uint32())}
		payload := make([]byte, r.IntN(300))
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		h := ip6.Header{HopLimit: 64, DSCP: uint8(r.IntN(64)), ECN: ip6.ECN(r.IntN(4)), Src: src, Dst: to(dst)}
		var b []byte
		if r.IntN(3) == 0 {
			b = ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: uint16(r.Uint32()), Sequence: uint16(r.Uint32())}, payload)
		} else {
			b = ip6.AppendUDP(nil, h, uint16(1+r.IntN(65535)), uint16(r.Uint32()), payload)
		}
		x.From6(start, b)
		out, body := check4(t, w.four[0])
		// The server sends the same back.
		body = bytes.Clone(body)
		if out.proto == protoUDP {
			src, dst := get16(body), get16(body[2:])
			put16(body, dst)
			put16(body[2:], src)
		}
		x.From4(start, packet4(out.dst, out.src, out.proto, body, func(h *ip4) { h.tos = out.tos }))
		p := check6(t, w.six[0])
		at := ip6.HeaderSize + 8
		if p.Dst != src || p.Src != to(dst) || p.DSCP != h.DSCP || p.ECN != h.ECN || !bytes.Equal(w.six[0][at:], payload) {
			t.Fatalf("%x became %x", b, w.six[0])
		}
	}
}

func FuzzTranslator(f *testing.F) {
	f.Add(true, udp6(nodeA, 5000, server, 53, "q"))
	f.Add(true, tcp6(nodeA, 5000, server, 53, 2))
	f.Add(false, udp4(server, 53, [4]byte{192, 0, 2, 1}, 5000, "a"))
	f.Add(true, ip6.AppendICMP(nil, ip6.Header{HopLimit: 64, Src: nodeA, Dst: to(server)}, ip6.ICMPHeader{Type: ip6.DstUnreachable}, udp6(to(server), 53, server, 5000, "")))
	f.Fuzz(func(t *testing.T, six bool, b []byte) {
		x, w := newTranslator(t, func(c *Config) { c.Mappings = 10 })
		x.From6(start, udp6(nodeA, 5000, server, 53, "q"))
		w.clear()
		if six {
			x.From6(start, b)
		} else {
			// With a right header checksum, or nothing would get in.
			if len(b) >= ip4Size && b[0]>>4 == 4 && int(b[0]&15)*4 <= len(b) {
				b = bytes.Clone(b)
				put16(b[10:], 0)
				put16(b[10:], ^ip6.Sum(0, b[:int(b[0]&15)*4]))
			}
			x.From4(start, b)
		}
		for _, o := range w.six {
			if err := ip6.Check(o); err != nil || len(o) > 1280 {
				t.Fatalf("%x became %x", b, o)
			}
		}
		for _, o := range w.four {
			if h, ok := parse4(o, true); !ok || h.length != len(o) {
				t.Fatalf("%x became %x", b, o)
			}
		}
		if x.Len() > 10 {
			t.Fatal(x.Len())
		}
	})
}

// nowhere forgets what it is sent.
type nowhere struct{ n int }

func (w *nowhere) Send6(machine.Time, []byte) { w.n++ }
func (w *nowhere) Send4(machine.Time, []byte) { w.n++ }

// 100 bytes of UDP there and back, of a thousand mappings.
func BenchmarkUDP(b *testing.B) {
	w := new(nowhere)
	x, _ := newTranslator(b, nil)
	x.env = w
	var six, four [][]byte
	for i := range 1000 {
		a := nodeA
		a[14], a[15] = byte(i>>8), byte(i)
		six = append(six, udp6(a, uint16(10000+i), server, 5684, string(make([]byte, 100))))
		four = append(four, udp4(server, 5684, [4]byte{192, 0, 2, 1}, uint16(10000+i), string(make([]byte, 100))))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i&1 == 0 {
			x.From6(start, six[i/2%1000])
		} else {
			x.From4(start, four[i/2%1000])
		}
		i++
	}
	if w.n < i {
		b.Fatalf("%d of %d: %+v", w.n, i, x.Counters)
	}
}
