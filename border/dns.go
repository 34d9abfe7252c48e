package border

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"heddle.example/border/dns64"
	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// defaultServer is whom OpenThread's DNS client asks as long as the mesh names nobody else (config/dns_client.h).
var defaultServer = ip6.MustParse("2001:4860:4860::8888")

const dnsPort = 53

// resolver is where answers go that do not go by the node's own DNS server.
type resolver struct {
	prefix   ip6.Prefix
	servers  []netip.AddrPort
	serving  bool           // the node may serve names
	defaults []defaultQuery // to the default server, the latest last
}

// defaultQuery is one that was not for us. A client asks for several things at a time, from one port.
type defaultQuery struct {
	client netip.AddrPort
	id     uint16
}

const maxDefaults = 256 // as many as a Forwarder has under way

func (r *Router) initDNS() {
	c := r.c.DNS
	c.Rand, c.Prefix = r.c.Rand, ip6.Prefix{}
	c.Servers = r.c.Upstream
	r.dns.servers = r.c.Upstream
	r.names = dns64.New(c, (*names)(r))
	r.serveUpstream()
}

// updateDNS has names made addresses of the mesh's NAT64 prefix, and asks the servers that there are.
func (r *Router) updateDNS(machine.Time) {
	var p ip6.Prefix
	if best, ok := r.node.NetData().NAT64(); ok {
		p = best.Prefix
	}
	if p != r.dns.prefix {
		r.dns.prefix = p
		r.names.SetPrefix(p)
	}
	if len(r.c.Upstream) > 0 {
		return
	}
	var servers []netip.AddrPort
	for _, s := range r.routing.DNSServers(0) {
		servers = append(servers, netip.AddrPortFrom(s.Address.Netip(), dnsPort))
	}
	if !slices.Equal(servers, r.dns.servers) {
		r.dns.servers = servers
		r.names.SetServers(servers)
		r.serveUpstream()
	}
}

// names is the Router as dns64.Env.
type names Router

// Query implements dns64.Env.
func (n *names) Query(_ machine.Time, server netip.AddrPort, message []byte) {
	r := (*Router)(n)
	r.push(machine.Send, &Query{server, r.copy(message)})
}

// Answer implements dns64.Env.
func (n *names) Answer(now machine.Time, client netip.AddrPort, message []byte) {
	r := (*Router)(n)
	q := defaultQuery{client, binary.BigEndian.Uint16(message)}
	for i, d := range r.dns.defaults {
		if d == q {
			r.dns.defaults = slices.Delete(r.dns.defaults, i, i+1)
			b := ip6.AppendUDP(nil, ip6.Header{Src: defaultServer, Dst: ip6.FromNetip(client.Addr()), HopLimit: 64}, dnsPort, client.Port(), message)
			r.node.Receive(now, r.cause, machine.Path{}, b)
			return
		}
	}
	r.node.AnswerDNS(now, client, message)
}

// serveUpstream has the node's DNS server ask us for names that it does not know itself, where there is somebody to ask.
func (r *Router) serveUpstream() {
	if len(r.dns.servers) == 0 {
		r.node.SetUpstreamDNS(nil)
		return
	}
	r.node.SetUpstreamDNS(func(now machine.Time, client netip.AddrPort, query []byte) { r.names.Ask(now, client, query) })
}

// updateServer has the node serve names and services once the mesh has its prefix, so that nodes find it in the network data
// (OpenThread's `srp server auto`).
func (r *Router) updateServer(now machine.Time) {
	on := r.routing.Settled()
	if on == r.dns.serving {
		return
	}
	r.dns.serving = on
	r.switchServer(now)
}

func (r *Router) switchServer(now machine.Time) {
	s := r.node.SRPServer()
	switch {
	case !s.Auto():
	case r.dns.serving:
		s.Enable(now)
	default:
		s.Disable(now)
	}
}

// UpstreamReceived takes in what a DNS server upstream says. b is borrowed.
func (r *Router) UpstreamReceived(now machine.Time, cause machine.Cause, server netip.AddrPort, b []byte) {
	r.cause = cause
	r.node.Do(now, cause, func() { r.names.Reply(now, server, b) })
}

// askedHere answers a query to the default server in its place.
func (r *Router) askedHere(now machine.Time, h *ip6.Header, b []byte) bool {
	if !r.c.DefaultDNS || h.Dst != defaultServer || len(r.dns.servers) == 0 {
		return false
	}
	p, err := ip6.ParsePacket(b)
	if err != nil || !p.IsUDP(dnsPort) || !ip6.ChecksumOK(b, p.At, ip6.UDP) {
		return false
	}
	client, query := netip.AddrPortFrom(h.Src.Netip(), p.SrcPort), b[p.At+ip6.UDPSize:]
	if len(query) >= dns.HeaderSize {
		q := defaultQuery{client, binary.BigEndian.Uint16(query)}
		if !slices.Contains(r.dns.defaults, q) {
			if len(r.dns.defaults) >= maxDefaults {
				r.dns.defaults = slices.Delete(r.dns.defaults, 0, 1)
			}
			r.dns.defaults = append(r.dns.defaults, q)
		}
	}
	r.names.Ask(now, client, query)
	return true
}
