package mdns

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// reply is what waits to be said to all.
type reply struct {
	list []*rr
	due  machine.Time
}

func (r *reply) at() machine.Time {
	if len(r.list) == 0 {
		return machine.Never
	}
	return r.due
}

// held is an answer to a query whose known answers are in more than one message (RFC 6762 section 7.2).
type held struct {
	from netip.AddrPort
	list []*rr
	at   machine.Time
}

// known is an answer that the one who asks has already.
type known struct {
	name      dns.Name
	kind      uint16
	ttl       uint32
	canonical []byte
}

func has(list []known, r *rr) bool {
	return slices.ContainsFunc(list, func(k known) bool {
		return k.name == r.lower && r.same(k.kind, k.canonical) && k.ttl >= r.ttl/2 // section 7.1
	})
}

// query takes in what somebody asks.
func (s *Speaker) query(now machine.Time, from netip.AddrPort, m *dns.Message, questions []dns.Question) {
	var list []known
	probing := m.Counts[1+dns.Authority] > 0
	_ = m.Each(func(r *dns.Record, section int) bool { // a malformed end is no reason not to answer
		if section != dns.Answer || len(list) >= maxKnown {
			return false
		}
		if data, err := m.WholeData(r); err == nil {
			list = append(list, known{r.Owner, r.Type, r.TTL, dns.LowerData(r.Type, data)})
		}
		return true
	})
	if probing {
		s.ties(now, m, questions)
	}
	if len(questions) == 0 {
		s.moreKnown(from, list)
		return
	}
	if from.Port() != Port {
		s.legacy(now, from, m, questions)
		return
	}
	var all, direct []*rr
	shared := false
	s.round++
	for i := range questions {
		q := &questions[i]
		for _, r := range s.match(q) {
			if r.round == s.round {
				continue
			}
			r.round = s.round
			switch wait := repeatWait; {
			case has(list, r):
			case q.Class&wantsUnicast != 0 && r.said && now.Sub(r.at) < time.Duration(r.ttl)*time.Second/4: // section 5.4
				direct = append(direct, r)
			default:
				if probing {
					wait = defendWait
				}
				if now.Sub(r.at) < wait {
					continue
				}
				shared = shared || r.shared
				all = append(all, r)
			}
		}
	}
	if len(direct) > 0 {
		s.answer(now, direct, from)
	}
	switch {
	case len(all) == 0:
	case m.Flags&flagsTC != 0 && len(s.held) < maxHeld:
		s.held = append(s.held, &held{from, all, now.Add(moreWait + s.random(shareJitter))})
	case shared && !probing:
		s.later(now, all)
	default:
		s.answer(now, all, group)
	}
}

// later says something after a short while, together with what waits already.
func (s *Speaker) later(now machine.Time, list []*rr) {
	due := now.Add(shareWait + s.random(shareJitter))
	if len(s.reply.list) == 0 || due < s.reply.due {
		s.reply.due = due
	}
	for _, r := range list {
		switch {
		case slices.Contains(s.reply.list, r):
		case len(s.reply.list) >= maxReply:
			s.Counters.NoRoom++
		default:
			s.reply.list = append(s.reply.list, r)
		}
	}
}

// moreKnown takes in what else somebody knows.
func (s *Speaker) moreKnown(from netip.AddrPort, list []known) {
	for _, h := range s.held {
		if h.from == from {
			h.list = slices.DeleteFunc(h.list, func(r *rr) bool { return has(list, r) })
		}
	}
}

// sendReplies says what has waited for long enough.
func (s *Speaker) sendReplies(now machine.Time) {
	var due []*rr
	s.held = slices.DeleteFunc(s.held, func(h *held) bool {
		if h.at <= now {
			due = append(due, h.list...)
		}
		return h.at <= now
	})
	if s.reply.at() <= now {
		due = append(due, s.reply.list...)
		s.reply.list = s.reply.list[:0]
	}
	var list []*rr
	for _, r := range due {
		if !r.gone && now.Sub(r.at) >= repeatWait && !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	if len(list) > 0 {
		s.answer(now, list, group)
	}
}

// heardAnswer drops what waits to be said and was said by somebody else (section 7.4).
func (s *Speaker) heardAnswer(r *rr, ttl uint32) {
	if ttl >= r.ttl {
		s.reply.list = slices.DeleteFunc(s.reply.list, func(o *rr) bool { return o == r })
	}
}

// match returns our answers to a question: that there is nothing of a type, too, where the name is ours alone.
func (s *Speaker) match(q *dns.Question) (list []*rr) {
	if c := q.Class &^ wantsUnicast; c != dns.ClassIN && c != dns.ClassANY {
		return nil
	}
	var owner *entry
	for _, r := range s.index[q.Name] {
		if r.of.state != Announced {
			continue
		}
		if !r.shared {
			owner = r.of
		}
		if q.Type != r.kind && q.Type != dns.TypeANY {
			continue
		}
		// Each service says that there is its type.
		if q.Name == types && slices.ContainsFunc(list, func(o *rr) bool { return o.same(r.kind, r.canonical) }) {
			continue
		}
		list = append(list, r)
	}
	if len(list) == 0 && owner != nil {
		list = append(list, owner.none)
	}
	return list
}

// more returns what who gets answers will ask for next (RFC 6763 section 12).
func (s *Speaker) more(list []*rr) (extra []*rr) {
	if len(list) > maxMore {
		return nil
	}
	add := func(name dns.Name, kinds ...uint16) {
		for _, r := range s.index[name] {
			if len(extra) < maxMore && slices.Contains(kinds, r.kind) && r.of.state == Announced && !slices.Contains(list, r) && !slices.Contains(extra, r) {
				extra = append(extra, r)
			}
		}
	}
	for _, r := range list {
		if r.kind == dns.TypePTR {
			add(dns.Name(r.canonical), dns.TypeSRV, dns.TypeTXT)
		}
	}
	for _, r := range append(slices.Clone(list), extra...) {
		if r.kind == dns.TypeSRV {
			add(dns.Name(r.canonical[6:]), dns.TypeAAAA, dns.TypeA)
		}
	}
	for _, r := range list {
		if other := map[uint16]uint16{dns.TypeA: dns.TypeAAAA, dns.TypeAAAA: dns.TypeA}[r.kind]; other != 0 {
			add(r.lower, other)
		}
	}
	return extra
}

// legacy answers somebody who speaks plain DNS to the group (RFC 6762 section 6.7).
func (s *Speaker) legacy(now machine.Time, to netip.AddrPort, m *dns.Message, questions []dns.Question) {
	q := &questions[0] // nobody asks more than one so
	list := s.match(q)
	if len(list) == 0 {
		return
	}
	s.w.Header(m.ID, flagsAnswer)
	s.w.Question(dns.Name(q.Asked), q.Type)
	s.w.Section(dns.Answer)
	put := func(list []*rr, section int) {
		for _, r := range list {
			at := len(s.w.Bytes())
			s.write(r, min(r.ttl, legacyTTL), dns.ClassIN)
			if len(s.w.Bytes()) > maxMessage {
				s.w.Cut(at, section)
				return
			}
		}
	}
	put(list, dns.Answer)
	s.w.Section(dns.Additional)
	put(s.more(list), dns.Additional)
	s.Counters.Answers++
	s.send(now, to)
}

// equalFold reports whether data is the same for who looks for it.
func equalFold(kind uint16, a, b []byte) bool {
	return bytes.Equal(dns.LowerData(kind, a), dns.LowerData(kind, b))
}
