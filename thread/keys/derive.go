package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/meshcop"
)

// Set is the keys of one network key and key sequence.
type Set struct {
	MAC *ieee802154.Key
	MLE *ieee802154.Key
}

// hash returns HMAC-SHA256(network key, sequence | "Thread"): the MLE key, then the MAC key (Thread 1.1 section 7.1.4).
func hash(nk meshcop.NetworkKey, sequence uint32) (mle, mac [16]byte) {
	h := hmac.New(sha256.New, nk[:])
	h.Write(append(binary.BigEndian.AppendUint32(nil, sequence), "Thread"...))
	sum := h.Sum(nil)
	return [16]byte(sum[:16]), [16]byte(sum[16:])
}

// Derive returns the keys of a sequence.
func Derive(nk meshcop.NetworkKey, sequence uint32) Set {
	mle, mac := hash(nk, sequence)
	return Set{MAC: ieee802154.NewKey(mac), MLE: ieee802154.NewKey(mle)}
}

// Mode2Raw and Mode2Source are the fixed key of key id mode 2 and the address that stands in its nonce: discovery and
// announcements to nodes without the network key are "secured" with them (Thread 1.1 section 3.2.2).
var (
	Mode2Raw = [16]byte{0x78, 0x58, 0x16, 0x86, 0xfd, 0xb4, 0x58, 0x0f,
		0xb0, 0x92, 0x54, 0x6a, 0xec, 0xbd, 0x15, 0x66}
	Mode2Source = ieee802154.ExtAddr{0x35, 0x06, 0xfe, 0xb8, 0x23, 0xd4, 0x87, 0x12}
)

// Cache keeps derived and expanded keys for all nodes of a process that are run by one goroutine, so that a network's
// nodes share them: a frame's opened payload is found by its key's pointer.
type Cache struct {
	sets  map[setName]Set
	order []setName
	next  int
	mode2 *ieee802154.Key
}

type setName struct {
	nk       meshcop.NetworkKey
	sequence uint32
}

// cacheSets bounds the cache: 40 networks with three keys each, and some that hostile frames ask for.
const cacheSets = 256

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{sets: map[setName]Set{}} }

// Get returns the keys of a sequence.
func (c *Cache) Get(nk meshcop.NetworkKey, sequence uint32) Set {
	name := setName{nk, sequence}
	if s, ok := c.sets[name]; ok {
		return s
	}
	s := Derive(nk, sequence)
	if len(c.order) < cacheSets {
		c.order = append(c.order, name)
	} else {
		delete(c.sets, c.order[c.next])
		c.order[c.next] = name
		c.next = (c.next + 1) % cacheSets
	}
	c.sets[name] = s
	return s
}

// Mode2 returns the fixed key.
func (c *Cache) Mode2() *ieee802154.Key {
	if c.mode2 == nil {
		c.mode2 = ieee802154.NewKey(Mode2Raw)
	}
	return c.mode2
}
