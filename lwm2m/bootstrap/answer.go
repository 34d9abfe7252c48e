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
		step.Why = lwm2m.Clean(r.Payload, s.config.Limits.Text)
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
