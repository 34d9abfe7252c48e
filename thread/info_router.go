package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

func okay(ok bool, otherwise status.Error) error {
	if ok {
		return nil
	}
	return otherwise
}

// Partition returns the partition's id.
func (n *Node) Partition() uint32 { return n.mle.LeaderData().PartitionID }

// PreferredPartition returns the id of the next partition that the node forms, 0 for a random one.
func (n *Node) PreferredPartition() uint32 { return n.mle.PreferredPartitionID() }

// SetPreferredPartition changes it.
func (n *Node) SetPreferredPartition(id uint32) error {
	n.mle.SetPreferredPartitionID(id)
	return nil
}

// SetRouterEligible says whether the node may become a router.
func (n *Node) SetRouterEligible(now machine.Time, on bool) error {
	return n.try(now, 0, func() error { return n.mle.SetRouterEligible(now, on) })
}

// SetParentPriority fixes the priority that the node offers itself as a parent with, -2 for none.
func (n *Node) SetParentPriority(p int8) error {
	return okay(n.mle.SetParentPriority(p), status.InvalidArgs)
}

// SetChildRouterLinks says to how many routers a child makes a link.
func (n *Node) SetChildRouterLinks(v uint8) error {
	return okay(n.mle.SetChildRouterLinks(v), status.InvalidState)
}

// SetPreferredRouterID has the node ask for a router id.
func (n *Node) SetPreferredRouterID(id uint8) error {
	return okay(n.mle.SetPreferredRouterID(id), status.InvalidState)
}

// SetRouterIDRange says which ids the leader gives.
func (n *Node) SetRouterIDRange(low, high uint8) error {
	return okay(n.table.SetIDRange(low, high), status.InvalidArgs)
}

// ReleaseRouterID takes an id back, at the leader.
func (n *Node) ReleaseRouterID(now machine.Time, id uint8) error {
	switch {
	case id > neighbor.MaxRouterID:
		return status.InvalidArgs
	case n.mle.Role() != mle.Leader:
		return status.InvalidState
	}
	return n.try(now, 0, func() error { return okay(n.mle.ReleaseRouterID(now, id), status.NotFound) })
}

// AdvertiseMax returns the longest interval between advertisements, in milliseconds.
func (n *Node) AdvertiseMax() uint32 { return n.mle.AdvertiseMax() }

// SetMaxChildren changes how many children there may be, while there are none.
func (n *Node) SetMaxChildren(v uint16) error {
	if v == 0 || int(v) > n.profile.MaxChildren {
		return status.InvalidArgs
	}
	return okay(n.table.SetMaxChildren(int(v)), status.InvalidState)
}

// SetMaxChildAddresses changes how many addresses a child may register.
func (n *Node) SetMaxChildAddresses(v uint8) error {
	return okay(n.mle.SetMaxChildAddresses(int(v)), status.InvalidArgs)
}

// Children returns the children, in the order of the table.
func (n *Node) Children(now machine.Time) (list []info.Child) {
	for c := range n.table.Children(neighbor.InValid) {
		i := info.Child{RLOC16: c.RLOC16, Ext: c.Ext, Mode: modeInfo(c.Mode), Timeout: c.Timeout, Age: c.Age(now),
			Connected: c.ConnectionTime(now), LinkQuality: c.Link.QualityIn(), AverageRSSI: c.Link.RSS(), LastRSSI: c.Link.LastRSS,
			NetData: c.DataVersion, Version: c.Version, Queued: c.Queued, Supervision: c.Supervision,
			FrameErrors: uint16(c.Link.FrameErr), MessageErrors: uint16(c.Link.PacketErr), Addresses: c.AllAddresses(nil)}
		if c.CSL != nil {
			i.CSLSynced, i.CSLPeriod, i.CSLTimeout, i.CSLChannel = c.CSL.Synchronized, c.CSL.Period, c.CSL.Timeout, c.CSL.Channel
		}
		list = append(list, i)
	}
	return list
}

func (n *Node) router(now machine.Time, r *neighbor.Router) info.Router {
	return info.Router{ID: r.RouterID(), RLOC16: r.RLOC16, Ext: r.Ext, NextHop: r.NextHop, PathCost: r.Cost,
		LinkQualityIn: r.Link.QualityIn(), LinkQualityOut: r.Link.Out, Age: uint8(r.Age(now)), Linked: r.State == neighbor.Valid,
		Version: r.Version}
}

// Routers returns the routers of the partition by id, this node too if it is one.
func (n *Node) Routers(now machine.Time) (list []info.Router) {
	for r := range n.table.Routers() {
		i := n.router(now, r)
		if r.RLOC16 == n.table.Self.RLOC16 {
			i = info.Router{ID: i.ID, RLOC16: i.RLOC16, Ext: n.mac.Ext(), NextHop: neighbor.InvalidRouterID}
		}
		list = append(list, i)
	}
	return list
}

func neighborInfo(now machine.Time, b *neighbor.Neighbor, child bool) info.Neighbor {
	return info.Neighbor{Ext: b.Ext, RLOC16: b.RLOC16, Age: b.Age(now), Connected: b.ConnectionTime(now), AverageRSSI: b.Link.RSS(),
		LastRSSI: b.Link.LastRSS, LinkQuality: b.Link.QualityIn(), LinkMargin: b.Link.Margin(), FrameErrors: uint16(b.Link.FrameErr),
		MessageErrors: uint16(b.Link.PacketErr), Version: b.Version, Mode: modeInfo(b.Mode), IsChild: child}
}

// Neighbors returns children, then routers that have a link.
func (n *Node) Neighbors(now machine.Time) (list []info.Neighbor) {
	for c := range n.table.Children(neighbor.InValid) {
		list = append(list, neighborInfo(now, &c.Neighbor, true))
	}
	for r := range n.table.Routers() {
		if r.State == neighbor.Valid {
			list = append(list, neighborInfo(now, &r.Neighbor, false))
		}
	}
	return list
}

// Uplink returns how well the node hears its parent, or as a router the neighbour that it hears best: average signal in dBm,
// link quality from 0 to 3, and the neighbour's RLOC16. Without any it reports false.
func (n *Node) Uplink() (rssi int8, quality uint8, rloc16 uint16, ok bool) {
	switch {
	case n.mle.Role() == mle.Child:
		p := n.mle.Parent()
		return p.Link.RSS(), p.Link.QualityIn(), p.RLOC16, true
	case !n.mle.Role().Attached():
		return 0, 0, 0, false
	}
	for r := range n.table.Routers() {
		if r.State == neighbor.Valid && (!ok || r.Link.RSS() > rssi) {
			rssi, quality, rloc16, ok = r.Link.RSS(), r.Link.QualityIn(), r.RLOC16, true
		}
	}
	return rssi, quality, rloc16, ok
}

// NextHop returns the neighbour on the way to an RLOC16, 0xfffe for none, and the cost of the way.
func (n *Node) NextHop(dst uint16) (next uint16, cost uint8) {
	if !n.mle.Role().Attached() {
		return neighbor.InvalidRLOC16, neighbor.MaxRouteCost
	}
	return n.table.NextHop(dst)
}

// EIDCache returns the address cache, in the order of `eidcache`.
func (n *Node) EIDCache(machine.Time) (list []info.CacheEntry) {
	n.mesh.Resolver.Entries(func(e *mesh.CacheEntry) {
		list = append(list, info.CacheEntry{Target: e.Target, RLOC16: e.RLOC16, State: info.CacheState(e.State), CanEvict: e.CanEvict || e.State == mesh.Cached,
			KnownSince: e.Notified, LastTrans: e.LastTransaction, MeshLocal: ip6.Join(n.mle.MeshLocalPrefix(), e.MeshLocal),
			Timeout: e.Timeout, RetryDelay: e.RetryDelay, RampDown: e.RampDown})
	})
	return list
}

// ContextReuseDelay returns for how many seconds the leader does not use the number of a removed context again.
func (n *Node) ContextReuseDelay() uint32 { return uint32(n.data.ReuseDelay() / time.Second) }

// SetContextReuseDelay changes it.
func (n *Node) SetContextReuseDelay(sec uint32) {
	n.data.SetReuseDelay(time.Duration(sec) * time.Second)
}
