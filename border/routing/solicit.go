package routing

import (
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// solicitor asks all routers of the link to say what they know, three times.
type solicitor struct {
	at    machine.Time
	count int
	since machine.Time
}

const (
	maxSolicitDelay   = time.Second
	solicitInterval   = 4 * time.Second
	solicitLastWait   = time.Second
	solicitsInOneTurn = 3
)

func (s *solicitor) busy() bool { return s.at != machine.Never }

func (s *solicitor) start(now machine.Time, m *Manager) {
	if s.busy() {
		return
	}
	s.count, s.since = 0, now
	if m.c.NoLink {
		s.count, s.at = solicitsInOneTurn, now
		return
	}
	s.at = now.Add(time.Duration(m.c.Rand.Uint64()%uint64(maxSolicitDelay/time.Millisecond)) * time.Millisecond)
}

func (s *solicitor) expire(now machine.Time, m *Manager) {
	if s.count >= solicitsInOneTurn {
		m.rx.forget(now, m, s.since)
		m.schedule(now, immediately)
		return
	}
	b := nd.AppendLink(nd.AppendRouterSolicit(nil), nd.TypeSourceLink, m.c.Link)
	m.send(now, ip6.LinkLocalAllRouters, b)
	m.Counters.SolicitsSent++
	s.count++
	s.at = now.Add(solicitInterval)
	if s.count == solicitsInOneTurn {
		s.at = now.Add(solicitLastWait)
	}
}
