package dns64

import (
	"strconv"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// Entry is an answer in the cache, for people.
type Entry struct {
	Name      string
	Type      uint16
	Left      time.Duration
	Addresses []string // of records A and AAAA
	Code      int      // dns.CodeNoName: there is no such name
}

// Entries appends the answers that are kept and still true, in the order of their places.
func (f *Forwarder) Entries(now machine.Time, list []Entry) []Entry {
	for i := range f.cache.entries {
		c := &f.cache.entries[i]
		if c.until <= now {
			continue
		}
		e := Entry{Name: c.key.name.Text(), Type: c.key.kind, Left: c.until.Sub(now)}
		if m, err := dns.Parse(c.b); err == nil {
			e.Code = m.Code()
			_ = m.Each(func(r *dns.Record, section int) bool { // it was read when it was put in
				switch {
				case section != dns.Answer:
				case r.Type == dns.TypeAAAA && len(r.Data) == 16:
					e.Addresses = append(e.Addresses, ip6.Address(r.Data).Netip().String())
				case r.Type == dns.TypeA && len(r.Data) == 4:
					e.Addresses = append(e.Addresses, dotted(r.Data))
				}
				return true
			})
		}
		list = append(list, e)
	}
	return list
}

func dotted(b []byte) string {
	var s []byte
	for i, x := range b {
		if i > 0 {
			s = append(s, '.')
		}
		s = strconv.AppendUint(s, uint64(x), 10)
	}
	return string(s)
}
