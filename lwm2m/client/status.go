package client

import (
	"net/netip"
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

// Servers returns how each account stands, in the order of Config.Servers.
func (c *Client) Servers() []ServerStatus {
	out := make([]ServerStatus, len(c.accounts))
	for i := range c.accounts {
		a := &c.accounts[i]
		out[i] = ServerStatus{
			ShortID: a.ShortID, URI: a.URI, Status: a.status(), Lifetime: a.Lifetime, Version: a.version,
			Remote: a.path.Remote, Session: a.session,
		}
		if a.location != "" {
			out[i].Location = "/" + a.location
		}
	}
	return out
}

// Accounts returns the accounts as they are now, with what servers have changed; keys are left out.
func (c *Client) Accounts() []Account {
	out := make([]Account, len(c.accounts))
	for i := range c.accounts {
		out[i] = c.accounts[i].Account
		out[i].Key = nil
	}
	return out
}
