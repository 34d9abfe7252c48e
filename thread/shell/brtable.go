package shell

import (
	"time"

	"heddle.example/border/routing"
	"heddle.example/thread/status"
)

// routerText is a router of the infrastructure link as the tables name it.
func (s *Shell) routerText(r *routing.Router) {
	s.Printf("%s (M:%d O:%d S:%d)", r.Address, digit(r.Managed), digit(r.Other), digit(r.SNAC))
}

func ms(d time.Duration) int64 { return int64(d / time.Millisecond) }

func brRouters(s *Shell, a args) error {
	if err := none(a); err != nil {
		return err
	}
	for _, r := range s.routing().Routers(s.now) {
		s.routerText(&r)
		s.Printf(" ms-since-rx:%d reachable:%s age:%s", ms(r.Silent), yesNo(r.Reachable), duration(uint64(r.Age/time.Second)))
		if r.Local {
			s.print(" (this BR)")
		}
		if r.Peer {
			s.print(" (peer BR)")
		}
		s.Line("")
	}
	return nil
}

func brPrefixTable(s *Shell, a args) error {
	if err := none(a); err != nil {
		return err
	}
	for _, p := range s.routing().Prefixes(s.now) {
		s.Printf("prefix:%s, on-link:%s, ms-since-rx:%d, lifetime:%d, ", p.Prefix, yesNo(p.OnLink), ms(p.Silent), p.Valid)
		if p.OnLink {
			s.Printf("preferred:%d, ", p.Preferred)
		} else {
			s.Printf("route-prf:%s, ", preferences[p.Preference])
		}
		s.print("router:")
		s.routerText(&p.Router)
		s.Line("")
	}
	return nil
}

func brDNSTable(s *Shell, a args) error {
	if err := none(a); err != nil {
		return err
	}
	for _, d := range s.routing().DNSServers(s.now) {
		s.Printf("%s, lifetime:%d, ms-since-rx:%d, router:", d.Address, d.Lifetime, ms(d.Silent))
		s.routerText(&d.Router)
		s.Line("")
	}
	return nil
}

// brNAT64Table prints the NAT64 prefixes that routers of the link advertise (RFC 8781).
func brNAT64Table(s *Shell, a args) error {
	if err := none(a); err != nil {
		return err
	}
	for _, p := range s.routing().NAT64Prefixes(s.now) {
		s.Printf("prefix:%s, ms-since-rx:%d, lifetime:%d, router:", p.Prefix, ms(p.Silent), p.Lifetime)
		s.routerText(&p.Router)
		s.Line("")
	}
	return nil
}

func brPeers(s *Shell, a args) error {
	peers := s.routing().Peers(s.now)
	switch {
	case len(a) == 0:
		for _, p := range peers {
			s.Line("rloc16:0x%04x age:%s", p.RLOC16, duration(uint64(p.Age/time.Second)))
		}
		return nil
	case len(a) > 1 || a[0] != "count":
		return status.InvalidArgs
	}
	var least time.Duration
	if len(peers) > 0 {
		least = 0xffff * time.Second
	}
	for _, p := range peers {
		least = min(least, p.Age)
	}
	s.Line("%d min-age:%s", len(peers), duration(uint64(least/time.Second)))
	return nil
}

func brPD(s *Shell, a args) error {
	m := s.routing()
	switch a.at(0) {
	case "enable", "disable":
		return s.border(func(m *routing.Manager) error { m.SetPDEnabled(s.now, a[0] == "enable"); return nil })
	case "state":
		s.Line("%s", m.PDState())
		return nil
	case "omrprefix":
		p, valid, preferred, err := m.PDPrefix()
		if err == nil {
			s.Line("%s lifetime:%d preferred:%d", p, valid, preferred)
		}
		return err
	}
	return status.InvalidCommand
}
