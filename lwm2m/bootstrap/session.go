package bootstrap

import (
	"errors"
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
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

func (s *Server) describe(x *session, m *Message) Step {
	total := 0
	if m.Op != Discover {
		total = x.number + len(x.messages)
	}
	step := Step{Number: x.number, Total: total, Op: m.Op, Method: m.Method, URI: m.URI(), Note: m.Note, Skipped: m.Skipped, At: s.now}
	step.Entries, step.Lengths = Mask(m.Entries)
	return step
}

// Mask returns entries with the secrets taken out, so that their value is None, and how long those are.
func Mask(list []lwm2m.Entry) ([]lwm2m.Entry, map[lwm2m.Path]int) {
	out := slices.Clone(list)
	var lengths map[lwm2m.Path]int
	for i := range out {
		if Secret(out[i].Path) {
			if lengths == nil {
				lengths = map[lwm2m.Path]int{}
			}
			lengths[out[i].Path] = len(out[i].Value.Raw())
			out[i].Value = lwm2m.Value{}
		}
	}
	return out, lengths
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

// answered takes in what became of a message.
func (s *Server) answered(op machine.OpID, r *endpoint.Response) {
	x := s.byCall[op]
	if x == nil {
		return
	}
	delete(s.byCall, op)
	x.call = 0
	m := x.messages[0]
	step := &x.step
	step.Done, step.Took = true, s.now.Sub(step.At)
	if r.Err != nil {
		step.Err = failure(r.Err)
		s.tell(x, *step)
		s.end(x, step.Err)
		return
	}
	step.Code = r.Code
	if !r.Code.IsSuccess() {
		step.Why = cleanTo(string(r.Payload), s.config.Limits.Text)
		s.refused(x, m, step)
		return
	}
	switch m.Op {
	case Discover:
		x.messages = x.provision.Messages(s.discovered(x, r))
		s.tell(x, *step)
		s.advance(x)
		return
	case Read:
		s.read(x, m, r)
	case Finish:
		s.tell(x, *step)
		s.end(x, nil)
		return
	}
	s.tell(x, *step)
	x.messages = x.messages[1:]
	s.advance(x)
}

// discovered reads the answer to the Discover. One that cannot be read is as good as none.
func (s *Server) discovered(x *session, r *endpoint.Response) *Found {
	f, err := Found{}, error(nil)
	if len(r.Payload) > s.config.Limits.Links {
		err = lwm2m.ErrLink
	} else {
		f, err = ParseFound(r.Payload)
	}
	if err != nil {
		x.step.Note = unknownAccount + "; its answer cannot be read"
		return &Found{Version: x.version}
	}
	if f.Version.AtLeast(x.version) {
		x.version = f.Version
	}
	f.Version = x.version
	x.step.Links = string(r.Payload)
	if len(f.Own()) > 1 {
		x.step.Note = "several instances of object 0 have no Short Server ID: none of them is touched"
	}
	return &f
}

const unknownAccount = "the device's account of this bootstrap server is taken to be /0/0"

// refused takes in a refusal: some are no more than a note, for the others the provision says what becomes of the session.
func (s *Server) refused(x *session, m Message, step *Step) {
	if m.Op == WriteOp && step.Code == coap.UnsupportedContentFormat && s.another(x) {
		step.Ignored, step.Note = true, "it is sent again in another format"
		s.tell(x, *step)
		x.number++
		s.send(x)
		return
	}
	switch {
	case m.Op == Discover:
		// Devices of version 1.0 need not know it.
		step.Ignored, step.Note = true, unknownAccount
		s.tell(x, *step)
		x.messages = x.provision.Messages(&Found{Version: x.version})
		s.advance(x)
		return
	case m.Op == Read,
		m.Op == Delete && (step.Code == coap.NotFound || step.Code == coap.MethodNotAllowed),
		m.Op != Finish && x.provision.Policy == GoOn:
		step.Ignored = true
		s.tell(x, *step)
		x.messages = x.messages[1:]
		s.advance(x)
		return
	}
	s.tell(x, *step)
	s.end(x, &RefusedError{Step: *step})
}

// another chooses a format that the device has not refused yet, unless the operator insists on one.
func (s *Server) another(x *session) bool {
	if x.provision.HasFormat {
		return false
	}
	x.tried = append(x.tried, x.format)
	for _, ct := range writeFormats {
		if !slices.Contains(x.tried, ct) {
			x.format = ct
			return true
		}
	}
	return false
}

// read decodes the answer to a Read, for the operator.
func (s *Server) read(x *session, m Message, r *endpoint.Response) {
	ct := x.format
	if r.HasFormat {
		ct = r.Format
	}
	x.step.Format, x.step.HasFormat = ct, true
	list, err := format.Decode(nil, ct, m.Path, r.Payload, s.types.For(nil), format.Options{MaxEntries: s.config.Limits.Entries, Now: int64(s.now)})
	if err != nil {
		x.step.Note = "the answer cannot be read: " + err.Error()
		return
	}
	x.step.Entries, x.step.Lengths = Mask(list)
}

// tell says what became of the message under way.
func (s *Server) tell(x *session, step Step) {
	a := &Answered{Session: x.id, Endpoint: x.endpoint, Step: step}
	if step.Op == Discover {
		a.Version = x.version
	}
	s.emit(x.path, a)
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

func failure(err error) error {
	switch {
	case errors.Is(err, endpoint.ErrTimeout):
		return ErrTimeout
	case errors.Is(err, endpoint.ErrReset):
		return ErrReset
	case errors.Is(err, endpoint.ErrClosed):
		return ErrClosed
	}
	return err
}
