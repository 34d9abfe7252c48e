package server

import (
	"strconv"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// ObservationID names an observation for as long as it exists, over restarts and new registrations.
type ObservationID uint64

func (id ObservationID) String() string { return strconv.FormatUint(uint64(id), 36) }

// ParseObservationID is the reverse of ObservationID.String.
func ParseObservationID(s string) (ObservationID, error) {
	n, err := strconv.ParseUint(s, 36, 64)
	return ObservationID(n), err
}

// ObservationState says whether notifications can be expected.
type ObservationState uint8

// The states of an observation.
const (
	Active    ObservationState = iota + 1 // the device has said that it observes
	Restoring                             // the device is being asked again
	Waiting                               // the endpoint is not registered; the device is asked when it comes back
	Failed                                // the device did not answer; it is asked again when it is next heard of
	Ended                                 // no more: only seen in an event
)

func (s ObservationState) String() string {
	switch s {
	case Active:
		return "active"
	case Restoring:
		return "restoring"
	case Waiting:
		return "waiting"
	case Failed:
		return "failed"
	case Ended:
		return "ended"
	}
	return "unknown"
}

// Observation is a copy of what the server knows of one observation.
type Observation struct {
	ID       ObservationID
	Path     lwm2m.Path   // the root for an Observe-Composite
	Paths    []lwm2m.Path // of an Observe-Composite, sorted; else nil. It never changes
	State    ObservationState
	Since    machine.Time
	LastAt   machine.Time // of the newest notification; zero: none yet
	Sequence uint32       // of the newest notification (RFC 7641 section 3.4)
	Count    uint64       // notifications since Since, as far as they were kept
}
