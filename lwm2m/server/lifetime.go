package server

import "heddle.example/machine"

// timer says what a timer of the server is for.
type timer struct {
	kind timerKind
	n    uint32
}

type timerKind uint8

const (
	lifetimeTimer timerKind = iota // n: slot
	flushTimer                     // observations wait to be written
	heldTimer                      // n: number of a postponed request
	strayTimer                     // the oldest session without a registration has had its time
	sleepTimer                     // n: slot whose awake window is over, unless there was a message since
	lineTimer                      // n: slot for which something waits: a request expires, or is to be kept, or sent
	resultTimer                    // the oldest result has been kept for long enough
	observeTimer                   // n: slot whose device is to be asked for its observations again
	fetchTimer                     // n: number of a request that waits for another shard
)

// setLifetime begins a registration's lifetime anew. The timer is not touched where it fires early enough: when it
// does, it is set for what is left then. So a plain Update costs no work in the table of timers.
func (s *Server) setLifetime(n slot, e *entry) {
	e.until = machine.Never
	if e.reg.Lifetime > 0 {
		e.until = s.now.Add(e.reg.Lifetime + s.config.ExpiryGrace)
	}
	if e.until < s.timers.At(e.timer) {
		e.timer = s.timers.Set(e.timer, e.until, timer{lifetimeTimer, uint32(n)})
	}
}

func (s *Server) expire() {
	for {
		t, ok := s.timers.Pop(s.now)
		if !ok {
			return
		}
		switch t.kind {
		case lifetimeTimer:
			n := slot(t.n)
			e := s.table.at(n)
			e.timer = 0
			if e.until > s.now {
				if e.until != machine.Never {
					e.timer = s.timers.Set(0, e.until, t)
				}
				continue
			}
			s.stats.Expired++
			s.end(n, e, Expired)
		case flushTimer:
			s.flushObservations()
		case strayTimer:
			s.expireStrays()
		case observeTimer:
			if n := slot(t.n); s.table.at(n).reg != nil {
				s.cause = 0
				s.observeAgain(n, s.table.at(n))
			}
		case heldTimer:
			s.dropHeld(t.n)
		case fetchTimer:
			s.dropFetch(t.n)
		case sleepTimer:
			s.cause = 0
			s.windowOver(slot(t.n))
		case lineTimer:
			s.cause = 0
			s.lineDue(slot(t.n))
		case resultTimer:
			s.resultsDue()
		}
	}
}

// end removes a registration and returns the commit that holds its removal, or zero.
func (s *Server) end(n slot, e *entry, why Reason) machine.Seq {
	reg, waiting := e.reg, len(s.ops.waiting)
	records := s.endLine(n, e, why)
	s.failOperations(e, ErrDeregistered, true)
	s.sleep(e)
	s.timers.Stop(e.timer)
	var seq machine.Seq
	if s.failed == nil {
		seq = s.promise(reg.Path.Security, append(records, registrationRemoved(reg.Endpoint))...)
		for i := range s.ops.waiting[waiting:] { // the results of what was kept are in the same commit
			if w := &s.ops.waiting[waiting+i]; w.seq == 0 {
				w.seq = seq
			}
		}
	}
	s.objects.release(reg.Objects)
	s.table.remove(n)
	s.stray(session(reg.Path.Security))
	s.settle(reg.Endpoint)
	s.emit(reg.Path, &Deregistered{Registration: reg, Reason: why, At: s.now})
	return seq
}

// Forget ends an endpoint's registration and its observations because an operator wants it so. It reports whether
// there was anything to forget.
func (s *Server) Forget(now machine.Time, cause machine.Cause, ep string) bool {
	s.begin(now, cause)
	n, e := s.table.find(ep)
	known := e != nil
	if known {
		s.end(n, e, Forgotten)
	}
	dropped := s.dropAsleep(ep)
	s.settle(ep)
	s.finish()
	return known || dropped
}
