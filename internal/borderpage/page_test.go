package borderpage

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"heddle.example/border"
	"heddle.example/border/dns64"
	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/internal/api"
	"heddle.example/internal/borderrouter"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

func TestWords(t *testing.T) {
	omr, wk := ip6.MustParsePrefix("fd11:22:33:1::/64"), ip6.MustParsePrefix("64:ff9b::/96")
	s := border.Status{OMR: omr, OMRLocal: omr, OMRPreference: -1, NAT64: wk, NAT64Local: wk,
		Routes: []netdata.ExternalRoute{{Prefix: wk, NAT64: true, RLOC16: 0x400}, {Prefix: ip6.Prefix{}, RLOC16: 0x800, Preference: 1}},
		Mappings: []nat64.Mapping{{Address6: ip6.Address{0xfd, 1}, Address4: netip.MustParseAddr("192.168.255.1"), Port6: 40213, Port4: 5000,
			Protocol: ip6.UDP, Left: 90 * time.Second, Remote: netip.MustParseAddrPort("198.51.100.10:5684"), Traffic: nat64.Traffic{Packets6To4: 3, Packets4To6: 2}}},
		Names: []dns64.Entry{{Name: "a.example.", Type: 28, Left: time.Minute, Addresses: []string{"64:ff9b::102:304"}}, {Name: "b.example.", Type: 28, Addresses: []string{"2001:db8::1"}}},
	}
	way := outside.Status{}
	p := New(Options{})
	who := map[netip.Addr]Name{(ip6.Address{0xfd, 1}).Netip(): {7, "temp-attic"}}
	out := &api.BorderStatus{}
	p.prefixes(out, &s, 0x400)
	p.nat64(out, &s, &way, who)
	dns(out, &s)
	if len(out.Prefixes) != 2 || !out.Prefixes[0].Favored || !out.Prefixes[0].Local || out.Prefixes[0].Pref != "low" || !out.Prefixes[1].Published {
		t.Errorf("%+v", out.Prefixes)
	}
	if len(out.Routes) != 2 || !out.Routes[0].Own || out.Routes[1].Own || out.Routes[1].Pref != "high" {
		t.Errorf("%+v", out.Routes)
	}
	m := out.NAT64.Mappings
	if len(m) != 1 || m[0].Client != "temp-attic" || m[0].Remote != "198.51.100.10:5684" || m[0].Left != 90 || m[0].Out != 3 || m[0].Protocol != "udp" {
		t.Errorf("%+v", m)
	}
	if c := out.DNS.Cache; len(c) != 2 || !c[0].Made || c[1].Made || c[0].Type != "AAAA" {
		t.Errorf("%+v", c)
	}
	// Without a translator the sockets are the mappings.
	s.Mappings = nil
	way.Flows = []outside.Flow{{Protocol: "icmp", Inside: netip.MustParseAddrPort("[fd01::1]:7"), Remote: netip.MustParseAddrPort("192.0.2.1:0"), NAT64: true}, {Protocol: "tcp", Inside: netip.MustParseAddrPort("[fd01::1]:80"), NAT64: true, Left: time.Second}, {Protocol: "udp", Inside: netip.MustParseAddrPort("[fd01::1]:81")}}
	out = &api.BorderStatus{}
	p.nat64(out, &s, &way, nil)
	if m := out.NAT64.Mappings; len(m) != 2 || m[0].Remote != "192.0.2.1" || m[1].Protocol != "tcp" || m[1].Remote != "" {
		t.Errorf("%+v", m)
	}
}

func TestDoctor(t *testing.T) {
	var asked borderrouter.Question
	p := New(Options{Ask: func() borderrouter.Question { return borderrouter.Question{Server: "coaps://a", Name: "b.example"} }, Doctor: func(_ context.Context, q borderrouter.Question) borderrouter.Report {
		asked = q
		return borderrouter.Report{Legs: []borderrouter.Leg{{Name: "DNS", State: borderrouter.Broken, Do: "ask another"}}, Took: time.Second}
	}})
	r, err := p.Doctor(context.Background(), api.BorderQuestion{})
	if err != nil || r.OK || r.Took != 1000 || r.Legs[0].State != "broken" || r.Legs[0].Do == "" {
		t.Errorf("%+v %v", r, err)
	}
	if asked.Server != "coaps://a" || asked.Name != "b.example" {
		t.Errorf("without a question of the user's: %+v", asked)
	}
	if _, err := p.Doctor(context.Background(), api.BorderQuestion{Server: "coap://c"}); err != nil || asked.Server != "coap://c" || asked.Name != "b.example" {
		t.Errorf("%+v %v", asked, err)
	}
	if _, err := New(Options{}).Doctor(context.Background(), api.BorderQuestion{}); err == nil {
		t.Error("a doctor where there is none")
	}
}
