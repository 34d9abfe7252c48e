package client

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
