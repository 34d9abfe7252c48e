package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// ChildInfo is what a parent keeps on disk of a child (OpenThread settings.hpp).
type ChildInfo struct {
	Ext     ieee802154.ExtAddr
	RLOC16  uint16
	Timeout uint32
	Mode    Mode
	Version uint16
}

// LeaderStart says how a leader comes to its role.
type LeaderStart uint8

// The ways to become a leader.
const (
	NewPartition    LeaderStart = iota // the network data is empty
	RestoredByReset                    // the partition is the one from before a reset: the network data is asked for
)

// SolicitStatus says why a router id is wanted, or what became of the wish: the Status TLV of address solicitation
// (OpenThread thread_tlvs.hpp).
type SolicitStatus uint8

// The statuses.
const (
	SolicitSuccess               SolicitStatus = 0
	SolicitNoAddress             SolicitStatus = 1
	SolicitTooFewRouters         SolicitStatus = 2
	SolicitHaveChildIDRequest    SolicitStatus = 3
	SolicitParentPartitionChange SolicitStatus = 4
	SolicitBorderRouter          SolicitStatus = 5
	SolicitUnrecognized          SolicitStatus = 6
)

// Discoverable is what a router tells strangers of its network, beside the steering data.
type Discoverable struct {
	ExtendedPANID   [8]byte
	Name            string
	Domain          string // "": the default one
	JoinerUDPPort   uint16
	BorderAgentPort uint16 // 0: there is no border agent, or the security policy forbids it
	Commercial      bool   // commercial commissioning is on
	JoiningAllowed  bool   // there is steering data
}

// RoutingEnv is what the router's half of MLE needs of its node beside Env.
type RoutingEnv interface {
	// The address resolver.
	ForgetAddresses(now machine.Time)              // all of them
	ForgetRouter(now machine.Time, id uint8)       // those behind a router and its children
	ForgetRLOC16(now machine.Time, rloc16 uint16)  // those of one node
	ForgetAddress(now machine.Time, a ip6.Address) // a child of ours has it now
	MoveRLOC16(now machine.Time, old, new uint16)  // a node has a new RLOC16
	// The sender to sleepy children.
	ChildModeChanged(now machine.Time, c *neighbor.Child, old Mode)
	ChildUsesShort(now machine.Time, c *neighbor.Child, short bool)
	DropForChild(now machine.Time, c *neighbor.Child)                  // all that waits for it
	DropMLEForChild(now machine.Time, c *neighbor.Child, updates bool) // MLE messages, or only Child Update Requests
	CSLLost(now machine.Time, c *neighbor.Child)                       // it is not synchronized any more
	ChildUpdateQueued(c *neighbor.Child) bool                          // a Child Update Request waits for it
	// The settings.
	StoreChild(now machine.Time, c ChildInfo)
	RemoveStoredChild(now machine.Time, rloc16 uint16)
	RestoredChildren() []ChildInfo
	// The leader's parts: network data, datasets, the anycast address. StopLeader ends what StartLeader began.
	StartLeader(now machine.Time, how LeaderStart)
	StopLeader(now machine.Time)
	ReleasedRouter(now machine.Time, id uint8) // the leader took an id back: what it registered in the network data goes
	BorderRouters() int                        // routers that registered network data for the border; the leader counts them
	// KeepsRouterRole says whether we are a border router that should stay a router.
	KeepsRouterRole() bool
	// Discoverable returns what a stranger is told of our network.
	Discoverable() Discoverable
	// SetRouterGroups subscribes the groups of all routers, or leaves them.
	SetRouterGroups(now machine.Time, on bool)
	SetBeacons(now machine.Time, on bool)
	// RoutersEnabled says whether the security policy lets nodes of our version be routers.
	RoutersEnabled() bool
	// DatasetComplete says whether the active dataset has all that a network is formed with.
	DatasetComplete() bool
	// Solicit posts a confirmable request to the leader's /a/as; the answer comes by HandleSolicitResponse. Stopping it
	// is StopSolicit: no answer comes.
	Solicit(now machine.Time, leader uint16, payload []byte)
	StopSolicit(now machine.Time)
	// Release posts a confirmable request to the leader's /a/ar. Nobody waits for the answer.
	Release(now machine.Time, leader uint16, payload []byte)
	// NeighborEvent tells of children and routers that came and went, for the shell and the history.
	NeighborEvent(now machine.Time, e neighbor.Event, n *neighbor.Neighbor)
}
