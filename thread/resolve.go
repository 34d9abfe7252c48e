package thread

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/srp"
	"heddle.example/thread/status"
)

// Resolved is the value of the Result of Resolve.
type Resolved struct {
	Name      string // as it was asked for
	Err       error  // nil, or one of package status
	Addresses []ResolvedAddress
}

// ResolvedAddress is an address to try.
type ResolvedAddress struct {
	IP  ip6.Address
	IP4 netip.Addr // valid: IP is what NAT64 makes of it
	TTL uint32     // 0: it was written down, not asked for
}

// lookup is a Resolve under way: IPv6 and IPv4 addresses are asked for at the same time.
type lookup struct {
	op    machine.OpID
	cause machine.Cause
	name  string
	six   machine.OpID // 0: it has ended
	four  machine.OpID
	err   error
	list  []ResolvedAddress
	at    machine.Time // when to go on with what there is
}

const (
	maxLookups = 16
	// resolutionDelay is how long a second answer is waited for once there are addresses. RFC 8305 section 3 says 50 ms, on
	// links that are faster than these.
	resolutionDelay = time.Second
)

// Resolve finds the addresses of a host, in the order in which they are to be tried: IPv6 addresses to which the network data
// has a route, IPv4 ones through the NAT64 of the network data (RFC 6052, 7050), the others. The name may be an address of
// either kind, with or without brackets. A name without a dot is one of the service registry's domain. The Result is a
// *Resolved, which may come in this very input.
func (n *Node) Resolve(now machine.Time, cause machine.Cause, name string) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	if list, err, ok := n.literal(name); ok {
		n.lastOp++
		n.result(n.lastOp, cause, &Resolved{Name: name, Err: err, Addresses: list})
		return n.lastOp, nil
	}
	if !n.up {
		return 0, status.InvalidState
	}
	if len(n.resolver.lookups) >= maxLookups {
		return 0, status.NoBufs
	}
	l := &lookup{cause: cause, name: name, at: machine.Never, err: status.NotFound}
	asked := name
	if !strings.Contains(strings.TrimSuffix(name, "."), ".") {
		asked = strings.TrimSuffix(name, ".") + "." + dnssd.Domain
	}
	n.lastOp += 3
	l.op, l.six = n.lastOp-2, n.lastOp-1
	s := dnssd.Settings{Server: n.NameServer(), NAT64: dnssd.No}
	if err := n.dns().Resolve(now, l.six, asked, false, s); err != nil {
		return 0, err
	}
	if _, err := n.Synthesize([4]byte{}); err == nil && asked == name {
		s.NAT64 = dnssd.Yes
		if n.dns().Resolve(now, n.lastOp, asked, true, s) == nil {
			l.four = n.lastOp
		}
	}
	n.resolver.lookups = append(n.resolver.lookups, l)
	return l.op, nil
}

// literal returns the addresses that are written out in a name, if it is not one to ask for.
func (n *Node) literal(name string) (list []ResolvedAddress, err error, ok bool) {
	t := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	a, bad := netip.ParseAddr(t)
	switch {
	case bad == nil && a.Zone() != "" || bad != nil && (strings.Contains(name, ":") || numeric(name)):
		return nil, status.Parse, true
	case bad != nil && (name == "localhost" || strings.HasSuffix(name, ".localhost")): // RFC 6761 section 6.3
		return []ResolvedAddress{{IP: ip6.Loopback}}, nil, true
	case bad != nil:
		return nil, nil, false
	case !a.Is4():
		six := ip6.FromNetip(a)
		return []ResolvedAddress{{IP: six, IP4: n.behindNAT64(six)}}, nil, true
	}
	six, err := n.Synthesize(a.As4())
	if err != nil {
		return nil, err, true
	}
	return []ResolvedAddress{{IP: six, IP4: a}}, nil, true
}

// numeric reports whether a name ends as an IPv4 address does: no top-level domain is a number (RFC 3696 section 2).
func numeric(name string) bool {
	last := name[strings.LastIndexByte(strings.TrimSuffix(name, "."), '.')+1:]
	return strings.Trim(last, "0123456789") == "" && last != ""
}

// NameServer returns who is asked for names: whom the user or the registry's client has chosen, else the best server in the
// network data, else OpenThread's default.
func (n *Node) NameServer() ip6.Address {
	s, chosen := n.dns().Server()
	if p, ok := n.publishedServer(); ok && !chosen {
		return p
	}
	return s
}

// publishedServer returns the best DNS server in the network data, in the order of preference of OpenThread's SRP client.
func (n *Node) publishedServer() (ip6.Address, bool) {
	all := (*srpClientEnv)(n).Servers()
	if s, ok := srp.Best(all.InService); ok {
		return s.IP, true
	}
	if !all.Anycast.IsUnspecified() {
		return all.Anycast, true
	}
	s, ok := srp.Best(all.InServer)
	return s.IP, ok
}

// resolved takes in an answer, if it is that to a question of a lookup's.
func (n *Node) resolved(now machine.Time, op machine.OpID, r *dnssd.Response) bool {
	for _, l := range n.resolver.lookups {
		switch op {
		case l.six:
			l.six = 0
		case l.four:
			l.four = 0
		default:
			continue
		}
		if r.Err != nil && len(l.list) == 0 && (l.err == status.NotFound || r.Err == status.Abort) {
			l.err = r.Err
		}
		for _, a := range r.Addresses {
			if !slices.ContainsFunc(l.list, func(x ResolvedAddress) bool { return x.IP == a.IP }) {
				l.list = append(l.list, ResolvedAddress{IP: a.IP, IP4: n.behindNAT64(a.IP), TTL: a.TTL})
			}
		}
		switch {
		case l.six == 0 && l.four == 0:
			n.endLookup(now, l)
		case len(l.list) > 0:
			l.at = now.Add(resolutionDelay)
		}
		return true
	}
	return false
}

// behindNAT64 returns the IPv4 address that an address stands for: a server may have made it itself (DNS64).
func (n *Node) behindNAT64(a ip6.Address) (ip4 netip.Addr) {
	for r := range n.data.Data().ExternalRoutes() {
		if r.NAT64 && netdata.ValidNAT64(r.Prefix) && r.Prefix.Contains(a) {
			return netip.AddrFrom4(r.Prefix.Embedded(a))
		}
	}
	return ip4
}

func (n *Node) endLookup(now machine.Time, l *lookup) {
	n.resolver.lookups = slices.DeleteFunc(n.resolver.lookups, func(x *lookup) bool { return x == l })
	for _, op := range [...]machine.OpID{l.six, l.four} {
		if op != 0 {
			n.resolver.client.Forget(op)
		}
	}
	r := &Resolved{Name: l.name, Addresses: l.list}
	if len(l.list) == 0 {
		r.Err = l.err
	}
	slices.SortStableFunc(r.Addresses, func(a, b ResolvedAddress) int { return n.rank(a) - n.rank(b) })
	n.result(l.op, l.cause, r)
}

// rank orders addresses to try.
func (n *Node) rank(a ResolvedAddress) int {
	if a.IP4.IsValid() {
		return 1
	}
	src, ok := n.SourceFor(a.IP)
	if ok && (n.HasAddress(a.IP) || n.data.OnMesh(a.IP)) {
		return 0
	}
	if _, err := n.data.Route(src, a.IP); ok && err == nil {
		return 0
	}
	return 2
}

func (n *Node) lookupDeadline() machine.Time {
	at := machine.Never
	for _, l := range n.resolver.lookups {
		at = min(at, l.at)
	}
	return at
}

func (n *Node) expireLookups(now machine.Time) {
	for _, l := range slices.Clone(n.resolver.lookups) {
		if l.at <= now {
			n.endLookup(now, l)
		}
	}
}
