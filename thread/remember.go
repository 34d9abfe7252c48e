package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/history"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/neighbor"
)

// History returns what the node remembers, or nil where it was not told to (Config.History).
func (n *Node) History() *history.History { return n.history }

var priorityWords = [...]string{"low", "norm", "high", "net"}

// rememberSent is told by the mesh layer of each datagram that it sent.
func (n *Node) rememberSent(now machine.Time, b []byte, dst ieee802154.Address, secured bool, p mesh.Priority, ok bool) {
	n.history.Message(now, b, history.Message{Neighbor: n.neighborRLOC16(dst), Secured: secured, OK: ok, RSS: neighbor.NoRSSI,
		Priority: priorityWords[p&3]}, true)
}

func (n *Node) rememberReceived(now machine.Time, b []byte, l *mesh.LinkInfo) {
	if n.history != nil {
		n.history.Message(now, b, history.Message{Neighbor: n.neighborRLOC16(l.Src), Secured: l.Secured, OK: true, RSS: l.RSSI,
			Priority: priorityWords[l.Priority&3]}, false)
	}
}

func (n *Node) neighborRLOC16(a ieee802154.Address) uint16 {
	if a.Kind == ieee802154.Short {
		return a.Short
	}
	if nb := n.table.Find(a, neighbor.InAny); nb != nil {
		return nb.RLOC16
	}
	return neighbor.InvalidRLOC16
}

func (n *Node) rememberAddress(a *Address, removed bool) {
	if n.history != nil {
		n.history.Unicast.Add(n.now, history.Unicast{Addr: a.Addr, Bits: a.PrefixLength, Origin: a.Origin.String(), Scope: uint8(a.Scope()) & 15,
			Preferred: a.Preferred, Valid: a.Valid, RLOC: a.RLOC, Removed: removed})
	}
}

func (n *Node) rememberGroup(a ip6.Address, removed bool) {
	if n.history == nil {
		return
	}
	o := OriginThread
	for _, j := range n.joined {
		if j == a {
			o = OriginManual
		}
	}
	n.history.Multicast.Add(n.now, history.Multicast{Addr: a, Origin: o.String(), Removed: removed})
}

func (n *Node) rememberNeighbor(now machine.Time, e neighbor.Event, nb *neighbor.Neighbor) {
	if n.history == nil {
		return
	}
	h := history.Neighbor{Ext: nb.Ext, RLOC16: nb.RLOC16, Mode: nb.Mode, RSS: nb.Link.RSS()}
	switch e {
	case neighbor.ChildAdded, neighbor.ChildRemoved, neighbor.ChildModeChanged:
		h.Child = true
	}
	switch e {
	case neighbor.ChildRemoved, neighbor.RouterRemoved:
		h.Event = history.Removed
	case neighbor.ChildModeChanged:
		h.Event = history.Changed
	case neighbor.ChildAdded:
		if nb.State.Restoring() {
			h.Event = history.Restoring
		}
	}
	n.history.Neighbors.Add(now, h)
}

// remember takes in what has changed during an input.
func (n *Node) remember(now machine.Time, f Flags) {
	if n.history == nil {
		return
	}
	if f&(RoleChanged|RLOCAdded|RLOCRemoved|PartitionChanged) != 0 {
		n.history.NetInfo.Add(now, history.NetInfo{Role: n.mle.Role(), Mode: n.mle.Mode(), RLOC16: n.mle.RLOC16(),
			Partition: n.mle.LeaderData().PartitionID})
	}
	if f&NetDataChanged != 0 {
		n.history.NetworkDataChanged(now, n.data.Data(), n.meshLocal())
	}
}

// rememberRouters looks at the router table after an input.
func (n *Node) rememberRouters(now machine.Time) {
	if n.history == nil || n.config.MTD {
		return
	}
	n.history.RoutersChanged(now, n.table.IsAllocated, func(id uint8) (next, cost uint8) {
		hop, c := n.table.NextHop(neighbor.RouterRLOC16(id))
		if c >= neighbor.MaxRouteCost {
			c = 0
		}
		if hop == neighbor.InvalidRLOC16 {
			return history.NoNextHop, c
		}
		return neighbor.RouterID(hop), c
	})
}
