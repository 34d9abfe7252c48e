package client

// setState works out the overall state and tells when it is another one.
func (c *Client) setState() {
	s := StateInitial
	for i := range c.accounts {
		switch a := &c.accounts[i]; {
		case a.location != "" && a.phase != idle:
			s = StateReady // until the server says otherwise, also while an Update fails
		case a.phase == resolving || a.phase == connecting || a.phase == registering:
			s = max(s, StateRegistering)
		case a.phase == waiting || a.phase == queued || a.phase == disabled:
			s = max(s, StateRegisterRequired)
		}
	}
	if s != c.state {
		c.state = s
		c.emit(&StateChanged{s})
	}
}

// State returns what the client is doing.
func (c *Client) State() State { return c.state }

// State is what the whole client is doing, in the words of the device's command line.
type State uint8

// The states of a client.
const (
	StateInitial           State = iota // not started, or stopped
	StateBootstrapRequired              // all registrations failed and a bootstrap account exists
	StateBootstrapping
	StateRegisterRequired // waits for the next attempt
	StateRegistering
	StateReady // at least one server has the registration
)

func (s State) String() string {
	switch s {
	case StateInitial:
		return "STATE_INITIAL"
	case StateBootstrapRequired:
		return "STATE_BOOTSTRAP_REQUIRED"
	case StateBootstrapping:
		return "STATE_BOOTSTRAPPING"
	case StateRegisterRequired:
		return "STATE_REGISTER_REQUIRED"
	case StateRegistering:
		return "STATE_REGISTERING"
	case StateReady:
		return "STATE_READY"
	}
	return "STATE_UNKNOWN"
}

// Status is how the registration at one server stands, in the words of `lwlist`.
type Status uint8

// The states of a registration.
const (
	StatusDeregistered Status = iota
	StatusRegistrationPending
	StatusRegistered
	StatusUpdatePending
	StatusDeregistrationPending
	StatusRegistrationFailed
)

func (s Status) String() string {
	switch s {
	case StatusDeregistered:
		return "DEREGISTERED"
	case StatusRegistrationPending:
		return "REGISTRATION PENDING"
	case StatusRegistered:
		return "REGISTERED"
	case StatusUpdatePending:
		return "REGISTRATION UPDATE PENDING"
	case StatusDeregistrationPending:
		return "DEREGISTRATION PENDING"
	case StatusRegistrationFailed:
		return "REGISTRATION FAILED"
	}
	return "UNKNOWN"
}
