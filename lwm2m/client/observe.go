package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// observation is a server's wish to hear of changes at a path, or at the paths of an Observe-Composite.
type observation struct {
	id        uint32
	account   int
	parts     []component
	format    coap.ContentFormat
	sub       endpoint.Subscription
	timer     machine.TimerID
	sent      machine.Time // the last notification
	evaluated machine.Time
	store     *storing // nil while nothing had to be stored
	composite bool
	pending   bool // a notification is due, but pmin has not passed
}

// component is one path of an observation.
type component struct {
	path lwm2m.Path
	last sample // what was notified last
}

// path is what the observation is about: the root for an Observe-Composite.
func (o *observation) path() lwm2m.Path {
	if o.composite {
		return lwm2m.Root
	}
	return o.parts[0].path
}

// paths are all of an observation's paths.
func (o *observation) paths() []lwm2m.Path {
	list := make([]lwm2m.Path, len(o.parts))
	for i := range o.parts {
		list[i] = o.parts[i].path
	}
	return list
}

// concerns reports whether a change at a path can be one of what is observed: at the path, above it or below it.
func (o *observation) concerns(p lwm2m.Path) bool {
	return slices.ContainsFunc(o.parts, func(x component) bool { return x.path.HasPrefix(p) || p.HasPrefix(x.path) })
}

// Observation tells of an observation.
type Observation struct {
	Server     uint16       // Short Server ID
	Path       lwm2m.Path   // the root for an Observe-Composite
	Paths      []lwm2m.Path // of an Observe-Composite, else nil
	Format     coap.ContentFormat
	Attributes lwm2m.Attributes // in force; of an Observe-Composite each path has its own
	Last       machine.Time     // of the last notification
}

// Observations returns who observes what, in order of beginning.
func (c *Client) Observations() []Observation {
	var out []Observation
	for _, o := range c.observations {
		if o.lost() {
			continue
		}
		x := Observation{Server: c.accounts[o.account].ShortID, Path: o.path(), Format: o.format, Last: o.sent}
		if o.composite {
			x.Paths = o.paths()
		} else {
			x.Attributes = c.effective(o.account, x.Path)
		}
		out = append(out, x)
	}
	return out
}

// observe answers an Observe (6.4.1) or Observe-Composite (6.4.2). A second one of the same server on the same path, or
// list of paths, takes the first one's place: a server asks again when it has forgotten.
func (c *Client) observe(op *operation, paths []lwm2m.Path, f coap.ContentFormat, reply *endpoint.Reply) {
	ep := c.stack.Endpoint()
	composite := op.Code == coap.FETCH
	var stored []storedSample
	for _, o := range slices.Clone(c.observations) {
		if o.account == op.account && o.composite == composite && slices.Equal(o.paths(), paths) {
			stored = append(stored, c.takeStored(o)...)
			c.drop(o)
			ep.Unsubscribe(c.now, o.sub)
		}
	}
	if i := slices.IndexFunc(c.observations, (*observation).lost); i >= 0 && len(c.observations) >= c.cfg.MaxObservations {
		c.drop(c.observations[i])
	}
	if len(c.observations) >= c.cfg.MaxObservations {
		ep.Respond(c.now, c.cause, op.Exchange, reply, 0) // without an observation (RFC 7641 section 4.1)
		return
	}
	c.observeID++
	o := &observation{
		id: c.observeID, account: op.account, parts: make([]component, len(paths)), composite: composite, format: f,
		sub: ep.Accept(c.now, op.Exchange), sent: c.now, evaluated: c.now,
	}
	if !o.sub.Valid() {
		ep.Respond(c.now, c.cause, op.Exchange, reply, 0)
		return
	}
	for i, p := range paths {
		o.parts[i] = component{p, c.sampleOf(p)}
	}
	c.observations = append(c.observations, o)
	ep.Respond(c.now, c.cause, op.Exchange, reply, 0)
	c.emit(&Observed{Server: op.call.Server, Path: o.path(), Began: true})
	c.schedule(o)
	if len(stored) > 0 {
		c.tell(o, stored, false)
	}
}

// unsubscribed notes that the endpoint has ended a subscription.
func (c *Client) unsubscribed(e *endpoint.Unsubscribed) {
	for _, o := range c.observations {
		if o.sub == e.Subscription {
			if e.Reason == endpoint.TimedOut || e.Reason == endpoint.Closed {
				c.unreachable(o, e.Reason)
			} else {
				c.drop(o)
			}
			return
		}
	}
}

// drop forgets an observation.
func (c *Client) drop(o *observation) {
	c.timers.Stop(o.timer)
	o.timer = 0
	c.observations = slices.DeleteFunc(c.observations, func(x *observation) bool { return x == o })
	c.takeStored(o)
	if o.lost() {
		return // that has been told
	}
	c.emit(&Observed{Server: c.accounts[o.account].ShortID, Path: o.path()})
}

// dropObservations forgets a server's observations: a new registration, or none, begins without. Where notifications are
// stored, they go on by themselves.
func (c *Client) dropObservations(i int) {
	for _, o := range slices.Clone(c.observations) {
		switch {
		case o.account != i:
		case c.storesFor(i):
			c.lose(o)
		default:
			c.drop(o)
			c.stack.Endpoint().Unsubscribe(c.now, o.sub)
		}
	}
}
