package mdns

import (
	"net/netip"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

func class(r *rr) uint16 {
	if r.shared {
		return dns.ClassIN
	}
	return dns.ClassIN | flush
}

// answer says records, and what belongs to them as far as there is room.
func (s *Speaker) answer(now machine.Time, list []*rr, to netip.AddrPort) {
	s.Counters.Answers++
	extra := s.more(list)
	s.say(now, list, to, false, func() {
		s.w.Section(dns.Additional)
		for _, r := range extra {
			at := len(s.w.Bytes())
			s.write(r, r.ttl, class(r))
			if len(s.w.Bytes()) > maxMessage {
				s.w.Cut(at, dns.Additional)
				break
			}
		}
	})
}

// announce says all records of entries (RFC 6762 section 8.3).
func (s *Speaker) announce(now machine.Time, entries []*entry) {
	var list []*rr
	for _, e := range entries {
		for _, r := range append(slices.Clone(e.records), e.none) {
			// What several entries say needs to be said once.
			if !r.shared || !slices.ContainsFunc(list, func(o *rr) bool { return o.lower == r.lower && o.same(r.kind, r.canonical) }) {
				list = append(list, r)
			}
		}
	}
	if len(list) > 0 {
		s.Counters.Announcements++
		s.say(now, list, group, false, nil)
	}
}

// bye takes back records that were said, unless others of ours say the same (section 10.1).
func (s *Speaker) bye(now machine.Time, list []*rr) {
	list = slices.DeleteFunc(slices.Clone(list), func(r *rr) bool {
		return !r.said || slices.ContainsFunc(s.index[r.lower], func(o *rr) bool { return o.same(r.kind, r.canonical) })
	})
	if len(list) > 0 && s.up {
		s.Counters.Byes++
		s.say(now, list, group, true, nil)
	}
}

// say sends records in as many messages as it takes; end writes more into the last one.
func (s *Speaker) say(now machine.Time, list []*rr, to netip.AddrPort, bye bool, end func()) {
	begin := func() {
		s.w.Header(0, flagsAnswer)
		s.w.Section(dns.Answer)
	}
	begin()
	for _, r := range list {
		ttl, in := r.ttl, class(r)
		if bye {
			ttl = 0
		}
		at := len(s.w.Bytes())
		s.write(r, ttl, in)
		if len(s.w.Bytes()) > maxMessage && s.w.Count(dns.Answer) > 1 {
			s.w.Cut(at, dns.Answer)
			s.send(now, to)
			begin()
			s.write(r, ttl, in)
		}
		if to == group {
			r.said, r.at = true, now
		}
	}
	if end != nil {
		end()
	}
	s.send(now, to)
}
