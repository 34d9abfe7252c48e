package endpoint

import (
	"time"

	"heddle.example/machine"
)

// ringSize is how many message ids of a peer are remembered.
const ringSize = 16

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

// ring remembers the last message ids of a peer (RFC 7252 section 4.5). Slots are filled round and round.
type ring struct {
	ids    [ringSize]uint16
	at     [ringSize]uint32 // seconds since the endpoint's first input
	states [ringSize]state
	next   uint8
	answer []keptAnswer
	after  machine.Seq // the latest commit that any answer waits for: a repeated ACK waits for it, too
}

type keptAnswer struct {
	id    uint16
	data  []byte
	after machine.Seq
}

// keptOverhead is what a kept answer costs beside its bytes.
const keptOverhead = 48

// ringOf returns the peer's ring.
func (e *Endpoint) ringOf(p *peer) *ring {
	if p.ring == nil {
		r := e.spareRings.take()
		*r = ring{answer: r.answer[:0]}
		p.ring = r
	}
	return p.ring
}

// seconds returns the coarse time of rings.
func (e *Endpoint) seconds(now machine.Time) uint32 { return uint32(now.Sub(e.epoch) / time.Second) }

// lookup returns the slot of a message id that was received within its lifetime.
func (e *Endpoint) lookup(now machine.Time, r *ring, id uint16) (slot int, ok bool) {
	sec := e.seconds(now)
	for i := range r.ids {
		if r.ids[i] == id && r.states[i] != free {
			life := e.lifetime
			if r.states[i]&nonFlag != 0 {
				life = e.nonLifetime
			}
			if sec-r.at[i] <= uint32(life/time.Second) {
				return i, true
			}
			if r.states[i] == kept {
				e.stored -= r.forget(id)
			}
			r.states[i] = free
		}
	}
	return 0, false
}

// note remembers a new message id, forgetting the oldest.
func (e *Endpoint) note(now machine.Time, r *ring, id uint16, s state) {
	i, sec := int(r.next), e.seconds(now)
	if old := r.states[i]; old != free {
		if sec-r.at[i] <= uint32(e.nonLifetime/time.Second) {
			e.stats.RingOverflow++
		}
		if old == kept {
			e.stored -= r.forget(r.ids[i])
		}
	}
	r.ids[i], r.at[i], r.states[i] = id, sec, s
	r.next = uint8(i+1) % ringSize
}

// mark says what became of a remembered message.
func (r *ring) mark(id uint16, s state) {
	if r == nil {
		return
	}
	if i, ok := r.slot(id); ok {
		r.states[i] = s | r.states[i]&nonFlag
	}
}

// forget drops a kept answer and returns how much memory that gives back.
func (r *ring) forget(id uint16) (size int) {
	for i := range r.answer {
		if r.answer[i].id == id {
			size = len(r.answer[i].data) + keptOverhead
			r.answer = append(r.answer[:i], r.answer[i+1:]...) // oldest first
			return size
		}
	}
	return 0
}

// drop forgets everything.
func (r *ring) drop() (size int) {
	for i := range r.answer {
		size += len(r.answer[i].data) + keptOverhead
	}
	clear(r.answer)
	r.answer = r.answer[:0]
	return size
}

// keep remembers an encoded answer for duplicates of message id. At the limit the peer's oldest answer makes room.
func (e *Endpoint) keep(r *ring, id uint16, data []byte, after machine.Seq) bool {
	size := len(data) + keptOverhead
	for e.stored+size > e.config.MaxStored && len(r.answer) > 0 {
		old := r.answer[0].id
		e.stored -= r.forget(old)
		r.mark(old, acked) // it must not run again, so only the receipt is confirmed
		e.stats.NotStored++
	}
	if e.stored+size > e.config.MaxStored {
		e.stats.NotStored++
		return false
	}
	e.stored += size
	r.answer = append(r.answer, keptAnswer{id, append([]byte(nil), data...), after})
	return true
}

// kept returns the kept answer of a message id.
func (r *ring) kept(id uint16) *keptAnswer {
	for i := range r.answer {
		if r.answer[i].id == id {
			return &r.answer[i]
		}
	}
	return nil
}

// slot returns where a message id is.
func (r *ring) slot(id uint16) (i int, ok bool) {
	for i := range r.ids {
		if r.ids[i] == id && r.states[i] != free {
			return i, true
		}
	}
	return 0, false
}

// settleWork makes a request that was never answered one that gets nothing but another ACK.
func (r *ring) settleWork(id uint16) {
	if r == nil {
		return
	}
	if i, ok := r.slot(id); ok && r.states[i]&^nonFlag == working {
		r.mark(id, acked)
	}
}

// commit returns the commit that a repeated ACK has to wait for. A peer that took over what was under way with another
// address may have no ring.
func (r *ring) commit() machine.Seq {
	if r == nil {
		return 0
	}
	return r.after
}
