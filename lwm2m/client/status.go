package client

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"heddle.example/lwm2m"
)

// ServerStatus is what the client tells about one account.
type ServerStatus struct {
	ShortID  uint16
	URI      string
	Status   Status
	Location string // "/rd/ID" while registered
	Lifetime time.Duration
	Version  lwm2m.Version
	Remote   netip.AddrPort
	Session  uint64 // DTLS session, 0: none
}

// Servers returns how each account stands, the bootstrap server's left out, in the order of Config.Servers until a
// bootstrap gives others.
func (c *Client) Servers() []ServerStatus {
	out := make([]ServerStatus, 0, len(c.accounts))
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.serves() {
			continue
		}
		s := ServerStatus{
			ShortID: a.ShortID, URI: a.URI, Status: a.status(), Lifetime: a.Lifetime, Version: a.version,
			Remote: a.path.Remote, Session: a.session,
		}
		if a.location != "" {
			s.Location = "/" + a.location
		}
		out = append(out, s)
	}
	return out
}

// BootstrapStatus is what the client tells about the bootstrap server's account.
type BootstrapStatus struct {
	SecurityInstance uint16
	URI              string
	HoldOff          time.Duration
	Status           BootstrapPhase
}

// BootstrapServers returns how the bootstrap account stands: one, or none.
func (c *Client) BootstrapServers() []BootstrapStatus {
	i := c.bootstrapAccount()
	if i < 0 {
		return nil
	}
	a := &c.accounts[i]
	return []BootstrapStatus{{a.SecurityInstance, a.URI, a.HoldOff, a.bootstrapPhase()}}
}

// Accounts returns the accounts as they are now, the bootstrap server's among them, with what servers have changed, by
// instances of object 0; keys are left out.
func (c *Client) Accounts() []Account {
	out := make([]Account, 0, len(c.accounts))
	for i := range c.accounts {
		if a := &c.accounts[i]; a.serves() || a.Bootstrap && a.phase != vacant {
			b := a.Account
			b.Key = nil
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b Account) int { return cmp.Compare(a.SecurityInstance, b.SecurityInstance) })
	return out
}

// Backup returns the accounts as they were before the last bootstrap, without keys; nil where there was none.
func (c *Client) Backup() []Account {
	if c.boot == nil {
		return nil
	}
	return slices.Clone(c.boot.backup)
}

// Given reports whether an account's instance of object 1 has one of the optional resources 13 to 20.
func (a *Account) Given(resource uint16) bool { return resource < 32 && a.given.has(resource) }
