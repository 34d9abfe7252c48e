package fleet

import (
	"slices"
	"strings"
	"sync"
	"time"

	"heddle.example/machine"
)

// Query says which devices a list is to have.
type Query struct {
	After   string // endpoint of the last row of the page before
	Text    string // in endpoint, address or identity, without regard to case; tag:NAME: has that tag
	State   string // awake, asleep, late or insecure; empty: any
	Object  int    // has this object; negative: any
	Limit   int
	Objects bool // with the paths of the objects
}

// Page is one page of a list.
type Page struct {
	Items   []Client
	Next    string // endpoint to go on after; empty: this was the last page
	Matched int    // rows that match, over all pages; -1: not counted
}

// stride is how many rows are looked at under one lock, so that a search through a million never stops the shards.
const stride = 2000

// List returns one page. Matched is counted on the first page only; it costs a walk over all rows.
func (f *Fleet) List(q Query) Page {
	page := Page{Items: []Client{}, Matched: -1}
	plain := q.Text == "" && q.State == "" && q.Object < 0
	count := q.After == ""
	if plain {
		page.Matched, count = f.Len(), false
	} else if count {
		page.Matched = 0
	}
	text := strings.ToLower(q.Text)
	tag, tagged := strings.CutPrefix(q.Text, "tag:")
	now := f.o.Now()
	batch := make([]*row, 0, min(stride, q.Limit+1))
	after, last, full := q.After, "", false
	for {
		batch = batch[:0]
		f.mu.RLock()
		f.rows.After(after, func(r *row) bool {
			batch = append(batch, r)
			return len(batch) < cap(batch)
		})
		f.mu.RUnlock()
		for _, r := range batch {
			after = r.reg.Load().Endpoint
			if tagged {
				if _, tags := f.o.Notes(after); !slices.Contains(tags, tag) {
					continue
				}
				text = ""
			}
			if !plain && !f.matches(r, q, text, now) {
				continue
			}
			if count {
				page.Matched++
			}
			switch {
			case len(page.Items) < q.Limit:
				page.Items = append(page.Items, f.client(r, q.Objects))
				last = after
			default:
				page.Next, full = last, true
			}
			if full && !count {
				return page
			}
		}
		if len(batch) < cap(batch) {
			return page
		}
		if cap(batch) < stride {
			batch = make([]*row, 0, stride)
		}
	}
}

func (f *Fleet) matches(r *row, q Query, text string, now machine.Time) bool {
	reg := r.reg.Load()
	switch q.State {
	case "":
	case "insecure":
		if reg.Path.Security != nil {
			return false
		}
	default:
		if string(state(reg, machine.Time(r.updated.Load()), now, line(r.line.Load()))) != q.State {
			return false
		}
	}
	if q.Object >= 0 && !f.kinds.of(reg.Objects, f.o.Registry).object[uint16(q.Object)] {
		return false
	}
	if text == "" || strings.Contains(strings.ToLower(reg.Endpoint), text) || addressLike(text) && strings.Contains(address(reg.Path.Remote), text) {
		return true
	}
	_, identity, _ := reg.Security()
	return strings.Contains(strings.ToLower(identity), text)
}

// addressLike reports whether a text can be part of an address: most searches are not, and need not make one for each row.
func addressLike(text string) bool { return strings.Trim(text, "0123456789abcdef.:[]%") == "" }

// Counts is how many devices are in each state. Insecure is counted beside the states.
type Counts struct {
	Awake    int `json:"awake"`
	Asleep   int `json:"asleep"`
	Late     int `json:"late"`
	Insecure int `json:"insecure" doc:"over plain CoAP"`
}

// countCache holds the counts for twenty times as long as it took to count: states change by time alone, so counting means
// walking over all rows.
type countCache struct {
	mu     sync.Mutex
	counts Counts
	until  time.Time
}

// Counts returns how many devices are in each state.
func (f *Fleet) Counts() Counts {
	c := &f.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	start := time.Now()
	if start.Before(c.until) {
		return c.counts
	}
	c.counts = Counts{}
	now := f.o.Now()
	batch := make([]*row, 0, stride)
	for after := ""; ; {
		batch = batch[:0]
		f.mu.RLock()
		f.rows.After(after, func(r *row) bool {
			batch = append(batch, r)
			return len(batch) < cap(batch)
		})
		f.mu.RUnlock()
		for _, r := range batch {
			reg := r.reg.Load()
			after = reg.Endpoint
			switch state(reg, machine.Time(r.updated.Load()), now, line(r.line.Load())) {
			case Late:
				c.counts.Late++
			case Asleep:
				c.counts.Asleep++
			default:
				c.counts.Awake++
			}
			if reg.Path.Security == nil {
				c.counts.Insecure++
			}
		}
		if len(batch) < cap(batch) {
			break
		}
	}
	took := time.Since(start)
	c.until = start.Add(21 * took)
	return c.counts
}
