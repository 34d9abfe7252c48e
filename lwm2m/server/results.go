package server

import (
	"encoding/binary"
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// results is how kept requests ended, for those who ask later: oldest first, bounded in number, bytes and time.
type results struct {
	byID        map[machine.OpID]*result
	first, last *result
	bytes       int
	timer       machine.TimerID
}

type result struct {
	next *result
	id   machine.OpID
	at   machine.Time
	data string // appendOutcome
}

// resultMost is the bytes of one result that are kept; values beyond it are left out.
const resultMost = 64 << 10

// noteResult keeps how a request ended, and returns the records for the commit that takes the request away: its own, and
// the end of those that there is no room for any more.
func (s *Server) noteResult(id machine.OpID, o *Outcome) []machine.Record {
	data := appendOutcome(make(writer, 0, 128), s.now, o)
	if len(data) > resultMost {
		cut := *o
		cut.Entries, cut.Payload, cut.Cut = nil, nil, true
		data = appendOutcome(data[:0], s.now, &cut)
	}
	records := []machine.Record{{Table: ResultTable, Key: resultKey(id), Value: data}}
	s.addResult(&result{id: id, at: s.now, data: string(data)})
	for len(s.results.byID) > s.config.Limits.Results || s.results.bytes > s.config.Limits.ResultBytes {
		records = append(records, s.dropResult())
	}
	return records
}

func resultKey(id machine.OpID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

func (s *Server) addResult(r *result) {
	t := &s.results
	if t.last == nil {
		t.first = r
	} else {
		t.last.next = r
	}
	t.last = r
	t.byID[r.id] = r
	t.bytes += requestCost + len(r.data)
	if t.timer == 0 {
		t.timer = s.timers.Set(0, t.first.at.Add(s.config.ResultsKept), timer{kind: resultTimer})
	}
}

// dropResult forgets the oldest result.
func (s *Server) dropResult() machine.Record {
	t := &s.results
	r := t.first
	if t.first = r.next; t.first == nil {
		t.last = nil
	}
	delete(t.byID, r.id)
	t.bytes -= requestCost + len(r.data)
	return machine.Record{Table: ResultTable, Key: resultKey(r.id)}
}

// resultsDue forgets what is too old, many in one commit, and not more often than once a minute.
func (s *Server) resultsDue() {
	t := &s.results
	t.timer = 0
	var records []machine.Record
	for t.first != nil && t.first.at.Add(s.config.ResultsKept) <= s.now {
		records = append(records, s.dropResult())
		if len(records) == flushBatch {
			s.persistUnlessFailed(records)
			records = nil
		}
	}
	s.persistUnlessFailed(records)
	if t.first != nil {
		t.timer = s.timers.Set(0, max(t.first.at.Add(s.config.ResultsKept), s.now.Add(time.Minute)), timer{kind: resultTimer})
	}
}

func (s *Server) persistUnlessFailed(records []machine.Record) {
	if len(records) > 0 && s.failed == nil {
		s.persist(records...)
	}
}

func (s *Server) restoreResult(key, value []byte) error {
	if len(key) != 8 {
		return errRecord
	}
	r := &result{id: machine.OpID(binary.BigEndian.Uint64(key)), data: string(value)}
	var err error
	if _, r.at, err = readOutcome(value); err != nil {
		return err
	}
	s.restore.results = append(s.restore.results, r)
	return nil
}

// Done returns how a kept request ended, as long as that is known, and when. Its Registration is nil.
func (s *Server) Done(id machine.OpID) (o *Outcome, at machine.Time, ok bool) {
	r := s.results.byID[id]
	if r == nil {
		return nil, 0, false
	}
	o, at, err := readOutcome([]byte(r.data))
	return o, at, err == nil
}

// errorCodes are the failures that a stored result names by number: never take one out or change their order.
var errorCodes = []error{ErrTimeout, ErrReset, ErrClosed, ErrCancelled, ErrDeregistered, ErrReregistered, ErrNotObserved, ErrNoObservation,
	ErrTooMany, ErrNotStored, ErrUnreadable, ErrMaybeExecuted, ErrQueueExpired, ErrBusy}

// storedError is a failure that was read back.
type storedError struct {
	text string
	is   error
}

func (e *storedError) Error() string { return e.text }
func (e *storedError) Unwrap() error { return e.is }

func (w *writer) failure(err error) {
	if err == nil {
		w.uint(0)
		return
	}
	code := len(errorCodes) + 1
	for i, known := range errorCodes {
		if errors.Is(err, known) {
			code = i + 1
			break
		}
	}
	if code > len(errorCodes) {
		code = 1 << 20 // none that has a number
	}
	w.uint(uint64(code))
	text := err.Error()
	if code <= len(errorCodes) && text == errorCodes[code-1].Error() {
		text = ""
	}
	w.text(text)
}

func (r *reader) failure() error {
	code := r.uint()
	if code == 0 {
		return nil
	}
	text := r.text()
	if code > uint64(len(errorCodes)) {
		return errors.New(text)
	}
	if text == "" {
		return errorCodes[code-1]
	}
	return &storedError{text, errorCodes[code-1]}
}

// detailMost is how much of a device's diagnostic payload is kept.
const detailMost = 512

func appendOutcome(w writer, at machine.Time, o *Outcome) writer {
	w.uint(recordVersion)
	w.time(at)
	w.time(o.QueuedAt)
	w.text(o.Endpoint)
	w.uint(uint64(o.Op))
	w.path(o.Path)
	w.paths(o.Paths)
	w.uint(uint64(o.Code))
	w.failure(o.Err)
	w.uint(uint64(o.Took))
	w.uint(uint64(o.RTT))
	w.bool(o.Cut)
	w.bool(o.HasFormat)
	w.uint(uint64(o.Format))
	w.path(o.Location)
	w.uint(uint64(o.Observation.ID))
	w.path(o.Observation.Path)
	w.uint(uint64(o.Observation.State))
	w.time(o.Observation.Since)
	w.paths(o.Observation.Paths)
	w.entries(o.Path, o.Entries)
	var links []byte
	if o.Op == Discover {
		links = lwm2m.AppendLinks(nil, o.Links)
	}
	root := ""
	if len(o.Links) > 0 && o.Registration != nil {
		root = o.Registration.Objects.root
	}
	w.text(root)
	w.text(string(links))
	detail := o.Payload
	if o.Code.IsSuccess() || len(detail) > detailMost {
		detail = nil
	}
	w.text(string(detail))
	return w
}

func readOutcome(b []byte) (o *Outcome, at machine.Time, err error) {
	r := reader{b: b}
	r.version()
	at = r.time()
	o = &Outcome{QueuedAt: r.time(), Endpoint: r.text(), Op: OpKind(r.uint()), Path: r.path(), Paths: r.paths(), Code: coap.Code(r.uint()), Err: r.failure(), Kept: true}
	o.Took, o.RTT = time.Duration(r.uint()), time.Duration(r.uint())
	o.Cut, o.HasFormat, o.Format = r.bool(), r.bool(), coap.ContentFormat(r.uint())
	o.Location = r.path()
	o.Observation = Observation{ID: ObservationID(r.uint()), Path: r.path(), State: ObservationState(r.uint()), Since: r.time(), Paths: r.paths()}
	o.Entries = r.entries(o.Path)
	root := r.text()
	if links := r.bytes(); len(links) > 0 && r.err == nil {
		o.Links, r.err = lwm2m.ParseLinks(nil, root, links)
	}
	if detail := r.bytes(); len(detail) > 0 {
		o.Payload = append([]byte(nil), detail...)
	}
	return o, at, r.err
}
