package bootstrap

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Server is a bootstrap server. It is a machine.Durable, though it makes nothing durable itself.
type Server struct {
	config  Config
	out     machine.Outbox
	stack   *stack.Stack
	ep      *endpoint.Endpoint
	now     machine.Time
	cause   machine.Cause
	types   *registry.Types
	timers  machine.Timers[*session]
	last    SessionID
	lastAsk machine.OpID
	byAsk   map[machine.OpID]*session // that wait for Answer
	byEnd   map[string]*session       // under way, by endpoint
	byID    map[SessionID]*session    // under way
	byCall  map[machine.OpID]*session // whose message waits for the device
	stats   Stats
	reply   endpoint.Reply
	scratch [256]byte
}

var _ machine.Durable = (*Server)(nil)

// New returns a server.
func New(config Config) *Server {
	config.setDefaults()
	s := &Server{config: config, out: machine.NewOutbox(config.Nest), types: config.Registry.Types(),
		byAsk: map[machine.OpID]*session{}, byEnd: map[string]*session{}, byID: map[SessionID]*session{}, byCall: map[machine.OpID]*session{}}
	inner := stack.Config{Nest: s.out.Nest(), Rand: config.Rand, Endpoint: config.Endpoint, Secure: config.Secure}
	if config.DTLS != nil {
		d := *config.DTLS
		if d.PSK == nil {
			d.PSK = s.psk
		}
		if d.CIDLen == 0 && !d.DisableCID {
			d.CIDLen = 8
		}
		if d.SessionIdleMax == 0 {
			d.SessionIdleMax = config.SessionIdle
		}
		inner.DTLS = &d
	}
	s.stack = stack.New(inner)
	s.ep = s.stack.Endpoint()
	return s
}

func (s *Server) psk(identity []byte) ([]byte, bool) {
	if s.config.Key == nil {
		return nil, false
	}
	return s.config.Key(identity)
}

// SetRegistry gives the server a registry with other definitions in it.
func (s *Server) SetRegistry(now machine.Time, r *registry.Registry) {
	s.begin(now, 0)
	s.types = r.Types()
}

// KeysChanged says that these identities have another key or none any more: their secure sessions end.
func (s *Server) KeysChanged(now machine.Time, cause machine.Cause, identities ...string) {
	s.begin(now, cause)
	if d := s.stack.DTLS(); d != nil && len(identities) > 0 {
		d.Invalidate(now, cause, identities...)
	}
	s.pump()
}

func (s *Server) begin(now machine.Time, cause machine.Cause) {
	s.out.Begin()
	s.stack.Begin(now)
	s.now, s.cause = now, cause
}

// Receive takes in a datagram.
func (s *Server) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	s.begin(now, cause)
	s.stack.Receive(now, cause, path, b)
	s.pump()
}

// Expire fires all timers that are due.
func (s *Server) Expire(now machine.Time) {
	s.begin(now, 0)
	s.stack.Expire(now)
	s.pump()
	for {
		x, ok := s.timers.Pop(now)
		if !ok {
			break
		}
		x.timer = 0
		s.cause = x.cause
		s.overdue(x)
	}
	s.pump()
}

// Deadline says when Expire wants to be called.
func (s *Server) Deadline() machine.Time { return min(s.stack.Deadline(), s.timers.Deadline()) }

// Next returns the next action. What the Value of an Event or Ask points to is never used again by the server: the
// receiver may keep it.
func (s *Server) Next() (machine.Action, bool) { return s.out.Next() }

// Persisted says that commit seq is on disk. Only a durable DTLS layer asks for commits.
func (s *Server) Persisted(now machine.Time, seq machine.Seq) {
	s.begin(now, 0)
	s.stack.Persisted(now, seq)
	s.pump()
}

// PersistFailed says that commit seq will never be on disk.
func (s *Server) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	s.begin(now, 0)
	s.stack.PersistFailed(now, seq, err)
	s.pump()
}

// pump hands what the layers below want to the driver, and takes in what they tell.
func (s *Server) pump() {
	for {
		a, ok := s.stack.Next()
		if !ok {
			return
		}
		switch v := a.Value.(type) {
		case *endpoint.Incoming:
			s.cause = a.Cause
			s.incoming(a.Path, v)
		case *endpoint.Response:
			s.cause = a.Cause
			s.answered(a.Op, v)
		case *dtls.Moved:
			s.moved(v)
		case *dtls.Closed:
			s.closed(v)
		case *dtls.Refused:
			s.cause = a.Cause
			s.refuse(a.Path, "", v.Identity, 0, v.Reason.Error())
		case nil:
			s.out.Push(a)
		}
	}
}

// emit tells the program something.
func (s *Server) emit(path machine.Path, value any) {
	s.out.Push(machine.Action{Kind: machine.Event, Cause: s.cause, Path: path, Value: value})
}

func (s *Server) refuse(path machine.Path, ep, identity string, code coap.Code, why string) {
	s.stats.Refused++
	s.emit(path, &Refused{Endpoint: lwm2m.Clean([]byte(ep), logged), Identity: lwm2m.Clean([]byte(identity), logged), Path: path, Code: code, Why: why, At: s.now})
}

// moved follows a device to the address that its secure session has proved.
func (s *Server) moved(v *dtls.Moved) {
	for _, x := range s.byID {
		if x.path.Security != nil && v.New.Security != nil && x.path.Security.Session == v.New.Security.Session {
			x.path = v.New
		}
	}
}

// closed ends what a secure session had under way.
func (s *Server) closed(v *dtls.Closed) {
	if v.Path.Security == nil {
		return
	}
	for _, x := range s.sessions() {
		if x.path.Security != nil && x.path.Security.Session == v.Session {
			s.end(x, ErrClosed)
		}
	}
}

// Stats is counters since the start, and how much there is now.
type Stats struct {
	Sessions, Questions int // now

	Requests, Refused, Begun, Done, Failed uint64

	Endpoint endpoint.Stats
	Stack    stack.Stats
	DTLS     dtls.Stats
}

// Stats returns the counters of this server and of the layers below.
func (s *Server) Stats() Stats {
	st := s.stats
	st.Sessions, st.Questions = len(s.byID), len(s.byAsk)
	st.Endpoint, st.Stack = s.ep.Stats(), s.stack.Stats()
	if d := s.stack.DTLS(); d != nil {
		st.DTLS = d.Stats()
	}
	return st
}
