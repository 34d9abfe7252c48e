package mesh

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
)

// content says what a message holds.
type content uint8

const (
	datagram    content = iota // an IPv6 datagram
	meshFrame                  // a frame of others: mesh header and what follows
	supervision                // an empty frame for a child that sleeps
	emptyFrame                 // an empty frame for our parent
)

// message is one entry of the send queue. It waits to be sent directly, or to children that sleep, or both.
type message struct {
	prev, next *message
	content    content
	kind       Kind
	priority   Priority
	secure     bool
	direct     bool
	resolving  bool // until the address resolver knows where to
	failed     bool // a fragment did not get through
	keep       bool // do not evict: it is being looked at
	at         machine.Time
	cause      machine.Cause
	tag        Tag
	channel    uint8
	pan        ieee802154.PANID
	offset     int    // how much of it was sent
	fragTag    uint16 // 0: none yet
	meshDst    uint16 // where later fragments go
	children   []*neighbor.Child
	data       []byte
}

// queue is a list of messages: higher priorities first, then in order of arrival.
type queue struct {
	head, tail *message
	n          int
	buffers    int
}

func (q *queue) push(m *message) {
	at := q.tail
	for at != nil && at.priority < m.priority {
		at = at.prev
	}
	m.prev = at
	if at == nil {
		m.next, q.head = q.head, m
	} else {
		m.next, at.next = at.next, m
	}
	if m.next == nil {
		q.tail = m
	} else {
		m.next.prev = m
	}
	q.n++
	q.buffers += buffersOf(len(m.data))
}

func (q *queue) remove(m *message) {
	if m.prev == nil {
		q.head = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		q.tail = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.prev, m.next = nil, nil
	q.n--
	q.buffers -= buffersOf(len(m.data))
}

// buffersOf returns how many of OpenThread's buffers a message takes: 256 bytes each on a computer (Buffer::kSize, 64-bit),
// of which the first has some 120 for what is about the message.
func buffersOf(n int) int { return 1 + (max(0, n-136)+247)/248 }

// Info says how full the queues are, for the shell.
type Info struct {
	Messages, Buffers, Bytes int // of the send queue
	Reassembly               int // datagrams under way
	ReassemblyBuffers        int
	ReassemblyBytes          int
	MPL                      int
	MPLBuffers               int
	MPLBytes                 int
}

// Info returns how full the queues are.
func (m *Mesh) Info() (i Info) {
	i.Messages, i.Buffers = m.queue.n, m.queue.buffers
	for at := m.queue.head; at != nil; at = at.next {
		i.Bytes += len(at.data)
	}
	for _, p := range m.partials {
		i.Reassembly++
		i.ReassemblyBuffers += buffersOf(p.size)
		i.ReassemblyBytes += p.size
	}
	for _, b := range m.MPL.buffered {
		i.MPL++
		i.MPLBuffers += buffersOf(len(b.ip))
		i.MPLBytes += len(b.ip)
	}
	return i
}

// room makes room for a message of n bytes: by what waited too long, then by what is less important. It reports whether
// there is room.
func (m *Mesh) room(now machine.Time, n int, p Priority) bool {
	held := func() int {
		b := m.queue.buffers + m.MPL.buffers
		for _, p := range m.partials {
			b += buffersOf(p.size)
		}
		return b
	}
	for held()+buffersOf(n) > m.cfg.Buffers {
		if m.removeAged(now) {
			continue
		}
		if !m.evict(now, p) {
			return false
		}
	}
	return true
}

// evict removes one message of a lower priority, or an indirect one of the same or a higher (MeshForwarder::EvictMessage).
func (m *Mesh) evict(now machine.Time, p Priority) bool {
	var victim *message
	for at := m.queue.tail; at != nil && at.priority < p; at = at.prev {
		// The first of the lowest priority is the one to go.
		if !at.keep && at != m.current && (victim == nil || at.priority <= victim.priority) {
			victim = at
		}
	}
	for at := m.queue.head; victim == nil && at != nil && at.priority >= p; at = at.next {
		if !at.keep && at != m.current && len(at.children) > 0 {
			victim = at
		}
	}
	if victim == nil {
		return false
	}
	m.Counters.QueueFull++
	m.finishAll(now, victim, errNoBufs)
	return true
}

// drop takes a message out of the queue without telling anyone.
func (m *Mesh) drop(x *message) {
	if m.current == x {
		m.current, m.next = nil, 0
	}
	m.queue.remove(x)
	m.pool.put(x)
}

// dropIfDone takes a message out of the queue if nobody waits for it any more, and reports whether it did.
func (m *Mesh) dropIfDone(x *message) bool {
	if x.direct || len(x.children) > 0 {
		return false
	}
	m.drop(x)
	return true
}

// finishDirect ends the direct transmission of a message: it was sent, or dropped, or its route failed.
func (m *Mesh) finishDirect(now machine.Time, x *message, result error) {
	if !x.direct {
		return
	}
	x.direct, x.resolving, x.offset = false, false, 0
	if result != nil {
		x.failed = true
	}
	m.countSent(x, !x.failed)
	tag := x.tag
	x.tag = 0
	m.dropIfDone(x)
	if tag != 0 {
		m.env.DatagramSent(now, tag, result)
	}
}

func (m *Mesh) countSent(x *message, ok bool) {
	if x.content != datagram {
		return
	}
	if ok {
		m.Counters.TxSuccess++
	} else {
		m.Counters.TxFailure++
	}
}

// finishAll ends a message whatever it waits for.
func (m *Mesh) finishAll(now machine.Time, x *message, result error) {
	for len(x.children) > 0 {
		m.unqueueChild(now, x, x.children[len(x.children)-1])
	}
	if x.direct {
		m.finishDirect(now, x, result)
	} else {
		m.dropIfDone(x)
	}
}

func (x *message) waitsFor(c *neighbor.Child) bool { return slices.Contains(x.children, c) }

// RemoveDataResponses takes all MLE Data Responses out of the queue: newer data is on its way.
func (m *Mesh) RemoveDataResponses(now machine.Time) {
	for at := m.queue.head; at != nil; {
		next := at.next
		if at.kind == MLEDataResponse && at != m.current {
			m.finishAll(now, at, errDrop)
		}
		at = next
	}
}
