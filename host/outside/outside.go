// Package outside is what the ways out of a mesh have in common: through a TUN device (package tun) and through ordinary
// sockets (package usernat).
package outside

import (
	"net/netip"
	"time"
)

// Outside carries packets between a border router and the networks around it. What comes from there goes to the function
// that the Outside was made with, on a goroutine of its own. All methods may be called from any goroutine.
type Outside interface {
	// Send lets a whole packet of the mesh leave. It is borrowed until Send returns, which never waits: what cannot leave is
	// dropped and counted, and its sender told by ICMP where that is due.
	Send(packet []byte)
	// Status says what is under way.
	Status() Status
	// Close ends everything. Send then drops.
	Close() error
}

// Mode is a way out.
type Mode string

// The two ways out.
const (
	User Mode = "user" // ordinary sockets: no rights needed
	TUN  Mode = "tun"
)

// Status is what people want to know of an Outside.
type Status struct {
	Mode Mode
	// Device is the interface's name; "" in user mode.
	Device string
	// Echo says how echo requests leave: "ping socket", "raw socket", "device", or why they cannot.
	Echo   string
	EchoOK bool
	Flows  []Flow // at most as many as the Outside was told to list
	Total  int    // flows that there are
	Counters
}

// Counters count packets of the mesh that left, those that came for it, and those that went neither way.
type Counters struct {
	Sent, Received           uint64
	SentBytes, ReceivedBytes uint64
	Malformed                uint64 // lengths, checksums, fragments that belong to nothing
	Unsupported              uint64 // protocols and messages that cannot leave this way
	Prohibited               uint64 // to addresses that the mesh may not reach
	HopLimit                 uint64 // died here
	Full                     uint64 // no room for one more flow
	Failed                   uint64 // the system refused to send or to open a socket
	Filtered                 uint64 // came from whom the node had not sent to
	TooBig                   uint64 // came longer than a node takes
}

// Flow is what one port of a node has under way with the outside.
type Flow struct {
	Protocol string         // "udp", "tcp" or "icmp"
	Inside   netip.AddrPort // the node's; the port is an echo's identifier
	Outside  netip.AddrPort // ours, as the outside sees it
	Remote   netip.AddrPort // whom it sent to last; IPv4 where it went by NAT64
	NAT64    bool
	State    string // of TCP
	Idle     time.Duration
	Left     time.Duration // until it is forgotten
	// Packets and Bytes of IP, as the mesh sees them.
	Sent, Received           uint64
	SentBytes, ReceivedBytes uint64
}
