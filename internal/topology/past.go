package topology

import (
	"context"
	"slices"
	"sort"
)

// past remembers what the mesh looked like, so that the time line can be dragged back. Counters of frames alone are no
// change. The oldest goes when there is too much.
type past struct {
	chapters []chapter
	size     int // rows and links in all chapters
}

// chapter is a whole look and the changes after it.
type chapter struct {
	at         int64
	rows       []Row
	links      []Link
	partitions []Partition
	moments    []moment
	size       int
}

type moment struct {
	at         int64
	rows       []Row
	links      LinkChange
	partitions []Partition // nil: as before
}

const (
	pastMost    = 400_000 // rows and links: some 60 MB in the worst case
	momentsMost = 256     // of a chapter
)

// same reports whether two rows differ at most in what they count.
func same(a, b Row) bool {
	a.Sent, a.Received, a.Retries = b.Sent, b.Received, b.Retries
	return a == b
}

// keep takes in a look: all that there is now, the rows that have changed with what they were, the links that have changed, and
// the partitions if they have (nil: they have not).
func (p *past) keep(at int64, all []Row, allLinks []Link, allParts []Partition, changed, was []Row, links LinkChange, partitions []Partition) {
	rows := changed[:0:0]
	for i, r := range changed {
		if !same(r, was[i]) {
			rows = append(rows, r)
		}
	}
	size := len(rows) + len(links.Add) + len(links.Remove) + len(partitions)
	if size == 0 && len(p.chapters) > 0 {
		return
	}
	last := len(p.chapters) - 1
	if last < 0 || len(p.chapters[last].moments) >= momentsMost {
		c := chapter{at: at, rows: slices.Clone(all), links: slices.Clone(allLinks), partitions: slices.Clone(allParts)}
		c.size = len(c.rows) + len(c.links)
		p.chapters, p.size = append(p.chapters, c), p.size+c.size
	} else {
		c := &p.chapters[last]
		c.moments = append(c.moments, moment{at, rows, links, slices.Clone(partitions)})
		c.size, p.size = c.size+size+1, p.size+size+1
	}
	for p.size > pastMost && len(p.chapters) > 1 {
		p.size -= p.chapters[0].size
		p.chapters = slices.Delete(p.chapters, 0, 1)
	}
}

// at returns what there was at an instant, or false where that is not remembered.
func (p *past) at(us int64) (rows []Row, links []Link, partitions []Partition, ok bool) {
	i := sort.Search(len(p.chapters), func(i int) bool { return p.chapters[i].at > us }) - 1
	if i < 0 {
		return nil, nil, nil, false
	}
	c := &p.chapters[i]
	rows, partitions = slices.Clone(c.rows), c.partitions
	type pair struct {
		a, b int
		kind string
	}
	all := map[pair]Link{}
	for _, l := range c.links {
		all[pair{l.A, l.B, l.Kind}] = l
	}
	for _, m := range c.moments {
		if m.at > us {
			break
		}
		for _, r := range m.rows {
			for len(rows) < r.ID { // it came later
				rows = append(rows, Row{})
			}
			rows[r.ID-1] = r
		}
		for _, l := range m.links.Remove {
			delete(all, pair{l.A, l.B, l.Kind})
		}
		for _, l := range m.links.Add {
			all[pair{l.A, l.B, l.Kind}] = l
		}
		if m.partitions != nil {
			partitions = m.partitions
		}
	}
	links = make([]Link, 0, len(all))
	for _, l := range all {
		links = append(links, l)
	}
	slices.SortFunc(links, compareLinks)
	return rows, links, slices.Clone(list(partitions)), true
}

// At returns what was at a moment of the past.
func (w *World) At(ctx context.Context, us int64) (s *Snapshot, err error) {
	err = w.do(ctx, func() error {
		w.look()
		rows, links, partitions, ok := w.past.at(us)
		if !ok {
			return ErrPast
		}
		s = w.view.snapshot()
		s.Nodes, s.Links, s.Partitions, s.Now = rows, links, partitions, min(us, s.Now)
		s.History = slices.DeleteFunc(s.History, func(e Entry) bool { return e.At > us })
		return nil
	})
	return s, err
}
