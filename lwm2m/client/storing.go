package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// Bounds of what is stored for a server that cannot be reached. Beyond them the oldest goes.
const (
	maxStoredSamples = 64   // notifications of one observation, where hqmax does not say less
	maxStoredEntries = 512  // values of one observation
	maxStoredAll     = 4096 // values of all observations
)

// storing is what an observation keeps while its server is disabled or out of reach (resource 6 of the Server object). Such
// an observation may be lost: the server has to ask for it again, since the session or the registration is another one
// now. What is stored is told under the new one.
type storing struct {
	samples []storedSample
	told    []lwm2m.Entry // by the last confirmable notification, which nobody may have received
	lost    bool
	missed  bool // a registration since did not ask for it
}

// storedSample is one notification that did not leave.
type storedSample struct {
	at      machine.Time
	entries []lwm2m.Entry
}

// online reports whether notifications reach a server, as far as anybody knows.
func (c *Client) online(account int) bool {
	p := c.accounts[account].phase
	return p == registered || p == updating
}

// storesFor reports whether notifications are stored for a server.
func (c *Client) storesFor(account int) bool {
	a := &c.accounts[account]
	return a.Storing && !c.stopping && !a.leaving && a.phase != idle && a.phase != vacant
}

// observed appends what an observation looks at now, with a time.
func (c *Client) observed(dst []lwm2m.Entry, o *observation, at machine.Time) []lwm2m.Entry {
	start := len(dst)
	if o.composite {
		entries, _ := c.readComposite(nil, o.paths())
		dst = append(dst, entries...)
	} else {
		dst, _ = c.readPart(dst, o.path())
	}
	dst = append(dst[:start], slices.DeleteFunc(dst[start:], func(e lwm2m.Entry) bool { return e.Value.IsNone() })...)
	for i := start; i < len(dst); i++ {
		if dst[i].Time == 0 {
			dst[i].Time = int64(at)
		}
	}
	return dst
}

// store keeps a notification that cannot leave; where the server wants none of those, only the fact that one is due.
func (c *Client) store(o *observation) {
	if !c.storesFor(o.account) {
		o.pending = true
		return
	}
	o.pending, o.sent = false, c.now
	for i := range o.parts {
		o.parts[i].last = c.samples[i]
	}
	c.storeSample(o, storedSample{c.now, c.observed(nil, o, c.now)})
}

// storeSample adds a sample and makes room for it.
func (c *Client) storeSample(o *observation, s storedSample) {
	r := c.rules(o)
	most := maxStoredSamples
	if r.Has(lwm2m.Hqmax) {
		most = int(min(r.Hqmax, maxStoredSamples))
	}
	if o.store == nil {
		o.store = &storing{}
	}
	o.store.samples = append(o.store.samples, s)
	c.stored += len(s.entries)
	entries := 0
	for _, x := range o.store.samples {
		entries += len(x.entries)
	}
	for len(o.store.samples) > 0 && (len(o.store.samples) > most || entries > maxStoredEntries || c.stored > maxStoredAll) {
		n := len(o.store.samples[0].entries)
		entries -= n
		c.stored -= n
		o.store.samples = slices.Delete(o.store.samples, 0, 1)
	}
}

// takeStored takes out what is stored.
func (c *Client) takeStored(o *observation) []storedSample {
	if o.store == nil {
		return nil
	}
	list := o.store.samples
	for _, s := range list {
		c.stored -= len(s.entries)
	}
	o.store.samples = nil
	return list
}

func (o *observation) lost() bool { return o.store != nil && o.store.lost }

// lose takes an observation off the endpoint. It goes on by itself and stores what it would have told, until the server
// asks for it again.
func (c *Client) lose(o *observation) {
	if o.lost() {
		return
	}
	c.stack.Endpoint().Unsubscribe(c.now, o.sub)
	o.sub = endpoint.Subscription{}
	if o.store == nil {
		o.store = &storing{}
	}
	o.store.lost = true
	c.emit(&Observed{Server: c.accounts[o.account].ShortID, Path: o.path()})
	c.schedule(o)
}

// unreachable deals with a subscription that ended because nobody acknowledged its notifications, or because its session
// is gone. A server that does not acknowledge has perhaps lost everything: a new registration lets it ask anew.
func (c *Client) unreachable(o *observation, why endpoint.Reason) {
	if !c.storesFor(o.account) {
		c.drop(o)
		return
	}
	if why == endpoint.TimedOut && o.store != nil && len(o.store.told) > 0 {
		c.storeSample(o, storedSample{o.sent, o.store.told})
		o.store.told = nil
	}
	c.lose(o)
	if a := &c.accounts[o.account]; why == endpoint.TimedOut && a.phase == registered {
		a.location, a.next = "", 0
		c.dirty = true
		c.attempt(o.account)
	}
}

// missed notes, after a registration, which observations wait to be asked for. Those that the registration before waited
// for in vain are given up.
func (c *Client) missed(account int) {
	for _, o := range slices.Clone(c.observations) {
		if o.account != account || !o.lost() {
			continue
		}
		if o.store.missed {
			c.drop(o)
		}
		o.store.missed = true
	}
}

// back tells a server what it has not heard of while it was out of reach.
func (c *Client) back(account int) {
	for _, o := range slices.Clone(c.observations) {
		if o.account == account && !o.lost() {
			if samples := c.takeStored(o); len(samples) > 0 {
				c.tell(o, samples, true)
			} else {
				c.evaluate(o)
			}
		}
	}
}

// tell sends stored samples as one confirmable notification, where the format has times for them; else only the newest
// value counts. now says that the present values are part of it.
func (c *Client) tell(o *observation, samples []storedSample, now bool) {
	switch o.format {
	case coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR, coap.JSON, coap.JSONOld:
	default:
		if o.pending = true; now {
			c.evaluate(o)
		}
		return
	}
	acting := c.acting
	c.acting = o.account
	defer func() { c.acting = acting }()
	var entries []lwm2m.Entry
	for _, s := range samples {
		for _, e := range s.entries {
			if c.authorize(e.Path, RightRead) == nil { // its rights may be others now
				entries = append(entries, e)
			}
		}
	}
	if now {
		entries = c.observed(entries, o, c.now)
		for i := range o.parts {
			o.parts[i].last = c.sampleOf(o.parts[i].path)
		}
		o.pending, o.sent = false, c.now
	}
	if len(entries) == 0 {
		return
	}
	lwm2m.Sort(entries)
	entries = slices.CompactFunc(entries, func(a, b lwm2m.Entry) bool { return a.Path == b.Path && a.Time == b.Time })
	payload, err := format.Append(nil, o.format, o.path(), entries)
	if err != nil {
		return // a value that this format has no way to say
	}
	c.stack.Endpoint().Notify(c.now, c.cause, o.sub, content(o.format, payload), true)
	c.schedule(o)
}
