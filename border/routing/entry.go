package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// maxLifetime is the longest lifetime that OpenThread's timers can hold: 2^31 ms.
const maxLifetime = (1 << 31) / 1000

// staleTime is how long what a router said is trusted without having asked again.
const staleTime = 600

func after(t machine.Time, seconds uint32) machine.Time {
	return t.Add(time.Duration(min(seconds, maxLifetime)) * time.Second)
}

// onLinkEntry is a prefix of the link that a router has advertised.
type onLinkEntry struct {
	prefix           ip6.Prefix
	valid, preferred uint32 // seconds from updated on
	updated          machine.Time
	disregard        bool // it is ours: the router is a border router of the same mesh
}

func (e *onLinkEntry) expires() machine.Time { return after(e.updated, e.valid) }

func (e *onLinkEntry) deprecated(now machine.Time) bool { return after(e.updated, e.preferred) <= now }

func (e *onLinkEntry) stale() machine.Time { return after(e.updated, min(staleTime, e.preferred)) }

// adopt takes over the lifetimes of a new advertisement, which cannot make the valid one shorter than two hours at once
// (RFC 4862 section 5.5.3 e).
func (e *onLinkEntry) adopt(now machine.Time, valid, preferred uint32) {
	const twoHours = 2 * 3600
	switch {
	case valid > twoHours || after(now, valid) > e.expires():
		e.valid = valid
	case e.expires() > now.Add(twoHours*time.Second):
		e.valid = twoHours
	}
	e.preferred, e.updated = preferred, now
}

// favoredOver reports whether the prefix of an entry goes before another as that of the link: it must be preferred for half
// an hour, and be the smaller.
func (e *onLinkEntry) favoredOver(now machine.Time, p ip6.Prefix) bool {
	if e.deprecated(now) || e.preferred < 1800 {
		return false
	}
	return p.Bits == 0 || e.prefix.Less(p)
}

// routeEntry is a route that a router has advertised; no bits: it is a default router.
type routeEntry struct {
	prefix     ip6.Prefix
	valid      uint32
	preference int8
	updated    machine.Time
	disregard  bool // it leads into our own mesh
}

func (e *routeEntry) expires() machine.Time { return after(e.updated, e.valid) }

func (e *routeEntry) stale() machine.Time { return after(e.updated, min(staleTime, e.valid)) }

// dnsEntry is a DNS server that a router has advertised.
type dnsEntry struct {
	address  ip6.Address
	lifetime uint32
	updated  machine.Time
}

func (e *dnsEntry) expires() machine.Time { return after(e.updated, e.lifetime) }

// nat64Entry is the prefix of a NAT64 that a router has advertised.
type nat64Entry struct {
	prefix   ip6.Prefix
	lifetime uint32
	updated  machine.Time
}

func (e *nat64Entry) expires() machine.Time { return after(e.updated, e.lifetime) }
