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
	m := coap.Message{Code: c.code, Options: c.options}
	if !c.sending {
		m.Payload = c.payload
	}
	o.request, _ = m.Append(nil)
	o.fetch, o.initial, c.observation = c, true, o
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
		key: p.key, path: *path, id: m.ID, cause: cause}
	if con {
		p.ring.mark(m.ID, holding)
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
		p.ring.mark(m.ID, acked)
		e.pushEmpty(cause, *path, coap.ACK, m.ID, p.ring.commit())
	}
}

// fetchRest fetches the further blocks of a notification, under another token (RFC 7959 section 2.6).
func (e *Endpoint) fetchRest(now machine.Time, cause machine.Cause, o *observation, n *Notification, m *coap.Message) {
	var request coap.Message
	if o.request == nil || request.Decode(o.request) != nil || len(e.calls) >= e.config.MaxCalls {
		e.deliver(now, cause, o, n, nil, ErrBlock)
		return
	}
	c := e.newCall(o.op, cause, o.peer)
	c.code, c.observation, c.held = request.Code, o, *n
	c.copyOptions(request.Options)
	c.payload = append(c.payload, request.Payload...)
	c.prepare(e.szx(&o.peer.path))
	c.token = e.newToken()
	c.timer = e.timers.Set(0, now.Add(e.lifetime), c)
	e.hold(&c.holder)
	o.fetch, o.initial = c, false
	e.fetch(now, c, &n.path, m)
}

// finishFetch delivers a notification whose rest has come, or not.
func (e *Endpoint) finishFetch(now machine.Time, c *call, m *coap.Message, err error) {
	o, n, cause := c.observation, c.held, c.cause
	if err == nil && !m.Code.IsSuccess() {
		err = ErrChanged
	}
	o.fetch, c.observation = nil, nil
	if err == nil {
		m.Options = m.Options.Del(coap.Observe)
	}
	e.deliver(now, cause, o, &n, m, err)
	e.freeCall(now, c)
}

// deliver hands a notification up.
func (e *Endpoint) deliver(now machine.Time, cause machine.Cause, o *observation, n *Notification, m *coap.Message, err error) {
	up := e.notifications.get()
	options := up.Options[:0]
	*up = *n
	if up.Options = options; err == nil {
		up.Payload = m.Payload
		up.Options = append(options, m.Options...)
		up.Format, up.HasFormat = up.Options.Format()
	} else {
		up.Err = err
		if n.Confirmable {
			e.received(cause, o.peer, &n.path, &coap.Message{Type: coap.CON, ID: n.id})
		}
	}
	e.out.Push(machine.Action{Kind: machine.Event, Op: o.op, Cause: cause, Path: n.path, Value: up})
	if n.Ended {
		e.endObservation(now, o)
	}
}

// Ack acknowledges a confirmable notification that was held, once commit after is on disk.
func (e *Endpoint) Ack(now machine.Time, n *Notification, after machine.Seq) {
	e.begin(now)
	if !n.Confirmable || n.acked || n.Err != nil {
		return
	}
	e.out.Push(e.confirm(n, after))
}

// confirm makes the ACK of a notification.
func (e *Endpoint) confirm(n *Notification, after machine.Seq) machine.Action {
	n.acked = true
	if p := e.peers[n.key]; p != nil && p.ring != nil {
		p.ring.after = max(p.ring.after, after)
		p.ring.mark(n.id, acked)
	}
	e.stats.Sent++
	b := append(e.out.Nest().Buf(4), coap.Version<<6|byte(coap.ACK)<<4, 0, byte(n.id>>8), byte(n.id))
	return machine.Action{Kind: machine.Send, After: after, Path: n.path, Data: b, Cause: n.cause}
}
