package dnssd

import (
	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// ServerEnv is what a Server needs of its node: what is registered, as far as it lives.
type ServerEnv interface {
	// EachHost calls f for each host until it returns false.
	EachHost(now machine.Time, f func(h Host) bool)
	// Own are the node's addresses, and a name of its own, one label.
	Own() (name string, list []ip6.Address)
}

// Host is a registered host.
type Host interface {
	Is(name dns.Name) bool // in lower case
	FullName() dns.Name
	TTL(now machine.Time) uint32
	Addresses() []ip6.Address
	Key() []byte // the data of its KEY record
	EachService(f func(s Registered) bool)
}

// Registered is a registered service of a host.
type Registered interface {
	Is(name dns.Name) bool     // it has this name, in lower case
	Offers(name dns.Name) bool // it is found by who browses for the name
	Instance() dns.Name
	TTL(now machine.Time) uint32
	Where() (port, priority, weight uint16)
	Text() []byte
}

// Domain is the domain of a Thread network's names.
const Domain = "default.service.arpa"

// The times of the server's own records (dnssd_server.hpp), and the longest answer: what is assembled of fragments, less the
// headers.
const (
	zoneTTL      = 7200
	zoneRetry    = 3600
	zoneExpire   = 86400
	zoneMinimum  = 10
	ownTTL       = 3600
	longest      = 1806 - 48
	maxQuestions = 2
)

var domain = dns.MustName(Domain)

// ServerCounters say what a server has answered.
type ServerCounters struct {
	Success, ServerFailure, FormatError, NameError, NotImplemented, Other uint32
	BySRP, Upstream                                                       uint32
}

// Server answers from what is registered.
type Server struct {
	Counters ServerCounters
	env      ServerEnv
}

// NewServer returns a server.
func NewServer(env ServerEnv) *Server { return &Server{env: env} }

// Abroad reports whether a query is for others: one for recursion about names that are not of the network. ipv4only.arpa, by
// which nodes look for a NAT64, is answered by who translates.
func Abroad(b []byte) bool {
	m, questions, err := dns.ParseAll(b)
	if err != nil || m.Flags&(dns.FlagResponse|dns.FlagRecursion) != dns.FlagRecursion || m.Opcode() != dns.OpQuery || len(questions) != 1 {
		return false
	}
	return !questions[0].Name.Under(domain)
}

// Answer returns the answer to a query, or nil if it is none.
func (s *Server) Answer(now machine.Time, b []byte) []byte { return s.AnswerOr(now, b, nil) }

// AnswerOr is Answer, but for names of the network that nobody has registered: elsewhere may know them, and reports whether it
// answers. Then there is no answer from here.
func (s *Server) AnswerOr(now machine.Time, b []byte, elsewhere func() bool) []byte {
	if len(b) < dns.HeaderSize || b[2]&0x80 != 0 {
		return nil
	}
	m, questions, err := dns.ParseAll(b)
	r := reply{s: s, now: now, flags: dns.FlagResponse | uint16(b[2]&0x79)<<8} // opcode and recursion desired
	r.w.Header(uint16(b[0])<<8|uint16(b[1]), r.flags)
	switch {
	case err != nil:
		return r.end(dns.CodeFormat)
	case m.Opcode() != dns.OpQuery:
		return r.end(dns.CodeNotImplemented)
	case m.Flags&dns.FlagTruncated != 0 || len(questions) == 0 || len(questions) > maxQuestions:
		return r.end(dns.CodeFormat)
	}
	r.name, r.written, r.types[0] = questions[0].Name, dns.Name(questions[0].Asked), questions[0].Type
	if len(questions) == 2 {
		r.types[1] = questions[1].Type
		if questions[1].Name != r.name || !r.asks(dns.TypeSRV) || !r.asks(dns.TypeTXT) {
			return r.end(dns.CodeFormat)
		}
	}
	for _, q := range questions {
		r.w.Question(r.written, q.Type)
	}
	if !r.name.Under(domain) {
		return r.end(dns.CodeNoName)
	}
	r.zone()
	if r.count() > 0 {
		return r.end(dns.CodeOK)
	}
	if !r.resolve() {
		if r.name != domain && elsewhere != nil && elsewhere() {
			return nil
		}
		return r.end(dns.CodeNoName)
	}
	s.Counters.BySRP++
	return r.end(dns.CodeOK)
}

// Failure is the answer that says that nobody could be asked.
func (s *Server) Failure(b []byte) []byte {
	r := reply{s: s, flags: dns.FlagResponse | uint16(b[2]&0x79)<<8}
	r.w.Header(uint16(b[0])<<8|uint16(b[1]), r.flags)
	return r.end(dns.CodeServFail)
}
