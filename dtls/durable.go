package dtls

import (
	"encoding/binary"
	"fmt"

	"heddle.example/machine"
)

// durable is the state of the store as far as sequence numbers are concerned. No sequence number goes out before the
// store holds a bound above it, so that a restart never uses one twice under the same key.
type durable struct {
	done     machine.Seq // commits up to this one are on disk, but for those that failed
	failed   bool        // the latest commit failed: nothing is asked for until a later one of another layer succeeds
	failedAt machine.Seq // the latest commit that was asked for when that was told
}

// nextSequence takes the next sequence number of a session and says which commit a record with it has to wait for.
func (e *Engine) nextSequence(s *session) (seq uint64, after machine.Seq, err error) {
	if s.sendSeq > maxSequence {
		return 0, 0, ErrExhausted
	}
	if s.is(flagDue) {
		e.persistFirst(s)
	}
	if s.is(flagStored) {
		if s.boundSeq <= e.store.done {
			s.safe = s.bound
		}
		// A new block is reserved shortly before it is needed, so that records seldom wait for the disk.
		if s.sendSeq+e.cfg.ReserveBlock/8 >= s.bound && !e.store.failed {
			s.bound += e.cfg.ReserveBlock
			s.boundSeq = e.persist(s)
		}
		if s.sendSeq >= s.bound {
			return 0, 0, ErrNotDurable
		}
		if s.sendSeq >= s.safe {
			after = s.boundSeq
		}
	}
	seq = s.sendSeq
	s.sendSeq++
	return seq, after, nil
}

// persistNew stores a session that was just established, or will do so.
func (e *Engine) persistNew(s *session) {
	if !e.cfg.Durable || e.store.failed {
		return
	}
	s.flags |= flagStored | flagDue
	s.bound = s.sendSeq
	if !e.cfg.StoreLate {
		e.persistFirst(s)
	}
}

// persistFirst makes the first record of a session, with its first block. While the store does not work the session goes
// on without one.
func (e *Engine) persistFirst(s *session) {
	s.flags &^= flagDue
	if e.store.failed {
		s.flags &^= flagStored
		return
	}
	e.reserveFirst(s, e.out.Nest().LastSeq()+1)
	e.persist(s)
}

func (e *Engine) reserveFirst(s *session, commit machine.Seq) {
	s.flags &^= flagDue
	s.bound = s.sendSeq + e.cfg.ReserveBlock
	s.boundSeq, s.storedSeq = commit, commit
}

// persistChange stores what has changed, unless that will be in the first record anyway.
func (e *Engine) persistChange(s *session) {
	if s.is(flagStored) && !s.is(flagDue) && !e.store.failed {
		e.persist(s)
	}
}

func (e *Engine) persist(s *session) machine.Seq {
	return e.commit(e.record(s))
}

func (e *Engine) commit(r machine.Record) machine.Seq {
	seq := e.out.Nest().NextSeq()
	e.out.Push(machine.Action{Kind: machine.Persist, Cause: e.cause, Seq: seq, Records: []machine.Record{r}})
	return seq
}

func (e *Engine) persistGone(s *session) {
	if s.is(flagStored) && !s.is(flagDue) && !e.store.failed {
		e.commit(machine.Record{Table: SessionTable, Key: sessionKey(e.out.Nest(), s.id)})
	}
}

// Persisted says that a commit and all before it that did not fail are on disk.
func (e *Engine) Persisted(now machine.Time, seq machine.Seq) {
	e.begin(now, 0)
	e.store.done = max(e.store.done, seq)
	if seq > e.store.failedAt {
		e.store.failed = false // a full disk has space again
	}
}

// PersistFailed says that commits from seq on failed. Nobody knows what of them a restart will find, so each session may
// use only numbers that are good in both cases, and no more until the store works again.
func (e *Engine) PersistFailed(now machine.Time, seq machine.Seq, _ error) {
	e.begin(now, 0)
	e.store.failed, e.store.failedAt = true, e.out.Nest().LastSeq()
	for slot := uint32(1); slot <= e.slab.used; slot++ {
		s := e.slab.at(slot)
		if s.id == 0 || !s.is(flagStored) || s.boundSeq < seq {
			continue
		}
		if s.storedSeq >= seq {
			// Its first record: a restart finds it and goes on at bound, or finds nothing.
			s.safe, s.storedSeq = s.bound, 0
		} else {
			s.bound = s.safe
		}
		s.boundSeq = 0
	}
}

// Export returns the record of a session as it is now, with the highest number received from it. The outer machine
// adds it to its own Persist, the very next commit of the nest, when a datagram of the session had a durable effect: after
// a restart the same datagram is refused. It is valid like an action's records.
func (e *Engine) Export(session uint64) (r machine.Record, ok bool) {
	s, err := e.find(session)
	if err != nil || !s.is(flagStored) || e.store.failed {
		return machine.Record{}, false
	}
	if s.is(flagDue) {
		e.reserveFirst(s, e.out.Nest().LastSeq()+1)
	}
	return e.record(s), true
}

func sessionKey(n *machine.Nest, id uint64) []byte {
	return binary.BigEndian.AppendUint64(n.Buf(8), id)
}

const sessionFormat = 1

// storedFlags are those that outlive a restart.
const storedFlags = flagClient | flagOwnCID | flagDraftCID | flagEMS | flagRRC

func (e *Engine) record(s *session) machine.Record {
	n := e.out.Nest()
	path := e.paths.path(s)
	b := n.Buf(256 + 2*cbcMAC + len(s.peerCID) + len(s.ident.Name))
	b = append(b, sessionFormat)
	b = binary.BigEndian.AppendUint16(b, uint16(s.flags&storedFlags))
	b = binary.BigEndian.AppendUint16(b, uint16(s.info().id))
	b = binary.BigEndian.AppendUint16(b, s.maxFragment)
	b = binary.BigEndian.AppendUint64(b, s.bound)
	b = binary.BigEndian.AppendUint64(b, s.window.high)
	for dir := range s.keys {
		b = append(b, s.keys[dir].key[:]...)
		b = append(b, s.keys[dir].iv[:]...)
	}
	if s.cbc != nil {
		b = append(append(b, s.cbc.mac[dirWrite][:]...), s.cbc.mac[dirRead][:]...)
	}
	b = appendVector8(b, []byte(s.peerCID))
	b = append(b, byte(s.ident.Kind))
	b = appendVector16(b, []byte(s.ident.Name))
	b = appendAddr(b, path.Local)
	b = appendAddr(b, path.Remote)
	b = binary.BigEndian.AppendUint32(b, path.Link)
	return machine.Record{Table: SessionTable, Key: sessionKey(n, s.id), Value: b}
}

// Restore takes a stored session back. It goes on at the reserved bound, refuses every record that could have been
// received before, and is marked Identity.Resumed until the peer has answered a challenge. Call it before the first
// input.
func (e *Engine) Restore(now machine.Time, key, value []byte) error {
	e.begin(now, 0)
	r := reader{b: value}
	if len(key) != 8 || r.uint8() != sessionFormat {
		return fmt.Errorf("%w: key %x", ErrRestore, key)
	}
	id := binary.BigEndian.Uint64(key)
	flags := sessionFlags(r.uint16())
	info := suiteByID(Suite(r.uint16()))
	maxFragment := uint16(r.uint16())
	numbers := r.bytes(16)
	keys := r.bytes(2 * (keyLen + implicitNonceLen))
	var mac []byte
	if info != nil && info.aead == kindCBC {
		mac = r.bytes(2 * cbcMAC)
	}
	cid := r.vector8()
	kind := machine.SecurityKind(r.uint8())
	name := r.vector16()
	var path machine.Path
	path.Local = r.addr()
	path.Remote = r.addr()
	link := r.bytes(4)
	if !r.done() || info == nil || flags&^storedFlags != 0 || !path.Remote.IsValid() || id == 0 {
		return fmt.Errorf("%w: key %x", ErrRestore, key)
	}
	if err := e.cfg.usable([]Suite{info.id}); err != nil {
		return fmt.Errorf("%w: key %x: %w", ErrRestore, key, err)
	}
	if e.slotOf(id) != 0 {
		return fmt.Errorf("%w: key %x is there already", ErrRestore, key)
	}
	if flags&flagOwnCID != 0 && e.cfg.CIDLen == 0 {
		return fmt.Errorf("%w: key %x has a connection ID and Config.CIDLen is 0", ErrRestore, key)
	}
	path.Link = binary.BigEndian.Uint32(link)
	for e.idle.n >= e.cfg.MaxSessions {
		e.end(e.slab.at(e.idle.head), ErrEvicted)
	}
	s := e.slab.alloc()
	s.id = id
	s.flags = flags | flagKeys | flagEstablished | flagStored | flagRestored
	s.suite = suiteIndex(info)
	s.maxFragment = maxFragment
	s.bound = binary.BigEndian.Uint64(numbers)
	s.sendSeq, s.safe = s.bound, s.bound
	s.window.high = binary.BigEndian.Uint64(numbers[8:])
	s.window.close()
	for dir := range s.keys {
		keys = keys[copy(s.keys[dir].key[:], keys):]
		keys = keys[copy(s.keys[dir].iv[:], keys):]
	}
	if mac != nil {
		s.cbc = &cbcKeys{[2][cbcMAC]byte{dirWrite: [cbcMAC]byte(mac), dirRead: [cbcMAC]byte(mac[cbcMAC:])}}
	}
	s.peerCID = string(cid)
	s.ident = &machine.Identity{
		Session: id, Name: string(name), Kind: kind, CID: s.survivesMove(), Resumed: true,
	}
	s.last = now
	e.ids.Add(s.slot)
	e.paths.bind(s, path)
	e.claim(s)
	e.idle.push(&e.slab, s)
	return nil
}
