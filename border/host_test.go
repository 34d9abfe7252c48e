package border_test

import (
	"strings"
	"time"

	"heddle.example/border"
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/ip6"
)

// host is a router of the infrastructure link that is none of ours.
type host struct {
	b       *bench
	address ip6.Address
	header  nd.RouterHeader
	options []byte
	silent  bool
	asked   int // Neighbor Solicitations
}

func (b *bench) host(address string) *host {
	h := &host{b: b, address: ip6.MustParse(address)}
	b.hosts = append(b.hosts, h)
	return h
}

// heard answers what comes over the link.
func (h *host) heard(m border.InfraMessage) {
	if _, err := nd.ParseNeighborSolicit(m.ICMPv6); err == nil && m.Dst == h.address {
		if h.asked++; !h.silent {
			h.say(m.Src, nd.AppendNeighborAdvert(nil, h.address))
		}
	}
	if nd.IsRouterSolicit(m.ICMPv6) && !h.silent {
		h.advertise()
	}
}

func (h *host) say(dst ip6.Address, b []byte) {
	h.b.link(nil, border.InfraMessage{Link: 1, Src: h.address, Dst: dst, ICMPv6: b})
}

func (h *host) advertise() {
	h.say(ip6.LinkLocalAllNodes, append(nd.AppendRouterAdvert(nil, &h.header), h.options...))
}

func (h *host) prefix(p string, valid, preferred uint32) *host {
	o := nd.PrefixInfo{Prefix: ip6.MustParsePrefix(p), OnLink: true, Autonomous: true, Valid: valid, Preferred: preferred}
	h.options = o.Append(h.options)
	return h
}

func (b *bench) manager(n *network.Node) *routing.Manager { return b.routers[n].Routing() }

func (b *bench) has(within time.Duration, list func(*network.Node) []string, n *network.Node, want string) {
	b.t.Helper()
	if !b.net.RunUntil(func() bool { return strings.Contains(strings.Join(list(n), "\n"), want) }, within) {
		b.t.Fatalf("not within %v: %q in %q", within, want, list(n))
	}
}

func (b *bench) hasNot(within time.Duration, list func(*network.Node) []string, n *network.Node, want string) {
	b.t.Helper()
	if !b.net.RunUntil(func() bool { return !strings.Contains(strings.Join(list(n), "\n"), want) }, within) {
		b.t.Fatalf("still after %v: %q in %q", within, want, list(n))
	}
}

func (b *bench) lead(c border.Config) *network.Node {
	b.t.Helper()
	n := b.router(c)
	b.until("leads", time.Minute, n.Attached)
	b.until("settled", 30*time.Second, b.manager(n).Settled)
	return n
}
