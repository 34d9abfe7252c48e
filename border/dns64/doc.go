// Package dns64 is a DNS forwarder that lets IPv6 nodes find IPv4 hosts: where a name has no IPv6 address it makes one of
// its IPv4 address under the NAT64 prefix (RFC 6147).
//
// A Forwarder is a plain value with no socket. Queries of clients go in by Ask, answers of servers by Reply; its Env sends
// both. Everything that a peer can make grow has a limit.
package dns64
