package border

import (
	"net/netip"
	"time"

	"heddle.example/border/discovery"
	"heddle.example/border/dns64"
	"heddle.example/border/mdns"
	"heddle.example/border/nat64"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// Status is what there is to say of a border router.
type Status struct {
	State   routing.State
	Settled bool // the mesh and the link have their prefixes

	// OMR is the prefix that nodes have addresses of for the outside; OMRLocal is what this router would give them.
	OMR, OMRLocal ip6.Prefix
	OMRPreference int8
	// OnLink is the infrastructure link's; OnLinkLocal is what this router would give it. No bits: there is no link.
	OnLink, OnLinkLocal ip6.Prefix
	// NAT64 is the prefix that the mesh uses, and NAT64Local this router's.
	NAT64, NAT64Local ip6.Prefix
	NAT64State        routing.NAT64State
	Translator        TranslatorState
	Translate         bool // packets leave translated; else the driver has sockets of either kind

	Prefixes []netdata.OnMeshPrefix  // of the network data, of all border routers
	Routes   []netdata.ExternalRoute // likewise
	Routers  []routing.Router        // of the infrastructure link
	Learned  []routing.Prefix        // what they advertise
	Peers    []routing.Peer          // the mesh's other border routers
	Several  bool                    // ... which stand on several links

	Mappings      []nat64.Mapping // of the Router's own translation; what the driver has is not among them
	NAT64Counters nat64.Counters
	Counters      Counters
	Infra         routing.Counters

	Servers []netip.AddrPort // upstream
	DNS     dns64.Counters
	Names   []dns64.Entry // the cache
	Pending int           // queries under way

	MDNS         bool         // multicast DNS is spoken on the infrastructure link
	Published    []mdns.Entry // there; OwnEntry has the border agent
	MDNSCounters mdns.Counters
	Discovery    discovery.Counters // of what the mesh has asked of the link

	Uptime time.Duration // of the node
}

// TranslatorState is how far the translation of IPv4 is, in the words of `nat64 state`.
type TranslatorState uint8

// The states.
const (
	TranslatorDisabled   TranslatorState = iota
	TranslatorNotRunning                 // no prefix of ours, or no addresses to translate to
	_
	TranslatorActive
)

func (s TranslatorState) String() string { return routing.NAT64State(s).String() }

// TranslatorState returns how far the translation of IPv4 is.
func (r *Router) TranslatorState() TranslatorState {
	_, own := r.routing.OwnNAT64()
	switch {
	case !r.translating:
		return TranslatorDisabled
	case r.translator != nil, !r.c.Translate && own:
		return TranslatorActive
	}
	return TranslatorNotRunning
}

// Status returns all of it. Its slices are the caller's.
func (r *Router) Status(now machine.Time) Status {
	m, data := r.routing, r.node.NetData()
	s := Status{State: m.State(), Settled: m.Settled(), NAT64State: m.NAT64State(), Translator: r.TranslatorState(),
		Translate: r.c.Translate, Routers: m.Routers(now), Learned: m.Prefixes(now), Peers: m.Peers(now), Several: m.SeveralAILs(),
		Counters: r.counters, Infra: m.Counters, Servers: append([]netip.AddrPort(nil), r.dns.servers...), DNS: r.names.Counters,
		Names: r.names.Entries(now, nil), Pending: r.names.Pending(), Uptime: r.node.Uptime(now)}
	// What is not known yet has no bits.
	s.OMR, s.OMRPreference, _ = m.FavoredOMRPrefix()
	s.OMRLocal, _ = m.OMRPrefix()
	if !r.c.Infra.None {
		s.OnLink, _ = m.FavoredOnLinkPrefix()
		s.OnLinkLocal, _ = m.OnLinkPrefix()
	}
	s.NAT64Local, _ = m.NAT64Prefix()
	if best, ok := data.NAT64(); ok {
		s.NAT64 = best.Prefix
	}
	for p := range data.Data().OnMeshPrefixes() {
		s.Prefixes = append(s.Prefixes, p)
	}
	for x := range data.Data().ExternalRoutes() {
		s.Routes = append(s.Routes, x)
	}
	if x := r.services.speaker; x != nil {
		s.MDNS, s.Published, s.MDNSCounters, s.Discovery = x.Up(), x.Entries(), x.Counters, r.services.proxy.Counters
	}
	if r.translator != nil {
		s.Mappings = r.translator.Mappings(now, nil)
	}
	s.NAT64Counters, _, _ = r.Translations()
	return s
}
