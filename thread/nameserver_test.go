package thread_test

import (
	"net/netip"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
)

// What a border router knows of names elsewhere is for its mesh: who asks from without is not answered through it. So many
// questions of the mesh are under way at a time, and each makes room when it is answered or a while later.
func TestUpstreamNames(t *testing.T) {
	net := network.New(6, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	d := a.Thread().Datasets().NewNetwork()
	start(t, a, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(a) == mle.Leader })
	b := net.Add(network.NodeConfig{})
	start(t, b, d)
	wait(t, net, time.Minute, "child", func() bool { return role(b).Attached() })
	addPrefix(t, a, "fd11:22::/64")
	wait(t, net, time.Minute, "addresses", allHave([]*network.Node{a, b}, "fd11:22::/64", true))

	type asked struct {
		client netip.AddrPort
		query  []byte
	}
	var upstream []asked
	do(a, func(_ machine.Time, x *thread.Node) {
		x.SetUpstreamDNS(func(_ machine.Time, client netip.AddrPort, query []byte) {
			upstream = append(upstream, asked{client, append([]byte(nil), query...)})
		})
	})
	query := func(id uint16, name string) []byte {
		return dns.AppendHeader(nil, id, dns.FlagRecursion, &dns.Question{Name: dns.MustName(name), Asked: []byte(dns.MustName(name)), Type: dns.TypeAAAA}, 0)
	}
	server, _ := addressIn(a, "fd11:22::/64")

	outside := ip6.Header{HopLimit: 64, Src: ip6.MustParse("2001:db8::9"), Dst: server.Addr}
	a.Input(func(now machine.Time, x *thread.Node) {
		x.Receive(now, 0, machine.Path{}, ip6.AppendUDP(nil, outside, 4000, 53, query(7, "elsewhere.example")))
	})
	net.Run(time.Second)
	if len(upstream) != 0 || a.Thread().DNSCounters().Upstream != 0 {
		t.Errorf("asked for somebody outside: %v", upstream)
	}

	answers := map[uint16]int{} // by id: their codes
	var socket thread.SocketID
	b.Input(func(now machine.Time, x *thread.Node) {
		var err error
		socket, err = x.HandleUDP(func(_ machine.Time, g *thread.Datagram) {
			answers[uint16(g.Payload[0])<<8|uint16(g.Payload[1])] = int(g.Payload[3] & 15)
		})
		if err == nil {
			err = x.BindUDP(socket, ip6.Unspecified, 4001)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	ask := func(id uint16) {
		b.Input(func(now machine.Time, x *thread.Node) {
			if err := x.SendUDP(now, 0, socket, thread.UDPMessage{Dst: server.Addr, Port: 53, Payload: query(id, "elsewhere.example")}); err != nil {
				t.Fatal(err)
			}
		})
		net.Run(20 * time.Millisecond)
	}
	const most = 32
	for id := range uint16(most + 2) {
		ask(id)
	}
	if len(upstream) != most || len(answers) != 2 || answers[most] != 2 || answers[most+1] != 2 {
		t.Fatalf("%d went upstream, the others were answered %v", len(upstream), answers)
	}
	reply := func(u asked) {
		u.query[2] |= 0x80
		do(a, func(now machine.Time, x *thread.Node) { x.AnswerDNS(now, u.client, u.query) })
		net.Run(100 * time.Millisecond)
	}
	reply(upstream[3])
	if code, ok := answers[3]; !ok || code != 0 {
		t.Errorf("%v", answers)
	}
	delete(answers, 3)
	reply(upstream[3]) // nobody asks any more
	if len(answers) != 2 {
		t.Errorf("%v", answers)
	}
	if ask(100); len(upstream) != most+1 {
		t.Error("an answer makes no room")
	}
	net.Run(7 * time.Second)
	if ask(101); len(upstream) != most+2 {
		t.Error("questions without an answer stay for ever")
	}
}
