package ip6

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"fd00:db8::1", "fd00:db8:0:0:0:0:0:1"},
		{"::", "0:0:0:0:0:0:0:0"},
		{"FE80::1322:3300:0:1", "fe80:0:0:0:1322:3300:0:1"},
		{"64:ff9b::1.2.3.4", "64:ff9b:0:0:0:0:102:304"},
	} {
		a, err := Parse(c.in)
		if err != nil || a.String() != c.out {
			t.Errorf("%s: %s %v, want %s", c.in, a, err, c.out)
		}
	}
	for _, bad := range []string{"", "1.2.3.4", "fe80::1%eth0", "fd00::1::2", "fd00:db8::/64"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is no address", bad)
		}
	}
	// OpenThread's test vectors of prefixes (Prefix::ToString).
	for _, c := range []struct{ in, out string }{
		{"fd00::/64", "fd00:0:0:0::/64"},
		{"fd00:dbff::/28", "fd00:dbf0::/28"},
		{"::/0", "::/0"},
		{"64:ff9b::/96", "64:ff9b:0:0:0:0::/96"},
		{"fd00::1/128", "fd00:0:0:0:0:0:0:1/128"},
		{"fd11:22::/48", "fd11:22:0::/48"},
	} {
		p, err := ParsePrefix(c.in)
		if err != nil || p.String() != c.out {
			t.Errorf("%s: %s %v, want %s", c.in, p, err, c.out)
		}
	}
	if got := IIDFromExt([8]byte{0x11, 0x22, 0x33, 0, 0, 0, 0, 1}).String(); got != "1322330000000001" {
		t.Error(got)
	}
}

func TestLocators(t *testing.T) {
	ml := MustParse("fd00:db8::").Network()
	r := RLOC(ml, 0x8400)
	if r.String() != "fd00:db8:0:0:0:ff:fe00:8400" || !r.IID().IsRoutingLocator() || r.IID().IsAnycastLocator() || r.IID().Locator() != 0x8400 {
		t.Error(r)
	}
	if a := RLOC(ml, 0xfc00); !a.IID().IsAnycastLocator() || a.IID().IsRoutingLocator() || !a.IID().IsReserved() {
		t.Error(a)
	}
	if a := RLOC(ml, 0x8600); a.IID().IsRoutingLocator() {
		t.Error("bit 9 of an RLOC16 is reserved")
	}
	if a := RealmLocalAllThreadNodes(ml); a.String() != "ff33:40:fd00:db8:0:0:0:1" || !a.IsRealmLocalMulticast() {
		t.Error(a)
	}
	if a := LinkLocal([8]byte{0x11, 0x22, 0x33, 0, 0, 0, 0, 1}); a.String() != "fe80:0:0:0:1322:3300:0:1" || a.Scope() != ScopeLink {
		t.Error(a)
	}
	if MustParse("fd00:db8::1").Match(MustParse("fd00:db8:8000::1")) != 32 {
		t.Error("match")
	}
}

func TestHeader(t *testing.T) {
	h := Header{DSCP: 0x2a, ECN: ECT0, Flow: 0xabcde, PayloadLen: 5, Next: None, HopLimit: 63,
		Src: MustParse("fd00::1"), Dst: MustParse("ff03::1")}
	b := h.Append(nil)
	got, err := ParseHeader(b)
	if err != nil || got != h {
		t.Fatalf("%+v %v", got, err)
	}
	SetECN(b, CE)
	if GetECN(b) != CE || b[1]&0xf != 0xa {
		t.Errorf("%x", b[:4])
	}
	if Check(b) == nil || Check(append(b, 1, 2, 3, 4, 5)) != nil {
		t.Error("Check")
	}
}

func TestUDPAndICMP(t *testing.T) {
	h := Header{HopLimit: 64, Src: MustParse("fd00::1"), Dst: MustParse("fd00::2")}
	b := AppendUDP(nil, h, 1234, 61631, []byte("hello"))
	if !ChecksumOK(b, HeaderSize, UDP) || Check(b) != nil {
		t.Error("UDP")
	}
	p, err := ParsePacket(b)
	if err != nil || !p.IsUDP(61631) || p.SrcPort != 1234 || p.At != HeaderSize {
		t.Errorf("%+v %v", p, err)
	}
	b[len(b)-1] ^= 1
	if ChecksumOK(b, HeaderSize, UDP) {
		t.Error("a wrong checksum is right")
	}
	b = AppendICMP(nil, h, ICMPHeader{Type: EchoRequest, ID: 7, Sequence: 9}, bytes.Repeat([]byte{1, 2, 3}, 33))
	if p, err = ParsePacket(b); err != nil || p.Type != EchoRequest || !ChecksumOK(b, p.At, p.Proto) {
		t.Errorf("%+v %v", p, err)
	}
	m, _ := ParseICMP(b[p.At:])
	if m.ID != 7 || m.Sequence != 9 {
		t.Errorf("%+v", m)
	}
}

// A ping to all nodes of the mesh, with its MPL option; the ICMPv6 message of RFC 4443 is checked by its checksum.
func TestExtensions(t *testing.T) {
	h := Header{HopLimit: 64, Next: HopByHop, Src: MustParse("fd00::1"), Dst: RealmLocalAllNodes}
	b := h.Append(nil)
	m := MPL{HasSeed: true, Seed: 0x8400, Sequence: 5}
	b = AppendMPLHeader(b, ICMP6, &m)
	if got := hex.EncodeToString(b[HeaderSize:]); got != "3a006d0440058400" {
		t.Error(got)
	}
	b = (&ICMPHeader{Type: EchoRequest}).Append(b)
	SetPayloadLen(b)
	p, err := ParsePacket(b)
	if err != nil || p.Proto != ICMP6 || p.At != 48 || p.Type != EchoRequest {
		t.Fatalf("%+v %v", p, err)
	}
	e, _ := ParseExtension(b[HeaderSize:])
	o, err := ParseOption(e.Content)
	if err != nil || o.Type != OptionMPL || o.Size != len(e.Content) {
		t.Fatalf("%+v %v", o, err)
	}
	if got, err := ParseMPL(o.Data); err != nil || got != m {
		t.Errorf("%+v %v", got, err)
	}
	m.HasSeed = false
	if got := hex.EncodeToString(AppendMPLHeader(nil, UDP, &m)); got != "11006d0200050100" {
		t.Error(got)
	}
	f := FragmentHeader{Next: UDP, Offset: 1232, More: true, ID: 0xdeadbeef}
	if got, err := ParseFragment(f.Append(nil)); err != nil || got != f {
		t.Errorf("%+v %v", got, err)
	}
}

func FuzzPacket(f *testing.F) {
	h := Header{HopLimit: 64, Next: HopByHop, Src: MustParse("fd00::1"), Dst: RealmLocalAllNodes}
	f.Add((&ICMPHeader{Type: EchoRequest}).Append(AppendMPLHeader(h.Append(nil), ICMP6, &MPL{Sequence: 1})))
	f.Add(AppendUDP(nil, h, 19788, 19788, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePacket(b)
		if err != nil {
			return
		}
		if p.At > len(b) || p.At < HeaderSize {
			t.Fatalf("at %d of %d", p.At, len(b))
		}
		ChecksumOK(b, p.At, p.Proto)
		if got := p.Header.Append(nil); !bytes.Equal(got, b[:HeaderSize]) {
			t.Fatalf("header %x became %x", b[:HeaderSize], got)
		}
		for at, next := HeaderSize, p.Next; next == HopByHop || next == DstOpts; {
			e, err := ParseExtension(b[at:])
			if err != nil {
				t.Fatal(err)
			}
			for c := e.Content; len(c) > 0; {
				o, err := ParseOption(c)
				if err != nil {
					break
				}
				ParseMPL(o.Data)
				c = c[o.Size:]
			}
			at, next = at+e.Size, e.Next
		}
	})
}
