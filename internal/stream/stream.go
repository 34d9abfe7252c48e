// Package stream is a bounded ring of events that many readers follow, each at its own pace, and can come back to after a
// broken connection without losing one.
package stream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ID names an event: the run of the program that it belongs to, and its number in that run.
type ID struct {
	Epoch uint64
	Seq   uint64
}

func (id ID) String() string {
	return strconv.FormatUint(id.Epoch, 36) + "-" + strconv.FormatUint(id.Seq, 10)
}

// ParseID reads what String wrote.
func ParseID(s string) (ID, bool) {
	e, n, ok := strings.Cut(s, "-")
	if !ok {
		return ID{}, false
	}
	epoch, err1 := strconv.ParseUint(e, 36, 64)
	seq, err2 := strconv.ParseUint(n, 10, 64)
	return ID{epoch, seq}, err1 == nil && err2 == nil
}

// Event is one thing that happened. Data is encoded when the first reader asks for it, off the publisher's goroutine.
type Event struct {
	Seq      uint64
	Kind     string // the name that a reader filters by
	Endpoint string // the device it is about; empty: all devices

	once    sync.Once
	make    func() []byte
	data    []byte
	earlier []*Event
}

// Earlier returns the updates of the same cell that this one replaced, oldest first, if a reader wants Every one. They have
// no number: who comes back after a break within them gets them again.
func (e *Event) Earlier() []*Event { return e.earlier }

// Data returns the event's encoding. All readers share it.
func (e *Event) Data() []byte {
	e.once.Do(func() { e.data, e.make = e.make(), nil })
	return e.data
}

// Errors of Next.
var (
	// ErrSlow says that the reader fell behind the ring: it missed events and must start over.
	ErrSlow = errors.New("stream: the reader is too slow and missed events")
	// ErrClosed says that the program ends.
	ErrClosed = errors.New("stream: closed")
)

// cell names a value of which only the newest matters.
type cell struct{ kind, endpoint, name string }

// Hub is the ring. Its methods are safe for use by many goroutines.
type Hub struct {
	epoch    uint64
	coalesce time.Duration
	linger   time.Duration
	now      func() time.Time

	mu      sync.Mutex
	ring    []*Event
	next    uint64 // number of the next event; numbers start at 1
	first   uint64 // the oldest number that is still in the ring
	readers map[*Reader]struct{}
	every   int       // readers that want Every update
	last    time.Time // when the last reader left
	closed  bool

	cells map[cell]*Event
	order []cell
	extra int // earlier updates in cells
	timer *time.Timer
}

// Options of a Hub.
type Options struct {
	Epoch uint64        // differs from run to run
	Size  int           // events in the ring; 0: 32768
	Cells time.Duration // how long an update of a cell waits for a newer one; 0: 50 ms
	// Linger is how long events are kept after the last reader left, for it to come back to; 0: a minute. A server that
	// nobody looks at keeps none.
	Linger time.Duration
	Now    func() time.Time
}

// NewHub returns an empty ring.
func NewHub(o Options) *Hub {
	if o.Size == 0 {
		o.Size = 32768
	}
	if o.Cells == 0 {
		o.Cells = 50 * time.Millisecond
	}
	if o.Linger == 0 {
		o.Linger = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Hub{epoch: o.Epoch, coalesce: o.Cells, linger: o.Linger, now: o.Now, ring: make([]*Event, o.Size), next: 1, first: 1,
		readers: map[*Reader]struct{}{}, cells: map[cell]*Event{}}
}

// Watched reports whether anyone follows, or has just lost the connection.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watched()
}

func (h *Hub) watched() bool {
	return len(h.readers) > 0 || !h.last.IsZero() && h.now().Sub(h.last) < h.linger
}

// Idle is for a publisher before it makes an event: it reports whether nobody would see it, and counts it then.
func (h *Hub) Idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.keep()
}

// Publish appends an event. encode runs at most once, later, on a reader's goroutine: what it captures must not change.
func (h *Hub) Publish(kind, endpoint string, encode func() []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.keep() {
		return
	}
	h.flush() // in order: an older update of a cell does not come after what supersedes it
	h.append(&Event{Kind: kind, Endpoint: endpoint, make: encode})
	h.wake()
}

// PublishCell appends an update of which only the newest matters: updates of the same cell within a short while become one,
// except for readers that want Every one.
func (h *Hub) PublishCell(kind, endpoint, name string, encode func() []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.keep() {
		return
	}
	c := cell{kind, endpoint, name}
	if e := h.cells[c]; e == nil {
		h.cells[c] = &Event{Kind: kind, Endpoint: endpoint, make: encode}
		h.order = append(h.order, c)
	} else {
		if h.every > 0 {
			e.earlier = append(e.earlier, &Event{Kind: kind, Endpoint: endpoint, make: e.make})
			h.extra++
		}
		e.make = encode
	}
	if len(h.order)+h.extra >= len(h.ring)/4 {
		h.flush()
		h.wake()
		return
	}
	if h.timer == nil {
		h.timer = time.AfterFunc(h.coalesce, h.tick)
	}
}

func (h *Hub) tick() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = nil
	h.flush()
	h.wake()
}

// keep drops everything when nobody is there to read it; the number still grows, so that a late return is noticed.
func (h *Hub) keep() bool {
	if h.closed {
		return false
	}
	if h.watched() {
		return true
	}
	if h.first != h.next {
		clear(h.ring)
	}
	h.next++
	h.first = h.next
	return false
}

func (h *Hub) flush() {
	for _, c := range h.order {
		h.append(h.cells[c])
		delete(h.cells, c)
	}
	h.order, h.extra = h.order[:0], 0
}

func (h *Hub) append(e *Event) {
	e.Seq = h.next
	h.ring[h.next%uint64(len(h.ring))] = e
	h.next++
	if h.next-h.first > uint64(len(h.ring)) {
		h.first = h.next - uint64(len(h.ring))
	}
}

func (h *Hub) wake() {
	for r := range h.readers {
		select {
		case r.ready <- struct{}{}:
		default:
		}
	}
}

// Last returns the id of the newest event.
func (h *Hub) Last() ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ID{h.epoch, h.next - 1}
}

// Readers returns how many follow.
func (h *Hub) Readers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers)
}

// Close ends all readers.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.wake()
}

// Reader follows a Hub. It belongs to one goroutine.
type Reader struct {
	hub   *Hub
	ready chan struct{}
	at    uint64
	batch []*Event
	every bool
}

// Follow starts a reader after the event since. Reset says that events after since are not there any more (or since was of
// another run): the reader then starts at the newest event. A nil since starts there too, without reset.
func (h *Hub) Follow(since *ID) (r *Reader, reset bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r = &Reader{hub: h, ready: make(chan struct{}, 1), at: h.next}
	if since != nil {
		if since.Epoch == h.epoch && since.Seq+1 >= h.first && since.Seq < h.next {
			r.at = since.Seq + 1
		} else {
			reset = true
		}
	}
	h.readers[r] = struct{}{}
	return r, reset
}

// Every asks for all updates of a cell from now on, not the newest only: events come with those that they replaced.
func (r *Reader) Every() {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if !r.every {
		r.every = true
		h.every++
	}
}

// Next waits for events and returns them, oldest first. The slice is valid until the next call.
func (r *Reader) Next(ctx context.Context) ([]*Event, error) {
	for {
		events, err := r.take()
		if len(events) > 0 || err != nil {
			return events, err
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// takeMost bounds what one Next returns, so that a reader's buffer stays small.
const takeMost = 256

func (r *Reader) take() ([]*Event, error) {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if r.at < h.first {
		return nil, ErrSlow
	}
	r.batch = r.batch[:0]
	for r.at < h.next && len(r.batch) < takeMost {
		r.batch = append(r.batch, h.ring[r.at%uint64(len(h.ring))])
		r.at++
	}
	return r.batch, nil
}

// Close ends the reader.
func (r *Reader) Close() {
	h := r.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.readers[r]; ok {
		delete(h.readers, r)
		if r.every {
			h.every--
		}
		h.last = h.now()
	}
}
