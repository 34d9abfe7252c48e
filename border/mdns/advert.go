package mdns

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"unicode/utf8"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// Advert is a host and its services, as they are to be found on the link. Labels are as people write them.
type Advert struct {
	Host      string
	Addresses []netip.Addr
	// Key is the data of a KEY record. Records of others with the same one are no conflict: they are of the same host, by
	// another proxy (draft-ietf-dnssd-advertising-proxy).
	Key      []byte
	TTL      uint32 // at most; 0: as RFC 6762 has it
	Services []Service
}

// Service is one of a host's.
type Service struct {
	Instance               string
	Type                   string // as _ipps._tcp
	Subtypes               []string
	Port, Priority, Weight uint16
	Text                   []byte // as in a TXT record; empty: one empty string
}

// published is an advert under way.
type published struct {
	owner    string
	advert   Advert
	host     *entry
	services []*entry
}

// rr is a record that we have.
type rr struct {
	name   dns.Name
	kind   uint16
	ttl    uint32
	data   []byte // its name whole
	shared bool   // others have records of this name and type, too

	lower     dns.Name
	canonical []byte // data with its name in lower case
	of        *entry
	gone      bool
	round     uint64       // of the query that it was looked at for
	said      bool         // by multicast, so that it has to be taken back
	at        machine.Time // when it was
}

func (r *rr) same(kind uint16, canonical []byte) bool {
	return r.kind == kind && bytes.Equal(r.canonical, canonical)
}

// newRecord makes a record. Its domain names are whole.
func newRecord(of *entry, name dns.Name, kind uint16, ttl uint32, shared bool, data []byte) *rr {
	return &rr{name: name, kind: kind, ttl: ttl, data: data, shared: shared, lower: name.Lower(), canonical: dns.LowerData(kind, data), of: of,
		at: -machine.Time(otherTTL * 1e9)}
}

func clip(ttl, most uint32) uint32 {
	if most == 0 {
		return ttl
	}
	return max(1, min(ttl, most))
}

// hostRecords makes the records of a host.
func (p *published) hostRecords(e *entry) (list []*rr) {
	ttl := clip(hostTTL, p.advert.TTL)
	for i, a := range p.advert.Addresses {
		kind := uint16(dns.TypeAAAA)
		if a = a.Unmap(); a.Is4() {
			kind = dns.TypeA
		}
		if slices.Contains(p.advert.Addresses[:i], a) {
			continue
		}
		list = append(list, newRecord(e, e.name, kind, ttl, false, a.AsSlice()))
	}
	return p.keyRecord(e, list)
}

func (p *published) keyRecord(e *entry, list []*rr) []*rr {
	if len(p.advert.Key) > 0 {
		list = append(list, newRecord(e, e.name, dns.TypeKEY, clip(otherTTL, p.advert.TTL), false, p.advert.Key))
	}
	return list
}

// serviceRecords makes the records of a service of the host.
func (p *published) serviceRecords(e *entry, s *Service) (list []*rr) {
	where := append([]byte{byte(s.Priority >> 8), byte(s.Priority), byte(s.Weight >> 8), byte(s.Weight), byte(s.Port >> 8), byte(s.Port)}, p.host.name...)
	list = append(list, newRecord(e, e.name, dns.TypeSRV, clip(hostTTL, p.advert.TTL), false, where))
	ttl := clip(otherTTL, p.advert.TTL)
	text := s.Text
	if len(text) == 0 {
		text = []byte{0}
	}
	list = append(list, newRecord(e, e.name, dns.TypeTXT, ttl, false, text))
	list = p.keyRecord(e, list)
	pointer := func(from dns.Name, to dns.Name) {
		list = append(list, newRecord(e, from, dns.TypePTR, ttl, true, []byte(to)))
	}
	pointer(e.under, e.name)
	for i, sub := range s.Subtypes {
		if slices.Contains(s.Subtypes[:i], sub) {
			continue
		}
		if from, err := dns.Labels(e.under, sub, "_sub"); err == nil { // one that is too long is found by its type only
			pointer(from, e.name)
		}
	}
	pointer(types, e.under)
	return list
}

// suffixed returns a label with the number of an attempt behind it: "lamp", "lamp-2"; of services "lamp (2)" (RFC 6763
// appendix D). It is cut where it is too long.
func suffixed(label string, attempt int, service bool) string {
	if attempt == 0 {
		return label
	}
	suffix := fmt.Sprintf("-%d", attempt+1)
	if service {
		suffix = fmt.Sprintf(" (%d)", attempt+1)
	}
	label = label[:min(len(label), dns.MaxLabel-len(suffix))]
	for len(label) > 0 && !utf8.ValidString(label) && utf8.ValidString(label[:len(label)-1]) {
		label = label[:len(label)-1]
	}
	return label + suffix
}

// Set publishes an advert under a name of the caller's, changes it, or, with nil or without an address, takes it back. An
// error says that it makes no names.
func (s *Speaker) Set(now machine.Time, owner string, a *Advert) error {
	i, found := slices.BinarySearchFunc(s.published, owner, func(p *published, o string) int { return cmp.Compare(p.owner, o) })
	if a == nil || len(a.Addresses) == 0 {
		if found {
			p := s.published[i]
			s.published = slices.Delete(s.published, i, i+1)
			s.takeBack(now, append(p.services, p.host))
		}
		s.schedule()
		return nil
	}
	if err := check(a); err != nil {
		return err
	}
	if !found {
		s.published = slices.Insert(s.published, i, &published{owner: owner})
	}
	p := s.published[i]
	p.advert = *a
	if p.host != nil && p.host.label != a.Host {
		s.takeBack(now, []*entry{p.host})
		p.host = nil
	}
	if p.host == nil {
		p.host = s.enter(now, local, a.Host, false)
	}
	s.fill(now, p.host, p.hostRecords(p.host))
	var old []*entry
	p.services = slices.DeleteFunc(p.services, func(e *entry) bool {
		gone := !slices.ContainsFunc(a.Services, func(x Service) bool { return e.is(&x) })
		if gone {
			old = append(old, e)
		}
		return gone
	})
	s.takeBack(now, old)
	s.fillServices(now, p)
	s.schedule()
	return nil
}

func (s *Speaker) fillServices(now machine.Time, p *published) {
	for i := range p.advert.Services {
		x := &p.advert.Services[i]
		j := slices.IndexFunc(p.services, func(e *entry) bool { return e.is(x) })
		if j < 0 {
			under, _ := typeName(x.Type) // check has seen it
			e := s.enter(now, under, x.Instance, true)
			e.serviceType = x.Type
			p.services = append(p.services, e)
			j = len(p.services) - 1
		}
		s.fill(now, p.services[j], p.serviceRecords(p.services[j], x))
	}
}

func typeName(t string) (dns.Name, error) { return dns.ParseName(t + "." + Local) }

func check(a *Advert) error {
	if _, err := dns.Labels(local, a.Host); err != nil {
		return fmt.Errorf("mdns: %q cannot be the label of a host: 1 to 63 bytes are", a.Host)
	}
	for i := range a.Services {
		x := &a.Services[i]
		under, err := typeName(x.Type)
		if err == nil {
			_, err = dns.Labels(under, x.Instance)
		}
		if err != nil || len(x.Text) > maxMessage-400 {
			return fmt.Errorf("mdns: %q of type %q is no service: a label of 1 to 63 bytes, a type such as _ipps._tcp and at most %d bytes of text are", x.Instance, x.Type, maxMessage-400)
		}
	}
	return nil
}
