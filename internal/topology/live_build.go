package topology

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/neighbor"
)

// builder makes rows and links of what routers have said.
type builder struct {
	l          *Live
	rows       map[int]*Row
	links      []Link
	byRLOC     map[uint16]int
	partitions []Partition
}

func (b *builder) run() {
	l := b.l
	o := &l.own
	if o.ext == ([8]byte{}) {
		return
	}
	if len(l.ids) > 0 && l.ids[o.ext] == 0 { // the node has another address now: it is number 1 all the same
		for ext, id := range l.ids {
			if id == 1 {
				delete(l.ids, ext)
			}
		}
		l.ids[o.ext] = 1
	}
	own := b.row(o.ext, o.rloc16)
	own.Name = l.o.Name
	own.Kind, own.Sent, own.Received, own.Retries = kindOf(o.mode), o.sent, o.received, o.retries
	own.Role = roleWord(o.role, o.mode)
	own.Client, own.LwM2M, own.Border = o.device.Client, o.device.LwM2M, own.Border || o.device.Border
	if !o.attached() {
		own.RLOC16, own.Partition, own.RouterID = "", 0, -1
		b.finish()
		return
	}
	for _, r := range b.sorted() {
		b.router(r)
	}
	if o.role != info.ChildRole {
		b.children(own, o.children, time.Time{})
	} else if own.Parent == 0 {
		p := b.row(o.parent, o.rloc16&0xfc00)
		own.Parent = p.ID
		b.link(own.ID, p.ID, o.parentQ, 0, "child")
	}
	b.routes(own, o.route)
	for _, r := range b.sorted() {
		b.routes(b.rows[b.byRLOC[r.rloc16]], r.route)
	}
	b.finish()
}

// sorted returns the reports in the order of RLOC16s.
func (b *builder) sorted() (all []*report) {
	for _, r := range b.l.reports {
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y *report) int { return cmp.Compare(x.rloc16, y.rloc16) })
	return all
}

// row returns the row of a node, and makes it.
func (b *builder) row(ext [8]byte, rloc16 uint16) *Row {
	if id, ok := b.byRLOC[rloc16]; ok {
		return b.rows[id]
	}
	o := &b.l.own
	if len(b.l.ids) >= nodesMost && b.l.ids[ext] == 0 && !b.l.inherit(ext, b.rows) {
		return &Row{RouterID: -1} // shown nowhere
	}
	id := b.l.id(ext)
	r := &Row{ID: id, On: true, Kind: "router", Role: "router", RouterID: -1, RLOC16: hex16(rloc16), Partition: o.partition, Channel: o.channel}
	if ext[0] != 'r' || ext[1] != 'l' {
		r.Ext = hex.EncodeToString(ext[:])
		r.Name = "…" + r.Ext[12:]
	} else {
		r.Name = fmt.Sprintf("at %04x", rloc16)
	}
	if neighbor.IsRouterRLOC16(rloc16) && rloc16 < 0xfc00 {
		r.RouterID = int(neighbor.RouterID(rloc16))
		if neighbor.RouterID(rloc16) == o.leader {
			r.Role = "leader"
		}
	}
	r.Border = o.border[rloc16]
	b.rows[id], b.byRLOC[rloc16] = r, id
	return r
}

func (b *builder) router(r *report) {
	ext := byLocator(b.l.own.partition, r.rloc16)
	if r.hasExt {
		ext = r.ext
	}
	row := b.row(ext, r.rloc16)
	if r.vendor != "" && row.ID != 1 {
		row.Name = r.vendor + " " + row.Name
	} else if maker, _, ok := strings.Cut(r.stack, "/"); ok && row.ID != 1 {
		row.Name = strings.ToLower(maker) + " " + row.Name
	}
	b.children(row, r.children, r.asked)
}

func (b *builder) children(parent *Row, list []childEntry, asked time.Time) {
	parent.Children = len(list)
	for _, c := range list {
		ext, ok := b.l.own.exts[c.rloc16]
		if !ok {
			if ext, ok = b.l.exts[c.rloc16]; !ok {
				if since := b.l.clock().Sub(asked); asked.IsZero() || since < 2*askEvery {
					continue // its address is on the way
				}
				ext = byLocator(b.l.own.partition, c.rloc16)
			}
		}
		row := b.row(ext, c.rloc16)
		row.Parent = parent.ID
		if row.ID != 1 {
			m := neighbor.Mode(c.mode)
			row.Role = roleWord(info.ChildRole, m)
			row.Kind = kindOf(m)
		}
		back := uint8(0)
		if row.ID == 1 {
			back = b.l.own.parentQ
		}
		b.link(row.ID, parent.ID, back, c.quality, "child")
	}
}

// routes takes the links to its neighbours out of a router's table.
func (b *builder) routes(r *Row, route neighbor.Route) {
	if r == nil || r.RouterID < 0 {
		return
	}
	for id := route.Mask.Next(0); id < neighbor.InvalidRouterID; id = route.Mask.Next(id + 1) {
		d, ok := route.Of(id)
		if !ok || int(id) == r.RouterID || d.In() == 0 || d.Out() == 0 {
			continue
		}
		rloc16 := neighbor.RouterRLOC16(id)
		ext, known := b.l.own.exts[rloc16]
		if _, there := b.byRLOC[rloc16]; !there && !known {
			if b.l.rounds < 2 {
				continue // it is asked for its address soon
			}
			ext = byLocator(b.l.own.partition, rloc16)
		}
		peer := b.row(ext, rloc16)
		b.link(r.ID, peer.ID, d.In(), d.Out(), "router")
	}
}

// link adds a link with what a hears and what b hears. What the other end said first stays.
func (b *builder) link(x, y int, qx, qy uint8, kind string) {
	if x == y || x == 0 || y == 0 {
		return
	}
	if x > y {
		x, y, qx, qy = y, x, qy, qx
	}
	for i := range b.links {
		if l := &b.links[i]; l.A == x && l.B == y {
			l.QA, l.QB = max(l.QA, qx), max(l.QB, qy)
			return
		}
	}
	b.links = append(b.links, Link{x, y, qx, qy, kind})
}

// finish gives all a place, and counts.
func (b *builder) finish() {
	slices.SortFunc(b.links, compareLinks)
	b.l.places.settle(b.rows, b.links)
	delete(b.rows, 0)
	n, leader := 0, 0
	for id, r := range b.rows {
		r.X, r.Y = b.l.places.at(id)
		if r.RLOC16 != "" {
			n++
		}
		if r.Role == "leader" {
			leader = id
		}
	}
	if n > 0 {
		b.partitions = []Partition{{ID: b.l.own.partition, Leader: leader, Nodes: n}}
	}
}

// kindOf names the kind of a node as a simulation has it.
func kindOf(m neighbor.Mode) string {
	switch {
	case m.FTD():
		return "router"
	case m.RxOn():
		return "med"
	}
	return "sed"
}

// borders returns who says that there is a way out of the mesh.
func borders(n *thread.Node) map[uint16]bool {
	set := map[uint16]bool{}
	for _, r := range n.NetData().Data().BorderRouters(nil) {
		set[r] = true
	}
	return set
}
