package server

import (
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// notification takes in a new value of an observed path. The layer below has made sure that it comes from the device's
// own session or address and is newer than the one before.
func (s *Server) notification(op machine.OpID, v *endpoint.Notification) {
	o := s.obs.byOp[op]
	if o == nil {
		return
	}
	e := s.table.at(o.n)
	if v.Err != nil && v.Ended {
		// The session is gone. The device may come back with another one.
		delete(s.obs.byOp, op)
		o.op, o.State = 0, Failed
		s.emit(e.reg.Path, &ObservationChanged{Endpoint: o.endpoint, Observation: o.Observation, Err: ErrClosed, At: s.now})
		return
	}
	o.Sequence, o.LastAt = v.Sequence, s.now
	o.Count++
	s.stats.Notifications++
	s.markDirty(o)
	n := &Notified{Registration: e.reg, Observation: o.Observation, Code: v.Code, Format: v.Format, HasFormat: v.HasFormat, At: s.now}
	if len(v.Payload) > 0 {
		n.Payload = append([]byte(nil), v.Payload...)
	}
	if n.Err = v.Err; n.Err == nil && v.Code.IsSuccess() {
		n.Entries, n.Err = s.decode(e, o.Path, v.Format, v.HasFormat, v.Payload)
		if n.Err != nil {
			s.stats.Unreadable++
		} else {
			s.keep(e, v, n.Entries)
		}
	}
	s.emit(e.reg.Path, n)
	s.heard(o.n, e)
	if v.Ended || !v.Code.IsSuccess() {
		// An error code ends an observation (RFC 7641 section 4.2), and so does a value without Observe.
		delete(s.obs.byOp, op)
		o.op = 0
		s.endObservation(e, o, v.Code, nil)
	}
}

// markDirty has the newest sequence of an observation written soon, one record for many notifications: their order must
// survive a restart, but no answer depends on it.
func (s *Server) markDirty(o *observation) {
	if o.dirty || s.failed != nil {
		return
	}
	o.dirty = true
	s.obs.dirty = append(s.obs.dirty, o)
	if s.obs.flush == 0 {
		s.obs.flush = s.timers.Set(0, s.now.Add(s.config.ObservationFlush), timer{kind: flushTimer})
	}
}

// flushBatch bounds the records of one commit.
const flushBatch = 512

func (s *Server) flushObservations() {
	s.obs.flush = 0
	var records []machine.Record
	for i, o := range s.obs.dirty {
		s.obs.dirty[i] = nil
		o.dirty = false
		if s.failed != nil || o.State == Ended || !o.stored {
			continue
		}
		if records = append(records, observationRecord(o)); len(records) == flushBatch {
			s.persist(records...)
			records = nil
		}
	}
	if len(records) > 0 {
		s.persist(records...)
	}
	s.obs.dirty = s.obs.dirty[:0]
	if cap(s.obs.dirty) > 4*flushBatch {
		s.obs.dirty = nil
	}
}

// decode reads a payload about a path with the types of the object versions that the device registered.
func (s *Server) decode(e *entry, base lwm2m.Path, ct contentFormat, has bool, payload []byte) ([]lwm2m.Entry, error) {
	if !has {
		// A device that leaves the format out means text for one value (RFC 7252 section 5.5.1 leaves it to the reader).
		ct = defaultFormat(e.reg, base)
	}
	entries, err := format.Decode(nil, ct, base, payload, s.types.For(e.reg.Objects.Version),
		format.Options{MaxEntries: s.config.Limits.Entries, Now: int64(s.now)})
	s.tooLate(entries)
	return entries, err
}

// tooLate gives values from the far future, by the device's clock, the time of their arrival: else they would be the
// newest for as long.
func (s *Server) tooLate(entries []lwm2m.Entry) {
	late := false
	for i := range entries {
		if entries[i].Time > int64(s.now.Add(futureMost)) {
			entries[i].Time, late = int64(s.now), true
		}
	}
	if late {
		lwm2m.Sort(entries)
	}
}

// sleep puts the observations of a registration that ends aside: they are asked for again when the endpoint comes back.
func (s *Server) sleep(e *entry) {
	ep := e.reg.Endpoint
	for o := e.obs; o != nil; {
		next := o.next
		if o.State == 0 {
			s.dropObservation(e, o)
		} else {
			s.quiet(o)
			o.n = 0
		}
		o = next
	}
	if e.obs != nil {
		s.obs.asleep[ep] = e.obs
	}
	e.obs, e.nobs = nil, 0
}

// quiet makes an observation one that the device knows nothing of.
func (s *Server) quiet(o *observation) {
	if o.op != 0 {
		delete(s.obs.byOp, o.op)
		s.ep.Forget(s.now, o.op)
		o.op = 0
	}
	o.State = Waiting
}

// wake gives an endpoint that registers the observations that it had.
func (s *Server) wake(n slot, ep string) (list *observation, count uint16) {
	list = s.obs.asleep[ep]
	delete(s.obs.asleep, ep)
	for o := list; o != nil; o = o.next {
		o.n = n
		count++
	}
	return list, count
}

// dropAsleep forgets the observations of an endpoint that is not registered.
func (s *Server) dropAsleep(ep string) bool {
	list := s.obs.asleep[ep]
	delete(s.obs.asleep, ep)
	var records []machine.Record
	for o := list; o != nil; o = o.next {
		s.obs.count--
		o.State = Ended
		if o.stored {
			records = append(records, observationRemoved(o))
		}
		s.emit(machine.Path{}, &ObservationChanged{Endpoint: ep, Observation: o.Observation, At: s.now})
	}
	if len(records) > 0 && s.failed == nil {
		s.persist(records...)
	}
	return list != nil
}

// moveObservations takes the observations of a registration along to its new path, where the device goes on under their
// tokens. It is asked for them again under the same tokens: a notification that it sent from there before it told us was
// rejected, and then it has none any more.
func (s *Server) moveObservations(n slot, e *entry) {
	for o := e.obs; o != nil; o = o.next {
		if o.op == 0 {
			continue
		}
		delete(s.obs.byOp, o.op)
		s.ep.Forget(s.now, o.op)
		s.resume(e, o)
		s.askAgain(n, e, o, o.token)
	}
}

// resume has an observation deliver that was begun before a restart or on another path.
func (s *Server) resume(e *entry, o *observation) {
	p := pending{op: o.operation()}
	req, err := s.request(e, &p)
	if err != nil {
		req = nil // it only serves to fetch what is longer than a block
	}
	o.op = s.ep.RestoreObservation(s.now, e.reg.Path, o.token, o.Sequence, o.LastAt, req)
	s.obs.byOp[o.op] = o
}
