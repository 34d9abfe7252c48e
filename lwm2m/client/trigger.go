package client

import (
	"math"
	"time"

	"heddle.example/lwm2m"
)

// sample is what an observation remembers of a value: enough to tell a change, small enough for thousands of them.
type sample struct {
	hash    uint64  // of all values
	number  float64 // of a single number
	numeric bool
	boolean bool // a single Boolean, with its value in number
	gone    bool
}

// newSample condenses entries that were read at a path.
func newSample(entries []lwm2m.Entry, p lwm2m.Path) sample {
	s := sample{hash: 14695981039346656037}
	var b [64]byte
	for _, e := range entries {
		s.add(e.Path.Append(b[:0]))
		s.add([]byte{byte(e.Value.Kind())})
		switch e.Value.Kind() {
		case lwm2m.String, lwm2m.Corelnk, lwm2m.Opaque:
			s.addString(e.Value.Raw())
		default:
			s.add(e.Value.AppendText(b[:0]))
		}
		s.add([]byte{0xFF})
	}
	if p.Depth() >= 3 && len(entries) == 1 {
		if f, ok := entries[0].Value.AsFloat(); ok {
			s.number, s.numeric = f, true
		} else if v, ok := entries[0].Value.AsBool(); ok {
			if s.boolean = true; v {
				s.number = 1
			}
		}
	}
	return s
}

// add and addString are FNV-1a.
func (s *sample) add(b []byte) {
	for _, c := range b {
		s.hash = (s.hash ^ uint64(c)) * 1099511628211
	}
}

func (s *sample) addString(b string) {
	for i := range len(b) {
		s.hash = (s.hash ^ uint64(b[i])) * 1099511628211
	}
}

// rules are the notification attributes as an observation obeys them.
type rules struct {
	pmin, pmax, epmin, epmax time.Duration // 0: none
	con                      bool
	lwm2m.Attributes
}

// rules returns what holds for an observation now: the attributes of the nearest levels, and the Server object's default
// periods. For an Observe-Composite, whose notifications tell the values of all its paths, the longest minimum period
// holds, the shortest maximum period, and con where one path has it.
func (c *Client) rules(o *observation) rules {
	r := c.partRules(o, o.parts[0].path)
	for i := 1; i < len(o.parts); i++ {
		x := c.partRules(o, o.parts[i].path)
		r.pmin, r.epmin = max(r.pmin, x.pmin), max(r.epmin, x.epmin)
		r.pmax, r.epmax = shorter(r.pmax, x.pmax), shorter(r.epmax, x.epmax)
		r.con = r.con || x.con
		r.Set |= x.Set
	}
	if r.pmax > 0 {
		r.pmax = max(r.pmax, r.pmin)
	}
	return r
}

// shorter returns the shorter of two periods, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// partRules returns what holds for one path of an observation.
func (c *Client) partRules(o *observation, p lwm2m.Path) rules {
	a := &c.accounts[o.account]
	return makeRules(c.effective(o.account, p), a.MinPeriod, a.MaxPeriod)
}

func makeRules(at lwm2m.Attributes, defaultMin, defaultMax time.Duration) rules {
	r := rules{pmin: defaultMin, pmax: defaultMax, Attributes: at}
	if at.Has(lwm2m.Pmin) {
		r.pmin = seconds(at.Pmin)
	}
	if at.Has(lwm2m.Pmax) {
		r.pmax = seconds(at.Pmax)
	}
	if r.pmax < r.pmin {
		r.pmax = 0 // ignored (7.3.2)
	}
	if at.Has(lwm2m.Epmin) {
		r.epmin = seconds(at.Epmin)
	}
	if at.Has(lwm2m.Epmax) && at.Epmax >= at.Epmin {
		r.epmax = seconds(at.Epmax)
	}
	r.con = at.Has(lwm2m.Con) && at.Con
	return r
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// thresholds reports whether values on the way count, not only the one when pmin ends.
func (r *rules) thresholds() bool { return r.Set&(lwm2m.Gt|lwm2m.Lt|lwm2m.St|lwm2m.Edge) != 0 }

// triggered reports whether the step from the value notified last to the present one asks for a notification. With
// several conditions, one is enough (7.3.2).
func (r *rules) triggered(last, now sample) bool {
	if last.hash == now.hash {
		return false
	}
	if now.gone != last.gone {
		return true
	}
	if now.boolean && r.Has(lwm2m.Edge) {
		// A rising edge ends at true, a falling one at false.
		return last.number != now.number && (now.number != 0) == r.Edge
	}
	if !now.numeric || !last.numeric || r.Set&(lwm2m.Gt|lwm2m.Lt|lwm2m.St) == 0 {
		return true
	}
	if r.Has(lwm2m.Gt) && crosses(last.number, now.number, r.Gt) {
		return true
	}
	if r.Has(lwm2m.Lt) && crosses(-last.number, -now.number, -r.Lt) {
		return true
	}
	return r.Has(lwm2m.St) && math.Abs(now.number-last.number) >= r.St
}

// crosses reports whether a value went above a threshold or came back: being equal to it is not above.
func crosses(from, to, threshold float64) bool { return (from > threshold) != (to > threshold) }
