package routing

import (
	"slices"
	"time"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

const (
	routeLifetime   = 1800 // seconds
	deprecationTime = 300 * time.Second
	maxAdvertised   = 32
)

// rio advertises the mesh's prefixes to the link, as routes through us.
type rio struct {
	at         machine.Time // when one has been deprecated for long enough
	prefixes   []advertised
	preference int8
	fixed      bool // by a user
}

type advertised struct {
	prefix      ip6.Prefix
	deprecating bool
	until       machine.Time
}

func (r *rio) has(p ip6.Prefix) bool {
	return slices.ContainsFunc(r.prefixes, func(a advertised) bool { return a.prefix == p })
}

func (r *rio) add(p ip6.Prefix) {
	if !r.has(p) && len(r.prefixes) < maxAdvertised {
		r.prefixes = append(r.prefixes, advertised{prefix: p})
	}
}

func (r *rio) roleChanged(now machine.Time, m *Manager) {
	if !r.fixed {
		r.byRole(now, m)
	}
}

// byRole prefers a way through a router of the mesh to one through a child.
func (r *rio) byRole(now machine.Time, m *Manager) {
	p := int8(netdata.Low)
	if m.env.RouterOrLeader() {
		p = netdata.Medium
	}
	r.set(now, m, p)
}

func (r *rio) set(now machine.Time, m *Manager, p int8) {
	if r.preference != p {
		r.preference = p
		m.schedule(now, soon)
	}
}

// withdraw takes all routes back.
func (r *rio) withdraw(b []byte) []byte {
	for _, a := range r.prefixes {
		p := r.preference
		if a.deprecating {
			p = netdata.Low
		}
		o := nd.RouteInfo{Prefix: a.prefix, Preference: p}
		b = o.Append(b)
	}
	r.prefixes, r.at = nil, machine.Never
	return b
}

// append appends the routes to the mesh's prefixes, the most important first, and to those that were the mesh's until
// lately.
func (r *rio) append(now machine.Time, m *Manager, b []byte) []byte {
	old := r.prefixes
	r.prefixes = make([]advertised, 0, len(old)+1)
	if m.omr.advertised(m) {
		r.add(m.omr.local.prefix)
	}
	if f := &m.omr.favored; !f.empty() && !f.domain {
		r.add(f.prefix)
	}
	for p := range m.env.Data().OnMeshPrefixes() {
		// Whether our own is told was decided above: it may still be in the network data when we have just taken it back.
		if !p.DP && validOMR(&p) && p.Prefix != m.omr.local.prefix {
			r.add(p.Prefix)
		}
	}
	for p := range m.env.Data().OnMeshPrefixes() {
		if p.OnMesh && !p.DP && !validOMR(&p) {
			r.add(p.Prefix)
		}
	}
	next := machine.Never
	for _, a := range old {
		if r.has(a.prefix) {
			continue
		}
		if !a.deprecating {
			a.deprecating, a.until = true, now.Add(deprecationTime)
		}
		if a.until <= now || len(r.prefixes) >= maxAdvertised {
			o := nd.RouteInfo{Prefix: a.prefix, Preference: netdata.Low}
			b = o.Append(b)
			continue
		}
		r.prefixes = append(r.prefixes, a)
		next = min(next, a.until)
	}
	for _, a := range r.prefixes {
		o := nd.RouteInfo{Prefix: a.prefix, Preference: r.preference, Lifetime: routeLifetime}
		if a.deprecating {
			o.Preference, o.Lifetime = netdata.Low, uint32(a.until.Sub(now)/time.Second)
		}
		b = o.Append(b)
	}
	earlier(&r.at, next)
	return b
}

// RIOPreference returns how much our routes to the mesh are preferred.
func (m *Manager) RIOPreference() int8 { return m.rio.preference }

// SetRIOPreference sets it, where it would follow from the node's role.
func (m *Manager) SetRIOPreference(now machine.Time, p int8) {
	m.rio.fixed = true
	m.rio.set(now, m, p)
}

// ClearRIOPreference has it follow from the role again.
func (m *Manager) ClearRIOPreference(now machine.Time) {
	if m.rio.fixed {
		m.rio.fixed = false
		m.rio.byRole(now, m)
	}
}
