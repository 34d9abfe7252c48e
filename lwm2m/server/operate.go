package server

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// pending is an operation that a device has not answered yet.
type pending struct {
	id     machine.OpID // zero: the server's own, nobody waits for a result
	inner  machine.OpID // of the CoAP layer
	n      slot
	cause  machine.Cause
	op     Operation
	q      *request     // it comes from the device's line
	obs    *observation // Observe: what it is for
	token  coap.Token   // Observe: the one to use again
	format coap.ContentFormat
	auto   bool // the server chose the format and may choose another
	done   bool // without asking the device
	began  machine.Time
	prev   *pending
	next   *pending
}

type operations struct {
	byInner map[machine.OpID]*pending
	byID    map[machine.OpID]*pending
	last    machine.OpID
	waiting []waitingResult // for their commit, in order
}

type waitingResult struct {
	seq     machine.Seq
	id      machine.OpID
	cause   machine.Cause
	path    machine.Path
	outcome *Outcome
	done    bool  // of a kept request: the outcome holds whatever becomes of the commit
	kept    *Kept // instead of an outcome
}

func (o *operations) init() {
	o.byInner, o.byID = map[machine.OpID]*pending{}, map[machine.OpID]*pending{}
}

func (s *Server) do(now machine.Time, cause machine.Cause, ep string, op *Operation) machine.OpID {
	s.begin(now, cause)
	s.ops.last++
	id := s.ops.last
	s.stats.Operations++
	p := &pending{id: id, cause: cause, op: *op, began: now}
	p.op.normalize()
	n, e := s.table.find(ep)
	var err error
	switch {
	case e == nil && (op.Kind == CancelObserve || op.Kind == CancelObserveComposite):
		err = s.cancelAsleep(p, ep)
	case e == nil:
		err = ErrUnknownEndpoint
	case s.queues(e, op):
		if err = s.enqueue(n, e, p); err == nil {
			s.finish()
			return id
		}
	case int(e.nops) >= s.config.Limits.OperationsPerClient || len(s.ops.byInner) >= s.config.Limits.Operations:
		err = ErrBusy
	case op.Kind == Observe, op.Kind == ObserveComposite:
		err = s.startObserve(e, p)
	case op.Kind == CancelObserve, op.Kind == CancelObserveComposite:
		err = s.startCancel(n, e, p)
	}
	if err == nil && !p.done {
		err = s.send(n, e, p)
	}
	if err != nil {
		if p.obs != nil && p.obs.State == 0 && op.Kind.observes() {
			s.dropObservation(e, p.obs)
		}
		s.resolve(p, ep, e, &Outcome{Err: err}, 0)
	}
	s.finish()
	return id
}

// send asks the device.
func (s *Server) send(n slot, e *entry, p *pending) error {
	p.n = n
	if p.op.Kind == Ping {
		p.inner = s.ep.Ping(s.now, p.cause, e.reg.Path)
	} else {
		req, err := s.request(e, p)
		if err != nil {
			return err
		}
		p.inner = s.ep.Request(s.now, p.cause, e.reg.Path, req)
	}
	s.ops.byInner[p.inner] = p
	if p.id != 0 {
		s.ops.byID[p.id] = p
	}
	if p.next = e.ops; p.next != nil {
		p.next.prev = p
	}
	e.ops = p
	e.nops++
	return nil
}

// unlink takes an operation off its registration.
func (s *Server) unlink(p *pending) {
	delete(s.ops.byInner, p.inner)
	delete(s.ops.byID, p.id)
	e := s.table.at(p.n)
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		e.ops = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
	e.nops--
	if l := s.lines.of[p.n]; l != nil {
		s.attend(p.n, l)
	}
}

// resolve gives an operation its one result, once commit seq is on disk.
func (s *Server) resolve(p *pending, ep string, e *entry, o *Outcome, seq machine.Seq) {
	if p.id == 0 {
		return
	}
	if p.q != nil {
		s.complete(s.lines.of[p.n], p.q, e, o, seq)
		return
	}
	o.Endpoint, o.Op, o.Path, o.Paths, o.Took = ep, p.op.Kind, p.op.Path, p.op.Paths, s.now.Sub(p.began)
	var path machine.Path
	if e != nil {
		o.Registration, path = e.reg, e.reg.Path
	}
	if seq != 0 {
		s.ops.waiting = append(s.ops.waiting, waitingResult{seq: seq, id: p.id, cause: p.cause, path: path, outcome: o})
		return
	}
	s.out.Push(machine.Action{Kind: machine.Result, Op: p.id, Cause: p.cause, Path: path, Value: o})
}

// release gives out the results that waited for commits up to seq. err is why they are not on disk.
func (s *Server) release(seq machine.Seq, err error) {
	i := 0
	for ; i < len(s.ops.waiting); i++ {
		w := &s.ops.waiting[i]
		if err == nil && w.seq > seq {
			break
		}
		if failed := err != nil && w.seq >= seq; failed && w.kept != nil {
			s.notKept(w.id)
			continue
		} else if failed && !w.done {
			w.outcome.Err = ErrNotStored
		}
		if w.kept != nil {
			s.out.Push(machine.Action{Kind: machine.Event, Cause: w.cause, Path: w.path, Value: w.kept})
			continue
		}
		s.out.Push(machine.Action{Kind: machine.Result, Op: w.id, Cause: w.cause, Path: w.path, Value: w.outcome})
	}
	rest := copy(s.ops.waiting, s.ops.waiting[i:])
	clear(s.ops.waiting[rest:])
	s.ops.waiting = s.ops.waiting[:rest]
}

// result takes in the end of an exchange.
func (s *Server) result(a *machine.Action) {
	r, ok := a.Value.(*endpoint.Response)
	if !ok {
		return
	}
	p := s.ops.byInner[a.Op]
	if p == nil {
		// One that was cancelled, or an observation that finds no room below.
		if o := s.obs.byOp[a.Op]; o != nil {
			delete(s.obs.byOp, a.Op)
			o.op, o.State = 0, Failed
		}
		return
	}
	e := s.table.at(p.n)
	s.unlink(p)
	if r.Err == nil || errors.Is(r.Err, endpoint.ErrReset) {
		s.heard(p.n, e)
	}
	if p.q != nil && r.Err != nil && s.unanswered(p, e, r.Err) {
		s.stats.Failures++
		return
	}
	if s.again(p, e, r) {
		return
	}
	o := &Outcome{Code: r.Code, Err: failure(r.Err), RTT: r.RTT}
	if p.op.Kind == Ping && errors.Is(r.Err, endpoint.ErrReset) {
		o.Err = nil // RST is how a ping is answered (RFC 7252 section 4.3)
	}
	if o.Err == nil {
		s.readAnswer(p, e, r, o)
	} else {
		s.stats.Failures++
	}
	ep := e.reg.Endpoint
	switch p.op.Kind {
	case Observe, ObserveComposite:
		s.observed(p, e, r, o)
		return
	case CancelObserve, CancelObserveComposite:
		s.observationCancelled(p, e, o)
		return
	}
	s.resolve(p, ep, e, o, 0)
}

func failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, endpoint.ErrTimeout):
		return ErrTimeout
	case errors.Is(err, endpoint.ErrReset):
		return ErrReset
	case errors.Is(err, endpoint.ErrCancelled):
		return ErrCancelled
	case errors.Is(err, endpoint.ErrBusy):
		return ErrBusy
	case errors.Is(err, endpoint.ErrClosed):
		return ErrClosed
	}
	return err
}

func (s *Server) cancel(now machine.Time, id machine.OpID) {
	s.begin(now, 0)
	if q := s.lines.byID[id]; q != nil {
		s.withdraw(s.lines.of[q.n], q, s.table.at(q.n), ErrCancelled)
	} else if p := s.ops.byID[id]; p != nil {
		s.abandon(p, ErrCancelled)
	}
	s.finish()
}

// abandon ends an operation that the device has not answered.
func (s *Server) abandon(p *pending, err error) {
	e := s.table.at(p.n)
	s.unlink(p)
	s.ep.Cancel(s.now, p.inner)
	if p.q != nil {
		s.recall(p, e)
		return
	}
	if p.op.Kind.observes() {
		s.observeFailed(p, e, err)
	}
	s.resolve(p, e.reg.Endpoint, e, &Outcome{Err: err}, 0)
}

// failOperations ends the operations of a registration: all of them, or only those with which the server itself asks
// for observations again.
func (s *Server) failOperations(e *entry, err error, all bool) {
	for p := e.ops; p != nil; {
		next := p.next
		if all || p.id == 0 {
			s.abandon(p, err)
		}
		p = next
	}
}

func (s *Server) timeout(op *Operation) time.Duration {
	if op.Timeout > 0 {
		return op.Timeout
	}
	return s.config.RequestTimeout
}
