package client

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
)

// restoredTimeout bounds the wait for an answer on a session from before a restart: the server may have lost it, and a
// handshake helps at once.
const restoredTimeout = 30 * time.Second

// Start begins to register with every server.
func (c *Client) Start(now machine.Time, cause machine.Cause) {
	c.begin(now, cause)
	if !c.started {
		c.started, c.stopping = true, false
		c.startBootstrapAccount()
		c.resumeSessions()
		c.enterAll()
		c.startObjects()
		c.resumeFetch()
	}
	c.end()
}

// enterAll begins with every account, by priority; without any it begins with a bootstrap.
func (c *Client) enterAll() {
	if c.bootstrapIsDue() {
		c.requireBootstrap()
		return
	}
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.serves() {
			continue
		}
		a.retry, a.failed = retryState{}, false
		if a.disabled > c.now {
			a.phase = resting
			c.setTimer(i, a.disabled.Sub(c.now))
			continue
		}
		a.phase = queued
		if !a.ordered() {
			c.enter(i)
		}
	}
	c.enterNext()
}

// enter begins the first attempt of an account, after its initial delay.
func (c *Client) enter(i int) {
	if a := &c.accounts[i]; a.InitialDelay > 0 && a.location == "" {
		c.wait(i, a.InitialDelay)
	} else {
		c.attempt(i)
	}
}

// enterNext lets the next account by priority (resource 13) begin once all before it are registered or, without
// resource 15, have failed.
func (c *Client) enterNext() {
	best := -1
	for i := range c.accounts {
		a := &c.accounts[i]
		switch {
		case !a.ordered() || !a.serves():
		case a.phase == queued:
			if best < 0 || a.Priority < c.accounts[best].Priority {
				best = i
			}
		case a.location == "" && a.phase != resting && (!a.retry.exhausted || a.FailureBlock):
			return
		}
	}
	if best >= 0 && !c.stopping {
		c.enter(best)
	}
}

// wait sets an account's timer.
func (c *Client) wait(i int, d time.Duration) {
	c.accounts[i].phase = waiting
	c.setTimer(i, d)
}

func (c *Client) setTimer(i int, d time.Duration) {
	a := &c.accounts[i]
	a.timer = c.timers.Set(a.timer, c.now.Add(d), timerKey{accountTimer, uint32(i), c.cause})
}

func (c *Client) stopTimer(i int) {
	c.timers.Stop(c.accounts[i].timer)
	c.accounts[i].timer = 0
}

// attempt begins to reach a server: name, handshake, Register or Update.
func (c *Client) attempt(i int) {
	a := &c.accounts[i]
	c.stopTimer(i)
	if a.session != 0 {
		c.enroll(i) // the session outlived what went wrong, or a restart
		return
	}
	if a.addr.IsValid() {
		a.addrs, a.next = []netip.Addr{a.addr}, 0
	}
	if a.next < len(a.addrs) {
		c.connect(i)
		return
	}
	a.phase = resolving
	a.op = c.ask(&Resolve{a.host})
}

// Resolved answers an Ask of Resolve.
func (c *Client) Resolved(now machine.Time, cause machine.Cause, op machine.OpID, addrs []netip.Addr, err error) {
	c.begin(now, cause)
	for i := range c.accounts {
		a := &c.accounts[i]
		if a.phase != resolving || a.op != op {
			continue
		}
		a.op = 0
		if err == nil && len(addrs) == 0 {
			err = fmt.Errorf("lwm2m client: the name %.64q has no address", a.host)
		}
		if err != nil {
			c.fail(i, &RegistrationFailed{Err: err})
			continue
		}
		a.addrs, a.next = slices.Clone(addrs), 0
		c.connect(i)
	}
	c.fetchResolved(op, addrs, err)
	c.end()
}

// connect makes the path to the server's next address.
func (c *Client) connect(i int) {
	a := &c.accounts[i]
	remote := netip.AddrPortFrom(a.addrs[a.next], a.port)
	a.next++
	c.hangUp(i)
	a.path = machine.Path{Local: c.cfg.Local, Remote: remote, Link: c.cfg.Link}
	if !a.secure {
		c.enroll(i)
		return
	}
	c.dial(i)
}

// enroll sends Register, or an Update where a registration is still in force; to a bootstrap server Bootstrap-Request.
func (c *Client) enroll(i int) {
	switch a := &c.accounts[i]; {
	case a.Bootstrap:
		c.requestBootstrap(i)
	case a.location != "":
		c.update(i)
	default:
		c.register(i)
	}
}

// inForce notes that server and client agree about the registration as of now.
func (c *Client) inForce(i int) {
	a := &c.accounts[i]
	a.phase, a.failed, a.retry, a.disabled = registered, false, retryState{}, 0
	c.bootstrapWorked()
	a.expires, a.next = machine.Never, 0
	if a.Lifetime >= 0 {
		a.expires = c.now.Add(a.Lifetime)
		c.setTimer(i, a.updateAfter())
	}
	c.dirty = true
	if c.stopping {
		c.deregister(i)
		return
	}
	c.back(i)
	c.enterNext()
}

// fail counts a failed attempt and waits for the next one.
func (c *Client) fail(i int, f *RegistrationFailed) {
	a := &c.accounts[i]
	if c.stopping {
		c.gone(i)
		return
	}
	a.failed = true
	if f.Err != nil {
		c.hangUp(i)
	}
	if f.Err != nil && a.next < len(a.addrs) {
		// The name has another address: one attempt tries them all.
		c.connect(i)
		return
	}
	a.addrs, a.next = nil, 0
	if a.Bootstrap {
		c.bootstrapFailed(i, f)
		return
	}
	delay, exhausted := a.retry.fail(a.policy())
	f.Server, f.Retry = a.ShortID, delay
	rejected := f.Code.Class() == 4 && a.location == ""
	if (exhausted || rejected) && !a.NoBootstrapOnFailure && c.bootstrapAccount() >= 0 {
		f.Retry = 0
		c.emit(f)
		a.phase = queued
		c.requireBootstrap()
		return
	}
	c.emit(f)
	c.wait(i, delay)
	if exhausted {
		c.enterNext()
	}
}

// accountExpired does what an account waited for.
func (c *Client) accountExpired(i int) {
	a := &c.accounts[i]
	a.timer = 0
	if a.Bootstrap {
		c.bootstrapTimer(i)
		return
	}
	switch a.phase {
	case waiting, resting:
		c.attempt(i)
	case registered:
		c.update(i)
	case registering, updating:
		c.gone(i) // Stop waited long enough
	}
}
