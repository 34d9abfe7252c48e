package topology

import (
	"slices"
	"sync"

	"heddle.example/machine"
)

// ears are those who listen to the events of one node each.
type ears struct {
	mu   sync.Mutex
	list []*ear
}

type ear struct {
	node func() int // called in the owner
	f    func(now machine.Time, a machine.Action)
}

func (e *ears) add(node func() int, f func(now machine.Time, a machine.Action)) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := &ear{node, f}
	e.list = append(e.list, x)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.list = slices.DeleteFunc(e.list, func(o *ear) bool { return o == x })
	}
}

func (e *ears) tell(node int, now machine.Time, a machine.Action) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if x.node() == node {
			x.f(now, a)
		}
	}
}
