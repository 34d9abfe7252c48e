// Package machine is the contract between Heddle's protocol machines and the drivers that run them.
//
// A machine is a plain Go value with no goroutine, lock, socket, clock or randomness of its own. Time and input go in,
// actions come out, and a deadline says when it wants to be called again. Two drivers run the same machines: package
// host on a real computer and package sim in virtual time.
package machine

import (
	"math"
	"net/netip"
	"time"
)

// Time is an instant in nanoseconds since the Unix epoch, UTC. It comes from the driver and never goes back.
// It is an int64, not a time.Time, so that two runs from one seed are equal to the byte.
type Time int64

// Never is the deadline of a machine that waits for nothing.
const Never Time = math.MaxInt64

// Add returns the instant d after t; Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	if s := t + Time(d); d <= 0 || s > t {
		return s
	}
	return Never
}

// Sub returns how long before t the instant u was.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Unix returns whole seconds since the epoch, rounded down.
func (t Time) Unix() int64 {
	s := int64(t) / int64(time.Second)
	if int64(t)%int64(time.Second) < 0 {
		s--
	}
	return s
}

// Cause names what set a chain of events off: a click, a REST call, a datagram, a timer's first start. Every input
// carries one and every action carries the cause of the input that it came from; a timer's actions carry the cause of
// the input that set the timer. Zero is "unknown".
type Cause uint64

// Seq numbers commits. Zero is "no commit needed". Within one nest of machines, sequence numbers grow by one.
type Seq uint64

// OpID names an operation that a command began. Exactly one Result with it follows.
type OpID uint64

// Path is where a datagram came from and where its answer goes: an answer leaves from Local.
type Path struct {
	Local, Remote netip.AddrPort
	Link          uint32    // the driver's number of the interface or socket; 0 is the default one
	Security      *Identity // who the far end proved to be; nil on a plain path
}

// SecurityKind says how a peer proved who it is.
type SecurityKind uint8

// The kinds of security that a path can have.
const (
	NoSecurity SecurityKind = iota
	PSK
	RPK
	X509
)

func (k SecurityKind) String() string {
	switch k {
	case PSK:
		return "psk"
	case RPK:
		return "rpk"
	case X509:
		return "x509"
	}
	return "none"
}

// Identity is the authenticated far end of a secure session. One value lives as long as its session and is shared by
// every Path of it, so that exchanges, observations and deduplication are keyed by Session and never by address.
type Identity struct {
	Session uint64 // unique among all sessions that this store has ever known
	Name    string // PSK identity, or the name in the certificate
	Kind    SecurityKind
	CID     bool // both directions survive a change of address (RFC 9146)
	Resumed bool // restored from disk and not yet proved fresh: only idempotent requests may be acted on
}

// Table names a durable table. A table has one owning package, which also defines the encoding of keys and values.
type Table string

// Record is one change of a durable table: Value nil deletes Key.
type Record struct {
	Table Table
	Key   []byte
	Value []byte
}

// Kind says what an Action asks of the driver or of the outer machine.
type Kind uint8

// The kinds of Action.
const (
	// Send asks for Data to leave on Path, not before commit After is on disk.
	Send Kind = iota + 1
	// Persist asks for Records to be made durable as commit Seq. The driver answers with Persisted or PersistFailed.
	Persist
	// Event tells the outer machine or the program something; Value is a pointer to a type of the emitting package.
	Event
	// Result ends operation Op; Value is a pointer to a type of the emitting package.
	Result
	// Ask asks for something that a machine cannot do itself (resolve a name, reboot, ...). Op and Value say what;
	// the answer is an input of the asking machine.
	Ask
)

// Action is what a machine wants done. Its slices, and what Value points to, are valid until the first input that
// follows a full drain.
type Action struct {
	Kind    Kind
	Cause   Cause
	After   Seq
	Seq     Seq
	Op      OpID
	Path    Path
	Data    []byte
	Records []Record
	Value   any
}

// Machine is a protocol without a world. After every input the caller drains Next until it reports false. An input may
// also come in the middle of a drain (the outer layer answers an event that it has just drained); its actions are
// appended. now never goes back.
type Machine interface {
	// Receive takes in a datagram. b is borrowed until it returns.
	Receive(now Time, cause Cause, path Path, b []byte)
	// Expire fires every timer that is due; afterwards Deadline() > now.
	Expire(now Time)
	// Deadline says when Expire wants to be called. It is O(1).
	Deadline() Time
	// Next returns the next action, in order.
	Next() (Action, bool)
}

// Durable is a machine that emits Persist actions.
type Durable interface {
	Machine
	// Persisted says that commit seq is on disk, and so are all before it that did not fail.
	Persisted(now Time, seq Seq)
	// PersistFailed says that commit seq will never be on disk, and that no Send that waits for it leaves. Later commits
	// may succeed: a full disk can have space again.
	PersistFailed(now Time, seq Seq, err error)
}

// Rand is a machine's source of randomness. Secrets of a real deployment come from it too, so the host's is crypto/rand.
type Rand interface {
	Uint64() uint64
	Fill(b []byte)
}
