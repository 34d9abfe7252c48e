package lowpan_test

import (
	"bytes"
	"fmt"
	"testing"

	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/meshcop"
)

// recorded is the contexts of the recordings.
type recorded struct{}

var recordedContexts = [2]lowpan.Context{
	{ID: 0, Prefix: ip6.MustParsePrefix("fd00:db8::/64"), Compress: true},
	{ID: 1, Prefix: ip6.MustParsePrefix("fd11:22::/64"), Compress: true},
}

func (recorded) ContextByID(id uint8) (lowpan.Context, bool) {
	if int(id) < len(recordedContexts) {
		return recordedContexts[id], true
	}
	return lowpan.Context{}, false
}

func (recorded) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	for _, c := range recordedContexts {
		if c.Prefix.Contains(a) {
			return c, true
		}
	}
	return lowpan.Context{}, false
}

// open returns the payload of a data frame, or nil if it is not one or has a key that we lack.
func open(c captures.Frame, f *ieee802154.Frame) []byte {
	if f.Parse(c.PSDU) != nil || f.Type != ieee802154.Data {
		return nil
	}
	if !f.Secured() {
		return f.Payload
	}
	if f.Security.Mode != ieee802154.KeyIDMode1 {
		return nil
	}
	for _, nk := range []meshcop.NetworkKey{captures.Key, captures.Key2} {
		for _, src := range []ieee802154.ExtAddr{{0x11, 0x22, 0x33, 0, 0, 0, 0, byte(c.Node)}, {0x62, 0xa0, 0x01, 0x2a, 0xe6, 0xb0, 0x16, 0xb3}} {
			if b, ok := f.Open(make([]byte, 127), keys.Derive(nk, uint32(f.Security.KeyIndex)-1).MAC, src); ok {
				return b
			}
		}
	}
	return nil
}

// partial is a datagram of which fragments are missing, and how its first fragment had it.
type partial struct {
	ip     []byte
	header []byte
	link   lowpan.Link
	size   int
}

// Every datagram that real nodes sent is decompressed to one with a right checksum, and compressed again to the same bytes.
func TestCaptures(t *testing.T) {
	datagrams, meshed, fragments := 0, 0, 0
	for _, name := range captures.Names {
		list, err := captures.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		under := map[string]*partial{}
		for i, c := range list {
			var f ieee802154.Frame
			b := open(c, &f)
			if len(b) == 0 {
				continue
			}
			link := lowpan.LinkOf(f.Src, f.Dst)
			key := fmt.Sprint(c.Node, " to ", f.Dst)
			whole := b
			var again []byte
			if lowpan.KindOf(b) == lowpan.Mesh {
				m, n, err := lowpan.ParseMesh(b)
				if err != nil {
					t.Fatalf("%s %d: %v", name, i, err)
				}
				again = m.Append(again)
				b = b[n:]
				link = m.Link()
				meshed++
			}
			var fr lowpan.FragmentHeader
			if lowpan.KindOf(b) == lowpan.Fragment {
				var n int
				if fr, n, err = lowpan.ParseFragment(b); err != nil {
					t.Fatalf("%s %d: %v", name, i, err)
				}
				again = fr.Append(again)
				b = b[n:]
				key = fmt.Sprint(key, " tag ", fr.Tag)
				fragments++
			}
			if fr.Offset > 0 {
				p := under[key]
				if p == nil || len(p.ip) < fr.Offset {
					t.Fatalf("%s %d: fragment at %d of nothing", name, i, fr.Offset)
				}
				p.ip = append(p.ip[:fr.Offset], b...) // repeated by the MAC, perhaps
				if len(p.ip) == p.size {
					check(t, fmt.Sprint(name, " ", i), p.ip, p.header, p.link)
					datagrams++
				}
				continue
			}
			ip, used, err := lowpan.AppendDecompressed(nil, b, link, recorded{}, fr.Size)
			if err != nil {
				t.Fatalf("%s %d: %v: %x", name, i, err, whole)
			}
			ip = append(ip, b[used:]...)
			if fr.Size > 0 {
				under[key] = &partial{ip, b[:used], link, fr.Size}
			} else {
				check(t, fmt.Sprint(name, " ", i), ip, b[:used], link)
				datagrams++
			}
			if got := append(append(again, b[:used]...), b[used:]...); !bytes.Equal(got, whole) {
				t.Errorf("%s %d: headers %x became %x", name, i, whole, got)
			}
		}
	}
	t.Logf("%d datagrams, %d frames with mesh header, %d fragments", datagrams, meshed, fragments)
	if datagrams < 280 || meshed < 15 || fragments < 15 {
		t.Error("too few of something")
	}
}

func check(t *testing.T, where string, ip, header []byte, link lowpan.Link) {
	t.Helper()
	if err := ip6.Check(ip); err != nil {
		t.Errorf("%s: %v: %x", where, err, ip)
		return
	}
	p, err := ip6.ParsePacket(ip)
	if err != nil || !ip6.ChecksumOK(ip, p.At, p.Proto) {
		t.Errorf("%s: checksum: %v: %x", where, err, ip)
	}
	got, used, err := lowpan.AppendCompressed(nil, ip, link, recorded{}, 127)
	if err != nil || !bytes.Equal(got, header) {
		t.Errorf("%s: %v: compressed again:\n got %x\nwant %x\n for %x", where, err, got, header, ip[:used])
	}
}
