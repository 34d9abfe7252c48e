package client

import (
	"net/netip"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// StateChanged is an Event: the client's overall state is another one.
type StateChanged struct{ State State }

// Registered is an Event: a server has accepted the registration.
type Registered struct {
	Server   uint16 // Short Server ID
	Location string // "/rd/ID"
	Version  lwm2m.Version
	Remote   netip.AddrPort
}

// Updated is an Event: a server has accepted an Update.
type Updated struct{ Server uint16 }

// RegistrationFailed is an Event: an attempt to register or update failed.
type RegistrationFailed struct {
	Server uint16
	Err    error         // nil where the server refused with Code
	Code   coap.Code     // 0 where there was no answer
	Reason string        // the server's diagnostic
	Retry  time.Duration // the next attempt comes after this
}

// BootstrapStarted is an Event: objects 0, 1 and 2 have been backed up, and a bootstrap begins after the hold-off time.
type BootstrapStarted struct {
	Server  string // the bootstrap server's URI
	HoldOff time.Duration
}

// BootstrapFailed is an Event: the objects are again as they were before the bootstrap.
type BootstrapFailed struct {
	Err    error         // nil where the server refused with Code
	Code   coap.Code     // 0 where there was no answer
	Reason string        // the server's diagnostic
	Retry  time.Duration // the next attempt comes after this
}

// BootstrapFinished is an Event: the accounts that the bootstrap server gave are in force.
type BootstrapFinished struct{}

// Deregistered is an Event: the registration at a server has ended by our wish.
type Deregistered struct{ Server uint16 }

// Stopped is an Event: Stop has finished.
type Stopped struct{}

// Written is an Event: a server, or the program through Write, has written a resource.
type Written struct {
	Server uint16 // 0: the program
	Path   lwm2m.Path
}

// Executed is an Event: a server has executed a resource.
type Executed struct {
	Server uint16
	Path   lwm2m.Path
}

// InstanceChanged is an Event: a server has created or deleted an instance.
type InstanceChanged struct {
	Server  uint16
	Path    lwm2m.Path
	Created bool
}

// Observed is an Event: an observation began or ended.
type Observed struct {
	Server uint16
	Path   lwm2m.Path
	Began  bool
}

// Resolve is an Ask: look up the addresses of a host name. The answer is Client.Resolved with the action's Op.
type Resolve struct{ Host string }

// Reboot is an Ask: a server has executed Reboot or Factory Reset of the Device object, and the answer has been sent. The
// program stops the machine without deregistering and starts a new one.
type Reboot struct{ Factory bool }
