package neighbor

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// Role is what a node is in its network.
type Role uint8

// The roles of a node, in OpenThread's order.
const (
	RoleDisabled Role = iota
	RoleDetached
	RoleChild
	RoleRouter
	RoleLeader
)

// String returns the role in the shell's words.
func (r Role) String() string {
	return [...]string{"disabled", "detached", "child", "router", "leader", "invalid", "invalid", "invalid"}[r&7]
}

// Attached says whether the role is one inside of a network.
func (r Role) Attached() bool { return r >= RoleChild }

// RouterOrLeader says whether the role is one that forwards for others.
func (r Role) RouterOrLeader() bool { return r >= RoleRouter }

// Self is what the table has to know of its own node. Package mle keeps it up to date.
type Self struct {
	Role      Role
	RLOC16    uint16 // InvalidRLOC16 while there is none
	LeaderID  uint8
	Ext       ieee802154.ExtAddr
	MeshLocal ip6.Network  // changed by Table.SetMeshLocal
	Boot      machine.Time // when the node started: routers that were never heard of are as old as that
}

// IsMeshLocal says whether an address has the mesh-local prefix.
func (s *Self) IsMeshLocal(a ip6.Address) bool { return a.Network() == s.MeshLocal }

// IsRLOC says whether an address is a routing locator of our network.
func (s *Self) IsRLOC(a ip6.Address) bool { return s.IsMeshLocal(a) && a.IID().IsRoutingLocator() }

// LeaderRLOC16 returns the leader's RLOC16.
func (s *Self) LeaderRLOC16() uint16 { return RouterRLOC16(s.LeaderID) }

// RLOC16s and router ids (OpenThread's src/core/thread/mle_types.hpp).
const (
	MaxChildID      = 511
	MaxRouters      = 32
	MaxRouterID     = 62
	InvalidRouterID = 63
	InvalidRLOC16   = 0xFFFE
	MaxRouteCost    = 16 // this cost and higher: no route
)

// RouterID returns the router's part of an RLOC16.
func RouterID(rloc16 uint16) uint8 { return uint8(rloc16 >> 10) }

// ChildID returns the child's part of an RLOC16, 0 for a router's.
func ChildID(rloc16 uint16) uint16 { return rloc16 & MaxChildID }

// RouterRLOC16 returns the RLOC16 of the router with an id.
func RouterRLOC16(id uint8) uint16 { return uint16(id) << 10 }

// IsRouterRLOC16 says whether an RLOC16 is that of a router.
func IsRouterRLOC16(rloc16 uint16) bool { return ChildID(rloc16) == 0 }

// ParentRLOC16 returns the RLOC16 of the router that an RLOC16 belongs to.
func ParentRLOC16(rloc16 uint16) uint16 { return rloc16 &^ 0x3FF }

// SameRouter says whether two RLOC16s belong to the same router.
func SameRouter(a, b uint16) bool { return RouterID(a) == RouterID(b) }
