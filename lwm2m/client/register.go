package client

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// stopTimeout bounds the wait for the answer to Deregister.
const stopTimeout = 5 * time.Second

// restoredTimeout bounds the wait for an answer on a session from before a restart: the server may have lost it, and a
// handshake helps at once.
const restoredTimeout = 30 * time.Second

// Start begins to register with every server.
func (c *Client) Start(now machine.Time, cause machine.Cause) {
	c.begin(now, cause)
	if !c.started {
		c.started, c.stopping = true, false
		c.resumeSessions()
		for i := range c.accounts {
			a := &c.accounts[i]
			a.retry, a.failed = retryState{}, false
			a.phase = queued
			if a.Priority == 0 {
				c.enter(i)
			}
		}
		c.enterNext()
		c.startObjects()
	}
	c.end()
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
		case a.Priority == 0:
		case a.phase == queued:
			if best < 0 || a.Priority < c.accounts[best].Priority {
				best = i
			}
		case a.location == "" && a.phase != disabled && (!a.retry.exhausted || a.FailureBlock):
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
	a.timer = c.timers.Set(a.timer, c.now.Add(d), timerKey{accountTimer, uint32(i)})
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

// enroll sends Register, or an Update where a registration is still in force.
func (c *Client) enroll(i int) {
	if c.accounts[i].location != "" {
		c.update(i)
	} else {
		c.register(i)
	}
}

// register sends Register (6.2.1). The order of the query is what some servers expect: lwm2m, ep, lt, b, Q.
func (c *Client) register(i int) {
	a := &c.accounts[i]
	a.phase, a.dirty = registering, 0
	// A new registration begins without observations. The server may set them again before its 2.01 arrives, so that this
	// is the moment to forget the old ones.
	c.dropObservations(i)
	o := make(coap.Options, 0, 8).AddString(coap.URIPath, "rd").SetFormat(coap.LinkFormat)
	o = o.AddQuery("lwm2m=" + a.version.String())
	if c.cfg.Endpoint != "" {
		o = o.AddQuery("ep=" + c.cfg.Endpoint)
	}
	o = o.AddQuery("lt=" + strconv.FormatInt(a.lifetimeSeconds(), 10))
	o = c.addBinding(o, a, false)
	req := endpoint.Request{Code: coap.POST, Options: o, Payload: c.appendInventory(nil)}
	if a.restored {
		req.Timeout = restoredTimeout
	}
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &req)
}

// addBinding adds the parameters of binding and queue mode: b=UQ in 1.0, a bare Q beside b from 1.1. The default b=U is
// left out of Register.
func (c *Client) addBinding(o coap.Options, a *account, always bool) coap.Options {
	b := a.binding
	if c.cfg.Queue && a.version == lwm2m.V1_0 {
		b |= lwm2m.BindingQueue
	}
	if b != lwm2m.BindingUDP || always {
		o = o.AddQuery("b=" + b.String())
	}
	if c.cfg.Queue && a.version != lwm2m.V1_0 {
		o = o.AddQuery("Q")
	}
	return o
}

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
	a.dirty = 0
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &endpoint.Request{Code: coap.POST, Options: o, Payload: payload})
}

// deregister sends Deregister (6.2.3).
func (c *Client) deregister(i int) {
	a := &c.accounts[i]
	c.stopTimer(i)
	a.phase = deregistering
	o := make(coap.Options, 0, 2).AppendPath(a.location)
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &endpoint.Request{Code: coap.DELETE, Options: o, Timeout: stopTimeout})
}

// result takes in the end of a request of ours.
func (c *Client) result(cause machine.Cause, op machine.OpID, r *endpoint.Response) {
	i := slices.IndexFunc(c.accounts, func(a account) bool {
		return a.op == op && (a.phase == registering || a.phase == updating || a.phase == deregistering)
	})
	if i < 0 {
		return
	}
	c.cause = cause
	a := &c.accounts[i]
	a.op = 0
	switch a.phase {
	case registering:
		c.registerResult(i, r)
	case updating:
		c.updateResult(i, r)
	case deregistering:
		c.deregistered(i)
	}
}

func (c *Client) registerResult(i int, r *endpoint.Response) {
	a := &c.accounts[i]
	if a.restored {
		a.restored = false
		if r.Err != nil {
			c.hangUp(i)
			c.attempt(i)
			return
		}
	}
	if r.Err == nil && r.Code == coap.Created {
		location := joinLocation(r.Options)
		if location != "" {
			a.location = location
			c.inForce(i)
			c.emit(&Registered{Server: a.ShortID, Location: "/" + location, Version: a.version, Remote: a.path.Remote})
			return
		}
	}
	if r.Err == nil && r.Code == coap.PreconditionFailed {
		// Only this code says that the server does not speak the version (6.2.1.1).
		if v, ok := olderVersion(a.version); ok {
			a.version = v
			c.register(i)
			return
		}
	}
	c.fail(i, failure(r))
}

func olderVersion(v lwm2m.Version) (lwm2m.Version, bool) {
	if v.Major != 1 || v.Minor == 0 {
		return v, false
	}
	return lwm2m.Version{Major: 1, Minor: v.Minor - 1}, true
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
		a.dirty |= dirtForced
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

// inForce notes that server and client agree about the registration as of now.
func (c *Client) inForce(i int) {
	a := &c.accounts[i]
	a.phase, a.failed, a.retry = registered, false, retryState{}
	a.registered, a.expires = c.now, machine.Never
	a.next = 0
	if a.Lifetime >= 0 {
		a.expires = c.now.Add(a.Lifetime)
		c.setTimer(i, a.updateAfter())
	}
	c.dirty = true
	if c.stopping {
		c.deregister(i)
		return
	}
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
	delay, exhausted := a.retry.fail(a.policy())
	f.Server, f.Retry = a.ShortID, delay
	c.emit(f)
	c.wait(i, delay)
	if exhausted {
		c.enterNext()
	}
}

// failure describes what went wrong with a request.
func failure(r *endpoint.Response) *RegistrationFailed {
	if r.Err != nil {
		return &RegistrationFailed{Err: r.Err}
	}
	if r.Code.Class() == 2 {
		return &RegistrationFailed{Code: r.Code, Reason: "the server's answer has no location"}
	}
	return &RegistrationFailed{Code: r.Code, Reason: diagnostic(r.Payload)}
}

// diagnostic returns a server's diagnostic payload, cut, since it goes into logs.
func diagnostic(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), 200)]), "") }

// joinLocation returns the Location-Path options as "rd/ID", or "" where they cannot be a location.
func joinLocation(o coap.Options) string {
	var b strings.Builder
	for segment := range o.All(coap.LocationPath) {
		if len(segment) == 0 || b.Len() > 255 || bytes.IndexByte(segment, '/') >= 0 {
			return ""
		}
		if b.Len() > 0 {
			b.WriteByte('/')
		}
		b.Write(segment)
	}
	return b.String()
}

// accountExpired does what an account waited for.
func (c *Client) accountExpired(i int) {
	a := &c.accounts[i]
	a.timer = 0
	switch a.phase {
	case waiting, disabled:
		c.attempt(i)
	case registered:
		c.update(i)
	case registering, updating:
		c.gone(i) // Stop waited long enough
	}
}

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
	c.hangUp(i)
	a.location, a.expires, a.retry, a.op, a.dirty = "", machine.Never, retryState{}, 0, 0
	c.dirty = true
	if c.stopping {
		a.phase = idle
		c.checkStopped()
		return
	}
	a.phase = disabled
	c.setTimer(i, a.DisableTimeout)
	c.enterNext()
}

// Stop deregisters from every server; the event Stopped follows.
func (c *Client) Stop(now machine.Time, cause machine.Cause) {
	c.begin(now, cause)
	if c.started && !c.stopping {
		c.stopping = true
		for i := range c.accounts {
			switch a := &c.accounts[i]; a.phase {
			case registering, updating:
				// The answer is waited for, since it may make a registration; but not for long.
				c.setTimer(i, stopTimeout)
			case registered:
				c.deregister(i)
			case deregistering:
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
	if !c.started || slices.ContainsFunc(c.accounts, func(a account) bool { return a.phase != idle }) {
		return
	}
	c.started = false
	c.stopObjects()
	c.emit(&Stopped{})
}

// Update asks for an Update at a server now.
func (c *Client) Update(now machine.Time, cause machine.Cause, server uint16) error {
	c.begin(now, cause)
	defer c.end()
	for i := range c.accounts {
		if a := &c.accounts[i]; a.ShortID == server {
			if a.location == "" {
				return ErrNotRegistered
			}
			a.dirty |= dirtForced
			return nil
		}
	}
	return ErrUnknownServer
}

// AddObject adds an object to a running client and tells the servers.
func (c *Client) AddObject(now machine.Time, cause machine.Cause, o Object) error {
	c.begin(now, cause)
	defer c.end()
	if err := c.insert(o); err != nil {
		return err
	}
	c.startObject(o)
	c.inventoryChanged()
	return nil
}

// RemoveObject takes an object out of a running client and tells the servers. Objects 0, 1 and 3 stay.
func (c *Client) RemoveObject(now machine.Time, cause machine.Cause, id uint16) error {
	c.begin(now, cause)
	defer c.end()
	o := c.object(id)
	if o == nil || id == securityObject || id == serverObject || id == deviceObject {
		return fmt.Errorf("%w: %d", ErrNoObject, id)
	}
	c.objects = slices.DeleteFunc(c.objects, func(o Object) bool { return o.Definition().ID == id })
	c.stopObject(id)
	c.forgetAttributes(lwm2m.NewPath(id))
	c.inventoryChanged()
	c.changed(lwm2m.NewPath(id))
	return nil
}

// inventoryChanged notes that objects or instances came or went: every server hears of it by an Update (6.2.2).
func (c *Client) inventoryChanged() {
	for i := range c.accounts {
		c.accounts[i].dirty |= dirtObjects
	}
}
