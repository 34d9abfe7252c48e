package serve

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A server is idle most of the time, with many devices that say little. What a burst of registrations left behind would
// stay resident then: the collector lets the heap grow to twice of what lives, and runs only when something is allocated.
// So memory is given back when it is quiet.
const (
	memoryLook    = 2 * time.Second
	memoryLeast   = 4 << 20 // bytes that are worth a collection
	memoryPortion = 4       // or this part of what lives
	memoryQuiet   = 1 << 20 // bytes allocated between two looks: quiet
)

// memory watches what the program holds and what it needs.
type memory struct {
	sample [4]metrics.Sample
	allocs uint64 // at the last look
	last   uint64 // allocs at the last release
	live   uint64 // after the last release
	fresh  bool   // the last look found a release to be due
}

func newMemory() *memory {
	m := new(memory)
	for i, name := range []string{"/gc/heap/allocs:bytes", "/gc/heap/live:bytes", "/memory/classes/total:bytes", "/memory/classes/heap/released:bytes"} {
		m.sample[i].Name = name
	}
	return m
}

// due reports whether it is quiet and a release is worth its collection.
func (m *memory) due() bool {
	metrics.Read(m.sample[:])
	allocs, live := m.sample[0].Value.Uint64(), m.sample[1].Value.Uint64()
	quiet := allocs-m.allocs < max(memoryQuiet, live/16)
	m.allocs = allocs
	if m.fresh {
		m.live, m.fresh = live, false
	}
	held, worth := m.sample[2].Value.Uint64()-m.sample[3].Value.Uint64(), max(memoryLeast, live/memoryPortion)
	// Not all that is held beyond what lives can be given back, so there must be news, too: more was allocated since, or
	// less lives (the runtime collects every two minutes, whatever happens).
	news := allocs-m.last >= worth || live+worth <= m.live
	if !quiet || !news || held-min(held, live) < worth {
		return false
	}
	m.last, m.fresh = allocs, true
	return true
}

// giveBack returns memory to the system when it is quiet, until ctx ends.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	m := newMemory()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if m.due() {
				debug.FreeOSMemory()
			}
		}
	}
}
