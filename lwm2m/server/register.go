package server

import (
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// defaultLifetime holds where a Register says none (section 6.2.1).
const defaultLifetime = 86400 * time.Second

// register answers POST /rd (section 6.2.1).
func (s *Server) register(path machine.Path, in *endpoint.Incoming) {
	q := &s.query
	if err := q.parse(in.Options, &s.config.Limits); err != nil {
		s.turnAway(path, in, coap.BadRequest, err.Error())
		return
	}
	if q.hasVersion && q.version != lwm2m.V1_0 && q.version != lwm2m.V1_1 {
		// The client steps down one version and comes again.
		s.turnAway(path, in, coap.PreconditionFailed, "LwM2M version "+q.version.String()+" is not spoken here")
		return
	}
	if !q.hasVersion {
		q.version = lwm2m.V1_0 // the parameter came with 1.0 and is optional there
	}
	if !linkFormat(in.Options) {
		s.turnAway(path, in, coap.UnsupportedContentFormat, "object links are not in link format")
		return
	}
	name, code, why := s.admit(path, q)
	if code != 0 {
		s.turnAway(path, in, code, why)
		return
	}
	if s.postpone(path, in) {
		return
	}
	if s.failed != nil {
		s.turnAway(path, in, coap.ServiceUnavailable, "the store has failed")
		return
	}
	if !s.mine(path, in, name) {
		return
	}
	n, e := s.table.find(name)
	if e == nil && s.table.count >= s.config.Limits.Registrations {
		s.stats.TooManyRegistrations++
		s.turnAway(path, in, coap.ServiceUnavailable, "too many registrations")
		s.settle(name)
		return
	}
	objects, err := s.objects.take(in.Payload, s.config.Limits.Payload)
	if err != nil {
		s.turnAway(path, in, objectsCode(err), err.Error())
		s.settle(name)
		return
	}
	reg := s.newRegistration(name, path, q, in.Options, objects)
	s.accept(n, e, reg, in)
}

func (s *Server) newRegistration(name string, path machine.Path, q *query, options coap.Options, objects *Objects) *Registration {
	r := &Registration{
		ID: s.newID(), Endpoint: name, Version: q.version, Binding: lwm2m.BindingUDP, Lifetime: defaultLifetime,
		Objects: objects, Path: s.proved(path), RegisteredAt: s.now, UpdatedAt: s.now,
	}
	if q.hasBinding {
		r.Binding = q.binding
	}
	r.Queue = q.queue || r.Binding.Queue()
	if q.hasLife {
		r.Lifetime = q.lifetime
	}
	if q.hasSMS {
		r.SMS = string(q.sms)
	}
	if q.params > 0 {
		r.Params = string(appendParams(nil, options))
	}
	return r
}

// newID draws 64 random bits that no living registration has. Zero is none.
func (s *Server) newID() RegistrationID {
	for {
		id := RegistrationID{s.config.Shard, s.config.Rand.Uint64()}
		if id.Bits != 0 && s.table.ofBits(id.Bits) == 0 {
			return id
		}
	}
}

// accept makes reg the endpoint's registration in place of the one that it had, if any, and promises it.
func (s *Server) accept(n slot, e *entry, reg *Registration, in *endpoint.Incoming) {
	var old *Registration
	if e == nil {
		n, e = s.table.alloc()
		e.obs, e.nobs = s.wake(n, reg.Endpoint)
	} else {
		old = e.reg
		s.objects.release(old.Objects)
		s.failOperations(e, ErrReregistered, !old.samePath(reg.Path))
		// A device that registers has forgotten who observes it (section 6.2.1).
		for o := e.obs; o != nil; o = o.next {
			if o.State != 0 {
				s.quiet(o)
			}
		}
	}
	s.table.set(n, reg)
	e.nofmt = 0
	s.setLifetime(n, e)
	if old != nil {
		s.abandonSession(old, reg)
	}
	e.commit = s.promise(reg.Path.Security, registrationRecord(s.out.Nest(), reg))
	s.stats.Registers++

	s.logRegister(reg)
	location := append(s.options[:0], coap.Option{Number: coap.LocationPath, Value: rdSegment},
		coap.Option{Number: coap.LocationPath, Value: reg.ID.Append(s.scratch[:0])})
	s.reply = endpoint.Reply{Code: coap.Created, Options: location, Remember: true}
	s.ep.Respond(s.now, s.cause, in.Exchange, &s.reply, e.commit)
	s.emit(reg.Path, &Registered{Registration: reg, Replaced: old, At: s.now})
	if l := s.lines.of[n]; l != nil {
		l.ready = s.now.Add(reobserveDelay)
	}
	s.heard(n, e)
	if e.obs != nil {
		s.timers.Set(0, s.now.Add(reobserveDelay), timer{observeTimer, uint32(n)})
	}
}

var rdSegment = []byte("rd")

// reobserveDelay is how long a device that has registered is left alone before it is asked for its observations again:
// a request that overtakes the 2.01 finds a device that is not registered yet, and many refuse it.
const reobserveDelay = time.Second

// linkFormat reports whether a payload is, or may be, in link format.
func linkFormat(options coap.Options) bool {
	ct, ok := options.GetUint(coap.ContentFormatOption)
	return !ok || coap.ContentFormat(ct) == coap.LinkFormat
}
