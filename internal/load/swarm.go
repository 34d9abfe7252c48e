package load

import (
	"fmt"
	"net/netip"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

type swarmConfig struct {
	rand     machine.Rand
	secure   bool
	remote   netip.AddrPort
	paths    paths
	clients  int
	prefix   string
	key      func(i int) []byte
	lifetime time.Duration
}

// swarm is a machine: many simulated devices of one server, each with at most one exchange of its own under way.
type swarm struct {
	c        swarmConfig
	out      machine.Outbox
	dtls     *dtls.Engine // nil: plain
	devices  []device
	sessions map[uint64]int32 // secure: whose session it is
	timers   machine.Timers[int32]
	job      job
	in       coap.Message
	msg      coap.Message
	buf      []byte
	answers  map[answerKey][]byte
	entries  []lwm2m.Entry
	strays   uint64
	pumping  bool
}

// device is one simulated device.
type device struct {
	location string // of its registration; empty: not registered
	session  uint64
	id       uint16 // of the latest message
	sequence uint32 // of the latest notification
	observed observation

	// The exchange under way; op is opNone when there is none.
	op      op
	attempt uint8
	acked   bool // the server got it and will answer separately
	request uint16
	begun   machine.Time
	timer   machine.TimerID
}

// observation is what a server asked to be told.
type observation struct {
	active bool
	token  coap.Token
	path   lwm2m.Path
	format coap.ContentFormat
}

type op uint8

const (
	opNone op = iota
	opRegister
	opUpdate
	opDeregister
	opNotify    // confirmable
	opNotifyNon // no answer: sent at a rate
)

// RFC 7252 section 4.8.
const (
	ackTimeout    = 2 * time.Second
	maxRetransmit = 4
	separateWait  = 30 * time.Second // for an answer after an empty acknowledgement
)

// pacer is the key of the timer that sends at a rate; devices have theirs from 0.
const pacer = -1

func newSwarm(c swarmConfig) (*swarm, error) {
	s := &swarm{c: c, out: machine.NewOutbox(nil), devices: make([]device, c.clients), answers: map[answerKey][]byte{}}
	for i := range s.devices {
		s.devices[i].id = uint16(c.rand.Uint64())
	}
	if c.secure {
		s.sessions = make(map[uint64]int32, c.clients)
		var err error
		s.dtls, err = dtls.New(dtls.Config{Nest: s.out.Nest(), Rand: c.rand, MaxSessions: c.clients + 1, MaxHandshakes: c.clients + 1,
			CipherCache: min(2*c.clients, 1<<16)})
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
	}
	return s, nil
}

// Receive takes in a datagram.
func (s *swarm) Receive(now machine.Time, cause machine.Cause, p machine.Path, b []byte) {
	s.out.Begin()
	i, ok := s.c.paths.index(&p)
	if !ok || p.Remote != s.c.remote {
		s.strays++
		return
	}
	if s.dtls == nil {
		s.message(now, i, b)
		return
	}
	s.dtls.Receive(now, cause, p, b)
	s.pump(now)
}

// Expire fires timers.
func (s *swarm) Expire(now machine.Time) {
	s.out.Begin()
	for {
		key, ok := s.timers.Pop(now)
		if !ok {
			break
		}
		if key == pacer {
			s.job.pacer = 0
			s.pace(now)
			continue
		}
		s.devices[key].timer = 0
		s.late(now, int(key))
	}
	if s.dtls != nil && s.dtls.Deadline() <= now {
		s.dtls.Expire(now)
		s.pump(now)
	}
}

// Deadline says when Expire wants to be called.
func (s *swarm) Deadline() machine.Time {
	d := s.timers.Deadline()
	if s.dtls != nil {
		d = min(d, s.dtls.Deadline())
	}
	return d
}

// Next returns the next action.
func (s *swarm) Next() (machine.Action, bool) { return s.out.Next() }

// registered returns how many devices are.
func (s *swarm) registered() (n int) {
	for i := range s.devices {
		if s.devices[i].location != "" {
			n++
		}
	}
	return n
}

// observed returns how many devices are.
func (s *swarm) observed() (n int) {
	for i := range s.devices {
		if s.devices[i].observed.active {
			n++
		}
	}
	return n
}

// send sends s.msg from device i.
func (s *swarm) send(now machine.Time, i int) error {
	var err error
	if s.buf, err = s.msg.Append(s.buf[:0]); err != nil {
		return err
	}
	if s.dtls == nil {
		s.out.Push(machine.Action{Kind: machine.Send, Path: s.c.paths.of(i), Data: s.out.Nest().Copy(s.buf)})
		return nil
	}
	err = s.dtls.Write(now, 0, s.devices[i].session, s.buf, 0)
	s.pump(now)
	return err
}
