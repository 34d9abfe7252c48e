package server

import (
	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// Stats is counters since the start, and how much there is now.
type Stats struct {
	// Now.
	Registrations int
	Observations  int
	UnderWay      int // operations under way
	LinkLists     int // distinct lists of object links
	Waiting       int // requests in the lines of devices
	WaitingBytes  int
	Awake         int // devices in queue mode that listen now
	Results       int // of kept requests
	Held          int // requests that wait for their session to be proved fresh
	Failed        error

	// Since the start.
	Registers, Updates, Changes, Deregisters, Expired uint64
	Refused, TooManyRegistrations, Postponed, Moves   uint64
	SessionsClosed                                    uint64 // that no registration needed
	Operations, Failures, FormatRetries               uint64
	Notifications, Sends, Unreadable, Reobserved      uint64
	Fetches, HandedOver                               uint64 // endpoints asked of, and given to, another shard
	NotKept                                           uint64 // values too long for the history
	Queued, QueueDone, QueueExpired, QueueFull        uint64 // requests that were kept; of them ended; expired; refused
	QueueUnanswered, QueueMaybe                       uint64 // not answered by a device that should be awake; perhaps executed
	FileBlocks                                        uint64 // of files that devices fetched

	Endpoint endpoint.Stats
	Stack    stack.Stats
	DTLS     dtls.Stats
}

// Stats returns the counters of this shard and of the layers below.
func (s *Server) Stats() Stats {
	st := s.stats
	st.Registrations, st.Observations, st.UnderWay = s.table.count, s.obs.count, len(s.ops.byInner)
	st.LinkLists, st.Held, st.Failed = len(s.objects.byText), len(s.held.queue), s.failed
	st.Waiting, st.WaitingBytes, st.Results = len(s.lines.byID), s.lines.bytes, len(s.results.byID)
	st.Awake = s.lines.awake
	st.Endpoint, st.Stack = s.ep.Stats(), s.stack.Stats()
	if d := s.stack.DTLS(); d != nil {
		st.DTLS = d.Stats()
	}
	return st
}

// Registration returns what an endpoint registered and when it was last heard of.
func (s *Server) Registration(ep string) (reg *Registration, lastSeen machine.Time, ok bool) {
	_, e := s.table.find(ep)
	if e == nil {
		return nil, 0, false
	}
	return e.reg, e.lastSeen, true
}

// ExpiresAt returns when an endpoint's registration ends if nothing more is heard, machine.Never where it has no end or
// there is none.
func (s *Server) ExpiresAt(ep string) machine.Time {
	_, e := s.table.find(ep)
	if e == nil || e.until == machine.Never {
		return machine.Never
	}
	return e.until.Add(-s.config.ExpiryGrace)
}

// Each calls f for every registration, in an order that is the same in every run.
func (s *Server) Each(f func(reg *Registration, lastSeen machine.Time)) {
	s.table.each(func(_ slot, e *entry) { f(e.reg, e.lastSeen) })
}
