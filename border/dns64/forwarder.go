package dns64

import (
	"net/netip"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// Env sends what a Forwarder has made. Messages are borrowed until return.
type Env interface {
	// Answer sends an answer to a client.
	Answer(now machine.Time, client netip.AddrPort, message []byte)
	// Query sends a query to a server.
	Query(now machine.Time, server netip.AddrPort, message []byte)
}

// Config says what a Forwarder is made of. Servers and Rand must be set; zero fields have defaults.
type Config struct {
	Prefix  ip6.Prefix // of the NAT64; no bits: no address is made up
	Servers []netip.AddrPort
	Rand    machine.Rand

	Timeout   time.Duration // of one query to a server; 0: 2 s
	Tries     int           // in turns with all servers; 0: 3
	Pending   int           // queries under way; 0: 256
	PerClient int           // 0: 32
	Cache     int           // answers; 0: 256
}

// Counters say what a Forwarder has done.
type Counters struct {
	Queries, Answers, Synthesized, FromCache  uint64
	Sent, Timeouts, ServerFailures, Truncated uint64
	Malformed, Refused, Stray                 uint64 // stray: answers that nobody waits for
}

// job is a client's query under way.
type job struct {
	client   netip.AddrPort
	id       uint16 // the client's
	flags    uint16
	question dns.Question // the client's
	query    []byte       // what is asked of the server, with the id asked
	asked    dns.Question
	server   int
	tries    int
	at       machine.Time // when to try again
	forA     bool         // the second query, for IPv4 addresses
	empty    []byte       // what the first one brought
	ptr      bool         // the reverse of an address that we made
}

// Forwarder is a DNS64.
type Forwarder struct {
	Counters Counters

	c     Config
	env   Env
	jobs  []*job
	cache cache
	next  machine.Time
	out   []byte
}

// New returns a Forwarder with nothing under way.
func New(c Config, env Env) *Forwarder {
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	or(&c.Tries, 3)
	or(&c.Pending, 256)
	or(&c.PerClient, 32)
	or(&c.Cache, 256)
	return &Forwarder{c: c, env: env, cache: cache{limit: c.Cache}, next: machine.Never}
}

// SetPrefix changes the NAT64 prefix; no bits: there is none.
func (f *Forwarder) SetPrefix(p ip6.Prefix) {
	f.c.Prefix = p
	f.cache.clear()
}

// SetServers changes the servers.
func (f *Forwarder) SetServers(s []netip.AddrPort) {
	f.c.Servers = append([]netip.AddrPort(nil), s...)
	f.cache.clear()
}

// Deadline says when Expire wants to be called.
func (f *Forwarder) Deadline() machine.Time { return f.next }

// Expire asks again, or gives up.
func (f *Forwarder) Expire(now machine.Time) {
	for i := 0; i < len(f.jobs); {
		j := f.jobs[i]
		if j.at > now {
			i++
			continue
		}
		f.Counters.Timeouts++
		if j.tries < f.c.Tries {
			f.send(now, j)
			i++
			continue
		}
		f.drop(j)
		if j.empty != nil {
			f.answer(now, j, j.empty) // no IPv6 address, as we were told
		} else {
			f.fail(now, j, dns.CodeServFail)
		}
	}
	f.schedule()
}

func (f *Forwarder) schedule() {
	f.next = machine.Never
	for _, j := range f.jobs {
		f.next = min(f.next, j.at)
	}
}

func (f *Forwarder) drop(j *job) {
	for i, o := range f.jobs {
		if o == j {
			copy(f.jobs[i:], f.jobs[i+1:])
			f.jobs[len(f.jobs)-1] = nil
			f.jobs = f.jobs[:len(f.jobs)-1]
			return
		}
	}
}

// Ask takes in a client's query.
func (f *Forwarder) Ask(now machine.Time, client netip.AddrPort, b []byte) {
	m, err := dns.Parse(b)
	if err != nil || m.Flags&dns.FlagResponse != 0 {
		f.Counters.Malformed++
		return
	}
	f.Counters.Queries++
	j := &job{client: client, id: m.ID, flags: m.Flags, question: m.Question}
	if m.Flags>>11&15 != 0 || m.Question.Class != dns.ClassIN || len(f.c.Servers) == 0 {
		f.fail(now, j, dns.CodeRefused)
		return
	}
	if a, ok := f.known(&m.Question); ok {
		f.Counters.Answers++
		f.out = dns.AppendHeader(f.out[:0], j.id, dns.FlagResponse|m.Flags&dns.FlagRecursion|dns.FlagAvailable, &j.question, len(a))
		for _, x := range a {
			f.out = dns.AppendRecord(f.out, &j.question, j.question.Name, dns.TypeAAAA, knownTTL, x[:])
		}
		f.env.Answer(now, client, f.out)
		return
	}
	if a := f.cache.get(now, &m.Question, m.Flags&dns.FlagCheckingDisabled != 0); a != nil {
		f.Counters.FromCache++
		f.answer(now, j, a)
		return
	}
	mine := 0
	for _, o := range f.jobs {
		if o.client.Addr() == client.Addr() {
			if o.client == client && o.id == j.id && o.question.Name == j.question.Name && o.question.Type == j.question.Type {
				return // asked again while we are asking
			}
			mine++
		}
	}
	if len(f.jobs) >= f.c.Pending || mine >= f.c.PerClient {
		f.fail(now, j, dns.CodeRefused)
		return
	}
	j.asked = m.Question
	j.query = append([]byte(nil), b...)
	if n, ok := f.reverse(&m.Question); ok {
		j.ptr = true
		j.asked = dns.Question{Name: n, Asked: []byte(n), Type: dns.TypePTR, Class: dns.ClassIN}
		j.query = dns.AppendHeader(nil, 0, dns.FlagRecursion, &j.asked, 0)
	}
	f.jobs = append(f.jobs, j)
	f.send(now, j)
	f.schedule()
}

// knownTTL is how long what we know for ourselves is true, in seconds.
const knownTTL = 600

// ip4Only is the name whose IPv4 addresses are known to all, so that a node finds the prefix by asking for its IPv6
// addresses (RFC 7050).
var ip4Only = dns.MustName("ipv4only.arpa")

// known answers what we know for ourselves.
func (f *Forwarder) known(q *dns.Question) (a []ip6.Address, ok bool) {
	if q.Name != ip4Only || q.Type != dns.TypeAAAA || f.c.Prefix.Bits == 0 {
		return nil, false
	}
	return []ip6.Address{embed(f.c.Prefix, [4]byte{192, 0, 0, 170}), embed(f.c.Prefix, [4]byte{192, 0, 0, 171})}, true
}

// send asks a server, each time with a new id.
func (f *Forwarder) send(now machine.Time, j *job) {
	id := uint16(f.c.Rand.Uint64())
	j.query[0], j.query[1] = byte(id>>8), byte(id)
	j.server = j.tries % len(f.c.Servers)
	j.tries++
	j.at = now.Add(f.c.Timeout)
	f.next = min(f.next, j.at)
	f.Counters.Sent++
	f.env.Query(now, f.c.Servers[j.server], j.query)
}

// Reply takes in what a server says.
func (f *Forwarder) Reply(now machine.Time, server netip.AddrPort, b []byte) {
	m, err := dns.Parse(b)
	if err != nil || m.Flags&dns.FlagResponse == 0 {
		f.Counters.Malformed++
		return
	}
	for _, j := range f.jobs {
		if uint16(j.query[0])<<8|uint16(j.query[1]) == m.ID && f.c.Servers[j.server%len(f.c.Servers)] == server &&
			j.asked.Name == m.Question.Name && j.asked.Type == m.Question.Type && j.asked.Class == m.Question.Class {
			f.replied(now, j, &m)
			f.schedule()
			return
		}
	}
	f.Counters.Stray++
}

func (f *Forwarder) replied(now machine.Time, j *job, m *dns.Message) {
	if c := m.Code(); c != dns.CodeOK && c != dns.CodeNoName {
		f.Counters.ServerFailures++
		if j.tries < f.c.Tries {
			f.send(now, j) // another server may know better
			return
		}
	}
	if m.Flags&dns.FlagTruncated != 0 {
		f.Counters.Truncated++
	}
	switch {
	case j.forA:
		f.drop(j)
		b, n := f.synthesize(j, m)
		if n == 0 {
			f.answer(now, j, j.empty)
			return
		}
		f.Counters.Synthesized++
		f.cache.put(now, &j.question, false, b)
		f.answer(now, j, b)
	case j.ptr:
		f.drop(j)
		b := f.reversed(j, m)
		f.cache.put(now, &j.question, false, b)
		f.answer(now, j, b)
	case f.wantsSynthesis(j, m):
		// A second query, for IPv4 addresses.
		j.empty = append([]byte(nil), m.Bytes...)
		j.forA, j.tries = true, 0
		j.asked.Type = dns.TypeA
		j.query = dns.AppendHeader(nil, 0, dns.FlagRecursion, &j.asked, 0)
		f.send(now, j)
	default:
		f.drop(j)
		f.cache.put(now, &j.question, j.flags&dns.FlagCheckingDisabled != 0, m.Bytes)
		f.answer(now, j, m.Bytes)
	}
}

// answer sends a client a message, with its id and its way of writing the name.
func (f *Forwarder) answer(now machine.Time, j *job, b []byte) {
	f.Counters.Answers++
	f.out = append(f.out[:0], b...)
	f.out[0], f.out[1] = byte(j.id>>8), byte(j.id)
	f.out[3] |= dns.FlagAvailable
	copy(f.out[dns.HeaderSize:], j.question.Asked)
	f.env.Answer(now, j.client, f.out)
}

// fail tells a client that there will be no answer.
func (f *Forwarder) fail(now machine.Time, j *job, code uint16) {
	if code == dns.CodeRefused {
		f.Counters.Refused++
	}
	f.out = dns.AppendHeader(f.out[:0], j.id, dns.FlagResponse|j.flags&dns.FlagRecursion|dns.FlagAvailable|code, &j.question, 0)
	f.env.Answer(now, j.client, f.out)
}

// Pending returns how many queries are under way.
func (f *Forwarder) Pending() int { return len(f.jobs) }
