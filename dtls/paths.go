package dtls

import (
	"encoding/binary"
	"net/netip"

	"heddle.example/machine"
)

// paths finds sessions by address. Local addresses are few and remote ones many, so the local half of a path is kept
// once and named by a small number.
type paths struct {
	locals     []localEntry // number i is at i-1
	numbers    map[localKey]uint32
	free       []uint32
	lastNumber uint32 // of the local half that was asked for last
	wild       int    // sessions that dialled from an unspecified local address

	established machine.Index      // by addrKey
	pending     map[addrKey]uint32 // slot of a handshake that runs
}

type localKey struct {
	addr netip.AddrPort
	link uint32
	zone string // of the remote address
}

type localEntry struct {
	localKey
	uses int
}

// addrKey is a path in 24 bytes.
type addrKey struct {
	ip    [16]byte
	port  uint16
	local uint32
}

func newPaths() paths {
	return paths{
		numbers: make(map[localKey]uint32),
		pending: make(map[addrKey]uint32),
	}
}

func keyOf(remote netip.AddrPort, local uint32) addrKey {
	return addrKey{remote.Addr().As16(), remote.Port(), local}
}

func (p *paths) localKey(path machine.Path) localKey {
	return localKey{path.Local, path.Link, path.Remote.Addr().Zone()}
}

// numberOf returns the number of a local half. Most datagrams come to the same one.
func (p *paths) numberOf(k localKey) (uint32, bool) {
	if n := p.lastNumber; n != 0 && p.locals[n-1].uses > 0 && p.locals[n-1].localKey == k {
		return n, true
	}
	n, ok := p.numbers[k]
	if ok {
		p.lastNumber = n
	}
	return n, ok
}

// acquire returns the number of a path's local half and counts its use.
func (p *paths) acquire(path machine.Path) uint32 {
	k := p.localKey(path)
	if n, ok := p.numberOf(k); ok {
		p.locals[n-1].uses++
		return n
	}
	var n uint32
	if l := len(p.free); l > 0 {
		n = p.free[l-1]
		p.free = p.free[:l-1]
		p.locals[n-1] = localEntry{k, 1}
	} else {
		p.locals = append(p.locals, localEntry{k, 1})
		n = uint32(len(p.locals))
	}
	p.numbers[k] = n
	return n
}

func (p *paths) releaseLocal(n uint32) {
	l := &p.locals[n-1]
	if l.uses--; l.uses == 0 {
		delete(p.numbers, l.localKey)
		*l = localEntry{}
		p.free = append(p.free, n)
	}
}

// path returns the adopted path of a session.
func (p *paths) path(s *session) machine.Path {
	l := &p.locals[s.local-1]
	return machine.Path{Local: l.addr, Remote: s.remote, Link: l.link, Security: s.ident}
}

// bind gives a session a path and takes its former one away. It does not touch the maps.
func (p *paths) bind(s *session, path machine.Path) {
	n := p.acquire(path)
	if isWild(path.Local) {
		p.wild++
	}
	p.unbind(s)
	s.local, s.remote = n, path.Remote
}

func (p *paths) unbind(s *session) {
	if s.local == 0 {
		return
	}
	if isWild(p.locals[s.local-1].addr) {
		p.wild--
	}
	p.releaseLocal(s.local)
	s.local = 0
}

func isWild(a netip.AddrPort) bool { return !a.IsValid() || a.Addr().IsUnspecified() }

// hash is what the index of established sessions asks.
func (p *paths) hash(k addrKey) uint32 {
	return p.established.HashUint(binary.BigEndian.Uint64(k.ip[:]), binary.BigEndian.Uint64(k.ip[8:]), uint64(k.port)<<32|uint64(k.local))
}

// establishedAt returns the slot of the established session that has an address, or 0.
func (e *Engine) establishedAt(k addrKey) uint32 {
	return e.paths.established.Find(e.paths.hash(k), func(slot uint32) bool {
		s := e.slab.at(slot)
		return keyOf(s.remote, s.local) == k
	})
}

// claim makes a session the one that is found by its address. Whoever had it before is found by its connection ID only.
func (e *Engine) claim(s *session) {
	if slot := e.establishedAt(keyOf(s.remote, s.local)); slot != 0 {
		e.paths.established.Remove(slot)
	}
	e.paths.established.Add(s.slot)
}

// findEstablished and findPending look for a datagram's path.
func (e *Engine) findEstablished(path machine.Path) uint32 {
	if e.paths.established.Len() == 0 {
		return 0
	}
	return e.paths.find(path, e.establishedAt)
}

func (e *Engine) findPending(path machine.Path) uint32 {
	if len(e.paths.pending) == 0 {
		return 0
	}
	return e.paths.find(path, func(k addrKey) uint32 { return e.paths.pending[k] })
}

// find looks a datagram's path up with look. A client that dialled from an unspecified local address hears answers on a
// concrete one.
func (p *paths) find(path machine.Path, look func(addrKey) uint32) uint32 {
	k := p.localKey(path)
	if n, ok := p.numberOf(k); ok {
		if slot := look(keyOf(path.Remote, n)); slot != 0 {
			return slot
		}
	}
	if p.wild == 0 {
		return 0
	}
	for _, a := range [...]netip.AddrPort{
		netip.AddrPortFrom(netip.IPv6Unspecified(), k.addr.Port()),
		netip.AddrPortFrom(netip.IPv4Unspecified(), k.addr.Port()),
		netip.AddrPortFrom(netip.IPv6Unspecified(), 0),
		netip.AddrPortFrom(netip.IPv4Unspecified(), 0),
		{},
	} {
		k.addr = a
		if n, ok := p.numbers[k]; ok {
			if slot := look(keyOf(path.Remote, n)); slot != 0 {
				return slot
			}
		}
	}
	return 0
}

// same reports whether a datagram on path comes over the session's adopted path.
func (p *paths) same(s *session, path machine.Path) bool {
	if s.remote != path.Remote {
		return false
	}
	l := &p.locals[s.local-1]
	if l.link != path.Link {
		return false
	}
	return l.addr == path.Local || isWild(l.addr)
}
