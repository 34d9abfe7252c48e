package server

import (
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// Fetch is an Ask: another shard has the endpoint of a device that speaks to this one now. The driver calls HandOver on
// that shard and gives what comes of it to Fetched, with the Op of the Ask. The device's request waits meanwhile, so that
// the other shard's commits about the endpoint are in the journal before those of this one.
type Fetch struct {
	Endpoint string         // of a Register; empty for an Update
	ID       RegistrationID // of an Update
	Path     machine.Path   // that the device speaks on now; Security is who it proved to be
}

// HandedOver is all that a shard had of an endpoint, as records for another shard. Nothing of it is written or deleted by
// who gives it away: the records on disk stay true.
type HandedOver struct {
	Endpoint string
	Records  []machine.Record
}

// ErrMoving says that the endpoint is on its way between two shards already.
var ErrMoving = errors.New("lwm2m/server: the endpoint is moving between two shards")

// fetchTime bounds the wait for the other shard, which is a matter of microseconds.
const fetchTime = 10 * time.Second

// fetch is a request that waits for its endpoint to come from another shard.
type fetch struct {
	op   machine.OpID
	what *Fetch
	heldRequest
}

// mine reports whether this shard may deal with an endpoint. If another one has it, the request waits.
func (s *Server) mine(path machine.Path, in *endpoint.Incoming, ep string) bool {
	if s.config.Directory == nil || s.config.Directory.Claim(ep) {
		return true
	}
	s.fetch(path, in, &Fetch{Endpoint: ep, Path: path})
	return false
}

// elsewhere has a registration fetched that another shard gave its number to. It reports whether it did.
func (s *Server) elsewhere(path machine.Path, in *endpoint.Incoming, id RegistrationID) bool {
	if s.config.Directory == nil || id.Shard == s.config.Shard || s.came {
		return false
	}
	s.fetch(path, in, &Fetch{ID: id, Path: path})
	return true
}

func (s *Server) fetch(path machine.Path, in *endpoint.Incoming, what *Fetch) {
	if len(s.fetches) >= maxHeld {
		s.turnAway(path, in, coap.ServiceUnavailable, "too many endpoints change their shard at once")
		return
	}
	f := &fetch{what: what, heldRequest: s.hold(path, in)}
	s.ops.last++
	f.op = s.ops.last
	f.timer = s.timers.Set(0, s.now.Add(fetchTime), timer{fetchTimer, f.number})
	s.fetches = append(s.fetches, f)
	s.stats.Fetches++
	s.out.Push(machine.Action{Kind: machine.Ask, Cause: s.cause, Op: f.op, Path: path, Value: what})
}

// Fetched answers a Fetch. h is nil where the other shard has nothing of the endpoint, or not for this device. err says why
// it could not be asked.
func (s *Server) Fetched(now machine.Time, cause machine.Cause, op machine.OpID, h *HandedOver, err error) {
	s.begin(now, cause)
	defer s.finish()
	if h != nil {
		s.adopt(h)
	}
	for i, f := range s.fetches {
		if f.op != op {
			continue
		}
		s.fetches = append(s.fetches[:i], s.fetches[i+1:]...)
		s.timers.Stop(f.timer)
		s.cause = f.cause
		if err != nil {
			s.query.ep = []byte(f.what.Endpoint)
			s.turnAway(f.path, &f.in, coap.ServiceUnavailable, err.Error())
			return
		}
		s.came = true // it is not asked for a second time
		s.incoming(f.path, &f.in)
		s.came = false
		return
	}
	// Nobody waits any more. What came is this shard's all the same.
	if h != nil {
		s.settle(h.Endpoint)
	}
}

func (s *Server) dropFetch(number uint32) {
	for i, f := range s.fetches {
		if f.number == number {
			s.fetches = append(s.fetches[:i], s.fetches[i+1:]...)
			s.query.ep = []byte(f.what.Endpoint)
			s.turnAway(f.path, &f.in, coap.ServiceUnavailable, "another shard did not answer")
			return
		}
	}
}

// EndpointOf returns the endpoint that a Fetch is about, if it is here and may go there: by the number of a registration
// only for that registration's own identity.
func (s *Server) EndpointOf(f *Fetch) string {
	if f.Endpoint != "" {
		if s.knows(f.Endpoint) {
			return f.Endpoint
		}
		return ""
	}
	if _, e := s.table.findID(f.ID); e != nil && e.reg.sameOwner(f.Path) {
		return e.reg.Endpoint
	}
	return ""
}

// HandOver gives an endpoint away to the shard to which its device speaks now. It returns nil where there is nothing to
// give.
func (s *Server) HandOver(now machine.Time, cause machine.Cause, f *Fetch) *HandedOver {
	s.begin(now, cause)
	defer s.finish()
	ep := s.EndpointOf(f)
	if ep == "" {
		return nil
	}
	n, e := s.table.find(ep)
	h := &HandedOver{Endpoint: ep}
	if e != nil {
		h.Records = append(append(h.Records, registrationRecord(new(machine.Nest), e.reg)), s.giveLine(n, e)...)
		s.failOperations(e, ErrReregistered, true)
		s.sleep(e)
		s.timers.Stop(e.timer)
		s.objects.release(e.reg.Objects)
		if was := session(e.reg.Path.Security); was != 0 && s.stack.DTLS() != nil {
			s.strays.closing = append(s.strays.closing, was) // the device has another one now
		}
		s.table.remove(n)
	}
	for o := s.obs.asleep[ep]; o != nil; o = o.next {
		h.Records = append(h.Records, observationRecord(o))
		s.obs.count--
		o.State, o.stored = Ended, false // a flush that is due passes it by
	}
	delete(s.obs.asleep, ep)
	s.stats.HandedOver++
	return h
}

// adopt takes in what another shard had of an endpoint. It is in the state of one that was restored from disk, and in the
// one that Register and Update find it in: the device is asked for its observations again.
func (s *Server) adopt(h *HandedOver) {
	for _, r := range h.Records {
		if err := s.Restore(s.now, r.Table, r.Key, r.Value); err != nil {
			s.stats.Unreadable++ // it was written a moment ago: a mistake of ours, and no reason to turn the device away
		}
	}
	restore := s.restore
	s.restore = restored{}
	for _, reg := range restore.registrations {
		if id := reg.Path.Security; id != nil {
			id.Resumed = false // its session is not one of this shard
		}
		n, e := s.table.alloc()
		s.table.set(n, reg)
		e.lastSeen = s.now
		s.setLifetime(n, e)
	}
	n, e := s.table.find(h.Endpoint)
	for _, o := range restore.observations {
		s.obs.count++
		s.obs.lastID = max(s.obs.lastID, o.ID)
		if e == nil {
			list := s.obs.asleep[o.endpoint]
			link(&list, o)
			s.obs.asleep[o.endpoint] = list
			continue
		}
		o.n, o.State = n, Failed
		link(&e.obs, o)
		e.nobs++
	}
	s.startLines(restore.requests)
}
