package mle

import (
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// evil is a node that has the network key and says what it likes, from any extended address.
func (b *bench) evil() *benchNode {
	n := b.add("rdn")
	n.Start(b.now)
	n.table.ClearRouters()
	n.timers.init()
	return n
}

// say has an evil node send TLVs from an address.
func (n *benchNode) say(ext ieee802154.ExtAddr, c Command, to ip6.Address, tlvs []byte) {
	n.ext = ext
	n.send(n.b.now, append(n.begin(c), tlvs...), to)
	n.timers.init()
}

func parentRequestTLVs(i int) []byte {
	b := AppendMode(nil, neighbor.ModeRxOnWhenIdle)
	b = AppendChallenge(b, []byte{1, 2, 3, 4, 5, 6, byte(i >> 8), byte(i)})
	b = AppendScanMask(b, ScanRouters)
	return AppendVersion(b, Version)
}

// Thousands of strangers ask for a parent. The table holds ten, what waits to be sent is bounded, the rest is counted; when
// it is over, a child gets in as ever.
func TestFloodOfParentRequests(t *testing.T) {
	b := newBench(t)
	n := b.form()
	e := b.evil()
	for i := range 5000 {
		e.say(ieee802154.ExtAddr{0xEE, 6: byte(i >> 8), 7: byte(i)}, ParentRequest, ip6.LinkLocalAllRouters, parentRequestTLVs(i))
		if i%10 == 0 {
			b.run(2 * time.Millisecond)
		}
	}
	b.run(10 * time.Millisecond)
	if c := n.table.ChildCount(neighbor.InAny); c > 10 || len(n.delayed) > mostDelayed || n.FTDCounters().ChildTableFull < 4000 {
		t.Errorf("%d children, %d messages to be sent, %d refused", c, len(n.delayed), n.FTDCounters().ChildTableFull)
	}
	n.is(Leader)
	b.run(8 * time.Second)
	if c := n.table.ChildCount(neighbor.InAny); c != 0 {
		t.Errorf("%d strangers are still children", c)
	}
	b.child("rn")
	// The same one again and again: one entry, one answer at a time.
	before := len(b.records[ParentResponse])
	for i := range 1000 {
		e.say(ieee802154.ExtAddr{0xEF}, ParentRequest, ip6.LinkLocalAllRouters, parentRequestTLVs(i))
		b.run(time.Millisecond)
	}
	b.run(time.Second)
	if got := len(b.records[ParentResponse]) - before; got > 3 || n.FTDCounters().DuplicateRequest < 990 {
		t.Errorf("%d responses, %d duplicates", got, n.FTDCounters().DuplicateRequest)
	}
}

// A child that claims another's RLOC16 is thrown out itself, and the other one stays.
func TestChildClaimsAnothersID(t *testing.T) {
	b := newBench(t)
	n := b.form()
	good, bad := b.child("rn"), b.child("rn")
	goodRLOC := good.rloc16
	tlvs := AppendSourceAddress(nil, goodRLOC)
	tlvs = AppendMode(tlvs, neighbor.ModeRxOnWhenIdle)
	bad.send(b.now, append(bad.begin(ChildUpdateResponse), tlvs...), n.LinkLocal())
	b.run(50 * time.Millisecond)
	if n.table.ChildByExt(bad.ext, neighbor.InAny) != nil {
		t.Error("the impostor is still a child")
	}
	if c := n.table.ChildByShort(goodRLOC, neighbor.InValid); c == nil || c.Ext != good.ext {
		t.Error("the other child is gone")
	}
	// And one that says that it is a child of ours is told that it is not.
	before := len(b.records[ChildUpdateResponse])
	bad.send(b.now, AppendMode(bad.begin(ChildUpdateRequest), neighbor.ModeRxOnWhenIdle), n.LinkLocal())
	b.run(50 * time.Millisecond)
	if len(b.records[ChildUpdateResponse]) == before {
		t.Error("no answer to one that is no child")
	}
	if n.table.ChildCount(neighbor.InAny) != 1 {
		t.Error("children")
	}
}

// A Child ID Request without the answer to our challenge makes nobody a child.
func TestChildIDRequestWithoutResponse(t *testing.T) {
	b := newBench(t)
	n := b.form()
	e := b.evil()
	ext := ieee802154.ExtAddr{0xEE}
	request := func(response []byte) []byte {
		tlvs := AppendResponse(nil, response)
		tlvs = AppendMLEFrameCounter(AppendLinkFrameCounter(tlvs, 0), 0)
		tlvs = AppendTimeout(AppendMode(tlvs, neighbor.ModeRxOnWhenIdle|neighbor.ModeFTD), 240)
		return AppendRequest(AppendVersion(tlvs, Version), TLVAddress16, TLVNetworkData)
	}
	e.say(ext, ChildIDRequest, n.LinkLocal(), request(make([]byte, 8)))
	e.say(ext, ParentRequest, ip6.LinkLocalAllRouters, parentRequestTLVs(1))
	b.run(2 * time.Millisecond)
	e.say(ext, ChildIDRequest, n.LinkLocal(), request(make([]byte, 8)))
	b.run(time.Second)
	e.say(ext, ChildIDRequest, n.LinkLocal(), request(make([]byte, 8)))
	b.run(time.Second)
	if n.table.ChildCount(neighbor.InValid) != 0 || n.FTDCounters().BadResponse != 2 {
		t.Errorf("%d children, %d bad responses", n.table.ChildCount(neighbor.InValid), n.FTDCounters().BadResponse)
	}
}

// Route64s with nonsense: whatever a stranger with the key, or a neighbour, says, the leader keeps its id, no table grows
// over 32, and the network stands.
func TestForgedRoute64(t *testing.T) {
	b := line(t, 3)
	e := b.evil()
	route := func(sequence uint8, mask neighbor.RouterSet, data byte) []byte {
		v := neighbor.Route{IDSequence: sequence, Mask: mask}.Append(nil)
		for range mask.Len() {
			v = append(v, data)
		}
		return v
	}
	all := ^neighbor.RouterSet(0)
	one, two := b.nodes[0], b.nodes[1]
	for i, v := range [][]byte{
		nil, {1}, make([]byte, 8), route(200, all, 0xFF), route(200, all<<1, 0xFF), route(200, all<<32, 0xF1),
		append([]byte{9, 0xFF, 0xFF}, make([]byte, 6)...), route(77, 0, 0), route(90, 1, 0xF1),
	} {
		for _, source := range []uint16{two.rloc16, one.rloc16, 0xFC00, 0xFFFE, 62 << 10, two.rloc16 | 5} {
			tlvs := AppendSourceAddress(nil, source)
			tlvs = AppendLeaderData(tlvs, one.LeaderData())
			tlvs = AppendTLV(tlvs, TLVRoute, v)
			e.say(ieee802154.ExtAddr{0xEE, 7: byte(i)}, Advertisement, ip6.LinkLocalAllNodes, tlvs)
			e.say(ieee802154.ExtAddr{0xEE, 7: byte(i)}, LinkAccept, one.LinkLocal(), tlvs)
			b.run(20 * time.Millisecond)
		}
	}
	e.dead = true
	for _, n := range b.nodes[:3] {
		if n.table.RouterCount() > neighbor.MaxRouters {
			t.Errorf("%d routers", n.table.RouterCount())
		}
	}
	b.run(3 * time.Minute)
	if got := b.roles(); got != "lrr-" || !b.onePartition() {
		t.Fatal(got)
	}
	for _, n := range b.nodes[:3] {
		if n.table.RouterCount() != 3 {
			t.Errorf("%d knows %d routers", n.id, n.table.RouterCount())
		}
		for _, o := range b.nodes[:3] {
			if n != o && n.route(o.rloc16) != o {
				t.Errorf("no path %d -> %d", n.id, o.id)
			}
		}
	}
	if one.FTDCounters().ForgedIdentity == 0 {
		t.Error("nothing was counted")
	}
}

// A neighbour that turned evil says that the leader has no id.
func TestNeighbourTakesLeadersID(t *testing.T) {
	b := line(t, 2)
	one, two := b.nodes[0], b.nodes[1]
	v := neighbor.Route{IDSequence: one.table.IDSequence() + 5, Mask: neighbor.RouterSet(0).With(two.RouterID()), Data: []byte{1}}
	tlvs := AppendLeaderData(AppendSourceAddress(nil, two.rloc16), one.LeaderData())
	two.send(b.now, append(two.begin(Advertisement), AppendTLV(tlvs, TLVRoute, v.Append(nil))...), ip6.LinkLocalAllNodes)
	b.run(100 * time.Millisecond)
	if one.role != Leader || !one.table.IsAllocated(one.RouterID()) || one.FTDCounters().ForgedIdentity != 1 {
		t.Error("the leader lost its id")
	}
}

// Requests for router ids: garbage gets no answer, a flood ends at 32, and only the owner gives an id back.
func TestForgedSolicits(t *testing.T) {
	b := line(t, 2)
	one, two := b.nodes[0], b.nodes[1]
	src := ip6.RLOC(one.meshLocal, two.rloc16)
	for _, p := range [][]byte{nil, {1}, {1, 8, 0}, {1, 2, 0, 0}, AppendTLV(nil, tmfExtAddress, make([]byte, 8))} {
		if _, ok := one.HandleSolicit(b.now, src, p); ok {
			t.Errorf("%x is answered", p)
		}
		if one.HandleRelease(b.now, p) {
			t.Errorf("%x releases", p)
		}
	}
	status := func(b []byte) uint8 { x := Message{TLVs: b}; s, _ := x.uint8(tmfStatus); return s }
	ask := func(i int, why SolicitStatus) uint8 {
		p := AppendTLV(nil, tmfExtAddress, []byte{0xEE, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)})
		a, ok := one.HandleSolicit(b.now, src, append8(p, tmfStatus, uint8(why)))
		if !ok {
			return 99
		}
		return status(a)
	}
	if s := ask(1, 77); s != uint8(SolicitUnrecognized) {
		t.Errorf("unknown status: %d", s)
	}
	got := map[uint8]int{}
	for i := range 100 {
		got[ask(i, SolicitTooFewRouters)]++
	}
	if got[0] != 14 || got[1] != 86 {
		t.Errorf("too few routers: %v", got)
	}
	for i := range 100 {
		got[ask(1000+i, SolicitHaveChildIDRequest)]++
	}
	if got[0] != 30 || one.table.RouterCount() != 32 {
		t.Errorf("%v, %d routers", got, one.table.RouterCount())
	}
	release := AppendTLV(append16(nil, tmfRLOC16, two.rloc16), tmfExtAddress, one.ext[:])
	if one.HandleRelease(b.now, release) || !one.table.IsAllocated(two.RouterID()) {
		t.Error("somebody else gave the id back")
	}
	// Ids that nobody uses come back after 90 s, and may be used again after another 100 s. The other router may have made
	// room meanwhile: ids are scarce.
	b.run(95 * time.Second)
	if n := one.table.RouterCount(); n > 2 {
		t.Errorf("%d routers after 95 s", n)
	}
}

// A registration of more addresses than there is room for, and of the address of another child.
func TestAddressRegistration(t *testing.T) {
	b := newBench(t)
	n := b.form()
	one, two := b.child("rn"), b.child("rn")
	c1, c2 := n.table.ChildByExt(one.ext, neighbor.InValid), n.table.ChildByExt(two.ext, neighbor.InValid)
	same := ip6.Address{0x20, 1, 15: 7}
	update := func(from *benchNode, list ...ip6.Address) {
		m := AppendMode(from.begin(ChildUpdateRequest), neighbor.ModeRxOnWhenIdle)
		m, at := beginTLV(m, TLVAddressRegistration)
		for _, a := range list {
			m = n.AppendRegistered(m, a)
		}
		from.send(b.now, endTLV(m, at), n.LinkLocal())
		b.run(10 * time.Millisecond)
	}
	update(one, one.MeshLocalEID(), same)
	if n.table.FindIP(same, neighbor.InValid) != &c1.Neighbor || n.table.FindIP(one.MeshLocalEID(), neighbor.InValid) != &c1.Neighbor {
		t.Error("not registered")
	}
	update(two, two.MeshLocalEID(), same)
	if n.table.FindIP(same, neighbor.InValid) != &c2.Neighbor || c1.HasAddress(same) {
		t.Error("the last one does not have it")
	}
	var many []ip6.Address
	for i := range 12 {
		many = append(many, ip6.Address{0x20, 2, 15: byte(i)})
	}
	update(two, many...)
	if len(c2.Addresses()) != 3 || n.FTDCounters().AddressesRefused == 0 {
		t.Errorf("%d addresses", len(c2.Addresses()))
	}
}
