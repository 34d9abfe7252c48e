package topology

import (
	"encoding/json"
	"sync"
)

// Message is an event as a reader gets it.
type Message struct {
	Kind string
	Seq  uint64 // of a mesh event; 0: another
	Data []byte
}

// feed hands events to readers. A reader that does not keep up is told to load anew.
type feed struct {
	mu      sync.Mutex
	readers map[*Reader]bool
}

// Reader follows the events.
type Reader struct {
	feed *feed
	C    chan Message
	slow bool
}

const (
	readerRoom  = 64
	readersMost = 100
)

// Follow adds a reader, or returns nil where there are too many.
func (f *feed) Follow() *Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) >= readersMost {
		return nil
	}
	r := &Reader{feed: f, C: make(chan Message, readerRoom)}
	f.readers[r] = true
	return r
}

// Close ends it.
func (r *Reader) Close() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	delete(r.feed.readers, r)
}

func (f *feed) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.readers) > 0
}

func (f *feed) publish(kind string, seq uint64, v any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.readers) == 0 {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		return // these are types of ours
	}
	m := Message{Kind: kind, Seq: seq, Data: b}
	for r := range f.readers {
		r.put(m)
	}
}

// put gives a reader an event. After one was lost, all that it gets is a reset, as soon as there is room.
func (r *Reader) put(m Message) {
	if r.slow {
		m = Message{Kind: "reset", Data: []byte("{}")}
	}
	select {
	case r.C <- m:
		r.slow = false
	default:
		r.slow = true
	}
}
