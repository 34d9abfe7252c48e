package mdns

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// group is where messages go that all shall hear.
var group netip.AddrPort

// sendProbes asks who has the names of entries, with what we would say of them (RFC 6762 section 8.1), in as few messages as
// there can be.
func (s *Speaker) sendProbes(now machine.Time, list []*entry) {
	for len(list) > 0 {
		n, size := 0, dns.HeaderSize
		for n < len(list) && n < maxQuestions/2 {
			size += probeSize(list[n])
			if n > 0 && size > maxMessage {
				break
			}
			n++
		}
		s.w.Header(0, 0)
		for _, e := range list[:n] {
			s.w.Question(e.name, dns.TypeANY)
		}
		s.w.Section(dns.Authority)
		for _, e := range list[:n] {
			for _, r := range e.records {
				if !r.shared {
					s.write(r, r.ttl, dns.ClassIN)
				}
			}
		}
		s.Counters.Probes++
		s.send(now, group)
		list = list[n:]
	}
}

func probeSize(e *entry) int {
	n := len(e.name) + 4
	for _, r := range e.records {
		if !r.shared {
			n += 12 + len(r.data)
		}
	}
	return n
}

// write writes a record.
func (s *Speaker) write(r *rr, ttl uint32, class uint16) {
	s.w.Begin(r.name, r.kind, class, ttl)
	s.w.Data(r.kind, r.data)
	s.w.End()
}

// claim is a record that a probe would publish.
type claim struct {
	class, kind uint16
	data        []byte
}

func (c claim) compare(o claim) int {
	return cmp.Or(cmp.Compare(c.class, o.class), cmp.Compare(c.kind, o.kind), bytes.Compare(c.data, o.data))
}

// ties looks at what a probe of somebody else's would publish under names that we probe, too: whose records are the later
// ones wins (RFC 6762 section 8.2).
func (s *Speaker) ties(now machine.Time, m *dns.Message, questions []dns.Question) {
	for _, e := range s.entries {
		if e.state != Probing || !slices.ContainsFunc(questions, func(q dns.Question) bool { return q.Name == e.lower }) {
			continue
		}
		var theirs, ours []claim
		bad := m.Each(func(r *dns.Record, section int) bool {
			if section == dns.Authority && r.Owner == e.lower {
				if data, err := m.WholeData(r); err == nil {
					theirs = append(theirs, claim{r.Class &^ flush, r.Type, data})
				}
			}
			return true
		})
		if bad != nil || len(theirs) == 0 {
			continue
		}
		for _, r := range e.records {
			if !r.shared {
				ours = append(ours, claim{dns.ClassIN, r.kind, r.data})
			}
		}
		slices.SortFunc(theirs, claim.compare)
		slices.SortFunc(ours, claim.compare)
		if slices.CompareFunc(ours, theirs, claim.compare) < 0 {
			s.Counters.TiesLost++
			e.sent, e.at = 0, now.Add(tieWait)
		}
	}
}
