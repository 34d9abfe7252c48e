package mdns

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// allyTime is how long it is remembered that somebody else publishes the same host (the TTL of its key).
const allyTime = otherTTL * 1e9

// response takes in what somebody says: of names that are ours, of what we were about to say, and of what we have asked.
func (s *Speaker) response(now machine.Time, m *dns.Message) {
	var against, allies []*entry
	learned := false
	_ = m.Each(func(r *dns.Record, section int) bool { // a malformed end does not undo its beginning
		if section == dns.Authority || r.Class&^flush != dns.ClassIN {
			return true
		}
		data, err := m.WholeData(r)
		if err != nil {
			return true
		}
		learned = s.learn(now, r, data) || learned
		ours := s.index[r.Owner]
		if len(ours) == 0 {
			return true
		}
		canonical := dns.LowerData(r.Type, data)
		for _, o := range ours {
			if !o.same(r.Type, canonical) {
				continue
			}
			if r.Type == dns.TypeKEY {
				allies = append(allies, o.of)
			}
			s.heardOurs(now, o, r.TTL)
			return true
		}
		for _, o := range ours {
			if section != dns.Answer && o.of.keyed() {
				continue // it may be of another proxy's, which says the key in answers only
			}
			if !o.shared && r.TTL > 0 && r.Type != dns.TypeNSEC && (o.of.state == Probing || o.kind == r.Type) && !slices.Contains(against, o.of) {
				against = append(against, o.of)
			}
		}
		return true
	})
	for _, e := range allies {
		e.ally = now.Add(allyTime)
	}
	for _, e := range against {
		if e.ally <= now && e.state != Resting {
			s.conflict(now, e)
		}
	}
	if learned {
		s.env.Answered(now)
	}
}

// heardOurs takes note that somebody else says what we say. What is said to live for less than half as long, or to be gone, we
// say again (RFC 6762 section 6.6).
func (s *Speaker) heardOurs(now machine.Time, r *rr, ttl uint32) {
	s.heardAnswer(r, ttl)
	if ttl < r.ttl/2 && r.of.state == Announced {
		s.later(now, []*rr{r})
	}
}
