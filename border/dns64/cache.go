package dns64

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// cache keeps answers for as long as their records live, at most an hour. The oldest makes room.
type cache struct {
	limit   int
	entries []cached
	next    int // the oldest, once it is full
	byKey   map[cacheKey]int
}

type cacheKey struct {
	name     dns.Name
	kind     uint16
	checking bool
}

type cached struct {
	key   cacheKey
	at    machine.Time
	until machine.Time
	b     []byte
}

const (
	maxTTL  = 3600 // s
	maxSize = 1400 // larger answers are rare, and asked for again
)

func (c *cache) clear() { *c = cache{limit: c.limit} }

// get returns an answer with its TTLs as they are now, or nil.
func (c *cache) get(now machine.Time, q *dns.Question, checking bool) []byte {
	i, ok := c.byKey[cacheKey{q.Name, q.Type, checking}]
	if !ok {
		return nil
	}
	e := &c.entries[i]
	if e.until <= now {
		return nil
	}
	b := append([]byte(nil), e.b...)
	age := uint32(now.Sub(e.at) / time.Second)
	eachTTL(b, func(at int, kind uint16) {
		if ttl := binary.BigEndian.Uint32(b[at:]); kind != dns.TypeOPT {
			binary.BigEndian.PutUint32(b[at:], ttl-min(ttl, age))
		}
	})
	return b
}

// put keeps an answer of a server, or one that was made of it.
func (c *cache) put(now machine.Time, q *dns.Question, checking bool, b []byte) {
	m, err := dns.Parse(b)
	if err != nil || len(b) > maxSize || m.Flags&dns.FlagTruncated != 0 || m.Code() != dns.CodeOK && m.Code() != dns.CodeNoName {
		return
	}
	ttl, records := uint32(maxTTL), 0
	ok := eachTTL(b, func(at int, kind uint16) {
		if kind != dns.TypeOPT {
			ttl = min(ttl, binary.BigEndian.Uint32(b[at:]))
			records++
		}
	})
	if !ok || records == 0 || ttl == 0 {
		return // it does not say how long it is true
	}
	key := cacheKey{q.Name, q.Type, checking}
	e := cached{key, now, now.Add(time.Duration(ttl) * time.Second), append([]byte(nil), b...)}
	if c.byKey == nil {
		c.byKey = map[cacheKey]int{}
	}
	if i, ok := c.byKey[key]; ok {
		c.entries[i] = e
		return
	}
	if len(c.entries) < c.limit {
		c.byKey[key] = len(c.entries)
		c.entries = append(c.entries, e)
		return
	}
	delete(c.byKey, c.entries[c.next].key)
	c.entries[c.next] = e
	c.byKey[key] = c.next
	c.next = (c.next + 1) % c.limit
}

// eachTTL calls f with where each record of a message has its TTL, and reports whether all could be read.
func eachTTL(b []byte, f func(at int, kind uint16)) bool {
	m, err := dns.Parse(b)
	if err != nil {
		return false
	}
	at := m.Records
	for range int(m.Counts[1]) + int(m.Counts[2]) + int(m.Counts[3]) {
		r, end, err := dns.ReadRecord(b, at)
		if err != nil {
			return false
		}
		f(r.At-6, r.Type)
		at = end
	}
	return true
}

// Cached is how many answers are kept.
func (f *Forwarder) Cached() int { return len(f.cache.entries) }
