package client

// setState works out the overall state and tells when it is another one.
func (c *Client) setState() {
	s := StateInitial
	for i := range c.accounts {
		switch a := &c.accounts[i]; {
		case a.Bootstrap:
			if a.phase == waiting {
				s = max(s, StateBootstrapRequired)
			}
		case !a.serves():
		case a.location != "" && a.phase != idle:
			s = StateReady // until the server says otherwise, also while an Update fails
		case a.phase == resolving || a.phase == connecting || a.phase == registering:
			s = max(s, StateRegistering)
		case a.phase == queued: // for another account, or for the next bootstrap
			s = max(s, c.bootstrapNeed())
		case a.phase == waiting || a.phase == resting:
			s = max(s, StateRegisterRequired)
		}
	}
	if c.isBootstrapping() {
		s = StateBootstrapping
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

// BootstrapPhase is how the bootstrap account stands, in the words of `lwlist`.
type BootstrapPhase uint8

// The phases of a bootstrap.
const (
	BootstrapNone BootstrapPhase = iota
	BootstrapHoldOff
	BootstrapInitiated
	BootstrapPending
	BootstrapDone
	BootstrapBroken
)

func (p BootstrapPhase) String() string {
	switch p {
	case BootstrapNone:
		return "DEREGISTERED"
	case BootstrapHoldOff:
		return "CLIENT HOLD OFF"
	case BootstrapInitiated:
		return "BOOTSTRAP INITIATED"
	case BootstrapPending:
		return "BOOTSTRAP PENDING"
	case BootstrapDone:
		return "BOOTSTRAP FINISHED"
	case BootstrapBroken:
		return "BOOTSTRAP FAILED"
	}
	return "UNKNOWN"
}

func (a *account) bootstrapPhase() BootstrapPhase {
	switch a.phase {
	case holding:
		return BootstrapHoldOff
	case resolving, connecting, requesting:
		return BootstrapInitiated
	case bootstrapping:
		return BootstrapPending
	}
	switch {
	case a.failed:
		return BootstrapBroken
	case a.finished:
		return BootstrapDone
	}
	return BootstrapNone
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
