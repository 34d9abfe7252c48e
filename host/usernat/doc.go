// Package usernat lets the nodes of a mesh reach the networks around it through ordinary sockets of this program, without
// any right to a network device: UDP, TCP and echo requests, to IPv6 addresses and, by NAT64, to IPv4 addresses.
//
// It takes whole IPv6 packets. A destination under the NAT64 prefix is an IPv4 address, for which an IPv4 socket is opened;
// all others get IPv6 sockets. What comes back is made IPv6 packets again. IPv4 packets of a border router that translates
// by itself are taken as they are, and answered with IPv4 packets. Behaviour towards the outside is RFC 4787's, as
// that of border/nat64: a node's port keeps one port outside, whoever it speaks to.
package usernat
