package internet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"heddle.example/sim"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

var (
	pool   = netip.MustParseAddr("192.168.255.1")
	server = netip.MustParseAddr("198.51.100.10")
	native = netip.MustParseAddr("fdaa::10")
	node6  = netip.MustParseAddr("fd11:22::1")
	one    = netip.MustParseAddr("1.1.1.1")
)

// bench is an internet with a server that sends every datagram back, and a gateway whose packets are kept.
func bench(c Config) (w *sim.World, i *Internet, g *Gateway, got *[][]byte) {
	w = sim.New(1)
	i = New(w, c)
	for _, a := range []netip.Addr{server, native} {
		i.Host(a, 60, "server.example")
		i.WAN.Attach(a, func(from, to netip.AddrPort, b []byte) { i.WAN.Inject(to, from, b) })
	}
	i.Host(one, 55, "one.example")
	got = new([][]byte)
	g = i.Gateway(func(p []byte) { *got = append(*got, bytes.Clone(p)) })
	g.Routes(netip.MustParsePrefix("fd11:22::/64"))
	return w, i, g, got
}

func at(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

func TestUDP(t *testing.T) {
	w, i, g, got := bench(Config{Mappings: time.Minute})
	for _, c := range []struct{ from, to netip.AddrPort }{{at(pool, 5000), at(server, 5683)}, {at(node6, 6000), at(native, 5684)}} {
		*got = nil
		g.Send(appendUDP(nil, c.from, c.to, 64, []byte("hello")))
		w.RunFor(time.Second)
		if len(*got) != 1 {
			t.Fatalf("%v: %d packets came back", c.to, len(*got))
		}
		p, ok := parse((*got)[0])
		if !ok || p.from() != c.to || p.to() != c.from || string(p.payload) != "hello" {
			t.Errorf("%v: %+v", c.to, p)
		}
		if x := (*got)[0]; p.src.Is4() && (^ip6.Sum(0, x[:20]) != 0 || !sum4(x)) || p.src.Is6() && !ip6.ChecksumOK(x, p.at, ip6.UDP) {
			t.Errorf("%v: a wrong checksum", c.to)
		}
	}
	if i.NAT.Mappings() != 1 {
		t.Errorf("%d mappings", i.NAT.Mappings())
	}
	w.RunFor(2 * time.Minute)
	if i.NAT.Mappings() != 0 {
		t.Error("a mapping without end")
	}
	*got = nil
	i.SetIPv4(false)
	g.Send(appendUDP(nil, at(pool, 5000), at(server, 5683), 64, []byte("hello")))
	g.Send(appendUDP(nil, at(node6, 5000), at(native, 5683), 64, []byte("hello")))
	w.RunFor(time.Second)
	if len(*got) != 1 {
		t.Errorf("without IPv4 %d packets came", len(*got))
	}
	g.SetUp(false)
	i.WAN.Inject(at(native, 1), at(node6, 2), []byte("anyone"))
	w.RunFor(time.Second)
	if len(*got) != 1 {
		t.Error("a gateway without power took a packet")
	}
}

// sum4 checks the UDP checksum of an IPv4 packet.
func sum4(b []byte) bool {
	pseudo := append(append([]byte{}, b[12:20]...), 0, 17)
	pseudo = binary.BigEndian.AppendUint16(pseudo, uint16(len(b)-20))
	return ^ip6.Sum(0, append(pseudo, b[20:]...)) == 0
}

func TestEcho(t *testing.T) {
	w, _, g, got := bench(Config{})
	body := append([]byte{8, 0, 0, 0, 0, 7, 0, 9}, "ping"...)
	binary.BigEndian.PutUint16(body[2:], ^ip6.Sum(0, body))
	g.Send(append(header4(pool, one, 1, 64, len(body)), body...))
	h := ip6.Header{HopLimit: 64, Src: ip6.FromNetip(node6), Dst: ip6.FromNetip(native)}
	g.Send(ip6.AppendICMP(nil, h, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: 7, Sequence: 9}, []byte("ping")))
	g.Send(append(header4(pool, netip.MustParseAddr("9.9.9.9"), 1, 64, len(body)), body...)) // nobody
	w.RunFor(time.Second)
	if len(*got) != 2 {
		t.Fatalf("%d answers", len(*got))
	}
	for _, b := range *got {
		p, ok := parse(b)
		x := b[p.at:]
		if !ok || !bytes.Equal(x[4:], body[4:]) || p.src.Is4() && (x[0] != 0 || b[8] != 55 || ^ip6.Sum(0, x) != 0) ||
			p.src.Is6() && (x[0] != 129 || b[7] != 60 || !ip6.ChecksumOK(b, p.at, ip6.ICMP6)) {
			t.Errorf("%x", b)
		}
	}
}

func TestNames(t *testing.T) {
	w, i, g, got := bench(Config{})
	resolver := netip.MustParseAddr("192.0.2.53")
	i.Resolver(resolver)
	ask := func(name string, kind byte) []byte {
		q := []byte{0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
		q = append(append(q, name...), 0, 0, kind, 0, 1)
		*got = nil
		g.Send(appendUDP(nil, at(pool, 4000), at(resolver, 53), 64, q))
		w.RunFor(time.Second)
		if len(*got) != 1 {
			t.Fatalf("%d answers", len(*got))
		}
		p, _ := parse((*got)[0])
		return p.payload
	}
	if b := ask("\x06Server\x07example", dns.TypeA); b[3]&15 != 0 || b[7] != 1 || !bytes.HasSuffix(b, server.AsSlice()) {
		t.Errorf("A: %x", b)
	}
	if b := ask("\x06server\x07example", dns.TypeAAAA); b[7] != 1 || !bytes.HasSuffix(b, native.AsSlice()) {
		t.Errorf("AAAA: %x", b)
	}
	if b := ask("\x03one\x07example", dns.TypeAAAA); b[3]&15 != 0 || b[7] != 0 {
		t.Errorf("no data: %x", b)
	}
	if b := ask("\x04none\x07example", dns.TypeA); b[3]&15 != 3 {
		t.Errorf("no name: %x", b)
	}
	for _, bad := range []string{"", "\xab\xcd\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01", "\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01"} {
		if b := i.Answer([]byte(bad)); b != nil {
			t.Errorf("%x is answered %x", bad, b)
		}
	}
}

func TestElsewhere(t *testing.T) {
	_, i, g, _ := bench(Config{})
	var took []byte
	i.Elsewhere = func(_ *Gateway, p []byte) bool { took = bytes.Clone(p); return true }
	p := appendUDP(nil, at(pool, 1), at(netip.MustParseAddr("8.8.8.8"), 53), 64, []byte("x"))
	if g.Send(p); !bytes.Equal(took, p) || i.Counters.Elsewhere != 1 {
		t.Errorf("%x, %+v", took, i.Counters)
	}
}

func FuzzGateway(f *testing.F) {
	f.Add(appendUDP(nil, at(pool, 5000), at(server, 5683), 64, []byte("hello")))
	f.Add(appendUDP(nil, at(node6, 5000), at(native, 53), 64, []byte("hello")))
	f.Add(append(header4(pool, one, 1, 64, 8), 8, 0, 0, 0, 0, 7, 0, 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, i, g, _ := bench(Config{})
		i.Resolver(one)
		g.Send(b)
		i.Answer(b)
		w.RunFor(time.Second)
	})
}
