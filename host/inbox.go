package host

import (
	"sync"
	"sync/atomic"

	"heddle.example/machine"
)

// inbox holds the functions that wait for the owner. It has a lock of its own, so that Post never waits for a turn.
type inbox struct {
	mu      sync.Mutex
	queue   []func(machine.Time)
	head    int
	limit   int
	closed  bool
	waiting atomic.Int64 // read by the owner at each turn without the lock
	refused atomic.Uint64
}

func (i *inbox) put(f func(machine.Time)) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || len(i.queue)-i.head >= i.limit {
		i.refused.Add(1)
		return false
	}
	i.queue = append(i.queue, f)
	i.waiting.Add(1)
	return true
}

// take returns the oldest function. Only the owner calls it, and only when len() > 0.
func (i *inbox) take() func(machine.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := i.queue[i.head]
	i.queue[i.head] = nil
	if i.head++; i.head == len(i.queue) {
		i.queue, i.head = i.queue[:0], 0
	}
	i.waiting.Add(-1)
	return f
}

func (i *inbox) len() int { return int(i.waiting.Load()) }

func (i *inbox) close() {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
}
