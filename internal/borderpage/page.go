// Package borderpage shows a border router on its web page: what the router, its way out and its doctor know, in the words of
// the REST interface.
package borderpage

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"heddle.example/border"
	"heddle.example/border/dns64"
	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/internal/api"
	"heddle.example/internal/borderrouter"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
)

// Options say which border router is shown.
type Options struct {
	Seat seat.Seat
	// Border returns the router; nil: it does not run yet. It is called in the node's owner.
	Border func() *border.Router
	// Out is the way out; nil: a simulated one.
	Out outside.Outside
	// Doctor tests it; nil: nobody can.
	Doctor func(ctx context.Context, q borderrouter.Question) borderrouter.Report
	// Ask returns what the doctor asks for where the page's user leaves it open; nil: what it asks for by itself.
	Ask func() borderrouter.Question
	// Who returns whose addresses of the mesh these are; nil: nobody knows. It is called in the owner.
	Who func() map[netip.Addr]Name
	// Infra is the name of the infrastructure link, "" for none.
	Infra string
}

// Name is a node's number, and the endpoint of its LwM2M client.
type Name struct {
	Node   int
	Client string
}

// Page is an api.Border.
type Page struct{ o Options }

// New makes it.
func New(o Options) *Page { return &Page{o} }

// Border implements api.Border.
func (p *Page) Border(ctx context.Context) (*api.BorderStatus, error) {
	var s border.Status
	there := false
	out := &api.BorderStatus{State: "disabled", Mode: "simulated", Infra: p.o.Infra, Prefixes: []api.BorderPrefix{}, Routes: []api.BorderRoute{},
		Routers: []api.BorderPeer{}, Counters: []api.BorderCounter{}, Addresses: []string{}}
	var own uint16
	var who map[netip.Addr]Name
	err := p.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		role := n.MLE().Role()
		out.Role, own = role.String(), n.MLE().RLOC16()
		for _, a := range n.Addresses() {
			if !a.Addr.IsLinkLocalUnicast() {
				out.Addresses = append(out.Addresses, a.Addr.Netip().String())
			}
		}
		if r := p.o.Border(); r != nil {
			s, there = r.Status(now), true
		}
		if p.o.Who != nil {
			who = p.o.Who()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if p.o.Doctor != nil {
		q := p.ask()
		out.Ask = &api.BorderQuestion{Server: q.Server, Name: cmp.Or(q.Name, borderrouter.DefaultName)}
	}
	var way outside.Status
	if p.o.Out != nil {
		way = p.o.Out.Status()
		if out.Mode = "rootless"; way.Mode == outside.TUN {
			out.Mode = "tun"
		}
		out.Device = way.Device
	}
	out.NAT64.Mappings, out.DNS.Cache, out.DNS.Upstream = []api.BorderMapping{}, []api.BorderCache{}, []string{}
	if !there {
		return out, nil
	}
	out.State = s.State.String()
	p.prefixes(out, &s, own)
	p.nat64(out, &s, &way, who)
	dns(out, &s)
	mdns(out, &s)
	out.Counters = counters(&s, &way)
	return out, nil
}

// text writes a prefix as short as RFC 5952 has it; the shell's form is OpenThread's.
func text(p ip6.Prefix) string { return netip.PrefixFrom(p.Addr.Netip(), int(p.Bits)).String() }

func preference(v int8) string {
	switch {
	case v > 0:
		return "high"
	case v < 0:
		return "low"
	}
	return "medium"
}

func (p *Page) prefixes(out *api.BorderStatus, s *border.Status, own uint16) {
	add := func(kind string, prefix, local ip6.Prefix, pref string) {
		if prefix.Bits > 0 {
			out.Prefixes = append(out.Prefixes, api.BorderPrefix{Kind: kind, Prefix: text(prefix), Favored: true, Local: prefix == local, Pref: pref})
		}
		if local.Bits > 0 && local != prefix {
			out.Prefixes = append(out.Prefixes, api.BorderPrefix{Kind: kind, Prefix: text(local), Local: true})
		}
	}
	add("omr", s.OMR, s.OMRLocal, preference(s.OMRPreference))
	add("on-link", s.OnLink, s.OnLinkLocal, "")
	add("nat64", s.NAT64, s.NAT64Local, "")
	published := map[string]bool{}
	for _, x := range s.Prefixes {
		published[text(x.Prefix)] = published[text(x.Prefix)] || x.RLOC16 == own
	}
	for _, x := range s.Routes {
		published[text(x.Prefix)] = published[text(x.Prefix)] || x.RLOC16 == own
		out.Routes = append(out.Routes, api.BorderRoute{Prefix: text(x.Prefix), Pref: preference(x.Preference), NAT64: x.NAT64,
			RLOC16: fmt.Sprintf("0x%04x", x.RLOC16), Own: x.RLOC16 == own})
	}
	for i := range out.Prefixes {
		out.Prefixes[i].Published = published[out.Prefixes[i].Prefix]
	}
	for _, r := range s.Routers {
		flag := func(on bool) int { return map[bool]int{true: 1}[on] }
		flags := fmt.Sprintf("M:%d O:%d S:%d", flag(r.Managed), flag(r.Other), flag(r.SNAC))
		if r.Peer {
			flags += ", of this mesh"
		}
		out.Routers = append(out.Routers, api.BorderPeer{Address: r.Address.Netip().String(), Flags: flags, Age: seconds(r.Silent)})
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func (p *Page) nat64(out *api.BorderStatus, s *border.Status, way *outside.Status, who map[netip.Addr]Name) {
	n := &out.NAT64
	if s.NAT64.Bits > 0 {
		n.Prefix = text(s.NAT64)
	}
	n.Translator = map[string]string{"Disabled": "disabled", "NotRunning": "not running", "Idle": "idle", "Active": "active"}[s.Translator.String()]
	add := func(m api.BorderMapping, inside netip.Addr) {
		m.Node, m.Client = who[inside].Node, who[inside].Client
		n.Mappings = append(n.Mappings, m)
	}
	for _, m := range s.Mappings {
		inside := m.Address6.Netip()
		add(api.BorderMapping{Protocol: protocol(m.Protocol), Inside: netip.AddrPortFrom(inside, m.Port6).String(), Outside: netip.AddrPortFrom(m.Address4, m.Port4).String(),
			Remote: end(m.Remote), Left: seconds(m.Left), Out: m.Packets6To4, In: m.Packets4To6, OutBytes: m.Bytes6To4, InBytes: m.Bytes4To6}, inside)
	}
	if len(s.Mappings) == 0 { // the sockets are the mappings
		for _, f := range way.Flows {
			if f.NAT64 {
				add(api.BorderMapping{Protocol: f.Protocol, Inside: f.Inside.String(), Outside: f.Outside.String(), Remote: end(f.Remote), Left: seconds(f.Left),
					Out: f.Sent, In: f.Received, OutBytes: f.SentBytes, InBytes: f.ReceivedBytes}, f.Inside.Addr())
			}
		}
	}
	slices.SortFunc(n.Mappings, func(a, b api.BorderMapping) int {
		return cmp.Or(cmp.Compare(a.Inside, b.Inside), cmp.Compare(a.Outside, b.Outside))
	})
}

// end writes the other end of a mapping: an echo request's has no port.
func end(a netip.AddrPort) string {
	switch {
	case !a.IsValid():
		return ""
	case a.Port() == 0:
		return a.Addr().String()
	}
	return a.String()
}

func protocol(p ip6.Protocol) string {
	switch p {
	case ip6.UDP:
		return "udp"
	case ip6.TCP:
		return "tcp"
	}
	return "icmp"
}

func dns(out *api.BorderStatus, s *border.Status) {
	d := &out.DNS
	d.On = len(s.Servers) > 0
	for _, a := range s.Servers {
		d.Upstream = append(d.Upstream, a.String())
	}
	d.Asked, d.Answered, d.Failed = s.DNS.Queries, s.DNS.FromCache, s.DNS.ServerFailures+s.DNS.Timeouts
	for _, e := range s.Names {
		d.Cache = append(d.Cache, cached(e, s.NAT64))
	}
}

func cached(e dns64.Entry, prefix ip6.Prefix) api.BorderCache {
	c := api.BorderCache{Name: e.Name, Type: typeName(e.Type), Values: e.Addresses, Left: seconds(e.Left)}
	if c.Values == nil {
		c.Values = []string{}
	}
	if prefix.Bits > 0 && c.Type == "AAAA" {
		for _, v := range c.Values {
			if a, err := netip.ParseAddr(v); err == nil && prefix.Contains(ip6.Address(a.As16())) {
				c.Made = true
			}
		}
	}
	return c
}

func typeName(t uint16) string {
	if name, ok := map[uint16]string{1: "A", 28: "AAAA", 5: "CNAME", 12: "PTR", 16: "TXT", 33: "SRV"}[t]; ok {
		return name
	}
	return fmt.Sprintf("TYPE%d", t)
}

// counters are the numbers that there are: those of what was dropped only where something was.
func counters(s *border.Status, way *outside.Status) []api.BorderCounter {
	c := &s.Counters
	list := []api.BorderCounter{{Name: "out of the mesh", Packets: c.Out.Packets, Bytes: c.Out.Bytes}, {Name: "into the mesh", Packets: c.In.Packets, Bytes: c.In.Bytes}}
	t := func(name string, x nat64.Traffic) {
		if x.Packets6To4+x.Packets4To6 > 0 {
			list = append(list, api.BorderCounter{Name: name, Packets: x.Packets6To4 + x.Packets4To6, Bytes: x.Bytes6To4 + x.Bytes4To6})
		}
	}
	t("translated, UDP", s.NAT64Counters.UDP)
	t("translated, TCP", s.NAT64Counters.TCP)
	t("translated, ICMP", s.NAT64Counters.ICMP)
	for _, x := range []api.BorderCounter{
		{Name: "dropped: multicast of the mesh", Packets: c.OutMulticast}, {Name: "dropped: source that the outside cannot answer", Packets: c.OutSource},
		{Name: "dropped: for another router's NAT64", Packets: c.OutNAT64}, {Name: "dropped: malformed from outside", Packets: c.InMalformed + way.Malformed},
		{Name: "dropped: mesh addresses from outside", Packets: c.InForeign}, {Name: "dropped: mesh management from outside", Packets: c.InManagement},
		{Name: "dropped: not asked for", Packets: way.Filtered + s.NAT64Counters.Filtered + s.NAT64Counters.NoMapping}, {Name: "dropped: no room for one more flow", Packets: way.Full + s.NAT64Counters.Full},
		{Name: "dropped: the system refused", Packets: way.Failed}, {Name: "dropped: addresses that the mesh may not reach", Packets: way.Prohibited},
	} {
		if x.Packets > 0 {
			list = append(list, x)
		}
	}
	return list
}

func (p *Page) ask() (q borderrouter.Question) {
	if p.o.Ask != nil {
		q = p.o.Ask()
	}
	return q
}

// Doctor implements api.Border.
func (p *Page) Doctor(ctx context.Context, ask api.BorderQuestion) (*api.BorderReport, error) {
	if p.o.Doctor == nil {
		return nil, errNoDoctor
	}
	q := p.ask()
	q.Server, q.Name = cmp.Or(ask.Server, q.Server), cmp.Or(ask.Name, q.Name)
	r := p.o.Doctor(ctx, q)
	out := &api.BorderReport{Took: r.Took.Milliseconds(), OK: r.OK(), Legs: []api.BorderLeg{}}
	for _, l := range r.Legs {
		out.Legs = append(out.Legs, api.BorderLeg{Name: l.Name, State: string(l.State), Found: l.Found, Do: l.Do, Took: l.Took.Milliseconds()})
	}
	return out, nil
}

var errNoDoctor = fmt.Errorf("the legs of this border router cannot be tested")
