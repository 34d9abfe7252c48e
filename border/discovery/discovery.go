// Package discovery answers the mesh's DNS queries from the link beside it: the Discovery Proxy of RFC 8766, for names of the
// mesh's domain that nobody has registered. What is asked of NAME.default.service.arpa is asked of the link as NAME.local.
package discovery

import (
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/dnssd"
)

// Found is one thing that the link says: the whole data of a record, and how long it lives.
type Found struct {
	Data []byte
	TTL  uint32
}

// Env is what a Proxy needs of the world.
type Env interface {
	// Lookup returns what the link says of a name so far, and whether it says that there is nothing. It asks the link for wait.
	Lookup(now machine.Time, name dns.Name, kind uint16, wait time.Duration) (list []Found, none bool)
	// Answer sends an answer to a client. message is borrowed.
	Answer(now machine.Time, client netip.AddrPort, message []byte)
}

const (
	// wait is how long the link has (RFC 8766 section 5.6 and OpenThread's config/dnssd_server.h have 6 s). Ours is shorter by
	// as much as an answer needs to be in time for who counts those six seconds, too.
	wait     = 5500 * time.Millisecond
	longest  = 10 // s, of a TTL (section 5.5.1)
	maxJobs  = 32
	maxBytes = 1100 // of an answer: the client's IPv6 packet takes 1,280
)

var (
	domain = dns.MustName(dnssd.Domain)
	local  = dns.MustName("local")
)

// Counters say what a Proxy has done.
type Counters struct{ Queries, Answered, Empty, NoRoom uint64 }

// job is a query that waits for the link.
type job struct {
	client  netip.AddrPort
	id      uint16
	flags   uint16
	written dns.Name // as the client has it
	name    dns.Name // that the link is asked for
	kinds   []uint16
	until   machine.Time
}

// Proxy is a Discovery Proxy.
type Proxy struct {
	Counters Counters
	env      Env
	jobs     []*job
	w        dns.Writer
}

// New returns a Proxy.
func New(env Env) *Proxy { return &Proxy{env: env} }

// Pending returns how many queries wait for the link.
func (p *Proxy) Pending() int { return len(p.jobs) }

// Ask takes in a query of a client's and reports whether it will be answered, maybe at once. b is borrowed.
func (p *Proxy) Ask(now machine.Time, client netip.AddrPort, b []byte) bool {
	m, questions, err := dns.ParseAll(b)
	if err != nil || m.Opcode() != dns.OpQuery || m.Flags&dns.FlagResponse != 0 || len(questions) == 0 {
		return false
	}
	name, ok := swap(dns.Name(questions[0].Asked), domain, local)
	if !ok {
		return false
	}
	j := &job{client: client, id: m.ID, flags: dns.FlagResponse | m.Flags&dns.FlagRecursion, written: dns.Name(questions[0].Asked), name: name, until: now.Add(wait)}
	for _, q := range questions {
		if q.Type == dns.TypeANY || q.Type == dns.TypeNSEC || q.Class != dns.ClassIN {
			return false
		}
		j.kinds = append(j.kinds, q.Type)
	}
	if len(p.jobs) >= maxJobs {
		p.Counters.NoRoom++
		return false
	}
	p.Counters.Queries++
	if !p.try(now, j, false) {
		p.jobs = append(p.jobs, j)
	}
	return true
}

// Answered is told that the link has said more.
func (p *Proxy) Answered(now machine.Time) { p.look(now) }

// Deadline says when Expire wants to be called.
func (p *Proxy) Deadline() machine.Time {
	at := machine.Never
	for _, j := range p.jobs {
		at = min(at, j.until)
	}
	return at
}

// Expire answers queries for which the link has had its time. That it has said nothing does not mean that there is nothing
// (RFC 8766 section 5.6).
func (p *Proxy) Expire(now machine.Time) { p.look(now) }

func (p *Proxy) look(now machine.Time) {
	p.jobs = slices.DeleteFunc(p.jobs, func(j *job) bool { return p.try(now, j, j.until <= now) })
}

// try answers a job if all that it asks is known, or at the end with what there is.
func (p *Proxy) try(now machine.Time, j *job, end bool) bool {
	p.w.Header(j.id, j.flags)
	for _, k := range j.kinds {
		p.w.Question(j.written, k)
	}
	p.w.Section(dns.Answer)
	for _, k := range j.kinds {
		list, none := p.env.Lookup(now, j.name, k, j.until.Sub(now))
		if len(list) == 0 && !none && !end {
			return false
		}
		usable := false
		for _, f := range list {
			usable = p.put(j, k, f) || usable
		}
		if !usable && !none && !end { // such as an address of the link alone: another one may come
			return false
		}
	}
	if p.Counters.Answered++; p.w.Count(dns.Answer) == 0 {
		p.Counters.Empty++
	}
	p.env.Answer(now, j.client, p.w.Bytes())
	return true
}

// put writes an answer, and reports whether it is of use for the mesh.
func (p *Proxy) put(j *job, kind uint16, f Found) bool {
	data := f.Data
	switch kind {
	case dns.TypeAAAA, dns.TypeA:
		if a, ok := netip.AddrFromSlice(data); !ok || a.IsLinkLocalUnicast() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() { // section 5.5.2
			return false
		}
	case dns.TypePTR:
		to, ok := swap(dns.Name(data), local, domain)
		if !ok {
			return false
		}
		data = []byte(to)
	case dns.TypeSRV:
		to, ok := swap(dns.Name(data[6:]), local, domain)
		if !ok {
			return false
		}
		data = append(slices.Clone(data[:6]), to...)
	}
	at := len(p.w.Bytes())
	p.w.Begin(j.written, kind, dns.ClassIN, min(f.TTL, longest))
	p.w.Data(kind, data)
	p.w.End()
	if len(p.w.Bytes()) > maxBytes {
		p.w.Cut(at, dns.Answer)
	}
	return true
}

// swap gives a name that lies under a domain another one.
func swap(n, from, to dns.Name) (dns.Name, bool) {
	if lower := n.Lower(); len(n) <= len(from) || !lower.Under(from) || len(n)-len(from)+len(to) > dns.MaxName {
		return "", false
	}
	return n[:len(n)-len(from)] + to, true
}
