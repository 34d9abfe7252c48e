package neighbor

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

func TestRouterSet(t *testing.T) {
	s := RouterSet(0).With(0).With(5).With(62)
	if s != 1<<63|1<<58|2 || s.Len() != 3 || s.Index(0) != 0 || s.Index(5) != 1 || s.Index(62) != 2 || s.Has(63) || s.Has(200) {
		t.Errorf("%064b", s)
	}
	var ids []uint8
	for id := s.Next(0); id <= MaxRouterID; id = s.Next(id + 1) {
		ids = append(ids, id)
	}
	if !bytes.Equal(ids, []uint8{0, 5, 62}) || s.Without(5).Has(5) || RouterSet(0).Next(0) != InvalidRouterID {
		t.Errorf("%v", ids)
	}
}

func TestParseRoute(t *testing.T) {
	v := []byte{7, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x01, 0xB2}
	r, err := ParseRoute(v)
	if err != nil || r.IDSequence != 7 || !bytes.Equal(r.Append(nil), v) {
		t.Fatalf("%+v %v", r, err)
	}
	if d, ok := r.Of(62); !ok || d.Out() != 2 || d.In() != 3 || d.Cost() != 2 || d.TwoWay() != 2 {
		t.Errorf("%x", d)
	}
	if _, ok := r.Of(1); ok {
		t.Error("1 is not there")
	}
	if r, err = ParseRoute(append(v, 9, 9)); err != nil || len(r.Data) != 2 {
		t.Error("bytes behind")
	}
	for _, bad := range [][]byte{nil, v[:8], v[:10], {0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, bytes.Repeat([]byte{0xFE}, 72)} {
		if _, err := ParseRoute(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
}

func FuzzRoute(f *testing.F) {
	f.Add([]byte{7, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x01, 0xB2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRoute(b)
		if err != nil {
			return
		}
		for id := range uint8(255) {
			r.Of(id)
		}
		tab := newTable(1)
		tab.Self.Role, tab.Self.RLOC16 = RoleRouter, 0
		tab.UpdateRouterSet(0, 1, r.Mask.With(0).With(1))
		if n := tab.Router(1); n != nil {
			n.State, n.Link.Out = Valid, 3
			n.Link.AddRSS(-20)
		}
		tab.UpdateRoutes(0, r, 1)
		if _, err := ParseRoute(tab.AppendRoute(nil, nil)); err != nil {
			t.Fatal("our own Route64 is malformed")
		}
	})
}

// node is a router table in a small world where advertisements are function calls.
type node struct {
	*Table
	resets, adverts int
	forgot          []uint8
}

func world(n int) []*node {
	w := make([]*node, n)
	for i := range w {
		m := &node{Table: newTable(1)}
		m.Self.Role, m.Self.RLOC16, m.Self.LeaderID, m.Self.Ext = RoleRouter, RouterRLOC16(uint8(i)), 0, ext(i)
		m.Hooks = Hooks{ResetAdvertise: func() { m.resets++ }, UnicastAdvert: func(*Router) { m.adverts++ }, RouterForgotten: func(id uint8) { m.forgot = append(m.forgot, id) }}
		var set RouterSet
		for id := range n {
			set = set.With(uint8(id))
		}
		m.UpdateRouterSet(0, 1, set)
		w[i] = m
	}
	return w
}

func link(a, b *node, rss int8) {
	for _, p := range [][2]*node{{a, b}, {b, a}} {
		r := p[0].Router(RouterID(p[1].Self.RLOC16))
		r.Ext, r.State = p[1].Self.Ext, Valid
		r.Link.AddRSS(rss)
		r.Link.Out = r.Link.QualityIn()
	}
}

func unlink(a, b *node) {
	for _, p := range [][2]*node{{a, b}, {b, a}} {
		r := p[0].Router(RouterID(p[1].Self.RLOC16))
		p[0].RemoveRouterLink(0, r)
		r.Link.Clear()
		r.State = Invalid
	}
}

func advertise(w []*node, rounds int) {
	for range rounds {
		for _, m := range w {
			route, _ := ParseRoute(m.AppendRoute(nil, nil))
			for _, o := range w {
				if r := o.Router(RouterID(m.Self.RLOC16)); o != m && r.State == Valid {
					o.UpdateRoutes(0, route, r.RouterID())
				}
			}
		}
	}
}

func TestLineOfRouters(t *testing.T) {
	w := world(5)
	for i := range 4 {
		link(w[i], w[i+1], -20)
	}
	advertise(w, 5)
	for i, m := range w {
		for j := range w {
			hop, cost := m.NextHop(RouterRLOC16(uint8(j)))
			step := 0
			if j > i {
				step = 1
			} else if j < i {
				step = -1
			}
			if hop != RouterRLOC16(uint8(i+step)) || int(cost) != max(i-j, j-i) {
				t.Errorf("%d -> %d: hop %04x, cost %d", i, j, hop, cost)
			}
		}
		if hop, cost := m.NextHop(0x0401); i == 0 && (hop != 0x0400 || cost != 2) {
			t.Errorf("to a child of 1: %04x %d", hop, cost)
		}
	}
	if w[0].resets == 0 {
		t.Error("a new path does not reset the interval")
	}
	// The line breaks: the costs of what is behind the break count up until there is no path.
	unlink(w[2], w[3])
	advertise(w, 20)
	for j := 3; j < 5; j++ {
		if hop, cost := w[0].NextHop(RouterRLOC16(uint8(j))); hop != InvalidRLOC16 || cost < MaxRouteCost {
			t.Errorf("0 -> %d over the break: %04x, %d", j, hop, cost)
		}
	}
	w[0].UpdateRouterSet(0, 2, w[0].RouterSet().Without(4))
	if w[0].RouterCount() != 4 || w[0].Router(4) != nil || len(w[0].forgot) != 1 || w[0].forgot[0] != 4 {
		t.Errorf("the leader took 4's id: %v forgotten", w[0].forgot)
	}
}

// A weak direct link loses to two strong ones.
func TestBetterOverNeighbour(t *testing.T) {
	w := world(3)
	link(w[0], w[1], -20)
	link(w[1], w[2], -20)
	link(w[0], w[2], -94) // margin 6: quality 1, cost 4
	advertise(w, 3)
	if hop, cost := w[0].NextHop(0x0800); hop != 0x0400 || cost != 2 {
		t.Errorf("%04x %d", hop, cost)
	}
	unlink(w[0], w[1])
	advertise(w, 3)
	if hop, cost := w[0].NextHop(0x0800); hop != 0x0800 || cost != 4 {
		t.Errorf("direct: %04x %d", hop, cost)
	}
	if hop, cost := w[0].NextHop(0x0400); hop != 0x0800 || cost != 5 {
		t.Errorf("back: %04x %d", hop, cost)
	}
}

// Random graphs: the paths that advertisements find are the cheapest ones, as Floyd and Warshall find them.
func TestRandomGraphs(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		n := 4 + r.IntN(20)
		w := world(n)
		d := make([][]int, n)
		for i := range d {
			d[i] = make([]int, n)
			for j := range d[i] {
				if d[i][j] = 100; i == j {
					d[i][j] = 0
				}
			}
		}
		for i := range n {
			for range 2 {
				j := r.IntN(n)
				if i == j || d[i][j] < 100 {
					continue
				}
				rss := []int8{-20, -85, -94}[r.IntN(3)]
				link(w[i], w[j], rss)
				d[i][j] = int(Cost(QualityForMargin(Margin(-100, rss))))
				d[j][i] = d[i][j]
			}
		}
		for k := range n {
			for i := range n {
				for j := range n {
					d[i][j] = min(d[i][j], d[i][k]+d[k][j])
				}
			}
		}
		advertise(w, 20)
		for i := range n {
			for j := range n {
				if c := int(w[i].PathCost(RouterRLOC16(uint8(j)))); d[i][j] < 15 && c != d[i][j] {
					t.Errorf("seed %d, %d -> %d: cost %d, want %d", seed, i, j, c, d[i][j])
				}
			}
		}
	}
}

func TestUnicastAdvert(t *testing.T) {
	w := world(2)
	link(w[0], w[1], -20)
	w[1].Router(0).Link.Clear()
	route, _ := ParseRoute(w[1].AppendRoute(nil, nil))
	w[0].Router(1).Link.Out = 3
	w[0].UpdateRoutes(0, route, 1) // 1 says: quality in 0, so our two-way quality is 0
	if w[0].adverts != 0 || w[0].Router(1).Link.Out != 0 {
		t.Error("one-way link")
	}
	route.Data[0] = byte(NewRouteData(3, 0, 0))
	w[0].UpdateRoutes(0, route, 1)
	if w[0].adverts != 1 {
		t.Error("1 believes that it is not heard, and nobody tells it")
	}
}

func TestLeaderAssigns(t *testing.T) {
	tab := newTable(1)
	tab.Self.Role, tab.Self.RLOC16 = RoleLeader, 0x1400
	now := machine.Time(0)
	tab.sequence = 250
	if r := tab.Allocate(now, 5); r == nil || r.RLOC16 != 0x1400 {
		t.Fatal("own id")
	}
	seen := map[uint8]bool{5: true}
	for range MaxRouters - 1 {
		r := tab.Allocate(now, 5) // taken: another one
		if r == nil || seen[r.RouterID()] {
			t.Fatal("no other id")
		}
		seen[r.RouterID()] = true
	}
	if tab.Allocate(now, InvalidRouterID) != nil {
		t.Error("33 routers")
	}
	if tab.IDSequence() != 250+32-256 {
		t.Errorf("sequence %d", tab.IDSequence())
	}
	var victim uint8
	for r := range tab.Routers() {
		if id := r.RouterID(); id != 5 {
			victim = id
			break
		}
	}
	if !tab.Release(now, victim) || tab.Release(now, victim) {
		t.Fatal("release")
	}
	for range 99 {
		now += second
		tab.TickRouters(now)
	}
	if tab.assignable(victim) {
		t.Error("reused before 100 s")
	}
	now += second
	tab.TickRouters(now)
	if r := tab.Allocate(now, victim); r == nil || r.RouterID() != victim {
		t.Error("not reused after 100 s")
	}
	if !tab.SetIDRange(10, 12) || tab.SetIDRange(12, 10) || tab.SetIDRange(0, 63) {
		t.Error("range")
	}
	tab.ClearRouters()
	for range 3 {
		if r := tab.Allocate(now, InvalidRouterID); r == nil || r.RouterID() < 10 || r.RouterID() > 12 {
			t.Error("outside of the range")
		}
	}
	if tab.Allocate(now, InvalidRouterID) != nil {
		t.Error("a fourth of three ids")
	}
	s := tab.IDSequence()
	tab.TickRouters(now + 10*second)
	if tab.IDSequence() != s+1 || tab.LeaderAge(now+12*second) != 2*time.Second {
		t.Error("the sequence grows each ten seconds")
	}
}

func TestRouteOfLinkAccept(t *testing.T) {
	w := world(32)
	w[31].sequence = 10
	r, err := ParseRoute(w[31].AppendRoute(nil, w[31].Router(7)))
	if err != nil || r.Mask.Len() != 20 || r.IDSequence != 10-64+256 {
		t.Fatalf("%d routers, sequence %d, %v", r.Mask.Len(), r.IDSequence, err)
	}
	for _, id := range []uint8{0, 7, 31} {
		if !r.Mask.Has(id) {
			t.Errorf("%d is cut", id)
		}
	}
	if w[0].NewerSequence(Route{IDSequence: 2}) != true || w[0].NewerSequence(Route{IDSequence: 1}) || w[0].NewerSequence(Route{IDSequence: 200}) {
		t.Error("newer")
	}
}

func TestChildRoutes(t *testing.T) {
	tab := newTable(1)
	tab.Self.Role, tab.Self.RLOC16 = RoleChild, 0x0401
	tab.Parent.RLOC16, tab.Parent.State, tab.Parent.Ext = 0x0400, Valid, ext(1)
	tab.Parent.Link.AddRSS(-85) // quality 2
	tab.UpdateRouterSet(0, 3, RouterSet(0).With(0).With(1).With(2))
	tab.UpdateRoutesOnChild(Route{3, RouterSet(0).With(0).With(1).With(2), []byte{0x03, 0x01, 0x00}}, 1)
	for _, c := range []struct {
		dst, hop uint16
		cost     uint8
	}{
		{0x0401, 0x0401, 0}, {0x0400, 0x0400, 2}, {0x0402, 0x0400, 3}, {0x0000, 0x0400, 5}, {0x0003, 0x0400, 6}, {0x0800, 0x0400, 16},
	} {
		if hop, cost := tab.NextHop(c.dst); hop != c.hop && cost < 16 || cost != c.cost {
			t.Errorf("to %04x: %04x %d", c.dst, hop, cost)
		}
	}
	if tab.Find(ieee802154.ShortAddr(0x0400), InValid).Router() != &tab.Parent.Router {
		t.Error("parent")
	}
	r := tab.Router(2)
	r.CopyFrom(&tab.Parent.Neighbor)
	if r.RLOC16 != 0x0800 || r.Ext != ext(1) || r.Neighbor.Router() != r {
		t.Error("copy")
	}
	if tab.FindRxOnly(ieee802154.ExtendedAddr(ext(1))) != &r.Neighbor || tab.FindRxOnly(ieee802154.ShortAddr(0x0000)) != nil {
		t.Error("receive-only neighbour")
	}
}

func BenchmarkAdvertisement(b *testing.B) {
	w := world(32)
	for i := range w {
		for j := range i {
			link(w[i], w[j], -20)
		}
	}
	advertise(w, 2)
	v := w[1].AppendRoute(nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		r, _ := ParseRoute(v)
		w[0].UpdateRoutes(0, r, 1)
	}
}
