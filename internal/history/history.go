package history

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// ErrCursor says that a place to go on from is none that we gave.
var ErrCursor = errors.New("history: not a place to go on from")

// Point is a value at a time, in milliseconds since 1970.
type Point = history.Point

// Store is where the blocks are; package store satisfies it.
type Store interface {
	Series(owner []byte) ([][]byte, error)
	Blocks(owner, name []byte, from, to int64, each func(store.Block) error) error
	Append(records []machine.Record, done func(error))
}

// History answers questions about the past. Its methods are safe for use by many goroutines, and no writer waits for them.
type History struct{ store Store }

// New returns the history in a store that was opened with a Packer.
func New(s Store) *History { return &History{s} }

// Forget takes away all values of an endpoint. It returns after that is on disk; what comes later is kept anew.
func (h *History) Forget(endpoint string) error {
	done := make(chan error, 1)
	h.store.Append([]machine.Record{{Table: server.HistoryTable, Key: []byte(endpoint)}}, func(err error) { done <- err })
	if err := <-done; err != nil {
		return fmt.Errorf("history: the change is not on disk: %w", err)
	}
	return nil
}

// Resources returns the resources and resource instances of an endpoint that have a past, in the order of their paths.
func (h *History) Resources(endpoint string) ([]lwm2m.Path, error) {
	names, err := h.store.Series([]byte(endpoint))
	if err != nil {
		return nil, err
	}
	list := make([]lwm2m.Path, 0, len(names))
	for _, n := range names {
		if p, ok := history.ParseName(n); ok {
			list = append(list, p)
		}
	}
	return list, nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// walk calls each with the points of a resource between two times, both included, by time, until it says stop. Points of one
// time stay in the order of their arrival.
func (h *History) walk(endpoint string, p lwm2m.Path, from, to int64, each func(Point) bool) error {
	var held []Point // of blocks that have begun; those before the next block's first are next
	release := func(before int64, all bool) bool {
		slices.SortStableFunc(held, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
		n := 0
		for ; n < len(held) && (all || held[n].At < before); n++ {
			if !each(held[n]) {
				return false
			}
		}
		held = held[:copy(held, held[n:])]
		return true
	}
	err := h.store.Blocks([]byte(endpoint), history.AppendName(nil, p), from, to, func(b store.Block) error {
		if !release(b.First, false) {
			return errEnough
		}
		return history.Read(b.Data, func(p Point) {
			if p.At >= from && p.At <= to {
				held = append(held, p)
			}
		})
	})
	if err == nil {
		release(0, true)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// Query says which points are wanted.
type Query struct {
	From, To int64  // milliseconds, both included
	After    string // Next of the page before; empty: from the beginning
	Limit    int
}

// cursor is the time of the next point, and how many of the same time went before.
type cursor struct {
	at   int64
	skip int
}

func (q *Query) start() (c cursor, err error) {
	c.at = q.From
	if q.After == "" {
		return c, nil
	}
	at, skip, ok := strings.Cut(q.After, ".")
	n, err1 := strconv.ParseInt(at, 36, 64)
	k, err2 := strconv.ParseUint(skip, 36, 31)
	if !ok || err1 != nil || err2 != nil {
		return c, fmt.Errorf("%w: after is %q; it is next of a page before", ErrCursor, q.After)
	}
	return cursor{max(n, q.From), int(k)}, nil
}

func (c cursor) String() string {
	return strconv.FormatInt(c.at, 36) + "." + strconv.FormatInt(int64(c.skip), 36)
}

// Points returns a page of points, by time, and where the next one begins; empty: this was the last.
func (h *History) Points(endpoint string, p lwm2m.Path, q Query) (list []Point, next string, err error) {
	c, err := q.start()
	if err != nil {
		return nil, "", err
	}
	skip := c.skip
	err = h.walk(endpoint, p, c.at, q.To, func(p Point) bool {
		if p.At == c.at && skip > 0 {
			skip--
			return true
		}
		if len(list) == q.Limit {
			place := cursor{at: p.At}
			for i := len(list) - 1; i >= 0 && list[i].At == p.At; i-- {
				place.skip++
			}
			if p.At == c.at {
				place.skip += c.skip
			}
			next = place.String()
			return false
		}
		list = append(list, p)
		return true
	})
	return list, next, err
}

// Bucket is the numbers of a span of time in brief.
type Bucket struct {
	At            int64 // its beginning
	Min, Max, Avg float64
	Count         int
}

// Buckets returns the numbers of a resource in brief, a bucket for each step milliseconds that have some. Booleans are 0 and 1;
// what is no number is passed over.
func (h *History) Buckets(endpoint string, p lwm2m.Path, q Query, step int64) (list []Bucket, next string, err error) {
	c, err := q.start()
	if err != nil {
		return nil, "", err
	}
	var sum float64
	err = h.walk(endpoint, p, c.at, q.To, func(p Point) bool {
		n, ok := number(p.Value)
		if !ok {
			return true
		}
		at := floor(p.At, step)
		if k := len(list); k == 0 || list[k-1].At != at {
			if k == q.Limit {
				next = cursor{at: at}.String()
				return false
			}
			list, sum = append(list, Bucket{At: at, Min: n, Max: n}), 0
		}
		b := &list[len(list)-1]
		b.Count++
		b.Min, b.Max = min(b.Min, n), max(b.Max, n)
		sum += n
		if b.Avg = sum / float64(b.Count); math.IsNaN(b.Avg) || math.IsInf(b.Avg, 0) {
			b.Avg = b.Min/2 + b.Max/2 // numbers at the end of what a float can hold
		}
		return true
	})
	return list, next, err
}

func floor(at, step int64) int64 {
	n := at / step
	if at%step < 0 {
		n--
	}
	return n * step
}

// number returns a number that JSON has: a device may send NaN.
func number(v lwm2m.Value) (float64, bool) {
	if b, ok := v.AsBool(); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	n, ok := v.AsFloat()
	return n, ok && v.Kind() != lwm2m.Time && !math.IsNaN(n) && !math.IsInf(n, 0)
}
