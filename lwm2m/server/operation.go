package server

import (
	"errors"
	"strconv"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// OpKind is what an Operation does on a device (OMA-TS-LightweightM2M_Core section 6.3 and 6.4).
type OpKind uint8

// The operations.
const (
	Read OpKind = iota + 1
	Discover
	Write        // replace (PUT)
	WritePartial // partial update (POST)
	Execute
	Create
	Delete
	WriteAttributes
	Observe
	CancelObserve
	Ping
	ReadComposite
	WriteComposite
	ObserveComposite
	CancelObserveComposite
)

var opNames = [...]string{"", "read", "discover", "write", "write-partial", "execute", "create", "delete",
	"write-attributes", "observe", "cancel-observe", "ping",
	"read-composite", "write-composite", "observe-composite", "cancel-observe-composite"}

func (k OpKind) String() string {
	if int(k) < len(opNames) && k != 0 {
		return opNames[k]
	}
	return "unknown"
}

// ParseOpKind is the reverse of OpKind.String.
func ParseOpKind(s string) (OpKind, bool) {
	for k, n := range opNames {
		if k != 0 && n == s {
			return OpKind(k), true
		}
	}
	return 0, false
}

// Idempotent reports whether the operation may run twice without harm.
func (k OpKind) Idempotent() bool { return k != Execute && k != Create }

// Operation is a command to a device. Its Entries belong to the server until the Result.
type Operation struct {
	Kind       OpKind
	Path       lwm2m.Path         // the root for the composite ones
	Paths      []lwm2m.Path       // ReadComposite, ObserveComposite and its cancellation: at least one
	Entries    []lwm2m.Entry      // Write, WritePartial, Create, WriteComposite: what to write, with whole paths
	Args       string             // Execute: "0='text',1" (section 6.3.5)
	Attributes lwm2m.Attributes   // WriteAttributes
	Block      *WriteBlock        // Write: instead of Entries, one block of a long opaque value
	Format     coap.ContentFormat // with HasFormat: instead of the one that the server would choose
	HasFormat  bool
	Timeout    time.Duration // zero: Config.RequestTimeout; after it, an operation for a device in queue mode is kept
	Queue      QueueMode     // what becomes of it where the device is asleep
	Expires    time.Duration // how long it is kept; zero: Config.QueueExpiry
	Repeat     bool          // Execute, Create: may be repeated although nobody knows whether it has run
	Passive    bool          // CancelObserve, CancelObserveComposite: forget it and answer the next notification with RST (section 6.4.3)
}

// WriteBlock is one block of a long opaque value (RFC 7959 section 2.5): who writes it keeps the rest, so that it can be
// written from a disk, and go on after a break.
type WriteBlock struct {
	Block coap.Block
	Data  []byte
	Size  int64 // of the whole value
}

// Outcome is the one result of an operation. It and what it points to are valid until the next input after the drain,
// as every action is, except that Entries' strings and byte values may be kept.
type Outcome struct {
	Endpoint     string
	Registration *Registration // nil: no such endpoint
	Op           OpKind
	Path         lwm2m.Path
	Paths        []lwm2m.Path // of a composite operation that has some
	Code         coap.Code    // zero: the device did not answer, Err says why
	Err          error        // nil: the device answered, maybe with an error code, and the answer could be read
	Entries      []lwm2m.Entry
	Links        []lwm2m.Link // Discover
	Format       coap.ContentFormat
	HasFormat    bool
	Location     lwm2m.Path  // Create: the new instance
	Observation  Observation // Observe: what is now observed; zero where it is not
	Block        coap.Block  // of the answer to a WriteBlock: its SZX is the size that the device wants
	HasBlock     bool
	Took         time.Duration
	RTT          time.Duration // of the exchange alone
	Payload      []byte        // as the device sent it
	Kept         bool          // it was kept for a sleeping device: there was a Kept event
	Cut          bool          // of a result that was read back: its values were too many to be kept
	Asked        *Operation    // Kept: what the device was asked, unless it never was
	Left         int           // Kept: requests that are still kept for the endpoint
	QueuedAt     machine.Time  // Kept: when it was asked for
}

// Failures of an operation that are no answer of the device.
var (
	ErrUnknownEndpoint = errors.New("lwm2m/server: no such endpoint is registered")
	ErrBusy            = errors.New("lwm2m/server: too many operations under way; try again when some have ended")
	ErrTimeout         = errors.New("lwm2m/server: the device did not answer in time")
	ErrReset           = errors.New("lwm2m/server: the device rejected the message (RST)")
	ErrClosed          = errors.New("lwm2m/server: the device's secure session has ended; it must connect again")
	ErrCancelled       = errors.New("lwm2m/server: the operation was cancelled")
	ErrDeregistered    = errors.New("lwm2m/server: the device's registration ended before it answered")
	ErrReregistered    = errors.New("lwm2m/server: the device registered again before it answered; repeat the operation")
	ErrNotObserved     = errors.New("lwm2m/server: the device answered but does not observe this path")
	ErrNoObservation   = errors.New("lwm2m/server: this path is not observed")
	ErrTooMany         = errors.New("lwm2m/server: too many observations")
	ErrNotStored       = errors.New("lwm2m/server: the store has failed; nothing new can be promised until it is repaired and the server restarted")
	ErrQueueFull       = errors.New("lwm2m/server: too much is kept for sleeping devices already; cancel some of it, or wait until they wake")
	ErrQueueExpired    = errors.New("lwm2m/server: the device did not wake before the request expired")
	ErrMaybeExecuted   = errors.New("lwm2m/server: the device was asked but did not answer: perhaps it has executed it; it is not asked again")
	ErrUnreadable      = errors.New("lwm2m/server: the device's answer cannot be read")
)

// ErrInvalid is an operation that makes no sense as it stands: nothing was sent.
type ErrInvalid struct {
	Path   lwm2m.Path
	Reason string
}

func (e *ErrInvalid) Error() string { return "lwm2m/server: " + e.Path.String() + ": " + e.Reason }

// ErrEnded is what becomes of a kept request when the registration ends. It wraps ErrDeregistered.
type ErrEnded struct{ Reason Reason }

func (e *ErrEnded) Error() string {
	if e.Reason == 0 {
		return "lwm2m/server: the device is not registered any more"
	}
	return "lwm2m/server: the device's registration ended before it woke: " + e.Reason.String()
}

// Unwrap implements errors.Is.
func (e *ErrEnded) Unwrap() error { return ErrDeregistered }

// FormatOp is an operation's name outside this process. It is unique over shards and restarts.
func FormatOp(id machine.OpID) string { return strconv.FormatUint(uint64(id), 36) }

// ParseOp is the reverse of FormatOp.
func ParseOp(s string) (machine.OpID, error) {
	n, err := strconv.ParseUint(s, 36, 64)
	return machine.OpID(n), err
}

// Do sends an operation to an endpoint. Exactly one Result with the returned id follows; its Value is an *Outcome. A Kept event
// may come before it: the device is asleep, and the operation is on disk until it wakes.
func (s *Server) Do(now machine.Time, cause machine.Cause, ep string, op *Operation) machine.OpID {
	return s.do(now, cause, ep, op)
}

// Cancel ends an operation that is under way or kept; its Result says ErrCancelled. The device may still have acted on it.
func (s *Server) Cancel(now machine.Time, id machine.OpID) { s.cancel(now, id) }
