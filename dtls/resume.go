package dtls

import (
	"crypto/hmac"
	"crypto/sha256"

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
func (r *resumeEntry) keyCheck(key []byte) []byte {
	h := hmac.New(sha256.New, r.master[:])
	h.Write(key)
	return h.Sum(nil)
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
