package routing

import (
	"slices"

	"heddle.example/border/nd"
	"heddle.example/machine"
)

// update drops what has expired, finds out what decisions follow from, and sets the timers.
func (t *tracker) update(now machine.Time, m *Manager) {
	was := t.factors
	for _, r := range t.routers {
		r.onLink = slices.DeleteFunc(r.onLink, func(e onLinkEntry) bool { return e.expires() <= now })
		r.routes = slices.DeleteFunc(r.routes, func(e routeEntry) bool { return e.expires() <= now })
		r.dns = slices.DeleteFunc(r.dns, func(e dnsEntry) bool { return e.expires() <= now })
		r.nat64 = slices.DeleteFunc(r.nat64, func(e nat64Entry) bool { return e.expires() <= now })
	}
	t.routers = slices.DeleteFunc(t.routers, (*router).forgettable)
	t.factors = t.decide(now)
	if t.factors != was {
		m.signal = true
	}
	t.setTimers(now, m)
}

// decide looks at all that is known.
func (t *tracker) decide(now machine.Time) (f factors) {
	for _, r := range t.routers {
		r.allDisregarded = true
		if !r.snac && r.reachable() { // a stub router only repeats what others say
			f.managed, f.other = f.managed || r.managed, f.other || r.other
		}
		for i := range r.onLink {
			e := &r.onLink[i]
			if e.disregard {
				continue
			}
			r.allDisregarded = false
			f.ulaLink, f.nonULAOnLink = f.ulaLink || isULA(e.prefix), f.nonULAOnLink || !isULA(e.prefix)
			if e.favoredOver(now, f.favored) {
				f.favored = e.prefix
			}
		}
		for i := range r.routes {
			if e := &r.routes[i]; !e.disregard {
				r.allDisregarded = false
				f.nonULARoute = f.nonULARoute || !isULA(e.prefix)
			}
		}
	}
	for _, r := range t.routers {
		if !r.local && r.peer() && r.reachable() {
			f.peers++
		}
		for i := range r.nat64 {
			if p := r.nat64[i].prefix; f.nat64.Bits == 0 || p.Less(f.nat64) {
				f.nat64 = p
			}
		}
	}
	return f
}

// setTimers finds out when something expires, gets stale, or is to be asked for. A prefix that several routers advertise is
// stale when it is with all.
func (t *tracker) setTimers(now machine.Time, m *Manager) {
	t.idle()
	for _, r := range t.routers {
		if r.checked() {
			r.setTimeout(m)
			earlier(&t.probes, r.timeout)
		}
		for i := range r.onLink {
			e := &r.onLink[i]
			earlier(&t.expires, e.expires())
			latest, found := now, false
			for _, o := range t.routers {
				for j := range o.onLink {
					if x := &o.onLink[j]; x.prefix == e.prefix && !x.deprecated(now) {
						latest, found = max(latest, x.stale()), true
					}
				}
			}
			if found {
				earlier(&t.stale, latest)
			}
		}
		for i := range r.routes {
			e := &r.routes[i]
			earlier(&t.expires, e.expires())
			latest := now
			for _, o := range t.routers {
				for j := range o.routes {
					if x := &o.routes[j]; x.prefix == e.prefix {
						latest = max(latest, x.stale())
					}
				}
			}
			earlier(&t.stale, latest)
		}
		for i := range r.dns {
			earlier(&t.dnsExpires, r.dns[i].expires())
		}
		for i := range r.nat64 {
			earlier(&t.dnsExpires, r.nat64[i].expires())
		}
	}
	if t.hasLocal {
		earlier(&t.stale, after(t.localUpdated, min(staleTime, uint32(t.local.Lifetime))))
	}
}

// becameStale asks the routers anew.
func (t *tracker) becameStale(now machine.Time, m *Manager) {
	if m.running {
		m.rs.start(now, m)
	}
}

// probe asks routers that were not heard of for long whether they are still there, and gives up those that do not answer.
func (t *tracker) probe(now machine.Time, m *Manager) {
	for _, r := range t.routers {
		if !r.checked() || r.timeout > now {
			continue
		}
		if r.probes++; !r.reachable() {
			r.lost(now, now, true)
			continue
		}
		if r.timeout = now.Add(probeTimeout); r.probes < maxProbes {
			r.timeout = now.Add(probeRetry)
		}
		if !m.rs.busy() { // who is solicited now will be heard of by that
			b := nd.AppendNeighborSolicit(nil, r.address)
			m.send(now, r.address, nd.AppendLink(b, nd.TypeSourceLink, m.c.Link))
		}
	}
	t.update(now, m)
}
