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

// flushChanges evaluates the observations that the changes of an input can concern.
func (c *Client) flushChanges() bool {
	if len(c.touched) == 0 {
		return false
	}
	for _, o := range slices.Clone(c.observations) {
		if slices.ContainsFunc(c.touched, o.concerns) {
			c.evaluate(o)
		}
	}
	c.touched = c.touched[:0]
	return true
}

// attributesChanged evaluates and schedules anew the observations at and below a path.
func (c *Client) attributesChanged(account int, p lwm2m.Path) {
	for _, o := range slices.Clone(c.observations) {
		if o.account == account && o.concerns(p) {
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

// sampleOf reads what is at one path of an observation.
func (c *Client) sampleOf(p lwm2m.Path) sample {
	entries, ok := c.readPart(c.entries[:0], p)
	c.entries = entries[:0]
	if !ok {
		return sample{gone: true}
	}
	return newSample(entries, p)
}

// evaluate looks at an observation's values, and notifies or waits. Of an Observe-Composite one path whose conditions
// are met is enough, and the notification has the values of all.
func (c *Client) evaluate(o *observation) {
	c.acting = o.account
	defer func() { c.acting = -1 }()
	r := c.rules(o)
	o.evaluated = c.now
	there := false
	c.samples = c.samples[:0]
	for i := range o.parts {
		p := &o.parts[i]
		s := c.sampleOf(p.path)
		there = there || !s.gone
		c.samples = append(c.samples, s)
		if x := c.partRules(o, p.path); x.triggered(p.last, s) {
			o.pending = true
		} else if s.boolean && x.Has(lwm2m.Edge) {
			p.last = s // the step that was not asked for happened nevertheless
		}
	}
	if !there && !o.composite {
		c.notifyGone(o)
		return
	}
	if r.pmax > 0 && c.now >= o.sent.Add(r.pmax) || o.pending && c.now >= o.sent.Add(r.pmin) {
		c.notify(o, r.con)
	}
	c.schedule(o)
}

// schedule sets an observation's timer for the first instant at which there can be something to do.
func (c *Client) schedule(o *observation) {
	if !c.online(o.account) && !c.storesFor(o.account) { // what is due is due once the server is back
		c.timers.Stop(o.timer)
		o.timer = 0
		return
	}
	r := c.rules(o)
	at := machine.Never
	if r.pmax > 0 {
		at = o.sent.Add(r.pmax)
	}
	earliest := o.sent.Add(r.pmin)
	if o.pending {
		at = min(at, earliest)
	} else if next := c.nextChanges(o); next != machine.Never {
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

// nextChanges says when a value of an observation may change by itself.
func (c *Client) nextChanges(o *observation) machine.Time {
	at := machine.Never
	for i := range o.parts {
		if p := o.parts[i].path; p.Depth() > 0 {
			at = min(at, c.nextChange(p))
			continue
		}
		for _, x := range c.objects {
			at = min(at, c.nextChange(lwm2m.NewPath(x.Definition().ID)))
		}
	}
	return at
}

// nextChange says when a value at or below a path may change by itself.
func (c *Client) nextChange(p lwm2m.Path) machine.Time {
	if m, ok := c.object(p.Object()).(Mover); ok {
		return m.NextChange(c.now, p)
	}
	return machine.Never
}

// notify sends a notification with the values that evaluate has sampled.
func (c *Client) notify(o *observation, con bool) {
	if o.lost() || !c.online(o.account) {
		c.store(o)
		return
	}
	payload, err := c.observedPayload(o)
	reply := content(o.format, payload)
	if err != nil {
		// The value cannot be told in this format any more, as when a text became several values.
		e := asError(err)
		reply = &endpoint.Reply{Code: e.Code, Payload: []byte(e.Reason)}
	}
	o.pending, o.sent = false, c.now
	for i := range o.parts {
		o.parts[i].last = c.samples[i]
	}
	if con && err == nil && c.storesFor(o.account) {
		if o.store == nil {
			o.store = &storing{}
		}
		o.store.told = c.observed(o.store.told[:0], o, c.now)
	}
	// Once a day the endpoint makes it confirmable by itself (RFC 7641 section 4.5).
	c.stack.Endpoint().Notify(c.now, c.cause, o.sub, reply, con)
	if err != nil {
		c.drop(o) // an error ends the subscription
	}
}

// observedPayload reads what an observation's notification tells.
func (c *Client) observedPayload(o *observation) ([]byte, error) {
	if o.composite {
		payload, _, err := c.compositePayload(o.paths(), o.format)
		return payload, err
	}
	return c.readPayload(o.path(), o.format)
}

// notifyGone ends an observation whose target is gone, or may not be read any more, by a last notification that says so
// (RFC 7641 section 4.2).
func (c *Client) notifyGone(o *observation) {
	why := coap.NotFound
	if _, err := c.read(nil, c.now, o.path()); err != nil {
		why = asError(err).Code
	}
	c.stack.Endpoint().Notify(c.now, c.cause, o.sub, &endpoint.Reply{Code: why}, true)
	c.drop(o)
}
