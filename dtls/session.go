package dtls

import (
	"math/bits"
	"net/netip"

	"heddle.example/machine"
)

// Directions of a session's keys and ciphers.
const (
	dirWrite = 0
	dirRead  = 1
)

type sessionFlags uint16

const (
	flagClient      sessionFlags = 1 << iota // we dialled
	flagKeys                                 // keys are there: records of epoch 1 can be opened
	flagEstablished                          // the handshake is finished
	flagOwnCID                               // the peer puts our CID into its records
	flagDraftCID                             // additional data as in the drafts of RFC 9146
	flagEMS                                  // extended master secret
	flagRRC                                  // return routability checks
	flagStored                               // there is, or will be, a record of it in the store
	flagRestored                             // restored and not yet proved fresh
	flagDue                                  // its first record is still to be written
)

// session is one row of the slab: what a session at rest needs, and nothing else. There is only one epoch with keys,
// because renegotiation is refused.
type session struct {
	id        uint64            // also our connection ID, big-endian
	ident     *machine.Identity // nil until the handshake is finished
	remote    netip.AddrPort    // the adopted address
	window    window
	sendSeq   uint64      // next sequence number of epoch 1
	bound     uint64      // sequence numbers below it are reserved
	safe      uint64      // those below it are reserved on disk, as far as we know
	boundSeq  machine.Seq // commit of the latest reservation
	storedSeq machine.Seq // commit of its first record; 0: it was restored
	last      machine.Time
	peerCID   string     // what we put into our records
	hs        *handshake // while it runs
	linger    *linger    // while our last flight may have to be repeated
	move      *move      // while an address or a restored session waits for its proof
	cbc       *cbcKeys   // with a CBC suite

	slot, prev, next uint32 // of the slab and of one of its lists
	local            uint32 // index in paths
	ciphers          [2]uint32
	keys             [2]struct {
		key [keyLen]byte
		iv  [implicitNonceLen]byte
	}
	flags       sessionFlags
	suite       uint8  // index in suites
	maxFragment uint16 // largest plaintext of a record, 0: maxPlaintext
}

func (s *session) is(f sessionFlags) bool { return s.flags&f != 0 }

func (s *session) info() *suiteInfo { return &suites[s.suite] }

func (s *session) fragmentLimit() int {
	if s.maxFragment != 0 {
		return int(s.maxFragment)
	}
	return maxPlaintext
}

// survivesMove says whether the session outlives a change of the client's address: its records need the server's
// connection ID.
func (s *session) survivesMove() bool {
	if s.is(flagClient) {
		return s.peerCID != ""
	}
	return s.is(flagOwnCID)
}

// slab holds the sessions in chunks that never move. Slots count from 1; 0 is none.
type slab struct {
	chunks [][]session
	shift  uint8 // a chunk has 1 << shift sessions
	free   uint32
	used   uint32 // slots ever handed out
	live   int
}

const slabShift = 8

// newSlab fits the chunks to an engine that will hold few sessions, as a device's does.
func newSlab(most int) slab {
	return slab{shift: uint8(min(bits.Len(uint(most-1)), slabShift))}
}

func (l *slab) at(slot uint32) *session {
	return &l.chunks[(slot-1)>>l.shift][(slot-1)&(1<<l.shift-1)]
}

func (l *slab) alloc() *session {
	l.live++
	if slot := l.free; slot != 0 {
		s := l.at(slot)
		l.free = s.next
		*s = session{slot: slot}
		return s
	}
	if l.used == uint32(len(l.chunks))<<l.shift {
		l.chunks = append(l.chunks, make([]session, 1<<l.shift))
	}
	l.used++
	s := l.at(l.used)
	s.slot = l.used
	return s
}

// release wipes the keys with everything else.
func (l *slab) release(s *session) {
	if s.cbc != nil {
		*s.cbc = cbcKeys{}
	}
	l.live--
	*s = session{slot: s.slot, next: l.free}
	l.free = s.slot
}

// list is a doubly linked list of sessions through their slots, oldest first.
type list struct {
	head, tail uint32
	n          int
}

func (l *list) push(sl *slab, s *session) {
	s.prev, s.next = l.tail, 0
	if l.tail != 0 {
		sl.at(l.tail).next = s.slot
	} else {
		l.head = s.slot
	}
	l.tail = s.slot
	l.n++
}

func (l *list) remove(sl *slab, s *session) {
	if s.prev != 0 {
		sl.at(s.prev).next = s.next
	} else {
		l.head = s.next
	}
	if s.next != 0 {
		sl.at(s.next).prev = s.prev
	} else {
		l.tail = s.prev
	}
	s.prev, s.next = 0, 0
	l.n--
}
