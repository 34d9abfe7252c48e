package mdns

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// State is how far the publication of a name is.
type State uint8

// The states. While a name is Probing, it is not answered for.
const (
	Probing State = iota
	Announced
	Resting // the name and all that were tried in its place are others'
)

func (s State) String() string {
	return [...]string{"probing", "announced", "resting"}[min(s, Resting)]
}

// entry is a name that only we shall have, with what is published because of it.
type entry struct {
	label       string   // that was asked for
	under       dns.Name // the name behind the label
	service     bool
	serviceType string
	attempt     int
	name, lower dns.Name
	records     []*rr
	none        *rr // says which types there are (NSEC)

	state State
	sent  int          // of probes
	left  int          // of announcements
	at    machine.Time // when to go on
	ally  machine.Time // until then others with our key may have this name, too
}

func (e *entry) is(x *Service) bool { return e.label == x.Instance && e.serviceType == x.Type }

func (e *entry) keyed() bool {
	return slices.ContainsFunc(e.records, func(r *rr) bool { return r.kind == dns.TypeKEY })
}

// enter makes an entry, whose name is to be probed.
func (s *Speaker) enter(now machine.Time, under dns.Name, label string, service bool) *entry {
	e := &entry{label: label, under: under, service: service}
	s.name(e)
	s.entries = append(s.entries, e)
	s.probe(now, e)
	return e
}

// name gives an entry the name of its attempt, or of the next one that no other entry has.
func (s *Speaker) name(e *entry) {
	for ; ; e.attempt++ {
		e.name, _ = dns.Labels(e.under, suffixed(e.label, e.attempt, e.service)) // check has seen the label
		e.lower = e.name.Lower()
		if !slices.ContainsFunc(s.entries, func(o *entry) bool { return o != e && o.lower == e.lower }) {
			return
		}
	}
}

// probe has the name of an entry probed from the beginning.
func (s *Speaker) probe(now machine.Time, e *entry) {
	e.state, e.sent, e.left = Probing, 0, 0
	e.at = now.Add(s.random(probeWait))
}

// fill gives an entry its records. What there was already stays; what is new is announced, what is gone is taken back.
func (s *Speaker) fill(now machine.Time, e *entry, list []*rr) {
	changed := len(list) != len(e.records)
	for i, r := range list {
		j := slices.IndexFunc(e.records, func(o *rr) bool { return o.lower == r.lower && o.ttl == r.ttl && o.same(r.kind, r.canonical) })
		if j >= 0 {
			list[i] = e.records[j]
		}
		changed = changed || j < 0
	}
	if !changed && e.none != nil {
		return
	}
	old := e.records
	e.records = list
	var gone []*rr
	for _, o := range old {
		if slices.Contains(list, o) {
			continue
		}
		s.forget(o)
		// Records of the same type that are announced now take its place.
		if replaced := slices.ContainsFunc(list, func(r *rr) bool { return r.kind == o.kind && r.lower == o.lower }); o.shared || !replaced {
			gone = append(gone, o)
		}
	}
	for _, r := range list {
		if !slices.Contains(old, r) {
			s.remember(r)
		}
	}
	s.types(e)
	s.bye(now, gone)
	if e.state == Announced {
		e.left, e.at = announcements, now
	}
}

// types makes the record that says which types of records a name has (RFC 6762 section 6.1).
func (s *Speaker) types(e *entry) {
	var bits [32]byte
	for _, r := range e.records {
		if r.lower == e.lower && r.kind < 256 {
			bits[r.kind/8] |= 0x80 >> (r.kind % 8)
		}
	}
	n := len(bits)
	for n > 1 && bits[n-1] == 0 {
		n--
	}
	data := append(append([]byte(e.name), 0, byte(n)), bits[:n]...)
	e.none = newRecord(e, e.name, dns.TypeNSEC, hostTTL, false, data)
}

// takeBack ends entries.
func (s *Speaker) takeBack(now machine.Time, list []*entry) {
	var gone []*rr
	for _, e := range list {
		for _, r := range e.records {
			s.forget(r)
		}
		gone = append(gone, e.records...)
		e.none.gone = true
	}
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return slices.Contains(list, e) })
	s.bye(now, gone)
}

// remember and forget keep the index by names.
func (s *Speaker) remember(r *rr) { s.index[r.lower] = append(s.index[r.lower], r) }

func (s *Speaker) forget(r *rr) {
	r.gone = true
	list := slices.DeleteFunc(s.index[r.lower], func(o *rr) bool { return o == r })
	if len(list) == 0 {
		delete(s.index, r.lower)
		return
	}
	s.index[r.lower] = list
}

// conflict: somebody else has the name of an entry. One that was ours is probed again; one that is probed is given up for the
// next one.
func (s *Speaker) conflict(now machine.Time, e *entry) {
	s.Counters.Conflicts++
	s.conflicts = slices.DeleteFunc(s.conflicts, func(t machine.Time) bool { return t.Add(conflictTime) <= now })
	if len(s.conflicts) < calmAfter {
		s.conflicts = append(s.conflicts, now)
	}
	if e.state == Announced {
		s.probe(now, e)
	} else {
		s.rename(now, e)
	}
	if len(s.conflicts) >= calmAfter {
		e.at = max(e.at, now.Add(calmWait))
	}
}

// rename gives an entry the next name. The services of a host that has another name are said again.
func (s *Speaker) rename(now machine.Time, e *entry) {
	s.Counters.Renames++
	for _, r := range e.records {
		r.said = false // what is another's now is not ours to take back
	}
	e.attempt++
	rest := e.attempt >= maxRenames
	if rest {
		e.attempt = 0
	}
	s.name(e)
	s.probe(now, e)
	for _, p := range s.published {
		switch i := slices.Index(p.services, e); {
		case p.host == e:
			s.fill(now, e, p.hostRecords(e))
			s.fillServices(now, p)
		case i >= 0:
			x := slices.IndexFunc(p.advert.Services, func(x Service) bool { return e.is(&x) })
			s.fill(now, e, p.serviceRecords(e, &p.advert.Services[x]))
		}
	}
	if rest {
		e.state, e.at = Resting, now.Add(renameRest)
	}
}
