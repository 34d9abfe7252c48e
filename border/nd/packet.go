package nd

import "heddle.example/thread/ip6"

// Packet is a message of neighbour discovery with the addresses of its IPv6 header, on its way over a link. Its hop limit is
// 255 (RFC 4861 section 6.1).
type Packet struct {
	Link     uint32 // number of the interface
	Src, Dst ip6.Address
	ICMPv6   []byte // without the IPv6 header; its checksum is 0, and who carries it makes one
}
