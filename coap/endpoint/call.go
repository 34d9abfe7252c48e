package endpoint

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/machine"
)

// call is a request of ours until its Result: one exchange, or several where bodies are longer than a block. It also
// fetches the rest of a long notification.
type call struct {
	holder
	op      machine.OpID
	cause   machine.Cause
	after   machine.Seq
	code    coap.Code
	options coap.Options
	values  []byte // of options
	payload []byte
	non     bool
	ping    bool
	observe bool // has Observe: 0
	leave   bool // has Observe: 1
	out     outgoing
	timer   machine.TimerID // of the whole
	target  machine.Path    // of a ping

	transfer
	observation *observation // of which this fetches the first value or a notification's rest
	held        Notification // the notification whose rest is fetched
}

// Request sends a request. Exactly one Result with the returned operation follows.
func (e *Endpoint) Request(now machine.Time, cause machine.Cause, path machine.Path, r *Request) machine.OpID {
	e.begin(now)
	op := e.newOp()
	if !r.Code.IsRequest() || r.Code > coap.IPATCH || !sorted(r.Options) {
		return e.fail(op, cause, path, ErrRequest)
	}
	if len(r.Payload) > e.config.MaxBody {
		return e.fail(op, cause, path, ErrTooLarge)
	}
	if len(e.calls) >= e.config.MaxCalls || r.Observe && len(e.observations) >= e.config.MaxObservations {
		return e.fail(op, cause, path, ErrBusy)
	}
	p := e.reach(now, &path)
	if p == nil || p.dealings != nil && len(p.dealings.queue) >= e.config.MaxQueue {
		return e.fail(op, cause, path, ErrBusy)
	}
	c := e.newCall(op, cause, p)
	c.code, c.after, c.non, c.observe = r.Code, r.After, r.Non, r.Observe
	c.single = r.Single
	c.copyOptions(r.Options)
	c.payload = append(c.payload, r.Payload...)
	c.prepare(e.szx(e.where(p)))
	if c.token = r.Token; c.token.Len() == 0 {
		c.token = e.newToken()
	}
	timeout := r.Timeout
	if timeout <= 0 {
		timeout = e.lifetime
	}
	e.calls[op] = c
	c.timer = e.timers.Set(0, now.Add(timeout), c)
	e.hold(&c.holder)
	e.sendCall(now, c)
	return op
}

func sorted(o coap.Options) bool {
	return slices.IsSortedFunc(o, func(a, b coap.Option) int { return int(a.Number) - int(b.Number) })
}

// Ping sends an empty confirmable message, which a CoAP peer answers by RST (RFC 7252 section 4.3). It waits for no
// other exchange and goes to exactly this path. The Result's Path is where the answer came from.
func (e *Endpoint) Ping(now machine.Time, cause machine.Cause, path machine.Path) machine.OpID {
	e.begin(now)
	op := e.newOp()
	if len(e.calls) >= e.config.MaxCalls {
		return e.fail(op, cause, path, ErrBusy)
	}
	p := e.reach(now, &path)
	if p == nil {
		return e.fail(op, cause, path, ErrBusy)
	}
	c := e.newCall(op, cause, p)
	c.ping, c.target = true, path
	c.out.path, c.out.urgent, c.out.con = &c.target, true, true
	c.out.data = append(c.out.data[:0], coap.Version<<6, 0, 0, 0)
	e.calls[op] = c
	e.send(now, &c.out)
	return op
}

// Cancel ends an operation: a request's Result has ErrCancelled, an observation is forgotten as by Forget.
func (e *Endpoint) Cancel(now machine.Time, op machine.OpID) {
	e.begin(now)
	if c := e.calls[op]; c != nil {
		e.finish(now, c, nil, nil, ErrCancelled)
	} else if o := e.observations[op]; o != nil {
		e.forget(now, o)
	}
}

func (e *Endpoint) newCall(op machine.OpID, cause machine.Cause, p *peer) *call {
	c := e.spareCalls.take()
	*c = call{op: op, cause: cause, values: c.values[:0], options: c.options[:0], payload: c.payload[:0],
		out: outgoing{data: c.out.data[:0]}}
	c.peer, c.holder.call = p, c
	c.out.owner, c.out.peer, c.out.cause = c, p, cause
	d := e.deal(p)
	d.calls = append(d.calls, c)
	return c
}

// freeCall ends a call without a word.
func (e *Endpoint) freeCall(now machine.Time, c *call) {
	p := c.peer
	e.stop(&c.out)
	e.timers.Stop(c.timer)
	if !c.ping {
		e.unhold(&c.holder)
	}
	delete(e.calls, c.op)
	p.dealings.calls = remove(p.dealings.calls, c)
	if o := c.observation; o != nil && o.fetch == c {
		o.fetch = nil
	}
	if cap(c.payload) > 4096 || cap(c.out.data) > 4096 {
		c.payload, c.out.data = nil, nil
	}
	clear(c.options)
	*c = call{values: c.values[:0], options: c.options[:0], payload: c.payload[:0], out: outgoing{data: c.out.data[:0]}}
	e.spareCalls.put(c)
	e.pump(now, p)
}

// fail ends an operation before it began.
func (e *Endpoint) fail(op machine.OpID, cause machine.Cause, path machine.Path, err error) machine.OpID {
	r := e.responses.get()
	*r = Response{Err: err, Options: r.Options[:0]}
	e.out.Push(machine.Action{Kind: machine.Result, Op: op, Cause: cause, Path: path, Value: r})
	return op
}

// finish ends a call with a response or an error.
func (e *Endpoint) finish(now machine.Time, c *call, path *machine.Path, m *coap.Message, err error) {
	if o := c.observation; o != nil && !o.initial {
		e.finishFetch(now, c, m, err)
		return
	}
	r := e.responses.get()
	*r = Response{Err: err, Options: r.Options[:0], Token: c.token}
	if path == nil {
		path = e.where(c.peer)
	}
	if m != nil && err == nil {
		r.Code, r.Payload = m.Code, m.Payload
		r.Options = append(r.Options, m.Options...)
		r.Format, r.HasFormat = r.Options.Format()
	}
	if err == nil && c.out.sent != 0 {
		r.RTT = now.Sub(c.out.sent)
	}
	if o := c.observation; o != nil {
		r.Token = o.token
		if o.fetch = nil; err == nil && m.Code.IsSuccess() {
			r.Observing, r.Sequence = true, o.last
		} else {
			e.endObservation(now, o)
		}
	}
	e.out.Push(machine.Action{Kind: machine.Result, Op: c.op, Cause: c.cause, Path: *path, Value: r})
	e.freeCall(now, c)
}

// expire implements expirer: the time that the program gave is over.
func (c *call) expire(e *Endpoint, now machine.Time) {
	c.timer = 0
	e.finish(now, c, nil, nil, ErrTimeout)
}

// acked implements owner: the response comes later, in a message of its own.
func (c *call) acked(e *Endpoint, now machine.Time, _ machine.Cause, path *machine.Path) {
	if c.ping {
		e.finish(now, c, path, &coap.Message{}, nil)
	}
}

// rejected implements owner.
func (c *call) rejected(e *Endpoint, now machine.Time, _ machine.Cause, path *machine.Path) {
	if c.ping {
		e.finish(now, c, path, &coap.Message{}, nil)
		return
	}
	e.finish(now, c, path, nil, ErrReset)
}

// expired implements owner.
func (c *call) expired(e *Endpoint, now machine.Time) { e.finish(now, c, nil, nil, ErrTimeout) }

// refresh implements owner.
func (c *call) refresh(*Endpoint, *outgoing) {}
