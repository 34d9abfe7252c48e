package endpoint

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/machine"
)

// Respond answers a request: piggybacked on its ACK if that has not left, else in a message of its own (RFC 7252 section
// 5.2). The answer leaves once commit after is on disk. A late answer to an exchange that is over is ignored.
func (e *Endpoint) Respond(now machine.Time, cause machine.Cause, x Exchange, reply *Reply, after machine.Seq) {
	e.begin(now)
	ex := e.exchanges.get(x.index, x.generation)
	if ex == nil {
		return
	}
	p, r := ex.peer, &e.reply
	*r = coap.Message{Code: reply.Code, Token: ex.token, Options: append(r.Options[:0], reply.Options...), Payload: reply.Payload}
	if ex.sub != nil {
		if reply.Code.IsSuccess() {
			r.Options = r.Options.Set(coap.Observe, e.uint(ex.sub.sequence))
		} else {
			e.dropSubscription(now, ex.sub)
			ex.sub = nil
		}
	}
	if !reply.Sliced && !e.validate(ex, r) {
		e.cut(now, ex, r)
	}
	if ex.hasBlock1 {
		if szx := e.szx(&ex.path); ex.streamed && r.Code == coap.Continue && ex.block1.Num == 0 && szx < ex.block1.SZX {
			ex.block1.SZX = szx // smaller blocks from the next on, please
		}
		r.Options = r.Options.Set(coap.Block1, e.uint(ex.block1.Uint()))
	}
	piggyback := ex.con && ex.unacked.on != nil
	e.touch(now, p)
	p.after = max(p.after, after)
	switch {
	case piggyback:
		r.Type, r.ID = coap.ACK, ex.id
		data := e.encode(r)
		e.remember(p, ex, r, data, reply.Remember || ex.hasBlock1, after)
		e.push(cause, ex.path, after, data)
	case ex.con && len(e.deal(p).queue) < e.config.MaxQueue:
		p.mark(ex.id, acked)
		r.Type = coap.CON
		e.send(now, &outgoing{peer: p, path: pathUnless(e.where(p), &ex.path), data: slices.Clone(e.encode(r)), after: after,
			cause: cause, con: true})
	default:
		if ex.con {
			p.mark(ex.id, acked)
		} else {
			p.mark(ex.id, silent)
		}
		r.Type, r.ID = coap.NON, e.messageID(p)
		e.push(cause, ex.path, after, e.encode(r))
	}
	e.release(ex)
}

// pathUnless returns a copy of path where it differs from the peer's own.
func pathUnless(own, path *machine.Path) *machine.Path {
	if *own == *path {
		return nil
	}
	p := *path
	return &p
}

// remember notes what a duplicate of the request gets. The last block of a body has to be remembered, too: its
// assembly is gone.
func (e *Endpoint) remember(p *peer, x *exchange, m *coap.Message, data []byte, keepIt bool, after machine.Seq) {
	if !keepIt {
		p.mark(x.id, answered)
		return
	}
	if _, seen := p.placeOf(x.id); !seen {
		return // so many messages since that it fell out of the ring
	}
	if len(data) > maxRemembered {
		e.stats.Unremembered++
		short := *m
		short.Payload = nil
		data = e.encode(&short)
	}
	if e.keep(p, x.id, data, after) {
		p.mark(x.id, kept)
	} else {
		p.mark(x.id, acked)
	}
}

// AckNow acknowledges a request whose answer will take long, so that its sender does not repeat it.
func (e *Endpoint) AckNow(now machine.Time, x Exchange) {
	e.begin(now)
	if ex := e.exchanges.get(x.index, x.generation); ex != nil && ex.unacked.on != nil {
		e.ackNow(ex)
	}
}

func (e *Endpoint) ackNow(x *exchange) {
	x.unacked.leave()
	e.pushEmpty(x.cause, x.path, coap.ACK, x.id, 0)
}

// release ends an exchange.
func (e *Endpoint) release(x *exchange) {
	p := x.peer
	p.dropExchange(x)
	x.alive.leave()
	x.unacked.leave()
	p.settleWork(x.id)
	x.sub = nil
	e.exchanges.put(x.index)
	e.settle(p)
}

// uint returns an option's value in the nest's memory.
func (e *Endpoint) uint(v uint32) []byte { return coap.AppendUint(e.out.Nest().Buf(4), v) }
