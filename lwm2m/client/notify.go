package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

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
	o.timer = c.timers.Set(o.timer, at, timerKey{observationTimer, o.id, c.cause})
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
