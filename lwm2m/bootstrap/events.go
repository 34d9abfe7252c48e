package bootstrap

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// SessionID names a session of this run.
type SessionID uint64

// Question asks what a device is given. It is the value of an Ask action; Answer with the action's Op answers it.
type Question struct {
	Endpoint string // as it was said; "" where the device left it out and its identity must tell
	Path     machine.Path
	Format   coap.ContentFormat // that it prefers (pct), with HasFormat
	HasFormat,
	Unusable bool // it prefers one that cannot carry a whole instance, or that is not known here
}

// Refusal answers a Question with no. Why goes to the device as diagnostic text and into the Refused event; Secret is for
// the operator only, in the event instead of Why.
type Refusal struct {
	Why    string
	Secret string
	Busy   bool // our own fault: 5.00 instead of 4.00
}

// Began says that a session has begun: its Bootstrap-Request is answered 2.04.
type Began struct {
	Session       SessionID
	Endpoint      string
	Configuration string
	Path          machine.Path
	Format        coap.ContentFormat // in which values are written
	Step          Step               // the Bootstrap-Request
	Note          string
	At            machine.Time
}

// Step is a message of a session and what became of it. Secrets are masked in its entries.
type Step struct {
	Number    int // from 0, the Bootstrap-Request
	Op        Op
	Method    coap.Code
	URI       string // path and query
	Format    coap.ContentFormat
	HasFormat bool
	Accept    coap.ContentFormat
	HasAccept bool
	Entries   []lwm2m.Entry      // written, or in the answer to a Read
	Lengths   map[lwm2m.Path]int // of the secrets that were masked in Entries, in bytes
	Links     string             // the answer to a Discover
	Size      int                // of the payload that was sent, in bytes
	Note      string
	Skipped   bool // it was not sent; Note says why
	At        machine.Time

	// What became of it; zero while it is under way.
	Done    bool
	Ignored bool // the device refused it, and the session goes on
	Code    coap.Code
	Why     string // the device's diagnostic text
	Err     error
	Took    time.Duration
	Total   int // messages of the session as far as is known, 0 before the Discover is answered
}

// Sent says that a message has left, or was skipped.
type Sent struct {
	Session  SessionID
	Endpoint string
	Step     Step
}

// Answered says what became of a message.
type Answered struct {
	Session  SessionID
	Endpoint string
	Step     Step
	Version  lwm2m.Version // after a Discover: what the device speaks
}

// Ended says that a session is over. Err is nil when the device has accepted the Finish.
type Ended struct {
	Session       SessionID
	Endpoint      string
	Configuration string
	Err           error
	Took          time.Duration
	At            machine.Time
}

// Refused says that somebody was turned away, for the operator's log. Endpoint and Identity are what the peer claimed,
// cleaned of control characters.
type Refused struct {
	Endpoint, Identity string
	Path               machine.Path
	Code               coap.Code // zero: nothing was answered
	Why                string
	At                 machine.Time
}

// Why a session failed, beside what the device answered.
var (
	ErrTimeout  = errors.New("lwm2m/bootstrap: the device did not answer in time")
	ErrReset    = errors.New("lwm2m/bootstrap: the device rejected the message (RST)")
	ErrClosed   = errors.New("lwm2m/bootstrap: the device's secure session has ended")
	ErrAgain    = errors.New("lwm2m/bootstrap: the device began again")
	ErrTooLong  = errors.New("lwm2m/bootstrap: the session took too long")
	ErrStopped  = errors.New("lwm2m/bootstrap: an operator stopped the session")
	ErrTooMany  = errors.New("lwm2m/bootstrap: the configuration needs too many messages")
	ErrEncoding = errors.New("lwm2m/bootstrap: the values cannot be written in any format that the device takes")
)

// RefusedError says which message the device refused.
type RefusedError struct {
	Step Step
}

func (e *RefusedError) Error() string {
	s := "lwm2m/bootstrap: the device refused " + e.Step.Method.Name() + " " + e.Step.URI + ": " + e.Step.Code.String()
	if e.Step.Why != "" {
		s += ", " + e.Step.Why
	}
	return s
}
