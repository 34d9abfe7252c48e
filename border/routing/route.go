package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// qualityDelay is for how long a child's link must be good before its route is preferred again.
const qualityDelay = 5 * time.Minute

type published uint8

const (
	publishNone published = iota
	publishDefault
	publishULA
)

func (p published) prefix() ip6.Prefix {
	if p == publishULA {
		return ulaPrefix
	}
	return defaultPrefix
}

// route is the route that we publish in the network data: to everywhere, or to unique local addresses.
type route struct {
	at         machine.Time
	state      published
	preference int8
	fixed      bool // by a user
	advPIO     bool // we advertise the link's prefix ourselves
}

// update publishes a default route where the link leads to the world and nodes have addresses that the world can answer to.
func (r *route) update(now machine.Time, m *Manager) {
	if !m.running {
		return
	}
	want := publishNone
	switch f := &m.rx.factors; {
	case m.c.Uplink, f.nonULAOnLink, f.nonULARoute && m.omr.favored.infrastructure():
		want = publishDefault
	case f.ulaLink || m.onLink.needsULARoute():
		want = publishULA
	}
	if want != r.state {
		r.publish(now, m, want)
		m.omr.setDefaultRoute(now, m, want == publishDefault)
	}
}

func (r *route) publish(now machine.Time, m *Manager, to published) {
	was := r.state
	r.state = to
	switch {
	case to != publishNone:
		old := to.prefix()
		if was != publishNone {
			old = was.prefix()
		}
		// An error here is that of a full table of publications, which has room for ours.
		_ = m.env.PublishRoute(now, old, netdata.ExternalRoute{Prefix: to.prefix(), Preference: r.preference, AdvPIO: r.advPIO, Stable: true})
	case was != publishNone:
		_ = m.env.UnpublishRoute(now, was.prefix())
	}
}

func (r *route) stop(now machine.Time, m *Manager) { r.publish(now, m, publishNone) }

func (r *route) setAdvPIO(now machine.Time, m *Manager, on bool) {
	if r.advPIO != on {
		r.advPIO = on
		r.publish(now, m, r.state)
	}
}

func (r *route) set(now machine.Time, m *Manager, p int8) {
	if r.preference != p {
		r.preference = p
		r.publish(now, m, r.state)
	}
}

// byRole prefers a child's route less when its link is not the best.
func (r *route) byRole(now machine.Time, m *Manager) {
	p := int8(netdata.Medium)
	if m.env.Child() && m.env.ParentLinkQuality() != 3 {
		p = netdata.Low
	}
	r.set(now, m, p)
	r.at = machine.Never
}

func (r *route) changed(now machine.Time, m *Manager, c Change) {
	if r.fixed {
		return
	}
	if c.Role {
		r.byRole(now, m)
	}
	if c.ParentLink && m.env.Child() {
		switch {
		case m.env.ParentLinkQuality() != 3:
			r.set(now, m, netdata.Low)
			r.at = machine.Never
		case r.at == machine.Never:
			r.at = now.Add(qualityDelay)
		}
	}
}

func (r *route) expire(now machine.Time, m *Manager) { r.byRole(now, m) }

// RoutePreference returns how much our route in the network data is preferred.
func (m *Manager) RoutePreference() int8 { return m.route.preference }

// SetRoutePreference sets it, where it would follow from the node's role.
func (m *Manager) SetRoutePreference(now machine.Time, p int8) {
	m.route.fixed, m.route.at = true, machine.Never
	m.route.set(now, m, p)
}

// ClearRoutePreference has it follow from the role again.
func (m *Manager) ClearRoutePreference(now machine.Time) {
	if m.route.fixed {
		m.route.fixed = false
		m.route.byRole(now, m)
	}
}
