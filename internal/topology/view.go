package topology

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"heddle.example/sim/mesh/network"
	"heddle.example/thread/neighbor"
)

// view is the latest look at the world.
type view struct {
	w          *World
	seq        uint64
	rows       []Row
	links      []Link // sorted
	partitions []Partition
	history    []Entry
	fresh      []Entry // since the last look
	logged     int     // lines of the world's transcript that are in history
	byRLOC     map[rlocKey]int
	byExt      map[[8]byte]int
}

type rlocKey struct {
	partition uint32
	rloc16    uint16
}

const historyMost = 2000

func (v *view) init(w *World) {
	v.w = w
	v.rows = make([]Row, len(w.net.Members()))
	w.look()
	v.fresh = nil
}

// note adds a line to the history.
func (v *view) note(kind string, node int, text string) {
	e := Entry{At: v.w.us(v.w.net.World.Now()), Kind: kind, Text: text, Node: node}
	v.fresh = append(v.fresh, e)
	v.history = append(v.history, e)
	if extra := len(v.history) - historyMost; extra > 0 {
		v.history = slices.Delete(v.history, 0, extra)
	}
}

// look finds out what has changed, and tells the readers.
func (w *World) look() {
	v := &w.view
	v.index()
	var changed, was []Row
	for i, n := range w.net.Members() {
		if i == len(v.rows) { // a new one
			v.rows = append(v.rows, Row{})
			w.hear(n)
		}
		if r := v.row(n); r != v.rows[i] {
			changed, was = append(changed, r), append(was, v.rows[i])
			v.rows[i] = r
		}
	}
	links := v.findLinks()
	change := LinkChange{Add: []Link{}, Remove: []Link{}}
	diffLinks(v.links, links, &change)
	v.links = links
	partitions := v.findPartitions()
	v.tell(partitions)
	stay := slices.Equal(v.partitions, partitions)
	v.partitions = partitions
	var parts []Partition
	if !stay {
		parts = list(partitions)
	}
	w.past.keep(w.us(w.net.World.Now()), v.rows, v.links, partitions, changed, was, change, parts)
	for _, line := range w.net.World.Transcript()[v.logged:] {
		v.note("script", 0, scriptText(line))
	}
	v.logged = len(w.net.World.Transcript())
	if len(changed)+len(change.Add)+len(change.Remove)+len(v.fresh) > 0 || !stay {
		v.seq++
		w.feed.publish("mesh", v.seq, Change{Seq: v.seq, Now: w.us(w.net.World.Now()), Nodes: list(changed), Links: change,
			Partitions: list(partitions), History: list(v.fresh)})
	}
	v.fresh = nil
	w.air.flush()
}

// scriptText takes the time off a line of the transcript: the entry has it.
func scriptText(line string) string {
	if len(line) > 13 && line[12] == ' ' {
		return line[13:]
	}
	return line
}

// list makes an empty list of nil, for JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (v *view) index() {
	if v.byRLOC == nil {
		v.byRLOC, v.byExt = map[rlocKey]int{}, map[[8]byte]int{}
	}
	clear(v.byRLOC)
	clear(v.byExt)
	for _, n := range v.w.net.Members() {
		if t := n.Thread(); t != nil {
			v.byExt[t.MAC().Ext()] = n.Number()
			if n.Attached() {
				v.byRLOC[rlocKey{t.MLE().LeaderData().PartitionID, t.MLE().RLOC16()}] = n.Number()
			}
		}
	}
}

func hex16(x uint16) string { return fmt.Sprintf("0x%04x", x) }

func (v *view) row(n *network.Node) Row {
	p, c := n.Position(), n.Counts()
	r := Row{ID: n.Number(), Name: n.Name(), X: round(p.X), Y: round(p.Y), Kind: n.Kind().String(), Role: "off", RouterID: -1,
		Sent: c.Sent, Received: c.Received, Retries: c.Retries}
	if w := v.w; w.options.Device != nil {
		d := w.options.Device(r.ID)
		r.Client, r.LwM2M, r.Border = d.Client, d.LwM2M, d.Border
	}
	t := n.Thread()
	if t == nil {
		return r
	}
	ext := t.MAC().Ext()
	r.On, r.Ext, r.Channel, r.Role = true, ext.String(), int(t.MAC().Channel()), roleOf(n)
	if !n.Attached() {
		return r
	}
	rloc16 := t.MLE().RLOC16()
	r.RLOC16, r.Partition = hex16(rloc16), t.MLE().LeaderData().PartitionID
	if n.Role().RouterOrLeader() {
		r.RouterID = int(neighbor.RouterID(rloc16))
		r.Children = t.Table().ChildCount(neighbor.InValid)
	} else {
		r.Parent = v.byRLOC[rlocKey{r.Partition, neighbor.ParentRLOC16(rloc16)}]
	}
	return r
}

func round(x float64) float64 { return math.Round(x*100) / 100 }

// roleOf names the part that a node plays: a child by what kind of child it is.
func roleOf(n *network.Node) string {
	r := n.Role()
	if r != neighbor.RoleChild {
		return r.String()
	}
	if n.Kind().String() == "router" {
		return "reed"
	}
	return n.Kind().String()
}

// findLinks returns the links between routers, and those of children to their parents.
func (v *view) findLinks() []Link {
	links := make([]Link, 0, len(v.links)+16)
	at := func(a, b int, qa, qb uint8, kind string) {
		if a > b {
			a, b, qa, qb = b, a, qb, qa
		}
		links = append(links, Link{a, b, qa, qb, kind})
	}
	for _, n := range v.w.net.Members() {
		t := n.Thread()
		switch {
		case t == nil || !n.Attached():
		case n.Role() == neighbor.RoleChild:
			if parent := v.rows[n.Number()-1].Parent; parent > 0 {
				q := t.Table().Parent.Link.QualityIn()
				back := uint8(0)
				if c := v.w.net.Member(parent).Thread().Table().ChildByExt(t.MAC().Ext(), neighbor.InValid); c != nil {
					back = c.Link.QualityIn()
				}
				at(n.Number(), parent, q, back, "child")
			}
		default:
			for r := range t.Table().Routers() {
				peer, ok := v.byExt[r.Ext]
				if r.State == neighbor.Valid && ok && peer > n.Number() {
					at(n.Number(), peer, r.Link.QualityIn(), r.Link.Out, "router")
				}
			}
		}
	}
	slices.SortFunc(links, compareLinks)
	return links
}

func compareLinks(x, y Link) int {
	return cmp.Or(x.A-y.A, x.B-y.B, cmp.Compare(x.Kind, y.Kind))
}

// diffLinks walks two sorted lists.
func diffLinks(old, new []Link, c *LinkChange) {
	for len(old) > 0 || len(new) > 0 {
		d := 0
		switch {
		case len(old) == 0:
			d = 1
		case len(new) == 0:
			d = -1
		default:
			d = compareLinks(old[0], new[0])
		}
		switch {
		case d < 0:
			c.Remove = append(c.Remove, old[0])
			old = old[1:]
		case d > 0:
			c.Add = append(c.Add, new[0])
			new = new[1:]
		default:
			if old[0] != new[0] {
				c.Add = append(c.Add, new[0])
			}
			old, new = old[1:], new[1:]
		}
	}
}

func (v *view) findPartitions() []Partition {
	var found []Partition
	at := map[uint32]int{}
	for i := range v.rows {
		r := &v.rows[i]
		if r.RLOC16 == "" {
			continue
		}
		k, ok := at[r.Partition]
		if !ok {
			k = len(found)
			at[r.Partition] = k
			found = append(found, Partition{ID: r.Partition})
		}
		found[k].Nodes++
		if r.Role == "leader" {
			found[k].Leader = r.ID
		}
	}
	slices.SortFunc(found, func(a, b Partition) int { return cmp.Or(b.Nodes-a.Nodes, cmp.Compare(a.ID, b.ID)) })
	return found
}

// tell notes in the history what became of partitions.
func (v *view) tell(now []Partition) {
	was := map[uint32]Partition{}
	for _, p := range v.partitions {
		was[p.ID] = p
	}
	for _, p := range now {
		old, ok := was[p.ID]
		switch {
		case !ok:
			v.note("partition", p.Leader, fmt.Sprintf("partition %08x with node %d as its leader", p.ID, p.Leader))
		case old.Leader != p.Leader && p.Leader > 0 && old.Leader > 0:
			v.note("leader", p.Leader, fmt.Sprintf("node %d leads partition %08x", p.Leader, p.ID))
		}
		delete(was, p.ID)
	}
	for _, p := range v.partitions {
		if _, gone := was[p.ID]; gone {
			v.note("merge", 0, fmt.Sprintf("partition %08x is gone", p.ID))
		}
	}
}

// can says what is possible here. What keeps step with the real clock is not sped up or taken back.
func (w *World) can() []string {
	can := []string{"time", "seek", "past", "act", "move", "links", "shell", "route", "frames", "capture"}
	if w.options.Live {
		can = can[2:]
	}
	return can
}

func (v *view) snapshot() *Snapshot {
	w := v.w
	d := network.Dataset(0)
	if w.options.Dataset != nil {
		d = *w.options.Dataset
	}
	return &Snapshot{Epoch: w.epoch, Seq: v.seq, Seed: w.scenario.Seed, Clock: w.clock(), Can: w.can(),
		Network: Network{Channel: int(d.Channel), PANID: hex16(d.PANID), Name: d.NetworkName},
		Nodes:   slices.Clone(v.rows), Links: slices.Clone(list(v.links)), Partitions: slices.Clone(list(v.partitions)),
		History: slices.Clone(list(v.history))}
}
