package border_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/ip6"
)

// A hostile neighbour on the infrastructure link and a hostile outside: whatever they send, what is remembered has a limit,
// nothing enters under a mesh's address, and the mesh's nodes have their way out afterwards.
func TestHostile(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			b := newBench(t, seed)
			c := onLink
			c.NAT64.Enable, c.Uplink = true, true
			n := b.lead(c)
			other := b.plain()
			b.until("attached", time.Minute, other.Attached)
			b.net.Run(20 * time.Second)
			r := b.net.World.Rand("hostile")
			inside := []ip6.Address{other.EID(), n.EID()}
			for _, x := range []*network.Node{n, other} {
				a, ok := x.Thread().SourceFor(ip6.MustParse("2001:db8::1"))
				if !ok {
					t.Fatal("no address")
				}
				inside = append(inside, a)
			}
			router := b.routers[n]
			most := 0
			for range 3000 {
				b.net.Run(time.Duration(r.Uint64()%200) * time.Millisecond)
				n.Do(func(now machine.Time) {
					if r.Uint64()%2 == 0 {
						router.InfraReceived(now, 0, hostileMessage(r, b))
					} else {
						router.OutsideReceived(now, 0, hostilePacket(r, inside...))
					}
				})
				s := router.Status(b.net.World.Now())
				most = max(most, len(s.Learned)+len(s.Routers))
				if len(s.Routers) > 16 || len(s.Learned) > 64 || len(s.Mappings) > 8192 {
					t.Fatalf("%d routers, %d prefixes", len(s.Routers), len(s.Learned))
				}
			}
			if most < 20 {
				t.Errorf("only %d: the test is harmless", most)
			}
			b.net.Run(time.Minute)
			if router.Routing().State() != routing.Running || !b.net.Whole() {
				t.Fatal("the network does not stand")
			}
			for _, to := range []string{"2001:db8::1"} {
				b.until("a way out", 5*time.Minute, func() bool { return b.pings(other, to) != nil })
			}
			if s := router.Status(b.net.World.Now()); s.Counters.InForeign == 0 || s.Counters.InMalformed == 0 || s.Counters.InManagement == 0 {
				t.Errorf("%+v", s.Counters)
			}
		})
	}
}

// hostileMessage makes a message of neighbour discovery, whole or not.
func hostileMessage(r machine.Rand, b *bench) border.InfraMessage {
	var src ip6.Address
	r.Fill(src[:])
	src[0], src[1] = 0xfe, 0x80
	if r.Uint64()%3 == 0 {
		src = ip6.MustParse(fmt.Sprintf("fe80::%x", 1+r.Uint64()%20))
	}
	h := nd.RouterHeader{Lifetime: uint16(r.Uint64()), Managed: r.Uint64()%2 == 0, SNAC: r.Uint64()%2 == 0, Preference: int8(r.Uint64()%3) - 1}
	m := nd.AppendRouterAdvert(nil, &h)
	for range r.Uint64() % 12 {
		var a ip6.Address
		r.Fill(a[:])
		p := ip6.PrefixOf(a, []int{0, 7, 32, 48, 64, 64, 64, 96, 128}[r.Uint64()%9])
		if r.Uint64()%8 == 0 {
			p = ip6.MustParsePrefix("fdde:ad00:beef:cafe::/64")
		}
		switch r.Uint64() % 5 {
		case 0, 1:
			o := nd.PrefixInfo{Prefix: p, OnLink: true, Autonomous: true, Valid: uint32(r.Uint64()), Preferred: uint32(r.Uint64())}
			m = o.Append(m)
		case 2:
			o := nd.RouteInfo{Prefix: p, Lifetime: uint32(r.Uint64())}
			m = o.Append(m)
		case 3:
			m = nd.AppendDNSServers(m, uint32(r.Uint64()), a, src)
		default:
			o := nd.NAT64Prefix{Prefix: ip6.PrefixOf(a, 96), Lifetime: uint32(r.Uint64() % 65536)}
			m = o.Append(m)
		}
	}
	switch r.Uint64() % 6 {
	case 0:
		m = m[:uint64(len(m))*(r.Uint64()%100)/100]
	case 1:
		m[r.Uint64()%uint64(len(m))] ^= byte(r.Uint64())
	case 2:
		m = nd.AppendNeighborAdvert(nil, src)
	case 3:
		m = nd.AppendRouterSolicit(nil)
	}
	return border.InfraMessage{Link: 1, Src: src, Dst: ip6.LinkLocalAllNodes, ICMPv6: m}
}

// hostilePacket makes a packet that claims this or that.
func hostilePacket(r machine.Rand, inside ...ip6.Address) []byte {
	pick := func() (a ip6.Address) {
		switch r.Uint64() % 5 {
		case 0:
			return inside[r.Uint64()%uint64(len(inside))]
		case 1:
			return ip6.MustParse("fe80::1")
		case 2:
			return ip6.MustParse("ff03::1")
		case 3:
			return ip6.MustParse("2001:db8::66")
		}
		r.Fill(a[:])
		return a
	}
	port := []uint16{61631, 19788, 53, 5683, uint16(r.Uint64())}[r.Uint64()%5]
	payload := make([]byte, r.Uint64()%1300)
	r.Fill(payload)
	p := ip6.AppendUDP(nil, ip6.Header{Src: pick(), Dst: pick(), HopLimit: 64}, port, port, payload)
	switch r.Uint64() % 8 {
	case 0:
		p[r.Uint64()%uint64(len(p))] ^= byte(r.Uint64())
	case 1:
		p = p[:uint64(len(p))*(r.Uint64()%100)/100]
	case 2: // IPv4
		v4 := make([]byte, 20+8+len(payload)%500)
		r.Fill(v4)
		v4[0] = 0x45
		binary.BigEndian.PutUint16(v4[2:], uint16(len(v4)))
		return v4
	}
	return p
}

// The first fragment of a packet to a port of the mesh's management does not enter either.
func TestManagementInFragments(t *testing.T) {
	b := newBench(t, 9)
	n := b.lead(user)
	b.net.Run(10 * time.Second)
	dst, ok := n.Thread().SourceFor(ip6.MustParse("2001:db8::1"))
	if !ok {
		t.Fatal("no address")
	}
	whole := ip6.AppendUDP(nil, ip6.Header{Src: ip6.MustParse("2001:db8::1"), Dst: dst, HopLimit: 64}, 61631, 61631, []byte("hello"))
	f := ip6.FragmentHeader{Next: ip6.UDP, ID: 7}
	p := append([]byte(nil), whole[:ip6.HeaderSize]...)
	p = append(f.Append(p), whole[ip6.HeaderSize:]...)
	ip6.SetNext(p, ip6.Fragment)
	ip6.SetPayloadLen(p)
	for _, x := range [][]byte{whole, p} {
		n.Do(func(now machine.Time) { b.routers[n].OutsideReceived(now, 0, x) })
	}
	if s := b.routers[n].Status(b.net.World.Now()); s.Counters.InManagement != 2 {
		t.Errorf("%+v", s.Counters)
	}
}
