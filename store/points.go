package store

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"heddle.example/machine"
)

// Points names a table whose records are points of series, not states of keys: nothing replaces them. They are in the
// journal like all records, so a promise covers them, and the fold appends them to blocks, one row for many points. The key of
// such a record is the owner of the series in it; one without a value takes away all points of its owner before it.
type Points struct {
	Table  machine.Table
	Packer Packer

	Days      int   // a block goes so many days after the last point was put into it; 0: never
	MaxBytes  int64 // of all blocks: beyond it the oldest go; 0: no limit
	PerSeries int   // blocks of one series: beyond it the oldest go; 0: 1,000
	PerOwner  int   // series of one owner: points of further ones are dropped; 0: 256

	now func() time.Time // for tests
}

// Packer knows how points are written down. It must not keep what it is given.
type Packer interface {
	// Split calls each with every point of a record, and the name of its series below the record's owner. Both may borrow
	// the record.
	Split(record []byte, each func(name, point []byte)) error
	// Pack appends points to the last block of a series, which is not changed. It returns that block, grown, and those
	// that follow it; without a last block (no Data), only those. What it cannot read it leaves out.
	Pack(last Block, points [][]byte) []Block
}

// Block is many points of one series.
type Block struct {
	First, Last int64 // of the times of its points, which need not be in order
	Points      int
	Data        []byte
}

// blockOverhead is what a block takes besides its data, about.
const blockOverhead = 96

func (p *Points) setDefaults() {
	setDefault(&p.PerSeries, 1000)
	setDefault(&p.PerOwner, 256)
	if p.now == nil {
		p.now = time.Now
	}
}

func (p *Points) holds(t machine.Table) bool { return p != nil && p.Table == t }

// today is the number of the day, UTC.
func (p *Points) today() int64 { return p.now().Unix() / 86400 }

// seriesPoints is what is to be added to one series.
type seriesPoints struct {
	owner, name []byte
	points      [][]byte
	rows        []int64 // of the journal, in which the points are
}

// since returns the points of rows after a row.
func (s *seriesPoints) since(row int64) [][]byte {
	for i, r := range s.rows {
		if r > row {
			return s.points[i:]
		}
	}
	return nil
}

func seriesKey(dst, owner, name []byte) []byte {
	return append(append(append(dst, byte(len(name))), name...), owner...)
}

// sortedSeries returns series by owner and name.
func sortedSeries(m map[string]*seriesPoints) []*seriesPoints {
	list := make([]*seriesPoints, 0, len(m))
	for _, s := range m {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *seriesPoints) int {
		return cmp.Or(bytes.Compare(a.owner, b.owner), bytes.Compare(a.name, b.name))
	})
	return list
}

// pointSet sorts points by their series.
type pointSet struct {
	points  *Points
	series  map[string]*seriesPoints
	dropped map[string]int64 // owners whose points before a row are gone
	key     []byte
	broken  int // records
	records int
}

// add takes in a record of the journal. It keeps what it is given.
func (s *pointSet) add(row int64, owner, value []byte) {
	if s.series == nil {
		s.series, s.dropped = map[string]*seriesPoints{}, map[string]int64{}
	}
	s.records++
	if value == nil {
		s.dropped[string(owner)] = row
		for key, p := range s.series {
			if bytes.Equal(p.owner, owner) {
				delete(s.series, key)
			}
		}
		return
	}
	err := s.points.Packer.Split(value, func(name, point []byte) {
		s.key = seriesKey(s.key[:0], owner, name)
		p := s.series[string(s.key)]
		if p == nil {
			p = &seriesPoints{owner: owner, name: name}
			s.series[string(s.key)] = p
		}
		p.points, p.rows = append(p.points, point), append(p.rows, row)
	})
	if err != nil {
		s.broken++
	}
}
