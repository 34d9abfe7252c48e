package dnssd

import (
	"net/netip"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// Address is an address of a name.
type Address struct {
	IP  ip6.Address
	IP4 netip.Addr // valid: IP stands for it, by NAT64
	TTL uint32
}

// Response is the end of a query.
type Response struct {
	Name      string // as it was asked for, with a dot at its end; of a service without its instance
	Label     string // the instance of Service
	Err       error  // nil, or one of package status
	Addresses []Address
	Instances []Instance  // of Browse, and the one of Service if there is one
	Message   dns.Message // the answer, where there was one; borrowed
}

// Instance is what is known of an instance of a service.
type Instance struct {
	Label                  string
	Known                  bool // there was more than its name
	Port, Priority, Weight uint16
	TTL                    uint32
	Host                   string // with a dot at its end
	Address                ip6.Address
	AddressTTL             uint32
	Text                   []byte
	TextTTL                uint32

	host dns.Name
}

// Receive takes in a message for the client's port.
func (c *Client) Receive(now machine.Time, from ip6.Address, port uint16, b []byte) {
	m, questions, err := dns.ParseAll(b)
	if err != nil || m.Flags&dns.FlagResponse == 0 || m.Flags&dns.FlagTruncated != 0 || m.Opcode() != dns.OpQuery {
		return
	}
	q, a := c.byID(m.ID)
	// A server behind an anycast address may answer from another one.
	if q == nil || a.answer != nil || port != q.s.Port || from != q.s.Server && !q.s.Server.IID().IsAnycastLocator() {
		return
	}
	code := dns.CodeError(m.Code())
	if code == nil && len(questions) != len(a.types) || len(questions) > len(a.types) {
		return
	}
	for i := range questions {
		if questions[i].Name != a.name || questions[i].Type != a.types[i] {
			return
		}
	}
	if m.Each(func(*dns.Record, int) bool { return true }) != nil {
		return
	}
	switch {
	case code == nil && len(a.types) == 2:
		c.noteLimited(q.s.Server, false)
	case q.kind == addresses && c.askFor4(now, q, a, &m), code != nil && c.split(now, q, a):
		return
	}
	if code != nil && q.kind != addresses && q.kind != addresses4 && q.kind != records {
		c.finish(now, q, code)
		return
	}
	if q.kind == service {
		c.serviceAnswered(now, q, a, b)
		return
	}
	c.drop(q)
	r := Response{Name: q.name, Err: code, Message: m}
	switch q.kind {
	case addresses, addresses4:
		r.Addresses = c.addresses(a, &m, dns.Answer)
	case browse:
		r.Instances = instances(a, &m)
	}
	c.env.Answered(now, q.op, &r)
}

// askFor4 asks for IPv4 addresses where there are no others, and a NAT64 makes use of them.
func (c *Client) askFor4(now machine.Time, q *query, a *ask, m *dns.Message) bool {
	if q.s.NAT64 != Yes || m.Code() == dns.CodeNoName || m.Code() == dns.CodeOK && len(c.addresses(a, m, dns.Answer)) > 0 {
		return false
	}
	if _, err := c.env.Synthesize([4]byte{}); err != nil {
		return false
	}
	q.kind = addresses4
	a.types, a.tries, a.id = []uint16{dns.TypeA}, 0, c.newID()
	_ = c.transmit(now, q, a) // or it ends in time
	c.schedule()
	return true
}

// addresses returns the addresses in an answer, of the name or of what it is an alias of.
func (c *Client) addresses(a *ask, m *dns.Message, in int) (list []Address) {
	owner, four := a.name, a.types[0] == dns.TypeA
	_ = m.Each(func(r *dns.Record, section int) bool { // it was read before
		switch {
		case section != in || len(list) == 32 || r.Class != dns.ClassIN || r.Owner != owner:
		case r.Type == dns.TypeCNAME:
			if n, _, _, err := dns.ReadName(m.Bytes, r.At); err == nil {
				owner = n
			}
		case r.Type == dns.TypeAAAA && !four && len(r.Data) == 16:
			list = append(list, Address{IP: ip6.Address(r.Data), TTL: r.TTL})
		case r.Type == dns.TypeA && four && len(r.Data) == 4:
			if ip, err := c.env.Synthesize([4]byte(r.Data)); err == nil {
				list = append(list, Address{ip, netip.AddrFrom4([4]byte(r.Data)), r.TTL})
			}
		}
		return true
	})
	return list
}

// instances returns what an answer to Browse holds.
func instances(a *ask, m *dns.Message) (list []Instance) {
	_ = m.Each(func(r *dns.Record, section int) bool { // it was read before
		if section != dns.Answer || r.Type != dns.TypePTR || r.Owner != a.name || len(list) == 64 {
			return section == dns.Answer
		}
		if n, raw, _, err := dns.ReadName(m.Bytes, r.At); err == nil && len(raw) > 1 {
			i := Instance{Label: string(raw[1 : 1+raw[0]])}
			i.read(m, n, dns.Additional, dns.Additional)
			list = append(list, i)
		}
		return true
	})
	return list
}

// read looks for the records of an instance in the sections where they are expected, and for an address of its host.
func (i *Instance) read(m *dns.Message, name dns.Name, srv, txt int) {
	_ = m.Each(func(r *dns.Record, section int) bool { // it was read before
		switch {
		case r.Class != dns.ClassIN || r.Owner != name:
		case r.Type == dns.TypeSRV && section == srv && !i.Known && len(r.Data) > 6:
			n, raw, _, err := dns.ReadName(m.Bytes, r.At+6)
			if err != nil {
				break
			}
			i.Known, i.TTL, i.host, i.Host = true, r.TTL, n, dns.Name(raw).Text()+"."
			i.Priority, i.Weight, i.Port = be16(r.Data), be16(r.Data[2:]), be16(r.Data[4:])
		case r.Type == dns.TypeTXT && section == txt && i.TextTTL == 0:
			i.Text, i.TextTTL = append([]byte(nil), r.Data...), r.TTL
		}
		return true
	})
	if i.Known && i.Address.IsUnspecified() {
		i.readAddress(m, dns.Additional)
	}
}

func (i *Instance) readAddress(m *dns.Message, in int) {
	_ = m.Each(func(r *dns.Record, section int) bool { // it was read before
		if section == in && r.Type == dns.TypeAAAA && r.Owner == i.host && len(r.Data) == 16 {
			i.Address, i.AddressTTL = ip6.Address(r.Data), r.TTL
			return false
		}
		return true
	})
}

func be16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

// serviceAnswered takes in one answer about a service, and ends the query when it has all.
func (c *Client) serviceAnswered(now machine.Time, q *query, a *ask, b []byte) {
	a.answer = append([]byte(nil), b...)
	r := Response{Name: q.name, Label: q.label}
	i, asksHost := q.instance()
	if q.host && i.Known && i.Address.IsUnspecified() && !asksHost {
		c.also(now, q, &ask{name: i.host, asked: []byte(i.host), types: []uint16{dns.TypeAAAA}})
	}
	for _, o := range q.asks {
		if o.answer == nil {
			c.schedule()
			return
		}
	}
	c.drop(q)
	if i.Known {
		r.Instances = []Instance{i}
	}
	c.env.Answered(now, q.op, &r)
}

// instance puts together what the answers say of a service.
func (q *query) instance() (i Instance, asksHost bool) {
	i.Label = q.label
	for _, a := range q.asks {
		asksHost = asksHost || a.types[0] == dns.TypeAAAA
		if a.answer == nil {
			continue
		}
		m, _, err := dns.ParseAll(a.answer)
		if err != nil {
			continue
		}
		switch {
		case a.types[0] == dns.TypeAAAA:
			i.readAddress(&m, dns.Answer)
		case len(a.types) == 2:
			i.read(&m, a.name, dns.Answer, dns.Answer)
		case a.types[0] == dns.TypeSRV:
			i.read(&m, a.name, dns.Answer, dns.Additional)
		default:
			i.read(&m, a.name, dns.Additional, dns.Answer)
			i.Known = i.Known || q.s.ServiceMode == TXT
		}
	}
	return i, asksHost
}
