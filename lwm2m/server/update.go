package server

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// own finds the registration that a request names, if it comes from the registration's own identity.
func (s *Server) own(path machine.Path, in *endpoint.Incoming, segment []byte) (slot, *entry) {
	id, ok := ParseRegistrationID(segment)
	if !ok {
		s.respond(in, coap.NotFound, "")
		return 0, nil
	}
	n, e := s.table.findID(id)
	if e == nil && s.elsewhere(path, in, id) {
		return 0, nil
	}
	if e == nil {
		s.respond(in, coap.NotFound, "")
		return 0, nil
	}
	if !e.reg.sameOwner(path) {
		s.refuseUpdate(e, path, in, coap.Forbidden, "this registration belongs to another identity")
		return 0, nil
	}
	return n, e
}

func (s *Server) refuseUpdate(e *entry, path machine.Path, in *endpoint.Incoming, code coap.Code, why string) {
	s.query.ep = []byte(e.reg.Endpoint)
	s.turnAway(path, in, code, why)
}

// update answers POST /rd/ID (section 6.2.2). An Update that changes nothing writes nothing.
func (s *Server) update(path machine.Path, in *endpoint.Incoming, segment []byte) {
	n, e := s.own(path, in, segment)
	if e == nil {
		return
	}
	q := &s.query
	err := q.parse(in.Options, &s.config.Limits)
	if err == nil && q.hasEP && string(q.ep) != e.reg.Endpoint {
		err = errQueryEndpoint
	}
	if err != nil {
		s.refuseUpdate(e, path, in, coap.BadRequest, err.Error())
		return
	}
	if len(in.Payload) > 0 && !linkFormat(in.Options) {
		s.refuseUpdate(e, path, in, coap.UnsupportedContentFormat, "object links are not in link format")
		return
	}
	if q.changes(e.reg, path, in.Payload) {
		s.change(n, e, path, in)
		return
	}
	s.stats.Updates++
	s.setLifetime(n, e)
	s.respond(in, coap.Changed, "")
	s.emit(path, &Updated{Registration: e.reg, Previous: e.reg, At: s.now})
	s.heard(n, e)
	s.observeAgain(n, e)
}

// changes reports whether an Update says anything new.
func (q *query) changes(r *Registration, path machine.Path, payload []byte) bool {
	return q.hasLife && q.lifetime != r.Lifetime ||
		q.hasBinding && (q.binding != r.Binding || q.queues() != r.Queue) ||
		q.queue && !r.Queue ||
		q.hasSMS && string(q.sms) != r.SMS ||
		len(payload) > 0 && string(payload) != r.Objects.text ||
		!r.samePath(path)
}

// queues reports whether queue mode is asked for, in the manner of 1.0 (b=UQ) or of 1.1 (Q).
func (q *query) queues() bool { return q.queue || q.hasBinding && q.binding.Queue() }

func (s *Server) change(n slot, e *entry, path machine.Path, in *endpoint.Incoming) {
	if s.postpone(path, in) {
		return
	}
	if s.failed != nil {
		s.refuseUpdate(e, path, in, coap.ServiceUnavailable, "the store has failed")
		return
	}
	q, old := &s.query, e.reg
	reg := new(Registration)
	*reg = *old
	if len(in.Payload) > 0 {
		objects, err := s.objects.take(in.Payload, s.config.Limits.Payload)
		if err != nil {
			s.refuseUpdate(e, path, in, objectsCode(err), err.Error())
			return
		}
		s.objects.release(old.Objects)
		reg.Objects = objects
	}
	if q.hasLife {
		reg.Lifetime = q.lifetime
	}
	if q.hasBinding {
		reg.Binding = q.binding
		reg.Queue = q.queues()
	} else if q.queue {
		reg.Queue = true
	}
	if reg.Version == lwm2m.V1_0 {
		reg.Queue = reg.Binding.Queue() || q.queue
	}
	if q.hasSMS {
		reg.SMS = string(q.sms)
	}
	reg.Path, reg.UpdatedAt = s.proved(path), s.now
	s.table.set(n, reg)
	s.setLifetime(n, e)
	s.stats.Updates++
	s.stats.Changes++
	records := []machine.Record{registrationRecord(s.out.Nest(), reg)}
	moved := !old.samePath(path)
	if moved {
		// A restart before the device has confirmed its observations from there must not take them for confirmed.
		for o := e.obs; o != nil; o = o.next {
			if o.under = 0; o.stored {
				records = append(records, observationRecord(o))
			}
		}
	}
	seq := s.promise(reg.Path.Security, records...)
	s.ep.Respond(s.now, s.cause, in.Exchange, &endpoint.Reply{Code: coap.Changed}, seq)
	if moved {
		s.after = seq // not before the 2.04
		s.moveObservations(n, e)
		s.after = 0
		s.abandonSession(old, reg)
		s.recallMoved(n, e)
	}
	s.emit(path, &Updated{Registration: reg, Previous: old, Changed: true, At: s.now})
	s.heard(n, e)
	if l := s.lines.of[n]; l != nil {
		l.after = seq // not before the 2.04
	}
	s.observeAgain(n, e)
}

// deregister answers DELETE /rd/ID (section 6.2.3).
func (s *Server) deregister(path machine.Path, in *endpoint.Incoming, segment []byte) {
	n, e := s.own(path, in, segment)
	if e == nil || s.postpone(path, in) {
		return
	}
	if s.failed != nil {
		s.refuseUpdate(e, path, in, coap.ServiceUnavailable, "the store has failed")
		return
	}
	s.stats.Deregisters++
	seq := s.end(n, e, ByClient)
	s.ep.Respond(s.now, s.cause, in.Exchange, &endpoint.Reply{Code: coap.Deleted, Remember: true}, seq)
}
