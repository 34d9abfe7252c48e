package routing

import (
	"slices"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// tracker knows what the routers of the infrastructure link advertise.
type tracker struct {
	routers []*router // the newest first
	factors factors
	// local is the header of what other software on this computer advertises, which ours repeats.
	local        nd.RouterHeader
	hasLocal     bool
	localUpdated machine.Time

	probes, expires, stale, dnsExpires machine.Time
}

// factors are what decisions follow from.
type factors struct {
	favored                            ip6.Prefix // prefix of the link
	nonULARoute, nonULAOnLink, ulaLink bool
	managed, other                     bool
	nat64                              ip6.Prefix // the smallest of those advertised
	peers                              int        // border routers of the same mesh that answer
}

func (t *tracker) idle() {
	t.probes, t.expires, t.stale, t.dnsExpires = machine.Never, machine.Never, machine.Never, machine.Never
}

func (t *tracker) stop() {
	*t = tracker{}
	t.idle()
}

func (t *tracker) deadline() machine.Time { return min(t.probes, t.expires, t.stale, t.dnsExpires) }

func (t *tracker) find(a ip6.Address) *router {
	for _, r := range t.routers {
		if r.address == a {
			return r
		}
	}
	return nil
}

func (t *tracker) room() bool {
	n := 0
	for _, r := range t.routers {
		n += len(r.onLink) + len(r.routes) + len(r.dns) + len(r.nat64)
	}
	return n < maxEntries
}

// advert takes in a Router Advertisement that this Manager has not sent itself.
func (t *tracker) advert(now machine.Time, m *Manager, src ip6.Address, h *nd.RouterHeader, options []byte, local bool) {
	r := t.find(src)
	if r == nil {
		if len(t.routers) >= maxRouters {
			return
		}
		r = &router{address: src, found: now}
		t.routers = slices.Insert(t.routers, 0, r)
	}
	t.header(now, m, r, h, local)
	nd.Options(options, func(_ uint8, o []byte) bool {
		if p, ok := nd.ParsePrefixInfo(o); ok {
			t.prefixInfo(now, m, r, &p)
		} else if i, ok := nd.ParseRouteInfo(o); ok {
			t.routeInfo(now, m, r, &i)
		} else if life, a, ok := nd.ParseDNSServers(o); ok {
			t.dnsServers(now, r, life, a)
		} else if p, ok := nd.ParseNAT64(o); ok {
			t.nat64Prefix(now, r, &p)
		}
		return true
	})
	r.local = local
	r.alive(now, m)
	t.update(now, m)
}

func (t *tracker) header(now machine.Time, m *Manager, r *router, h *nd.RouterHeader, local bool) {
	r.managed, r.other, r.snac = h.Managed, h.Other, h.SNAC
	if local {
		was, had := t.local, t.hasLocal
		if t.hasLocal = h.Lifetime != 0; t.hasLocal {
			t.local, t.localUpdated = *h, now
		} else {
			t.local = nd.RouterHeader{}
		}
		if was != t.local || had != t.hasLocal {
			m.schedule(now, soon)
		}
	}
	t.setRoute(now, r, routeEntry{valid: uint32(h.Lifetime), preference: h.Preference, updated: now})
}

// setRoute enters a route. That of a header may be overruled by an option for the same prefix that follows (RFC 4191
// section 3.1).
func (t *tracker) setRoute(now machine.Time, r *router, e routeEntry) {
	for i := range r.routes {
		if r.routes[i].prefix == e.prefix {
			r.routes[i] = e
			return
		}
	}
	if e.valid != 0 && t.room() {
		r.routes = slices.Insert(r.routes, 0, e)
	}
}

func (t *tracker) prefixInfo(now machine.Time, m *Manager, r *router, p *nd.PrefixInfo) {
	if !validOMRPrefix(p.Prefix) || !p.OnLink || !p.Autonomous && !p.PD {
		return
	}
	ours := p.Prefix == m.onLink.local
	for i := range r.onLink {
		if e := &r.onLink[i]; e.prefix == p.Prefix {
			e.adopt(now, p.Valid, p.Preferred)
			e.disregard = ours
			return
		}
	}
	if p.Valid != 0 && t.room() {
		r.onLink = slices.Insert(r.onLink, 0, onLinkEntry{p.Prefix, p.Valid, p.Preferred, now, ours})
	}
}

// routeInfo enters a route; one into our own mesh is not to be followed. Both what we advertise and what is in the network
// data say which that is, as one may be ahead of the other.
func (t *tracker) routeInfo(now machine.Time, m *Manager, r *router, i *nd.RouteInfo) {
	if isLinkLocal(i.Prefix) || isMulticast(i.Prefix) {
		return
	}
	ours := i.Prefix == m.omr.local.prefix || m.rio.has(i.Prefix) || hasOMR(m.env.Data(), i.Prefix)
	t.setRoute(now, r, routeEntry{i.Prefix, i.Lifetime, i.Preference, now, ours})
}

func (t *tracker) dnsServers(now machine.Time, r *router, life uint32, addresses []byte) {
	for ; len(addresses) >= 16; addresses = addresses[16:] {
		e := dnsEntry{ip6.Address(addresses[:16]), life, now}
		i := slices.IndexFunc(r.dns, func(o dnsEntry) bool { return o.address == e.address })
		switch {
		case i >= 0 && life == 0:
			r.dns = slices.Delete(r.dns, i, i+1)
		case i >= 0:
			r.dns[i] = e
		case life != 0 && t.room():
			r.dns = slices.Insert(r.dns, 0, e)
		}
	}
}

func (t *tracker) nat64Prefix(now machine.Time, r *router, p *nd.NAT64Prefix) {
	e := nat64Entry{p.Prefix, p.Lifetime, now}
	i := slices.IndexFunc(r.nat64, func(o nat64Entry) bool { return o.prefix == e.prefix })
	switch {
	case i >= 0:
		r.nat64[i] = e // one without a lifetime expires at once
	case p.Lifetime != 0 && t.room():
		r.nat64 = slices.Insert(r.nat64, 0, e)
	}
}

// onLinkPrefixChanged disregards prefixes of the link that have become ours.
func (t *tracker) onLinkPrefixChanged(now machine.Time, m *Manager) {
	changed := false
	for _, r := range t.routers {
		for i := range r.onLink {
			if e := &r.onLink[i]; e.prefix == m.onLink.local && !e.disregard {
				e.disregard, changed = true, true
			}
		}
	}
	if changed {
		t.update(now, m)
	}
}

// networkDataChanged disregards routes that lead into our own mesh.
func (t *tracker) networkDataChanged(now machine.Time, m *Manager) {
	changed := false
	for _, r := range t.routers {
		for i := range r.routes {
			if e := &r.routes[i]; !e.disregard && hasOMR(m.env.Data(), e.prefix) {
				e.disregard, changed = true, true
			}
		}
	}
	if changed {
		t.update(now, m)
	}
}

// forget takes away what was not heard of since a router solicitation.
func (t *tracker) forget(now machine.Time, m *Manager, since machine.Time) {
	for _, r := range t.routers {
		r.lost(now, since, false)
	}
	if t.hasLocal && t.localUpdated <= since {
		t.local, t.hasLocal = nd.RouterHeader{}, false
	}
	t.update(now, m)
}

// onLinkAddress reports whether an address is one of the link.
func (t *tracker) onLinkAddress(a ip6.Address) bool {
	for _, r := range t.routers {
		for i := range r.onLink {
			if r.onLink[i].prefix.Contains(a) {
				return true
			}
		}
	}
	return false
}

// routed reports whether a router of the link has a route to an address other than the default one.
func (t *tracker) routed(a ip6.Address) bool {
	for _, r := range t.routers {
		for i := range r.routes {
			if p := r.routes[i].prefix; p.Bits != 0 && p.Contains(a) {
				return true
			}
		}
	}
	return false
}
