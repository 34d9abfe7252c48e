package dns64

import (
	"strconv"
	"strings"

	"heddle.example/border/nat64"
	"heddle.example/thread/ip6"
)

func embed(p ip6.Prefix, v4 [4]byte) ip6.Address { return nat64.Embed(p, v4) }

// wantsSynthesis reports whether an answer leaves a client that wants IPv6 addresses without any (RFC 6147 section 5.1):
// there is none that it could use, and the name exists. A client that validates for itself makes its own.
func (f *Forwarder) wantsSynthesis(j *job, m *message) bool {
	if j.question.kind != typeAAAA || f.c.Prefix.Bits == 0 || j.flags&flagChecking != 0 || m.code() == codeNoName || m.flags&flagTruncated != 0 {
		return false
	}
	found := false
	err := m.each(func(r *record, authority bool) bool {
		// Addresses of ::ffff:0:0/96 are of no use to an IPv6 node (section 5.1.4).
		if !authority && r.kind == typeAAAA && len(r.data) == 16 && !ip6.Address(r.data).IsIP4Mapped() {
			found = true
		}
		return !found
	})
	return err == nil && !found
}

// maxAnswers bounds what is made of one answer.
const maxAnswers = 32

// synthesize makes the answer of IPv6 addresses of one of IPv4 addresses, and says how many there are. Aliases are kept.
func (f *Forwarder) synthesize(j *job, m *message) (b []byte, n int) {
	ttl := f.negativeTTL(j.empty)
	var records []record
	err := m.each(func(r *record, authority bool) bool {
		switch {
		case authority || len(records) == maxAnswers:
			return false
		case r.kind == typeA && len(r.data) == 4:
			n++
			records = append(records, *r)
		case r.kind == typeCNAME || r.kind == typeDNAME:
			records = append(records, *r)
		}
		return true
	})
	if err != nil || n == 0 || m.code() != codeOK {
		return nil, 0
	}
	b = appendHeader(nil, 0, flagResponse|flagDesired|flagAvailable|m.flags&flagTruncated, &j.question, len(records))
	for i := range records {
		r := &records[i]
		if r.kind == typeA {
			a := embed(f.c.Prefix, [4]byte(r.data))
			b = appendRecord(b, &j.question, r.owner, typeAAAA, min(r.ttl, ttl), a[:])
			continue
		}
		target, _, _, err := readName(m.b, r.at)
		if err != nil {
			return nil, 0
		}
		b = appendRecord(b, &j.question, r.owner, r.kind, r.ttl, []byte(target))
	}
	return b, n
}

// negativeTTL returns for how long it is true that there is no IPv6 address: the TTL of the SOA, or ten minutes (RFC 6147
// section 5.1.7).
func (f *Forwarder) negativeTTL(b []byte) uint32 {
	ttl := uint32(600)
	if m, err := parse(b); err == nil {
		_ = m.each(func(r *record, authority bool) bool { // what can be read counts
			if authority && r.kind == typeSOA {
				ttl = r.ttl
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
func (f *Forwarder) reverse(q *question) (name, bool) {
	s := q.name.text()
	if q.kind != typePTR || f.c.Prefix.Bits == 0 || len(s) != 63+len(ip6Arpa) || !strings.HasSuffix(s, ip6Arpa) {
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
	return toName(string(b) + inAddrArpa), true
}

// reversed makes the answer to a reverse query: an alias, and what was found under it.
func (f *Forwarder) reversed(j *job, m *message) []byte {
	var records []record
	_ = m.each(func(r *record, authority bool) bool { // what can be read counts
		if !authority && (r.kind == typePTR || r.kind == typeCNAME) && len(records) < maxAnswers {
			records = append(records, *r)
		}
		return true
	})
	b := appendHeader(nil, 0, flagResponse|flagDesired|flagAvailable|uint16(m.code()), &j.question, len(records)+1)
	b = appendRecord(b, &j.question, j.question.name, typeCNAME, knownTTL, []byte(j.asked.name))
	for i := range records {
		target, _, _, err := readName(m.b, records[i].at)
		if err != nil {
			target = "\x00"
		}
		b = appendRecord(b, &j.question, records[i].owner, records[i].kind, records[i].ttl, []byte(target))
	}
	return b
}
