// Package internet is the world beyond the border routers of a simulated mesh: whole IPv4 and IPv6 packets come in from
// gateways, pass a home router's NAT or none, and reach hosts that are stations of a sim.Network: servers, a resolver for
// names, and whoever answers a ping. Mappings expire, links lose, IPv4 goes away: what a mesh's devices have to bear.
package internet

import (
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
)

// Config says what the outside is like. Zero fields have defaults.
type Config struct {
	Link sim.LinkConfig // beyond the gateways, one way; 10 to 20 ms where it is zero
	// Home is the public IPv4 address of the home router, which has a NAT.
	Home netip.Addr // 203.0.113.1
	// Mappings is how long the home router keeps a silent mapping.
	Mappings time.Duration // 5 min
}

// Internet is the outside.
type Internet struct {
	// WAN has all hosts; LAN has the gateways' IPv4 side, behind the home router.
	WAN, LAN *sim.Network
	NAT      *sim.NAT
	// Elsewhere, where set, gets packets for addresses that nobody here has, borrowed, and reports whether it took them: the
	// door to a real network.
	Elsewhere func(g *Gateway, packet []byte) bool
	// Names, where set, is asked for names that nobody here has: the door to real name servers. It may answer later, in the
	// world's owner.
	Names    func(query []byte, answer func(b []byte))
	Counters Counters

	world    *sim.World
	rand     machine.Rand
	link     sim.LinkConfig
	gateways []*Gateway
	hosts    map[netip.Addr]host
	zone     map[string][]netip.Addr
	no4      bool
}

// Counters say what became of packets from the gateways.
type Counters struct{ UDP, Echo, Elsewhere, Unreachable, Unknown uint64 }

type host struct{ ttl uint8 }

// New makes an outside without hosts.
func New(w *sim.World, c Config) *Internet {
	if c.Link == (sim.LinkConfig{}) {
		c.Link = sim.LinkConfig{DelayMin: 10 * time.Millisecond, DelayMax: 20 * time.Millisecond}
	}
	if !c.Home.IsValid() {
		c.Home = netip.AddrFrom4([4]byte{203, 0, 113, 1})
	}
	if c.Mappings == 0 {
		c.Mappings = 5 * time.Minute
	}
	i := &Internet{WAN: w.Network("internet", c.Link), LAN: w.Network("home", sim.LinkConfig{}), world: w, rand: w.Rand("internet"), link: c.Link,
		hosts: map[netip.Addr]host{}, zone: map[string][]netip.Addr{}}
	i.NAT = w.NAT(i.LAN, i.WAN, c.Home, c.Mappings)
	i.WAN.Uplink(i.back)
	return i
}

// Host adds a host that answers pings. Names find it; ttl is what its packets have left when they arrive (RFC 8200: hop
// limit).
func (i *Internet) Host(a netip.Addr, ttl uint8, names ...string) {
	i.hosts[a] = host{ttl}
	for _, n := range names {
		i.Name(n, a)
	}
}

// Name has a name lead to an address, besides those that it leads to already.
func (i *Internet) Name(name string, a netip.Addr) {
	n := canonical(name)
	if !slices.Contains(i.zone[n], a) {
		i.zone[n] = append(i.zone[n], a)
	}
}

// SetIPv4 cuts IPv4, or gives it back: the home router has lost its line.
func (i *Internet) SetIPv4(on bool) { i.no4 = !on }

// Gateway is a border router's way out.
type Gateway struct {
	net     *Internet
	deliver func(packet []byte)
	routes  []netip.Prefix
	down    bool
}

// Gateway adds a border router's way out. deliver takes packets for the mesh; it borrows them.
func (i *Internet) Gateway(deliver func(packet []byte)) *Gateway {
	g := &Gateway{net: i, deliver: deliver}
	i.gateways = append(i.gateways, g)
	return g
}

// Routes says which IPv6 addresses are reached by the gateway: what it tells its neighbours in router advertisements.
func (g *Gateway) Routes(p ...netip.Prefix) { g.routes = append(g.routes[:0], p...) }

// SetUp says whether the gateway has power.
func (g *Gateway) SetUp(on bool) { g.down = !on }

// Deliver hands a packet to the gateway's border router.
func (g *Gateway) Deliver(packet []byte) {
	if !g.down && g.deliver != nil {
		g.deliver(packet)
	}
}

// Send takes in a packet that leaves the mesh. It is borrowed.
func (g *Gateway) Send(b []byte) {
	if g.down {
		return
	}
	i := g.net
	p, ok := parse(b)
	if !ok {
		i.Counters.Unknown++
		return
	}
	four := p.dst.Is4()
	if four && i.no4 {
		i.Counters.Unreachable++
		return
	}
	h, known := i.hosts[p.dst]
	switch {
	case p.echo && known:
		i.Counters.Echo++
		reply := p.echoReply(b, h.ttl)
		i.world.After(i.delay()+i.delay(), func() {
			if !four || !i.no4 {
				g.Deliver(reply)
			}
		})
	case p.udp && i.WAN.Has(p.dst):
		i.Counters.UDP++
		if !four {
			i.WAN.Inject(p.from(), p.to(), p.payload)
			return
		}
		i.LAN.Attach(p.src, func(from, to netip.AddrPort, b []byte) {
			if !i.no4 {
				g.Deliver(appendUDP(nil, from, to, 64, b))
			}
		})
		i.LAN.Inject(p.from(), p.to(), p.payload)
	case i.Elsewhere != nil && i.Elsewhere(g, b):
		i.Counters.Elsewhere++
	default:
		i.Counters.Unreachable++
	}
}

// back routes a datagram that nobody outside has: for a mesh, by the newest gateway that leads there.
func (i *Internet) back(from, to netip.AddrPort, b []byte) {
	for _, g := range slices.Backward(i.gateways) {
		if g.down || !slices.ContainsFunc(g.routes, func(p netip.Prefix) bool { return p.Contains(to.Addr()) }) {
			continue
		}
		g.Deliver(appendUDP(nil, from, to, 64, b))
		return
	}
	i.Counters.Unreachable++
}

func (i *Internet) delay() time.Duration {
	span := uint64(max(0, i.link.DelayMax-i.link.DelayMin))
	return i.link.DelayMin + time.Duration(i.rand.Uint64()%(span+1))
}
