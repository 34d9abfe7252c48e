package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// FTD reports whether the node is built as a full Thread device.
func (n *Node) FTD() bool { return !n.config.MTD }

// Role returns the node's role.
func (n *Node) Role() info.Role { return info.Role(n.mle.Role()) }

// WatchDiscovery makes an Event with an *info.DiscoveryRequest of each Discovery Request that is heard.
func (n *Node) WatchDiscovery(on bool) {
	n.mle.DiscoveryRequested = nil
	if on {
		n.mle.DiscoveryRequested = func(_ machine.Time, from ieee802154.ExtAddr, version uint8, joiner bool) {
			n.event(0, &info.DiscoveryRequest{Ext: from, Version: version, Joiner: joiner})
		}
	}
}

// BecomeDetached, BecomeChild, BecomeRouter and BecomeLeader are the `state` commands.
func (n *Node) BecomeDetached(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mle.BecomeDetached(now) })
}

// BecomeChild looks for another parent.
func (n *Node) BecomeChild(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mle.BecomeChild(now) })
}

// BecomeRouter asks the leader for a router id.
func (n *Node) BecomeRouter(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mle.BecomeRouter(now, mle.SolicitHaveChildIDRequest) })
}

// BecomeLeader forms a partition of our own, if it is to be preferred to the one that we are in.
func (n *Node) BecomeLeader(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mle.BecomeLeader(now, true) })
}

func modeInfo(m mle.Mode) info.Mode {
	return info.Mode{RxOnWhenIdle: m.RxOn(), FullThread: m.FTD(), FullNetData: m.FullNetworkData()}
}

// Mode returns the link mode.
func (n *Node) Mode() info.Mode { return modeInfo(n.mle.Mode()) }

// SetMode changes it.
func (n *Node) SetMode(now machine.Time, m info.Mode) error {
	var v mle.Mode
	if m.RxOnWhenIdle {
		v |= neighbor.ModeRxOnWhenIdle
	}
	if m.FullThread {
		v |= neighbor.ModeFTD
	}
	if m.FullNetData {
		v |= neighbor.ModeFullNetworkData
	}
	return n.try(now, 0, func() error { return n.mle.SetMode(now, v) })
}

// RLOC16 returns the short address, 0xfffe for none.
func (n *Node) RLOC16() uint16 { return n.mle.RLOC16() }

// LeaderData returns what the leader says of the partition; Detached outside of one.
func (n *Node) LeaderData() (info.LeaderData, error) {
	if !n.mle.Role().Attached() {
		return info.LeaderData{}, status.Detached
	}
	d := n.mle.LeaderData()
	return info.LeaderData{Partition: d.PartitionID, Weighting: d.Weighting, DataVersion: d.DataVersion,
		StableVersion: d.StableDataVersion, RouterID: d.LeaderRouterID}, nil
}

// Singleton reports whether there is no other router.
func (n *Node) Singleton() bool { return n.mle.Singleton() }

// Parent returns the parent of a child. A full Thread device that never had one gets an empty one, as OpenThread prints it.
func (n *Node) Parent(now machine.Time) (info.Router, error) {
	if n.config.MTD && n.mle.Role() != mle.Child {
		return info.Router{}, status.InvalidState
	}
	p := n.mle.Parent()
	r := n.router(now, &p.Router)
	if p.RLOC16 == neighbor.InvalidRLOC16 {
		r.RLOC16 = 0
	}
	r.CSLAccuracy, r.CSLUncertainty = p.CSLAccuracy, p.CSLUncertainty
	return r, nil
}

// SearchParent looks for a better parent.
func (n *Node) SearchParent(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mle.SearchForBetterParent(now) })
}

// ChildTimeout returns after how many seconds a parent forgets this node.
func (n *Node) ChildTimeout() uint32 { return n.mle.Timeout() }

// SetChildTimeout changes it.
func (n *Node) SetChildTimeout(now machine.Time, sec uint32) error {
	return n.try(now, 0, func() error { n.mle.SetTimeout(now, sec); return nil })
}

// Supervision returns how often a parent is asked to send something, and after which silence a child attaches anew, in
// seconds.
func (n *Node) Supervision() (interval, check uint16) {
	return n.mle.SupervisionInterval(), n.mle.SupervisionTimeout()
}

// SetSupervisionInterval changes the first.
func (n *Node) SetSupervisionInterval(now machine.Time, sec uint16) error {
	return n.try(now, 0, func() error { n.mle.SetSupervisionInterval(now, sec); return nil })
}

// SetSupervisionCheck changes the second.
func (n *Node) SetSupervisionCheck(now machine.Time, sec uint16) error {
	return n.try(now, 0, func() error { n.mle.SetSupervisionTimeout(now, sec); return nil })
}

// SupervisionFailures counts the silences.
func (n *Node) SupervisionFailures() uint16 { return n.mle.SupervisionFailures() }

// ResetSupervisionFailures starts at 0.
func (n *Node) ResetSupervisionFailures() { n.mle.ResetSupervisionFailures() }

// KeySequence returns the current key sequence.
func (n *Node) KeySequence() uint32 { return n.keys.Sequence() }

// SetKeySequence switches to another.
func (n *Node) SetKeySequence(now machine.Time, seq uint32) error {
	return n.try(now, 0, func() error { n.keys.SetSequence(now, seq, keys.Forced); return nil })
}

// KeyGuardTime returns for how many hours no other switch is followed.
func (n *Node) KeyGuardTime() uint16 { return n.keys.GuardHours() }

// SetKeyGuardTime changes it.
func (n *Node) SetKeyGuardTime(hours uint16) error {
	n.keys.SetGuardHours(hours)
	return nil
}

// MLECounters returns what MLE has counted.
func (n *Node) MLECounters(now machine.Time) (c info.MLECounters) {
	m := n.mle.Counters(now)
	c.AttachAttempts, c.PartitionChanges = m.AttachAttempts, m.PartitionIDChanges
	c.BetterPartitionAttempts, c.BetterParentAttempts = m.BetterPartitionAttachAttempts, m.BetterParentAttachAttempts
	c.ParentChanges = m.ParentChanges
	copy(c.Roles[:], m.Roles[:])
	for i, d := range m.RoleTime {
		c.Times[i] = uint64(d / time.Millisecond)
	}
	c.Tracked = uint64(m.TrackedTime / time.Millisecond)
	return c
}

// ResetMLECounters starts at 0.
func (n *Node) ResetMLECounters(now machine.Time) { n.mle.ResetCounters(now) }

// AttachTime returns for how many seconds the node has been attached.
func (n *Node) AttachTime(now machine.Time) uint32 { return n.mle.AttachDuration(now) }

// NetworkKey returns the network's key.
func (n *Node) NetworkKey() [16]byte { return n.cop.Params().NetworkKey }

// SetNetworkKey changes it.
func (n *Node) SetNetworkKey(now machine.Time, k [16]byte) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasNetworkKey, NetworkKey: k})
}

// NetworkName returns the network's name.
func (n *Node) NetworkName() string { return n.cop.Params().NetworkName }

// SetNetworkName changes it.
func (n *Node) SetNetworkName(now machine.Time, name string) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasNetworkName, NetworkName: name})
}

// ExtPANID returns the network's extended id.
func (n *Node) ExtPANID() [8]byte { return n.cop.Params().ExtPANID }

// SetExtPANID changes it.
func (n *Node) SetExtPANID(now machine.Time, id [8]byte) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasExtPANID, ExtPANID: id})
}

// PSKc returns the commissioners' key.
func (n *Node) PSKc() [16]byte { return n.cop.Params().PSKc }

// SetPSKc changes it.
func (n *Node) SetPSKc(now machine.Time, k [16]byte) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasPSKc, PSKc: k})
}

// MeshLocal returns the mesh-local prefix.
func (n *Node) MeshLocal() ip6.Network { return n.mle.MeshLocalPrefix() }

// SetMeshLocal changes it.
func (n *Node) SetMeshLocal(now machine.Time, p ip6.Network) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasMeshLocalPrefix, MeshLocalPrefix: p})
}

// SetMeshLocalIID changes the second half of the mesh-local EID, while Thread is off.
func (n *Node) SetMeshLocalIID(now machine.Time, iid [8]byte) error {
	return n.try(now, 0, func() error { return n.mle.SetMeshLocalIID(now, iid) })
}

// LinkLocal returns the link-local address.
func (n *Node) LinkLocal() ip6.Address { return n.mle.LinkLocal() }

// MeshLocalEID returns the mesh-local address that stays the same.
func (n *Node) MeshLocalEID() ip6.Address { return n.mle.MeshLocalEID() }

// RLOC returns the routing locator. One that was never attached has locator 0, as in OpenThread.
func (n *Node) RLOC() ip6.Address {
	if a, ok := n.mle.RLOC(); ok {
		return a
	}
	return ip6.RLOC(n.mle.MeshLocalPrefix(), n.shell.lastRLOC16)
}
