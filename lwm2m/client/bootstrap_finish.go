package client

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// serveFinish carries out Bootstrap-Finish (6.1.7.6): accounts that fit together come into force, others are refused and
// may be put in order.
func (c *Client) serveFinish(op *operation) (*endpoint.Reply, error) {
	accounts, err := c.parseDraft()
	if err == nil && !slices.ContainsFunc(accounts, func(a account) bool { return a.Bootstrap }) {
		// A server's account written over it would make the device unreachable for good; resource 12 ends it on purpose.
		err = errors.New("the bootstrap server's own account is missing")
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, err
		}
		return nil, &Error{coap.NotAcceptable, strings.ReplaceAll(err.Error(), "lwm2m client: ", "")}
	}
	rules, err := parseAccess(c.boot.draft)
	if err != nil {
		return nil, &Error{coap.NotAcceptable, err.Error()}
	}
	c.adopt(accounts)
	if c.access != nil {
		c.access.rules, c.access.configured = rules, len(rules) > 0
	}
	b := c.boot
	b.draft, b.configured, b.wanted, b.done = nil, true, false, true
	c.dirty = true
	i := c.bootstrapAccount()
	a := &c.accounts[i]
	a.phase, a.finished = lingering, true
	c.setTimer(i, bootstrapSilence)
	b.purge = 0
	if a.AccountTimeout > 0 {
		b.purge = c.now.Add(a.AccountTimeout)
	}
	c.armPurge()
	return &endpoint.Reply{Code: coap.Changed, Remember: true}, nil
}

// adopt puts accounts into force. A server whose account is the same as before keeps its DTLS session; all of them get a
// new registration.
func (c *Client) adopt(accounts []account) {
	old := len(c.accounts)
	taken := make([]bool, len(accounts))
	for i := range old {
		a := &c.accounts[i]
		if a.phase == vacant || a.leaving {
			continue
		}
		j := slices.IndexFunc(accounts, func(b account) bool {
			return a.Bootstrap && b.Bootstrap || !b.Bootstrap && a.ShortID == b.ShortID && a.sameServer(&b)
		})
		if j < 0 {
			c.dismiss(i)
			continue
		}
		taken[j] = true
		c.take(i, &accounts[j])
	}
	for j := range accounts {
		if taken[j] {
			continue
		}
		i := slices.IndexFunc(c.accounts, func(a account) bool { return a.phase == vacant })
		if i < 0 {
			i = len(c.accounts)
			c.accounts = append(c.accounts, account{})
		}
		c.accounts[i] = accounts[j]
		if c.accounts[i].phase = queued; accounts[j].Bootstrap {
			c.accounts[i].phase = idle
		}
	}
}

// sameServer reports whether two accounts lead to one server in the same way.
func (a *account) sameServer(b *account) bool {
	return a.URI == b.URI && a.sameProof(b)
}

// take gives a slot that stays what its account says now. The path, and where it can still be used the session, stay; the
// bootstrap server's own account is looked at again when the next bootstrap begins.
func (c *Client) take(i int, b *account) {
	a := &c.accounts[i]
	a.Account = b.Account
	if a.Bootstrap {
		return
	}
	c.stopTimer(i)
	c.abandon(i)
	a.binding, a.mute, a.hasMute = b.binding, b.mute, b.hasMute
	a.phase, a.failed, a.disabling, a.dirty, a.location, a.expires = queued, false, false, 0, "", machine.Never
	a.disabled = 0
}

// dismiss ends an account that a bootstrap has taken away, with a Deregister where the server still has the registration.
func (c *Client) dismiss(i int) {
	a := &c.accounts[i]
	c.forget = append(c.forget, a.ShortID)
	c.attributes = slices.DeleteFunc(c.attributes, func(e attributeEntry) bool { return e.account == i })
	c.dropObservations(i)
	if a.phase == registered || a.phase == updating {
		a.leaving = true
		c.abandon(i)
		c.deregister(i)
		return
	}
	c.vacate(i)
}

// vacate empties a slot.
func (c *Client) vacate(i int) {
	c.stopTimer(i)
	c.hangUp(i)
	c.dropObservations(i)
	c.accounts[i] = account{phase: vacant, expires: machine.Never}
	if f := c.fetch; f != nil && f.account == i && f.phase == fetchAsking {
		c.pauseFetch() // and looks for another way
	}
}

// armPurge sets the timer that takes the bootstrap account away (Security resource 12).
func (c *Client) armPurge() {
	b := c.boot
	if b.timer != 0 {
		c.timers.Stop(b.timer)
		b.timer = 0
	}
	if b.purge != 0 {
		b.timer = c.timers.Set(0, b.purge, timerKey{kind: purgeTimer, cause: c.cause})
	}
}

// purgeBootstrapAccount takes the bootstrap account away.
func (c *Client) purgeBootstrapAccount() {
	c.boot.timer, c.boot.purge = 0, 0
	i := c.bootstrapAccount()
	if i < 0 {
		return
	}
	if c.isBootstrapping() {
		// One that is under way is not cut off: Finish sets the timer again.
		return
	}
	c.vacate(i)
	c.boot.configured, c.dirty = true, true
}

// startBootstrapAccount puts the bootstrap account at rest, at Start.
func (c *Client) startBootstrapAccount() {
	i := c.bootstrapAccount()
	if i < 0 {
		return
	}
	a := &c.accounts[i]
	a.phase, a.failed, a.finished = idle, false, false
	c.boot.rounds, c.boot.done, c.boot.draft = 0, false, nil
	if c.boot.purge != 0 && c.boot.purge <= c.now {
		c.purgeBootstrapAccount()
		return
	}
	c.armPurge()
}

// fingerprint tells whether accounts lead to the same servers in the same way as those of another start.
func fingerprint(accounts []account) [32]byte {
	h := sha256.New()
	for i := range accounts {
		a := &accounts[i]
		h.Write([]byte{flag(a.Bootstrap), byte(a.ShortID >> 8), byte(a.ShortID)})
		for _, s := range []string{a.URI, a.Identity, string(a.Key)} {
			h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
			h.Write([]byte(s))
		}
		if a.proof != nil {
			a.hashProof(h.Write)
		}
	}
	return [32]byte(h.Sum(nil))
}
