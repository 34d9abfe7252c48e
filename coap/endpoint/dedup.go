package endpoint

import (
	"time"

	"heddle.example/machine"
)

const (
	// ringSize is how many message ids of a peer are remembered.
	ringSize = 16
	// ringFirst is how many fit into the peer itself: enough for a device that registers and is silent then.
	ringFirst = 2
	// shortLen is the longest answer that fits into the peer: a 2.01 with its location.
	shortLen = 32
)

// state says what became of a received message, and so what its duplicate gets.
type state uint8

const (
	free     state = iota
	working               // a request that waits for Respond: an ACK
	answered              // a piggybacked answer that may be made again: the request is handed up again
	kept                  // a piggybacked answer that is kept: that answer
	acked                 // an empty ACK: another one
	reset                 // an RST: another one
	silent                // nothing was sent, or nothing that belongs to the message id: nothing
	holding               // a notification that waits for Ack: nothing
	nonFlag  state = 0x80 // the message was non-confirmable
)

// seen is a remembered message id.
type seen struct {
	at    uint32 // seconds since the endpoint's first input
	id    uint16
	state state
}

// ring remembers the last message ids of a peer (RFC 7252 section 4.5) that has sent more than fit into it. Places are
// filled round and round.
type ring struct {
	seen   [ringSize]seen
	answer []keptAnswer // oldest first, but for the one in the peer, which is older
	next   uint8
}

type keptAnswer struct {
	id    uint16
	data  []byte
	after machine.Seq
}

// shortAnswer is a kept answer without memory of its own.
type shortAnswer struct {
	after machine.Seq
	id    uint16
	n     uint8 // its length; 0: there is none
	data  [shortLen]byte
}

// keptOverhead is what a kept answer costs beside its bytes.
const keptOverhead = 48

// ids returns the places for message ids.
func (p *peer) ids() []seen {
	if p.ring != nil {
		return p.ring.seen[:]
	}
	return p.seen[:]
}

// ringOf returns the peer's ring: from now on its message ids are there.
func (e *Endpoint) ringOf(p *peer) *ring {
	if p.ring == nil {
		r := e.spareRings.take()
		*r = ring{answer: r.answer[:0], next: ringFirst}
		copy(r.seen[:], p.seen[:])
		p.ring = r
	}
	return p.ring
}

// seconds returns the coarse time of rings.
func (e *Endpoint) seconds(now machine.Time) uint32 { return uint32(now.Sub(e.epoch) / time.Second) }

// lookup returns the place of a message id that was received within its lifetime.
func (e *Endpoint) lookup(now machine.Time, p *peer, id uint16) (place int, ok bool) {
	sec, ids := e.seconds(now), p.ids()
	for i := range ids {
		if s := &ids[i]; s.id == id && s.state != free {
			if sec-s.at <= e.life(s.state) {
				return i, true
			}
			if s.state == kept {
				e.stored -= p.forget(id)
			}
			s.state = free
		}
	}
	return 0, false
}

// life is how long a message id is remembered, in seconds.
func (e *Endpoint) life(s state) uint32 {
	if s&nonFlag != 0 {
		return uint32(e.nonLifetime / time.Second)
	}
	return uint32(e.lifetime / time.Second)
}

// note remembers a new message id, forgetting the oldest.
func (e *Endpoint) note(now machine.Time, p *peer, id uint16, s state) {
	sec := e.seconds(now)
	if p.ring == nil {
		for i := range p.seen {
			old := &p.seen[i]
			if old.state != free && sec-old.at <= e.life(old.state) {
				continue
			}
			if old.state == kept {
				e.stored -= p.forget(old.id)
			}
			*old = seen{sec, id, s}
			return
		}
	}
	r := e.ringOf(p)
	old := &r.seen[r.next]
	if old.state != free {
		if sec-old.at <= uint32(e.nonLifetime/time.Second) {
			e.stats.RingOverflow++
		}
		if old.state == kept {
			e.stored -= p.forget(old.id)
		}
	}
	*old = seen{sec, id, s}
	r.next = (r.next + 1) % ringSize
}

// mark says what became of a remembered message.
func (p *peer) mark(id uint16, s state) {
	if i, ok := p.placeOf(id); ok {
		x := &p.ids()[i]
		x.state = s | x.state&nonFlag
	}
}

// forget drops a kept answer and returns how much memory that gives back.
func (p *peer) forget(id uint16) (size int) {
	if a := &p.answer; a.n != 0 && a.id == id {
		size = int(a.n) + keptOverhead
		*a = shortAnswer{}
		return size
	}
	if r := p.ring; r != nil {
		for i := range r.answer {
			if r.answer[i].id == id {
				size = len(r.answer[i].data) + keptOverhead
				copy(r.answer[i:], r.answer[i+1:])
				r.answer[len(r.answer)-1] = keptAnswer{}
				r.answer = r.answer[:len(r.answer)-1]
				return size
			}
		}
	}
	return 0
}

// forgetIDs forgets everything about the peer's messages.
func (e *Endpoint) forgetIDs(p *peer) {
	e.stored -= p.keptSize()
	p.seen, p.answer, p.after = [ringFirst]seen{}, shortAnswer{}, 0
	if r := p.ring; r != nil {
		p.ring = nil
		clear(r.answer)
		r.answer = r.answer[:0]
		e.spareRings.put(r)
	}
}

// keptSize is how much the peer's kept answers count.
func (p *peer) keptSize() (size int) {
	if p.answer.n != 0 {
		size = int(p.answer.n) + keptOverhead
	}
	if p.ring != nil {
		for i := range p.ring.answer {
			size += len(p.ring.answer[i].data) + keptOverhead
		}
	}
	return size
}

// keep remembers an encoded answer for duplicates of message id. At the limit the peer's oldest answer makes room.
func (e *Endpoint) keep(p *peer, id uint16, data []byte, after machine.Seq) bool {
	size := len(data) + keptOverhead
	for e.stored+size > e.config.MaxStored {
		old, ok := p.oldestAnswer()
		if !ok {
			e.stats.NotStored++
			return false
		}
		e.stored -= p.forget(old)
		p.mark(old, acked) // it must not run again, so only the receipt is confirmed
		e.stats.NotStored++
	}
	e.stored += size
	if a := &p.answer; len(data) <= shortLen && a.n == 0 && (p.ring == nil || len(p.ring.answer) == 0) {
		a.after, a.id, a.n = after, id, uint8(copy(a.data[:], data))
		return true
	}
	r := e.ringOf(p)
	r.answer = append(r.answer, keptAnswer{id, append([]byte(nil), data...), after})
	return true
}

func (p *peer) oldestAnswer() (id uint16, ok bool) {
	switch {
	case p.answer.n != 0:
		return p.answer.id, true
	case p.ring != nil && len(p.ring.answer) > 0:
		return p.ring.answer[0].id, true
	}
	return 0, false
}

// kept returns the kept answer of a message id, or nil, and the commit that it waits for.
func (p *peer) kept(id uint16) (data []byte, after machine.Seq) {
	if a := &p.answer; a.n != 0 && a.id == id {
		return a.data[:a.n], a.after
	}
	if p.ring != nil {
		for i := range p.ring.answer {
			if k := &p.ring.answer[i]; k.id == id {
				return k.data, k.after
			}
		}
	}
	return nil, 0
}

// placeOf returns where a message id is.
func (p *peer) placeOf(id uint16) (i int, ok bool) {
	ids := p.ids()
	for i := range ids {
		if ids[i].id == id && ids[i].state != free {
			return i, true
		}
	}
	return 0, false
}

// settleWork makes a request that was never answered one that gets nothing but another ACK.
func (p *peer) settleWork(id uint16) {
	if i, ok := p.placeOf(id); ok && p.ids()[i].state&^nonFlag == working {
		p.mark(id, acked)
	}
}
