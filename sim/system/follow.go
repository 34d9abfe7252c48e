package system

import (
	"heddle.example/machine"
	"heddle.example/sim/mesh"
)

// Follower follows operations through the system: see package internal/follow. What it is given it borrows.
type Follower interface {
	// Enters is told of each packet from outside, and returns the cause that it is to have in the mesh; 0: any.
	Enters(now machine.Time, node int, packet []byte) machine.Cause
	// Leaves is told of each packet for the outside.
	Leaves(now machine.Time, cause machine.Cause, node int, packet []byte)
	// Hop is told of each transmission that has a cause.
	Hop(h *mesh.Hop)
	// Device is told of each CoAP message of a device, opened, and may give what goes out another cause; 0: it keeps its own.
	Device(now machine.Time, cause machine.Cause, node int, out bool, b []byte) machine.Cause
}

// Follow has a Follower see what passes. It is set before devices and routers boot.
func (s *System) Follow(f Follower) {
	s.follower = f
	s.Net.Follow(f.Hop)
}

// enters returns the cause of a packet from outside.
func (s *System) enters(now machine.Time, node int, packet []byte) machine.Cause {
	if s.follower != nil {
		if c := s.follower.Enters(now, node, packet); c != 0 {
			return c
		}
	}
	return s.Net.World.Cause()
}
