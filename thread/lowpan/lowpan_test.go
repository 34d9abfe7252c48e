package lowpan

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"heddle.example/thread/ip6"
)

// table is a fixed set of contexts.
type table []Context

func (t table) ContextByID(id uint8) (Context, bool) {
	for _, c := range t {
		if c.ID == id {
			return c, true
		}
	}
	return Context{}, false
}

func (t table) ContextFor(a ip6.Address) (best Context, ok bool) {
	for _, c := range t {
		if c.Prefix.Contains(a) && (!ok || c.Prefix.Bits > best.Prefix.Bits) {
			best, ok = c, true
		}
	}
	return best, ok
}

var testContexts = table{
	{0, ip6.MustParsePrefix("fd00:db8::/64"), true},
	{1, ip6.MustParsePrefix("fd11:22::/64"), true},
	{2, ip6.MustParsePrefix("2001:db8:1::/48"), true},
	{3, ip6.MustParsePrefix("2001:db8:2:0:8000::/68"), true},
	{4, ip6.MustParsePrefix("fd44::/64"), false},
}

var testLink = Link{ip6.IIDFromExt([8]byte{0x11, 0x22, 0x33, 0, 0, 0, 0, 1}), ip6.IIDFromShort(0x8400)}

func TestVectors(t *testing.T) {
	udp := func(src, dst string, sp, dp uint16, edit func(*ip6.Header)) []byte {
		h := ip6.Header{HopLimit: 64, Src: ip6.MustParse(src), Dst: ip6.MustParse(dst)}
		if edit != nil {
			edit(&h)
		}
		return ip6.AppendUDP(nil, h, sp, dp, nil)
	}
	for _, c := range []struct {
		name string
		ip   []byte
		want string // without the checksum at the end
	}{
		{"all elided", udp("fe80::1322:3300:0:1", "fe80::ff:fe00:8400", 0xf0b1, 0xf0b2, nil), "7e33" + "f312"},
		{"hop limit 255, ports in full", udp("fe80::1322:3300:0:1", "fe80::ff:fe00:8400", 19788, 19788, func(h *ip6.Header) { h.HopLimit = 255 }), "7f33" + "f04d4c4d4c"},
		{"multicast of 8 bits", udp("fe80::1322:3300:0:1", "ff02::2", 19788, 0xf001, nil), "7e3b02" + "f14d4c01"},
		{"of 32 bits", udp("fe80::1322:3300:0:1", "ff03::fc", 0xf003, 19788, nil), "7e3a030000fc" + "f2034d4c"},
		{"of 48 bits", udp("::", "ff05::1:203:405", 1, 2, nil), "7e49" + "05" + "0102030405" + "f000010002"},
	} {
		out, used, err := AppendCompressed(nil, c.ip, testLink, testContexts, 100)
		if err != nil || used != len(c.ip) {
			t.Errorf("%s: used %d: %v", c.name, used, err)
			continue
		}
		if got := hex.EncodeToString(out[:len(out)-2]); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// random makes a datagram with headers that exercise every mode.
func random(r *rand.Rand) []byte {
	unicast := func() ip6.Address {
		iid := []ip6.IID{testLink.Src, testLink.Dst, ip6.IIDFromShort(uint16(r.Uint32())), {1, 2, 3, 4, 5, 6, 7, byte(r.Uint32())}}[r.IntN(4)]
		switch r.IntN(8) {
		case 0:
			return ip6.Join(ip6.LinkLocalNetwork, iid)
		case 1:
			return ip6.Join(ip6.MustParse("2001:db9::").Network(), iid)
		case 2:
			iid[0] |= 0x80
			return ip6.Join(ip6.MustParse("2001:db8:2::").Network(), iid)
		case 3:
			return ip6.Join(ip6.MustParse("2001:db8:1:1::").Network(), iid)
		}
		return ip6.Join(testContexts[r.IntN(5)].Prefix.Addr.Network(), iid)
	}
	h := ip6.Header{HopLimit: []uint8{1, 64, 255, uint8(r.Uint32())}[r.IntN(4)], Src: unicast(), Dst: unicast()}
	if r.IntN(3) == 0 {
		h.DSCP, h.ECN = uint8(r.Uint32())&0x3f, ip6.ECN(r.IntN(4))
	}
	if r.IntN(3) == 0 {
		h.Flow = r.Uint32() & 0xfffff
	}
	if r.IntN(10) == 0 {
		h.Src = ip6.Unspecified
	}
	if r.IntN(2) == 0 {
		h.Dst = []ip6.Address{ip6.LinkLocalAllNodes, ip6.RealmLocalAllMPL, ip6.MustParse("ff05::1:2:3"), ip6.MustParse("ff0e:1::2"),
			ip6.RealmLocalAllThreadNodes(testContexts[0].Prefix.Addr.Network()), ip6.RealmLocalAllThreadNodes(testContexts[1].Prefix.Addr.Network()), ip6.MustParse("ff02::")}[r.IntN(7)]
	}
	payload := make([]byte, r.IntN(60))
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	tail := func(h ip6.Header) []byte {
		ports := []uint16{0xf0b3, 0xf045, 19788, 61631}
		if r.IntN(4) == 0 {
			return ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoRequest}, payload)
		}
		return ip6.AppendUDP(nil, h, ports[r.IntN(4)], ports[r.IntN(4)], payload)
	}
	b := tail(h)
	if r.IntN(3) == 0 {
		b = append(outer(h, ip6.IP6, nil), b...)
	}
	if r.IntN(3) == 0 {
		m := ip6.MPL{HasSeed: r.IntN(2) == 0, Seed: 0x8400, Sequence: 1}
		p, _ := ip6.ParseHeader(b)
		b = append(outer(h, ip6.HopByHop, ip6.AppendMPLHeader(nil, p.Next, &m)), b[ip6.HeaderSize:]...)
	}
	ip6.SetPayloadLen(b)
	return b
}

func outer(h ip6.Header, next ip6.Protocol, ext []byte) []byte {
	h.Next = next
	return append(h.Append(nil), ext...)
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		ip := random(r)
		out, used, err := AppendCompressed([]byte("x"), ip, testLink, testContexts, 20+r.IntN(80))
		if err == ErrRoom {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %x: %v", seed, ip, err)
		}
		frame := append(out[1:], ip[used:]...)
		if KindOf(frame) != Compressed {
			t.Fatalf("seed %d: kind %d", seed, KindOf(frame))
		}
		for _, size := range []int{0, len(ip)} {
			back, took, err := AppendDecompressed([]byte("yy"), frame, testLink, testContexts, size)
			if err != nil {
				t.Fatalf("seed %d: %x from %x: %v", seed, frame, ip, err)
			}
			if back = append(back[2:], frame[took:]...); !bytes.Equal(back, ip) {
				t.Fatalf("seed %d:\n%x became\n%x by\n%x", seed, ip, back, frame)
			}
		}
		if e := ip6.GetECN(ip); GetECN(frame) != e {
			t.Fatalf("seed %d: ECN %d, want %d", seed, GetECN(frame), e)
		} else if e != 0 {
			MarkECN(frame)
			if back, _, err := AppendDecompressed(nil, frame, testLink, testContexts, 0); err != nil || ip6.GetECN(back) != ip6.CE {
				t.Fatalf("seed %d: not marked: %x", seed, frame)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	for _, m := range []MeshHeader{{4, 0x8400, 0x3400}, {14, 1, 2}, {15, 1, 2}, {19, 0xfffe, 0}} {
		b := m.Append(nil)
		got, n, err := ParseMesh(b)
		if err != nil || got != m || n != len(b) || KindOf(b) != Mesh {
			t.Errorf("%+v: %+v %d %v", m, got, n, err)
		}
	}
	for _, f := range []FragmentHeader{{1280, 7, 0}, {1280, 0xffff, 1272}, {0x7ff, 1, 2040}} {
		b := f.Append(nil)
		got, n, err := ParseFragment(b)
		if err != nil || got != f || n != len(b) || KindOf(b) != Fragment {
			t.Errorf("%+v: %+v %d %v", f, got, n, err)
		}
	}
	for _, bad := range []string{"", "b4", "b484003400"[:8], "bf0284003400"[:10], "8484003400", "c000", "e1001234"} {
		b, _ := hex.DecodeString(bad)
		if _, _, err := ParseMesh(b); err == nil {
			t.Errorf("mesh %s", bad)
		}
		if _, _, err := ParseFragment(b); err == nil {
			t.Errorf("fragment %s", bad)
		}
	}
}

func FuzzDecompress(f *testing.F) {
	for seed := range uint64(40) {
		ip := random(rand.New(rand.NewPCG(seed, 2)))
		if out, used, err := AppendCompressed(nil, ip, testLink, testContexts, 100); err == nil {
			f.Add(append(out, ip[used:]...), uint16(0))
			f.Add(append(out, ip[used:]...), uint16(len(ip)))
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte, size uint16) {
		KindOf(frame)
		ParseMesh(frame)
		ParseFragment(frame)
		GetECN(frame)
		out, used, err := AppendDecompressed(nil, frame, testLink, testContexts, int(size&MaxDatagram))
		if err != nil {
			return
		}
		if used > len(frame) || len(out) > 2048 && len(out) > 40*len(frame) {
			t.Fatalf("%d of %d became %d", used, len(frame), len(out))
		}
		if size != 0 {
			return
		}
		ip := append(out, frame[used:]...)
		if err := ip6.Check(ip); err != nil {
			t.Fatal(err)
		}
		// What we make of it is what it was.
		again, n, err := AppendCompressed(nil, ip, testLink, testContexts, 2048)
		if err != nil {
			t.Fatal(err)
		}
		back, n2, err := AppendDecompressed(nil, append(again, ip[n:]...), testLink, testContexts, 0)
		if err != nil || !bytes.Equal(append(back, append(again, ip[n:]...)[n2:]...), ip) {
			t.Fatalf("%x became %x: %v", ip, back, err)
		}
	})
}

func BenchmarkDecompress(b *testing.B) {
	ip := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: ip6.MustParse("fd00:db8::1"), Dst: ip6.MustParse("fd11:22::ff:fe00:8400")}, 61631, 61631, make([]byte, 50))
	frame, used, _ := AppendCompressed(nil, ip, testLink, testContexts, 100)
	frame = append(frame, ip[used:]...)
	buf := make([]byte, 0, 200)
	var ctx Contexts = testContexts
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := AppendDecompressed(buf, frame, testLink, ctx, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	ip := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: ip6.MustParse("fd00:db8::1"), Dst: ip6.MustParse("fd11:22::ff:fe00:8400")}, 61631, 61631, make([]byte, 50))
	buf := make([]byte, 0, 200)
	var ctx Contexts = testContexts
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := AppendCompressed(buf, ip, testLink, ctx, 100); err != nil {
			b.Fatal(err)
		}
	}
}
