package dtls

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
)

// Engine is the DTLS machine: client and server of any number of sessions.
type Engine struct {
	cfg     Config
	out     machine.Outbox
	now     machine.Time  // of the current input
	cause   machine.Cause // of the current input
	size    int           // of the datagram that is being read
	slab    slab
	ids     map[uint64]uint32 // session number to slot
	paths   paths
	idle    list // established sessions, longest silent first
	running list // handshakes, oldest first
	timers  machine.Timers[timerKey]
	ciphers cipherCache
	cookies cookies
	resume  resumeCache
	store   durable
	stats   Stats

	// scratch, so that sealing and opening allocate nothing
	nonce    [12]byte
	aad      []byte
	cid      []byte
	received []Received // what the events of this input point to
}

var _ machine.Durable = (*Engine)(nil)

// Stats counts what an operator wants to see.
type Stats struct {
	Sessions         int    // established
	Handshakes       int    // running
	HandshakesDone   uint64 // finished
	HandshakesFailed uint64
	HelloVerifies    uint64 // HelloVerifyRequests sent
	Retransmissions  uint64 // flights repeated
	Malformed        uint64 // datagrams or messages that make no sense
	UnknownCID       uint64 // records for a session that is not there
	BadRecords       uint64 // records with a wrong tag
	Replayed         uint64 // records seen before or too old
	UnverifiedAlerts uint64 // plaintext alerts that were not believed
	CipherMisses     uint64
	Moves            uint64 // addresses adopted
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	st := e.stats
	st.Sessions, st.Handshakes, st.CipherMisses = e.idle.n, e.running.n, e.ciphers.misses
	return st
}

// timerKind says what a timer is for.
type timerKind uint8

const (
	timerFlight timerKind = iota
	timerLinger
	timerMove
)

type timerKey struct {
	kind timerKind
	slot uint32
}

// New returns an engine. It fails only for a wrong Config.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Engine{
		cfg:     cfg,
		out:     machine.NewOutbox(cfg.Nest),
		ids:     make(map[uint64]uint32),
		paths:   newPaths(),
		ciphers: cipherCache{limit: cfg.CipherCache},
		resume: resumeCache{
			limit: cfg.MaxResumable, byID: make(map[[32]byte]*resumeEntry),
		},
	}, nil
}

// begin starts an input.
func (e *Engine) begin(now machine.Time, cause machine.Cause) {
	if e.out.Begin() {
		if cap(e.received) > 64 {
			e.received = nil
		}
		e.received = e.received[:0]
	}
	e.now, e.cause = now, cause
}

// Next returns the next action.
func (e *Engine) Next() (machine.Action, bool) { return e.out.Next() }

// Deadline says when Expire wants to be called.
func (e *Engine) Deadline() machine.Time {
	d := e.timers.Deadline()
	if e.cfg.SessionIdleMax > 0 && e.idle.head != 0 {
		d = min(d, e.slab.at(e.idle.head).last.Add(e.cfg.SessionIdleMax))
	}
	return d
}

// Expire repeats flights and ends what has waited too long.
func (e *Engine) Expire(now machine.Time) {
	e.begin(now, 0)
	for {
		k, ok := e.timers.Pop(now)
		if !ok {
			break
		}
		s := e.slab.at(k.slot)
		switch k.kind {
		case timerFlight:
			e.flightDue(s)
		case timerLinger:
			s.linger = nil
		case timerMove:
			e.moveDue(s)
		}
	}
	for e.cfg.SessionIdleMax > 0 && e.idle.head != 0 {
		s := e.slab.at(e.idle.head)
		if s.last.Add(e.cfg.SessionIdleMax) > now {
			return
		}
		e.end(s, ErrIdle)
	}
}

// Receive takes in a datagram: one or several records.
func (e *Engine) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	e.begin(now, cause)
	path.Security = nil
	e.size = len(b)
	for len(b) > 0 {
		var r record
		rest, ok := r.decode(b, e.cfg.CIDLen)
		if !ok {
			e.stats.Malformed++
			return
		}
		b = rest
		e.dispatch(path, &r)
	}
}

// dispatch finds the session or handshake that a record belongs to.
func (e *Engine) dispatch(path machine.Path, r *record) {
	if r.version != version12 && (r.version != version10 || r.epoch != 0) {
		e.stats.Malformed++
		return
	}
	switch {
	case r.typ == contentCID:
		slot, ok := e.ids[binary.BigEndian.Uint64(r.cid)]
		if !ok || !e.slab.at(slot).is(flagOwnCID) { // silently: RFC 9146 section 3
			e.stats.UnknownCID++
			return
		}
		e.protected(e.slab.at(slot), path, r)
	case r.epoch == 0:
		e.plain(path, r)
	default:
		// A living session and the handshake that will replace it may share an address.
		if slot := e.paths.find(e.paths.established, path); slot != 0 {
			if s := e.slab.at(slot); !s.is(flagOwnCID) && e.protected(s, path, r) {
				return
			}
		}
		if slot := e.paths.find(e.paths.pending, path); slot != 0 {
			if s := e.slab.at(slot); !s.is(flagOwnCID) {
				e.protected(s, path, r)
			}
		}
	}
}

// plain takes in a record of epoch 0. It is not authenticated, so it can only further a handshake.
func (e *Engine) plain(path machine.Path, r *record) {
	slot := e.paths.find(e.paths.pending, path)
	switch r.typ {
	case contentHandshake:
		for b := r.body; len(b) > 0; {
			var f fragment
			rest, ok := f.decode(b)
			if !ok {
				e.stats.Malformed++
				return
			}
			b = rest
			if f.typ == typeClientHello {
				e.clientHello(path, r, &f)
			} else if slot != 0 {
				if s := e.slab.at(slot); s.hs != nil {
					e.handshakeFragment(s, &f, 0)
				}
			}
			slot = e.paths.find(e.paths.pending, path)
		}
	case contentAlert:
		level, desc, ok := decodeAlert(r.body)
		if slot == 0 || !ok || level != alertFatal {
			e.stats.UnverifiedAlerts++
			return
		}
		e.suspect(e.slab.at(slot), desc)
	}
}

// suspect notes a fatal alert that anybody could have sent. If the handshake does not go on within the first time-out,
// the alert was true.
func (e *Engine) suspect(s *session, desc uint8) {
	hs := s.hs
	hs.alert = int16(desc)
	if at := e.now.Add(e.cfg.RetransmitInitial); hs.timer != 0 && e.timers.At(hs.timer) > at {
		hs.timer = e.timers.Set(hs.timer, at, timerKey{timerFlight, s.slot})
	}
}

// protected takes in a record of a later epoch for a session and reports whether it was one of it.
func (e *Engine) protected(s *session, path machine.Path, r *record) bool {
	if r.epoch != 1 {
		return false
	}
	if !s.is(flagKeys) {
		e.keepEarly(s, r)
		return false
	}
	if !s.window.fresh(r.seq) {
		e.stats.Replayed++
		return s.linger != nil && e.repeatedFinished(s, r)
	}
	typ, content, ok := e.open(s, r)
	if !ok {
		e.stats.BadRecords++
		if s.hs != nil && (r.typ == contentHandshake || r.typ == contentCID) {
			e.wrongKeys(s)
		}
		return false
	}
	newest := s.window.newest(r.seq)
	s.window.mark(r.seq)
	if s.hs != nil {
		e.protectedHandshake(s, typ, content)
		return true
	}
	e.touch(s)
	e.observePath(s, path, newest)
	switch typ {
	case contentApplicationData:
		e.endLinger(s) // the peer has our last flight
		path.Security = s.ident
		e.deliver(path, content)
	case contentAlert:
		e.verifiedAlert(s, content)
	case contentHandshake:
		e.afterHandshake(s, content)
	case contentRRC:
		e.routability(s, path, content)
	}
	return true
}

// repeatedFinished looks whether a record that was seen before is the Finished that asks for our last flight: some peers
// (pion) repeat it under its old number. That the answer goes to the adopted path only, and not without end, makes a
// replay by somebody else harmless.
func (e *Engine) repeatedFinished(s *session, r *record) bool {
	if s.linger.repeats >= maxRepeats || r.typ != contentHandshake && r.typ != contentCID {
		return false
	}
	typ, content, ok := e.open(s, r)
	var f fragment
	if !ok || typ != contentHandshake {
		return ok
	}
	if _, ok := f.decode(content); ok {
		e.repeatLast(s, &f)
	}
	return true
}

// protectedHandshake takes in a record under the new keys while the handshake still runs.
func (e *Engine) protectedHandshake(s *session, typ byte, content []byte) {
	switch typ {
	case contentHandshake:
		for len(content) > 0 && s.hs != nil {
			var f fragment
			rest, ok := f.decode(content)
			if !ok {
				e.stats.Malformed++
				return
			}
			content = rest
			e.handshakeFragment(s, &f, 1)
		}
	case contentAlert:
		if level, desc, ok := decodeAlert(content); ok && level == alertFatal {
			e.failHandshake(s, AlertError{desc})
		}
	}
	// Data before Finished is dropped: it came out of order, or its sender is not yet proved.
}

// keepEarly keeps one record that overtook the messages that its keys come from.
func (e *Engine) keepEarly(s *session, r *record) {
	if s.hs != nil && s.hs.early == nil && len(r.body) <= smallMTU {
		b := appendRecordHeader(nil, r.typ, r.version, r.epoch, r.seq, r.cid, len(r.body))
		s.hs.early = append(b, r.body...)
	}
}

// replayEarly looks at the early record once there are keys.
func (e *Engine) replayEarly(s *session) {
	b := s.hs.early
	s.hs.early = nil
	var r record
	if b == nil {
		return
	}
	if _, ok := r.decode(b, e.cfg.CIDLen); ok {
		if typ, content, ok := e.open(s, &r); ok { // a wrong one may be a forgery that came first: no verdict
			s.window.mark(r.seq)
			e.protectedHandshake(s, typ, content)
		}
	}
}

// wrongKeys is what a server concludes from a Finished that it cannot open: the client has another key.
func (e *Engine) wrongKeys(s *session) {
	if !s.is(flagClient) && s.hs.state == serverWaitFinished {
		e.failHandshake(s, e.wrongFinished(s))
	}
}

// afterHandshake takes in a verified handshake record of an established session: a repeated Finished, or an attempt to
// renegotiate, which is refused (RFC 5746 section 4.5 allows that).
func (e *Engine) afterHandshake(s *session, content []byte) {
	var f fragment
	if _, ok := f.decode(content); !ok {
		e.stats.Malformed++
		return
	}
	switch f.typ {
	case typeClientHello, typeHelloRequest:
		e.sendAlert(s, alertWarning, alertNoRenegotiation)
	default:
		e.repeatLast(s, &f)
	}
}

// verifiedAlert takes in an alert of an established session.
func (e *Engine) verifiedAlert(s *session, content []byte) {
	level, desc, ok := decodeAlert(content)
	switch {
	case !ok:
		e.stats.Malformed++
	case desc == alertCloseNotify: // answered by one of ours (RFC 5246 section 7.2.1)
		e.sendAlert(s, alertWarning, alertCloseNotify)
		e.end(s, ErrCloseNotify)
	case level == alertFatal:
		e.end(s, AlertError{desc})
	}
}

// newSession makes room and returns a session whose handshake begins.
func (e *Engine) newSession(path machine.Path) *session {
	for e.running.n >= e.cfg.MaxHandshakes {
		e.end(e.slab.at(e.running.head), ErrEvicted)
	}
	s := e.slab.alloc()
	for s.id == 0 {
		id := e.cfg.Rand.Uint64()<<8>>8 | uint64(e.cfg.CIDFirst)<<56
		if _, taken := e.ids[id]; !taken {
			s.id = id
		}
	}
	e.ids[s.id] = s.slot
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
	if slot := e.paths.established[key]; slot != 0 { // only now: RFC 6347 section 4.2.8
		e.end(e.slab.at(slot), ErrReplaced)
	}
	for e.idle.n >= e.cfg.MaxSessions {
		e.end(e.slab.at(e.idle.head), ErrEvicted)
	}
	e.paths.established[key] = s.slot
	e.idle.push(&e.slab, s)
	s.last = e.now
	s.flags |= flagEstablished
	s.ident = &machine.Identity{
		Session: s.id, Name: hs.identity, Kind: machine.PSK, CID: s.survivesMove(),
	}
	e.stats.HandshakesDone++
	e.persistNew(s)
	ev := &Established{
		Session: s.id, Path: e.paths.path(s), Client: s.is(flagClient), Resumed: hs.resumed, Suite: s.info().id,
		PeerCID: []byte(s.peerCID), Draft: s.is(flagDraftCID), EMS: s.is(flagEMS), RRC: s.is(flagRRC),
		Took: time.Duration(e.now - hs.started),
	}
	if s.is(flagOwnCID) {
		ev.OwnCID = e.ownCID(s)
	}
	e.keepResumable(s, hs, ev)
	e.event(ev.Path, ev)
	clear(hs.master[:])
	hs.prf.wipe()
	clear(hs.psk)
}

// keepResumable keeps what a later short handshake needs: in the cache of a server, in the event of a client. Sessions
// without the extended master secret are not resumed (RFC 7627 section 5.3).
func (e *Engine) keepResumable(s *session, hs *handshake, ev *Established) {
	if !hs.ems || len(hs.sessionID) == 0 {
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
	copy(r.key[:], r.keyCheck(key))
	e.resume.put(r)
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
		clear(hs.master[:])
		clear(hs.psk)
	} else {
		e.idle.remove(&e.slab, s)
		if e.paths.established[key] == s.slot {
			delete(e.paths.established, key)
		}
	}
	e.endLinger(s)
	e.endMove(s)
	e.ciphers.drop(s)
	delete(e.ids, s.id)
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
	slot, ok := e.ids[session]
	if !ok {
		return nil, ErrUnknownSession
	}
	s := e.slab.at(slot)
	if !s.is(flagEstablished) {
		return nil, ErrHandshaking
	}
	return s, nil
}

func (e *Engine) send(path machine.Path, b []byte, after machine.Seq) {
	path.Security = nil
	e.out.Push(machine.Action{Kind: machine.Send, Cause: e.cause, Path: path, Data: b, After: after})
}

func (e *Engine) event(path machine.Path, v any) {
	e.out.Push(machine.Action{Kind: machine.Event, Cause: e.cause, Path: path, Value: v})
}

func (e *Engine) deliver(path machine.Path, b []byte) {
	e.received = append(e.received, Received{Path: path, Data: b})
	e.event(path, &e.received[len(e.received)-1])
}

func (e *Engine) refuse(path machine.Path, identity string, reason error) {
	e.event(path, &Refused{Path: path, Identity: identity, Reason: reason})
}

// sendPlainAlert tells the peer of a handshake that it has failed.
func (e *Engine) sendPlainAlert(s *session, desc uint8) {
	b := e.out.Nest().Buf(recordHeaderLen + 2)
	b = appendRecordHeader(b, contentAlert, version12, 0, s.hs.seq, nil, 2)
	s.hs.seq++
	e.send(e.paths.path(s), append(b, alertFatal, desc), 0)
}

// sendAlert sends an alert under the keys of a session.
func (e *Engine) sendAlert(s *session, level, desc uint8) {
	seq, after, err := e.nextSequence(s)
	if err != nil {
		return
	}
	b := e.out.Nest().Buf(s.sealedLen(2))
	e.send(e.paths.path(s), e.seal(b, s, contentAlert, seq, []byte{level, desc}), after)
}
