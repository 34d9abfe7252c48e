// Package nat64 is a stateful NAT64: it lets IPv6 nodes of a mesh reach IPv4 (RFC 6146), translating headers and ICMP as
// RFC 7915 says, with addresses as RFC 6052 embeds them.
//
// A Translator is a plain value with no socket: packets go in by From6 and From4, and what becomes of them comes out
// through its Env. Everything that a peer can make grow has a limit, and what is dropped is counted.
package nat64
