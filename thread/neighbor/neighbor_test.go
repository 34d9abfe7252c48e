package neighbor

import (
	"math/rand/v2"
	"slices"
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func newTable(max int) *Table { return New(max, -100, testRand{rand.New(rand.NewPCG(1, 2))}) }

const second = machine.Time(1e9)

func ext(n int) ieee802154.ExtAddr { return ieee802154.ExtAddr{0x02, 6: byte(n >> 8), 7: byte(n)} }

// The mean counts in 1/8 dBm, arithmetic for eight values; the figures are those of OpenThread's test_link_quality.
func TestRSSAverage(t *testing.T) {
	for _, c := range []struct {
		in   []int8
		want int8
	}{
		{nil, NoRSSI},
		{[]int8{-70}, -70},
		{[]int8{0}, 0},
		{[]int8{20}, 0},
		{[]int8{-128}, -128},
		{[]int8{-70, -71}, -71}, // a half goes down
		{[]int8{-70, -70, -70, -71}, -70},
		{[]int8{-20, -100}, -60},
		{[]int8{-80, -80, -80, -80, -80, -80, -80, -80, -20}, -73}, // 72.5 up to the rounding of the division
	} {
		var a RSSAverage
		for _, v := range c.in {
			a.Add(v)
		}
		if got := a.Average(); got != c.want {
			t.Errorf("%v: %d, want %d", c.in, got, c.want)
		}
	}
}

func TestLinkQuality(t *testing.T) {
	l := NewLinkInfo(-100)
	if l.AddRSS(-79); l.QualityIn() != 3 { // margin 21: no hysteresis on the first
		t.Errorf("quality %d", l.QualityIn())
	}
	l.Clear()
	for _, c := range []struct {
		rss  int8
		want uint8
	}{{-98, 0}, {-96, 0}, {-95, 1}, {-90, 1}, {-88, 1}, {-87, 2}, {-79, 2}, {-77, 3}, {-79, 3}, {-80, 2}, {-82, 2}, {-90, 1}, {-98, 0}} {
		last := l.in
		l.rss = RSSAverage{}
		l.rss.Add(c.rss)
		l.in = quality(l.Margin(), last)
		if l.in != c.want {
			t.Errorf("%d dBm after quality %d: %d, want %d", c.rss, last, l.in, c.want)
		}
	}
	for m, want := range map[uint8]uint8{0: 0, 2: 0, 3: 1, 10: 1, 11: 2, 20: 2, 21: 3, 127: 3} {
		if got := QualityForMargin(m); got != want {
			t.Errorf("margin %d: %d, want %d", m, got, want)
		}
	}
	if Margin(-100, NoRSSI) != 0 || Margin(-100, -105) != 0 || Margin(-100, 40) != 127 {
		t.Error("margin")
	}
	if Cost(0) != 16 || Cost(1) != 4 || Cost(2) != 2 || Cost(3) != 1 {
		t.Error("cost")
	}
	var e ErrorRate
	for range 1000 {
		e.Add(false, 128)
	}
	if e != 0xFFFF && e < 0xFF00 {
		t.Errorf("error rate %#x", e)
	}
}

// 511 children, found by every address that they have, while some go and others come.
func TestChildren(t *testing.T) {
	tab := newTable(MaxChildID)
	tab.Self.Role, tab.Self.RLOC16 = RoleRouter, 0x2800
	tab.SetMeshLocal(ip6.Network{0xfd})
	eid := func(n, k int) ip6.Address { return ip6.Address{0xfd, 1, 2, 14: byte(n >> 8), 15: byte(n), 13: byte(k)} }
	add := func(n int) *Child {
		c := tab.NewChild(ext(n))
		if c == nil {
			return nil
		}
		tab.SetChildRLOC16(c, tab.FreeChildRLOC16())
		c.SetState(second, Valid)
		if !c.AddAddress(ip6.Join(tab.Self.MeshLocal, ip6.IID{7: byte(n), 6: byte(n >> 8), 0: 9}), 9) {
			t.Fatal("mesh-local")
		}
		for k := range 9 {
			if !c.AddAddress(eid(n, k), 9) {
				t.Fatalf("address %d of %d", k, n)
			}
		}
		if c.AddAddress(eid(n, 10), 9) || c.AddAddress(eid(n, 1), 20) || c.AddAddress(ip6.Address{}, 20) {
			t.Fatal("an address too many")
		}
		return c
	}
	var all []*Child
	for n := range MaxChildID {
		all = append(all, add(n))
	}
	if add(9999) != nil {
		t.Fatal("512 children")
	}
	check := func() {
		t.Helper()
		for _, c := range all {
			n := int(c.Ext[6])<<8 | int(c.Ext[7])
			ml, _ := c.MeshLocal()
			for _, f := range []*Neighbor{
				tab.FindExt(c.Ext, InValid), tab.FindShort(c.RLOC16, InValid), tab.FindIP(eid(n, 3), InValid), tab.FindIP(ml, InValid),
				tab.FindIP(ip6.LinkLocal(c.Ext), InValid), tab.FindIP(ip6.RLOC(tab.Self.MeshLocal, c.RLOC16), InValid),
				tab.Find(ieee802154.ShortAddr(c.RLOC16), InAny), tab.Find(ieee802154.ExtendedAddr(c.Ext), InValidOrRestoring),
			} {
				if f.Child() != c || f.Router() != nil {
					t.Fatalf("child %d: %v", n, f)
				}
			}
			if tab.FindExt(c.Ext, InChildIDRequest) != nil {
				t.Fatal("filter")
			}
		}
	}
	check()
	gone := all[100]
	tab.RemoveChild(gone)
	tab.RemoveChild(all[200])
	if gone.State != Invalid || tab.FindExt(gone.Ext, InAny) != nil || tab.FindIP(eid(100, 3), InAny) != nil {
		t.Fatal("a removed child is found")
	}
	all[100], all[200] = add(1000), add(1001)
	if all[100].RLOC16 != gone.RLOC16 || tab.ChildAt(100) != all[100] || tab.ChildAt(511) != nil {
		t.Fatalf("rloc16 %04x, want %04x", all[100].RLOC16, gone.RLOC16)
	}
	check()
	tab.SetMeshLocal(ip6.Network{0xfd, 9})
	check()
	if tab.SetMaxChildren(5) {
		t.Error("fewer children than there are")
	}
	for c := range tab.Children(InValid) {
		if c.RLOC16&1 == 0 {
			tab.RemoveChild(c)
		}
	}
	if n := tab.ChildCount(InAny); n != 256 {
		t.Errorf("%d children left", n)
	}
	c := tab.ChildByExt(ext(0), InAny)
	if !c.RemoveAddress(eid(0, 0)) || c.RemoveAddress(eid(0, 0)) || c.Addresses()[0] != eid(0, 8) || tab.FindIP(eid(0, 0), InAny) != nil {
		t.Error("remove an address")
	}
	tab.Self.Role = RoleChild
	if tab.FindExt(c.Ext, InAny) != nil {
		t.Error("a child has children")
	}
	if allocs := testing.AllocsPerRun(100, func() { tab.ChildByExt(c.Ext, InAny) }); allocs != 0 {
		t.Errorf("%v allocations in a lookup", allocs)
	}
}

func TestChildIDsWrap(t *testing.T) {
	tab := newTable(3)
	tab.Self.Role, tab.Self.RLOC16 = RoleRouter, 0x0400
	var got []uint16
	for i := range 3 {
		c := tab.NewChild(ext(i))
		tab.SetChildRLOC16(c, tab.FreeChildRLOC16())
		got = append(got, c.RLOC16)
	}
	tab.next = MaxChildID - 1
	got = append(got, tab.FreeChildRLOC16(), tab.FreeChildRLOC16())
	if want := []uint16{0x0401, 0x0402, 0x0403, 0x05FF, 0x0404}; !slices.Equal(got, want) {
		t.Errorf("%04x, want %04x", got, want)
	}
}
