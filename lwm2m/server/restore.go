package server

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"heddle.example/dtls"
	"heddle.example/machine"
)

const sessionTable = dtls.SessionTable

// restored is what Restore has read, until Started puts it in its place.
type restored struct {
	registrations []*Registration
	observations  []*observation
	requests      []restoredRequests
	results       []*result
}

// Restore takes in a stored record of one of Tables, in any order, before the first input. A record that cannot be read
// is an error and is left out; the others can go on.
func (s *Server) Restore(now machine.Time, table machine.Table, key, value []byte) error {
	s.now = now
	var err error
	switch table {
	case sessionTable:
		if s.stack.DTLS() != nil {
			err = s.stack.DTLS().Restore(now, key, value)
		}
	case RegistrationTable:
		err = s.restoreRegistration(key, value)
	case QueueTable:
		err = s.restoreRequest(key, value)
	case ResultTable:
		err = s.restoreResult(key, value)
	case AwakeTable:
		err = s.restoreWindow(key, value)
	case ObservationTable:
		var o *observation
		if o, err = readObservation(key, value); err == nil {
			s.restore.observations = append(s.restore.observations, o)
		}
	}
	if err != nil {
		return fmt.Errorf("lwm2m/server: %s: %w", table, err)
	}
	return nil
}

func (s *Server) restoreRegistration(key, value []byte) error {
	reg, links, err := readRegistration(key, value)
	if err != nil {
		return err
	}
	// What was taken once is kept, whatever the limits are now.
	limit := s.objects.maxBytes
	s.objects.maxBytes = math.MaxInt
	reg.Objects, err = s.objects.take(links, len(links))
	if s.objects.maxBytes = limit; err != nil {
		return err
	}
	s.restore.registrations = append(s.restore.registrations, reg)
	return nil
}

// Started ends the restoring: registrations get a whole lifetime from now, so that no living device expires by our
// absence, and observations deliver again under their tokens.
func (s *Server) Started(now machine.Time) {
	s.begin(now, 0)
	slices.SortFunc(s.restore.registrations, func(a, b *Registration) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	for _, reg := range s.restore.registrations {
		reg.Path = s.proved(reg.Path)
		n, e := s.table.alloc()
		s.table.set(n, reg)
		e.lastSeen = min(reg.UpdatedAt, now) // the clock may have been set back
		s.setLifetime(n, e)
		s.startAwake(n, e)
	}
	slices.SortFunc(s.restore.observations, func(a, b *observation) int { return cmp.Compare(a.ID, b.ID) })
	for _, o := range s.restore.observations {
		s.obs.count++
		s.obs.lastID = max(s.obs.lastID, o.ID)
		n, e := s.table.find(o.endpoint)
		if e == nil {
			list := s.obs.asleep[o.endpoint]
			link(&list, o)
			s.obs.asleep[o.endpoint] = list
			continue
		}
		o.n = n
		link(&e.obs, o)
		e.nobs++
		if o.under != e.reg.ID.Bits || !s.reachable(e.reg.Path) {
			o.State = Failed // the device is asked again when it is next heard of
			continue
		}
		o.State = Active
		s.resume(e, o)
	}
	s.startQueue()
	s.restore = restored{}
	s.finish()
}

// reachable reports whether a path's session, if it has one, is alive.
func (s *Server) reachable(path machine.Path) bool {
	if path.Security == nil {
		return true
	}
	if s.stack.DTLS() == nil {
		return false
	}
	_, _, ok := s.stack.DTLS().Lookup(path.Security.Session)
	return ok
}

// Persisted says that commit seq and all before it are on disk.
func (s *Server) Persisted(now machine.Time, seq machine.Seq) {
	s.begin(now, 0)
	s.stack.Persisted(now, seq)
	s.release(seq, nil)
	s.finish()
}

// PersistFailed says that commit seq, and everything after it, will never be on disk. The server stops promising:
// registrations that were not promised yet are gone, and what would need a promise is answered 5.03.
func (s *Server) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	s.begin(now, 0)
	if s.failed == nil {
		s.failed = err
	}
	s.stack.PersistFailed(now, seq, err)
	s.pump()
	s.release(seq, err)
	s.table.each(func(n slot, e *entry) {
		if e.commit >= seq {
			s.end(n, e, NotStored)
		}
	})
	s.finish()
}
