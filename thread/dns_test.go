package thread_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/netdata"
	"heddle.example/thread/shell"
	"heddle.example/thread/status"
)

// nameNet is two nodes, of which the leader answers DNS, and says so in the network data. six.example has an IPv6 address to which
// there is no route, and an IPv4 one, as all others; both.example has an address on the mesh, too.
func nameNet(t *testing.T) (net *network.Network, server, client *network.Node) {
	net = network.New(5, mesh.Config{})
	server = net.Add(network.NodeConfig{})
	d := server.Thread().Datasets().NewNetwork()
	start(t, server, d)
	wait(t, net, time.Minute, "leader", func() bool { return role(server) == mle.Leader })
	client = net.Add(network.NodeConfig{})
	start(t, client, d)
	wait(t, net, time.Minute, "child", func() bool { return role(client).Attached() })
	far, near := ip6.MustParse("2001:db8::6"), eid(server)
	server.Input(func(now machine.Time, x *thread.Node) {
		var id thread.SocketID
		id, err := x.HandleUDP(func(now machine.Time, g *thread.Datagram) {
			m, err := dns.Parse(g.Payload)
			if err != nil {
				t.Fatal(err)
			}
			b := dns.AppendHeader(nil, m.ID, dns.FlagResponse, &m.Question, 1)
			q := &m.Question
			made := ip6.MustParse("fd64::101:101")
			switch six, both := q.Name == dns.MustName("six.example"), q.Name == dns.MustName("both.example"); {
			case q.Type == dns.TypeA && q.Name == dns.MustName("half.example"):
				return // lost
			case q.Type == dns.TypeAAAA && q.Name == dns.MustName("half.example"):
				b = dns.AppendRecord(b, q, q.Name, dns.TypeAAAA, 60, far[:])
			case q.Type == dns.TypeAAAA && q.Name == dns.MustName("made.example"): // by a server with DNS64
				b = dns.AppendRecord(b, q, q.Name, dns.TypeAAAA, 60, made[:])
			case q.Type == dns.TypeAAAA && both: // one that is far away, and one on the mesh
				b = dns.AppendRecord(b, q, q.Name, dns.TypeAAAA, 60, far[:])
				b = dns.AppendRecord(b, q, q.Name, dns.TypeAAAA, 50, near[:])
				b[7] = 2
			case q.Type == dns.TypeAAAA && six:
				b = dns.AppendRecord(b, q, q.Name, dns.TypeAAAA, 60, far[:])
			case q.Type == dns.TypeAAAA || q.Name == dns.MustName("lonely.default.service.arpa"):
				b[7] = 0
			default:
				b = dns.AppendRecord(b, q, q.Name, q.Type, 60, []byte{1, 1, 1, 1})
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
				eid := x.MeshLocalEID()
				err = x.NetData().AddService(now, 44970, append(append([]byte{0x5d}, eid[:]...), 0xd1, 0x20), true, nil)
			}
			if err == nil {
				err = x.NetData().AddExternalRoute(now, netdata.ExternalRoute{Prefix: ip6.MustParsePrefix("fd64::/96"), NAT64: true, Stable: true})
			}
			x.NetData().Register(now)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return net, server, client
}

// A node asks a server in the mesh for a name: IPv6 addresses as they are, IPv4 ones by the NAT64 prefix of the network data.
func TestResolveName(t *testing.T) {
	net, server, client := nameNet(t)
	var got *dnssd.Response
	client.OnEvent = func(now machine.Time, a machine.Action) {
		if r, ok := a.Value.(*dnssd.Response); ok {
			got = r
		}
	}
	ask := func(name string, ip4 bool, server ip6.Address) *dnssd.Response {
		t.Helper()
		got = nil
		client.Input(func(now machine.Time, x *thread.Node) {
			if _, err := x.ResolveName(now, 0, name, ip4, dnssd.Settings{Server: server}); err != nil {
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
		if _, err := x.ResolveName(now, 0, "x", false, dnssd.Settings{}); err != status.InvalidState {
			t.Error(err)
		}
	})
}

// All addresses of a host come in the order in which they are to be tried.
func TestResolve(t *testing.T) {
	net, server, client := nameNet(t)
	net.Run(10 * time.Second)
	var got *thread.Resolved
	client.OnEvent = func(now machine.Time, a machine.Action) {
		if r, ok := a.Value.(*thread.Resolved); ok && a.Cause == 77 {
			got = r
		}
	}
	own := eid(server).String()
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"both.example", own + "/50 fd64:0:0:0:0:0:101:101=1.1.1.1/60 2001:db8:0:0:0:0:0:6/60", nil},
		{"six.example.", "fd64:0:0:0:0:0:101:101=1.1.1.1/60 2001:db8:0:0:0:0:0:6/60", nil},
		{"four.example", "fd64:0:0:0:0:0:101:101=1.1.1.1/60", nil},
		{"made.example", "fd64:0:0:0:0:0:101:101=1.1.1.1/60", nil},
		{"half.example", "2001:db8:0:0:0:0:0:6/60", nil},
		{"lonely", "", status.NotFound},
		{"[2001:db8::7]", "2001:db8:0:0:0:0:0:7/0", nil},
		{"::1", "0:0:0:0:0:0:0:1/0", nil},
		{"localhost", "0:0:0:0:0:0:0:1/0", nil},
		{"9.8.7.6", "fd64:0:0:0:0:0:908:706=9.8.7.6/0", nil},
		{"fe80::1%wpan0", "", status.Parse},
		{"1.2.3", "", status.Parse},
		{"fd00::x", "", status.Parse},
	} {
		got = nil
		var op machine.OpID
		client.Input(func(now machine.Time, x *thread.Node) {
			if x.NameServer() != eid(server) {
				t.Errorf("%s is asked", x.NameServer())
			}
			var err error
			if op, err = x.Resolve(now, 77, c.name); err != nil {
				t.Fatal(c.name, err)
			}
		})
		wait(t, net, 3*time.Second, c.name, func() bool { return got != nil })
		var list []string
		for _, a := range got.Addresses {
			s := a.IP.String()
			if a.IP4.IsValid() {
				s += "=" + a.IP4.String()
			}
			list = append(list, fmt.Sprintf("%s/%d", s, a.TTL))
		}
		if strings.Join(list, " ") != c.want || got.Err != c.err || got.Name != c.name || op == 0 {
			t.Errorf("%s: %s, %v", c.name, list, got.Err)
		}
	}
	client.Input(func(now machine.Time, x *thread.Node) {
		if _, err := x.Resolve(now, 0, "a..b"); err != status.InvalidArgs {
			t.Error(err)
		}
		for range 16 {
			if _, err := x.Resolve(now, 0, "a.b"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := x.Resolve(now, 0, "a.b"); err != status.NoBufs {
			t.Error(err)
		}
		if err := x.Down(now, 0); err != nil {
			t.Error(err)
		}
		if _, err := x.Resolve(now, 0, "a.b"); err != status.InvalidState {
			t.Error(err)
		}
	})
}

// `ping` takes names and IPv4 addresses.
func TestPingName(t *testing.T) {
	net, server, client := nameNet(t)
	net.Run(10 * time.Second)
	sh := shell.New(client.Thread(), shell.Config{})
	client.OnEvent = func(now machine.Time, a machine.Action) { sh.Observe(now, a) }
	ping := func(line string) string {
		sh.Output()
		client.Input(func(now machine.Time, _ *thread.Node) { sh.Run(now, 0, line) })
		net.Run(10 * time.Second)
		return regexp.MustCompile(`time=\d+ms|= [\d./]+ ms`).ReplaceAllString(strings.ReplaceAll(string(sh.Output()), "\r\n", "|"), "T")
	}
	const lost = "1 packets transmitted, 0 packets received. Packet loss = 100.0%.|"
	own := eid(server).String()
	for _, c := range []struct{ line, want string }{
		{"ping both.example", "Pinging resolved IPv6 address: " + own + "|16 bytes from " + own + ": icmp_seq=1 hlim=64 T|" +
			"1 packets transmitted, 1 packets received. Packet loss = 0.0%. Round-trip min/avg/max T.|Done|> "},
		{"ping four.example 8 1 1 64 2", "Pinging synthesized IPv6 address: fd64:0:0:0:0:0:101:101|" + lost + "Done|> "},
		{"ping 1.1.1.1", "Pinging synthesized IPv6 address: fd64:0:0:0:0:0:101:101|" + lost + "Done|> "},
		{"ping no.example 8 1 1 64 2 9", "Error 7: InvalidArgs|> "},
		{"ping a..b", "Error 7: InvalidArgs|> "},
		{"ping 1.2.3", "Error 6: Parse|> "},
		{"ping async four.example", "Done|> Pinging synthesized IPv6 address: fd64:0:0:0:0:0:101:101|" + lost},
	} {
		if got := ping(c.line); got != c.want {
			t.Errorf("%s: %q, not %q", c.line, got, c.want)
		}
	}
}

// A sleepy node polls for the answer at once.
func TestResolveAsleep(t *testing.T) {
	net, server, _ := nameNet(t)
	net.Run(10 * time.Second)
	d, _ := server.Thread().Datasets().Active(net.World.Now())
	sleeper := net.Add(network.NodeConfig{Kind: network.SED, PollPeriod: 4 * time.Minute})
	sleeper.Join(d.Info())
	wait(t, net, time.Minute, "child", func() bool { return role(sleeper) == mle.Child })
	net.Run(time.Minute)
	var got *thread.Resolved
	sleeper.OnEvent = func(now machine.Time, a machine.Action) {
		if r, ok := a.Value.(*thread.Resolved); ok {
			got = r
		}
	}
	sleeper.Input(func(now machine.Time, x *thread.Node) {
		if _, err := x.Resolve(now, 0, "both.example"); err != nil {
			t.Fatal(err)
		}
	})
	began := net.World.Now()
	wait(t, net, time.Minute, "answer", func() bool { return got != nil })
	if took := net.World.Now().Sub(began); len(got.Addresses) != 3 || took > 2*time.Second {
		t.Errorf("%v after %v", got.Addresses, took)
	}
}
