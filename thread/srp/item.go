package srp

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// State is how far the registration of a host or of a service is (otSrpClientItemState).
type State uint8

// The states.
const (
	ToAdd State = iota
	Adding
	ToRefresh
	Refreshing
	ToRemove
	Removing
	Registered
	Removed
)

var stateNames = [...]string{"ToAdd", "Adding", "ToRefresh", "Refreshing", "ToRemove", "Removing", "Registered", "Removed"}

func (s State) String() string { return stateNames[s&7] }

// Host is the client's host.
type Host struct {
	Name      string // labels without the domain; "" is none
	State     State
	Auto      bool // its addresses are those of the node
	Addresses []ip6.Address
}

// Service is a service of the client's.
type Service struct {
	Instance               string // a label, which may hold dots
	Name                   string // as _ipps._tcp
	Subtypes               []string
	Port, Priority, Weight uint16
	Text                   []byte // as it is in a TXT record; empty: one empty string
	Lease, KeyLease        uint32 // s; 0: those of the client
	State                  State

	renew    machine.Time
	appended bool // it is in the message under way
}

// Change maps the state of each item to its next one.
type change [8]State

// What becomes of the states (srp_client.cpp).
var (
	onStop   = change{ToAdd, ToRefresh, ToRefresh, ToRefresh, ToRemove, ToRemove, ToRefresh, Removed}
	onPause  = change{ToAdd, ToRefresh, ToRefresh, ToRefresh, ToRemove, ToRemove, Registered, Removed}
	onSend   = change{Adding, Adding, Refreshing, Refreshing, Removing, Removing, Registered, Removed}
	onDone   = change{ToAdd, Registered, ToRefresh, Registered, ToRemove, Removed, Registered, Removed}
	onSingle = onPause
)

func (c *Client) change(to *change, appendedOnly bool) (changed bool) {
	was := c.host.State
	c.host.State = to[was]
	changed = c.host.State != was
	for _, s := range c.services {
		if appendedOnly && !s.appended {
			continue
		}
		changed = changed || to[s.State] != s.State
		s.State = to[s.State]
	}
	if was != Registered && c.host.State == Registered {
		c.saveServer()
	}
	return changed
}

// Update is what a Client tells of an update: that it succeeded, or why it did not (otSrpClientCallback).
type Update struct {
	Err      error
	Host     Host
	Services []Service // those that there are, the newest first
	Removed  []Service
}

// tell reports an update's end.
func (c *Client) tell(now machine.Time, err error, host Host, removed []Service) {
	u := &Update{Err: err, Host: host, Removed: removed}
	for _, s := range c.services {
		u.Services = append(u.Services, *s)
	}
	c.env.Updated(now, u)
}
