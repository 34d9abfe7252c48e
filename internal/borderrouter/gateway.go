package borderrouter

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"heddle.example/border"
	"heddle.example/host/infra"
	"heddle.example/host/outside"
	"heddle.example/host/radio"
	"heddle.example/host/tun"
	"heddle.example/host/usernat"
	"heddle.example/internal/node"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/shell"
)

// Gateway makes a border router of a node (node.Around). It outlives the node, which a reset makes anew.
type Gateway struct {
	o       Options
	rand    machine.Rand
	out     outside.Outside
	dns     *upstream
	link    *infra.Link                   // nil: no infrastructure link
	mdns    *infra.MDNS                   // nil: no multicast DNS there
	deaf    error                         // why not
	waiting atomic.Int32                  // messages of multicast DNS that the node has not taken yet
	control atomic.Pointer[radio.Control] // since Started: the outside's goroutines begin before
	servers []netip.AddrPort
	in      incoming
	seat    seat.Seat

	// Of the node's goroutine.
	router  *border.Router
	node    *thread.Node
	cause   machine.Cause
	prefix  ip6.Prefix // the way out knows of
	entered bool
	last    machine.Time
}

var _ node.Around = (*Gateway)(nil)

// New opens the way out.
func New(o Options, rand machine.Rand) (*Gateway, error) {
	g := &Gateway{o: o, rand: rand, dns: newUpstream(), servers: o.Upstream}
	if g.o.Mode == "" {
		g.o.Mode = outside.User
	}
	if len(g.servers) == 0 {
		path := o.ResolvConf
		if path == "" {
			path = "/etc/resolv.conf"
		}
		g.servers = resolvConf(path)
	}
	var err error
	switch g.o.Mode {
	case outside.User:
		g.out, err = usernat.New(usernat.Config{Receive: g.received, Alias: o.Alias, Loopback: o.Loopback, UDP: o.UDP})
	case outside.TUN:
		if !g.o.Pool.IsValid() {
			g.o.Pool = DefaultPool
		}
		g.out, err = tun.Open(tun.Config{Name: o.Device, Receive: g.received, Address: ownAddress(rand), Routes: []netip.Prefix{g.o.Pool}})
	default:
		err = errors.New("there is no such way out: " + string(g.o.Mode))
	}
	if err != nil {
		return nil, err
	}
	if err := g.openInfra(); err != nil {
		g.out.Close()
		return nil, err
	}
	return g, nil
}

// DefaultPool is what nodes have for addresses on the IPv4 side of a TUN device, as with tayga and OpenThread's border
// router.
var DefaultPool = netip.MustParsePrefix("192.168.255.0/24")

// ownAddress draws an address for this computer on the TUN device, from which its programs speak to nodes. It is of a
// unique local prefix (RFC 4193) that is not the mesh's, because what is the mesh's does not come from outside.
func ownAddress(rand machine.Rand) netip.Prefix {
	var a [16]byte
	rand.Fill(a[1:6])
	a[0], a[15] = 0xfd, 1
	return netip.PrefixFrom(netip.AddrFrom16(a), 64)
}

// Close ends the way out, after the node.
func (g *Gateway) Close() error {
	if g.mdns != nil {
		g.farewell(g.last)
		_ = g.mdns.Close()
	}
	if g.link != nil {
		_ = g.link.Close()
	}
	return g.out.Close()
}

// Started implements node.Around.
func (g *Gateway) Started(c *radio.Control) { g.control.Store(c) }

// post has f called in the node's goroutine, and reports false where it is never called: before the start, too.
func (g *Gateway) post(f func(now machine.Time)) bool {
	c := g.control.Load()
	return c != nil && c.Post(f)
}

// Boot implements node.Around.
func (g *Gateway) Boot(now machine.Time, d radio.Device, n *thread.Node, c *shell.Config) (radio.Device, error) {
	g.farewell(now)
	user := g.o.Mode == outside.User
	bc := border.Config{Node: n, Device: d, Rand: g.rand, Infra: g.infra(), Uplink: user || g.link == nil, Upstream: g.servers,
		Translate: !user, Flows: g.flows, DefaultDNS: true, Services: true, NAT64: border.NAT64{Enable: !g.o.NoNAT64, Prefix: g.o.NAT64}}
	if !user {
		bc.NAT64.Pool = []netip.Prefix{g.o.Pool}
	}
	r, err := border.New(bc)
	if err != nil {
		return nil, err
	}
	if err := r.Start(now, 0); err != nil {
		return nil, err
	}
	c.Extra = append(c.Extra[:len(c.Extra):len(c.Extra)], shell.Command{Name: "doctor", Run: g.visit})
	g.router, g.node, c.Border = r, n, r
	if !g.o.Manual {
		return r, g.enter(now, n)
	}
	return r, nil
}

// enter has the node join the network that it is told of, that it was in, or a new one. After a reset at the prompt it is the
// one it was in, or none.
func (g *Gateway) enter(now machine.Time, n *thread.Node) error {
	set, first := g.o.Dataset, !g.entered
	g.entered = true
	_, has := n.Datasets().Active(now)
	switch {
	case !first && !has:
		return nil
	case first && set == nil && !has:
		d := n.Datasets().NewNetwork()
		if g.o.Name != "" {
			d.NetworkName = g.o.Name
		}
		if g.o.Channel != 0 {
			d.Channel = uint16(g.o.Channel)
		}
		made, err := d.Dataset()
		if err != nil {
			return err
		}
		set = &made
	}
	if first && set != nil {
		var err error
		n.Do(now, 0, func() { err = n.Datasets().SetActive(now, *set) })
		if err != nil {
			return err
		}
	}
	if err := n.Up(now, 0); err != nil {
		return err
	}
	return n.Start(now, 0)
}

// Act implements node.Around.
func (g *Gateway) Act(now machine.Time, a machine.Action) bool {
	g.last = now
	switch v := a.Value.(type) {
	case *border.Outside:
		g.out.Send(v.Packet)
	case *border.InfraMessage:
		_ = g.link.Send(v) // an interface that is down takes none, and is watched
	case *border.MDNSMessage:
		_ = g.mdns.Send(v.To, v.Message) // what is lost is said or asked again
	case *border.Query:
		server := v.Server
		g.dns.ask(server, v.Message, func(b []byte) {
			g.post(func(now machine.Time) {
				if g.router != nil {
					g.router.UpstreamReceived(now, g.next(), server, b)
				}
			})
		})
	case *border.Changed:
		g.changed(now)
	default:
		return false
	}
	return true
}

func (g *Gateway) next() machine.Cause { g.cause++; return g.cause | 1<<63 }

// changed tells the way out which prefix stands for IPv4, or which ones are the mesh's.
func (g *Gateway) changed(now machine.Time) {
	switch out := g.out.(type) {
	case *usernat.NAT:
		if p, _ := g.router.Routing().OwnNAT64(); p != g.prefix {
			g.prefix = p
			_ = out.SetNAT64(p) // package border has checked it
		}
	case *tun.Device:
		routes := []netip.Prefix{g.o.Pool}
		for p := range g.node.NetData().Data().OnMeshPrefixes() {
			route := netip.PrefixFrom(p.Prefix.Addr.Netip(), int(p.Prefix.Bits))
			if p.OnMesh && !slices.Contains(routes, route) {
				routes = append(routes, route)
			}
		}
		_ = out.SetRoutes(routes) // what the system refuses stays the device's trouble
	}
}

// Router returns the border router of the node, nil before the first boot. Only the node's goroutine may ask.
func (g *Gateway) Router() *border.Router { return g.router }

// Outside returns the way out.
func (g *Gateway) Outside() outside.Outside { return g.out }

// Doctor returns a doctor for this border router, whose node has a seat.
func (g *Gateway) Doctor(s seat.Seat) *Doctor {
	d := &Doctor{Seat: s, Border: g.Router, Out: g.out, Trouble: g.trouble, Deaf: func() error { return g.deaf }, System: ThisComputer{}}
	if !g.o.NoMDNS {
		d.Infra = g.o.Infra
	}
	return d
}

// trouble returns what the system refuses of the mesh's routes.
func (g *Gateway) trouble() error {
	if d, ok := g.out.(*tun.Device); ok {
		return d.Trouble()
	}
	return nil
}

// incoming is what has come from the outside, until the node's goroutine takes it.
type incoming struct {
	mu      sync.Mutex
	packets [][]byte
	bytes   int
}

// incomingMost bounds it: a mesh carries some 10 KB/s, and what waits for longer is of no use.
const incomingMost = 256 << 10

// received takes a packet from the outside, on any goroutine.
func (g *Gateway) received(b []byte) {
	in := &g.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.bytes+len(b) > incomingMost {
		return
	}
	in.bytes += len(b)
	in.packets = append(in.packets, bytes.Clone(b))
	if len(in.packets) == 1 && !g.post(g.take) {
		in.packets, in.bytes = nil, 0
	}
}

// take gives the mesh the oldest of what has come. A machine is drained after each input, so the next one is posted anew.
func (g *Gateway) take(now machine.Time) {
	in := &g.in
	in.mu.Lock()
	if len(in.packets) == 0 {
		in.mu.Unlock()
		return
	}
	b := in.packets[0]
	in.packets[0] = nil
	in.packets, in.bytes = in.packets[1:], in.bytes-len(b)
	if len(in.packets) > 0 && !g.post(g.take) {
		in.packets, in.bytes = nil, 0
	}
	in.mu.Unlock()
	g.router.OutsideReceived(now, g.next(), b)
}
