package border

import (
	"net/netip"

	"heddle.example/border/dns64"
	"heddle.example/border/nat64"
	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/radio"
)

// Device is a machine with a radio: a thread.Node, or a larger machine that has one in it.
type Device interface {
	machine.Durable
	RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame)
	RadioSent(now machine.Time, cause machine.Cause, s radio.Sent)
	RadioEnergy(now machine.Time, cause machine.Cause, rssi int8)
}

// Config says what a Router is made of. Node and Rand must be set.
type Config struct {
	Node *thread.Node
	// Device is the machine that Node is a part of. It is driven and drained instead of Node. Nil: Node is all.
	Device Device
	Rand   machine.Rand
	Infra  Infra
	NAT64  NAT64
	// Translate: packets to the NAT64 prefix leave as IPv4, and IPv4 packets come back. Else they leave as they are, IPv6, for
	// a driver that has an IPv4 socket for each flow.
	Translate bool
	// Flows, where set and without Translate, are what the driver's sockets have under way with IPv4, for `nat64 mappings`. It is
	// called in inputs.
	Flows func(now machine.Time) []nat64.Mapping
	// Uplink: the driver leads to the outside by itself, so that a default route is offered to the mesh without a router of
	// the infrastructure link having been heard of.
	Uplink bool
	// Upstream are the DNS servers that names are asked of; none: the infrastructure's routers say which.
	Upstream []netip.AddrPort
	DNS      dns64.Config // limits; its Prefix, Servers and Rand are not looked at
	// Services has the node serve names and services (DNS and SRP) once the mesh has its prefix, and says so in the network
	// data, as after `srp server auto enable`.
	Services bool
	// DefaultDNS answers queries to OpenThread's default server (2001:4860:4860::8888), so that nodes that know no other one
	// resolve names where the outside has no IPv6.
	DefaultDNS bool
}

// Infra is the infrastructure link: the network that other routers and hosts are on, with which neighbour discovery is
// spoken.
type Infra struct {
	// None: there is no such link. The Router starts by itself, and neither solicits nor advertises.
	None    bool
	Address ip6.Address // our link-local address there
	Link    []byte      // and what is below it: 6 bytes of Ethernet, or none
	// Index is the interface's number. With Up the Router has no need of `br init`; with Enable, of `br enable` either. SetLink
	// of Routing says when the link goes up or down.
	Index  uint32
	Up     bool
	Enable bool
	// Solicited has the Router answer Neighbor Solicitations for Address, which an operating system does by itself.
	Solicited bool
	// MDNS: the driver carries multicast DNS there, so that the border agent and the mesh's services are found on the link, and
	// the link's from the mesh.
	MDNS bool
}

// NAT64 is the way to the IPv4 world.
type NAT64 struct {
	// Enable has a NAT64 prefix offered to the mesh from the start, as `nat64 enable` does.
	Enable bool
	// Prefix is offered where nobody offers a better one; no bits: one made of the router's own ULA. nat64.WellKnown is the
	// one that everybody knows.
	Prefix ip6.Prefix
	// Pool are the router's addresses on the IPv4 side, with Translate.
	Pool []netip.Prefix
	// Limits and times; its Prefix, Pool, Rand and Address6 are not looked at.
	Limits nat64.Config
}

// Outside is the value of a Send: a packet that leaves the mesh, IPv6 or, translated, IPv4. Like all that an action points
// to, it is valid until the next input.
type Outside struct{ Packet []byte }

// InfraMessage is the value of a Send: an ICMPv6 message of neighbour discovery for the infrastructure link.
type InfraMessage = nd.Packet

// MDNSMessage is the value of a Send: a message of multicast DNS for the infrastructure link, to both groups or, where To is
// valid, to one host. What comes to the groups is taken in by MDNSReceived.
type MDNSMessage struct {
	Link    uint32
	To      netip.AddrPort
	Message []byte
}

// Query is the value of a Send: a DNS query for a server upstream, by UDP. What the server says comes back by
// UpstreamReceived.
type Query struct {
	Server  netip.AddrPort
	Message []byte
}

// Changed is the value of an Event: what Status says may have changed.
type Changed struct{}

// SeveralAILs is the value of an Event: the mesh has border routers on several infrastructure links, or no more.
type SeveralAILs struct{ Detected bool }
