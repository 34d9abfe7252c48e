// Package system is a whole system in virtual time: LwM2M devices on a Thread mesh, border routers with NAT64, an internet
// with a home router's NAT, and LwM2M servers, all the machines of the real programs. It is the bench of the faults that
// such a system has to bear, and what `heddle sim` runs where a scenario has devices.
package system

import (
	"net/netip"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// System is a mesh and what is around it.
type System struct {
	Net  *network.Network
	Inet *internet.Internet

	Routers []*Router
	Devices []*Device

	follower Follower // nil: nobody follows anything
}

// In puts a system around a network.
func In(net *network.Network, i *internet.Internet) *System { return &System{Net: net, Inet: i} }

// Router is a border router with its line to the internet.
type Router struct {
	*network.Node
	Gateway *internet.Gateway

	system *System
	router *border.Router // of the latest boot
}

// RouterConfig says what a border router is like.
type RouterConfig struct {
	Position mesh.Position
	Off      bool
	// Pool is its IPv4 address. Not set: 192.168.255.1 and on.
	Pool netip.Addr
	// DNS are the servers that it asks.
	DNS []netip.AddrPort
	// Mappings are the times of its NAT64; zero: those of RFC 6146.
	Mappings nat64.Config
	// Device, where set, is made around its node: a border router that is an LwM2M device, too. It returns the machine.
	Device func(c thread.Config) (border.Device, *thread.Node, error)
}

// AddRouter adds a border router.
func (s *System) AddRouter(c RouterConfig) *Router {
	r := &Router{system: s}
	if !c.Pool.IsValid() {
		c.Pool = netip.AddrFrom4([4]byte{192, 168, 255, byte(len(s.Routers) + 1)})
	}
	r.Gateway = s.Inet.Gateway(r.arrived)
	r.Gateway.SetUp(false)
	s.Routers = append(s.Routers, r)
	r.Node = s.Net.Add(network.NodeConfig{Position: c.Position, Off: true, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		node, device, err := makeNode(c, tc)
		if err != nil {
			return nil, nil, err
		}
		r.router, err = border.New(border.Config{Node: node, Device: device, Rand: s.Net.World.Rand(r.Name() + " border"), Infra: border.Infra{None: true},
			NAT64:     border.NAT64{Enable: true, Prefix: nat64.WellKnown, Pool: []netip.Prefix{netip.PrefixFrom(c.Pool, 32)}, Limits: c.Mappings},
			Translate: true, Uplink: true, Upstream: c.DNS, DefaultDNS: true})
		if err != nil {
			return nil, nil, err
		}
		r.Gateway.SetUp(true)
		return r.router, node, r.router.Start(tc.Now, 0)
	}})
	r.Node.OnEvent = r.event
	if !c.Off {
		r.Node.Boot()
	}
	return r
}

func makeNode(c RouterConfig, tc thread.Config) (node *thread.Node, device border.Device, err error) {
	if c.Device != nil {
		device, node, err = c.Device(tc)
		return node, device, err
	}
	node, err = thread.New(tc)
	return node, nil, err
}

// Border returns the router that runs, or nil.
func (r *Router) Border() *border.Router {
	if r.Node.On() {
		return r.router
	}
	return nil
}

// Shell is what the router's command line has.
func (r *Router) Shell() (c shell.Config) {
	if b := r.Border(); b != nil {
		c.Border = b
	}
	return c
}

// Kill cuts the power.
func (r *Router) Kill() {
	r.Gateway.SetUp(false)
	r.Node.Kill()
}

func (r *Router) arrived(packet []byte) {
	r.Node.Do(func(now machine.Time) {
		r.router.OutsideReceived(now, r.system.enters(now, r.Number(), packet), packet)
	})
}

func (r *Router) event(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *border.Outside:
		if f := r.system.follower; f != nil {
			f.Leaves(now, a.Cause, r.Number(), v.Packet)
		}
		r.Gateway.Send(v.Packet)
	case *border.Query:
		server := v.Server
		r.system.Inet.Ask(v.Message, func(answer []byte) {
			r.Node.Do(func(now machine.Time) { r.router.UpstreamReceived(now, 0, server, answer) })
		})
	case *border.Changed:
		r.route(now)
	}
}

// route has the internet know by which prefix the mesh is reached: that which this router gives it, if it does.
func (r *Router) route(now machine.Time) {
	var list []netip.Prefix
	if p := r.router.Status(now).OMR; p.Bits > 0 {
		list = append(list, netip.PrefixFrom(p.Addr.Netip(), int(p.Bits)))
	}
	r.Gateway.Routes(list...)
}

// WaitReady lets time pass until the mesh has a way to IPv6 and IPv4, at most for d.
func (s *System) WaitReady(d time.Duration) bool {
	return s.Net.RunUntil(func() bool {
		for _, r := range s.Routers {
			if b := r.Border(); b != nil && r.Attached() {
				if st := b.Status(s.Net.World.Now()); st.OMR.Bits > 0 && st.NAT64.Bits > 0 {
					return true
				}
			}
		}
		return false
	}, d)
}
