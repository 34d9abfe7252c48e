package mdns

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// question is something that we ask of the link, with what was answered.
type question struct {
	name, lower dns.Name
	kind        uint16
	answers     []answer
	none        machine.Time // until then the name is known to have nothing of the type
	wanted      machine.Time // until then it is asked
	asked       machine.Time
	interval    time.Duration
	at          machine.Time
}

type answer struct {
	data    []byte
	ttl     uint32
	heard   machine.Time
	expires machine.Time
}

func (q *question) live(now machine.Time) bool {
	q.answers = slices.DeleteFunc(q.answers, func(a answer) bool { return a.expires <= now })
	return len(q.answers) > 0
}

// Found is one answer.
type Found struct {
	Data []byte // its name whole
	TTL  uint32 // that is left
}

// freshTime is how long the answers to a question that several may answer are taken for all that there are.
const freshTime = 10 * time.Second

// Lookup returns what the link says of a name, and whether it says that there is nothing. What is not known yet is asked for a
// time; Env.Answered tells when there is more. Found data is borrowed until the next input.
func (s *Speaker) Lookup(now machine.Time, name dns.Name, kind uint16, wait time.Duration) (list []Found, none bool) {
	lower := name.Lower()
	for _, r := range s.match(&dns.Question{Name: lower, Type: kind, Class: dns.ClassIN}) {
		if r.kind == kind {
			list = append(list, Found{r.data, r.ttl})
		} else {
			none = true // the name is ours, and has nothing of the type
		}
	}
	if !s.up {
		return list, true
	}
	q := s.question(now, name, lower, kind)
	if q == nil {
		return list, none
	}
	q.wanted = max(q.wanted, now.Add(wait))
	live := q.live(now)
	if !live && q.none <= now && q.at == machine.Never || live && kind == dns.TypePTR && now.Sub(q.asked) > freshTime {
		q.at, q.interval = now, askInterval
	}
	for _, a := range q.answers {
		if !slices.ContainsFunc(list, func(f Found) bool { return equalFold(kind, f.Data, a.data) }) {
			list = append(list, Found{a.data, uint32((a.expires.Sub(now) + time.Second - 1) / time.Second)})
		}
	}
	s.schedule()
	return list, none || q.none > now
}

// question returns a question that is remembered, a new one, or nil where so many are asked that there is no room.
func (s *Speaker) question(now machine.Time, name, lower dns.Name, kind uint16) *question {
	for _, q := range s.asked {
		if q.lower == lower && q.kind == kind {
			return q
		}
	}
	if len(s.asked) >= maxAsked {
		i := slices.IndexFunc(s.asked, func(q *question) bool { return q.wanted <= now && !q.live(now) })
		if i < 0 {
			i = slices.IndexFunc(s.asked, func(q *question) bool { return q.wanted <= now })
		}
		if i < 0 {
			s.Counters.NoRoom++
			return nil
		}
		s.asked = slices.Delete(s.asked, i, i+1)
	}
	q := &question{name: name, lower: lower, kind: kind, at: machine.Never, asked: -machine.Time(freshTime)}
	s.asked = append(s.asked, q)
	return q
}

// ask sends what is due to be asked, with the answers that we have (RFC 6762 sections 5.2 and 7.1).
func (s *Speaker) ask(now machine.Time) {
	var due []*question
	for _, q := range s.asked {
		if q.at > now {
			continue
		}
		if q.wanted <= now || q.live(now) && q.kind != dns.TypePTR {
			q.at = machine.Never
			continue
		}
		q.asked, q.at = now, now.Add(q.interval)
		q.interval *= 2
		due = append(due, q)
	}
	for len(due) > 0 {
		s.w.Header(0, 0)
		n := 0
		for n < len(due) && len(s.w.Bytes()) < maxMessage/2 {
			s.w.Question(due[n].name, due[n].kind)
			n++
		}
		s.w.Section(dns.Answer)
	answers:
		for _, q := range due[:n] {
			for _, a := range q.answers {
				left := uint32(a.expires.Sub(now) / time.Second)
				if left < a.ttl/2 {
					continue
				}
				at := len(s.w.Bytes())
				s.w.Begin(q.name, q.kind, dns.ClassIN, left)
				s.w.Data(q.kind, a.data)
				s.w.End()
				if len(s.w.Bytes()) > maxMessage {
					s.w.Cut(at, dns.Answer)
					break answers // they are said to us again
				}
			}
		}
		s.Counters.Queries++
		s.send(now, group)
		due = due[n:]
	}
}

// learn takes in a record for who has asked for it, and reports whether it says anything new.
func (s *Speaker) learn(now machine.Time, r *dns.Record, data []byte) (news bool) {
	for _, q := range s.asked {
		switch {
		case q.lower != r.Owner:
		case r.Type == dns.TypeNSEC && r.TTL > 0:
			if !typeIn(data, q.kind) {
				q.none = now.Add(time.Duration(r.TTL) * time.Second)
				news = true
			}
		case r.Type == q.kind:
			news = q.heard(now, r, data) || news
		}
	}
	return news
}

// typeIn reports whether an NSEC record names a type (RFC 4034 section 4.1). One that cannot be read names all.
func typeIn(data []byte, kind uint16) bool {
	i := 0
	for i < len(data) && data[i] != 0 {
		i += 1 + int(data[i])
	}
	if i++; len(data) < i+2 || data[i] != 0 || len(data) < i+2+int(data[i+1]) || kind > 255 {
		return true
	}
	bits := data[i+2 : i+2+int(data[i+1])]
	return int(kind/8) < len(bits) && bits[kind/8]&(0x80>>(kind%8)) != 0
}

// heard takes in an answer.
func (q *question) heard(now machine.Time, r *dns.Record, data []byte) (news bool) {
	if r.Class&flush != 0 { // what is older than this message goes (section 10.2)
		for i := range q.answers {
			if a := &q.answers[i]; now.Sub(a.heard) > flushWait {
				a.expires = min(a.expires, now.Add(flushWait))
			}
		}
	}
	ttl := r.TTL
	expires := now.Add(time.Duration(ttl) * time.Second)
	if ttl == 0 {
		expires = now.Add(flushWait)
	}
	for i := range q.answers {
		a := &q.answers[i]
		if equalFold(q.kind, a.data, data) {
			if ttl == 0 {
				a.expires = min(a.expires, expires)
			} else {
				a.ttl, a.heard, a.expires = ttl, now, expires
			}
			return false
		}
	}
	if q.live(now); ttl == 0 || len(q.answers) >= maxAnswers {
		return false
	}
	q.none = 0
	q.answers = append(q.answers, answer{slices.Clone(data), ttl, now, expires})
	return true
}
