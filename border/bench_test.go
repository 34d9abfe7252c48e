package border_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
)

// bench is a mesh with border routers on one infrastructure link, and an outside that echoes.
type bench struct {
	t       *testing.T
	net     *network.Network
	routers map[*network.Node]*border.Router
	order   []*network.Node
	cut     map[*network.Node]bool // off the link
	seen    []string               // messages on the link
	outside func(n *network.Node, now machine.Time, b []byte)
	query   func(n *network.Node, now machine.Time, q *border.Query)
	events  map[*network.Node][]any
	hosts   []*host
	// computers on the link speak multicast DNS.
	computers []*computer
	// lastAdvert is the latest Router Advertisement of ours.
	lastAdvert []byte
}

func newBench(t *testing.T, seed uint64) *bench {
	b := &bench{t: t, net: network.New(seed, mesh.Config{}), routers: map[*network.Node]*border.Router{},
		cut: map[*network.Node]bool{}, events: map[*network.Node][]any{}}
	b.outside = b.echo
	return b
}

// router adds a border router to the mesh. Its node forms or joins the network.
func (b *bench) router(c border.Config) *network.Node {
	var n *network.Node
	number := len(b.net.Members()) + 1
	if c.Infra.Address.IsUnspecified() {
		c.Infra.Address = ip6.MustParse(fmt.Sprintf("fe80::%x", number))
	}
	n = b.net.Add(network.NodeConfig{Off: true, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		node, err := thread.New(tc)
		if err != nil {
			return nil, nil, err
		}
		c := c
		c.Node, c.Rand = node, tc.Rand
		r, err := border.New(c)
		if err == nil {
			err = r.Start(tc.Now, 0)
		}
		b.routers[n] = r
		return r, node, err
	}})
	n.OnEvent = func(now machine.Time, a machine.Action) { b.action(n, now, a) }
	b.order = append(b.order, n)
	n.Boot()
	n.Join(network.Dataset(0))
	return n
}

func (b *bench) action(n *network.Node, now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *border.InfraMessage:
		m := border.InfraMessage{Link: v.Link, Src: v.Src, Dst: v.Dst, ICMPv6: append([]byte(nil), v.ICMPv6...)}
		b.link(n, m)
	case *border.MDNSMessage:
		b.multicast(n, nil, v.To, append([]byte(nil), v.Message...))
	case *border.Outside:
		p := append([]byte(nil), v.Packet...)
		b.net.World.After(time.Millisecond, func() { b.outside(n, b.net.World.Now(), p) })
	case *border.Query:
		q := &border.Query{Server: v.Server, Message: append([]byte(nil), v.Message...)}
		b.net.World.After(time.Millisecond, func() {
			if b.query != nil {
				b.query(n, b.net.World.Now(), q)
			}
		})
	default:
		b.events[n] = append(b.events[n], a.Value)
	}
}

// link carries a message to all others on the infrastructure link.
func (b *bench) link(from *network.Node, m border.InfraMessage) {
	if from != nil {
		b.seen = append(b.seen, fmt.Sprintf("%v %s %d", time.Duration(b.net.World.Now())/time.Millisecond*time.Millisecond, from.Name(), m.ICMPv6[0]))
		if m.ICMPv6[0] == byte(ip6.RouterAdvert) {
			b.lastAdvert = m.ICMPv6
		}
		if b.cut[from] {
			return
		}
		for _, h := range b.hosts {
			b.net.World.After(time.Millisecond, func() { h.heard(m) })
		}
	}
	for _, n := range b.order {
		if n == from || b.cut[n] || !m.Dst.IsMulticast() && m.Dst != b.address(n) {
			continue
		}
		b.net.World.After(time.Millisecond, func() {
			n.Do(func(now machine.Time) { b.routers[n].InfraReceived(now, 0, m) })
		})
	}
}

func (b *bench) address(n *network.Node) ip6.Address {
	return ip6.MustParse(fmt.Sprintf("fe80::%x", n.Number()))
}

// echo answers echo requests, of IPv6 and of IPv4.
func (b *bench) echo(n *network.Node, _ machine.Time, p []byte) {
	switch p[0] >> 4 {
	case 6:
		h, err := ip6.ParseHeader(p)
		if err != nil || h.Next != ip6.ICMP6 || p[ip6.HeaderSize] != byte(ip6.EchoRequest) {
			return
		}
		copy(p[8:], h.Dst[:])
		copy(p[24:], h.Src[:])
		p[ip6.HeaderSize], p[ip6.HopLimitAt] = byte(ip6.EchoReply), 60
		ip6.SetChecksum(p, ip6.HeaderSize, ip6.ICMP6)
	case 4:
		if p[9] != 1 || p[20] != 8 {
			return
		}
		var src, dst [4]byte
		copy(src[:], p[12:])
		copy(dst[:], p[16:])
		copy(p[12:], dst[:])
		copy(p[16:], src[:])
		p[20] = 0
		c := uint32(p[22])<<8 | uint32(p[23])
		c += 8 << 8
		c = c>>16 + c&0xffff
		p[22], p[23] = byte(c>>8), byte(c)
	}
	n.Do(func(now machine.Time) { b.routers[n].OutsideReceived(now, 0, p) })
}

// advertised returns the options of a type in the latest advertisement.
func (b *bench) advertised(typ uint8) string {
	var s string
	_, options, _ := nd.ParseRouterAdvert(b.lastAdvert)
	nd.Options(options, func(t uint8, o []byte) bool {
		if p, ok := nd.ParsePrefixInfo(o); ok && t == typ {
			s += fmt.Sprintf("%v %d %d\n", p.Prefix, p.Valid, p.Preferred)
		}
		if r, ok := nd.ParseRouteInfo(o); ok && t == typ {
			s += fmt.Sprintf("%v %d %d\n", r.Prefix, r.Preference, r.Lifetime)
		}
		return true
	})
	return s
}

func (b *bench) do(n *network.Node, f func(now machine.Time, m *routing.Manager)) {
	n.Do(func(now machine.Time) {
		_ = b.routers[n].Do(now, 0, func(m *routing.Manager) error { f(now, m); return nil })
	})
}

// plain adds a node that is no border router.
func (b *bench) plain() *network.Node {
	n := b.net.Add(network.NodeConfig{})
	n.Join(network.Dataset(0))
	return n
}

func (b *bench) until(what string, within time.Duration, f func() bool) {
	b.t.Helper()
	if !b.net.RunUntil(f, within) {
		b.t.Fatalf("not within %v: %s", within, what)
	}
}

func (b *bench) pings(n *network.Node, to string) *thread.PingReply {
	b.t.Helper()
	p := n.PingWith(thread.PingConfig{Dst: ip6.MustParse(to), Size: 8, Count: 1})
	if len(p.Replies) == 0 {
		return nil
	}
	return &p.Replies[0]
}

// data returns what the network data offer, as a node prints them.
func prefixes(n *network.Node) (list []string) {
	for p := range n.Thread().NetData().Data().OnMeshPrefixes() {
		list = append(list, fmt.Sprintf("%v %04x %d %04x", p.Prefix, p.Flags(), p.Preference, p.RLOC16))
	}
	return list
}

func routes(n *network.Node) (list []string) {
	for r := range n.Thread().NetData().Data().ExternalRoutes() {
		list = append(list, fmt.Sprintf("%v %02x %04x", r.Prefix, r.Flags(), r.RLOC16))
	}
	return list
}

var pool = []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")}

// user is a border router as `heddle border-router` makes one: no infrastructure link, a way out of its own.
var user = border.Config{Infra: border.Infra{None: true}, Uplink: true, Translate: true,
	NAT64: border.NAT64{Enable: true, Prefix: nat64.WellKnown, Pool: pool}}

// link is one as OpenThread's.
var onLink = border.Config{Infra: border.Infra{Index: 1, Up: true, Enable: true, Solicited: true}, Translate: true,
	NAT64: border.NAT64{Pool: pool}}
