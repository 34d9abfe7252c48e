//go:build peers

package e2e

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/e2e/peer"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// legs are the packets of a border router outside of the mesh: what the infrastructure link and the outside carry.
type legs struct {
	file []byte
	now  func() machine.Time
}

func (l *legs) packet(b []byte) {
	t := int64(l.now())
	l.file = binary.LittleEndian.AppendUint32(l.file, uint32(t/1e9))
	l.file = binary.LittleEndian.AppendUint32(l.file, uint32(t%1e9))
	l.file = binary.LittleEndian.AppendUint32(l.file, uint32(len(b)))
	l.file = binary.LittleEndian.AppendUint32(l.file, uint32(len(b)))
	l.file = append(l.file, b...)
}

// TestBorderRouterCapture runs a mesh with a border router in the simulator. tshark reads its advertisements and what it
// lets out, translated and not: nothing is malformed, no checksum wrong, and all says what it should.
func TestBorderRouterCapture(t *testing.T) {
	t.Parallel()
	net := network.New(7, mesh.Config{})
	l := &legs{now: net.World.Now}
	for _, v := range []uint32{0xa1b23c4d, 2 | 4<<16, 0, 0, 1 << 16, 101} { // raw IP packets, nanoseconds
		l.file = binary.LittleEndian.AppendUint32(l.file, v)
	}
	var router *border.Router
	gateway := net.Add(network.NodeConfig{Off: true, Make: func(c thread.Config) (mesh.Device, *thread.Node, error) {
		n, err := thread.New(c)
		if err != nil {
			return nil, nil, err
		}
		router, err = border.New(border.Config{Node: n, Rand: c.Rand, Translate: true, Uplink: true, DefaultDNS: true,
			Infra:    border.Infra{Index: 1, Up: true, Enable: true, Address: ip6.MustParse("fe80::1"), Link: []byte{2, 0, 0, 0, 0, 1}},
			NAT64:    border.NAT64{Enable: true, Prefix: nat64.WellKnown, Pool: []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")}},
			Upstream: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")}})
		if err == nil {
			err = router.Start(c.Now, 0)
		}
		return router, n, err
	}})
	gateway.OnEvent = func(now machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *border.InfraMessage:
			p := ip6.Header{Src: v.Src, Dst: v.Dst, Next: ip6.ICMP6, HopLimit: 255, PayloadLen: uint16(len(v.ICMPv6))}
			b := append(p.Append(nil), v.ICMPv6...)
			ip6.SetChecksum(b, ip6.HeaderSize, ip6.ICMP6)
			l.packet(b)
		case *border.Outside:
			l.packet(v.Packet)
		case *border.Query:
			if m, err := dns.Parse(v.Message); err != nil || m.Question.Name.Text() != "example.org" {
				t.Errorf("%v: %v", err, m.Question)
			}
		}
	}
	gateway.Boot()
	gateway.Join(network.Dataset(0))
	if !gateway.WaitAttached(time.Minute) || !net.RunUntil(router.Routing().Settled, time.Minute) {
		t.Fatal("no border router")
	}
	n := net.Add(network.NodeConfig{})
	n.Join(network.Dataset(0))
	if !n.WaitAttached(time.Minute) {
		t.Fatal("no node")
	}
	net.Run(30 * time.Second)
	n.Ping(ip6.MustParse("2001:db8::1"))
	n.Ping(ip6.MustParse("64:ff9b::c000:201"))
	n.Input(func(now machine.Time, x *thread.Node) {
		id, err := x.OpenUDP()
		if err == nil {
			err = x.SendUDP(now, 0, id, thread.UDPMessage{Dst: ip6.MustParse("64:ff9b::c000:202"), Port: 5683, Payload: []byte("\x40\x01\x00\x01")})
		}
		if err == nil {
			_, err = x.Resolve(now, 0, "example.org")
		}
		if err != nil {
			t.Error(err)
		}
	})
	net.Run(time.Minute)

	file := filepath.Join(t.TempDir(), "border.pcap")
	if err := os.WriteFile(file, l.file, 0o600); err != nil {
		t.Fatal(err)
	}
	shark := peer.Tshark{File: file, Options: []string{"ip.check_checksum:TRUE", "udp.check_checksum:TRUE"}}
	fields := []string{"_ws.malformed", "icmpv6.type", "icmp.type", "coap.code", "ipv6.dst", "ip.dst", "ipv6.hlim", "icmpv6.opt.src_linkaddr",
		"icmpv6.opt.route_lifetime", "icmpv6.opt.prefix", "icmpv6.checksum.status", "icmp.checksum.status", "udp.checksum.status", "ip.checksum.status"}
	var packets []map[string]string
	for _, row := range shark.Fields(t, fields...) {
		p := map[string]string{}
		for i, f := range fields {
			p[f] = row[i]
			if strings.HasSuffix(f, "checksum.status") && row[i] == "0" {
				t.Errorf("packet %d: %s is bad", len(packets)+1, f)
			}
		}
		if packets = append(packets, p); p["_ws.malformed"] != "" {
			t.Errorf("packet %d is malformed: %v", len(packets), p)
		}
	}
	for _, c := range []struct{ what, field, is, other, value string }{
		{"solicitation", "icmpv6.type", "133", "ipv6.dst", "ff02::2"},
		{"its link-layer address", "icmpv6.type", "133", "icmpv6.opt.src_linkaddr", "02:00:00:00:00:01"},
		{"advertisement's hop limit", "icmpv6.type", "134", "ipv6.hlim", "255"},
		{"route into the mesh", "icmpv6.type", "134", "icmpv6.opt.route_lifetime", "1800"},
		{"prefix of the link", "icmpv6.type", "134", "icmpv6.opt.prefix", "fdde:ad00:beef:cafe::"},
		{"echo request", "icmpv6.type", "128", "ipv6.dst", "2001:db8::1"},
		{"translated echo request", "icmp.type", "8", "ip.dst", "192.0.2.1"},
		{"its checksum", "icmp.type", "8", "icmp.checksum.status", "1"},
		{"translated CoAP", "coap.code", "1", "ip.dst", "192.0.2.2"},
		{"its checksum", "coap.code", "1", "udp.checksum.status", "1"},
		{"its header's", "coap.code", "1", "ip.checksum.status", "1"},
	} {
		if !slices.ContainsFunc(packets, func(p map[string]string) bool {
			return p[c.field] == c.is && slices.Contains(strings.Split(p[c.other], ","), c.value)
		}) {
			t.Errorf("%s: no packet with %s %s has %s %s", c.what, c.field, c.is, c.other, c.value)
		}
	}
	if t.Failed() {
		t.Log(shark.Text(t))
	}
}
