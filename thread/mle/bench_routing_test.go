package mle

import (
	"fmt"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// benchRouting is what the router's half needs of its node.
type benchRouting struct {
	forbidden    bool // by the security policy
	incomplete   bool // the dataset
	borders      int
	keep         bool
	leading      []LeaderStart
	leader       bool
	groups       bool
	beacons      bool
	children     []ChildInfo // on disk
	solicit      int         // number of the request under way
	solicits     int
	released     []uint8
	forgotten    []uint8
	moved        [][2]uint16
	events       []string
	lostSolicits bool // nobody answers
}

func (n *benchNode) ForgetAddresses(now machine.Time) {}
func (n *benchNode) ForgetRouter(now machine.Time, id uint8) {
	n.routing.forgotten = append(n.routing.forgotten, id)
}
func (n *benchNode) ForgetRLOC16(now machine.Time, rloc16 uint16)  {}
func (n *benchNode) ForgetAddress(now machine.Time, a ip6.Address) {}
func (n *benchNode) MoveRLOC16(now machine.Time, old, new uint16) {
	n.routing.moved = append(n.routing.moved, [2]uint16{old, new})
}
func (n *benchNode) ChildModeChanged(now machine.Time, c *neighbor.Child, old Mode) {}
func (n *benchNode) ChildUsesShort(now machine.Time, c *neighbor.Child, short bool) {
	c.UseShort = short
}
func (n *benchNode) DropForChild(now machine.Time, c *neighbor.Child)                  {}
func (n *benchNode) DropMLEForChild(now machine.Time, c *neighbor.Child, updates bool) {}
func (n *benchNode) CSLLost(now machine.Time, c *neighbor.Child)                       {}
func (n *benchNode) ChildUpdateQueued(c *neighbor.Child) bool                          { return false }
func (n *benchNode) StoreChild(now machine.Time, c ChildInfo) {
	n.RemoveStoredChild(now, c.RLOC16)
	n.routing.children = append(n.routing.children, c)
}
func (n *benchNode) RemoveStoredChild(now machine.Time, rloc16 uint16) {
	keep := n.routing.children[:0]
	for _, c := range n.routing.children {
		if c.RLOC16 != rloc16 {
			keep = append(keep, c)
		}
	}
	n.routing.children = keep
}
func (n *benchNode) RestoredChildren() []ChildInfo {
	return append([]ChildInfo(nil), n.routing.children...)
}
func (n *benchNode) StartLeader(now machine.Time, how LeaderStart) {
	n.routing.leading, n.routing.leader = append(n.routing.leading, how), true
	if how == NewPartition {
		n.version, n.stable, n.data = 0, 0, nil
		n.events |= NetworkDataChanged
	}
}
func (n *benchNode) StopLeader(now machine.Time) { n.routing.leader = false }
func (n *benchNode) ReleasedRouter(now machine.Time, id uint8) {
	n.routing.released = append(n.routing.released, id)
}
func (n *benchNode) BorderRouters() int    { return n.routing.borders }
func (n *benchNode) KeepsRouterRole() bool { return n.routing.keep }
func (n *benchNode) Discoverable() Discoverable {
	return Discoverable{Name: "heddle", JoinerUDPPort: 1000}
}
func (n *benchNode) SetRouterGroups(now machine.Time, on bool) { n.routing.groups = on }
func (n *benchNode) SetBeacons(now machine.Time, on bool)      { n.routing.beacons = on }
func (n *benchNode) RoutersEnabled() bool                      { return !n.routing.forbidden }
func (n *benchNode) DatasetComplete() bool                     { return !n.routing.incomplete }
func (n *benchNode) NeighborEvent(now machine.Time, e neighbor.Event, x *neighbor.Neighbor) {
	n.routing.events = append(n.routing.events, fmt.Sprintf("%d %s", e, x.Ext))
}

// route finds the node with an RLOC16 if there is a path to it, hop by hop.
func (n *benchNode) route(rloc16 uint16) *benchNode {
	at := n
	for range 16 {
		hop, _ := at.table.NextHop(rloc16)
		if hop == at.rloc16 || hop == InvalidRLOC16 {
			return nil
		}
		var next *benchNode
		for _, o := range n.b.nodes {
			if !o.dead && o.rloc16 == hop && o.role.Attached() && o.leaderData.PartitionID == at.leaderData.PartitionID &&
				!n.b.deaf[[2]int{at.id, o.id}] {
				next = o
			}
		}
		if next == nil || next.rloc16 == rloc16 {
			return next
		}
		at = next
	}
	return nil
}

// Solicit asks the leader over the mesh: 10 ms there and back.
func (n *benchNode) Solicit(now machine.Time, leader uint16, payload []byte) {
	n.routing.solicits++
	n.routing.solicit = n.routing.solicits
	id, src := n.routing.solicit, ip6.RLOC(n.meshLocal, n.rloc16)
	n.b.fly(flight{at: now.Add(10 * time.Millisecond), call: func(now machine.Time) {
		l := n.route(leader)
		var answer []byte
		ok := false
		if l != nil && !n.routing.lostSolicits {
			answer, ok = l.HandleSolicit(now, src, payload)
			l.settle()
		}
		if n.routing.solicit == id {
			n.routing.solicit = 0
			n.HandleSolicitResponse(now, ok, answer)
			n.settle()
		}
	}})
}
func (n *benchNode) StopSolicit(now machine.Time) { n.routing.solicit = 0 }
func (n *benchNode) Release(now machine.Time, leader uint16, payload []byte) {
	l := n.route(leader)
	n.b.fly(flight{at: now.Add(5 * time.Millisecond), call: func(now machine.Time) {
		if l != nil {
			l.HandleRelease(now, payload)
			l.settle()
		}
	}})
}
