package internet

import (
	"net/netip"
	"strings"

	"heddle.example/thread/dns"
)

// Resolver puts a DNS server at an address, which knows the names of the hosts and no others.
func (i *Internet) Resolver(a netip.Addr) {
	i.hosts[a] = host{ttl: 64}
	i.WAN.Attach(a, func(from, to netip.AddrPort, b []byte) {
		if to.Port() != 53 {
			return
		}
		if answer := i.Answer(b); answer != nil {
			i.WAN.Inject(to, from, answer)
		}
	})
}

// Ask asks for a name, as a program on a border router does: answer is called after a way there and back, with a message
// that is its own. If nobody knows the name, Names is asked.
func (i *Internet) Ask(query []byte, answer func(b []byte)) {
	if q := append([]byte(nil), query...); i.Names != nil && !i.knows(q) {
		i.Names(q, answer)
		return
	}
	if b := i.Answer(query); b != nil && !i.no4 {
		i.world.After(i.delay()+i.delay(), func() { answer(b) })
	}
}

func (i *Internet) knows(query []byte) bool {
	m, err := dns.Parse(query)
	_, known := i.zone[m.Question.Name.Text()]
	return known || err != nil
}

const (
	answerTTL = 300
	// keptFlags are those of a query that its answer has, too: the opcode, and whether recursion is desired.
	keptFlags = 15<<11 | dns.FlagRecursion
)

// Answer answers a DNS query for A or AAAA from the names of this internet (RFC 1035); nil where b is no query.
func (i *Internet) Answer(b []byte) []byte {
	m, err := dns.Parse(b)
	if err != nil || m.Flags&dns.FlagResponse != 0 {
		return nil
	}
	q, flags := &m.Question, dns.FlagResponse|m.Flags&keptFlags|dns.FlagAvailable
	addrs, known := i.zone[q.Name.Text()]
	if !known {
		return dns.AppendHeader(nil, m.ID, flags|dns.CodeNoName, q, 0)
	}
	var records []byte
	count := 0
	for _, a := range addrs {
		if q.Class == dns.ClassIN && (q.Type == dns.TypeA && a.Is4() || q.Type == dns.TypeAAAA && a.Is6()) {
			records = dns.AppendRecord(records, q, q.Name, q.Type, answerTTL, a.AsSlice())
			count++
		}
	}
	return append(dns.AppendHeader(nil, m.ID, flags, q, count), records...)
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
