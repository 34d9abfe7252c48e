package server

import (
	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Registered says that an endpoint has registered. Replaced is its registration until now, if it had one: that one has
// ended, and no Deregistered follows for it.
type Registered struct {
	Registration *Registration
	Replaced     *Registration
	At           machine.Time
}

// Updated says that an endpoint has updated its registration. Where Changed is false, Registration is the same value as
// before and only At, the time of the Update, is new.
type Updated struct {
	Registration *Registration
	Previous     *Registration
	Changed      bool
	At           machine.Time
}

// Moved says that an endpoint has a new address, proved by its secure session.
type Moved struct {
	Registration *Registration
	Previous     *Registration
	At           machine.Time
}

// Reason says why a registration ended.
type Reason uint8

// The reasons.
const (
	ByClient   Reason = iota + 1 // Deregister
	Expired                      // its lifetime is over
	Forgotten                    // an operator removed it
	NotAllowed                   // its credentials changed
	NotStored                    // the store failed before the registration was promised
	Replaced                     // the endpoint registered again
)

var reasonNames = [...]string{"", "deregistered", "expired", "forgotten", "not allowed", "not stored"}

func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}

// Deregistered says that a registration has ended.
type Deregistered struct {
	Registration *Registration
	Reason       Reason
	At           machine.Time
}

// Notified carries new values of an observed path.
type Notified struct {
	Registration *Registration
	Observation  Observation // as it is after this notification
	Code         coap.Code
	Entries      []lwm2m.Entry
	Format       coap.ContentFormat
	HasFormat    bool
	Payload      []byte
	Err          error // the payload cannot be read; Entries is empty
	At           machine.Time
}

// Sent carries values that a device has sent by itself (LwM2M 1.1 section 6.4.5, Send). An entry whose Time is not 0 was
// measured then, by the device's clock.
type Sent struct {
	Registration *Registration
	Entries      []lwm2m.Entry
	Format       coap.ContentFormat
	Payload      []byte
	At           machine.Time
}

// ObservationChanged says that an observation began, is being restored, works again or has ended.
type ObservationChanged struct {
	Endpoint    string
	Observation Observation
	Code        coap.Code // what the device answered, where it did
	Err         error     // why it is Failed or Ended, where that was not the operator's wish
	At          machine.Time
}

// Refused says that a message was turned away, for the operator's log. Endpoint and Identity are what the peer claimed,
// cleaned of control characters.
type Refused struct {
	Endpoint string
	Identity string
	Path     machine.Path
	Code     coap.Code // zero: nothing was answered
	Why      string
	At       machine.Time
}

// SessionClosed says that the secure session of a registered endpoint has ended. The registration stays.
type SessionClosed struct {
	Registration *Registration
	Why          error
	At           machine.Time
}

// Message is one CoAP message to or from an endpoint that is being watched.
type Message struct {
	Endpoint string
	Out      bool
	Path     machine.Path
	Raw      []byte // the plaintext datagram; may be kept
	At       machine.Time
}
