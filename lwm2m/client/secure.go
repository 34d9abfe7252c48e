package client

import (
	"time"

	"heddle.example/dtls"
	"heddle.example/machine"
)

// resumption is what is kept of the last DTLS session for a short handshake.
type resumption = *dtls.Resumption

// minSession is how long a session has to live for its end to be answered by a new handshake at once. A server that ends
// sessions sooner is treated as one that refuses.
const minSession = time.Minute

// dial begins a handshake.
func (c *Client) dial(i int) {
	a := &c.accounts[i]
	a.phase = connecting
	d := c.handshake(a, a.serverName())
	d.Resume = a.resume
	session, err := c.stack.DTLS().Dial(c.now, c.cause, a.path, d)
	if err != nil {
		c.fail(i, &RegistrationFailed{Err: err})
		return
	}
	a.session = session
}

// abandon gives up the request that is under way at a server, so that it does not stand in the way of the next one
// (NSTART, RFC 7252 section 4.7).
func (c *Client) abandon(i int) {
	a := &c.accounts[i]
	op := a.op
	a.op = 0
	if op != 0 && a.asks() {
		c.stack.Endpoint().Cancel(c.now, op)
	}
}

// hangUp ends an account's session, if it has one, and what is under way on it.
func (c *Client) hangUp(i int) {
	a := &c.accounts[i]
	c.abandon(i)
	if !a.secure || a.session == 0 {
		return
	}
	s := a.session
	a.session = 0
	c.stack.DTLS().Close(c.now, c.cause, s)
}

// established goes on with a finished handshake.
func (c *Client) established(cause machine.Cause, e *dtls.Established) {
	for i := range c.accounts {
		if a := &c.accounts[i]; a.session == e.Session && a.phase == connecting {
			c.cause = cause
			a.path, a.resume, a.connected = e.Path, e.Resume, c.now
			c.dirty = true
			if c.stopping {
				c.gone(i)
				return
			}
			c.enroll(i)
			return
		}
	}
}

// closed goes on after the end of a session or of a handshake. The server has lost the session, and the observations
// that were bound to it with it: a new handshake is followed by a new registration.
func (c *Client) closed(cause machine.Cause, e *dtls.Closed) {
	for i := range c.accounts {
		a := &c.accounts[i]
		if a.session == 0 || a.session != e.Session {
			continue
		}
		c.cause = cause
		a.session, a.op = 0, 0
		young := c.now.Sub(a.connected) < minSession
		if a.phase != connecting {
			c.dropObservations(i)
			a.location = ""
			c.dirty = true
		} else {
			// A resumption that the server does not like must not stand in the way of a full handshake.
			a.resume = nil
		}
		switch a.phase {
		case connecting, requesting, bootstrapping:
			c.fail(i, &RegistrationFailed{Err: e.Reason})
		case deregistering:
			c.deregistered(i)
		case registering, registered, updating:
			if young || a.phase == registering {
				c.fail(i, &RegistrationFailed{Err: e.Reason})
			} else {
				c.emit(&RegistrationFailed{Server: a.ShortID, Err: e.Reason})
				a.next = 0
				c.attempt(i)
			}
		}
	}
}
