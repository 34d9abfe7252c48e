package dns64

import (
	"strconv"
	"strings"

	"heddle.example/border/nat64"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

func embed(p ip6.Prefix, v4 [4]byte) ip6.Address { return nat64.Embed(p, v4) }

// wantsSynthesis reports whether an answer leaves a client that wants IPv6 addresses without any (RFC 6147 section 5.1):
// there is none that it could use, and the name exists. A client that validates for itself makes its own.
func (f *Forwarder) wantsSynthesis(j *job, m *dns.Message) bool {
	if j.question.Type != dns.TypeAAAA || f.c.Prefix.Bits == 0 || j.flags&dns.FlagCheckingDisabled != 0 || m.Code() == dns.CodeNoName || m.Flags&dns.FlagTruncated != 0 {
		return false
	}
	found := false
	err := m.Each(func(r *dns.Record, section int) bool {
		// Addresses of ::ffff:0:0/96 are of no use to an IPv6 node (section 5.1.4).
		if section == dns.Answer && r.Type == dns.TypeAAAA && len(r.Data) == 16 && !ip6.Address(r.Data).IsIP4Mapped() {
			found = true
		}
		return !found
	})
	return err == nil && !found
}

// maxAnswers bounds what is made of one answer.
const maxAnswers = 32

// synthesize makes the answer of IPv6 addresses of one of IPv4 addresses, and says how many there are. Aliases are kept.
func (f *Forwarder) synthesize(j *job, m *dns.Message) (b []byte, n int) {
	ttl := f.negativeTTL(j.empty)
	var records []dns.Record
	err := m.Each(func(r *dns.Record, section int) bool {
		switch {
		case section > dns.Answer || len(records) == maxAnswers:
			return false
		case r.Type == dns.TypeA && len(r.Data) == 4:
			n++
			records = append(records, *r)
		case r.Type == dns.TypeCNAME || r.Type == dns.TypeDNAME:
			records = append(records, *r)
		}
		return true
	})
	if err != nil || n == 0 || m.Code() != dns.CodeOK {
		return nil, 0
	}
	b = dns.AppendHeader(nil, 0, dns.FlagResponse|dns.FlagRecursion|dns.FlagAvailable|m.Flags&dns.FlagTruncated, &j.question, len(records))
	for i := range records {
		r := &records[i]
		if r.Type == dns.TypeA {
			a := embed(f.c.Prefix, [4]byte(r.Data))
			b = dns.AppendRecord(b, &j.question, r.Owner, dns.TypeAAAA, min(r.TTL, ttl), a[:])
			continue
		}
		target, _, _, err := dns.ReadName(m.Bytes, r.At)
		if err != nil {
			return nil, 0
		}
		b = dns.AppendRecord(b, &j.question, r.Owner, r.Type, r.TTL, []byte(target))
	}
	return b, n
}

// negativeTTL returns for how long it is true that there is no IPv6 address: the TTL of the SOA, or ten minutes (RFC 6147
// section 5.1.7).
func (f *Forwarder) negativeTTL(b []byte) uint32 {
	ttl := uint32(600)
	if m, err := dns.Parse(b); err == nil {
		_ = m.Each(func(r *dns.Record, section int) bool { // what can be read counts
			if section == dns.Authority && r.Type == dns.TypeSOA {
				ttl = r.TTL
			}
			return true
		})
	}
	return ttl
}

var (
	ip6Arpa    = ".ip6.arpa"
	inAddrArpa = ".in-addr.arpa"
)

// reverse returns the name to ask for instead of that of an address that we have made up (RFC 6147 section 5.3.1).
func (f *Forwarder) reverse(q *dns.Question) (dns.Name, bool) {
	s := q.Name.Text()
	if q.Type != dns.TypePTR || f.c.Prefix.Bits == 0 || len(s) != 63+len(ip6Arpa) || !strings.HasSuffix(s, ip6Arpa) {
		return "", false
	}
	var a ip6.Address
	for i := range 32 {
		v, err := strconv.ParseUint(s[2*i:2*i+1], 16, 8)
		if err != nil || i < 31 && s[2*i+1] != '.' {
			return "", false
		}
		a[15-i/2] |= byte(v) << (4 * (i & 1))
	}
	v4, ok := nat64.Extract(f.c.Prefix, a)
	if !ok {
		return "", false
	}
	var b []byte
	for i := 3; i >= 0; i-- {
		b = strconv.AppendUint(b, uint64(v4[i]), 10)
		if i > 0 {
			b = append(b, '.')
		}
	}
	return dns.MustName(string(b) + inAddrArpa), true
}

// reversed makes the answer to a reverse query: an alias, and what was found under it.
func (f *Forwarder) reversed(j *job, m *dns.Message) []byte {
	var records []dns.Record
	_ = m.Each(func(r *dns.Record, section int) bool { // what can be read counts
		if section == dns.Answer && (r.Type == dns.TypePTR || r.Type == dns.TypeCNAME) && len(records) < maxAnswers {
			records = append(records, *r)
		}
		return true
	})
	b := dns.AppendHeader(nil, 0, dns.FlagResponse|dns.FlagRecursion|dns.FlagAvailable|uint16(m.Code()), &j.question, len(records)+1)
	b = dns.AppendRecord(b, &j.question, j.question.Name, dns.TypeCNAME, knownTTL, []byte(j.asked.Name))
	for i := range records {
		target, _, _, err := dns.ReadName(m.Bytes, records[i].At)
		if err != nil {
			target = "\x00"
		}
		b = dns.AppendRecord(b, &j.question, records[i].Owner, records[i].Type, records[i].TTL, []byte(target))
	}
	return b
}
