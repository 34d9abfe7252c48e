package dtls

import "heddle.example/machine"

// Engine is the DTLS machine: client and server of any number of sessions.
type Engine struct {
	cfg     Config
	out     machine.Outbox
	now     machine.Time  // of the current input
	cause   machine.Cause // of the current input
	size    int           // of the datagram that is being read
	slab    slab
	ids     machine.Index // of session numbers
	paths   paths
	idle    list // established sessions, longest silent first
	running list // handshakes, oldest first
	timers  machine.Timers[timerKey]
	spare   []*handshake // wiped
	packed  []byte       // scratch of packer
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
	e := &Engine{
		cfg:     cfg,
		out:     machine.NewOutbox(cfg.Nest),
		slab:    newSlab(cfg.MaxSessions),
		paths:   newPaths(),
		ciphers: cipherCache{limit: cfg.CipherCache},
		resume: resumeCache{
			limit: cfg.MaxResumable, byID: make(map[[32]byte]*resumeEntry),
		},
	}
	e.ids = machine.NewIndex(cfg.Rand, func(slot uint32) uint32 { return e.ids.HashUint(e.slab.at(slot).id, 0, 0) })
	e.paths.established = machine.NewIndex(cfg.Rand, func(slot uint32) uint32 {
		s := e.slab.at(slot)
		return e.paths.hash(keyOf(s.remote, s.local))
	})
	return e, nil
}

// slotOf returns the slot of a session number, or 0.
func (e *Engine) slotOf(id uint64) uint32 {
	return e.ids.Find(e.ids.HashUint(id, 0, 0), func(slot uint32) bool { return e.slab.at(slot).id == id })
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
		e.cause = 0
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
	e.cause = 0
	for e.cfg.SessionIdleMax > 0 && e.idle.head != 0 {
		s := e.slab.at(e.idle.head)
		if s.last.Add(e.cfg.SessionIdleMax) > now {
			return
		}
		e.end(s, ErrIdle)
	}
}
