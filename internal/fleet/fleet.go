// Package fleet is what the program knows of all devices without asking a shard: who is registered and how it is, the last
// known values, and the recent messages of the devices that someone looks at. Shards write it, lists and pages read it,
// and each change becomes an event for those who follow.
package fleet

import (
	"sync"
	"sync/atomic"

	"heddle.example/internal/keyset"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Options of a Fleet.
type Options struct {
	Hub      *stream.Hub
	Registry func() *registry.Registry
	Now      func() machine.Time
	// Notes returns what people wrote about an endpoint, tags sorted. Nil: nothing.
	Notes func(endpoint string) (note string, tags []string)
	// Watch asks all shards to log an endpoint's messages, or to stop. Nil: there is no log.
	Watch func(endpoint string, on bool)
}

// Fleet is all devices. Its methods are safe for use by many goroutines.
type Fleet struct {
	o Options

	mu      sync.RWMutex
	rows    keyset.Set[*row]
	byName  map[string]*row
	details map[string]*detail // of endpoints with values, also those that are away for the moment
	order   []string           // endpoints with details, oldest first, to bound them
	past    map[string]bool    // endpoints that were registered since the program started and are not now

	kinds    kindCache
	counts   countCache
	watching watching
	refusals refusals
	nats     nats
}

// row is small: there may be a million.
type row struct {
	reg     atomic.Pointer[server.Registration]
	updated atomic.Int64  // machine.Time of the last Register or Update
	seen    atomic.Int64  // machine.Time of the last message that we know of
	pending atomic.Int32  // operations under way
	line    atomic.Uint32 // of queue mode: see line
}

// New returns an empty fleet.
func New(o Options) *Fleet {
	if o.Notes == nil {
		o.Notes = func(string) (string, []string) { return "", nil }
	}
	f := &Fleet{o: o, rows: keyset.New(func(r *row) string { return r.reg.Load().Endpoint }), byName: map[string]*row{}, details: map[string]*detail{}, past: map[string]bool{}}
	f.watching.init()
	f.refusals.init()
	return f
}

// pastMost bounds the memory of devices that have gone: strangers can register and leave.
const pastMost = 100_000

func (f *Fleet) row(endpoint string) *row {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byName[endpoint]
}

// Registration returns the registration of an endpoint, or nil.
func (f *Fleet) Registration(endpoint string) *server.Registration {
	if r := f.row(endpoint); r != nil {
		return r.reg.Load()
	}
	return nil
}

// Len returns how many devices are registered.
func (f *Fleet) Len() int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.rows.Len()
}

func (r *row) heard(at machine.Time) {
	for {
		old := r.seen.Load()
		if int64(at) <= old || r.seen.CompareAndSwap(old, int64(at)) {
			return
		}
	}
}

// Restored puts in a registration that a restarted shard has brought back. It makes no event.
func (f *Fleet) Restored(reg *server.Registration, now machine.Time) { f.put(reg, now) }

func (f *Fleet) put(reg *server.Registration, at machine.Time) *row {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.byName[reg.Endpoint]
	if r == nil {
		r = new(row)
		r.reg.Store(reg)
		f.byName[reg.Endpoint] = r
		f.rows.Add(r)
		delete(f.past, reg.Endpoint)
	}
	r.reg.Store(reg)
	r.updated.Store(int64(at))
	r.heard(at)
	return r
}

// remove takes an endpoint out, unless it has registered anew since.
func (f *Fleet) remove(reg *server.Registration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.byName[reg.Endpoint]
	if r == nil || r.reg.Load().ID != reg.ID {
		return false
	}
	f.rows.Remove(reg.Endpoint)
	delete(f.byName, reg.Endpoint)
	if len(f.past) < pastMost {
		f.past[reg.Endpoint] = true
	}
	return true
}

// Began and Finished count the operations under way towards an endpoint.
func (f *Fleet) Began(endpoint string) {
	if r := f.row(endpoint); r != nil {
		r.pending.Add(1)
		f.nats.asked(endpoint, f.o.Now())
	}
}

// Finished is the end of what Began began.
func (f *Fleet) Finished(endpoint string) {
	if r := f.row(endpoint); r != nil && r.pending.Add(-1) < 0 {
		r.pending.Store(0) // it registered anew in between: the row was another one
	}
}

// Heard notes that an endpoint has answered.
func (f *Fleet) Heard(endpoint string, at machine.Time) {
	f.nats.answered(endpoint, at)
	if r := f.row(endpoint); r != nil {
		r.heard(at)
	}
}

// Now is the clock of the machines.
func (f *Fleet) Now() machine.Time { return f.o.Now() }
