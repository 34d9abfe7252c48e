package endpoint

import (
	"bytes"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// body is an answer longer than a block, kept as it was when the peer asked for its first block: values that move would
// otherwise change the body between two blocks, and an answer that must not be made twice could not be fetched at all
// (RFC 7959 section 2.4). Without room for it the request is handed up once more for each block.
type body struct {
	peer    *peer
	key     []byte
	sum     uint64 // of the request's payload
	code    coap.Code
	options coap.Options
	payload []byte
	counted int
	timer   machine.TimerID
}

// bodyLifetime is how long a body waits for the request for its next block: longer than a slow exchange of one block.
const bodyLifetime = 100 * time.Second

// cut shortens an answer to the block that was asked for, or the first one, and sets the options that say so.
func (e *Endpoint) cut(now machine.Time, x *exchange, m *coap.Message) {
	b := coap.Block{SZX: e.szx(e.where(x.peer))}
	if x.hasBlock2 {
		b.Num, b.SZX = x.block2.Num, min(x.block2.SZX, b.SZX)
		if b.SZX < x.block2.SZX {
			b.Num <<= x.block2.SZX - b.SZX // the same place, in smaller blocks
		}
	}
	if !x.hasBlock2 && len(m.Payload) <= b.Size() {
		return
	}
	if !m.Code.IsSuccess() && len(m.Payload) <= b.Size() {
		return
	}
	if len(m.Payload) > b.Size() {
		if !m.Options.Has(coap.ETag) {
			m.Options = e.tag(m)
		}
		e.keepBody(now, x.peer, x.key, x.sum, m)
	}
	e.slice(m, b)
}

// slice makes m block b of its body.
func (e *Endpoint) slice(m *coap.Message, b coap.Block) {
	offset, size := b.Offset(), len(m.Payload)
	if offset > 0 && offset >= size {
		*m = coap.Message{Type: m.Type, ID: m.ID, Token: m.Token, Code: coap.BadRequest, Options: m.Options[:0]}
		return
	}
	end := min(offset+b.Size(), size)
	b.More = end < size
	m.Payload = m.Payload[offset:end]
	m.Options = m.Options.Set(coap.Block2, e.uint(b.Uint()))
	if b.More && offset == 0 {
		m.Options = m.Options.Set(coap.Size2, e.uint(uint32(size)))
	}
}

// keepBody keeps an answer for the requests for its further blocks.
func (e *Endpoint) keepBody(now machine.Time, p *peer, key []byte, requestSum uint64, m *coap.Message) {
	d := e.deal(p)
	var k *body
	for _, c := range d.bodies {
		if bytes.Equal(c.key, key) && c.sum == requestSum {
			k = c
		}
	}
	if k == nil {
		if len(d.bodies) >= e.config.MaxBodies {
			e.endBody(d.bodies[0])
			d = e.deal(p)
		}
		k = &body{peer: p, key: bytes.Clone(key), sum: requestSum}
		d.bodies = append(d.bodies, k)
	}
	if !e.account(&k.counted, len(m.Payload)+bodyOverhead) {
		e.endBody(k)
		return
	}
	k.code, k.options, k.payload = m.Code, m.Options.Clone().Del(coap.Observe), bytes.Clone(m.Payload)
	k.timer = e.timers.Set(k.timer, now.Add(bodyLifetime), k)
}

// serveBody answers the request for a further block of a kept body.
func (e *Endpoint) serveBody(now machine.Time, cause machine.Cause, p *peer, path *machine.Path, m *coap.Message) bool {
	value, ok := m.Options.Get(coap.Block2)
	if !ok {
		return false
	}
	b, err := coap.DecodeBlock(value)
	if err != nil {
		e.refuse(cause, p, path, m, coap.BadRequest, "malformed block", nil)
		return true
	}
	if b.Num == 0 || p.dealings == nil || len(p.dealings.bodies) == 0 {
		return false
	}
	e.keyScratch = appendKey(e.keyScratch[:0], m)
	// The newest first: a FETCH whose body came in blocks asks for further blocks of its answer without that body.
	for i := len(p.dealings.bodies) - 1; i >= 0; i-- {
		k := p.dealings.bodies[i]
		if !bytes.Equal(k.key, e.keyScratch) || len(m.Payload) > 0 && k.sum != sum(m.Payload) {
			continue
		}
		k.timer = e.timers.Set(k.timer, now.Add(bodyLifetime), k)
		r := &e.reply
		*r = coap.Message{Code: k.code, Token: m.Token, Options: append(r.Options[:0], k.options...), Payload: k.payload}
		if szx := e.szx(path); szx < b.SZX {
			b.Num, b.SZX = b.Num<<(b.SZX-szx), szx
		}
		e.slice(r, b)
		if m.Type == coap.CON {
			r.Type, r.ID = coap.ACK, m.ID
			p.mark(m.ID, answered)
		} else {
			r.Type, r.ID = coap.NON, e.messageID(p)
			p.mark(m.ID, silent)
		}
		e.push(cause, *path, p.after, e.encode(r))
		return true
	}
	return false
}

func (e *Endpoint) endBody(k *body) {
	e.timers.Stop(k.timer)
	k.timer = 0
	e.stored -= k.counted
	k.counted = 0
	k.peer.dealings.bodies = remove(k.peer.dealings.bodies, k)
	e.settle(k.peer)
}

// expire implements expirer: nobody asks for the rest.
func (k *body) expire(e *Endpoint, _ machine.Time) {
	k.timer = 0
	e.endBody(k)
}
