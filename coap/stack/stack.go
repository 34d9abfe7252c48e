// Package stack is CoAP over plain UDP and over DTLS as one machine: an endpoint.Endpoint and a dtls.Engine, each fed with
// what is meant for it and drained inline. LwM2M servers and clients, and whoever else speaks coap and coaps, nest it.
package stack

import (
	"net/netip"

	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// Direction says which way a message goes.
type Direction uint8

// The directions.
const (
	In Direction = iota
	Out
)

// Config configures a Stack.
type Config struct {
	Nest     *machine.Nest // of the outer machine; nil: this is the outermost one
	Rand     machine.Rand
	Endpoint endpoint.Config // its Nest and Rand are set by New
	DTLS     *dtls.Config    // nil: plain CoAP only. Its Nest and Rand are set by New

	// Secure says which local addresses speak DTLS. Nil: datagrams are told apart by their first byte, as a client with
	// one socket for coap and coaps servers does. A server should set it, so that no datagram chooses its own security.
	Secure func(local netip.AddrPort) bool

	// Tap, where set, is called with every CoAP datagram in plaintext and its cause; b is borrowed. What it returns for one
	// that goes out, unless it is 0, is that one's cause from there on.
	Tap func(d Direction, cause machine.Cause, path machine.Path, b []byte) machine.Cause
}

// Stack is a machine.Durable. Commands go directly to Endpoint and DTLS, after Begin; then Next is drained.
type Stack struct {
	config     Config
	nest       machine.Outbox // owns the nest where the stack is the outermost machine
	endpoint   *endpoint.Endpoint
	dtls       *dtls.Engine
	now        machine.Time
	challenges []challenge // that wait for their answer, oldest first
	stats      Stats
}

// Stats counts what only the stack sees.
type Stats struct {
	NotSent   uint64 // messages for a session that is gone, or for an address beyond its allowance before its proof
	Confused  uint64 // datagrams that are neither CoAP nor DTLS, or DTLS where there is none
	Unmatched uint64 // challenges dropped because too many were out
}

type challenge struct {
	op      machine.OpID
	session uint64
	path    machine.Path
}

// maxChallenges bounds the challenges that are out at once. Each is asked for again by the device's next record.
const maxChallenges = 4096

// New returns a stack. It panics on a wrong dtls.Config, which is a mistake in the program.
func New(c Config) *Stack {
	s := &Stack{config: c, nest: machine.NewOutbox(c.Nest)}
	c.Endpoint.Nest, c.Endpoint.Rand = s.nest.Nest(), c.Rand
	if c.DTLS != nil && c.Endpoint.MaxMessage == nil {
		c.Endpoint.MaxMessage = s.maxMessage
	}
	s.endpoint = endpoint.New(c.Endpoint)
	if c.DTLS != nil {
		d := *c.DTLS
		d.Nest, d.Rand = s.nest.Nest(), c.Rand
		var err error
		if s.dtls, err = dtls.New(d); err != nil {
			panic(err)
		}
	}
	return s
}

// maxMessage makes blocks fit what max_fragment_length allows (RFC 6066 section 4).
func (s *Stack) maxMessage(path *machine.Path) int {
	if path.Security == nil {
		return 0
	}
	return s.dtls.MaxData(path.Security.Session)
}

// Endpoint returns the message layer, for commands and counters.
func (s *Stack) Endpoint() *endpoint.Endpoint { return s.endpoint }

// DTLS returns the secure layer, for commands and counters; nil where there is none.
func (s *Stack) DTLS() *dtls.Engine { return s.dtls }

// Stats returns the stack's own counters.
func (s *Stack) Stats() Stats { return s.stats }

// Begin starts an input that goes to Endpoint or DTLS directly, so that what the layers tell each other during the drain
// has the right time.
func (s *Stack) Begin(now machine.Time) {
	s.nest.Begin()
	s.now = now
}

// Receive takes in a datagram.
func (s *Stack) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	s.Begin(now)
	path.Security = nil // only DTLS may say who somebody is
	switch {
	case !s.secure(path.Local, b):
		s.tap(In, cause, path, b)
		s.endpoint.Receive(now, cause, path, b)
	case s.dtls != nil:
		s.dtls.Receive(now, cause, path, b)
	default:
		s.stats.Confused++
	}
}

// secure says which layer a datagram is for. CoAP's first byte is 0x40 to 0x7f (RFC 7252 section 3), a DTLS record's
// content type is below (RFC 7983 section 7).
func (s *Stack) secure(local netip.AddrPort, b []byte) bool {
	if s.config.Secure != nil {
		return s.config.Secure(local)
	}
	return s.dtls != nil && len(b) > 0 && b[0] < 0x40
}

// Expire fires all timers that are due.
func (s *Stack) Expire(now machine.Time) {
	s.Begin(now)
	if s.dtls != nil {
		s.dtls.Expire(now)
	}
	s.endpoint.Expire(now)
}

// Deadline says when Expire wants to be called.
func (s *Stack) Deadline() machine.Time {
	d := s.endpoint.Deadline()
	if s.dtls != nil {
		d = min(d, s.dtls.Deadline())
	}
	return d
}

// Persisted says that commit seq is on disk.
func (s *Stack) Persisted(now machine.Time, seq machine.Seq) {
	s.Begin(now)
	if s.dtls != nil {
		s.dtls.Persisted(now, seq)
	}
}

// PersistFailed says that commit seq will never be on disk.
func (s *Stack) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	s.Begin(now)
	if s.dtls != nil {
		s.dtls.PersistFailed(now, seq, err)
	}
}

func (s *Stack) tap(d Direction, cause machine.Cause, path machine.Path, b []byte) machine.Cause {
	if s.config.Tap != nil {
		return s.config.Tap(d, cause, path, b)
	}
	return 0
}
