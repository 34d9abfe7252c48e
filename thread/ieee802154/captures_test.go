package ieee802154_test

import (
	"bytes"
	"testing"

	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/meshcop"
)

// Every frame that real nodes sent is parsed, and appended again to the same bytes.
func TestCapturesRoundTrip(t *testing.T) {
	for _, name := range captures.Names {
		list, err := captures.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range list {
			var f ieee802154.Frame
			if err := f.Parse(c.PSDU); err != nil {
				t.Fatalf("%s %d: %v: %x", name, i, err, c.PSDU)
			}
			if !ieee802154.CheckFCS(c.PSDU) {
				t.Errorf("%s %d: FCS", name, i)
			}
			if got := f.Append(nil); !bytes.Equal(got, c.PSDU) {
				t.Errorf("%s %d:\n got %x\nwant %x", name, i, got, c.PSDU)
			}
			if n := f.Overhead() + len(f.Payload); n != len(c.PSDU) || f.HeaderLen() != len(f.Header()) {
				t.Errorf("%s %d: overhead %d + payload is %d, not %d", name, i, f.Overhead(), n, len(c.PSDU))
			}
			g := f
			if g.Plan(); g.Compressed != f.Compressed || g.HasDstPAN != f.HasDstPAN || g.HasSrcPAN != f.HasSrcPAN {
				t.Errorf("%s %d: planned as %+v, was %+v", name, i, g, f)
			}
		}
	}
}

// joined is the random address that the joiner of commission-join took (its log has it).
var joined = ieee802154.ExtAddr{0x62, 0xa0, 0x01, 0x2a, 0xe6, 0xb0, 0x16, 0xb3}

// Every secured frame opens, and sealed again it is what the real node sent. The sender's extended address follows from
// its node number. The frames of a joining's last hop have a key of their own.
func TestCapturesOpen(t *testing.T) {
	secured, closed := 0, 0
	for _, name := range captures.Names {
		list, err := captures.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range list {
			var f ieee802154.Frame
			if err := f.Parse(c.PSDU); err != nil || !f.Secured() {
				continue
			}
			secured++
			sources := []ieee802154.ExtAddr{{0x11, 0x22, 0x33, 0, 0, 0, 0, byte(c.Node)}, joined}
			var sets []*ieee802154.Key
			switch f.Security.Mode {
			case ieee802154.KeyIDMode0:
				closed++
				continue
			case ieee802154.KeyIDMode1:
				for _, nk := range []meshcop.NetworkKey{captures.Key, captures.Key2} {
					sets = append(sets, keys.Derive(nk, uint32(f.Security.KeyIndex)-1).MAC)
				}
			case ieee802154.KeyIDMode2:
				sources = []ieee802154.ExtAddr{keys.Mode2Source}
				sets = append(sets, ieee802154.NewKey(keys.Mode2Raw))
			}
			opened := false
			for n := range len(sets) * len(sources) {
				key, source := sets[n/len(sources)], sources[n%len(sources)]
				text, ok := f.Open(make([]byte, 127), key, source)
				if !ok {
					continue
				}
				opened = true
				g := f
				g.Payload, g.MIC = text, nil
				if got := g.AppendSealed(nil, key, source); !bytes.Equal(got, c.PSDU) {
					t.Errorf("%s %d: sealed again:\n got %x\nwant %x", name, i, got, c.PSDU)
				}
			}
			if !opened {
				t.Errorf("%s %d: node %d: does not open: %x", name, i, c.Node, c.PSDU)
			}
		}
	}
	t.Logf("%d secured frames, %d under a key-encryption key", secured, closed)
	if secured < 170 {
		t.Errorf("only %d secured frames", secured)
	}
}
