package server

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// observation is one observed path, or list of paths, of one endpoint. There is at most one for a path and for a list.
type observation struct {
	Observation
	endpoint  string
	token     coap.Token
	under     uint64       // the registration for which the device has confirmed it; zero: none that is known
	op        machine.OpID // of the CoAP layer while it delivers; zero otherwise
	n         slot         // zero: the endpoint is not registered
	format    coap.ContentFormat
	hasFormat bool
	dirty     bool // its newest sequence is not written yet
	stored    bool // the store knows of it
	refused   bool // the device refused to take it up again once
	next      *observation
}

type observations struct {
	byOp   map[machine.OpID]*observation
	asleep map[string]*observation // of endpoints that are not registered
	count  int
	lastID ObservationID
	dirty  []*observation
	flush  machine.TimerID
}

func (t *observations) init() {
	t.byOp, t.asleep = map[machine.OpID]*observation{}, map[string]*observation{}
}

// Observations returns the observations of an endpoint, oldest first, also while it is not registered.
func (s *Server) Observations(ep string) []Observation {
	o := s.obs.asleep[ep]
	if _, e := s.table.find(ep); e != nil {
		o = e.obs
	}
	var list []Observation
	for ; o != nil; o = o.next {
		if o.State != 0 {
			list = append(list, o.Observation)
		}
	}
	return list
}

// is reports whether an operation is about this observation.
func (o *observation) is(op *Operation) bool {
	return o.Path == op.Path && slices.Equal(o.Paths, op.Paths)
}

// operation is what the device is asked for the observation with.
func (o *observation) operation() Operation {
	op := Operation{Kind: Observe, Path: o.Path, Paths: o.Paths, Format: o.format, HasFormat: o.hasFormat}
	if o.Paths != nil {
		op.Kind = ObserveComposite
	}
	return op
}

func (e *entry) observation(op *Operation) *observation {
	for o := e.obs; o != nil; o = o.next {
		if o.is(op) {
			return o
		}
	}
	return nil
}

// startObserve finds or makes the observation that an operation asks for.
func (s *Server) startObserve(e *entry, p *pending) error {
	if s.failed != nil {
		return ErrNotStored
	}
	if p.op.Kind == Observe && p.op.Path.Depth() == 0 {
		return &ErrInvalid{p.op.Path, "the root cannot be observed; name an object"}
	}
	if o := e.observation(&p.op); o != nil {
		if o.State == 0 {
			return ErrBusy // being set up by an operation before this one
		}
		p.obs = o
		return nil
	}
	if int(e.nobs) >= s.config.Limits.ObservationsPerClient || s.obs.count >= s.config.Limits.Observations {
		return ErrTooMany
	}
	if p.op.Kind == ObserveComposite {
		if err := s.checkPaths(&p.op); err != nil {
			return err
		}
	}
	p.obs = s.newObservation(e, &p.op)
	return nil
}

func (s *Server) newObservation(e *entry, op *Operation) *observation {
	// By the clock, so that an id is not given out again after a restart.
	s.obs.lastID = max(s.obs.lastID+1, ObservationID(s.now/1e6))
	o := &observation{Observation: Observation{ID: s.obs.lastID, Path: op.Path, Paths: op.Paths, Since: s.now}, endpoint: e.reg.Endpoint}
	o.n, _ = s.table.find(o.endpoint)
	link(&e.obs, o)
	e.nobs++
	s.obs.count++
	return o
}

func link(list **observation, o *observation) {
	for *list != nil {
		list = &(*list).next
	}
	*list = o
}

// observed takes in the answer to an Observe.
func (s *Server) observed(p *pending, e *entry, r *endpoint.Response, out *Outcome) {
	o := p.obs
	if o.State == Ended {
		// Cancelled while the device was being asked.
		if r.Observing {
			s.ep.Forget(s.now, p.inner)
		}
		out.Err = ErrCancelled
		s.resolve(p, e.reg.Endpoint, e, out, 0)
		return
	}
	if out.Err != nil || !r.Observing {
		err := out.Err
		if err == nil && r.Code.Class() == 2 {
			err = ErrNotObserved
			out.Err = err
		}
		switch {
		case o.State == Restoring && r.Err == nil && r.Code.Class() != 5 && r.Code != coap.TooManyRequests && o.refused:
			// The device says that it will not, and not only while it was busy registering.
			s.endObservation(e, o, r.Code, err)
		default:
			s.observeFailed(p, e, err)
		}
		s.resolve(p, e.reg.Endpoint, e, out, 0)
		return
	}
	if o.op != 0 && o.op != p.inner {
		delete(s.obs.byOp, o.op)
		s.ep.Forget(s.now, o.op)
	}
	o.op, o.token, o.under, o.State = p.inner, r.Token, e.reg.ID.Bits, Active
	o.format, o.hasFormat = p.op.Format, p.op.HasFormat
	o.Sequence, o.LastAt, o.refused = r.Sequence, s.now, false
	s.obs.byOp[o.op] = o
	var seq machine.Seq
	if s.failed == nil {
		records := []machine.Record{observationRecord(o)}
		if s.config.History && out.Err == nil {
			if r, ok := s.historyRecord(o.endpoint, out.Entries); ok {
				records = append(records, r)
			}
		}
		seq = s.persist(records...)
		o.stored = true
	} else {
		out.Err = ErrNotStored
	}
	out.Observation = o.Observation
	s.emit(e.reg.Path, &ObservationChanged{Endpoint: o.endpoint, Observation: o.Observation, Code: r.Code, At: s.now})
	if p.id == 0 {
		// What the device says when it is asked again is a new value, too.
		s.emit(e.reg.Path, &Notified{Registration: e.reg, Observation: o.Observation, Code: r.Code, Entries: out.Entries,
			Format: out.Format, HasFormat: out.HasFormat, Payload: out.Payload, Err: out.Err, At: s.now})
	}
	s.resolve(p, e.reg.Endpoint, e, out, seq)
}

// observeFailed takes in that an Observe was not answered: a new observation is none, an old one stays as it was or
// waits for a sign of life.
func (s *Server) observeFailed(p *pending, e *entry, err error) {
	o := p.obs
	switch {
	case o == nil:
	case o.State == 0:
		s.dropObservation(e, o)
	case o.State == Restoring:
		s.quiet(o)
		o.State, o.refused = Failed, err == nil || err == ErrNotObserved
		s.emit(e.reg.Path, &ObservationChanged{Endpoint: o.endpoint, Observation: o.Observation, Err: err, At: s.now})
	}
}

// observeAgain asks the device again for the observations that it may not know of any more.
func (s *Server) observeAgain(n slot, e *entry) {
	for o := e.obs; o != nil; o = o.next {
		if o.State == Waiting || o.State == Failed {
			s.askAgain(n, e, o, coap.Token{})
		}
	}
}

// askAgain asks for an observation under a token, or a new one.
func (s *Server) askAgain(n slot, e *entry, o *observation, token coap.Token) {
	p := &pending{cause: s.cause, began: s.now, obs: o, token: token, op: o.operation()}
	o.State = Restoring
	if err := s.send(n, e, p); err != nil {
		s.quiet(o)
		o.State = Failed
		return
	}
	s.stats.Reobserved++
	s.emit(e.reg.Path, &ObservationChanged{Endpoint: o.endpoint, Observation: o.Observation, At: s.now})
}

// endObservation removes an observation and returns the commit of its removal, or zero.
func (s *Server) endObservation(e *entry, o *observation, code coap.Code, err error) machine.Seq {
	var seq machine.Seq
	if o.stored && s.failed == nil {
		seq = s.persist(observationRemoved(o))
	}
	s.dropObservation(e, o)
	o.State = Ended
	s.emit(e.reg.Path, &ObservationChanged{Endpoint: o.endpoint, Observation: o.Observation, Code: code, Err: err, At: s.now})
	return seq
}

func (s *Server) dropObservation(e *entry, o *observation) {
	if o.op != 0 {
		delete(s.obs.byOp, o.op)
		s.ep.Forget(s.now, o.op)
		o.op = 0
	}
	for at := &e.obs; *at != nil; at = &(*at).next {
		if *at == o {
			*at = o.next
			break
		}
	}
	o.next = nil
	e.nobs--
	s.obs.count--
}

// startCancel ends an observation. Passively, the next notification is answered with RST and nothing is asked of the
// device now.
func (s *Server) startCancel(n slot, e *entry, p *pending) error {
	o := e.observation(&p.op)
	if o == nil || o.State == 0 {
		return ErrNoObservation
	}
	if s.failed != nil {
		return ErrNotStored
	}
	token, known := o.token, o.op != 0
	was := o.Observation
	seq := s.endObservation(e, o, 0, nil)
	if !p.op.Passive && known {
		p.obs = &observation{Observation: was, token: token}
		return nil
	}
	s.resolve(p, e.reg.Endpoint, e, &Outcome{Observation: was}, seq)
	p.done = true
	return nil
}

// cancelAsleep ends an observation of an endpoint that is not registered.
func (s *Server) cancelAsleep(p *pending, ep string) error {
	head := s.obs.asleep[ep]
	for at := &head; *at != nil; at = &(*at).next {
		o := *at
		if !o.is(&p.op) {
			continue
		}
		if s.failed != nil {
			return ErrNotStored
		}
		*at = o.next
		if s.obs.count--; head == nil {
			delete(s.obs.asleep, ep)
		} else {
			s.obs.asleep[ep] = head
		}
		o.State = Ended
		seq := s.persist(observationRemoved(o))
		s.emit(machine.Path{}, &ObservationChanged{Endpoint: ep, Observation: o.Observation, At: s.now})
		s.resolve(p, ep, nil, &Outcome{Observation: o.Observation}, seq)
		s.settle(ep)
		p.done = true
		return nil
	}
	return ErrUnknownEndpoint
}

func (s *Server) observationCancelled(p *pending, e *entry, out *Outcome) {
	out.Observation = p.obs.Observation
	out.Observation.State = Ended
	s.resolve(p, e.reg.Endpoint, e, out, 0)
}
