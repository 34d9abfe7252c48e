package endpoint

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/machine"
)

// peerKey is what a peer is known by: its session, or remote address, port and the number of our own end.
type peerKey struct{ hi, lo, rest uint64 }

const secureKey = 1 << 63

// ownEnd is the part of a plain path that is ours: few values, so that it is replaced by a number in peerKey.
type ownEnd struct {
	local netip.AddrPort
	link  uint32
	zone  string // of the remote address
}

func (e *Endpoint) key(path *machine.Path) peerKey {
	if path.Security != nil {
		return peerKey{hi: path.Security.Session, rest: secureKey}
	}
	own := ownEnd{path.Local, path.Link, path.Remote.Addr().Zone()}
	if own != e.lastOwn || e.lastOwnNumber == 0 {
		n, ok := e.owns[own]
		if !ok {
			n = uint32(len(e.owns) + 1)
			e.owns[own] = n
		}
		e.lastOwn, e.lastOwnNumber = own, n
	}
	a := path.Remote.Addr().As16()
	return peerKey{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:]),
		uint64(path.Remote.Port())<<32 | uint64(e.lastOwnNumber)}
}

// peer is what is known of the far end of some exchanges. It exists while something is owed to it, or while its message
// ids must not be mistaken (EXCHANGE_LIFETIME after the last message).
type peer struct {
	key       peerKey
	path      machine.Path // where it is now
	recent    element[peer]
	active    machine.Time // of the last message
	ring      *ring
	exchanges list[exchange]
	dealings  *dealings
	nextID    uint16
	numbered  bool // nextID was drawn
}

// dealings is the part of a peer that only those need who are more than clients of ours with a request now and then.
type dealings struct {
	busy         int // of NSTART
	inflight     []*outgoing
	queue        []*outgoing
	calls        []*call
	observations []*observation
	subs         []*subscription
	assemblies   []*assembly
	bodies       []*body
}

func (d *dealings) none() bool {
	return len(d.inflight)+len(d.queue)+len(d.calls)+len(d.observations)+len(d.subs)+len(d.assemblies)+len(d.bodies) == 0
}

// find returns the peer at a path, or nil.
func (e *Endpoint) find(path *machine.Path) *peer { return e.peers[e.key(path)] }

// reach returns the peer at a path, making it where needed; nil at the limit.
func (e *Endpoint) reach(now machine.Time, path *machine.Path) *peer {
	k := e.key(path)
	p := e.peers[k]
	if p == nil {
		if e.recent.n >= e.config.MaxPeers && !e.evict() {
			e.stats.PeersRefused++
			return nil
		}
		p = e.sparePeers.take()
		*p = peer{key: k, path: *path}
		p.recent.value = p
		e.peers[k] = p
	}
	p.path.Security = path.Security
	e.touch(now, p)
	return p
}

// touch moves the peer to the end of those heard of lately.
func (e *Endpoint) touch(now machine.Time, p *peer) {
	p.active = now
	if e.recent.last != &p.recent {
		p.recent.leave()
		e.recent.push(&p.recent)
	}
}

// evict forgets, of the peers silent for longest, the first that is owed nothing.
func (e *Endpoint) evict() bool {
	for range min(16, e.recent.n) {
		x := e.recent.first
		if p := x.value; p.dealings == nil && p.exchanges.n == 0 {
			e.stats.RingOverflow++
			e.idle(p)
			return true
		}
		x.leave() // its turn comes later; being forgotten a bit late does no harm
		e.recent.push(x)
	}
	return false
}

// idle ends the time in which the peer's message ids matter.
func (e *Endpoint) idle(p *peer) {
	p.recent.leave()
	if p.ring != nil {
		e.stored -= p.ring.drop()
		e.spareRings.put(p.ring)
		p.ring = nil
	}
	e.settle(p)
}

// settle gives back what the peer does not need any more, at last the peer itself.
func (e *Endpoint) settle(p *peer) {
	if d := p.dealings; d != nil && d.none() {
		d.busy = 0
		p.dealings = nil
		e.spareDealings.put(d)
	}
	if p.dealings == nil && p.exchanges.n == 0 && p.recent.on == nil && e.peers[p.key] == p {
		delete(e.peers, p.key)
		e.sparePeers.put(p)
	}
}

func (e *Endpoint) deal(p *peer) *dealings {
	if p.dealings == nil {
		p.dealings = e.spareDealings.take()
	}
	return p.dealings
}

// messageID returns the next message id towards a peer: counted from a random start, and not one in flight.
func (e *Endpoint) messageID(p *peer) uint16 {
	if !p.numbered {
		p.numbered, p.nextID = true, uint16(e.config.Rand.Uint64())
	}
again:
	id := p.nextID
	p.nextID++
	if p.dealings != nil {
		for _, o := range p.dealings.inflight {
			if o.id == id {
				goto again
			}
		}
	}
	return id
}

// remove takes x out of s and keeps the order.
func remove[T comparable](s []T, x T) []T {
	for i := range s {
		if s[i] == x {
			copy(s[i:], s[i+1:])
			var zero T
			s[len(s)-1] = zero
			return s[:len(s)-1]
		}
	}
	return s
}
