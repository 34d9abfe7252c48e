package thread_test

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// A node asks a server in the mesh for a name: IPv6 addresses as they are, IPv4 ones by the NAT64 prefix of the network data.
func TestResolveName(t *testing.T) {
	net := network.New(5, mesh.Config{})
	server := net.Add(network.NodeConfig{})
	d := server.Thread().Datasets().NewNetwork()
	start(t, server, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(server) == mle.Leader })
	client := net.Add(network.NodeConfig{})
	start(t, client, d)
	wait(t, net, time.Minute, "child", func() bool { return role(client).Attached() })
	six := ip6.MustParse("2001:db8::6")
	server.Input(func(now machine.Time, x *thread.Node) {
		var id thread.SocketID
		id, err := x.HandleUDP(func(now machine.Time, g *thread.Datagram) {
			m, err := dns.Parse(g.Payload)
			if err != nil {
				t.Fatal(err)
			}
			b := dns.AppendHeader(nil, m.ID, dns.FlagResponse, &m.Question, 1)
			switch m.Question.Type {
			case dns.TypeAAAA:
				if m.Question.Name == dns.MustName("six.example") {
					b = dns.AppendRecord(b, &m.Question, m.Question.Name, dns.TypeAAAA, 60, six[:])
				} else {
					b = dns.AppendHeader(nil, m.ID, dns.FlagResponse, &m.Question, 0)
				}
			default:
				b = dns.AppendRecord(b, &m.Question, m.Question.Name, m.Question.Type, 60, []byte{1, 1, 1, 1})
			}
			if err := x.SendUDP(now, 0, id, thread.UDPMessage{Src: g.Local, Dst: g.Peer, Port: g.PeerPort, Payload: b}); err != nil {
				t.Error(err)
			}
		})
		if err == nil {
			err = x.BindUDP(id, ip6.Unspecified, 53)
		}
		x.Do(now, 0, func() {
			if err == nil {
				err = x.NetData().AddExternalRoute(now, netdata.ExternalRoute{Prefix: ip6.MustParsePrefix("fd64::/96"), NAT64: true, Stable: true})
			}
			x.NetData().Register(now)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	var got *dns.Response
	client.OnEvent = func(now machine.Time, a machine.Action) {
		if r, ok := a.Value.(*dns.Response); ok {
			got = r
		}
	}
	ask := func(name string, ip4 bool, server ip6.Address) *dns.Response {
		t.Helper()
		got = nil
		client.Input(func(now machine.Time, x *thread.Node) {
			if _, err := x.ResolveName(now, 0, name, ip4, dns.Settings{Server: server}); err != nil {
				t.Error(err)
			}
		})
		wait(t, net, time.Minute, "answer", func() bool { return got != nil })
		return got
	}
	net.Run(10 * time.Second)
	for _, c := range []struct {
		name string
		ip4  bool
		want string
	}{
		{"six.example", false, "2001:db8:0:0:0:0:0:6"},
		{"six.example", true, "fd64:0:0:0:0:0:101:101"},
		{"four.example.", false, "fd64:0:0:0:0:0:101:101"},
	} {
		r := ask(c.name, c.ip4, eid(server))
		if r.Err != nil || len(r.Addresses) != 1 || r.Addresses[0].IP.String() != c.want || r.Addresses[0].TTL != 60 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	if r := ask("six.example", false, ip6.MustParse("fd00::99")); r.Err != status.ResponseTimeout {
		t.Errorf("%+v", r)
	}
	client.Input(func(now machine.Time, x *thread.Node) {
		if err := x.Down(now, 0); err != nil {
			t.Error(err)
		}
		if _, err := x.ResolveName(now, 0, "x", false, dns.Settings{}); err != status.InvalidState {
			t.Error(err)
		}
	})
}
