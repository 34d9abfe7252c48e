package endpoint

import (
	"heddle.example/coap"
	"heddle.example/machine"
)

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
	c.prepare(e.szx(e.where(o.peer)))
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
	if p := e.lookFor(n.key); p != nil {
		p.after = max(p.after, after)
		p.mark(n.id, acked)
	}
	e.stats.Sent++
	b := append(e.out.Nest().Buf(4), coap.Version<<6|byte(coap.ACK)<<4, 0, byte(n.id>>8), byte(n.id))
	return machine.Action{Kind: machine.Send, After: after, Path: n.path, Data: b, Cause: n.cause}
}
