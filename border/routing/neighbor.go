package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

const (
	reachableTime     = 60 * time.Second
	peerReachableTime = 200 * time.Second
	maxProbes         = 5
	probeRetry        = time.Second
	probeTimeout      = 2 * time.Second
	probeJitter       = 2 * time.Second
)

// Limits of what routers can make us remember (OpenThread's config/border_routing.h).
const (
	maxRouters = 16
	maxEntries = 64 // of all routers
)

// router is a router of the infrastructure link.
type router struct {
	address ip6.Address
	onLink  []onLinkEntry // the newest first, as all lists here
	routes  []routeEntry
	dns     []dnsEntry
	nat64   []nat64Entry
	found   machine.Time
	updated machine.Time
	timeout machine.Time // when it is asked whether it is still there
	probes  uint8

	managed, other, snac bool
	local                bool // other software on this computer
	allDisregarded       bool
}

func (r *router) reachable() bool { return r.probes <= maxProbes }

func (r *router) checked() bool { return r.reachable() && !r.local }

// alive is called when a router was heard of.
func (r *router) alive(now machine.Time, m *Manager) {
	r.probes, r.updated = 0, now
	r.timeout = now.Add(m.jitter(reachableTime, probeJitter))
}

// setTimeout gives a border router of our own mesh more time before it is asked.
func (r *router) setTimeout(m *Manager) {
	if r.probes != 0 {
		return
	}
	d := reachableTime
	if r.allDisregarded {
		d = peerReachableTime
	}
	r.timeout = r.updated.Add(m.jitter(d, probeJitter))
}

// forgettable reports whether a router says nothing that matters any more.
func (r *router) forgettable() bool {
	return !(r.reachable() && (r.managed || r.other)) && len(r.onLink) == 0 && len(r.routes) == 0 && len(r.dns) == 0 && len(r.nat64) == 0
}

// peer reports whether a router is a border router of the same mesh: all that it advertises is the mesh's.
func (r *router) peer() bool { return r.allDisregarded && len(r.onLink)+len(r.routes) > 0 }

// lost takes away all that a router has advertised which is not younger than an instant.
func (r *router) lost(now, since machine.Time, keepDeprecated bool) {
	for i := range r.onLink {
		if e := &r.onLink[i]; e.updated <= since && !(keepDeprecated && e.deprecated(now)) {
			e.preferred = 0
		}
	}
	for i := range r.routes {
		if e := &r.routes[i]; e.updated <= since {
			e.valid = 0
		}
	}
	for i := range r.dns {
		if e := &r.dns[i]; e.updated <= since {
			e.lifetime = 0
		}
	}
	for i := range r.nat64 {
		if e := &r.nat64[i]; e.updated <= since {
			e.lifetime = 0
		}
	}
}
