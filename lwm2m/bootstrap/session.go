package bootstrap

import (
	"errors"
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// session is one device on its way through its configuration: first a question, then a list of messages.
type session struct {
	ask      machine.OpID
	question Question
	exchange endpoint.Exchange
	uri      string // of the request

	id        SessionID
	endpoint  string
	provision *Provision
	path      machine.Path
	cause     machine.Cause
	began     machine.Time
	timer     machine.TimerID

	format   coap.ContentFormat
	version  lwm2m.Version
	messages []Message // that are still to be sent; the first one is under way
	number   int
	call     machine.OpID
	step     Step // under way
	tried    []coap.ContentFormat
}

// start answers the Bootstrap-Request and begins. A session that the device had under way is over: it began again.
func (s *Server) start(x *session) {
	if old := s.byEnd[x.endpoint]; old != nil {
		s.end(old, ErrAgain)
	}
	s.last++
	x.id = s.last
	s.byID[x.id], s.byEnd[x.endpoint] = x, x
	x.timer = s.timers.Set(0, s.now.Add(s.config.SessionTimeout), x)
	x.format, x.version = coap.TLV, lwm2m.V1_0
	if x.question.HasFormat || x.question.Unusable {
		x.version = lwm2m.V1_1 // pct came with it
	}
	note := ""
	switch {
	case x.provision.HasFormat:
		x.format = x.provision.Format
	case x.question.HasFormat:
		x.format = x.question.Format
	case x.question.Unusable:
		note = "the content format that the device prefers cannot be used; TLV stands in for it"
	}
	s.stats.Begun++
	s.respond(x.exchange, coap.Changed, "")
	x.exchange = endpoint.Exchange{}
	s.emit(x.path, &Began{Session: x.id, Endpoint: x.endpoint, Configuration: x.provision.Configuration, Path: x.path, Format: x.format, Note: note, At: s.now,
		Step: Step{Op: Request, Method: coap.POST, URI: x.uri, At: s.now, Done: true, Code: coap.Changed, Note: note}})
	x.messages = []Message{First()}
	s.advance(x)
}

// advance sends the first message that is not skipped.
func (s *Server) advance(x *session) {
	for {
		m := &x.messages[0]
		x.number++
		x.tried = x.tried[:0]
		if x.number > s.config.Limits.Messages {
			s.end(x, ErrTooMany)
			return
		}
		if !m.Skipped {
			s.send(x)
			return
		}
		step := s.describe(x, m)
		step.Done = true
		s.emit(x.path, &Sent{x.id, x.endpoint, step})
		x.messages = x.messages[1:]
	}
}

// send sends the session's first message.
func (s *Server) send(x *session) {
	m := &x.messages[0]
	step := s.describe(x, m)
	r := endpoint.Request{Code: m.Method, Timeout: s.config.RequestTimeout}
	switch m.Op {
	case Finish:
		r.Options = r.Options.AppendPath("bs")
	default:
		r.Options = r.Options.AppendPath(m.Path.String())
	}
	switch m.Op {
	case Discover:
		r.Options = r.Options.SetAccept(coap.LinkFormat)
		step.Accept, step.HasAccept = coap.LinkFormat, true
	case Read:
		r.Options = r.Options.SetAccept(x.format)
		step.Accept, step.HasAccept = x.format, true
	case WriteOp:
		b, err := m.Encode(x.format)
		if err != nil {
			s.end(x, errors.Join(ErrEncoding, err))
			return
		}
		r.Payload = b
		r.Options = r.Options.SetFormat(x.format)
		step.Format, step.HasFormat, step.Size = x.format, true, len(b)
	}
	x.step = step
	x.call = s.ep.Request(s.now, x.cause, x.path, &r)
	s.byCall[x.call] = x
	s.emit(x.path, &Sent{x.id, x.endpoint, step})
}

// end ends a session.
func (s *Server) end(x *session, err error) {
	if s.byID[x.id] != x {
		return
	}
	delete(s.byID, x.id)
	delete(s.byEnd, x.endpoint)
	if x.call != 0 {
		delete(s.byCall, x.call)
		s.ep.Cancel(s.now, x.call)
		x.call = 0
	}
	s.timers.Stop(x.timer)
	x.timer = 0
	if err == nil {
		s.stats.Done++
	} else {
		s.stats.Failed++
	}
	s.emit(x.path, &Ended{Session: x.id, Endpoint: x.endpoint, Configuration: x.provision.Configuration, Err: err, Took: s.now.Sub(x.began), At: s.now})
}

// overdue ends a question that nobody answered, or a session that takes too long.
func (s *Server) overdue(x *session) {
	if x.id == 0 {
		delete(s.byAsk, x.ask)
		s.turnAway(x, &Refusal{Why: "the server is busy", Secret: "nothing said in time what the device is given", Busy: true})
		return
	}
	s.end(x, ErrTooLong)
}

// StopSession ends a session; the device is left to go back to what it had. It reports whether there was one.
func (s *Server) StopSession(now machine.Time, cause machine.Cause, id SessionID) bool {
	s.begin(now, cause)
	x := s.byID[id]
	if x != nil {
		s.end(x, ErrStopped)
	}
	s.pump()
	return x != nil
}

// sessions returns the sessions under way, in the order in which they began.
func (s *Server) sessions() []*session {
	list := make([]*session, 0, len(s.byID))
	for _, x := range s.byID {
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b *session) int { return int(a.id) - int(b.id) })
	return list
}
