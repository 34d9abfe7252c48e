package server

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"heddle.example/machine"
)

// Kept says that an operation is in the store and will be sent when the device wakes. Its Result comes later, under the
// same id, over restarts too.
type Kept struct {
	QueuedRequest
	Left int // requests that are kept for the endpoint, this one included
	At   machine.Time
}

// QueueChanged says that a kept request has been sent, or waits again because the device did not answer.
type QueueChanged struct {
	QueuedRequest
	At machine.Time
}

// QueueRestored says how many requests are kept for an endpoint, after a restart or when it has come from another shard.
type QueueRestored struct {
	Endpoint string
	Left     int
}

func (s *Server) queueChanged(e *entry, l *line, q *request) {
	if q.kept {
		s.emit(e.reg.Path, &QueueChanged{s.view(e, l, q, 1), s.now})
	}
}

// keepRequest promises a request: it outlives the one who asked, and this program.
func (s *Server) keepRequest(e *entry, l *line, q *request) {
	q.kept = true
	l.kept++
	if q.sent = l.flight != nil && l.first == q; q.sent {
		q.sent = marked(l.flight.op.Kind)
	}
	s.stats.Queued++
	position := 1
	for at := l.first; at != q; at = at.next {
		position++
	}
	k := &Kept{QueuedRequest: s.view(e, l, q, position), Left: int(l.kept), At: s.now}
	s.ops.waiting = append(s.ops.waiting, waitingResult{seq: s.persist(s.requestRecord(e.reg.Endpoint, q)), id: q.id, cause: q.cause, path: e.reg.Path, kept: k})
}

// keepAll promises all that was meant for a device at once and has not been answered. Without a store it ends here.
func (s *Server) keepAll(n slot, e *entry, l *line) {
	for q := l.first; q != nil; {
		next := q.next
		switch {
		case q.kept:
		case s.failed == nil:
			s.keepRequest(e, l, q)
		case l.flight == nil || l.first != q:
			s.complete(l, q, e, &Outcome{Err: ErrTimeout}, 0)
		}
		q = next
	}
	s.attend(n, l)
}

// notKept takes in that the commit of a promise failed: the request was never kept. The next word about it is its Result.
func (s *Server) notKept(id machine.OpID) {
	if q := s.lines.byID[id]; q != nil {
		s.withdraw(s.lines.of[q.n], q, s.table.at(q.n), ErrNotStored)
	}
}

// endLine fails what waits for a registration that ends, and returns the records that the same commit has to hold.
func (s *Server) endLine(n slot, e *entry, why Reason) (records []machine.Record) {
	l := s.lines.of[n]
	if l == nil {
		return nil
	}
	l.noted = true // nothing is to be sent any more
	s.lines.ending = true
	for l.first != nil {
		s.withdraw(l, l.first, e, &ErrEnded{why})
	}
	s.lines.ending = false
	records, s.lines.records = s.lines.records, nil
	s.sleeps(l)
	s.timers.Stop(l.timer)
	delete(s.lines.of, n)
	return records
}

// giveLine takes all that waits for an endpoint away from here, for the shard that has it from now on.
func (s *Server) giveLine(n slot, e *entry) (records []machine.Record) {
	l := s.lines.of[n]
	if l == nil {
		return nil
	}
	l.noted = true // nothing is sent from here any more
	if p := l.flight; p != nil {
		s.unlink(p)
		s.ep.Cancel(s.now, p.inner)
		if p.op.Kind.observes() {
			s.observeFailed(p, e, ErrReregistered)
		}
		l.flight, l.cancelled = nil, nil
	}
	for q := l.first; q != nil; q = l.first {
		if q.kept {
			records = append(records, s.requestRecord(e.reg.Endpoint, q))
			s.take(l, q)
			continue
		}
		s.complete(l, q, e, &Outcome{Err: ErrReregistered}, 0)
	}
	s.sleeps(l)
	s.timers.Stop(l.timer)
	delete(s.lines.of, n)
	return records
}

func requestKey(ep string, id machine.OpID) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(ep), 0), uint64(id))
}

func (s *Server) requestRecord(ep string, q *request) machine.Record {
	w := make(writer, 0, 32+len(q.op))
	w.uint(recordVersion)
	w.time(q.at)
	w.uint(uint64(q.expires - q.at))
	w.bool(q.sent)
	w = append(w, q.op...)
	return machine.Record{Table: QueueTable, Key: requestKey(ep, q.id), Value: w}
}

func (s *Server) requestRemoved(ep string, q *request) machine.Record {
	return machine.Record{Table: QueueTable, Key: requestKey(ep, q.id)}
}

// restoredRequests are those of one endpoint, as they are read.
type restoredRequests struct {
	endpoint string
	list     []*request
}

func (s *Server) restoreRequest(key, value []byte) error {
	if len(key) < 10 || key[len(key)-9] != 0 {
		return errRecord
	}
	ep, id := key[:len(key)-9], machine.OpID(binary.BigEndian.Uint64(key[len(key)-8:]))
	r := reader{b: value}
	r.version()
	q := &request{id: id, kept: true, at: r.time()}
	q.expires = q.at + r.time()
	q.sent = r.bool()
	if r.err != nil {
		return r.err
	}
	if _, err := readOperation(r.b); err != nil {
		return err
	}
	q.op = string(r.b)
	// The store gives them in the order of their keys, so the endpoint is nearly always that of the one before.
	all := s.restore.requests
	if len(all) == 0 || !bytes.Equal([]byte(all[len(all)-1].endpoint), ep) {
		all = append(all, restoredRequests{endpoint: string(ep)})
	}
	last := &all[len(all)-1]
	last.list = append(last.list, q)
	s.restore.requests = all
	return nil
}

// startLines puts the requests that were read into their lines. What may have run before the restart and must not run
// twice is reported, and so is what belongs to a registration that is no more.
func (s *Server) startLines(all []restoredRequests) {
	slices.SortStableFunc(all, func(a, b restoredRequests) int { return cmp.Compare(a.endpoint, b.endpoint) })
	for i := range all {
		slices.SortFunc(all[i].list, func(a, b *request) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
		})
		n, e := s.table.find(all[i].endpoint)
		if e == nil {
			for _, q := range all[i].list {
				o := &Outcome{Endpoint: all[i].endpoint, Err: &ErrEnded{}}
				o.Op, o.Path = operationHead(q.op)
				s.report(q, o)
			}
			continue
		}
		l := s.lines.of[n]
		if l == nil {
			l = s.newLine(n, e)
		}
		for _, q := range all[i].list {
			q.n = n
			s.append(l, q)
			op, _ := readOperation([]byte(q.op))
			if q.sent && !op.Kind.Idempotent() && !op.Repeat {
				s.stats.QueueMaybe++
				s.complete(l, q, e, &Outcome{Err: ErrMaybeExecuted}, 0)
			}
		}
		s.attend(n, l)
		if l.kept > 0 {
			s.emit(e.reg.Path, &QueueRestored{all[i].endpoint, int(l.kept)})
		}
	}
}

// report ends a request that has no line.
func (s *Server) report(q *request, o *Outcome) {
	o.Kept, o.QueuedAt, o.Took = true, q.at, s.now.Sub(q.at)
	seq := s.persist(append(s.noteResult(q.id, o), s.requestRemoved(o.Endpoint, q))...)
	s.ops.waiting = append(s.ops.waiting, waitingResult{seq: seq, id: q.id, outcome: o, done: true})
}

// startAwake takes a restored device in queue mode for awake where the window after its last message that was written
// down is not over. A secure session without a connection ID must refresh its address first.
func (s *Server) startAwake(n slot, e *entry) {
	id := e.reg.Path.Security
	if !e.reg.Queue || id != nil && (!id.CID || !s.reachable(e.reg.Path)) {
		return
	}
	l := line{window: s.lines.windows[e.reg.Endpoint]}
	until := e.lastSeen.Add(s.window(&l))
	if until <= s.now {
		return
	}
	own := s.newLine(n, e)
	s.listens(n, own, until)
	s.presence(e, own)
}

// startQueue ends the restoring of what was kept.
func (s *Server) startQueue() {
	last := firstOp(s.config.Shard, s.now)
	slices.SortFunc(s.restore.results, func(a, b *result) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
	})
	for _, r := range s.restore.results {
		last = max(last, s.sameShard(r.id))
		s.addResult(r)
	}
	for _, of := range s.restore.requests {
		for _, q := range of.list {
			last = max(last, s.sameShard(q.id))
		}
	}
	s.ops.last = last
	s.startLines(s.restore.requests)
}

// opShard is where the shard stands in the id of an operation. Below it is a counter that starts at the clock, in
// microseconds, so that an id is not given out again after a restart.
const opShard = 52

func firstOp(shard uint8, now machine.Time) machine.OpID {
	return machine.OpID(shard)<<opShard | machine.OpID(now/1000)
}

func (s *Server) sameShard(id machine.OpID) machine.OpID {
	if id>>opShard != machine.OpID(s.config.Shard) {
		return 0
	}
	return id
}
