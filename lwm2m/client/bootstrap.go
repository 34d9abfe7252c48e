package client

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// bootstrapSilence is how long a bootstrap server may be silent in the middle of a bootstrap: EXCHANGE_LIFETIME
// (RFC 7252 section 4.8.2; LwM2M 6.1.3). For the same time a finished one answers repeated requests.
const bootstrapSilence = 247 * time.Second

// errBootstrapSilence ends a bootstrap whose server stopped in the middle.
var errBootstrapSilence = errors.New("lwm2m client: the bootstrap server has stopped in the middle")

// bootstrap is what the client knows of bootstrapping, beside the bootstrap server's account (6.1).
//
// A bootstrap works on a draft of objects 0, 1 and 2. The accounts stay as they are until Finish finds the draft in
// order, so that the backup that a failed one goes back to is what is in force all the time.
type bootstrap struct {
	draft  draft
	rounds uint32       // bootstraps since the last registration
	wanted bool         // 1/x/9 was executed: the answer has promised a bootstrap
	now    bool         // likewise, in this input
	done   bool         // Finish has been accepted: registrations begin when its answer has left
	noPCT  bool         // the server does not know the parameter pct
	purge  machine.Time // of the bootstrap account: resource 12
	timer  machine.TimerID
	backup []Account // before the last bootstrap, without keys

	configured bool   // the accounts are not those of Config any more
	stored     string // the record as it was persisted last
}

// bootstrapAccount returns the index of the bootstrap server's account, or -1.
func (c *Client) bootstrapAccount() int {
	for i := range c.accounts {
		if a := &c.accounts[i]; a.Bootstrap && a.phase != vacant {
			return i
		}
	}
	return -1
}

// bootstrapIsDue reports whether Start begins with a bootstrap: there is no server to register with (6.1.4), or one has
// asked for it before the restart.
func (c *Client) bootstrapIsDue() bool {
	if c.bootstrapAccount() < 0 {
		return false
	}
	for i := range c.accounts {
		if c.accounts[i].serves() {
			return c.boot.wanted
		}
	}
	return true
}

// isBootstrapping reports whether a bootstrap is under way, its hold-off time included.
func (c *Client) isBootstrapping() bool {
	i := c.bootstrapAccount()
	if i < 0 {
		return false
	}
	switch c.accounts[i].phase {
	case holding, resolving, connecting, requesting, bootstrapping:
		return true
	}
	return false
}

// bootstrapNeed is what a wait for the next bootstrap adds to the client's state.
func (c *Client) bootstrapNeed() State {
	if i := c.bootstrapAccount(); i >= 0 && c.accounts[i].phase == waiting {
		return StateBootstrapRequired
	}
	return StateRegisterRequired
}

// requireBootstrap begins a bootstrap; after one that did not lead to a registration, by the retry schedule.
func (c *Client) requireBootstrap() {
	i := c.bootstrapAccount()
	a := &c.accounts[i]
	if c.isBootstrapping() || a.phase == waiting || c.stopping {
		return
	}
	c.hangUp(i)
	if c.boot.rounds > 0 {
		c.wait(i, c.bootstrapDelay(a))
		return
	}
	c.beginBootstrap(i)
}

// bootstrapDelay is the pause before another bootstrap: as between attempts to register, at most that of the last one.
func (c *Client) bootstrapDelay(a *account) time.Duration {
	p := a.policy()
	return p.backoff(min(c.boot.rounds, max(p.Count, 1)))
}

// beginBootstrap makes the draft and waits for the hold-off time (Security resource 11).
func (c *Client) beginBootstrap(i int) {
	c.pauseAccounts()
	a, b := &c.accounts[i], c.boot
	if n, err := newAccount(a.Account); err == nil {
		// The last bootstrap may have changed where it is and how to get there.
		a.host, a.addr, a.port, a.secure = n.host, n.addr, n.port, n.secure
	}
	a.phase, a.failed, a.finished, a.next, a.addrs = holding, false, false, 0, nil
	b.rounds++
	b.backup = c.Accounts()
	b.draft = append(c.newDraft(), c.accessEntries()...) // object 2 comes last
	c.setState()
	c.emit(&BootstrapStarted{Server: a.URI, HoldOff: a.HoldOff})
	if a.HoldOff > 0 {
		c.setTimer(i, a.HoldOff)
	} else {
		c.attempt(i)
	}
}

// pauseAccounts stops what is under way at servers that have no registration; the others are served on.
func (c *Client) pauseAccounts() {
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.serves() || a.location != "" || a.phase == resting {
			continue
		}
		c.stopTimer(i)
		c.hangUp(i)
		a.phase, a.op = queued, 0
	}
}

// resumeAccounts goes on with what pauseAccounts stopped.
func (c *Client) resumeAccounts() {
	for i := range c.accounts {
		if a := &c.accounts[i]; a.serves() && a.phase == queued && !a.ordered() {
			c.attempt(i)
		}
	}
	c.enterNext()
}

// requestBootstrap sends Bootstrap-Request (6.1.7.1).
func (c *Client) requestBootstrap(i int) {
	a := &c.accounts[i]
	a.phase = requesting
	o := make(coap.Options, 0, 4).AddString(coap.URIPath, "bs")
	if c.cfg.Endpoint != "" {
		o = o.AddQuery("ep=" + c.cfg.Endpoint)
	}
	if c.cfg.Version != lwm2m.V1_0 && !c.boot.noPCT {
		o = o.AddQuery("pct=112")
	}
	a.op = c.stack.Endpoint().Request(c.now, c.cause, a.path, &endpoint.Request{Code: coap.POST, Options: o})
}

// bootstrapResult takes in the answer to Bootstrap-Request. The server's first request may have come before it.
func (c *Client) bootstrapResult(i int, r *endpoint.Response) {
	a := &c.accounts[i]
	switch {
	case r.Err != nil && a.phase == bootstrapping:
		return // its answer was lost, but it goes on
	case r.Err == nil && r.Code == coap.Changed:
		a.phase = bootstrapping
		c.setTimer(i, bootstrapSilence)
		return
	case r.Err == nil && !c.boot.noPCT && c.cfg.Version != lwm2m.V1_0 &&
		(r.Code == coap.BadRequest || r.Code == coap.UnsupportedContentFormat || r.Code == coap.BadOption):
		// Perhaps a server of 1.0, which does not know the parameter.
		c.boot.noPCT = true
		c.requestBootstrap(i)
		return
	}
	c.fail(i, failure(r))
}

// bootstrapFailed goes back to the accounts as they were, and tries again by the schedule.
func (c *Client) bootstrapFailed(i int, f *RegistrationFailed) {
	a := &c.accounts[i]
	c.stopTimer(i)
	c.hangUp(i)
	c.boot.draft = nil
	a.failed, a.addrs, a.next = true, nil, 0
	delay := c.bootstrapDelay(a)
	c.wait(i, delay)
	c.setState()
	c.emit(&BootstrapFailed{Err: f.Err, Code: f.Code, Reason: f.Reason, Retry: delay})
	c.resumeAccounts()
}

// bootstrapTimer does what the bootstrap account waited for.
func (c *Client) bootstrapTimer(i int) {
	switch a := &c.accounts[i]; a.phase {
	case waiting:
		c.beginBootstrap(i)
	case holding:
		c.attempt(i)
	case bootstrapping:
		c.bootstrapFailed(i, &RegistrationFailed{Err: errBootstrapSilence})
	case lingering:
		c.hangUp(i)
		a.phase = idle
	}
}

// bootstrapWorked notes that a server has accepted a registration.
func (c *Client) bootstrapWorked() {
	if c.boot != nil {
		c.boot.rounds = 0
	}
}

// triggerBootstrap carries out 1/x/9: a bootstrap as soon as the answer has left.
func (c *Client) triggerBootstrap() error {
	if c.bootstrapAccount() < 0 {
		return NotAllowed("this device has no bootstrap server")
	}
	c.boot.wanted, c.boot.now, c.boot.rounds, c.dirty = true, true, 0, true
	return nil
}

// flushBootstrap begins what an input has left due, once its answer is on its way.
func (c *Client) flushBootstrap() bool {
	b := c.boot
	if b == nil || c.stopping || !c.started {
		return false
	}
	if b.done {
		b.done = false
		c.emit(&BootstrapFinished{})
		c.enterAll()
		return true
	}
	if !b.now {
		return false
	}
	b.now = false
	if i := c.bootstrapAccount(); i >= 0 && !c.isBootstrapping() {
		if a := &c.accounts[i]; a.phase == waiting {
			c.stopTimer(i)
			a.phase = idle
		}
		c.requireBootstrap()
	}
	return true
}
