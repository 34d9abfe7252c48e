// Package history remembers what has happened to a Thread node: its roles and addresses, the messages that it sent and
// received, neighbours, routers, and entries of the network data that came and went. Lists are bounded; the newest entry
// comes first (OpenThread utils/history_tracker.cpp).
package history

import (
	"iter"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
)

// MaxAge is how old an entry can be; older ones are "more than 49 days" old.
const MaxAge = 49 * 24 * time.Hour

// List is the last entries of one kind, at most as many as it was made for. It grows on demand.
type List[T any] struct {
	max     int
	entries []Entry[T]
	next    int // where the oldest entry is, once it is full
}

// Entry is what happened, and when.
type Entry[T any] struct {
	At    machine.Time
	Value T
}

// Add remembers one more and forgets the oldest, if there are too many.
func (l *List[T]) Add(now machine.Time, v T) {
	e := Entry[T]{now, v}
	if len(l.entries) < l.max {
		l.entries = append(l.entries, e)
		return
	}
	l.entries[l.next] = e
	l.next = (l.next + 1) % l.max
}

// Len returns how many there are.
func (l *List[T]) Len() int { return len(l.entries) }

// At returns the i-th newest.
func (l *List[T]) At(i int) *Entry[T] {
	n := len(l.entries)
	return &l.entries[(l.next+2*n-1-i)%n]
}

// All yields the entries, the newest first.
func (l *List[T]) All() iter.Seq[*Entry[T]] {
	return func(yield func(*Entry[T]) bool) {
		for i := range l.entries {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

// NetInfo is the node's place in the network after it changed.
type NetInfo struct {
	Role      neighbor.Role
	Mode      neighbor.Mode
	RLOC16    uint16
	Partition uint32
}

// Unicast is an address that was added, or removed.
type Unicast struct {
	Addr                            ip6.Address
	Bits                            uint8
	Origin                          string
	Scope                           uint8
	Preferred, Valid, RLOC, Removed bool
}

// Multicast is a group that was joined, or left.
type Multicast struct {
	Addr    ip6.Address
	Origin  string
	Removed bool
}

// Message is a datagram that was sent or received over the air.
type Message struct {
	Src, Dst         ip6.Address
	SrcPort, DstPort uint16
	Len, Checksum    uint16
	Proto, ICMPType  uint8
	Neighbor         uint16 // its locator; 0xffff: all, 0xfffe: not known
	RSS              int8   // of one that was received
	Secured, OK      bool
	Priority         string
}

// NeighborEvent is what happened to a neighbour.
type NeighborEvent uint8

// The events.
const (
	Added NeighborEvent = iota
	Removed
	Changed
	Restoring
)

// Neighbor is a neighbour that came, went or changed.
type Neighbor struct {
	Event  NeighborEvent
	Ext    [8]byte
	RLOC16 uint16
	Mode   neighbor.Mode
	RSS    int8
	Child  bool
}

// RouterEvent is what happened to the way to a router.
type RouterEvent uint8

// The events.
const (
	RouterAdded RouterEvent = iota
	RouterRemoved
	NextHopChanged
	CostChanged
)

// NoNextHop is the next hop where there is no way.
const NoNextHop = 63

// Router is a router id that was given out or taken back, or the way to which changed. A cost of 0 is no way.
type Router struct {
	Event         RouterEvent
	ID, NextHop   uint8
	OldCost, Cost uint8
}

// Prefix is an on-mesh prefix of the network data; Route an external route; Server a DNS/SRP server.
type (
	Prefix struct {
		netdata.OnMeshPrefix
		Removed bool
	}
	Route struct {
		netdata.ExternalRoute
		Removed bool
	}
	Server struct {
		Addr     ip6.Address
		Type     ServerType
		Port     uint16
		Sequence uint8
		Version  uint8
		RLOC16   uint16
		Removed  bool
	}
)

// ServerType says how a DNS/SRP server is published.
type ServerType uint8

// The types.
const (
	UnicastLocal ServerType = iota
	UnicastInfra
	Anycast
)

// History is all lists of a node.
type History struct {
	NetInfo    List[NetInfo]
	Unicast    List[Unicast]
	Multicast  List[Multicast]
	Rx, Tx     List[Message]
	Neighbors  List[Neighbor]
	Routers    List[Router]
	Prefixes   List[Prefix]
	Routes     List[Route]
	Servers    List[Server]
	data       netdata.Data
	routerSeen [63]routerState
}

type routerState struct {
	allocated bool
	next      uint8
	cost      uint8
}

// New returns empty lists of OpenThread's sizes (config/history_tracker.h).
func New() *History {
	return &History{NetInfo: List[NetInfo]{max: 32}, Unicast: List[Unicast]{max: 20}, Multicast: List[Multicast]{max: 20},
		Rx: List[Message]{max: 32}, Tx: List[Message]{max: 32}, Neighbors: List[Neighbor]{max: 64}, Routers: List[Router]{max: 256},
		Prefixes: List[Prefix]{max: 32}, Routes: List[Route]{max: 32}, Servers: List[Server]{max: 32}}
}
