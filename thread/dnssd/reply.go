package dnssd

import (
	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// reply is an answer while it is made.
type reply struct {
	s       *Server
	now     machine.Time
	w       dns.Writer
	flags   uint16
	name    dns.Name // what is asked, in lower case
	written dns.Name
	types   [2]uint16
	section int
	matches int
}

func (r *reply) asks(kind uint16) bool { return r.types[0] == kind || r.types[1] == kind }

func (r *reply) count() int {
	return r.w.Count(dns.Answer) + r.w.Count(dns.Authority) + r.w.Count(dns.Additional)
}

// in says where a record of a type stands: asked for, or added of ourselves.
func (r *reply) in(kind uint16) int {
	if r.asks(kind) || r.asks(dns.TypeANY) {
		return dns.Answer
	}
	return dns.Additional
}

func (r *reply) to(section int) { r.section = section; r.w.Section(section) }

// fits takes back the record that began at an offset if it is too much.
func (r *reply) fits(at int) bool {
	if len(r.w.Bytes()) <= longest {
		return true
	}
	r.w.Cut(at, r.section)
	return false
}

func (r *reply) end(code uint16) []byte {
	c := &r.s.Counters
	r.w.SetFlags(r.flags | code)
	switch code {
	case dns.CodeOK:
		c.Success++
	case dns.CodeServFail:
		c.ServerFailure++
	case dns.CodeFormat:
		c.FormatError++
	case dns.CodeNoName:
		c.NameError++
	case dns.CodeNotImplemented:
		c.NotImplemented++
	}
	return r.w.Bytes()
}

// zone answers what is asked of the domain itself (RFC 8766 section 6.1).
func (r *reply) zone() {
	own, list := r.s.env.Own()
	server, err := dns.Labels(domain, own)
	if err != nil {
		return
	}
	if r.name == server.Lower() && (r.asks(dns.TypeAAAA) || r.asks(dns.TypeANY)) {
		r.to(dns.Answer)
		for _, a := range list {
			r.w.Record(r.written, dns.TypeAAAA, dns.ClassIN, ownTTL, a[:])
		}
		return
	}
	soa, ns := r.asks(dns.TypeSOA), r.asks(dns.TypeNS)
	if r.name != domain {
		if soa || ns {
			r.to(dns.Authority)
			r.soa(server)
		}
		return
	}
	r.to(dns.Answer)
	if any := r.asks(dns.TypeANY); soa || any {
		r.soa(server)
	}
	if ns || r.asks(dns.TypeANY) {
		r.w.Begin(domain, dns.TypeNS, dns.ClassIN, zoneTTL)
		r.w.Name(server)
		r.w.End()
	}
}

func (r *reply) soa(server dns.Name) {
	r.w.Begin(domain, dns.TypeSOA, dns.ClassIN, zoneTTL)
	r.w.Name(server)
	r.w.Name("\x0apostmaster" + domain)
	for _, v := range [...]uint32{0, zoneTTL, zoneRetry, zoneExpire, zoneMinimum} {
		r.w.U32(v)
	}
	r.w.End()
}

// resolve answers from what is registered, and reports whether the name is known.
func (r *reply) resolve() (known bool) {
	var one Registered
	var of Host
	browses := r.asks(dns.TypePTR) || r.asks(dns.TypeANY)
	r.to(dns.Answer)
	r.s.env.EachHost(r.now, func(h Host) bool {
		if h.Is(r.name) {
			known, one = true, nil
			r.host(h)
			return false
		}
		h.EachService(func(s Registered) bool {
			switch {
			case s.Is(r.name):
				known, one, r.matches = true, nil, 0
				r.instance(h, s)
				of = nil
				return false
			case browses && s.Offers(r.name):
				known, one, of = true, s, h
				r.pointer(s)
			}
			return true
		})
		return !known || one != nil
	})
	if one != nil && r.asks(dns.TypePTR) && r.matches == 1 {
		r.service(of, one) // of several, the client asks for those that it wants
	}
	return known
}

func (r *reply) pointer(s Registered) {
	at := len(r.w.Bytes())
	r.w.Begin(r.written, dns.TypePTR, dns.ClassIN, s.TTL(r.now))
	r.w.Name(s.Instance())
	r.w.End()
	if r.fits(at) {
		r.matches++
	}
}

// host answers what is asked of a host.
func (r *reply) host(h Host) {
	if r.asks(dns.TypeAAAA) || r.asks(dns.TypeA) || r.asks(dns.TypeANY) {
		r.to(r.in(dns.TypeAAAA))
		r.addresses(h)
	}
	if r.asks(dns.TypeKEY) || r.asks(dns.TypeANY) {
		r.key(h)
	}
}

func (r *reply) key(h Host) {
	r.to(dns.Answer)
	r.w.Record(r.written, dns.TypeKEY, dns.ClassIN, h.TTL(r.now), h.Key())
}

// instance answers what is asked of an instance of a service.
func (r *reply) instance(h Host, s Registered) {
	if r.asks(dns.TypeKEY) || r.asks(dns.TypeANY) {
		r.key(h)
	}
	if r.asks(dns.TypeSRV) || r.asks(dns.TypeTXT) || r.asks(dns.TypeANY) {
		r.service(h, s)
	}
}

// service writes the records of an instance, and the addresses of its host.
func (r *reply) service(h Host, s Registered) {
	for _, section := range [...]int{dns.Answer, dns.Additional} {
		if section == dns.Additional && r.asks(dns.TypeANY) {
			break
		}
		r.to(section)
		at := len(r.w.Bytes())
		if r.in(dns.TypeSRV) == section {
			port, priority, weight := s.Where()
			r.w.Begin(s.Instance(), dns.TypeSRV, dns.ClassIN, s.TTL(r.now))
			r.w.U16(priority)
			r.w.U16(weight)
			r.w.U16(port)
			r.w.Name(h.FullName())
			r.w.End()
			if !r.fits(at) {
				return
			}
		}
		at = len(r.w.Bytes())
		if r.in(dns.TypeTXT) == section {
			text := s.Text()
			if len(text) == 0 {
				text = []byte{0}
			}
			r.w.Record(s.Instance(), dns.TypeTXT, dns.ClassIN, s.TTL(r.now), text)
			if !r.fits(at) {
				return
			}
		}
	}
	r.addresses(h)
}

func (r *reply) addresses(h Host) {
	for _, a := range h.Addresses() {
		at := len(r.w.Bytes())
		if a.IsIP4Mapped() {
			continue
		}
		r.w.Record(h.FullName(), dns.TypeAAAA, dns.ClassIN, h.TTL(r.now), a[:])
		if !r.fits(at) {
			return
		}
	}
}
