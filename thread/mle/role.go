package mle

import "heddle.example/thread/neighbor"

// Role is what a node is in its network.
type Role = neighbor.Role

// The roles of a node.
const (
	Disabled = neighbor.RoleDisabled
	Detached = neighbor.RoleDetached
	Child    = neighbor.RoleChild
	Router   = neighbor.RoleRouter
	Leader   = neighbor.RoleLeader
)

// Mode is the value of the Mode TLV: what sort of device a node is.
type Mode = neighbor.Mode

// InvalidRLOC16 is the RLOC16 of a node that has none.
const InvalidRLOC16 = neighbor.InvalidRLOC16

// ALOC16Leader is the anycast locator of the leader.
const ALOC16Leader = 0xfc00

// LeaderData says which partition a node is in and how new its network data is.
type LeaderData struct {
	PartitionID       uint32
	Weighting         uint8
	DataVersion       uint8
	StableDataVersion uint8
	LeaderRouterID    uint8
}

// Version returns the version of the network data, or of its stable subset.
func (d LeaderData) Version(full bool) uint8 {
	if full {
		return d.DataVersion
	}
	return d.StableDataVersion
}

// LeaderRLOC16 returns the leader's RLOC16.
func (d LeaderData) LeaderRLOC16() uint16 { return neighbor.RouterRLOC16(d.LeaderRouterID) }

// newer says whether serial number a comes after b (RFC 1982).
func newer(a, b uint8) bool { return int8(a-b) > 0 }
