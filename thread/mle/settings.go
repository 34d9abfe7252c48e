package mle

import "heddle.example/thread/ieee802154"

// NetworkInfo is what a node keeps on disk so that it is the same node after a reset (OpenThread settings.hpp). Key
// sequence and frame counters are kept by package keys.
type NetworkInfo struct {
	Role                Role
	Mode                Mode
	RLOC16              uint16
	PreviousPartitionID uint32
	Ext                 ieee802154.ExtAddr
	MeshLocalIID        [8]byte
	Version             uint16
}

// ParentInfo is what a child keeps of its parent.
type ParentInfo struct {
	Ext     ieee802154.ExtAddr
	Version uint16
}
