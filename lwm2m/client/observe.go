package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// observation is a server's wish to hear of changes at a path.
type observation struct {
	id        uint32
	account   int
	path      lwm2m.Path
	format    coap.ContentFormat
	sub       endpoint.Subscription
	timer     machine.TimerID
	sent      machine.Time // the last notification
	evaluated machine.Time
	last      sample // what was notified last
	pending   bool   // a notification is due, but pmin has not passed
}

// Observation tells of an observation.
type Observation struct {
	Server     uint16 // Short Server ID
	Path       lwm2m.Path
	Format     coap.ContentFormat
	Attributes lwm2m.Attributes // in force
	Last       machine.Time     // of the last notification
}

// Observations returns who observes what, in order of beginning.
func (c *Client) Observations() []Observation {
	var out []Observation
	for _, o := range c.observations {
		out = append(out, Observation{
			c.accounts[o.account].ShortID, o.path, o.format, c.effective(o.account, o.path), o.sent,
		})
	}
	return out
}

// observe answers an Observe (6.4.1). A second Observe of the same server on the same path takes the first one's place:
// a server asks again when it has forgotten.
func (c *Client) observe(op *operation, f coap.ContentFormat, reply *endpoint.Reply) {
	ep := c.stack.Endpoint()
	for _, o := range slices.Clone(c.observations) {
		if o.account == op.account && o.path == op.path {
			c.drop(o)
			ep.Unsubscribe(c.now, o.sub)
		}
	}
	if len(c.observations) >= c.cfg.MaxObservations {
		ep.Respond(c.now, c.cause, op.Exchange, reply, 0) // without an observation (RFC 7641 section 4.1)
		return
	}
	c.observeID++
	o := &observation{
		id: c.observeID, account: op.account, path: op.path, format: f, sub: ep.Accept(c.now, op.Exchange),
		sent: c.now, evaluated: c.now,
	}
	if !o.sub.Valid() {
		ep.Respond(c.now, c.cause, op.Exchange, reply, 0)
		return
	}
	o.last = c.sampleOf(o)
	c.observations = append(c.observations, o)
	ep.Respond(c.now, c.cause, op.Exchange, reply, 0)
	c.emit(&Observed{Server: op.call.Server, Path: o.path, Began: true})
	c.schedule(o)
}

// unsubscribed notes that the endpoint has ended a subscription.
func (c *Client) unsubscribed(e *endpoint.Unsubscribed) {
	for _, o := range c.observations {
		if o.sub == e.Subscription {
			c.drop(o)
			return
		}
	}
}

// drop forgets an observation.
func (c *Client) drop(o *observation) {
	c.timers.Stop(o.timer)
	o.timer = 0
	c.observations = slices.DeleteFunc(c.observations, func(x *observation) bool { return x == o })
	c.emit(&Observed{Server: c.accounts[o.account].ShortID, Path: o.path})
}

// dropObservations forgets a server's observations: a new registration, or none, begins without.
func (c *Client) dropObservations(i int) {
	for _, o := range slices.Clone(c.observations) {
		if o.account == i {
			c.drop(o)
			c.stack.Endpoint().Unsubscribe(c.now, o.sub)
		}
	}
}

// Changed says that values at or below the paths may have changed: notifications follow where somebody observes them.
func (c *Client) Changed(now machine.Time, cause machine.Cause, paths ...lwm2m.Path) {
	c.begin(now, cause)
	for _, p := range paths {
		c.changed(p)
	}
	c.end()
}

// changed notes that values at or below a path may have changed.
func (c *Client) changed(p lwm2m.Path) {
	if len(c.observations) > 0 && !slices.Contains(c.touched, p) {
		c.touched = append(c.touched, p)
	}
}

// flushChanges evaluates the observations that the changes of an input can concern: those at the path of a change, above
// it and below it.
func (c *Client) flushChanges() bool {
	if len(c.touched) == 0 {
		return false
	}
	for _, o := range slices.Clone(c.observations) {
		if slices.ContainsFunc(c.touched, func(p lwm2m.Path) bool { return o.path.HasPrefix(p) || p.HasPrefix(o.path) }) {
			c.evaluate(o)
		}
	}
	c.touched = c.touched[:0]
	return true
}

// attributesChanged evaluates and schedules anew the observations at and below a path.
func (c *Client) attributesChanged(account int, p lwm2m.Path) {
	for _, o := range slices.Clone(c.observations) {
		if o.account == account && o.path.HasPrefix(p) {
			c.schedule(o)
		}
	}
}

// observationExpired does what an observation's timer was set for.
func (c *Client) observationExpired(id uint32) {
	i := slices.IndexFunc(c.observations, func(o *observation) bool { return o.id == id })
	if i < 0 {
		return
	}
	o := c.observations[i]
	o.timer = 0
	c.evaluate(o)
}

// sampleOf reads what an observation looks at.
func (c *Client) sampleOf(o *observation) sample {
	entries, err := c.read(c.entries[:0], c.now, o.path)
	c.entries = entries[:0]
	if err != nil {
		return sample{gone: true}
	}
	return newSample(entries, o.path)
}

// evaluate looks at an observation's value, and notifies or waits.
func (c *Client) evaluate(o *observation) {
	r := c.rules(o)
	s := c.sampleOf(o)
	o.evaluated = c.now
	if s.gone {
		c.notifyGone(o)
		return
	}
	if r.triggered(o.last, s) {
		o.pending = true
	} else if s.boolean && r.Has(lwm2m.Edge) {
		o.last = s // the step that was not asked for happened nevertheless
	}
	if r.pmax > 0 && c.now >= o.sent.Add(r.pmax) || o.pending && c.now >= o.sent.Add(r.pmin) {
		c.notify(o, s, r.con)
	}
	c.schedule(o)
}

// schedule sets an observation's timer for the first instant at which there can be something to do.
func (c *Client) schedule(o *observation) {
	r := c.rules(o)
	at := machine.Never
	if r.pmax > 0 {
		at = o.sent.Add(r.pmax)
	}
	earliest := o.sent.Add(r.pmin)
	if o.pending {
		at = min(at, earliest)
	} else if next := c.nextChange(o.path); next != machine.Never {
		next = max(next, c.now+1, o.evaluated.Add(r.epmin))
		if !r.thresholds() {
			// Only the value at the end of pmin counts, so that nothing needs to run before.
			next = max(next, earliest)
		}
		at = min(at, next)
	}
	if r.epmax > 0 {
		at = min(at, o.evaluated.Add(r.epmax))
	}
	o.timer = c.timers.Set(o.timer, at, timerKey{observationTimer, o.id})
}

// nextChange says when a value at or below a path may change by itself.
func (c *Client) nextChange(p lwm2m.Path) machine.Time {
	if m, ok := c.object(p.Object()).(Mover); ok {
		return m.NextChange(c.now, p)
	}
	return machine.Never
}

// notify sends a notification.
func (c *Client) notify(o *observation, s sample, con bool) {
	payload, err := c.readPayload(o.path, o.format)
	reply := content(o.format, payload)
	if err != nil {
		// The value cannot be told in this format any more, as when a text became several values.
		e := asError(err)
		reply = &endpoint.Reply{Code: e.Code, Payload: []byte(e.Reason)}
	}
	o.pending, o.last, o.sent = false, s, c.now
	// Once a day the endpoint makes it confirmable by itself (RFC 7641 section 4.5).
	c.stack.Endpoint().Notify(c.now, c.cause, o.sub, reply, con)
	if err != nil {
		c.drop(o) // an error ends the subscription
	}
}

// notifyGone ends an observation whose target is gone, by a last notification that says so (RFC 7641 section 4.2).
func (c *Client) notifyGone(o *observation) {
	c.stack.Endpoint().Notify(c.now, c.cause, o.sub, &endpoint.Reply{Code: coap.NotFound}, true)
	c.drop(o)
}
