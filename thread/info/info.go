// Package info is what a Thread node tells about itself: plain values that its command line, diagnostics and the live
// view read. It knows no machine, so every room can answer with them.
package info

import "heddle.example/thread/ip6"

// Role is a node's part in its network.
type Role uint8

// The roles, in OpenThread's order.
const (
	Disabled Role = iota
	Detached
	ChildRole
	RouterRole
	LeaderRole
)

// String returns the role as `state` prints it.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "invalid"
}

var roleNames = [...]string{"disabled", "detached", "child", "router", "leader"}

// Mode is a node's link mode.
type Mode struct {
	RxOnWhenIdle bool // r
	FullThread   bool // d
	FullNetData  bool // n
}

// String prints the mode as `mode` does.
func (m Mode) String() string {
	s := ""
	if m.RxOnWhenIdle {
		s += "r"
	}
	if m.FullThread {
		s += "d"
	}
	if m.FullNetData {
		s += "n"
	}
	if s == "" {
		return "-"
	}
	return s
}

// Child is one child of a router.
type Child struct {
	RLOC16        uint16
	Ext           [8]byte
	Mode          Mode
	Timeout       uint32 // seconds
	Age           uint32 // seconds since it was heard
	Connected     uint32 // seconds since it attached
	LinkQuality   uint8  // of what is heard
	AverageRSSI   int8   // dBm; 127 when unknown
	LastRSSI      int8
	NetData       uint8 // the version of the network data that it has
	Version       uint16
	CSLSynced     bool
	CSLPeriod     uint16 // in units of ten symbols
	CSLTimeout    uint32 // seconds
	CSLChannel    uint8
	Queued        uint16 // messages that wait for it
	Supervision   uint16 // seconds
	FrameErrors   uint16 // 0xffff is all
	MessageErrors uint16
	Addresses     []ip6.Address // without its mesh-local one's repetition, in the order of registration
}

// ID returns the child id.
func (c *Child) ID() uint16 { return c.RLOC16 & 0x1ff }

// Router is one router of the partition, as this node knows it.
type Router struct {
	ID             uint8
	RLOC16         uint16
	Ext            [8]byte
	NextHop        uint8 // router id; 63 when there is none
	PathCost       uint8
	LinkQualityIn  uint8
	LinkQualityOut uint8
	Age            uint8 // seconds, at most 255
	Linked         bool
	Version        uint16
	CSLAccuracy    uint8 // ppm
	CSLUncertainty uint8 // units of 10 us
}

// Neighbor is a child or a linked router.
type Neighbor struct {
	Ext           [8]byte
	RLOC16        uint16
	Age           uint32 // seconds
	Connected     uint32 // seconds
	AverageRSSI   int8
	LastRSSI      int8
	LinkQuality   uint8
	LinkMargin    uint8
	FrameErrors   uint16 // 0xffff is all
	MessageErrors uint16
	Version       uint16
	Mode          Mode
	IsChild       bool
}

// LeaderData is what the leader distributes about the partition.
type LeaderData struct {
	Partition     uint32
	Weighting     uint8
	DataVersion   uint8
	StableVersion uint8
	RouterID      uint8
}

// CacheState is the state of an entry of the address cache.
type CacheState uint8

// The states of an entry.
const (
	Cached CacheState = iota
	Snooped
	Query
	RetryQuery
)

// CacheEntry is one entry of the address cache.
type CacheEntry struct {
	Target     ip6.Address
	RLOC16     uint16
	State      CacheState
	CanEvict   bool
	KnownSince bool // LastTransaction and MeshLocal are known; Cached only
	LastTrans  uint32
	MeshLocal  ip6.Address
	Timeout    uint16 // seconds; not of Cached
	RetryDelay uint16 // seconds; RetryQuery only
	RampDown   bool
}
