package mac

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// indirectState is what is kept for a child that sleeps (neighbor.Child.MAC): the number and the counter that its frame
// went out with, for they stay when it goes out again after the next poll: its receiver can tell that it has it.
type indirectState struct {
	attempts uint8 // after polls
	csl      uint8 // at samples
	sequence uint8
	secured  bool
	keyIndex uint8
	counter  uint32
	change   bool // ChangeIndirect while the frame was on its way
	purge    bool
	match    ieee802154.Address // its entry in the radio's table
}

func stateOf(c *neighbor.Child) *indirectState {
	if s, ok := c.MAC.(*indirectState); ok {
		return s
	}
	s := new(indirectState)
	c.MAC = s
	return s
}

// polled takes in a child's poll (DataPollHandler::HandleDataPoll).
func (m *MAC) polled(now machine.Time, rx *Rx) {
	role := m.cfg.Neighbors.Self.Role
	if !rx.Secured || role < neighbor.RoleChild || rx.Neighbor == nil {
		return
	}
	c := rx.Neighbor.Child()
	if c == nil || !c.State.ValidOrRestoring() {
		return
	}
	c.LastHeard, c.LinkFailures = now, 0
	if !rx.Frame.AckedPending {
		// The child went to sleep again. If its frames wait, its poll came from the address that the radio does not have.
		if c.Queued > 0 && rx.Src.Kind == ieee802154.Short {
			c.UseShort = true
			m.ChildQueueChanged(now, c)
		}
		return
	}
	if m.child == nil {
		m.child = c
		m.pending |= transmitIndirect
	} else if c != m.child && !slices.Contains(m.waiting, c) {
		m.waiting = append(m.waiting, c) // no longer than the table of children
	}
}

// beginIndirect asks for the frame of the child that polled and sends it.
func (m *MAC) beginIndirect(now machine.Time, csl bool) bool {
	c, j := m.child, &m.indirect
	if c != nil && c.State.ValidOrRestoring() {
		j.busy = false
		m.env.ChildListens(now, c, csl)
	}
	if !j.busy {
		if !csl {
			m.nextPolled()
		}
		return false
	}
	m.header(&j.frame, &j.tx, j.ieRoom(), now, len(j.payload) == 0)
	m.tx = radio.Transmit{Cause: j.tx.Cause, Channel: m.radioChannel, Backoffs: maxBackoffs, Retries: m.retriesIndirect, Power: m.power}
	if j.tx.Channel != 0 {
		m.tx.Channel = j.tx.Channel
	}
	if s := stateOf(c); s.attempts > 0 || s.csl > 0 {
		j.frame.Sequence = s.sequence
		if s.secured && j.frame.Secured() {
			j.frame.Security.Counter, j.frame.Security.KeyIndex = s.counter, s.keyIndex
			j.ready, j.after = true, 0
		}
	} else {
		j.frame.Sequence = m.data
		m.data++
	}
	if csl && !m.timeCSL(now, c) {
		j.busy = false
		m.cslLate(now)
		return false
	}
	if !m.sendable(j) {
		m.submacDone(now, radio.Aborted, nil)
		return m.op != idle
	}
	m.submac(now, j)
	return true
}

// indirectDone ends an attempt (DataPollHandler::HandleSentFrame, CslTxScheduler::HandleSentFrame).
func (m *MAC) indirectDone(now machine.Time, j *job, r Result, csl bool) {
	c := j.tx.Indirect
	s := stateOf(c)
	m.op, j.busy = idle, false
	if !csl {
		m.child = nil
	}
	switch {
	case s.purge || s.change && r.Err != radio.OK:
		r.Changed = true
		s.attempts, s.csl = 0, 0
	case r.Err == radio.OK:
		s.attempts, s.csl = 0, 0
	case csl:
		if r.Err == radio.NoAck {
			if s.csl++; s.csl >= maxCSLAttempts {
				s.csl = 0
				m.lostSchedule(now, c)
			}
		}
		r.Again = true
	default:
		if r.Err == radio.NoAck {
			s.attempts++
		}
		r.Again = s.attempts < maxIndirectAttempts
		if !r.Again {
			s.attempts = 0
		}
	}
	s.purge, s.change = false, false
	if r.Again {
		s.sequence = j.frame.Sequence
		s.secured, s.counter, s.keyIndex = j.frame.Secured() && j.ready, j.frame.Security.Counter, j.frame.Security.KeyIndex
	}
	m.sent = j.tx
	m.env.Sent(now, &m.sent, r)
	if csl {
		m.scheduleCSL(now)
	} else {
		m.nextPolled()
	}
}

// nextPolled serves the child that polled first of those who did meanwhile.
func (m *MAC) nextPolled() {
	m.child = nil
	for len(m.waiting) > 0 && m.child == nil {
		best := 0
		for i, c := range m.waiting {
			if c.LastHeard < m.waiting[best].LastHeard {
				best = i
			}
		}
		if c := m.waiting[best]; c.State.ValidOrRestoring() {
			m.child = c
			m.pending |= transmitIndirect
		}
		m.waiting = slices.Delete(m.waiting, best, best+1)
	}
}

// ChangeIndirect says that the frame that a child gets next will be another: purge if the present one must not even be
// tried again. It reports whether the frame is on its way: then Sent tells with Changed that it is over, or with OK that
// it arrived. Otherwise the next frame is another at once.
func (m *MAC) ChangeIndirect(c *neighbor.Child, purge bool) bool {
	s, ok := c.MAC.(*indirectState)
	if !ok {
		return false
	}
	if m.cur == &m.indirect && m.indirect.tx.Indirect == c {
		s.change, s.purge = true, s.purge || purge
		return true
	}
	s.attempts, s.csl = 0, 0
	return false
}

// ChildQueueChanged has the radio's source match table follow what stands in a child: an entry by its UseShort while
// something is Queued. It is called after these, or the child's RLOC16, changed, and before a child with something queued
// is taken out of its table, with Queued 0 (SourceMatchController).
//
// The table is in use from the first entry on: until then all acks say "pending", and a child that finds nothing gets an
// empty frame.
func (m *MAC) ChildQueueChanged(now machine.Time, c *neighbor.Child) {
	var want ieee802154.Address
	switch {
	case c.Queued == 0:
	case c.UseShort:
		want = ieee802154.ShortAddr(c.RLOC16)
	default:
		want = ieee802154.ExtendedAddr(c.Ext)
	}
	if c.MAC == nil && want.Kind == ieee802154.None {
		return
	}
	m.enter()
	if !c.Mode.RxOn() && c.Version >= neighbor.Version1p2 {
		m.wantAcks(now) // it may poll with its schedule soon, and does not try again
	}
	if s := stateOf(c); s.match != want {
		m.match(s.match, false)
		m.match(want, true)
		s.match = want
		m.filter.SourceMatch, m.dirty = true, true
	}
	if c.Queued == 0 {
		m.waiting = slices.DeleteFunc(m.waiting, func(w *neighbor.Child) bool { return w == c && !c.State.ValidOrRestoring() })
	}
	if c.CSL != nil {
		m.scheduleCSL(now)
	}
	m.leave(now)
}

func (m *MAC) match(a ieee802154.Address, add bool) {
	switch f := &m.filter; a.Kind {
	case ieee802154.Short:
		f.ShortMatch = change(f.ShortMatch, a.Short, add)
	case ieee802154.Extended:
		f.ExtMatch = change(f.ExtMatch, a.Ext, add)
	}
}

// change returns a new list with or without v: the radio may still use the old one.
func change[T comparable](list []T, v T, add bool) []T {
	i := slices.Index(list, v)
	switch {
	case add == (i >= 0):
		return list
	case add:
		return append(slices.Clip(list), v)
	case len(list) == 1:
		return nil
	}
	return slices.Concat(list[:i], list[i+1:])
}

// ClearIndirect forgets all that is kept for sleeping children: the node is no parent any more.
func (m *MAC) ClearIndirect(now machine.Time) {
	m.enter()
	for c := range m.cfg.Neighbors.Children(neighbor.InAny) {
		c.Queued, c.MAC = 0, nil
	}
	m.waiting, m.pending = nil, m.pending&^(transmitIndirect|transmitCSL)
	if m.op != transmitIndirect && m.op != transmitCSL {
		m.child = nil
	}
	m.cslT = cslSender{at: machine.Never}
	if len(m.filter.ShortMatch)+len(m.filter.ExtMatch) > 0 {
		m.filter.ShortMatch, m.filter.ExtMatch, m.dirty = nil, nil, true
	}
	m.leave(now)
}
