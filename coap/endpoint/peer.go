package endpoint

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"heddle.example/machine"
)

// peerKey is what a peer is known by: its session, or remote address, port and the number of our own end.
type peerKey struct{ hi, lo, rest uint64 }

const secureKey = 1 << 63

// ownEnd is the part of a path that is ours: few values, so that it is replaced by a number in peerKey.
type ownEnd struct {
	local netip.AddrPort
	link  uint32
	bits  uint8  // of the remote address, since peerKey makes 16 bytes of any
	zone  string // of the remote address
}

func (e *Endpoint) key(path *machine.Path) peerKey {
	if path.Security != nil {
		return peerKey{hi: path.Security.Session, rest: secureKey}
	}
	return e.place(path)
}

// place puts the addresses of a path into 24 bytes.
func (e *Endpoint) place(path *machine.Path) peerKey {
	remote := path.Remote.Addr()
	own := ownEnd{path.Local, path.Link, uint8(remote.BitLen()), remote.Zone()}
	if own != e.lastOwn || e.lastOwnNumber == 0 {
		n, ok := e.owns[own]
		if !ok {
			e.ownEnds = append(e.ownEnds, own)
			n = uint32(len(e.ownEnds))
			e.owns[own] = n
		}
		e.lastOwn, e.lastOwnNumber = own, n
	}
	a := remote.As16()
	return peerKey{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:]),
		uint64(path.Remote.Port())<<32 | uint64(e.lastOwnNumber)}
}

// path returns where a peer is now.
func (e *Endpoint) path(p *peer) machine.Path {
	own := &e.ownEnds[uint32(p.place.rest)-1]
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], p.place.hi)
	binary.BigEndian.PutUint64(a[8:], p.place.lo)
	remote := netip.AddrFrom16(a).WithZone(own.zone)
	switch own.bits {
	case 0:
		remote = netip.Addr{}
	case 32:
		remote = remote.Unmap()
	}
	return machine.Path{Local: own.local, Remote: netip.AddrPortFrom(remote, uint16(p.place.rest>>32)), Link: own.link, Security: p.security}
}

// where is path for those who want a pointer: it holds until the next call.
func (e *Endpoint) where(p *peer) *machine.Path {
	e.scratchPath = e.path(p)
	return &e.scratchPath
}

// peer is what is known of the far end of some exchanges. It exists while something is owed to it, or while its message
// ids must not be mistaken (EXCHANGE_LIFETIME after the last message). There may be hundreds of thousands, most of them
// after one exchange, so that much fits into itself.
type peer struct {
	place      peerKey // where it is now
	security   *machine.Identity
	active     machine.Time // of the last message
	after      machine.Seq  // the latest commit that any answer waits for: a repeated ACK waits for it, too
	exchanges  *exchange    // newest first
	dealings   *dealings
	ring       *ring  // where more happened than fits here
	slot       uint32 // its number
	prev, next uint32 // of those heard of lately
	nexchanges uint16
	nextID     uint16
	numbered   bool // nextID was drawn
	recent     bool // it is on that list
	seen       [ringFirst]seen
	answer     shortAnswer
}

// peerChunk peers take two pages.
const peerChunk = 8192 / int(unsafe.Sizeof(peer{}))

func (p *peer) key() peerKey {
	if p.security != nil {
		return peerKey{hi: p.security.Session, rest: secureKey}
	}
	return p.place
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

func (p *peer) addExchange(x *exchange) {
	x.peer, x.prev, x.next = p, nil, p.exchanges
	if x.next != nil {
		x.next.prev = x
	}
	p.exchanges = x
	p.nexchanges++
}

func (p *peer) dropExchange(x *exchange) {
	if x.prev != nil {
		x.prev.next = x.next
	} else {
		p.exchanges = x.next
	}
	if x.next != nil {
		x.next.prev = x.prev
	}
	x.peer, x.prev, x.next = nil, nil, nil
	p.nexchanges--
}

// hash is what the index asks.
func (e *Endpoint) hash(slot uint32) uint32 {
	k := e.peers.at(slot).key()
	return e.index.HashUint(k.hi, k.lo, k.rest)
}

// lookFor returns the peer with a key, or nil.
func (e *Endpoint) lookFor(k peerKey) *peer {
	n := e.index.Find(e.index.HashUint(k.hi, k.lo, k.rest), func(n uint32) bool { return e.peers.at(n).key() == k })
	if n == 0 {
		return nil
	}
	return e.peers.at(n)
}

// find returns the peer at a path, or nil.
func (e *Endpoint) find(path *machine.Path) *peer { return e.lookFor(e.key(path)) }

// reach returns the peer at a path, making it where needed; nil at the limit.
func (e *Endpoint) reach(now machine.Time, path *machine.Path) *peer {
	k := e.key(path)
	p, slot := e.lookFor(k), uint32(0)
	if p == nil {
		if e.recent.n >= e.config.MaxPeers && !e.evict() {
			e.stats.PeersRefused++
			return nil
		}
		p, slot = e.peers.take()
		p.place = e.place(path)
	}
	p.security = path.Security
	if p.slot == 0 {
		p.slot = slot
		e.index.Add(slot)
	}
	e.touch(now, p)
	return p
}

// recent is a list of peers through their slots, the one that is silent for longest first.
type recent struct {
	first, last uint32
	n           int
}

func (e *Endpoint) pushRecent(p *peer) {
	l := &e.recent
	p.recent, p.prev, p.next = true, l.last, 0
	if l.last != 0 {
		e.peers.at(l.last).next = p.slot
	} else {
		l.first = p.slot
	}
	l.last = p.slot
	l.n++
}

func (e *Endpoint) leaveRecent(p *peer) {
	if !p.recent {
		return
	}
	l := &e.recent
	if p.prev != 0 {
		e.peers.at(p.prev).next = p.next
	} else {
		l.first = p.next
	}
	if p.next != 0 {
		e.peers.at(p.next).prev = p.prev
	} else {
		l.last = p.prev
	}
	p.recent, p.prev, p.next = false, 0, 0
	l.n--
}

// oldest returns the peer that is silent for longest, or nil.
func (e *Endpoint) oldest() *peer {
	if e.recent.first == 0 {
		return nil
	}
	return e.peers.at(e.recent.first)
}

// touch moves the peer to the end of those heard of lately.
func (e *Endpoint) touch(now machine.Time, p *peer) {
	p.active = now
	if e.recent.last != p.slot {
		e.leaveRecent(p)
		e.pushRecent(p)
	}
}

// evict forgets, of the peers silent for longest, the first that is owed nothing.
func (e *Endpoint) evict() bool {
	for range min(16, e.recent.n) {
		p := e.oldest()
		if p.dealings == nil && p.exchanges == nil {
			e.stats.RingOverflow++
			e.idle(p)
			return true
		}
		e.leaveRecent(p) // its turn comes later; being forgotten a bit late does no harm
		e.pushRecent(p)
	}
	return false
}

// idle ends the time in which the peer's message ids matter.
func (e *Endpoint) idle(p *peer) {
	e.leaveRecent(p)
	e.forgetIDs(p)
	e.settle(p)
}

// settle gives back what the peer does not need any more, at last the peer itself.
func (e *Endpoint) settle(p *peer) {
	if d := p.dealings; d != nil && d.none() {
		d.busy = 0
		p.dealings = nil
		e.spareDealings.put(d)
	}
	if p.dealings == nil && p.exchanges == nil && !p.recent && p.slot != 0 {
		e.index.Remove(p.slot)
		e.peers.put(p.slot)
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
