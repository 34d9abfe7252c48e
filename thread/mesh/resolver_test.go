package mesh

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
)

func (n *testNode) queries() (count int) {
	for _, p := range n.posts {
		if strings.HasPrefix(p, URIQuery) {
			count++
		}
	}
	return count
}

func (n *testNode) cache() (list []string) {
	n.m.Resolver.Entries(func(e *CacheEntry) {
		s := fmt.Sprintf("%x %04x %d", e.Target[15], e.RLOC16, e.State)
		if e.State != Cached {
			s += fmt.Sprintf(" evict=%v timeout=%d delay=%d ramp=%v", e.CanEvict, e.Timeout, e.RetryDelay, e.RampDown)
		}
		list = append(list, s)
	})
	return list
}

// Nobody answers: the datagram is dropped after the time-out; the next query has to wait, longer each time; after a quiet
// time the delay shrinks.
func TestQueryBackOff(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	nobody := ip6.Join(testNetwork, ip6.IID{7: 0xad})
	b := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: n[0].eid(), Dst: nobody}, 1, 2, nil)
	send := func(tag Tag) { _ = n[0].m.Send(w.now, &Datagram{IP: b, Tag: tag}) }
	send(1)
	w.run(50 * time.Millisecond)
	want(t, n[0].cache(), "ad fffe 2 evict=false timeout=3 delay=15 ramp=false")
	send(2) // waits with the first
	w.run(3500 * time.Millisecond)
	if n[0].results[1] != errAddressQuery || n[0].results[2] != errAddressQuery || n[0].queries() != 1 {
		t.Errorf("%v, %d queries", n[0].results, n[0].queries())
	}
	want(t, n[0].cache(), "ad fffe 3 evict=true timeout=15 delay=30 ramp=false")
	send(3)
	w.run(time.Second)
	if n[0].results[3] != errDrop || n[0].queries() != 1 {
		t.Errorf("%v, %d queries", n[0].results, n[0].queries())
	}
	w.run(15 * time.Second)
	want(t, n[0].cache(), "ad fffe 3 evict=true timeout=119 delay=30 ramp=true")
	send(4)
	w.run(5 * time.Second)
	if n[0].queries() != 2 {
		t.Errorf("%d queries", n[0].queries())
	}
	want(t, n[0].cache(), "ad fffe 3 evict=true timeout=28 delay=60 ramp=false")
	w.run(29 * time.Second)
	w.run(119 * time.Second)
	want(t, n[0].cache(), "ad fffe 3 evict=true timeout=120 delay=30 ramp=true")
	n[0].m.Resolver.Restart(w.now)
	w.run(10 * time.Millisecond)
	if n[0].queries() != 3 {
		t.Error("not asked again")
	}
	want(t, n[0].cache(), "ad fffe 2 evict=false timeout=3 delay=15 ramp=true")
	if i := n[0].m.Info(); i.Messages != 0 {
		t.Errorf("%+v", i)
	}
}

// A parent answers for its child, with how long it has not heard of it; who was asked learns from the datagram itself.
func TestQueryForChild(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	s, c := w.child(n[2], neighbor.ModeRxOnWhenIdle)
	c.LastHeard = w.now
	w.run(7 * time.Second)
	want(t, n[0].ping(s.eid(), 10, time.Second), "10 bytes from "+s.eid().String()+" hops 63")
	var e CacheEntry
	n[0].m.Resolver.Entries(func(x *CacheEntry) { e = *x })
	if e.RLOC16 != n[2].table.Self.RLOC16 || !e.Notified || e.LastTransaction != 7 || e.MeshLocal != s.eid().IID() {
		t.Errorf("%+v", e)
	}
	want(t, n[2].cache(), "1 0400 0") // the snooped entry was used for the answer
	// The child goes to another parent and is asked for again, once the old one says that it is not there.
	n[2].table.RemoveChild(c)
	s2, _ := w.child(n[1], neighbor.ModeRxOnWhenIdle)
	s2.addresses[0] = s.eid()
	c2 := n[1].table.ChildByShort(s2.table.Self.RLOC16, neighbor.InValid)
	c2.ClearAddresses()
	c2.AddAddress(s.eid(), 10)
	want(t, n[0].ping(s.eid(), 10, time.Second),
		"error 1/0 from "+n[2].rloc().String(), "10 bytes from "+s.eid().String()+" hops 62") // sent on all the same
}

// Snooped entries do not push out others, and not more than two are kept from being pushed out.
func TestCacheLimits(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	r := &n[0].m.Resolver
	at := func(i int) ip6.Address { return ip6.Join(testNetwork, ip6.IID{6: byte(i >> 8), 7: byte(i)}) }
	for i := range 1000 {
		r.snoop(w.now, at(i), 0x0800, addr(0x0400))
	}
	if r.Len() > 32 {
		t.Errorf("%d entries", r.Len())
	}
	r.Clear(w.now)
	for i := range 1000 {
		_, err := r.Resolve(w.now, at(i), true)
		if want := error(errAddressQuery); i < 32 && err != want || i >= 32 && err != errNoBufs {
			t.Fatalf("%d: %v", i, err)
		}
	}
	w.run(10 * time.Second)
	for i := range 32 {
		if _, err := r.Resolve(w.now, at(2000+i), true); err != errAddressQuery {
			t.Fatal(err) // those that nobody answered for go first
		}
	}
	if r.Len() != 32 {
		t.Error(r.Len())
	}
	w.run(time.Minute)
	r.Clear(w.now)
	if r.Len() != 0 || n[0].m.Info().Messages != 0 {
		t.Error("not clear")
	}
}

// What registers with a server of ours is where its datagrams come from, with all of its addresses.
func TestCacheLearns(t *testing.T) {
	w := newWorld(t)
	n := w.line(1)
	r := &n[0].m.Resolver
	at := func(last byte) ip6.Address { return ip6.Join(testNetwork, ip6.IID{7: last}) }
	r.Learn(w.now, at(1), []ip6.Address{at(1), at(2)})
	want(t, n[0].cache())
	r.snoop(w.now, at(1), 0x6400, ieee802154.ShortAddr(n[0].m.table.Self.RLOC16))
	r.Learn(w.now, at(1), []ip6.Address{at(1), at(2), at(3)})
	for _, a := range []ip6.Address{at(1), at(2), at(3)} {
		if e, _ := r.find(a); e == nil || e.RLOC16 != 0x6400 || e.State != Snooped {
			t.Errorf("%v: %+v", a, e)
		}
	}
}

// Entries behind a router go with it, and others are moved with their node.
func TestCacheRemove(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	r := &n[0].m.Resolver
	for i, rloc16 := range []uint16{0x0800, 0x0801, 0x0c00, 0x0c05} {
		a := ip6.Join(testNetwork, ip6.IID{7: byte(i)})
		r.snoop(w.now, a, rloc16, addr(0x0400))
		_, _ = r.Resolve(w.now, a, true)
	}
	r.Replace(0x0c05, 0x0802)
	r.RemoveRLOC16(0x0801)
	want(t, n[0].cache(), "3 0802 0", "2 0c00 0", "0 0800 0")
	r.RemoveRouter(2)
	want(t, n[0].cache(), "2 0c00 0")
	r.Remove(w.now, ip6.Join(testNetwork, ip6.IID{7: 2}))
	want(t, n[0].cache())
}

// Two nodes answer for one address: who asked tells all, and one of them gives it up.
func TestDuplicateAddress(t *testing.T) {
	w := newWorld(t)
	n := w.line(3)
	shared := ip6.Join(testNetwork, ip6.IID{9, 9, 9})
	n[0].addresses = append(n[0].addresses, shared)
	n[2].addresses = append(n[2].addresses, shared)
	n[1].ping(shared, 4, time.Second)
	if n[1].m.Counters.DuplicateAddress != 1 {
		t.Errorf("%+v", n[1].m.Counters)
	}
	if n[0].HasAddress(shared) == n[2].HasAddress(shared) {
		t.Errorf("%v %v", n[0].HasAddress(shared), n[2].HasAddress(shared))
	}
	// The same for a child's.
	s, c := w.child(n[0], neighbor.ModeRxOnWhenIdle)
	other := ip6.Join(ip6.MustParse("fd77::").Network(), ip6.IID{1})
	c.AddAddress(other, 10)
	s.addresses = append(s.addresses, other)
	n[2].m.Resolver.sendError(w.now, other, ip6.IID{5}, nil)
	w.run(time.Second)
	if c.HasAddress(other) || s.HasAddress(other) {
		t.Error("the child keeps it")
	}
}

// Forged and malformed notifications: nothing that was not asked for gets in.
func TestForgedNotifications(t *testing.T) {
	w := newWorld(t)
	n := w.line(2)
	r := &n[0].m.Resolver
	notify := func(target ip6.Address, rloc16 uint16) []byte {
		b := tlv.Append(nil, tlvTarget, target[:])
		b = tlv.Append(b, tlvMeshLocalIID, make([]byte, 8))
		return tlv.AppendUint16(b, tlvRLOC16, rloc16)
	}
	for i := range 10000 {
		if r.HandleNotify(w.now, notify(ip6.Join(testNetwork, ip6.IID{5: 1, 6: byte(i >> 8), 7: byte(i)}), 0x0800)) {
			t.Fatal("acknowledged")
		}
	}
	whole := notify(n[1].eid(), 0x0800)
	for i := range whole {
		r.HandleNotify(w.now, whole[:i])
		r.HandleQuery(w.now, n[1].rloc(), whole[:i])
		r.HandleError(w.now, whole[:i])
	}
	if r.Len() != 0 || n[0].m.Counters.StrayNotifies < 10000 {
		t.Errorf("%d entries, %d stray", r.Len(), n[0].m.Counters.StrayNotifies)
	}
	_, _ = r.Resolve(w.now, n[1].eid(), true)
	if r.HandleNotify(w.now, notify(n[1].eid(), 0xfc00)) {
		t.Error("an anycast locator is no place")
	}
}
