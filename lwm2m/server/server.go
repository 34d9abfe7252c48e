package server

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Server is one shard of an LwM2M server. It is a machine.Durable.
type Server struct {
	config  Config
	out     machine.Outbox
	stack   *stack.Stack
	ep      *endpoint.Endpoint
	now     machine.Time  // of the input that is being worked on, for the tap
	cause   machine.Cause // likewise
	from    machine.Path  // where what the layer below tells came from
	table   table
	objects objectsTable
	types   *registry.Types
	timers  machine.Timers[timer]
	ops     operations
	lines   lines
	results results
	obs     observations
	held    heldTable
	fetches []*fetch // requests that wait for their endpoint to come from another shard, oldest first
	came    bool     // the one at work had its endpoint fetched
	strays  strays
	watch   watchTable
	failed  error // set once the store has failed: nothing is promised any more
	stats   Stats
	restore restored
	after   machine.Seq // what requests of this moment wait for, besides the commit of their registration

	// Scratch, so that an Update allocates nothing.
	query   query
	reply   endpoint.Reply
	scratch [128]byte
	req     endpoint.Request
	options [16]coap.Option
	body    []byte
}

var _ machine.Durable = (*Server)(nil)

// New returns a server that knows of nobody. Restore and Started bring back what an earlier one wrote.
func New(config Config) *Server {
	config.setDefaults()
	s := &Server{config: config, out: machine.NewOutbox(config.Nest)}
	s.table.init(config.Rand)
	s.types = config.Registry.Types()
	s.objects.limit, s.objects.maxBytes = config.Limits.SharedLinks, config.Limits.LinkBytes
	s.ops.init()
	s.obs.init()
	s.lines.init()
	s.results.byID = map[machine.OpID]*result{}
	s.ops.last = firstOp(config.Shard, 0)
	inner := stack.Config{Nest: s.out.Nest(), Rand: config.Rand, Endpoint: config.Endpoint, Secure: config.Secure, Tap: s.tap}
	if config.DTLS != nil {
		d := *config.DTLS
		if d.PSK == nil {
			d.PSK = s.psk
		}
		if d.Verify == nil {
			d.Verify = s.verify
		}
		if d.CIDLen == 0 && !d.DisableCID {
			d.CIDLen = 8
		}
		d.CIDFirst, d.Durable, d.StoreLate = config.Shard, true, true // promise stores a session with its registration
		inner.DTLS = &d
	}
	s.stack = stack.New(inner)
	s.ep = s.stack.Endpoint()
	return s
}

// SetRegistry gives the server a registry with other definitions in it.
func (s *Server) SetRegistry(now machine.Time, r *registry.Registry) {
	s.begin(now, 0)
	s.types = r.Types()
}

// begin starts an input.
func (s *Server) begin(now machine.Time, cause machine.Cause) {
	s.out.Begin()
	s.stack.Begin(now)
	s.now, s.cause = now, cause
}

// Receive takes in a datagram.
func (s *Server) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	s.begin(now, cause)
	s.stack.Receive(now, cause, path, b)
	s.finish()
}

// Expire fires all timers that are due.
func (s *Server) Expire(now machine.Time) {
	s.begin(now, 0)
	s.stack.Expire(now)
	s.pump()
	s.expire()
	s.finish()
}

// Deadline says when Expire wants to be called.
func (s *Server) Deadline() machine.Time { return min(s.stack.Deadline(), s.timers.Deadline()) }

// Next returns the next action. What the Value of an Event or Result points to is never used again by the server: the
// receiver may keep it.
func (s *Server) Next() (machine.Action, bool) { return s.out.Next() }

// finish ends an input. Sessions that nobody needs are closed last, so that the commits of their ending come after the
// ones that this input made itself: commits leave in the order of their numbers.
func (s *Server) finish() {
	s.pump()
	s.serve()
	for len(s.strays.closing) > 0 {
		closing := s.strays.closing
		s.strays.closing = nil
		for _, session := range closing {
			if _, _, ok := s.stack.DTLS().Lookup(session); ok && s.table.ofSession(session) == 0 {
				s.stats.SessionsClosed++
				s.stack.DTLS().Close(s.now, s.cause, session)
			}
		}
		s.pump()
	}
}

// pump hands what the layers below want to the driver, and takes in what they tell.
func (s *Server) pump() {
	for {
		a, ok := s.stack.Next()
		if !ok {
			return
		}
		switch a.Kind {
		case machine.Event:
			s.cause, s.from = a.Cause, a.Path
			s.event(&a)
		case machine.Result:
			s.cause, s.from = a.Cause, a.Path
			s.result(&a)
		default:
			s.out.Push(a)
		}
	}
}

func (s *Server) event(a *machine.Action) {
	switch v := a.Value.(type) {
	case *endpoint.Incoming:
		s.incoming(a.Path, v)
	case *endpoint.Notification:
		s.notification(a.Op, v)
	case *dtls.Established:
		s.stray(v.Session)
	case *dtls.Moved:
		s.moved(v)
	case *dtls.Fresh:
		s.fresh(v)
	case *dtls.Closed:
		s.closed(v)
	case *dtls.Refused:
		s.refuse(a.Path, "", v.Identity, 0, v.Reason.Error())
	}
}

// emit tells the program something.
func (s *Server) emit(path machine.Path, value any) {
	s.out.Push(machine.Action{Kind: machine.Event, Cause: s.cause, Path: path, Value: value})
}

// persist asks for records to be made durable.
func (s *Server) persist(records ...machine.Record) machine.Seq {
	seq := s.out.Nest().NextSeq()
	s.out.Push(machine.Action{Kind: machine.Persist, Cause: s.cause, Seq: seq, Records: records})
	return seq
}

// promise is persist for what a device's request asked for. The highest number received on its secure session goes into
// the same commit, so that the request cannot be replayed after a restart.
func (s *Server) promise(by *machine.Identity, records ...machine.Record) machine.Seq {
	if by != nil && s.stack.DTLS() != nil {
		if r, ok := s.stack.DTLS().Export(by.Session); ok {
			records = append(records, r)
		}
	}
	return s.persist(records...)
}
