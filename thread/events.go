package thread

import (
	"time"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// Flags say what of a node has changed: the bits of OpenThread's otChangedFlags.
type Flags uint32

// The flags.
const (
	AddressAdded Flags = 1 << iota
	AddressRemoved
	RoleChanged
	LinkLocalChanged
	MeshLocalChanged
	RLOCAdded
	RLOCRemoved
	PartitionChanged
	KeySequenceChanged
	NetDataChanged
	ChildAdded
	ChildRemoved
	MulticastSubscribed
	MulticastUnsubscribed
	ChannelChanged
	PANIDChanged
	NetworkNameChanged
	ExtPANIDChanged
	NetworkKeyChanged
	PSKcChanged
	SecurityPolicyChanged
	ChannelManagerChanged
	ChannelMaskChanged
	CommissionerChanged
	InterfaceChanged
	BackboneStateChanged
	BackboneLocalChanged
	JoinerChanged
	ActiveDatasetChanged
	PendingDatasetChanged
	NAT64Changed
	ParentLinkChanged
)

// Changed is the value of an Event: what has changed during one input.
type Changed struct{ Flags Flags }

// PingReply is the value of an Event with the operation of a Ping.
type PingReply struct {
	From     ip6.Address
	Size     int // of the data, without the ICMPv6 header
	Sequence uint16
	HopLimit uint8
	RTT      time.Duration // in whole milliseconds, as OpenThread counts it
	Exact    time.Duration // ... not rounded
}

// PingStatistics is the value of the Result of a Ping.
type PingStatistics struct {
	Sent, Received int
	Total          time.Duration // of the round trips
	Min, Max       time.Duration
	Multicast      bool
	Aborted        bool // by PingStop
}

// Datagram is the value of an Event: UDP for a socket that was opened with OpenUDP. Payload is borrowed until the drain
// is over.
type Datagram struct {
	Socket    SocketID
	Local     ip6.Address
	Peer      ip6.Address
	LocalPort uint16
	PeerPort  uint16
	HopLimit  uint8
	Payload   []byte
	Multicast bool // it came to a multicast address
}

// ResetRequest is the value of an Ask: the node is to be made anew from its settings, or without them.
type ResetRequest struct{ Factory bool }

// NeighborEvent is the value of an Event: a child or a router came, went, or changed.
type NeighborEvent struct {
	Event  neighbor.Event
	Ext    ieee802154.ExtAddr
	RLOC16 uint16
}
