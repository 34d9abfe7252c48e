package topology

import (
	"context"
	"fmt"

	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/neighbor"
)

// Route follows a datagram from one node to another, by each node's own table.
func (w *World) Route(ctx context.Context, from, to int) (p *Path, err error) {
	err = w.do(ctx, func() error {
		a, err := w.member(from)
		if err != nil {
			return err
		}
		b, err := w.member(to)
		if err == nil {
			w.look()
			p = w.route(a, b)
		}
		return err
	})
	return p, err
}

func (w *World) route(a, b *network.Node) *Path {
	p := &Path{From: a.Number(), To: b.Number(), Hops: []int{a.Number()}}
	rows := w.view.rows
	from, to := &rows[a.Number()-1], &rows[b.Number()-1]
	switch {
	case from.RLOC16 == "" || to.RLOC16 == "":
		p.Why = fmt.Sprintf("node %d is not attached", map[bool]int{true: p.From, false: p.To}[from.RLOC16 == ""])
		return p
	case from.Partition != to.Partition:
		p.Why = "the nodes are in two partitions"
		return p
	}
	dst := b.Thread().MLE().RLOC16()
	for at := a; at != b; {
		if len(p.Hops) > hopsMost {
			p.Why = "the tables lead in a circle"
			return p
		}
		next := w.nextHop(p, at.Thread(), dst)
		id := w.view.byRLOC[rlocKey{from.Partition, next}]
		if id == 0 {
			p.Why = fmt.Sprintf("node %d knows no way on", at.Number())
			return p
		}
		at = w.net.Member(id)
		p.Hops = append(p.Hops, id)
	}
	p.Whole = true
	return p
}

// hopsMost is more than any way has: 32 routers and a child at each end.
const hopsMost = 36

// nextHop is what a node does with a datagram for a locator: a child gives it to its parent, a parent to its child, a router
// to the next one of its table.
func (w *World) nextHop(p *Path, t *thread.Node, dst uint16) uint16 {
	own := t.MLE().RLOC16()
	switch {
	case !t.Table().Self.Role.RouterOrLeader():
		return neighbor.ParentRLOC16(own)
	case neighbor.RouterID(own) == neighbor.RouterID(dst):
		return dst
	}
	hop, cost := t.Table().NextHop(dst)
	if p.Cost == 0 && cost < neighbor.MaxRouteCost {
		p.Cost = int(cost)
	}
	return hop
}
