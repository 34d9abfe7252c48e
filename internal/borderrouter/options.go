package borderrouter

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
)

// Options say what a Gateway is made of.
type Options struct {
	Mode outside.Mode // "": user mode
	// Device is the name of the TUN interface; "": the system chooses.
	Device string
	// Infra is the interface of the infrastructure link; "": there is none.
	Infra string
	// NoMDNS: the mesh's names are not on that link, nor the link's in the mesh.
	NoMDNS bool
	// Pool is what nodes have for addresses on the IPv4 side of a TUN interface.
	Pool netip.Prefix
	// NAT64 is the prefix under which addresses stand for IPv4; no bits: one of the router's own. NoNAT64: none.
	NAT64   ip6.Prefix
	NoNAT64 bool
	// Upstream are the DNS servers to ask; none: those of ResolvConf.
	Upstream   []netip.AddrPort
	ResolvConf string // "": /etc/resolv.conf
	// Alias and Loopback are user mode's: see package usernat.
	Alias    map[netip.Addr]netip.Addr
	Loopback bool
	// UDP is how long a node's port stays open without a packet; 0: 5 minutes.
	UDP time.Duration

	// Manual leaves it to the user to form or join a network. Else the node does so at its start: with Dataset, with what its
	// settings say, or with a network of its own.
	Manual  bool
	Dataset *meshcop.Dataset
	// Name and Channel are a new network's; "" and 0: drawn.
	Name    string
	Channel uint8
}

// ParseNAT64 reads the prefix of --nat64: "well-known", "local", "off", or a prefix.
func (o *Options) ParseNAT64(s string) error {
	o.NAT64, o.NoNAT64 = ip6.Prefix{}, false
	switch s {
	case "", "well-known":
		o.NAT64 = nat64.WellKnown
	case "local":
	case "off":
		o.NoNAT64 = true
	default:
		p, err := ip6.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("invalid argument %q for --nat64: well-known, local, off and prefixes such as 64:ff9b::/96 are", s)
		}
		if err := nat64.CheckPrefix(p); err != nil {
			return fmt.Errorf("invalid argument %q for --nat64: %w", s, err)
		}
		o.NAT64 = p
	}
	return nil
}

// ParseAliases reads ADDRESS=ADDRESS for each of --alias.
func (o *Options) ParseAliases(list []string) error {
	for _, s := range list {
		seen, real, ok := strings.Cut(s, "=")
		a, err := netip.ParseAddr(seen)
		b, err2 := netip.ParseAddr(real)
		if !ok || err != nil || err2 != nil || a.Is4() != b.Is4() {
			return fmt.Errorf("invalid argument %q for --alias: two addresses of one family are, such as 198.51.100.1=127.0.0.1", s)
		}
		if o.Alias == nil {
			o.Alias = map[netip.Addr]netip.Addr{}
		}
		o.Alias[a] = b
	}
	return nil
}

// ParseServers reads the DNS servers of --dns: addresses, with a port or without.
func (o *Options) ParseServers(list []string) error {
	for _, s := range list {
		a, err := parseServer(s)
		if err != nil {
			return fmt.Errorf("invalid argument %q for --dns: an address is, with a port or without", s)
		}
		o.Upstream = append(o.Upstream, a)
	}
	return nil
}

func parseServer(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	return netip.ParseAddrPort(s)
}
