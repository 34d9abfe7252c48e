package mesh

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
)

// recordedEnv has the contexts of the recordings.
type recordedEnv struct{ testNode }

func (recordedEnv) ContextByID(id uint8) (lowpan.Context, bool) {
	c := lowpan.Context{ID: id, Prefix: ip6.MustParsePrefix("fd00:db8::/64"), Compress: true}
	if id == 1 {
		c.Prefix = ip6.MustParsePrefix("fd11:22::/64")
	}
	return c, id <= 1
}

func (e recordedEnv) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	for id := range uint8(2) {
		if c, _ := e.ContextByID(id); c.Prefix.Contains(a) {
			return c, true
		}
	}
	return lowpan.Context{}, false
}

func openRecorded(c captures.Frame, f *ieee802154.Frame) []byte {
	if f.Parse(c.PSDU) != nil || f.Type != ieee802154.Data {
		return nil
	}
	if !f.Secured() {
		return f.Payload
	}
	for _, nk := range []meshcop.NetworkKey{captures.Key, captures.Key2} {
		if b, ok := f.Open(make([]byte, 127), keys.Derive(nk, uint32(f.Security.KeyIndex)-1).MAC,
			ieee802154.ExtAddr{0x11, 0x22, 0x33, 7: byte(c.Node)}); ok {
			return b
		}
	}
	return nil
}

// sentAs is the frames that a real node made of one datagram.
type sentAs struct {
	frames   [][]byte
	src, dst ieee802154.Address
	mesh     *lowpan.MeshHeader
	secured  bool
	tag      uint16
	ip       []byte
	size     int
}

// Every datagram that a real node sent, we put into the same frames, byte for byte.
func TestCapturesAreFramedAlike(t *testing.T) {
	env := &recordedEnv{}
	env.w = newWorld(t)
	m := New(Config{Table: neighbor.New(1, -100, nil), Rand: testRand{rand.New(rand.NewPCG(1, 2))}, FTD: true}, env)
	fragmented, whole := 0, 0
	for _, name := range captures.Names {
		list, err := captures.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		under := map[string]*sentAs{}
		for i, c := range list {
			var f ieee802154.Frame
			b := openRecorded(c, &f)
			if len(b) == 0 {
				continue
			}
			s := &sentAs{src: f.Src, dst: f.Dst, secured: f.Secured()}
			rest := b
			link := lowpan.LinkOf(f.Src, f.Dst)
			if lowpan.KindOf(b) == lowpan.Mesh {
				h, n, _ := lowpan.ParseMesh(b)
				if h.HopsLeft != meshHopsLeft {
					continue // passed on
				}
				s.mesh, rest = &h, b[n:]
				link = h.Link()
			}
			var h lowpan.FragmentHeader
			if lowpan.KindOf(rest) == lowpan.Fragment {
				var n int
				h, n, _ = lowpan.ParseFragment(rest)
				rest = rest[n:]
			}
			key := fmt.Sprint(c.Node, h.Tag)
			if h.Offset > 0 {
				if s = under[key]; s == nil || len(s.ip) != h.Offset {
					continue // a fragment that was sent again
				}
				s.ip = append(s.ip, rest...)
			} else {
				ip, used, err := lowpan.AppendDecompressed(nil, rest, link, env, h.Size)
				if err != nil {
					t.Fatalf("%s %d: %v", name, i, err)
				}
				s.ip, s.tag, s.size = append(ip, rest[used:]...), h.Tag, h.Size
				under[key] = s
			}
			s.frames = append(s.frames, bytes.Clone(b))
			if len(s.ip) < s.size {
				continue
			}
			if s.size > 0 {
				fragmented++
			} else {
				whole++
			}
			compare(t, fmt.Sprint(name, " ", i), m, s)
		}
	}
	t.Logf("%d in fragments, %d in one frame", fragmented, whole)
	if fragmented < 5 || whole < 200 {
		t.Error("too few")
	}
}

func compare(t *testing.T, where string, m *Mesh, s *sentAs) {
	t.Helper()
	x := &message{content: datagram, secure: s.secured, fragTag: s.tag, data: s.ip}
	var mesh lowpan.MeshHeader
	if s.mesh != nil {
		mesh = *s.mesh
	}
	for i, want := range s.frames {
		f := Frame{Src: s.src, Dst: s.dst}
		x.offset = m.fill(&f, x, x.offset, s.mesh != nil, mesh.Src, mesh.Dst)
		if !bytes.Equal(f.Payload, want) {
			t.Errorf("%s, frame %d:\n got %x\nwant %x", where, i, f.Payload, want)
			return
		}
		if f.FramePending != (i+1 < len(s.frames)) {
			t.Errorf("%s, frame %d: pending %v", where, i, f.FramePending)
		}
	}
	if x.offset != len(s.ip) {
		t.Errorf("%s: %d of %d are left", where, len(s.ip)-x.offset, len(s.ip))
	}
}
