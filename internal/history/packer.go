// Package history reads the values that devices sent, by time, from the store's blocks, and says how they get in there.
package history

import (
	"heddle.example/lwm2m/history"
	"heddle.example/store"
)

// A block is full at so many bytes or points. At this size a row of the store needs no page of its own, and a fold that adds
// a few points writes little again.
const (
	blockBytes  = 860
	blockPoints = 1024
)

// Packer is how the store writes points down.
type Packer struct{}

var _ store.Packer = Packer{}

// Split implements store.Packer.
func (Packer) Split(record []byte, each func(name, point []byte)) error {
	return history.Split(record, each)
}

// Pack implements store.Packer.
func (Packer) Pack(last store.Block, points [][]byte) []store.Block {
	var list []store.Block
	var w history.Writer
	b := store.Block{}
	put := func() {
		b.Data, b.Points = w.Bytes(), w.Points()
		list = append(list, b)
	}
	if last.Data != nil {
		b = last
		if b.Points >= blockPoints || len(b.Data) >= blockBytes || w.Reset(append(make([]byte, 0, len(b.Data)+64), b.Data...)) != nil {
			list = append(list, last) // full, or damaged: let it be
			w = history.Writer{}
		}
	}
	for _, point := range points {
		p, err := history.ReadPoint(point)
		if err != nil {
			continue
		}
		if w.Points() >= blockPoints || w.Len() >= blockBytes {
			put()
			w = history.Writer{}
		}
		if w.Points() == 0 {
			b = store.Block{First: p.At, Last: p.At}
		}
		b.First, b.Last = min(b.First, p.At), max(b.Last, p.At)
		w.Add(p)
	}
	if w.Points() > 0 {
		put()
	}
	return list
}
