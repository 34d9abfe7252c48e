package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// benchRouting is what the router's half needs of its node.
type benchRouting struct {
	children []ChildInfo
	forgot   int
	leading  bool
}

func (n *benchNode) ForgetAddresses(machine.Time)                         { n.routing.forgot++ }
func (n *benchNode) ForgetRouter(machine.Time, uint8)                     { n.routing.forgot++ }
func (n *benchNode) ForgetRLOC16(machine.Time, uint16)                    { n.routing.forgot++ }
func (n *benchNode) ForgetAddress(machine.Time, ip6.Address)              {}
func (n *benchNode) MoveRLOC16(machine.Time, uint16, uint16)              {}
func (n *benchNode) ChildModeChanged(machine.Time, *neighbor.Child, Mode) {}
func (n *benchNode) ChildUsesShort(machine.Time, *neighbor.Child, bool)   {}
func (n *benchNode) DropForChild(machine.Time, *neighbor.Child)           {}
func (n *benchNode) DropMLEForChild(machine.Time, *neighbor.Child, bool)  {}
func (n *benchNode) CSLLost(machine.Time, *neighbor.Child)                {}
func (n *benchNode) ChildUpdateQueued(*neighbor.Child) bool               { return false }
func (n *benchNode) StoreChild(now machine.Time, c ChildInfo) {
	n.RemoveStoredChild(now, c.RLOC16)
	n.routing.children = append(n.routing.children, c)
}
func (n *benchNode) RemoveStoredChild(now machine.Time, rloc16 uint16) {
	var keep []ChildInfo
	for _, c := range n.routing.children {
		if c.RLOC16 != rloc16 {
			keep = append(keep, c)
		}
	}
	n.routing.children = keep
}
func (n *benchNode) RestoredChildren() []ChildInfo { return n.routing.children }
func (n *benchNode) StartLeader(now machine.Time, how LeaderStart) {
	if n.routing.leading = true; how == NewPartition {
		n.version, n.stable, n.data = 0, 0, nil
	}
}
func (n *benchNode) StopLeader(machine.Time)                                        { n.routing.leading = false }
func (n *benchNode) ReleasedRouter(machine.Time, uint8)                             {}
func (n *benchNode) BorderRouters() int                                             { return 0 }
func (n *benchNode) KeepsRouterRole() bool                                          { return false }
func (n *benchNode) Discoverable() Discoverable                                     { return Discoverable{Name: "heddle"} }
func (n *benchNode) SetRouterGroups(machine.Time, bool)                             {}
func (n *benchNode) SetBeacons(machine.Time, bool)                                  {}
func (n *benchNode) RoutersEnabled() bool                                           { return true }
func (n *benchNode) DatasetComplete() bool                                          { return true }
func (n *benchNode) StopSolicit(machine.Time)                                       {}
func (n *benchNode) NeighborEvent(machine.Time, neighbor.Event, *neighbor.Neighbor) {}

// leader finds the node that leads the partition that n is in.
func (n *benchNode) leader(rloc16 uint16) *benchNode {
	for _, l := range n.b.nodes {
		if !l.dead && l.role == Leader && l.rloc16 == rloc16 && l.leaderData.PartitionID == n.leaderData.PartitionID {
			return l
		}
	}
	return nil
}

// Solicit takes a way that has no CoAP: there and back in 20 ms.
func (n *benchNode) Solicit(now machine.Time, leader uint16, payload []byte) {
	payload = append([]byte(nil), payload...)
	n.b.fly(flight{at: now.Add(10 * time.Millisecond), from: n.id, call: func(now machine.Time) {
		var answer []byte
		l := n.leader(leader)
		if l != nil {
			src, _ := n.RLOC()
			answer, _ = l.HandleSolicit(now, src, payload)
			l.settle()
		}
		n.b.fly(flight{at: now.Add(10 * time.Millisecond), from: n.id, call: func(now machine.Time) {
			n.HandleSolicitResponse(now, answer != nil, answer)
			n.settle()
		}})
	}})
}

func (n *benchNode) Release(now machine.Time, leader uint16, payload []byte) {
	payload = append([]byte(nil), payload...)
	n.b.fly(flight{at: now.Add(10 * time.Millisecond), from: n.id, call: func(now machine.Time) {
		if l := n.leader(leader); l != nil {
			l.HandleRelease(now, payload)
			l.settle()
		}
	}})
}
