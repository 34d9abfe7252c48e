package dtls

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
)

// newSession makes room and returns a session whose handshake begins.
func (e *Engine) newSession(path machine.Path) *session {
	for e.running.n >= e.cfg.MaxHandshakes {
		e.end(e.slab.at(e.running.head), ErrEvicted)
	}
	s := e.slab.alloc()
	for s.id == 0 {
		id := e.cfg.Rand.Uint64()<<8>>8 | uint64(e.cfg.CIDFirst)<<56
		if e.slotOf(id) == 0 {
			s.id = id
		}
	}
	e.ids.Add(s.slot)
	e.paths.bind(s, path)
	e.paths.pending[keyOf(s.remote, s.local)] = s.slot
	e.running.push(&e.slab, s)
	return s
}

// ownCID is the connection ID that we ask the peer to use.
func (e *Engine) ownCID(s *session) []byte {
	if e.cfg.CIDLen == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, s.id)
}

// establish ends a handshake that has succeeded.
func (e *Engine) establish(s *session) {
	hs := s.hs
	e.timers.Stop(hs.timer)
	e.running.remove(&e.slab, s)
	s.hs = nil
	key := keyOf(s.remote, s.local)
	delete(e.paths.pending, key)
	if slot := e.establishedAt(key); slot != 0 { // only now: RFC 6347 section 4.2.8
		e.end(e.slab.at(slot), ErrReplaced)
	}
	for e.idle.n >= e.cfg.MaxSessions {
		e.end(e.slab.at(e.idle.head), ErrEvicted)
	}
	e.claim(s)
	e.idle.push(&e.slab, s)
	s.last = e.now
	s.flags |= flagEstablished
	s.ident = &machine.Identity{
		Session: s.id, Name: hs.identity, Kind: hs.kind, CID: s.survivesMove(),
	}
	e.stats.HandshakesDone++
	e.persistNew(s)
	ev := &Established{
		Session: s.id, Path: e.paths.path(s), Client: s.is(flagClient), Resumed: hs.resumed, Suite: s.info().id,
		PeerCID: []byte(s.peerCID), Draft: s.is(flagDraftCID), EMS: s.is(flagEMS), RRC: s.is(flagRRC), KeyHash: hs.keyHash,
		Took: time.Duration(e.now - hs.started),
	}
	if hs.auth != nil {
		ev.Peer = hs.auth.peer
	}
	if s.is(flagOwnCID) {
		ev.OwnCID = e.ownCID(s)
	}
	e.keepResumable(s, hs, ev)
	e.event(ev.Path, ev)
	e.free(hs)
}

// end takes a session or handshake away and tells whoever knows its number.
func (e *Engine) end(s *session, reason error) {
	path := e.paths.path(s)
	known := s.is(flagEstablished | flagClient)
	key := keyOf(s.remote, s.local)
	if hs := s.hs; hs != nil {
		e.timers.Stop(hs.timer)
		e.running.remove(&e.slab, s)
		if e.paths.pending[key] == s.slot {
			delete(e.paths.pending, key)
		}
		s.hs = nil
		e.free(hs)
	} else {
		e.idle.remove(&e.slab, s)
		e.paths.established.Remove(s.slot)
	}
	e.endLinger(s)
	e.endMove(s)
	e.ciphers.drop(s)
	e.ids.Remove(s.slot)
	e.paths.unbind(s)
	e.persistGone(s)
	id := s.id
	e.slab.release(s)
	if known {
		e.event(path, &Closed{Session: id, Path: path, Reason: reason})
	}
}

func (e *Engine) touch(s *session) {
	s.last = e.now
	if e.idle.tail != s.slot {
		e.idle.remove(&e.slab, s)
		e.idle.push(&e.slab, s)
	}
}

// find returns an established session.
func (e *Engine) find(session uint64) (*session, error) {
	slot := e.slotOf(session)
	if slot == 0 {
		return nil, ErrUnknownSession
	}
	s := e.slab.at(slot)
	if !s.is(flagEstablished) {
		return nil, ErrHandshaking
	}
	return s, nil
}
