package server

import (
	"errors"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// serve looks at the lines that something has happened to. It is called at the end of an input, so that what the device
// asked is answered before it is asked.
func (s *Server) serve() {
	for len(s.lines.due) > 0 {
		n := s.lines.due[0]
		s.lines.due = s.lines.due[1:]
		l := s.lines.of[n]
		if l == nil {
			continue
		}
		e := s.table.at(n)
		s.sweep(n, e, l)
		l.noted = false
		s.sendFirst(n, e, l)
		s.schedule(n, l)
		s.settleLine(n, l)
	}
	s.lines.due = nil
}

// maySend reports whether the first request of a line may be sent now: one at a time, to a device that listens, at an
// address that the device's own message has refreshed.
func (s *Server) maySend(e *entry, l *line) bool {
	q := l.first
	return q != nil && l.flight == nil && e.nops == 0 && !l.silent && !l.moving && e.awake(l) && s.now >= l.ready &&
		!(q.kept && s.failed != nil) && s.proven(e)
}

// proven reports whether the device's secure session is alive and, after a restart, proved: what looks like a sign of life
// may be a replay.
func (s *Server) proven(e *entry) bool {
	return s.reachable(e.reg.Path) && (e.reg.Path.Security == nil || !e.reg.Path.Security.Resumed)
}

func (s *Server) sendFirst(n slot, e *entry, l *line) {
	for s.maySend(e, l) {
		q := l.first
		if q.expires <= s.now {
			s.complete(l, q, e, &Outcome{Err: ErrQueueExpired}, 0)
			continue
		}
		op, err := readOperation([]byte(q.op))
		p := &pending{id: q.id, cause: q.cause, op: op, began: q.at, q: q, n: n}
		if err != nil {
			s.complete(l, q, e, &Outcome{Err: err}, 0)
			continue
		}
		s.sendRequest(n, e, l, p)
	}
}

// sendRequest asks the device what the first request of its line says.
func (s *Server) sendRequest(n slot, e *entry, l *line, p *pending) {
	q := p.q
	var err error
	switch {
	case p.op.Kind.observes():
		err = s.startObserve(e, p)
	case p.op.Kind.cancels():
		if p.obs = l.cancelled; p.obs != nil {
			break // the observation has ended here; the device has not confirmed it yet
		}
		if err = s.startCancel(n, e, p); q.sent && errors.Is(err, ErrNoObservation) {
			// Ended before a restart, which forgot its token: the device's next notification is answered with RST.
			s.complete(l, q, e, &Outcome{}, 0)
			return
		}
		l.cancelled = p.obs
	}
	if err == nil && p.done {
		return // answered without asking the device
	}
	if err == nil {
		if q.kept && !q.sent && marked(p.op.Kind) {
			// A crash after this must not have it repeated.
			q.sent = true
			s.after = s.persist(s.requestRecord(e.reg.Endpoint, q))
		}
		s.after = max(s.after, l.after)
		l.flight = p
		err = s.send(n, e, p)
		s.after = 0
	}
	if err != nil {
		l.flight = nil
		if p.obs != nil && p.obs.State == 0 && p.op.Kind.observes() {
			s.dropObservation(e, p.obs)
		}
		s.complete(l, q, e, &Outcome{Err: err}, 0)
		return
	}
	l.after = 0
	if q.tries++; q.tries == 0 {
		q.tries--
	}
	s.queueChanged(e, l, q)
	s.pump() // the exchange may have failed at once
}

// marked reports whether the store must know that a request has been sent before it is.
func marked(k OpKind) bool { return !k.Idempotent() || k.cancels() }

// busyDelay is how long a request waits that the layer below has no room for.
const busyDelay = time.Second

// unanswered takes in that a device did not answer a request of its line, and reports whether that was so. What may run
// twice stays at the head. Of the rest nobody knows whether it has run: that is told, and it is not repeated.
func (s *Server) unanswered(p *pending, e *entry, err error) bool {
	l := s.lines.of[p.n]
	busy := errors.Is(err, endpoint.ErrBusy) // nothing was sent
	if !busy && !errors.Is(err, endpoint.ErrTimeout) && !errors.Is(err, endpoint.ErrClosed) {
		return false
	}
	if busy || p.op.Kind.Idempotent() || p.op.Repeat {
		s.returned(p, e, err)
	} else {
		s.stats.QueueMaybe++
		s.complete(l, p.q, e, &Outcome{Err: ErrMaybeExecuted}, 0)
	}
	if busy {
		l.ready = s.now.Add(busyDelay)
	} else {
		l.silent = true
		s.stats.QueueUnanswered++
		s.fellAsleep(p.n, e, l)
	}
	s.attend(p.n, l)
	return true
}

// returned puts the request under way back to the head of its line, where it is sent anew, under another token.
func (s *Server) returned(p *pending, e *entry, err error) {
	if p.op.Kind.observes() {
		s.observeFailed(p, e, err)
	}
	l := s.lines.of[p.n]
	l.flight = nil
	s.queueChanged(e, l, p.q)
}

// recall takes back the request under way because the device is elsewhere, or has begun anew. What may have run already
// is not repeated.
func (s *Server) recall(p *pending, e *entry) {
	if p.op.Kind.Idempotent() || p.op.Repeat {
		s.returned(p, e, ErrReregistered)
		s.attend(p.n, s.lines.of[p.n])
		return
	}
	s.stats.QueueMaybe++
	s.complete(s.lines.of[p.n], p.q, e, &Outcome{Err: ErrMaybeExecuted}, 0)
}

// recallMoved is recall for a device that has told a new address; an answer to what may not be repeated is still waited
// for.
func (s *Server) recallMoved(n slot, e *entry) {
	l := s.lines.of[n]
	if l == nil || l.flight == nil {
		return
	}
	if p := l.flight; p.op.Kind.Idempotent() || p.op.Repeat {
		s.unlink(p)
		s.ep.Cancel(s.now, p.inner)
		s.recall(p, e)
	}
}

// complete ends a request of a line: takes it out and gives its one result, when the store has it.
func (s *Server) complete(l *line, q *request, e *entry, o *Outcome, seq machine.Seq) {
	if l.first == q {
		if p := l.flight; p != nil {
			o.Asked, o.Paths = &p.op, p.op.Paths
		}
		l.flight, l.cancelled = nil, nil
	}
	s.take(l, q)
	kind, path := operationHead(q.op)
	if kind == Create {
		path = path.Cut(1)
	}
	o.Endpoint, o.Registration, o.Op, o.Path, o.Took = e.reg.Endpoint, e.reg, kind, path, s.now.Sub(q.at)
	o.Kept, o.QueuedAt, o.Left = q.kept, q.at, int(l.kept)
	s.note(q.n, l) // the last one leaves a line that is not needed
	stored := q.kept && s.failed == nil
	if stored {
		records := append(s.noteResult(q.id, o), s.requestRemoved(e.reg.Endpoint, q))
		if s.lines.ending {
			s.lines.records = append(s.lines.records, records...)
		} else {
			seq = s.persist(records...)
		}
	}
	if q.kept {
		s.stats.QueueDone++
	}
	if seq != 0 || stored {
		s.ops.waiting = append(s.ops.waiting, waitingResult{seq: seq, id: q.id, cause: q.cause, path: e.reg.Path, outcome: o, done: q.kept && !kind.observes()})
		return
	}
	s.out.Push(machine.Action{Kind: machine.Result, Op: q.id, Cause: q.cause, Path: e.reg.Path, Value: o})
}

// schedule sets a line's timer for what comes next without a message of the device.
func (s *Server) schedule(n slot, l *line) {
	at := machine.Never
	for q := l.first; q != nil; q = q.next {
		if l.flight == nil || q != l.first {
			at = min(at, q.expires)
		}
		if !q.kept {
			at = min(at, q.patient)
		}
	}
	if l.first != nil && l.flight == nil && l.ready > s.now {
		at = min(at, l.ready)
	}
	if at == machine.Never || l.timer == 0 || at != s.timers.At(l.timer) {
		l.timer = s.timers.Set(l.timer, at, timer{lineTimer, uint32(n)})
	}
}

// lineDue is the timer of schedule.
func (s *Server) lineDue(n slot) {
	l := s.lines.of[n]
	if l == nil {
		return
	}
	l.timer = 0
	s.attend(n, l)
}

// sweep ends what has expired, and keeps what nobody waits for any longer.
func (s *Server) sweep(n slot, e *entry, l *line) {
	for q := l.first; q != nil; {
		next := q.next
		switch under := l.flight != nil && l.first == q; {
		case q.expires <= s.now && !under:
			s.stats.QueueExpired++
			s.complete(l, q, e, &Outcome{Err: ErrQueueExpired}, 0)
		case !q.kept && q.patient <= s.now:
			s.patienceOver(n, e, l, q)
		}
		q = next
	}
}

// patienceOver keeps a request whose answer nobody waits for any longer. Without a store it ends here, as it would for a
// device that is not in queue mode.
func (s *Server) patienceOver(n slot, e *entry, l *line, q *request) {
	if s.failed == nil {
		s.keepRequest(e, l, q)
		return
	}
	s.withdraw(l, q, e, ErrTimeout)
}

// withdraw ends a request that has not been answered.
func (s *Server) withdraw(l *line, q *request, e *entry, err error) {
	if p := l.flight; p != nil && l.first == q {
		s.unlink(p)
		s.ep.Cancel(s.now, p.inner)
		if p.op.Kind.observes() {
			s.observeFailed(p, e, err)
		}
		if errors.Is(err, ErrDeregistered) && !p.op.Kind.Idempotent() {
			err = ErrMaybeExecuted
		}
	}
	s.complete(l, q, e, &Outcome{Err: err}, 0)
}

// CancelQueue ends everything that waits for an endpoint, and returns how many requests that were. Each has its Result.
func (s *Server) CancelQueue(now machine.Time, cause machine.Cause, ep string) int {
	s.begin(now, cause)
	count := 0
	if n, e := s.table.find(ep); e != nil {
		if l := s.lines.of[n]; l != nil {
			for l.first != nil {
				s.withdraw(l, l.first, e, ErrCancelled)
				count++
			}
		}
	}
	s.finish()
	return count
}
