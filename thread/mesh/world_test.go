package mesh

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

var testNetwork = ip6.MustParse("fd00:db8::").Network()

// world is some nodes whose MACs are one millisecond apart and lose nothing unless told to.
type world struct {
	t       *testing.T
	now     machine.Time
	nodes   []*testNode
	air     []flight
	log     []string
	pool    *Pool
	hostile bool // frames are made up: datagrams may be wrong
	lose    func(from *testNode, f *Frame) bool
}

type flight struct {
	at   machine.Time
	from *testNode
	f    *Frame
}

// testNode is a Mesh with the least around it: its IPv6 layer answers pings and passes on what is for others.
type testNode struct {
	w         *world
	m         *Mesh
	table     *neighbor.Table
	addresses []ip6.Address
	hears     []*testNode
	got       []string
	results   map[Tag]error
	posts     []string
	lost      []uint16
	moved     int
	loops     int
	quiet     bool // the log leaves its MAC out
}

func ext(n int) ieee802154.ExtAddr { return ieee802154.ExtAddr{0x11, 0x22, 0x33, 7: byte(n)} }

func newWorld(t *testing.T) *world { return &world{t: t, now: 1e9, pool: NewPool(poolSize)} }

const poolSize = 64

// add makes a node that is attached with an RLOC16.
func (w *world) add(role neighbor.Role, rloc16 uint16, ftd bool) *testNode {
	n := &testNode{w: w, results: map[Tag]error{}}
	r := testRand{rand.New(rand.NewPCG(uint64(len(w.nodes)), 7))}
	n.table = neighbor.New(64, -100, r)
	n.table.SetMeshLocal(testNetwork)
	n.table.Self.Role, n.table.Self.RLOC16, n.table.Self.Ext = role, rloc16, ext(len(w.nodes)+1)
	n.table.Self.LeaderID = 1
	n.addresses = []ip6.Address{ip6.Join(testNetwork, ip6.IID{1, 2, 3, 4, 5, 6, 7, byte(len(w.nodes) + 1)}),
		ip6.RLOC(testNetwork, rloc16), ip6.LinkLocal(n.table.Self.Ext)}
	n.m = New(Config{Table: n.table, Rand: r, FTD: ftd, Pool: w.pool}, n)
	n.m.Start()
	w.nodes = append(w.nodes, n)
	return n
}

func (n *testNode) eid() ip6.Address  { return n.addresses[0] }
func (n *testNode) rloc() ip6.Address { return n.addresses[1] }

// line makes a line of routers with ids 1, 2, ...: each hears its neighbours, and routes are what they should be.
func (w *world) line(count int) []*testNode {
	var all []*testNode
	var set neighbor.RouterSet
	for i := range count {
		all = append(all, w.add(neighbor.RoleRouter, neighbor.RouterRLOC16(uint8(i+1)), true))
		set = set.With(uint8(i + 1))
	}
	for i, n := range all {
		n.table.UpdateRouterSet(w.now, 1, set)
		for j, o := range all {
			r := n.table.Router(uint8(j + 1))
			switch {
			case j == i+1 || j == i-1:
				r.Ext = o.table.Self.Ext
				r.SetState(w.now, neighbor.Valid)
				r.Link.Out = 3
				r.Link.AddRSS(-20)
				n.hears = append(n.hears, o)
			case j > i:
				r.SetRoute(uint8(i+2), uint8(j-i-1))
			case j < i:
				r.SetRoute(uint8(i), uint8(i-j-1))
			}
		}
	}
	return all
}

// child makes a child of a router.
func (w *world) child(parent *testNode, mode neighbor.Mode) (*testNode, *neighbor.Child) {
	c := parent.table.NewChild(ext(len(w.nodes) + 1))
	parent.table.SetChildRLOC16(c, parent.table.FreeChildRLOC16())
	n := w.add(neighbor.RoleChild, c.RLOC16, mode.FTD())
	c.Mode, c.UseShort = mode, true
	c.SetState(w.now, neighbor.Valid)
	c.Link.AddRSS(-20)
	for _, a := range n.addresses[:1] {
		c.AddAddress(a, 10)
	}
	p := &n.table.Parent
	p.Ext, p.RLOC16 = parent.table.Self.Ext, parent.table.Self.RLOC16
	p.SetState(w.now, neighbor.Valid)
	p.Link.AddRSS(-20)
	n.m.SetRxOnWhenIdle(mode.RxOn())
	n.hears = []*testNode{parent}
	parent.hears = append(parent.hears, n)
	return n, c
}

func (w *world) logf(format string, a ...any) {
	w.log = append(w.log, fmt.Sprintf("%5d ", (w.now-1e9)/1e6)+fmt.Sprintf(format, a...))
}

// run passes d, or less if nothing is left to happen.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for {
		at := machine.Never
		for _, n := range w.nodes {
			at = min(at, n.m.Deadline())
		}
		if len(w.air) > 0 {
			at = min(at, w.air[0].at)
		}
		if at > end {
			w.now = end
			return
		}
		w.now = max(at, w.now)
		if len(w.air) > 0 && w.air[0].at <= w.now {
			fl := w.air[0]
			w.air = w.air[1:]
			w.land(fl)
			continue
		}
		for _, n := range w.nodes {
			if n.m.Deadline() <= w.now {
				n.m.Expire(w.now)
			}
			if n.m.Deadline() <= w.now {
				w.t.Fatal("a deadline that was not met")
			}
		}
	}
}

func (w *world) land(fl flight) {
	f := fl.f
	payload := append([]byte(nil), f.Payload...)
	heard := f.Dst.IsBroadcast()
	lost := w.lose != nil && w.lose(fl.from, f)
	air := &radio.Frame{Air: radio.NewAir(15, nil)}
	for _, o := range fl.from.hears {
		self := &o.table.Self
		if lost || !(f.Dst.IsBroadcast() || f.Dst == ieee802154.ShortAddr(self.RLOC16) || f.Dst == ieee802154.ExtendedAddr(self.Ext)) {
			continue
		}
		heard = true
		o.m.Received(w.now, &Rx{Frame: air, Src: f.Src, Dst: f.Dst, SrcPAN: 0xabcd, DstPAN: 0xabcd, Channel: 15, Payload: payload,
			Security: f.Security, RSSI: -20, FramePending: f.FramePending, Neighbor: o.table.Find(f.Src, neighbor.InAny)})
	}
	r := Result{}
	if !heard {
		r.Err = status.NoAck
	}
	fl.from.m.Sent(w.now, f, r)
}

// SendFrame implements Env.
func (n *testNode) SendFrame(now machine.Time, f *Frame) {
	if room := len(f.Payload) + n.Overhead(f); room > maxPSDU {
		n.w.t.Errorf("a frame of %d bytes", room)
	}
	if !n.quiet {
		n.w.logf("%04x > %s %s", n.table.Self.RLOC16, f.Dst, describe(f))
	}
	n.w.air = append(n.w.air, flight{now.Add(time.Millisecond), n, f})
}

func describe(f *Frame) string {
	var s []string
	b := f.Payload
	if lowpan.KindOf(b) == lowpan.Mesh {
		m, k, _ := lowpan.ParseMesh(b)
		s = append(s, fmt.Sprintf("mesh %04x-%04x hops %d", m.Src, m.Dst, m.HopsLeft))
		b = b[k:]
	}
	if lowpan.KindOf(b) == lowpan.Fragment {
		h, k, _ := lowpan.ParseFragment(b)
		s = append(s, fmt.Sprintf("at %d of %d", h.Offset, h.Size))
		b = b[k:]
	}
	s = append(s, fmt.Sprintf("len %d", len(b)))
	if f.FramePending {
		s = append(s, "more")
	}
	return strings.Join(s, ", ")
}

// Overhead implements Env: header of 2006, security header, MIC, FCS.
func (n *testNode) Overhead(f *Frame) int {
	o := 5 + f.Src.Len() + f.Dst.Len() + 2
	if f.Security != Unsecured {
		o += 10
	}
	return o
}

func (n *testNode) ChildQueueChanged(now machine.Time, c *neighbor.Child) {
	n.w.logf("%04x match %04x %d", n.table.Self.RLOC16, c.RLOC16, c.Queued)
}

func (n *testNode) ChangeIndirect(now machine.Time, c *neighbor.Child, purge bool) bool { return false }

func (n *testNode) OnMesh(a ip6.Address) bool { return a.Network() == testNetwork }

func (n *testNode) Route(src, dst ip6.Address) (uint16, error) {
	if dst[0] == 0x20 {
		return 0x0400, nil
	}
	return 0, status.NoRoute
}

func (n *testNode) Anycast(aloc16 uint16) (uint16, error) {
	switch aloc16 {
	case 0xfc00:
		return 0x0400, nil
	case 0xfc10:
		return 0x0401, nil
	}
	return 0, status.Drop
}

func (n *testNode) HasAddress(a ip6.Address) bool { return slices.Contains(n.addresses, a) }
func (n *testNode) OnLink(a ip6.Address) bool     { return false }
func (n *testNode) RemoveAddress(now machine.Time, a ip6.Address) {
	n.addresses = slices.DeleteFunc(n.addresses, func(b ip6.Address) bool { return a == b })
}
func (n *testNode) MeshLocalEID() ip6.Address { return n.addresses[0] }

// Post sends a management message: URI, a zero, payload, instead of CoAP.
func (n *testNode) Post(now machine.Time, dst ip6.Address, uri string, payload []byte, confirmable bool, p Priority) error {
	n.posts = append(n.posts, fmt.Sprintf("%s to %s: %x", uri, dst, payload))
	h := ip6.Header{HopLimit: 64, DSCP: ip6.DSCPTMFNet, Src: n.rloc(), Dst: dst}
	b := ip6.AppendUDP(nil, h, tmfPort, tmfPort, append(append([]byte(uri), 0), payload...))
	return n.send(now, b, p)
}

// send is the IPv6 layer's way down: multicasts get their MPL option.
func (n *testNode) send(now machine.Time, ip []byte, p Priority) error {
	if ip6.Dst(ip).IsRealmLocalMulticast() {
		h, _ := ip6.ParseHeader(ip)
		o := n.m.MPL.Option(h.Src)
		with := ip6.AppendMPLHeader(append([]byte(nil), ip[:ip6.HeaderSize]...), h.Next, &o)
		ip = append(with, ip[ip6.HeaderSize:]...)
		ip6.SetNext(ip, ip6.HopByHop)
		ip6.SetPayloadLen(ip)
		if _, err := n.m.MPL.Process(now, ip, mplOf(ip), false); err != nil {
			n.w.t.Error(err)
		}
	}
	return n.m.Send(now, &Datagram{IP: ip, Priority: p})
}

func mplOf(ip []byte) []byte {
	h, _ := ip6.ParseHeader(ip)
	if h.Next != ip6.HopByHop {
		return nil
	}
	e, _ := ip6.ParseExtension(ip[ip6.HeaderSize:])
	o, _ := ip6.ParseOption(e.Content)
	return o.Data
}

// Deliver is the IPv6 layer.
func (n *testNode) Deliver(now machine.Time, ip []byte, info *LinkInfo) {
	p, err := ip6.ParsePacket(ip)
	if err != nil || !ip6.ChecksumOK(ip, p.At, p.Proto) {
		if !n.w.hostile {
			n.w.t.Errorf("%v: %x", err, ip)
		}
		return
	}
	if o := mplOf(ip); o != nil {
		if _, err := n.m.MPL.Process(now, ip, o, true); err != nil {
			return
		}
	}
	if !p.Dst.IsMulticast() && !n.HasAddress(p.Dst) {
		d := Datagram{IP: append([]byte(nil), ip...), Priority: info.Priority}
		d.IP[ip6.HopLimitAt]--
		_ = n.m.Send(now, &d)
		return
	}
	switch {
	case p.Proto == ip6.ICMP6 && p.Type == ip6.EchoRequest:
		h := ip6.Header{HopLimit: 64, Src: n.eid(), Dst: p.Src}
		if n.HasAddress(p.Dst) {
			h.Src = p.Dst
		}
		e, _ := ip6.ParseICMP(ip[p.At:])
		e.Type = ip6.EchoReply
		b := ip6.AppendICMP(nil, h, e, ip[p.At+ip6.ICMPSize:])
		if err := n.m.Send(now, &Datagram{IP: b, Priority: Normal}); err != nil {
			n.w.t.Error(err)
		}
		return
	case p.Proto == ip6.ICMP6 && p.Type.IsError():
		n.m.Resolver.HandleICMP(now, p.Type, p.Code, ip[p.At+ip6.ICMPSize:])
		n.got = append(n.got, fmt.Sprintf("error %d/%d from %s", p.Type, p.Code, p.Src))
		return
	case p.IsUDP(tmfPort):
		uri, payload, _ := strings.Cut(string(ip[p.At+ip6.UDPSize:]), "\x00")
		switch uri {
		case URIQuery:
			n.m.Resolver.HandleQuery(now, p.Src, []byte(payload))
		case URINotify:
			n.m.Resolver.HandleNotify(now, []byte(payload))
		case URIError:
			n.m.Resolver.HandleError(now, []byte(payload))
		}
		return
	}
	n.got = append(n.got, fmt.Sprintf("%d bytes from %s hops %d", len(ip)-p.At-8, p.Src, p.HopLimit))
}

func (n *testNode) DatagramSent(now machine.Time, tag Tag, result error) { n.results[tag] = result }

func (n *testNode) SendICMPError(now machine.Time, dst ip6.Address, m ip6.ICMPHeader, about *ip6.Header) {
	h := ip6.Header{HopLimit: 64, Src: n.rloc(), Dst: dst}
	_ = n.m.Send(now, &Datagram{IP: ip6.AppendICMP(nil, h, m, about.Append(nil)), Priority: Net})
}

func (n *testNode) RouterLost(now machine.Time, x *neighbor.Neighbor) {
	n.lost = append(n.lost, x.RLOC16)
}
func (n *testNode) ChildMoved(now machine.Time, c *neighbor.Child) { n.moved++ }
func (n *testNode) RouteLooped(now machine.Time)                   { n.loops++ }
func (n *testNode) Supervised(now machine.Time, c *neighbor.Child) { c.SinceSupervise = 0 }

func (n *testNode) ContextByID(id uint8) (lowpan.Context, bool) {
	return lowpan.Context{Prefix: testNetwork.Prefix(), Compress: true}, id == 0
}

func (n *testNode) ContextFor(a ip6.Address) (lowpan.Context, bool) {
	return lowpan.Context{Prefix: testNetwork.Prefix(), Compress: true}, a.Network() == testNetwork
}

// ping sends an echo request and returns the answers that came within d.
func (n *testNode) ping(dst ip6.Address, size int, d time.Duration) []string {
	n.got = nil
	src := n.eid()
	if dst.IID().IsLocator() {
		src = n.rloc()
	}
	b := ip6.AppendICMP(nil, ip6.Header{HopLimit: 64, Src: src, Dst: dst}, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: 1}, make([]byte, size))
	if err := n.send(n.w.now, b, Normal); err != nil {
		n.got = append(n.got, err.Error())
	}
	n.w.run(d)
	return n.got
}
