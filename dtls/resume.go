package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"

	"heddle.example/machine"
)

// resumeCache holds what a server needs to resume sessions by their id. It is bounded and forgets the oldest first.
type resumeCache struct {
	limit int
	byID  map[[32]byte]*resumeEntry
	queue []*resumeEntry // by age; dropped ones stay as holes until they come to the front
	head  int
}

type resumeEntry struct {
	id       [32]byte
	master   [48]byte
	key      [sha256.Size]byte // fingerprint of the pre-shared key: a changed key ends resumption
	suite    Suite
	identity string
	until    machine.Time
	dead     bool
}

// keyCheck binds the entry to the key that the identity had.
func (r *resumeEntry) keyCheck(key []byte) [sha256.Size]byte {
	var b [48 + maxKey]byte
	n := copy(b[:], r.master[:])
	sum := sha256.Sum256(b[:n+copy(b[n:], key)])
	clear(b[:])
	return sum
}

func (c *resumeCache) get(id []byte, now machine.Time) *resumeEntry {
	if len(id) != 32 {
		return nil
	}
	r := c.byID[[32]byte(id)]
	if r == nil {
		return nil
	}
	if now >= r.until {
		c.drop(id)
		return nil
	}
	return r
}

func (c *resumeCache) put(r *resumeEntry) {
	if c.limit <= 0 {
		return
	}
	for len(c.byID) >= c.limit {
		old := c.queue[c.head]
		c.queue[c.head] = nil
		c.head++
		if !old.dead {
			c.kill(old)
		}
	}
	if c.head > len(c.queue)/2 && c.head > 16 {
		c.queue = append(c.queue[:0], c.queue[c.head:]...)
		c.head = 0
	}
	if len(c.queue)-c.head > 2*c.limit { // many holes: put the living together
		live := c.queue[:0]
		for _, q := range c.queue[c.head:] {
			if !q.dead {
				live = append(live, q)
			}
		}
		clear(c.queue[len(live):])
		c.queue, c.head = live, 0
	}
	c.byID[r.id] = r
	c.queue = append(c.queue, r)
}

func (c *resumeCache) kill(r *resumeEntry) {
	delete(c.byID, r.id)
	clear(r.master[:])
	r.dead = true
}

func (c *resumeCache) drop(id []byte) {
	if len(id) == 32 {
		if r := c.byID[[32]byte(id)]; r != nil {
			c.kill(r)
		}
	}
}

// dropIdentities forgets the sessions of identities whose credentials were changed.
func (c *resumeCache) dropIdentities(gone map[string]bool) {
	for _, r := range c.queue[c.head:] {
		if !r.dead && gone[r.identity] {
			c.kill(r)
		}
	}
}

// resumable returns the earlier session that a client may resume (RFC 5246 section 7.4.1.2, RFC 7627 section 5.3), and
// sets the session id of the handshake.
func (e *Engine) resumable(s *session, m *clientHello) (*resumeEntry, error) {
	hs := s.hs
	if len(m.sessionID) == 0 {
		return nil, nil
	}
	old := e.resume.get(m.sessionID, e.now)
	if old == nil {
		return nil, nil
	}
	if !hs.ems { // only sessions with the extended master secret are kept
		return nil, errDowngrade
	}
	if !m.offers(old.suite) || !slices.Contains(e.cfg.Suites, old.suite) {
		return nil, nil
	}
	key, ok := e.cfg.PSK([]byte(old.identity))
	if sum := old.keyCheck(key); !ok || len(key) > maxKey || !hmac.Equal(sum[:], old.key[:]) {
		e.resume.drop(m.sessionID)
		return nil, nil
	}
	hs.suite = suiteByID(old.suite)
	s.suite = suiteIndex(hs.suite)
	hs.sessionID = append([]byte(nil), m.sessionID...)
	return old, nil
}

// keepResumable keeps what a later short handshake needs: in the cache of a server, in the event of a client. Sessions
// without the extended master secret are not resumed (RFC 7627 section 5.3).
func (e *Engine) keepResumable(s *session, hs *handshake, ev *Established) {
	if !hs.ems || len(hs.sessionID) == 0 || hs.suite.password {
		return
	}
	if s.is(flagClient) {
		ev.Resume = &Resumption{id: hs.sessionID, master: hs.master, suite: hs.suite.id, ident: hs.identity}
		return
	}
	if hs.resumed || e.resume.limit <= 0 {
		return
	}
	key, ok := e.cfg.PSK([]byte(hs.identity))
	if !ok {
		return
	}
	r := &resumeEntry{
		id: [32]byte(hs.sessionID), master: hs.master, suite: hs.suite.id, identity: hs.identity,
		until: e.now.Add(e.cfg.ResumeLifetime),
	}
	r.key = r.keyCheck(key)
	e.resume.put(r)
}
