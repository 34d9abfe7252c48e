package server

import (
	"time"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// QueueMode says what becomes of an operation for a device that may be asleep.
type QueueMode uint8

// The queue modes of an operation.
const (
	QueueAuto   QueueMode = iota // kept where the device is in queue mode
	QueueNever                   // sent at once; a device that sleeps does not answer
	QueueAlways                  // kept whatever the device said about queue mode, until it answers
)

// request is one request in a device's line. It is small: there may be ten for each of 100,000 sleeping devices.
type request struct {
	next    *request
	id      machine.OpID
	cause   machine.Cause
	at      machine.Time // when it was asked for
	expires machine.Time
	patient machine.Time // while it is not kept: until when the one who asked waits for an answer
	op      string       // appendOperation
	n       slot
	tries   uint16
	kept    bool // promised: it is in the store, or on its way there
	sent    bool // the store knows that the device may have seen it
}

// line is what waits for one device, in order, and how the device is. A device that sleeps and has nothing to wait for has
// none; nor has one that is not in queue mode, unless something was to be kept for it.
type line struct {
	first, last *request
	flight      *pending     // the first request, while the device is being asked
	cancelled   *observation // of a CancelObserve at the head that the device has not answered yet
	after       machine.Seq  // what a request waits for: the answer to the device's own
	ready       machine.Time // no request before
	sleep       machine.TimerID
	timer       machine.TimerID // the next expiry or end of patience, or ready
	window      uint32          // seconds; zero: the server's
	bytes       uint32
	count       uint16
	kept        uint16
	silent      bool // it did not answer: nothing is sent before it is heard of
	moving      bool // it has a new address that is not proved yet
	noted       bool // in lines.due
}

// lines is the side table of the devices that something waits for or that are awake in queue mode.
type lines struct {
	of      map[slot]*line
	byID    map[machine.OpID]*request
	windows map[string]uint32 // what operators said, by endpoint
	due     []slot            // lines to look at at the end of this input
	bytes   int
	awake   int              // devices in queue mode that are awake
	ending  bool             // a registration ends: its commit takes the records
	records []machine.Record // collected for it
}

func (t *lines) init() {
	t.of, t.byID, t.windows = map[slot]*line{}, map[machine.OpID]*request{}, map[string]uint32{}
}

// requestCost is what a request takes besides its bytes, for the limits.
const requestCost = 128

func (q *request) cost() int { return requestCost + len(q.op) }

func (s *Server) newLine(n slot, e *entry) *line {
	l := &line{window: s.lines.windows[e.reg.Endpoint]}
	s.lines.of[n] = l
	return l
}

// settleLine drops a line that says nothing any more.
func (s *Server) settleLine(n slot, l *line) {
	if l.first == nil && l.sleep == 0 && !l.noted {
		s.timers.Stop(l.timer)
		delete(s.lines.of, n)
	}
}

// attend has a line looked at at the end of this input, if something waits in it.
func (s *Server) attend(n slot, l *line) {
	if l.first != nil {
		s.note(n, l)
	}
}

func (s *Server) note(n slot, l *line) {
	if !l.noted {
		l.noted = true
		s.lines.due = append(s.lines.due, n)
	}
}

// queues reports whether an operation takes its place in the device's line.
func (s *Server) queues(e *entry, op *Operation) bool {
	if op.Kind == Ping || op.Kind.cancels() && op.Passive || op.Block != nil {
		return false
	}
	switch op.Queue {
	case QueueNever:
		return false
	case QueueAlways:
		return true
	}
	return e.reg.Queue
}

// enqueue gives an operation its place. Where the device is awake and nothing is before it, it is sent within this input.
func (s *Server) enqueue(n slot, e *entry, p *pending) error {
	op := &p.op
	if err := s.sensible(n, e, op); err != nil {
		return err
	}
	l := s.lines.of[n]
	if l == nil {
		l = s.newLine(n, e)
	}
	q := &request{id: p.id, cause: p.cause, at: s.now, n: n, op: string(appendOperation(s.body[:0], op))}
	if err := s.room(l, q); err != nil {
		s.settleLine(n, l)
		return err
	}
	d := op.Expires
	if d <= 0 {
		d = s.config.QueueExpiry
	}
	q.expires, q.patient = s.now.Add(d), s.now.Add(s.timeout(op))
	s.append(l, q)
	if !e.awake(l) || l.silent {
		if s.failed != nil {
			s.take(l, q)
			s.settleLine(n, l)
			return ErrNotStored
		}
		s.keepRequest(e, l, q)
	}
	s.attend(n, l)
	return nil
}

// sensible turns away what will not be sensible later either.
func (s *Server) sensible(n slot, e *entry, op *Operation) error {
	p := pending{op: *op, n: n}
	if op.Kind.cancels() {
		if l := s.lines.of[n]; e.observation(op) == nil && (l == nil || l.first == nil) {
			return ErrNoObservation
		}
		return nil
	}
	if op.Kind == Observe && op.Path.Depth() == 0 {
		return &ErrInvalid{op.Path, "the root cannot be observed; name an object"}
	}
	_, err := s.request(e, &p)
	return err
}

func (s *Server) room(l *line, q *request) error {
	limits := &s.config.Limits
	if int(l.count) >= limits.QueuePerClient || int(l.bytes)+q.cost() > limits.QueueBytesPerClient ||
		len(s.lines.byID) >= limits.Queue || s.lines.bytes+q.cost() > limits.QueueBytes {
		s.stats.QueueFull++
		return ErrQueueFull
	}
	return nil
}

func (s *Server) append(l *line, q *request) {
	if l.last == nil {
		l.first = q
	} else {
		l.last.next = q
	}
	l.last = q
	l.count++
	l.bytes += uint32(q.cost())
	s.lines.bytes += q.cost()
	s.lines.byID[q.id] = q
	if q.kept {
		l.kept++
	}
}

// take takes a request out of its line. It is in nobody's hands then.
func (s *Server) take(l *line, q *request) {
	var before *request
	for at := l.first; at != q; at = at.next {
		before = at
	}
	if before == nil {
		l.first = q.next
	} else {
		before.next = q.next
	}
	if l.last == q {
		l.last = before
	}
	q.next = nil
	l.count--
	l.bytes -= uint32(q.cost())
	s.lines.bytes -= q.cost()
	delete(s.lines.byID, q.id)
	if q.kept {
		l.kept--
	}
}

// QueueState says where a kept request is.
type QueueState uint8

// The states of a kept request.
const (
	RequestQueued QueueState = iota + 1 // waits for its turn
	RequestSent                         // the device is being asked
)

func (q QueueState) String() string {
	switch q {
	case RequestQueued:
		return "queued"
	case RequestSent:
		return "sent"
	}
	return "unknown"
}

// QueuedRequest is a copy of what the server knows of one request that is kept or waits.
type QueuedRequest struct {
	ID       machine.OpID
	Endpoint string
	Op       OpKind
	Path     lwm2m.Path
	State    QueueState
	Kept     bool // it survives a restart
	Position int  // 1: the next to be sent
	Attempts int  // how often it was sent since the server started
	QueuedAt machine.Time
	Expires  machine.Time
	Asked    Operation // what the device is to be asked; only in Queue, Waiting and events
}

func (s *Server) view(e *entry, l *line, q *request, position int) QueuedRequest {
	v := QueuedRequest{ID: q.id, Endpoint: e.reg.Endpoint, State: RequestQueued, Kept: q.kept, Position: position, Attempts: int(q.tries),
		QueuedAt: q.at, Expires: q.expires}
	v.Asked, _ = readOperation([]byte(q.op)) // it was read before
	v.Op, v.Path = v.Asked.Kind, v.Asked.Path
	if l.flight != nil && l.first == q {
		v.State = RequestSent
	}
	return v
}

// Queue returns what waits for an endpoint, in the order in which it will be sent.
func (s *Server) Queue(ep string) []QueuedRequest {
	n, e := s.table.find(ep)
	if e == nil {
		return nil
	}
	l := s.lines.of[n]
	if l == nil {
		return nil
	}
	list := make([]QueuedRequest, 0, l.count)
	for q := l.first; q != nil; q = q.next {
		list = append(list, s.view(e, l, q, len(list)+1))
	}
	return list
}

// Queued returns how many requests are kept for an endpoint.
func (s *Server) Queued(ep string) int {
	if n, e := s.table.find(ep); e != nil {
		if l := s.lines.of[n]; l != nil {
			return int(l.kept)
		}
	}
	return 0
}

// Waiting returns the request with an id, if it still waits.
func (s *Server) Waiting(id machine.OpID) (QueuedRequest, bool) {
	q := s.lines.byID[id]
	if q == nil {
		return QueuedRequest{}, false
	}
	l, position := s.lines.of[q.n], 1
	for at := l.first; at != q; at = at.next {
		position++
	}
	return s.view(s.table.at(q.n), l, q, position), true
}

// Expiry of a request and of what is known about it afterwards.
const (
	defaultQueueExpiry = 7 * 24 * time.Hour
	defaultResultsKept = 24 * time.Hour
)
