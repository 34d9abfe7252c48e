package joining

import (
	"math/rand/v2"
	"testing"

	"heddle.example/thread/meshcop"
)

func TestPasswords(t *testing.T) {
	for s, want := range map[string]bool{"J01NME": true, "J01NM": false, "J01NMI": false, "j01nme": false, "": false,
		"ABCDEFGHJKLMNPRSTUVWXY0123456789": true, "ABCDEFGHJKLMNPRSTUVWXY01234567890": false} {
		if ValidPassword(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

type quiet struct{ RouterEnv }

// What comes over the mesh has any shape.
func TestOddRelays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	j := NewJoinerRouter(quiet{})
	c := &Commissioner{state: Active}
	for range 20000 {
		b := make([]byte, r.IntN(60))
		for i := range b {
			b[i] = byte(r.IntN(24))
		}
		j.RelayTx(0, b)
		c.RelayRx(0, b)
	}
}

// The entry for a joiner: its own, then the longest discerner, then the one for all.
func TestEntryFor(t *testing.T) {
	own := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	all, one := &Entry{Kind: Anybody}, &Entry{Kind: ByEUI64, EUI64: own}
	short, long := &Entry{Kind: ByDiscerner, Discerner: Discerner{0xabc, 12}}, &Entry{Kind: ByDiscerner, Discerner: Discerner{0x1abc, 16}}
	c := &Commissioner{entries: []*Entry{all, short, long, one}}
	for _, x := range []struct {
		id   meshcop.JoinerID
		want *Entry
	}{
		{meshcop.NewJoinerID(own), one},
		{meshcop.JoinerID{2, 0, 0, 0, 0, 0, 0x1a, 0xbc}, long},
		{meshcop.JoinerID{2, 0, 0, 0, 0, 0, 0x2a, 0xbc}, short},
		{meshcop.JoinerID{2, 0, 0, 0, 0, 0, 0x2a, 0xbd}, all},
	} {
		if got := c.entryFor(x.id); got != x.want {
			t.Errorf("%x: %+v", x.id, got)
		}
	}
}
