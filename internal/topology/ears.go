package topology

import (
	"sync"

	"heddle.example/machine"
)

// ears are those who listen to the events of one node.
type ears struct {
	mu   sync.Mutex
	next int
	list map[int]map[int]func(now machine.Time, a machine.Action) // by node, and by number
}

func (e *ears) add(node int, f func(now machine.Time, a machine.Action)) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.list == nil {
		e.list = map[int]map[int]func(machine.Time, machine.Action){}
	}
	if e.list[node] == nil {
		e.list[node] = map[int]func(machine.Time, machine.Action){}
	}
	e.next++
	n := e.next
	e.list[node][n] = f
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.list[node], n)
	}
}

func (e *ears) tell(node int, now machine.Time, a machine.Action) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.list[node] {
		f(now, a)
	}
}
