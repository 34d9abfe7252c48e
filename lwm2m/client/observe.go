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
