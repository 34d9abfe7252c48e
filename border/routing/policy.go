package routing

import (
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

const (
	firstAdverts       = 3 // come sooner after each other
	firstAdvertDelay   = 16 * time.Second
	firstAdvertJitter  = 2 * time.Second
	advertDelay        = 180 * time.Second
	advertJitter       = 15 * time.Second
	minAdvertDelay     = 3 * time.Second
	evaluationDelay    = 3 * time.Second
	evaluationJitter   = time.Second
	solicitReply       = 250 * time.Millisecond
	solicitReplyJitter = 250 * time.Millisecond
)

// advertiser remembers what was advertised, so that our own messages are told from those of other software here.
type advertiser struct {
	count  uint32
	last   machine.Time
	recent [5][]byte
	buf    []byte
}

// when says why the policy is to be looked at.
type when uint8

const (
	immediately when = iota
	forNextAdvert
	soon
	toReply
)

// schedule has the policy looked at, and an advertisement sent, no sooner than 3 s after the last one.
func (m *Manager) schedule(now machine.Time, w when) {
	if !m.running {
		return
	}
	var d time.Duration
	switch {
	case w == forNextAdvert && m.tx.count <= firstAdverts && !m.c.NoLink:
		d = m.jitter(firstAdvertDelay, firstAdvertJitter)
	case w == forNextAdvert:
		d = m.jitter(advertDelay, advertJitter)
	case w == soon && !m.c.NoLink:
		d = m.jitter(evaluationDelay, evaluationJitter)
	case w == toReply:
		d = m.jitter(solicitReply, solicitReplyJitter)
	}
	at := now.Add(d)
	if !m.c.NoLink {
		at = max(at, m.tx.last.Add(minAdvertDelay))
	}
	earlier(&m.evaluate, at)
}

// policy decides anew, and advertises what was decided.
func (m *Manager) policy(now machine.Time) {
	m.onLink.decide(now, m)
	m.omr.decide(now, m)
	m.route.update(now, m)
	m.nat64.decide(now, m)
	m.pd.update(now, m)
	if m.Settled() {
		m.advertise(now, false)
	}
	m.env.Decided(now)
	m.schedule(now, forNextAdvert)
}

// Settled reports whether the first decisions were taken: the mesh and the link have their prefixes.
func (m *Manager) Settled() bool {
	return m.running && m.omr.settled() && (m.c.NoLink || m.onLink.settled())
}

// advertise sends a Router Advertisement: with what was decided, or to take all of it back.
func (m *Manager) advertise(now machine.Time, withdraw bool) {
	if m.c.NoLink {
		return
	}
	h := m.rx.local // zero unless other software here is a router, too
	h.Managed, h.Other = h.Managed || m.rx.factors.managed, h.Other || m.rx.factors.other
	h.SNAC = true
	b := nd.AppendRouterAdvert(m.tx.buf[:0], &h)
	n := len(b)
	b = m.onLink.append(now, m, b)
	if withdraw {
		b = m.rio.withdraw(b)
	} else {
		b = m.rio.append(now, m, b)
	}
	b = nd.AppendLink(b, nd.TypeSourceLink, m.c.Link)
	b = append(b, m.extra...)
	m.tx.buf = b
	if len(b) == n {
		return // nothing to say
	}
	m.tx.count++
	recent := &m.tx.recent[m.tx.count%uint32(len(m.tx.recent))]
	*recent = append((*recent)[:0], b...)
	m.tx.last = now
	m.Counters.AdvertsSent++
	m.send(now, ip6.LinkLocalAllNodes, b)
}

// own reports whether an advertisement is one that we have sent. Its checksum is the driver's.
func (t *advertiser) own(b []byte) bool {
	for _, r := range t.recent {
		if len(r) == len(b) && len(b) > 4 && string(r[4:]) == string(b[4:]) {
			return true
		}
	}
	return false
}

// Received takes in an ICMPv6 message of the infrastructure link. It is borrowed.
func (m *Manager) Received(now machine.Time, src ip6.Address, b []byte) {
	if !m.running || len(b) < ip6.ICMPSize {
		return
	}
	switch ip6.ICMPType(b[0]) {
	case ip6.RouterAdvert:
		h, options, err := nd.ParseRouterAdvert(b)
		if err != nil {
			return
		}
		m.Counters.AdvertsReceived++
		local := src == m.c.Address
		if !local || !m.tx.own(b) {
			m.rx.advert(now, m, src, &h, options, local)
		}
	case ip6.RouterSolicit:
		m.Counters.SolicitsReceived++
		m.schedule(now, toReply)
	case ip6.NeighborAdvert:
		if target, err := nd.ParseNeighborAdvert(b); err == nil {
			if r := m.rx.find(target); r != nil {
				r.alive(now, m)
				m.rx.update(now, m)
			}
		}
	}
	m.settle(now)
}
