package mesh

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// childQueue is what is kept for a child that sleeps, in neighbor.Child.Mesh. Its messages are in the send queue.
type childQueue struct {
	x       *message // what is being sent to it
	offset  int      // how much of x it has
	next    int      // how much it has when the frame under way is through
	failed  bool
	waiting bool // the frame under way is to be another: until the MAC says that it is over
	empty   bool // the frame under way is an empty one, of no message
}

// indirect is the frame for a child that listens.
type indirect struct{ frame *Frame }

func stateOf(c *neighbor.Child) *childQueue {
	s, ok := c.Mesh.(*childQueue)
	if !ok {
		s = new(childQueue)
		c.Mesh = s
	}
	return s
}

// queueForChild has a message wait for a child that sleeps.
func (m *Mesh) queueForChild(now machine.Time, x *message, c *neighbor.Child) {
	if x.waitsFor(c) {
		return
	}
	x.children = append(x.children, c)
	m.wantTick(now) // its supervision begins
	if c.Queued++; c.Queued == 1 {
		m.env.ChildQueueChanged(now, c)
	}
	if x.content != supervision && c.Queued > 1 {
		// What the child gets instead keeps it as sure of us.
		for y := m.queue.head; y != nil; y = y.next {
			if y.content == supervision && y.waitsFor(c) {
				m.unqueueChild(now, y, c)
				m.dropIfDone(y)
				break
			}
		}
	}
	m.updateChild(now, c)
}

// unqueueChild has a message wait for a child no longer. It stays in the queue.
func (m *Mesh) unqueueChild(now machine.Time, x *message, c *neighbor.Child) bool {
	i := slices.Index(x.children, c)
	if i < 0 {
		return false
	}
	x.children = slices.Delete(x.children, i, i+1)
	m.dequeued(now, c)
	m.updateChild(now, c)
	return true
}

func (m *Mesh) dequeued(now machine.Time, c *neighbor.Child) {
	if c.Queued == 0 {
		return
	}
	if c.Queued--; c.Queued == 0 {
		m.env.ChildQueueChanged(now, c)
	}
}

func (m *Mesh) firstFor(c *neighbor.Child) *message {
	for x := m.queue.head; x != nil; x = x.next {
		if x.waitsFor(c) {
			return x
		}
	}
	return nil
}

// updateChild chooses what a child gets next, after its part of the queue has changed
// (IndirectSender::RequestMessageUpdate).
func (m *Mesh) updateChild(now machine.Time, c *neighbor.Child) {
	s := stateOf(c)
	if s.x != nil && !s.x.waitsFor(c) {
		s.x = nil // so that the end of its frame is not taken for that of another
		s.waiting = true
		m.changeFrame(now, c, s, true)
		return
	}
	if s.waiting {
		return
	}
	x := m.firstFor(c)
	switch {
	case x == s.x:
	case s.x == nil:
		m.nextForChild(c, s)
	case s.offset == 0: // a datagram that the child has a part of goes on
		s.waiting = true
		m.changeFrame(now, c, s, false)
	}
}

func (m *Mesh) changeFrame(now machine.Time, c *neighbor.Child, s *childQueue, purge bool) {
	if !m.env.ChangeIndirect(now, c, purge) {
		m.nextForChild(c, s)
	}
}

func (m *Mesh) nextForChild(c *neighbor.Child, s *childQueue) {
	*s = childQueue{x: m.firstFor(c), empty: s.empty, next: s.next}
}

// childAddress returns the address that a child listens to.
func childAddress(c *neighbor.Child) ieee802154.Address {
	if c.UseShort {
		return ieee802154.ShortAddr(c.RLOC16)
	}
	return ieee802154.ExtendedAddr(c.Ext)
}

// ChildListens sends a child what is there for it, because it polled or, with CSL, samples its channel now.
func (m *Mesh) ChildListens(now machine.Time, c *neighbor.Child) {
	if !m.enabled {
		return
	}
	s := stateOf(c)
	if m.indirect.frame == nil {
		m.indirect.frame = new(Frame)
	}
	f := m.indirect.frame
	*f = Frame{Child: c, Dst: childAddress(c), Security: Mode1, AckRequest: true, Payload: f.Payload[:0]}
	f.Src = ieee802154.ShortAddr(m.table.Self.RLOC16)
	if f.Src.Short == neighbor.InvalidRLOC16 || f.Dst.Kind == ieee802154.Extended {
		f.Src = ieee802154.ExtendedAddr(m.table.Self.Ext)
	}
	s.next, s.empty = 0, s.x == nil
	if x := s.x; x != nil && x.content == datagram {
		f.Cause = x.cause
		f.Src = m.macSource(ip6.Src(x.data))
		if dst := ip6.Dst(x.data); dst.IsLinkLocalUnicast() {
			f.Dst = ieee802154.ExtendedAddr(ieee802154.ExtAddr(dst.IID().Ext()))
		}
		s.next = m.fill(f, x, s.offset, false, 0, 0)
		f.FramePending = f.FramePending || c.Queued > 1
	}
	m.env.SendFrame(now, f)
}

// sentIndirect takes in how a frame for a child ended.
func (m *Mesh) sentIndirect(now machine.Time, f *Frame, r Result) {
	c := f.Child
	s := stateOf(c)
	if !m.enabled {
		return
	}
	switch {
	case r.Changed:
		if s.waiting {
			m.nextForChild(c, s)
		}
	case r.Again: // it gets the same frame after its next poll
	default:
		m.childGot(now, c, s, r.Err)
	}
	m.clearGone(now)
}

func (m *Mesh) childGot(now machine.Time, c *neighbor.Child, s *childQueue, result error) {
	if result == nil {
		m.env.Supervised(now, c)
	}
	if s.empty {
		return // something may have come since
	}
	x := s.x
	if x == nil {
		m.nextForChild(c, s)
		return
	}
	if result != nil {
		s.failed = true
		s.next = len(x.data)
	}
	if s.next < len(x.data) {
		s.offset = s.next
		return
	}
	s.x = nil
	c.Link.AddPacketSent(!s.failed)
	// From the first datagram on, whatever became of it, the child polls by its short address; if it missed its Child ID
	// Response it starts again with the other.
	m.SetChildUseShort(now, c, true)
	m.countSent(x, !s.failed)
	if i := slices.Index(x.children, c); i >= 0 {
		x.children = slices.Delete(x.children, i, i+1)
		m.dequeued(now, c)
	}
	m.nextForChild(c, s)
	tag := x.tag
	x.tag = 0
	m.dropIfDone(x)
	if tag != 0 {
		m.env.DatagramSent(now, tag, result)
	}
}

// SetChildUseShort says whether a child polls by its short address.
func (m *Mesh) SetChildUseShort(now machine.Time, c *neighbor.Child, short bool) {
	if c.UseShort != short {
		c.UseShort = short
		m.env.ChildQueueChanged(now, c)
	}
}

// supervise counts the seconds in which children that sleep heard nothing, and reports whether there are any
// (ChildSupervisor::HandleTimeTick).
func (m *Mesh) supervise(now machine.Time) (busy bool) {
	if !m.enabled {
		return false
	}
	for c := range m.table.Children(neighbor.InValidOrRestoring) {
		if c.Mode.RxOn() || c.Supervision == 0 {
			continue
		}
		if busy = true; c.State != neighbor.Valid {
			continue
		}
		if c.SinceSupervise++; c.SinceSupervise >= c.Supervision {
			m.SendSupervision(now, c)
		}
	}
	return busy
}

// SendSupervision lets a child that sleeps know that we are there, unless it will hear from us anyway.
func (m *Mesh) SendSupervision(now machine.Time, c *neighbor.Child) {
	if !m.enabled || c.Queued > 0 || c.Mode.RxOn() {
		return
	}
	x := m.pool.get()
	x.content, x.priority, x.secure = supervision, Normal, true
	x.at = now
	m.queue.push(x)
	m.queueForChild(now, x, c)
}

// ChildModeChanged is called when a child's mode was changed: what waits for one that does not sleep any more is sent.
func (m *Mesh) ChildModeChanged(now machine.Time, c *neighbor.Child, old neighbor.Mode) {
	if !c.Mode.RxOn() && c.State == neighbor.Valid {
		m.SetChildUseShort(now, c, true)
		m.wantTick(now)
	}
	if old.RxOn() || !c.Mode.RxOn() || c.Queued == 0 {
		return
	}
	for x := m.queue.head; x != nil; {
		next := x.next
		if i := slices.Index(x.children, c); i >= 0 {
			x.children = slices.Delete(x.children, i, i+1)
			if x.content == datagram {
				x.direct, x.at = true, now
			}
			m.dropIfDone(x)
		}
		x = next
	}
	m.resetChild(now, c)
	m.schedule(now)
}

// ClearChild drops all that waits for a child: it is gone.
func (m *Mesh) ClearChild(now machine.Time, c *neighbor.Child) {
	if c.Queued == 0 {
		return
	}
	for x := m.queue.head; x != nil; {
		next := x.next
		if i := slices.Index(x.children, c); i >= 0 {
			x.children = slices.Delete(x.children, i, i+1)
			m.dropIfDone(x)
		}
		x = next
	}
	m.resetChild(now, c)
}

// resetChild forgets what is being sent to a child that nothing waits for.
func (m *Mesh) resetChild(now machine.Time, c *neighbor.Child) {
	s := stateOf(c)
	*s = childQueue{empty: true}
	if c.Queued > 0 {
		c.Queued = 0
		m.env.ChildQueueChanged(now, c)
	}
	if m.env.ChangeIndirect(now, c, true) {
		s.waiting = true
	}
}

// clearGone drops what waits for children that are gone and whose owner did not say so.
func (m *Mesh) clearGone(now machine.Time) {
	for x := m.queue.head; x != nil; x = x.next {
		for _, c := range x.children {
			if !c.State.ValidOrAttaching() {
				m.ClearChild(now, c)
				m.clearGone(now)
				return
			}
		}
	}
}

// stopIndirect forgets what was kept for children.
func (m *Mesh) stopIndirect(now machine.Time) {
	for c := range m.table.Children(neighbor.InAny) {
		if c.Mesh != nil || c.Queued > 0 {
			m.resetChild(now, c)
			c.Mesh = nil
		}
	}
}

// HasQueuedFor reports whether a datagram of a kind waits for a child.
func (m *Mesh) HasQueuedFor(c *neighbor.Child, kind Kind) bool {
	for x := m.queue.head; x != nil; x = x.next {
		if x.kind == kind && x.content == datagram && x.waitsFor(c) {
			return true
		}
	}
	return false
}

// RemoveFor takes the datagrams for a child out of the queue whose kind matches, direct ones too.
func (m *Mesh) RemoveFor(now machine.Time, c *neighbor.Child, match func(Kind) bool) {
	for x := m.queue.head; x != nil; {
		next := x.next
		if x.content == datagram && match(x.kind) && x != m.current {
			if !m.unqueueChild(now, x, c) && x.direct && m.table.FindIP(ip6.Dst(x.data), neighbor.InValidOrRestoring) == &c.Neighbor {
				x.direct = false
			}
			m.dropIfDone(x)
		}
		x = next
	}
}
