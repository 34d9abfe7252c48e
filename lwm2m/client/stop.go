package client

import (
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// stopTimeout bounds the wait for the answer to Deregister.
const stopTimeout = 3 * time.Second

// deregister sends Deregister (6.2.3).
func (c *Client) deregister(i int) {
	a := &c.accounts[i]
	c.stopTimer(i)
	c.cancelSends(i) // Deregister does not wait for them
	a.phase = deregistering
	o := make(coap.Options, 0, 2).AppendPath(a.location)
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &endpoint.Request{Code: coap.DELETE, Options: o, Timeout: stopTimeout})
}

// deregistered ends an account's registration, whatever the server answered.
func (c *Client) deregistered(i int) {
	c.emit(&Deregistered{Server: c.accounts[i].ShortID})
	c.gone(i)
}

// gone forgets an account's registration: after Stop for good, after 1/x/4 for the time of 1/x/5.
func (c *Client) gone(i int) {
	a := &c.accounts[i]
	c.stopTimer(i)
	c.dropObservations(i)
	c.cancelSends(i)
	c.hangUp(i)
	a.location, a.expires, a.retry, a.op, a.dirty = "", machine.Never, retryState{}, 0, 0
	c.dirty = true
	switch {
	case a.leaving:
		c.vacate(i)
		c.checkStopped()
		return
	case c.stopping:
		a.phase = idle
		c.checkStopped()
		return
	}
	a.phase = resting
	c.setTimer(i, a.DisableTimeout)
	c.enterNext()
}

// Stop deregisters from every server; the event Stopped follows.
func (c *Client) Stop(now machine.Time, cause machine.Cause) {
	c.begin(now, cause)
	if c.started && !c.stopping {
		c.stopping = true
		for i := range c.accounts {
			switch a := &c.accounts[i]; {
			case a.phase == deregistering || a.phase == vacant:
			case a.phase == registering || a.phase == updating:
				// The answer is waited for, since it may make a registration; but not for long.
				c.setTimer(i, stopTimeout)
			case a.location != "" && (a.session != 0 || !a.secure):
				c.deregister(i)
			default:
				c.gone(i)
			}
		}
		c.checkStopped()
	}
	c.end()
}

// checkStopped ends Stop once all accounts are at rest.
func (c *Client) checkStopped() {
	if !c.started || slices.ContainsFunc(c.accounts, func(a account) bool { return a.phase != idle && a.phase != vacant }) {
		return
	}
	c.started = false
	c.stopObjects()
	c.haltFetch()
	c.emit(&Stopped{})
}
