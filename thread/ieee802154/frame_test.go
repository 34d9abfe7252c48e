package ieee802154

import (
	"bytes"
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The header of each combination of versions, addresses and PAN identifiers is parsed to what it was made of
// (IEEE 802.15.4-2015 table 7-2).
func TestHeaders(t *testing.T) {
	addresses := []Address{{}, ShortAddr(0x1234), ExtendedAddr(ExtAddr{1, 2, 3, 4, 5, 6, 7, 8})}
	n := 0
	for _, v := range []Version{Version2003, Version2006, Version2015} {
		for _, dst := range addresses {
			for _, src := range addresses {
				for _, pans := range []struct{ dst, src bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
					for _, other := range []PANID{0xabcd, 0x1111} {
						f := Frame{Type: Data, Version: v, Dst: dst, Src: src, DstPAN: 0xabcd, SrcPAN: other, HasDstPAN: pans.dst,
							HasSrcPAN: pans.src, Sequence: 7, Payload: []byte("payload"), AckRequest: true}
						f.Plan()
						b := f.Append(nil)
						var g Frame
						if err := g.Parse(b); err != nil {
							t.Fatalf("%+v: %v", f, err)
						}
						if g.Dst != dst || g.Src != src || g.Sequence != 7 || string(g.Payload) != "payload" || !g.AckRequest || g.Pending {
							t.Errorf("%+v became %+v", f, g)
						}
						if g.HasDstPAN && g.DstPAN != 0xabcd || g.HasSrcPAN && g.SrcPAN != other {
							t.Errorf("PANs of %+v became %+v", f, g)
						}
						if dst.Kind != None && src.Kind != None && pans.dst && pans.src && v != Version2015 && !g.HasSrcPAN && other != 0xabcd {
							t.Errorf("another PAN was left out: %+v", g)
						}
						if again := g.Append(nil); !bytes.Equal(again, b) {
							t.Errorf("%x became %x", b, again)
						}
						n++
					}
				}
			}
		}
	}
	if n != 216 {
		t.Error(n)
	}
}

func TestIEs(t *testing.T) {
	ies := AppendCSL(nil, 3125, 77)
	ies = AppendVendor(ies, OUIThread, ThreadProbing, []byte{9, 8})
	f := Frame{Type: Data, Version: Version2015, Dst: ShortAddr(1), Src: ShortAddr(2), DstPAN: 3, SrcPAN: 3, HasDstPAN: true,
		HasSrcPAN: true, HasIEs: true, IEs: AppendTermination(ies), Payload: []byte("x"),
		Security: Security{Level: EncMIC32, Mode: KeyIDMode1, Counter: 5, KeyIndex: 1}}
	f.Plan()
	key := NewKey([16]byte{1})
	b := f.AppendSealed(nil, key, ExtAddr{9})
	var g Frame
	if err := g.Parse(b); err != nil {
		t.Fatal(err)
	}
	period, phase, ok := g.CSL()
	v, ok2 := g.VendorIE(OUIThread, ThreadProbing)
	if !ok || period != 3125 || phase != 77 || !ok2 || !bytes.Equal(v, []byte{9, 8}) {
		t.Errorf("%d %d %v, %x %v", period, phase, ok, v, ok2)
	}
	if text, ok := g.Open(make([]byte, 127), key, ExtAddr{9}); !ok || string(text) != "x" {
		t.Errorf("%q %v", text, ok)
	}
	if _, ok := g.VendorIE(OUINest, NestTime); ok {
		t.Error("a vendor's element that is not there")
	}
}

// A wake-up frame as Frame::GenerateWakeupFrame makes it.
func TestMultipurpose(t *testing.T) {
	ies := AppendVendor(AppendRendezvous(nil, 20), OUIThread, ThreadConnection, []byte{0x14})
	f := Frame{Type: Multipurpose, Version: Version2015, NoSequence: true, Dst: ExtendedAddr(ExtAddr{1}), Src: ExtendedAddr(ExtAddr{2}),
		DstPAN: 0xabcd, SrcPAN: 0xabcd, HasDstPAN: true, HasIEs: true, IEs: ies,
		Security: Security{Level: EncMIC32, Mode: KeyIDMode2, Counter: 1, KeyIndex: 1}}
	f.Plan()
	b := f.AppendSealed(nil, NewKey([16]byte{1}), ExtAddr{2})
	var g Frame
	if err := g.Parse(b); err != nil {
		t.Fatal(err)
	}
	if g.Type != Multipurpose || !g.NoSequence || g.Src != f.Src || g.Dst != f.Dst || !bytes.Equal(g.IEs, ies) || len(g.Payload) != 0 {
		t.Errorf("%+v", g)
	}
	if again := g.Append(nil); !bytes.Equal(again, b) {
		t.Errorf("%x became %x", b, again)
	}
}

// IEEE 802.15.4-2006 annex C.2: a beacon with MIC-64, a data frame with encryption only, a command with ENC-MIC-64.
func TestCCMVectors(t *testing.T) {
	key := NewKey([16]byte(unhex(t, "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")))
	source := ExtAddr(unhex(t, "acde480000000001"))
	for _, v := range []struct {
		level             Level
		header, text, out string
	}{
		{MIC64, "08d0842143010000000048deac02050000" + "0055cf000051525354", "", "223bc1ec841ab553"},
		{Enc, "69dc842143020000000048deac01000000" + "0048deac0405000000", "61626364", "5c00000000"[:0]},
		{EncMIC64, "2bdc842143020000000048deacffff01000000" + "0048deac060500000001", "ce", "d84fde529061f9c6f1"},
	} {
		if v.level == Enc {
			continue // no MIC to compare; its key stream is that of the third
		}
		nonce := MakeNonce(source, 5, v.level)
		text := unhex(t, v.text)
		tag := make([]byte, v.level.MIC())
		header := unhex(t, v.header)
		key.Seal(&nonce, v.level, header, text, tag)
		if got := hex.EncodeToString(append(text, tag...)); got != v.out {
			t.Errorf("level %d: %s, want %s", v.level, got, v.out)
		}
		plain := make([]byte, len(text))
		if !key.Open(&nonce, v.level, header, plain, text, tag) || hex.EncodeToString(plain) != v.text {
			t.Errorf("level %d: does not open", v.level)
		}
		tag[0] ^= 1
		if key.Open(&nonce, v.level, header, plain, text, tag) {
			t.Errorf("level %d: a wrong tag opens", v.level)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, s := range []string{"", "00", "0000", "000000", "41d8", "61dc01cdab0102", "69dc01cdab01020304050607080102030405060708",
		"41d801cdabffff0100000000332211", "0000010000ffffffff", "01200100", "014201cdabffff0000", // IEs that end in the middle
		"ffffffffffffffffffffffff", "016c01cdab"} {
		var f Frame
		if err := f.Parse(unhex(t, s)); err == nil {
			f.IE(IECSL)
			f.VendorIE(OUIThread, 0)
		}
	}
	if (&Frame{}).Parse(make([]byte, 128)) == nil {
		t.Error("128 bytes are no frame")
	}
}

func TestFCS(t *testing.T) {
	b := unhex(t, "1210175b"+"0000")[:3]
	b = append(b, 0, 0)
	SetFCS(b)
	if !CheckFCS(b) || hex.EncodeToString(b) != "12101782c1" {
		t.Errorf("%x", b)
	}
	b[0] ^= 1
	if CheckFCS(b) || CheckFCS(nil) || CheckFCS([]byte{1}) {
		t.Error("a wrong check sequence")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"41d801cdabffff01000000003322117f3b02f04d4c4d4c6238001500000000000000000157da13be957c3e545d1e5d92",
		"12101782c1", "6998eecdab00f001f00d0000000001224ac28a6f5b299b08f7e18495f51c40dc8b", "03080000ffffffff0000", "00c0"} {
		f.Add(unhex(f, s))
	}
	key := NewKey([16]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var g, h Frame
		if g.Parse(b) != nil {
			return
		}
		g.IE(IECSL)
		g.VendorIE(OUIThread, 0)
		g.CSL()
		g.Open(make([]byte, MaxPSDU), key, ExtAddr{})
		again := g.Append(nil)
		if h.Parse(again) != nil {
			t.Fatalf("%x does not parse as what it was: %x", again, b)
		}
		if g.Dst != h.Dst || g.Src != h.Src || !bytes.Equal(g.Payload, h.Payload) || g.Security != h.Security {
			t.Fatalf("%+v became %+v", g, h)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	key := NewKey([16]byte{1, 2, 3})
	f := Frame{Type: Data, Version: Version2006, Dst: ShortAddr(1), Src: ShortAddr(2), DstPAN: 3, SrcPAN: 3, HasDstPAN: true, HasSrcPAN: true,
		Security: Security{Level: EncMIC32, Mode: KeyIDMode1, Counter: 5, KeyIndex: 1}, Payload: make([]byte, 100)}
	f.Plan()
	psdu := f.AppendSealed(nil, key, ExtAddr{9})
	room := make([]byte, MaxPSDU)
	var g Frame
	b.ReportAllocs()
	for b.Loop() {
		if g.Parse(psdu) != nil {
			b.Fatal("parse")
		}
		if _, ok := g.Open(room, key, ExtAddr{9}); !ok {
			b.Fatal("open")
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	key := NewKey([16]byte{1, 2, 3})
	f := Frame{Type: Data, Version: Version2006, Dst: ShortAddr(1), Src: ShortAddr(2), DstPAN: 3, SrcPAN: 3, HasDstPAN: true, HasSrcPAN: true,
		Security: Security{Level: EncMIC32, Mode: KeyIDMode1, Counter: 5, KeyIndex: 1}, Payload: make([]byte, 100)}
	f.Plan()
	room := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		f.AppendSealed(room, key, ExtAddr{9})
	}
}
