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
	kind     machine.SecurityKind
	body     []byte // of the client's Certificate message; nil: none
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
	auth, ok := e.still(s, m, old)
	if !ok {
		e.resume.drop(m.sessionID)
		return nil, nil
	}
	hs.auth = auth
	hs.suite = suiteByID(old.suite)
	s.suite = suiteIndex(hs.suite)
	hs.sessionID = append([]byte(nil), m.sessionID...)
	return old, nil
}

// still reports whether the client of an earlier session would be let in today, and what is known of it.
func (e *Engine) still(s *session, m *clientHello, old *resumeEntry) (*authentication, bool) {
	if suiteByID(old.suite).secret == secretKey {
		if e.cfg.PSK == nil {
			return nil, false
		}
		key, ok := e.cfg.PSK([]byte(old.identity))
		sum := old.keyCheck(key)
		return nil, ok && len(key) <= maxKey && hmac.Equal(sum[:], old.key[:])
	}
	if old.body == nil {
		return &authentication{}, e.cfg.ClientAuth != MustProve
	}
	p, err := parsePeer(old.body, old.kind == machine.RPK)
	if err != nil || e.cfg.Verify == nil {
		return nil, false
	}
	p.ServerName, p.Path, p.Now = string(m.ext.serverName), e.paths.path(s), e.now
	name, err := e.cfg.Verify(p)
	return &authentication{peer: p}, err == nil && name == old.identity
}

// fits reports whether a client may resume an earlier session: it would still say and believe the same.
func (r *Resumption) fits(c *ClientConfig, path machine.Path, now machine.Time) bool {
	if r.peer == nil {
		return r.ident == c.Identity
	}
	if c.Verify == nil || c.ServerName != r.peer.ServerName || !r.own.same(c.Certificate) || !slices.Contains(c.peerKinds(), r.peer.Kind()) {
		return false
	}
	p := *r.peer
	p.Path, p.Now = path, now
	name, err := c.Verify(&p)
	return err == nil && name == r.ident
}

// maxKept is how long a client's Certificate message may be that a server keeps in order to look at it again.
const maxKept = 4096

// keepResumable keeps what a later short handshake needs: in the cache of a server, in the event of a client. Sessions
// without the extended master secret are not resumed (RFC 7627 section 5.3).
func (e *Engine) keepResumable(s *session, hs *handshake, ev *Established) {
	if !hs.ems || len(hs.sessionID) == 0 || hs.suite.secret == secretPassword {
		return
	}
	if s.is(flagClient) {
		ev.Resume = &Resumption{id: hs.sessionID, master: hs.master, suite: hs.suite.id, ident: hs.identity}
		if hs.auth != nil {
			ev.Resume.own, ev.Resume.peer = hs.auth.mine, hs.auth.peer
		}
		return
	}
	if hs.resumed || e.resume.limit <= 0 {
		return
	}
	r := &resumeEntry{
		id: [32]byte(hs.sessionID), master: hs.master, suite: hs.suite.id, identity: hs.identity, kind: hs.kind,
		until: e.now.Add(e.cfg.ResumeLifetime),
	}
	switch {
	case hs.suite.secret == secretKey:
		key, ok := e.cfg.PSK([]byte(hs.identity))
		if !ok {
			return
		}
		r.key = r.keyCheck(key)
	case hs.auth.peer != nil:
		if r.body = hs.auth.peer.body; len(r.body) > maxKept {
			return
		}
	}
	e.resume.put(r)
}
