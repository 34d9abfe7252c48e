package endpoint

import (
	"heddle.example/coap"
	"heddle.example/machine"
)

// observation is our observing of a peer's resource, from the first value on (RFC 7641 section 3).
type observation struct {
	holder
	op      machine.OpID
	last    uint32 // sequence number of the newest notification
	lastAt  machine.Time
	request []byte // the encoded request, for fetching the rest of a long notification; nil: not known
	fetch   *call  // fetching the first value, or the rest of a notification
	initial bool   // fetch is the request that began the observation
}

// RestoreObservation goes on with an observation that was begun before a restart: its peer, its token, and the sequence
// number and arrival of the last value. r is what was asked for; nil where long notifications do not occur.
func (e *Endpoint) RestoreObservation(now machine.Time, path machine.Path, token coap.Token, last uint32, lastAt machine.Time, r *Request) machine.OpID {
	e.begin(now)
	op := e.newOp()
	if len(e.observations) >= e.config.MaxObservations {
		return e.fail(op, 0, path, ErrBusy)
	}
	p := e.reach(now, &path)
	if p == nil {
		return e.fail(op, 0, path, ErrBusy)
	}
	if _, old, _ := e.holders(token, p); old != nil {
		e.endObservation(now, old)
	}
	o := e.newObservation(op, p, token, last, lastAt)
	if r != nil {
		m := coap.Message{Code: r.Code, Options: r.Options.Clone().Del(coap.Observe).Del(coap.Block2), Payload: r.Payload}
		o.request, _ = m.Append(nil)
	}
	return op
}

func (e *Endpoint) newObservation(op machine.OpID, p *peer, token coap.Token, last uint32, at machine.Time) *observation {
	o := &observation{op: op, last: last, lastAt: at}
	o.token, o.peer, o.obs = token, p, o
	e.hold(&o.holder)
	e.observations[op] = o
	d := e.deal(p)
	d.observations = append(d.observations, o)
	return o
}

// observing turns a call whose first response agrees to it into an observation: the token is the observation's now.
func (e *Endpoint) observing(now machine.Time, c *call, seq uint32) {
	if _, old, _ := e.holders(c.token, c.peer); old != nil {
		e.endObservation(now, old) // the registration was refreshed under another operation
	}
	token := c.token
	e.retoken(c)
	o := e.newObservation(c.op, c.peer, token, seq, now)
	m := coap.Message{Code: c.code, Options: c.options, Payload: c.payload}
	o.request, _ = m.Append(nil)
	o.fetch, o.initial, c.observation = c, true, o
	c.observe = false // what is still fetched is fetched without it (RFC 7959 section 3.4)
}

func (e *Endpoint) endObservation(now machine.Time, o *observation) {
	e.unhold(&o.holder)
	delete(e.observations, o.op)
	o.peer.dealings.observations = remove(o.peer.dealings.observations, o)
	if f := o.fetch; f != nil {
		o.fetch, f.observation = nil, nil
		if !o.initial {
			e.freeCall(now, f)
		}
	}
	e.settle(o.peer)
}

// Forget ends an observation on our side: the next notification is answered by RST (RFC 7641 section 3.6).
func (e *Endpoint) Forget(now machine.Time, op machine.OpID) {
	e.begin(now)
	if o := e.observations[op]; o != nil {
		e.forget(now, o)
	}
}

func (e *Endpoint) forget(now machine.Time, o *observation) {
	if o.fetch != nil && o.initial {
		e.finish(now, o.fetch, nil, nil, ErrCancelled)
		return
	}
	e.endObservation(now, o)
}

// notified takes in a notification.
func (e *Endpoint) notified(now machine.Time, cause machine.Cause, o *observation, path *machine.Path, m *coap.Message) {
	p, con := o.peer, m.Type == coap.CON
	seq, has := m.Options.GetUint(coap.Observe)
	ended := !has || !m.Code.IsSuccess()
	if !ended && !coap.Fresher(o.last, seq, now.Sub(o.lastAt)) {
		e.stats.Stale++
		e.received(cause, p, path, m)
		return
	}
	if !ended {
		o.last, o.lastAt = seq, now
	}
	if f := o.fetch; f != nil {
		if o.initial { // newer than the value that is being fetched: it becomes the first one
			e.received(cause, p, path, m)
			e.stop(&f.out)
			f.fetching, f.body = false, nil
			e.fetch(now, f, path, m)
			return
		}
		e.received(f.cause, p, &f.held.path, &coap.Message{Type: heldType(&f.held), ID: f.held.id})
		o.fetch = nil
		f.observation = nil
		e.freeCall(now, f)
	}
	n := Notification{Code: m.Code, Sequence: seq, Confirmable: con, Ended: ended, Token: o.token,
		key: p.key(), path: *path, id: m.ID, cause: cause}
	if con {
		p.mark(m.ID, holding)
	}
	if b, ok := m.Options.Block(coap.Block2); ok && b.More && m.Code.IsSuccess() {
		e.fetchRest(now, cause, o, &n, m)
		return
	}
	e.deliver(now, cause, o, &n, m, nil)
}

func heldType(n *Notification) coap.Type {
	if n.Confirmable {
		return coap.CON
	}
	return coap.NON
}

// received acknowledges a message that goes no further.
func (e *Endpoint) received(cause machine.Cause, p *peer, path *machine.Path, m *coap.Message) {
	if m.Type == coap.CON {
		p.mark(m.ID, acked)
		e.pushEmpty(cause, *path, coap.ACK, m.ID, p.after)
	}
}
