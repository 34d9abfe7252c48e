package routing

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Router is a router of the infrastructure link.
type Router struct {
	Address              ip6.Address
	Managed, Other, SNAC bool
	Silent               time.Duration // since it was heard of last
	Age                  time.Duration // since it was found
	Reachable            bool
	Local                bool // other software on this computer
	Peer                 bool // a border router of the same mesh
}

// Prefix is what a router of the infrastructure link has advertised: a prefix of the link, or a route.
type Prefix struct {
	Prefix     ip6.Prefix
	OnLink     bool
	Silent     time.Duration
	Valid      uint32
	Preferred  uint32 // of a prefix of the link
	Preference int8   // of a route
	Router     Router
}

// DNSServer is what a router of the infrastructure link has advertised, too.
type DNSServer struct {
	Address  ip6.Address
	Lifetime uint32
	Silent   time.Duration
	Router   Router
}

func (r *router) info(now machine.Time) Router {
	return Router{r.address, r.managed, r.other, r.snac, now.Sub(r.updated), now.Sub(r.found), r.reachable(), r.local, r.peer()}
}

// Routers returns the routers of the infrastructure link, the newest first.
func (m *Manager) Routers(now machine.Time) (list []Router) {
	for _, r := range m.rx.routers {
		list = append(list, r.info(now))
	}
	return list
}

// Prefixes returns what they have advertised.
func (m *Manager) Prefixes(now machine.Time) (list []Prefix) {
	for _, r := range m.rx.routers {
		for _, e := range r.onLink {
			list = append(list, Prefix{Prefix: e.prefix, OnLink: true, Silent: now.Sub(e.updated), Valid: e.valid, Preferred: e.preferred, Router: r.info(now)})
		}
		for _, e := range r.routes {
			list = append(list, Prefix{Prefix: e.prefix, Silent: now.Sub(e.updated), Valid: e.valid, Preference: e.preference, Router: r.info(now)})
		}
	}
	return list
}

// DNSServers returns the DNS servers that they have advertised.
func (m *Manager) DNSServers(now machine.Time) (list []DNSServer) {
	for _, r := range m.rx.routers {
		for _, e := range r.dns {
			list = append(list, DNSServer{e.address, e.lifetime, now.Sub(e.updated), r.info(now)})
		}
	}
	return list
}

// NAT64Prefix is the prefix of a NAT64 that a router of the infrastructure link has advertised.
type NAT64Prefix struct {
	Prefix   ip6.Prefix
	Lifetime uint32
	Silent   time.Duration
	Router   Router
}

// NAT64Prefixes returns the NAT64 prefixes that they have advertised.
func (m *Manager) NAT64Prefixes(now machine.Time) (list []NAT64Prefix) {
	for _, r := range m.rx.routers {
		for _, e := range r.nat64 {
			list = append(list, NAT64Prefix{e.prefix, e.lifetime, now.Sub(e.updated), r.info(now)})
		}
	}
	return list
}

// LinkAddress returns our address on the infrastructure link, once we have sent something from it, and how long ago that
// was.
func (m *Manager) LinkAddress(now machine.Time) (a ip6.Address, silent time.Duration, ok bool) {
	return m.c.Address, now.Sub(m.linkUsed), m.initialized && m.linkUsed != 0
}

// SetExtraOptions adds options to all Router Advertisements; none: no more.
func (m *Manager) SetExtraOptions(b []byte) error {
	if len(b) > 800 {
		return status.NoBufs
	}
	m.extra = append([]byte(nil), b...)
	return nil
}

// Reachable reports whether the infrastructure link leads to an address other than by a default route. The source of what a
// node sends there with an address that the world cannot answer to is told so (RFC 4443, administratively prohibited).
func (m *Manager) Reachable(a ip6.Address) bool {
	return m.onLink.state != onLinkIdle && m.onLink.local.Contains(a) || m.rx.onLinkAddress(a) || m.rx.routed(a)
}
