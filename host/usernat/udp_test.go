package usernat

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

var (
	wellKnown = nat64.WellKnown
	node      = ip6.MustParse("fd00:1::1")
	other     = ip6.MustParse("fd00:1::2")
	loopback4 = ip6.MustParse("64:ff9b::127.0.0.1")
	six       = ip6.MustParse("fd00:2::53") // stands for ::1
)

// bench is a NAT with what it gave the mesh.
type bench struct {
	*NAT
	t   *testing.T
	got chan []byte
}

func start(t *testing.T, change func(c *Config)) *bench {
	t.Helper()
	b := &bench{t: t, got: make(chan []byte, 1000)}
	c := Config{NAT64: wellKnown, Loopback: true, Alias: map[netip.Addr]netip.Addr{six.Netip(): netip.IPv6Loopback()},
		Receive: func(p []byte) {
			if err := ip6.Check(p); err != nil && p[0]>>4 == 6 {
				t.Errorf("for the mesh: %x: %v", p, err)
			}
			b.got <- bytes.Clone(p)
		}}
	if change != nil {
		change(&c)
	}
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	b.NAT = n
	return b
}

func (b *bench) next() []byte {
	b.t.Helper()
	select {
	case p := <-b.got:
		return p
	case <-time.After(5 * time.Second):
		b.t.Fatal("nothing came for the mesh")
	}
	return nil
}

// says puts what came for the mesh into a line.
func says(p []byte) string {
	x, err := ip6.ParsePacket(p)
	if err != nil {
		return err.Error()
	}
	if !x.Fragmented && !ip6.ChecksumOK(p, x.At, x.Proto) {
		return "bad checksum"
	}
	s := fmt.Sprintf("%v > %v", x.Src, x.Dst)
	switch x.Proto {
	case ip6.UDP:
		return fmt.Sprintf("%s udp %d %d %q", s, x.SrcPort, x.DstPort, p[x.At+ip6.UDPSize:])
	case ip6.ICMP6:
		return fmt.Sprintf("%s icmp %d/%d", s, x.Type, x.Code)
	}
	return fmt.Sprintf("%s proto %d", s, x.Proto)
}

// server echoes datagrams with a prefix, and tells whom it saw.
type server struct {
	*net.UDPConn
	port uint16
	seen chan netip.AddrPort
}

func serve(t *testing.T, network, address string) *server {
	t.Helper()
	a := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address))
	c, err := net.ListenUDP(network, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s := &server{c, uint16(c.LocalAddr().(*net.UDPAddr).Port), make(chan netip.AddrPort, 1000)}
	go func() {
		var b [8192]byte
		for {
			n, from, err := c.ReadFromUDPAddrPort(b[:])
			if err != nil {
				return
			}
			s.seen <- from
			c.WriteToUDPAddrPort(append([]byte("re:"), b[:n]...), from)
		}
	}()
	return s
}

func udp(src, dst ip6.Address, from, to uint16, payload string) []byte {
	return ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: src, Dst: dst}, from, to, []byte(payload))
}

func TestUDP(t *testing.T) {
	n := start(t, nil)
	four, sixth := serve(t, "udp4", "127.0.0.1:0"), serve(t, "udp6", "[::1]:0")
	n.Send(udp(node, loopback4, 5683, four.port, "hello"))
	if got, want := says(n.next()), fmt.Sprintf("%v > %v udp %d 5683 %q", loopback4, node, four.port, "re:hello"); got != want {
		t.Errorf("by NAT64: %s, want %s", got, want)
	}
	n.Send(udp(node, six, 5683, sixth.port, ""))
	if got, want := says(n.next()), fmt.Sprintf("%v > %v udp %d 5683 %q", six, node, sixth.port, "re:"); got != want {
		t.Errorf("natively: %s, want %s", got, want)
	}
	a := <-four.seen
	second := serve(t, "udp4", "127.0.0.1:0")
	n.Send(udp(node, loopback4, 5683, second.port, "2"))
	n.next()
	if b := <-second.seen; a != b {
		t.Errorf("one port of a node is %v and %v outside", a, b)
	}
	n.Send(udp(other, loopback4, 5683, second.port, "3"))
	n.next()
	if b := <-second.seen; a == b {
		t.Error("two nodes have one port outside")
	}
	// Anybody may send to it (endpoint-independent filtering).
	stranger := serve(t, "udp4", "127.0.0.1:0")
	stranger.WriteToUDPAddrPort([]byte("unasked"), a)
	if got, want := says(n.next()), fmt.Sprintf("%v > %v udp %d 5683 %q", loopback4, node, stranger.port, "unasked"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s := n.Status()
	if s.Total != 3 || len(s.Flows) != 3 || s.Sent != 4 || s.Received != 5 {
		t.Errorf("%+v", s)
	}
}

// What a node is told when nobody listens: by the error queue of the socket.
func TestPortUnreachable(t *testing.T) {
	n := start(t, nil)
	for _, dst := range []ip6.Address{loopback4, six} {
		gone := serve(t, "udp4", "127.0.0.1:0")
		gone.Close()
		n.Send(udp(node, dst, 1000, gone.port, "anybody?"))
		p := n.next()
		if got, want := says(p), fmt.Sprintf("%v > %v icmp 1/4", dst, node); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		about := p[ip6.HeaderSize+ip6.ICMPSize:]
		if x, err := ip6.ParsePacket(about); err != nil || x.Src != node || x.Dst != dst || x.SrcPort != 1000 || x.DstPort != gone.port {
			t.Errorf("about %x", about)
		}
		// The socket is as good as before.
		here := serve(t, "udp4", "127.0.0.1:0")
		n.Send(udp(node, loopback4, 1000, here.port, "you"))
		if got, want := says(n.next()), fmt.Sprintf("%v > %v udp %d 1000 %q", loopback4, node, here.port, "re:you"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	n := start(t, func(c *Config) { c.Loopback = false; c.Address = ip6.MustParse("fd00:1::fe") })
	bad := udp(node, loopback4, 1, 2, "x")
	for _, c := range []struct {
		name   string
		packet []byte
		want   string
	}{
		{"loopback by NAT64", udp(node, loopback4, 1, 2, "x"), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 1/1"},
		{"loopback", udp(node, ip6.Loopback, 1, 2, "x"), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 1/1"},
		{"mapped", udp(node, ip6.MustParse("::ffff:1.2.3.4"), 1, 2, "x"), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 1/1"},
		{"multicast by NAT64", udp(node, ip6.MustParse("64:ff9b::224.0.0.1"), 1, 2, "x"), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 1/1"},
		{"hop limit", ip6.AppendUDP(nil, ip6.Header{HopLimit: 1, Src: node, Dst: six}, 1, 2, nil), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 3/0"},
		{"another protocol", func() []byte {
			b := udp(node, six, 1, 2, "x")
			b[6] = 132
			return b
		}(), "fd00:1:0:0:0:0:0:fe > fd00:1:0:0:0:0:0:1 icmp 4/1"},
		{"bad checksum", func() []byte {
			b := udp(node, six, 1, 2, "x")
			b[len(b)-1]++
			return b
		}(), ""},
		{"from mapped", udp(ip6.MustParse("::ffff:1.2.3.4"), six, 1, 2, "x"), ""},
		{"from link-local", udp(ip6.MustParse("fe80::1"), six, 1, 2, "x"), ""},
		{"cut", bad[:45], ""},
		{"nothing", nil, ""},
	} {
		n.Send(c.packet)
		got := ""
		select {
		case p := <-n.got:
			got = says(p)
		default:
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	s := n.Status()
	if s.Prohibited != 6 || s.Malformed != 3 || s.HopLimit != 1 || s.Unsupported != 1 || s.Total != 0 {
		t.Errorf("%+v", s.Counters)
	}
}

func TestLimits(t *testing.T) {
	n := start(t, func(c *Config) { c.Flows, c.PerNode, c.UDP = 5, 3, time.Second })
	four := serve(t, "udp4", "127.0.0.1:0")
	send := func(from ip6.Address, port uint16) string {
		n.Send(udp(from, loopback4, port, four.port, "x"))
		x, _ := ip6.ParsePacket(n.next())
		if x.Proto == ip6.UDP {
			return "passed"
		}
		return fmt.Sprintf("icmp %d/%d", x.Type, x.Code)
	}
	for i, want := range []string{"passed", "passed", "passed", "icmp 1/3"} {
		if got := send(node, uint16(1000+i)); got != want {
			t.Errorf("flow %d of a node: %s", i, got)
		}
	}
	for i, want := range []string{"passed", "passed", "icmp 1/3"} {
		if got := send(other, uint16(1000+i)); got != want {
			t.Errorf("flow %d of another: %s", i, got)
		}
	}
	for end := time.Now().Add(5 * time.Second); n.Status().Total > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("idle flows stay: %+v", n.Status())
		}
	}
	if got := send(node, 1000); got != "passed" {
		t.Error("after they were forgotten:", got)
	}
}

func TestRestricted(t *testing.T) {
	n := start(t, func(c *Config) { c.Restricted = true })
	four := serve(t, "udp4", "127.0.0.1:0")
	n.Send(udp(node, loopback4, 5683, four.port, "x"))
	n.next()
	a := <-four.seen
	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Skip("only 127.0.0.1 is there:", err)
	}
	defer stranger.Close()
	stranger.WriteToUDPAddrPort([]byte("unasked"), a)
	four.WriteToUDPAddrPort([]byte("more"), a)
	if got, want := says(n.next()), fmt.Sprintf("%v > %v udp %d 5683 %q", loopback4, node, four.port, "more"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if s := n.Status(); s.Filtered != 1 {
		t.Errorf("%+v", s.Counters)
	}
}

// IPv4 packets of a translator come back as such.
func TestTranslated(t *testing.T) {
	alias := netip.MustParseAddr("198.51.100.10")
	n := start(t, func(c *Config) {
		c.Loopback, c.Alias, c.NAT64 = false, map[netip.Addr]netip.Addr{alias: netip.MustParseAddr("127.0.0.1")}, ip6.Prefix{}
	})
	four := serve(t, "udp4", "127.0.0.1:0")
	sides := &translated{n: n, t: t}
	tr, err := nat64.New(nat64.Config{Prefix: wellKnown, Pool: []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")}, Rand: fixed{}}, sides)
	if err != nil {
		t.Fatal(err)
	}
	dst := ip6.MustParse("64:ff9b::198.51.100.10")
	for _, text := range []string{"hello", string(bytes.Repeat([]byte("long"), 600))} {
		whole := udp(node, dst, 5683, four.port, text)
		if len(whole) <= 1280 {
			tr.From6(1, whole)
			tr.From4(2, n.next())
			if got, want := says(sides.to6[0]), fmt.Sprintf("%v > %v udp %d 5683 %q", dst, node, four.port, "re:"+text); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		} else {
			h, _ := ip6.ParseHeader(whole)
			h.Next = ip6.Fragment
			for at := 0; at < len(whole)-40; at += 1200 {
				part := whole[40+at : min(len(whole), 40+at+1200)]
				f := ip6.FragmentHeader{Next: ip6.UDP, Offset: at, ID: 77, More: 40+at+1200 < len(whole)}
				h.PayloadLen = uint16(8 + len(part))
				tr.From6(1, append(f.Append(h.Append(nil)), part...))
			}
			tr.From4(2, n.next())
			if len(sides.to6) != 2 {
				t.Errorf("%d fragments", len(sides.to6))
			}
		}
		sides.to6 = nil
	}
	four.Close()
	tr.From6(3, udp(node, dst, 5683, four.port, "x"))
	tr.From4(4, n.next())
	tr.From6(5, udp(node, ip6.MustParse("64:ff9b::127.0.0.2"), 5683, four.port, "x")) // goes nowhere
	tr.From6(5, udp(node, ip6.MustParse("64:ff9b::169.254.1.2"), 5683, four.port, "x"))
	tr.From4(6, n.next())
	var got []string
	for _, p := range sides.to6 {
		got = append(got, says(p))
	}
	if want := fmt.Sprintf("[%v > %v icmp 1/4 %v > %v icmp 1/1]", dst, node, ip6.MustParse("64:ff9b::169.254.1.2"), node); fmt.Sprint(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

type translated struct {
	n   *bench
	t   *testing.T
	to6 [][]byte
}

func (s *translated) Send6(_ machine.Time, b []byte) { s.to6 = append(s.to6, bytes.Clone(b)) }
func (s *translated) Send4(_ machine.Time, b []byte) { s.n.Send(b) }

type fixed struct{}

func (fixed) Uint64() uint64 { return 7 }
func (fixed) Fill(b []byte)  { clear(b) }

// Long datagrams go both ways in fragments.
func TestFragments(t *testing.T) {
	n := start(t, nil)
	four := serve(t, "udp4", "127.0.0.1:0")
	text := bytes.Repeat([]byte("0123456789abcdef"), 100)
	whole := udp(node, loopback4, 5683, four.port, string(text))
	var parts [][]byte
	h, _ := ip6.ParseHeader(whole)
	h.Next = ip6.Fragment
	for at := 0; at < len(whole)-40; at += 800 {
		part := whole[40+at : min(len(whole), 40+at+800)]
		f := ip6.FragmentHeader{Next: ip6.UDP, Offset: at, ID: 77, More: 40+at+800 < len(whole)}
		h.PayloadLen = uint16(8 + len(part))
		parts = append(parts, append(f.Append(h.Append(nil)), part...))
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		for _, i := range order {
			n.Send(parts[i])
		}
		back := start(t, nil) // puts together what came
		var got []byte
		for got == nil {
			p := n.next()
			x, ok := back.admit(p)
			if !ok || !x.piece || len(p) > 1280 {
				t.Fatalf("%d bytes, %+v", len(p), x)
			}
			got = back.assemble(p, &x)
		}
		if want := fmt.Sprintf("%v > %v udp %d 5683 %q", loopback4, node, four.port, "re:"+string(text)); says(got) != want {
			t.Errorf("%s\nwant %s", says(got), want)
		}
	}
	n.Send(parts[0])
	n.Send(parts[0]) // overlaps: all of it goes
	n.Send(parts[1])
	n.Send(parts[2])
	if s := n.Status(); s.Malformed != 1 || len(n.got) > 0 {
		t.Errorf("%+v", s.Counters)
	}
	for id := range 100 {
		p := bytes.Clone(parts[0])
		p[47] = byte(id)
		n.Send(p)
	}
	if len(n.pieces) != maxPieces {
		t.Errorf("%d packets in part", len(n.pieces))
	}
}

// Whatever a node sends, nothing breaks; and nothing is sent to the outside, for the mesh may reach nothing of it.
func FuzzSend(f *testing.F) {
	f.Add(udp(node, loopback4, 1, 2, "x"))
	f.Add(udp(node, ip6.MustParse("64:ff9b::127.0.0.1"), 1, 2, "x")[:44])
	f.Fuzz(func(t *testing.T, b []byte) {
		switch {
		case len(b) >= 40 && b[0]>>4 == 6:
			copy(b[24:40], loopback4[:])
		case len(b) >= 20 && b[0]>>4 == 4:
			copy(b[16:20], []byte{127, 0, 0, 1})
		}
		n, err := New(Config{NAT64: wellKnown, Receive: func(p []byte) {
			if p[0]>>4 == 6 && ip6.Check(p) != nil || len(p) > 1280 {
				t.Errorf("%x", p)
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		n.Send(b)
		n.Close()
	})
}
