package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// uplink is a host's side of a border router: it answers echo requests for the outside and keeps the rest.
type uplink struct {
	node *network.Node
	got  [][]byte
}

func (u *uplink) take(_ machine.Time, b []byte) {
	b = append([]byte(nil), b...)
	u.got = append(u.got, b)
	h, err := ip6.ParseHeader(b)
	if err != nil || h.Next != ip6.ICMP6 || h.Dst.IsMulticast() {
		return
	}
	m, err := ip6.ParseICMP(b[ip6.HeaderSize:])
	if err != nil || m.Type != ip6.EchoRequest {
		return
	}
	m.Type = ip6.EchoReply
	reply := ip6.AppendICMP(nil, ip6.Header{HopLimit: 60, Src: h.Dst, Dst: h.Src}, m, b[ip6.HeaderSize+ip6.ICMPSize:])
	u.node.Input(func(now machine.Time, x *thread.Node) { x.Receive(now, 1, machine.Path{}, reply) })
}

func (u *uplink) last() []byte {
	if len(u.got) == 0 {
		return nil
	}
	return u.got[len(u.got)-1]
}

// A border router in the middle of a line of three: nodes reach the world through it and are reached, and what must not
// pass does not.
func TestHost(t *testing.T) {
	net := network.New(8, mesh.Config{})
	up := &uplink{}
	nodes := []*network.Node{net.Add(network.NodeConfig{}), net.Add(network.NodeConfig{}), nil}
	up.node = net.Add(network.NodeConfig{Configure: func(c *thread.Config) { c.Host = up.take }})
	nodes[2] = up.node
	net.Only([]int{1, 2, 3})
	d := nodes[0].Thread().Datasets().NewNetwork()
	for _, x := range nodes {
		start(t, x, d)
		wait(t, net, 5*time.Minute, "router", func() bool { return role(x).RouterOrLeader() })
	}
	world := ip6.MustParse("2001:db8:99::1")
	if p := nodes[0].PingWith(thread.PingConfig{Dst: world}); p.Received != 0 {
		t.Fatal("there is no way out yet")
	}
	prefix := ip6.MustParsePrefix("2001:db8:1:2::/64")
	up.node.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			err := x.NetData().AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: prefix, Preferred: true, SLAAC: true,
				DefaultRoute: true, OnMesh: true, Stable: true})
			if err != nil {
				t.Fatal(err)
			}
			x.NetData().Register(now)
		})
	})
	global := func(n *network.Node) (a ip6.Address) {
		for _, u := range n.Thread().Addresses() {
			if u.Addr.Network() == prefix.Addr.Network() {
				a = u.Addr
			}
		}
		return a
	}
	wait(t, net, time.Minute, "addresses", func() bool {
		return !global(nodes[0]).IsUnspecified() && !global(nodes[1]).IsUnspecified() && !global(nodes[2]).IsUnspecified()
	})
	for _, n := range nodes {
		for _, size := range []int{8, 1232} {
			ping(t, n, thread.PingConfig{Dst: world, Size: size})
			if h, err := ip6.ParseHeader(up.last()); err != nil || h.Dst != world || h.Src != global(n) {
				t.Errorf("the host got %+v, %v", h, err)
			}
		}
	}

	// From outside: an echo request in, the answer out.
	send := func(src, dst ip6.Address, hops uint8, port uint16) {
		up.got = nil
		h := ip6.Header{HopLimit: hops, Src: src, Dst: dst}
		b := ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: 7}, []byte("hello"))
		if port != 0 {
			b = ip6.AppendUDP(nil, h, 5000, port, []byte{0x40, 2, 0, 1})
		}
		up.node.Input(func(now machine.Time, x *thread.Node) { x.Receive(now, 1, machine.Path{}, b) })
		net.Run(5 * time.Second)
	}
	answered := func(from ip6.Address) bool {
		b := up.last()
		return len(b) > 44 && ip6.Src(b) == from && ip6.Dst(b) == world && b[40] == byte(ip6.EchoReply)
	}
	for _, n := range nodes[:2] {
		if send(world, global(n), 64, 0); !answered(global(n)) {
			t.Errorf("%s does not answer the world: %x", n.Name(), up.last())
		}
	}
	if send(eid(nodes[1]), global(nodes[0]), 64, 0); len(up.got) != 0 {
		t.Errorf("the host spoke for the mesh: %x", up.got)
	}
	if send(world, eid(nodes[0]), 64, 0); len(up.got) != 0 {
		t.Errorf("the host reached a mesh-local address: %x", up.got)
	}
	was := nodes[0].Thread().TMF().Stats.Received
	if send(world, global(nodes[0]), 64, 61631); nodes[0].Thread().TMF().Stats.Received != was {
		t.Error("management came from outside")
	}

	// Inside stays inside.
	up.got = nil
	ping(t, nodes[0], thread.PingConfig{Dst: eid(nodes[2])})
	ping(t, nodes[0], thread.PingConfig{Dst: global(nodes[1])})
	for _, b := range up.got {
		t.Errorf("the host got %x", b)
	}
}
