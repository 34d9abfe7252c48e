// Package ip6 is the wire format of IPv6 as Thread uses it: addresses and locators, the header, extension headers and
// their options, fragments, UDP, ICMPv6, and checksums. It knows no machine. Decoders borrow and never panic, encoders
// append.
package ip6

import "errors"

// Errors of the decoders.
var (
	ErrTruncated = errors.New("ip6: the datagram ends too early")
	ErrMalformed = errors.New("ip6: the datagram is malformed")
	ErrAddress   = errors.New("ip6: not an IPv6 address or prefix")
)

// MTU is the least MTU of an IPv6 link, and the largest datagram that a Thread link carries (RFC 8200 section 5).
const MTU = 1280

// DefaultHopLimit is the hop limit of what a node sends when nothing else is asked for.
const DefaultHopLimit = 64

// Protocol is the number of an upper-layer protocol or extension header.
type Protocol uint8

// Protocols that a Thread node knows.
const (
	HopByHop Protocol = 0
	TCP      Protocol = 6
	UDP      Protocol = 17
	IP6      Protocol = 41 // a datagram in a datagram (RFC 2473)
	Routing  Protocol = 43
	Fragment Protocol = 44
	ICMP6    Protocol = 58
	None     Protocol = 59
	DstOpts  Protocol = 60
)

// ECN is the congestion bits of the traffic class (RFC 3168).
type ECN uint8

// The values of ECN.
const (
	NotECT ECN = 0
	ECT1   ECN = 1
	ECT0   ECN = 2
	CE     ECN = 3
)

// DSCP values (OpenThread's ip6_types.hpp): the class selectors that stand for priorities, and the codepoints that the
// Thread management protocol uses for its own.
const (
	DSCPClass0    = 0
	DSCPClass1    = 8
	DSCPClass4    = 32
	DSCPTMFNet    = 0x07
	DSCPTMFNormal = 0x0f
	DSCPTMFLow    = 0x17
)

func get16(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }

func put16(b []byte, v uint16) { b[0], b[1] = byte(v>>8), byte(v) }

func append16(dst []byte, v uint16) []byte { return append(dst, byte(v>>8), byte(v)) }

func get32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func append32(dst []byte, v uint32) []byte {
	return append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}
