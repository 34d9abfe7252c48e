package client

import (
	"strconv"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// update sends an Update with what has changed (6.2.2).
func (c *Client) update(i int) {
	a := &c.accounts[i]
	c.stopTimer(i)
	a.phase = updating
	o := make(coap.Options, 0, 6).AppendPath(a.location)
	var payload []byte
	if a.dirty&dirtObjects != 0 {
		o = o.SetFormat(coap.LinkFormat)
		payload = c.appendInventory(nil)
	}
	if a.dirty&dirtLifetime != 0 {
		o = o.AddQuery("lt=" + strconv.FormatInt(a.lifetimeSeconds(), 10))
	}
	if a.dirty&dirtBinding != 0 {
		o = c.addBinding(o, a, true)
	}
	a.told, a.dirty = a.dirty, 0
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &endpoint.Request{Code: coap.POST, Options: o, Payload: payload})
}

func (c *Client) updateResult(i int, r *endpoint.Response) {
	a := &c.accounts[i]
	switch {
	case r.Err == nil && r.Code == coap.Changed:
		c.inForce(i)
		c.emit(&Updated{Server: a.ShortID})
		return
	case r.Err == nil && r.Code.Class() == 5 && c.now < a.expires:
		// The server is in trouble, the registration is not known to be gone.
		a.dirty |= a.told | dirtForced
		c.fail(i, failure(r))
		return
	}
	// 4.04: the server does not know the registration. Time-out: perhaps it has lost everything. Either way a new
	// registration, over a new session where there was no answer.
	a.location = ""
	c.dirty = true
	if r.Err != nil {
		c.hangUp(i)
	}
	a.next = 0
	c.emit(withServer(failure(r), a.ShortID))
	c.attempt(i)
}

func withServer(f *RegistrationFailed, id uint16) *RegistrationFailed { f.Server = id; return f }

// flushAccounts sends the Updates and Deregisters that an input has left due, and reports whether there were any.
func (c *Client) flushAccounts() (any bool) {
	for i := range c.accounts {
		a := &c.accounts[i]
		if a.phase != registered {
			continue
		}
		switch {
		case a.disabling:
			a.disabling, any = false, true
			c.deregister(i)
		case a.dirty != 0:
			any = true
			c.update(i)
		}
	}
	return any
}

// Update asks for an Update at a server now.
func (c *Client) Update(now machine.Time, cause machine.Cause, server uint16) error {
	c.begin(now, cause)
	defer c.end()
	for i := range c.accounts {
		if a := &c.accounts[i]; a.ShortID == server && a.serves() {
			if a.location == "" {
				return ErrNotRegistered
			}
			a.dirty |= dirtForced
			return nil
		}
	}
	return ErrUnknownServer
}
