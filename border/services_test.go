package border_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/mdns"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/shell"
)

// computer is one on the infrastructure link that speaks multicast DNS.
type computer struct {
	*mdns.Speaker
	b  *bench
	at machine.Time // when it is to be called
}

func (b *bench) computer(seed uint64) *computer {
	c := &computer{b: b, at: machine.Never}
	c.Speaker = mdns.New(machinetest.NewRand(seed), c)
	c.SetUp(b.net.World.Now(), true)
	b.computers = append(b.computers, c)
	return c
}

func (c *computer) Send(_ machine.Time, to netip.AddrPort, m []byte) {
	c.b.multicast(nil, c, to, slices.Clone(m))
}
func (c *computer) Answered(machine.Time) {}

// turn has the computer called when it wants to be.
func (c *computer) turn() {
	now := c.b.net.World.Now()
	if d := c.Deadline(); d < c.at || c.at <= now {
		if c.at = d; d == machine.Never {
			return
		}
		c.b.net.World.After(max(0, d.Sub(now)), func() {
			c.Expire(c.b.net.World.Now())
			c.turn()
		})
	}
}

// multicast carries a message of multicast DNS to all others on the link; what is for one host nobody here waits for.
func (b *bench) multicast(from *network.Node, fromComputer *computer, to netip.AddrPort, m []byte) {
	if to.IsValid() {
		return
	}
	msg := mdns.Message{From: netip.MustParseAddrPort("[fe80::77]:5353"), Data: m}
	b.net.World.After(time.Millisecond, func() {
		for _, c := range b.computers {
			if c != fromComputer {
				c.Receive(b.net.World.Now(), msg)
				c.turn()
			}
		}
		for _, n := range b.order {
			if n != from && !b.cut[n] {
				n.Do(func(now machine.Time) { b.routers[n].MDNSReceived(now, 0, msg) })
			}
		}
	})
}

// finds returns what the computer finds, after two seconds.
func (c *computer) finds(name string, kind uint16) []string {
	n, err := dns.ParseName(name)
	if err != nil {
		c.b.t.Fatal(err)
	}
	return c.findsName(n, kind)
}

func (c *computer) findsName(n dns.Name, kind uint16) (list []string) {
	var found []mdns.Found
	for range 3 { // what is known, what is asked for, and what is more
		found, _ = c.Lookup(c.b.net.World.Now(), n, kind, time.Second)
		c.turn()
		c.b.net.Run(time.Second)
	}
	for _, f := range found {
		switch kind {
		case dns.TypePTR:
			list = append(list, dns.Name(f.Data).Text())
		case dns.TypeSRV:
			list = append(list, fmt.Sprintf("%s %d", dns.Name(f.Data[6:]).Text(), int(f.Data[4])<<8|int(f.Data[5])))
		case dns.TypeAAAA, dns.TypeA:
			a, _ := netip.AddrFromSlice(f.Data)
			list = append(list, a.String())
		default:
			list = append(list, fmt.Sprintf("%q", f.Data))
		}
	}
	slices.Sort(list)
	return list
}

// instance makes the name of an instance of a service, whose label may have dots.
func instance(label, service string) dns.Name {
	n, _ := dns.ParseName(service)
	n, err := dns.Labels(n, label)
	if err != nil {
		panic(err)
	}
	return n
}

// types has a node's prompt take lines, and returns what the last one prints.
func (b *bench) types(n *network.Node, lines ...string) (out string) {
	b.t.Helper()
	sh := shell.New(n.Thread(), shell.Config{})
	n.OnEvent = func(now machine.Time, a machine.Action) { sh.Observe(now, a) }
	for _, l := range lines {
		sh.Output()
		n.Input(func(now machine.Time, _ *thread.Node) { sh.Run(now, 0, l) })
		b.net.RunUntil(func() bool { return !sh.Pending() }, 30*time.Second)
		out = strings.ReplaceAll(string(sh.Output()), "\r\n", "\n")
	}
	return strings.TrimSuffix(out, "> ")
}

var beside = func() border.Config {
	c := onLink
	c.Infra.MDNS, c.Services = true, true
	return c
}()

// A computer on the link finds the border agent, and what the mesh has registered: with another name where that is taken on the
// link. Nodes find what is on the link. What ends, ends on the link, too.
func TestServicesOnTheLink(t *testing.T) {
	b := newBench(t, 1)
	pc := b.computer(1)
	printer := &mdns.Advert{Host: "lamp", Addresses: []netip.Addr{netip.MustParseAddr("fdde:ad00:beef:cafe::77"), netip.MustParseAddr("fe80::77"), netip.MustParseAddr("192.0.2.7")},
		Services: []mdns.Service{{Instance: "Printer 1.0", Type: "_ipp._tcp", Port: 631, Text: []byte("\x04rp=a")}}}
	if err := pc.Set(b.net.World.Now(), "x", printer); err != nil {
		t.Fatal(err)
	}
	pc.turn()
	n := b.lead(beside)
	node := b.plain()
	b.until("attached", time.Minute, node.Attached)
	b.net.Run(20 * time.Second)

	ext := n.Thread().ExtAddr()
	agent, host := fmt.Sprintf("Heddle BR #%X", ext[6:]), fmt.Sprintf("heddle-%x.local", ext)
	want := func(what string, got []string, want ...string) {
		t.Helper()
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s: %q, not %q", what, got, want)
		}
	}
	want("the border agent", pc.finds("_meshcop._udp.local", dns.TypePTR), agent+"._meshcop._udp.local")
	want("where it is", pc.findsName(instance(agent, "_meshcop._udp.local"), dns.TypeSRV), fmt.Sprintf("%s %d", host, n.Thread().BorderAgent().Port()))
	text := strings.Join(pc.findsName(instance(agent, "_meshcop._udp.local"), dns.TypeTXT), "")
	if !strings.Contains(text, "nn="+n.Thread().NetworkName()) || !strings.Contains(text, "vn=Heddle") || !strings.Contains(text, "omr=@") {
		t.Error(text)
	}
	omr := pc.finds(host, dns.TypeAAAA)
	if p, _ := b.manager(n).OMRPrefix(); len(omr) != 1 || !netip.PrefixFrom(p.Addr.Netip(), int(p.Bits)).Contains(netip.MustParseAddr(omr[0])) {
		t.Error(omr)
	}
	want("no ephemeral key", pc.finds("_meshcop-e._udp.local", dns.TypePTR))
	n.Input(func(now machine.Time, x *thread.Node) {
		if err := x.StartEphemeralKey(now, 0, "123456789", 0, 0); err != nil {
			t.Fatal(err)
		}
	})
	b.net.Run(2 * time.Second)
	want("an ephemeral key", pc.findsName(instance(agent, "_meshcop-e._udp.local"), dns.TypeSRV), fmt.Sprintf("%s %d", host, n.Thread().BorderAgent().KeyPort()))
	b.net.Run(3 * time.Minute)
	want("it is over", pc.finds("_meshcop-e._udp.local", dns.TypePTR))

	out := b.types(node, "srp client autostart enable", "srp client host name Lamp", "srp client host address auto", "srp client service add Kitchen.1 _coap._udp,_light 5683 0 0 0361 3d62")
	if !strings.HasSuffix(out, "InvalidArgs\n") { // two arguments where one is
		t.Error(out)
	}
	b.types(node, "srp client service add Kitchen.1 _coap._udp,_light 5683 1 2 03613d62")
	b.net.Run(20 * time.Second)
	if out := b.types(node, "srp client host"); !strings.Contains(out, "Registered") {
		t.Fatal(out)
	}
	own := ""
	for _, a := range node.Thread().Addresses() {
		if !a.Addr.IsLinkLocalUnicast() && !a.MeshLocal {
			own = a.Addr.Netip().String()
		}
	}
	want("by type", pc.finds("_coap._udp.local", dns.TypePTR), "Kitchen.1._coap._udp.local")
	want("by subtype", pc.finds("_light._sub._coap._udp.local", dns.TypePTR), "Kitchen.1._coap._udp.local")
	want("a service of the mesh", pc.findsName(instance("Kitchen.1", "_coap._udp.local"), dns.TypeSRV), "Lamp-2.local 5683")
	want("its text", pc.findsName(instance("Kitchen.1", "_coap._udp.local"), dns.TypeTXT), `"\x03a=b"`)
	want("a host of the mesh", pc.finds("lamp-2.local", dns.TypeAAAA), own)
	want("the types", pc.finds("_services._dns-sd._udp.local", dns.TypePTR), "_coap._udp.local", "_ipp._tcp.local", "_meshcop._udp.local")

	for _, c := range []struct{ line, want string }{
		{"dns browse _ipp._tcp.default.service.arpa", "Printer 1.0"},
		{"dns service Printer\\ 1.0 _ipp._tcp.default.service.arpa", "Port:631, Priority:0, Weight:0, TTL:10\nHost:lamp.default.service.arpa."},
		{"dns browse _coap._udp.default.service.arpa", "Kitchen.1"}, // of the mesh, not of the link
		{"dns resolve heddle-" + fmt.Sprintf("%x", ext) + ".default.service.arpa", omr[0][:4]},
	} {
		if out := b.types(node, c.line); !strings.Contains(out, c.want) || !strings.HasSuffix(out, "Done\n") {
			t.Errorf("%s: %s", c.line, out)
		}
	}
	begun := b.net.World.Now()
	if out := b.types(node, "dns browse _none._tcp.default.service.arpa"); !strings.HasSuffix(out, "Done\n") || b.net.World.Now().Sub(begun) < 5*time.Second || b.net.World.Now().Sub(begun) > 7*time.Second {
		t.Error(out, b.net.World.Now().Sub(begun))
	}

	b.types(node, "srp client host remove 1")
	b.net.Run(5 * time.Second)
	want("removed", pc.finds("_coap._udp.local", dns.TypePTR))
	b.do(n, func(now machine.Time, m *routing.Manager) { _ = m.SetEnabled(now, false) })
	b.net.Run(5 * time.Second)
	want("after br disable", pc.finds("_meshcop._udp.local", dns.TypePTR))
	b.do(n, func(now machine.Time, m *routing.Manager) { _ = m.SetEnabled(now, true) })
	b.net.Run(30 * time.Second)
	want("after br enable", pc.finds("_meshcop._udp.local", dns.TypePTR), agent+"._meshcop._udp.local")
	n.Do(func(now machine.Time) { b.routers[n].Farewell(now, 0) })
	b.net.Run(5 * time.Second)
	want("after the end", pc.finds("_meshcop._udp.local", dns.TypePTR))
}

// Without multicast DNS in the driver, names that nobody has registered do not exist, at once.
func TestNoServicesOnTheLink(t *testing.T) {
	b := newBench(t, 1)
	c := onLink
	c.Services = true
	b.lead(c)
	node := b.plain()
	b.until("attached", time.Minute, node.Attached)
	b.net.Run(20 * time.Second)
	begun := b.net.World.Now()
	if out := b.types(node, "srp client autostart enable", "dns resolve x.default.service.arpa"); !strings.Contains(out, "Error 23: NotFound") || b.net.World.Now().Sub(begun) > time.Second {
		t.Error(out, b.net.World.Now().Sub(begun))
	}
}
