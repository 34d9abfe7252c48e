package shell

import (
	"fmt"
	"net/netip"
	"time"

	"heddle.example/border"
	"heddle.example/border/nat64"
	"heddle.example/border/routing"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// nat64Command is the command line of NAT64 (cli.cpp). Of a mapping it prints the ports, as OpenThread does when it
// translates ports.
func nat64Command(s *Shell, a args) error {
	b := s.cfg.Border
	switch a.at(0) {
	case "enable", "disable":
		return s.border(func(*routing.Manager) error { b.SetNAT64(s.now, a[0] == "enable"); return nil })
	case "state":
		s.Line("PrefixManager: %s", s.routing().NAT64State())
		s.Line("Translator: %s", b.TranslatorState())
		return nil
	case "cidr":
		if len(a) > 1 {
			p, err := netip.ParsePrefix(a[1])
			if err != nil || !p.Addr().Is4() {
				return status.Parse
			}
			return s.border(func(*routing.Manager) error { return b.SetPool(s.now, p) })
		}
		fallthrough
	case "configuredcidr":
		p, err := b.Pool()
		if err == nil {
			s.Line("%s", p)
		}
		return err
	case "mappings":
		s.mappings(b.Mappings(s.now))
		return nil
	case "counters":
		s.nat64Counters(b)
		return nil
	}
	return status.InvalidCommand
}

// traffic prints the end of a line.
func (s *Shell) traffic(t *nat64.Traffic) {
	s.Line("| %8d | %12d | %8d | %12d |", t.Packets4To6, t.Bytes4To6, t.Packets6To4, t.Bytes6To4)
}

func (s *Shell) mappings(list []nat64.Mapping) {
	s.table(column{"", 18}, column{"Address", 61}, column{"Ports or ICMP Ids", 19}, column{"", 8}, column{"4 to 6", 25}, column{"6 to 4", 25})
	s.table(column{"ID", 18}, column{"IPv6", 42}, column{"IPv4", 18}, column{"v6", 9}, column{"v4", 9}, column{"Expiry", 8},
		column{"Pkts", 10}, column{"Bytes", 14}, column{"Pkts", 10}, column{"Bytes", 14})
	for i := range list {
		m := &list[i]
		id := uint64(m.Protocol)<<16 | uint64(m.Port4)
		s.Printf("| %016x | %40s | %16s | %6d  | %6d  | %5ds ", id, m.Address6, m.Address4, m.Port6, m.Port4, m.Left/time.Second)
		s.traffic(&m.Traffic)
		for _, p := range []struct {
			name string
			is   ip6.Protocol
		}{{"TCP", ip6.TCP}, {"UDP", ip6.UDP}, {"ICMP", ip6.ICMP6}} {
			var t nat64.Traffic
			if p.is == m.Protocol {
				t = m.Traffic
			}
			s.Printf("| %16s | %88s ", "", p.name)
			s.traffic(&t)
		}
	}
}

func (s *Shell) nat64Counters(b *border.Router) {
	c, to4, to6 := b.Translations()
	s.table(column{"", 15}, column{"4 to 6", 25}, column{"6 to 4", 25})
	s.table(column{"Protocol", 15}, column{"Pkts", 10}, column{"Bytes", 14}, column{"Pkts", 10}, column{"Bytes", 14})
	for _, r := range []struct {
		name string
		t    *nat64.Traffic
	}{{"Total", &c.Total}, {"TCP", &c.TCP}, {"UDP", &c.UDP}, {"ICMP", &c.ICMP}} {
		s.print(fmt.Sprintf("| %13s ", r.name))
		s.traffic(r.t)
	}
	s.table(column{"Errors", 15}, column{"Pkts", 25}, column{"Pkts", 25})
	for _, r := range []struct {
		name     string
		to6, to4 uint64
	}{{"Unknown", to6.Unknown, to4.Unknown}, {"Illegal Pkt", to6.Illegal, to4.Illegal},
		{"Unsup Proto", to6.Unsupported, to4.Unsupported}, {"No Mapping", to6.NoMapping, to4.NoMapping}} {
		s.Line("| %13s | %23d | %23d |", r.name, r.to6, r.to4)
	}
}
