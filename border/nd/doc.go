// Package nd reads and writes the ICMPv6 messages of neighbour discovery that a border router exchanges with the routers of
// its infrastructure link (RFC 4861, 4191, 8106; the SNAC flag of draft-ietf-6man-snac-router-ra-flag).
//
// A message is the ICMPv6 message alone, without an IPv6 header; its checksum is left 0 and not looked at, as who carries
// it knows the addresses. Decoders borrow and never panic, encoders append.
package nd
