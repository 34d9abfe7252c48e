package meshdevice_test

import (
	"net/netip"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
)

// world is a mesh with a border router, and an internet with an LwM2M server and a bootstrap server on it. The name
// server.example has an IPv4 address only, as the guide's server; local.example has an IPv6 address.
type world struct {
	t        testing.TB
	net      *network.Network
	inet     *internet.Internet
	border   *network.Node
	server   *server.Server
	node     *sim.Node
	boot     *bootstrap.Server
	bootNode *sim.Node
	outcomes map[machine.OpID]server.Outcome
	events   []any
}

var (
	world4 = netip.MustParseAddr("198.51.100.10")
	world6 = netip.MustParseAddr("fdaa:cafe::10")
	boot4  = netip.MustParseAddr("198.51.100.11")
	name4  = netip.MustParseAddr("192.0.2.53")
)

func newWorld(t testing.TB, seed uint64, c mesh.Config) *world {
	t.Helper()
	w := &world{t: t, net: network.New(seed, c), outcomes: map[machine.OpID]server.Outcome{}}
	w.net.World.Quiet = true
	w.inet = internet.New(w.net.World, internet.Config{})
	w.inet.Host(world4, 60, "server.example")
	w.inet.Host(world6, 60, "local.example")
	w.inet.Host(boot4, 60, "boot.example")
	w.node = w.net.World.Node("server", w.inet.WAN, world4, world6)
	w.node.OnAction = func(_ machine.Time, a machine.Action) {
		if o, ok := a.Value.(*server.Outcome); ok {
			w.outcomes[a.Op] = *o
		}
		w.events = append(w.events, a.Value)
	}
	secure := func(local netip.AddrPort) bool { return local.Port() == 5684 || local.Port() == 5784 }
	w.server = server.New(server.Config{Rand: w.net.World.Rand("server"), Credentials: anyone{}, Unknown: server.AcceptUnknown,
		DTLS: &dtls.Config{}, Secure: secure, Files: "fw"})
	w.node.Boot(w.server)
	w.node.Do(func(now machine.Time) { w.server.Started(now) })
	w.bootNode = w.net.World.Node("bootstrap", w.inet.WAN, boot4)
	w.boot = bootstrap.New(bootstrap.Config{Rand: w.net.World.Rand("bootstrap"), DTLS: &dtls.Config{}, Secure: secure,
		Key: func(id []byte) ([]byte, bool) { return pskKey, string(id) == "BSID" }})
	w.bootNode.Boot(w.boot)
	w.bootNode.OnAction = func(now machine.Time, a machine.Action) {
		if q, ok := a.Value.(*bootstrap.Question); ok {
			op, name := a.Op, q.Endpoint
			w.net.World.After(time.Millisecond, func() {
				w.bootNode.Do(func(now machine.Time) { w.boot.Answer(now, 0, op, name, provision(name), nil) })
			})
		}
	}
	w.border = w.router(true)
	if !w.net.RunUntil(func() bool {
		_, err := w.border.Thread().Synthesize([4]byte{})
		return err == nil
	}, 2*time.Minute) {
		t.Fatal("the border router publishes no NAT64")
	}
	return w
}

// provision gives a device the server by its name.
func provision(name string) *bootstrap.Provision {
	return &bootstrap.Provision{Configuration: name, Delete: []lwm2m.Path{lwm2m.NewPath(0), lwm2m.NewPath(1)}, Accounts: []bootstrap.Account{{
		ShortID: 7, SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID,
		Security: []bootstrap.Resource{{ID: 0, Value: lwm2m.Str("coaps://server.example:5684")}, {ID: 1, Value: lwm2m.Bool(false)},
			{ID: 2, Value: lwm2m.Int(0)}, {ID: 3, Value: lwm2m.Bytes([]byte("id-" + name))}, {ID: 4, Value: lwm2m.Bytes(nil)},
			{ID: 5, Value: lwm2m.Bytes(pskKey)}, {ID: 10, Value: lwm2m.Int(7)}},
		Server: []bootstrap.Resource{{ID: 0, Value: lwm2m.Int(7)}, {ID: 1, Value: lwm2m.Int(60)}, {ID: 6, Value: lwm2m.Bool(true)}, {ID: 7, Value: lwm2m.Str("U")}},
	}}}
}

// router adds a border router; the first one forms the network.
func (w *world) router(form bool) *network.Node {
	var n *network.Node
	var r *border.Router
	var g *internet.Gateway
	n = w.net.Add(network.NodeConfig{Off: true, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		node, err := thread.New(tc)
		if err != nil {
			return nil, nil, err
		}
		r, err = border.New(border.Config{Node: node, Rand: tc.Rand, Infra: border.Infra{None: true}, Translate: true, Uplink: true,
			NAT64:    border.NAT64{Enable: true, Prefix: nat64.WellKnown, Pool: []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")}},
			Upstream: []netip.AddrPort{netip.AddrPortFrom(name4, 53)}, DefaultDNS: true})
		if err == nil {
			err = r.Start(tc.Now, 0)
		}
		return r, node, err
	}})
	g = w.inet.Gateway(func(p []byte) { n.Do(func(now machine.Time) { r.OutsideReceived(now, w.net.World.Cause(), p) }) })
	n.OnEvent = func(now machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *border.Outside:
			if p, ok, _ := favored(r); ok {
				g.Routes(p)
			}
			g.Send(v.Packet)
		case *border.Query:
			server, answer := v.Server, w.inet.Answer(append([]byte(nil), v.Message...))
			w.net.World.After(20*time.Millisecond, func() {
				n.Do(func(now machine.Time) { r.UpstreamReceived(now, w.net.World.Cause(), server, answer) })
			})
		}
	}
	n.Boot()
	if form {
		n.Form(network.Dataset(0))
	} else {
		n.Join(network.Dataset(0))
	}
	return n
}

func favored(r *border.Router) (netip.Prefix, bool, error) {
	p, _, err := r.Routing().FavoredOMRPrefix()
	return netip.PrefixFrom(ip6.Address(p.Addr).Netip(), int(p.Bits)), err == nil, err
}

// rig makes the helpers of devices work in this world.
func (w *world) rig() *rig { return &rig{t: w.t, net: w.net, border: w.border} }

func (w *world) registered(ep string) bool {
	_, _, ok := w.server.Registration(ep)
	return ok
}

func (w *world) do(ep string, op server.Operation) server.Outcome {
	w.t.Helper()
	var id machine.OpID
	w.node.Do(func(now machine.Time) { id = w.server.Do(now, w.net.World.Cause(), ep, &op) })
	w.net.RunUntil(func() bool { _, ok := w.outcomes[id]; return ok }, 10*time.Minute)
	return w.outcomes[id]
}
