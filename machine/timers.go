package machine

// TimerID names a timer of a Timers table. Zero is none.
type TimerID uint32

// Timers is a table of timers, each with a key that says what it is for: a heap with four children a node, ordered by
// instant and then by order of setting, so that equal instants fire in a fixed order. It allocates only to grow.
type Timers[K any] struct {
	heap  []timerEntry
	slots []timerSlot[K]
	free  TimerID
	order uint64
}

type timerEntry struct {
	at    Time
	order uint64
	id    TimerID
}

type timerSlot[K any] struct {
	key  K
	pos  int32   // index in heap, or -1
	next TimerID // free list
}

// Set arms timer id for the instant at, or a new timer where id is zero, and returns its id. Setting for Never stops it.
func (t *Timers[K]) Set(id TimerID, at Time, key K) TimerID {
	if at == Never {
		t.Stop(id)
		return 0
	}
	t.order++
	if id == 0 {
		id = t.alloc()
		t.slots[id-1].key = key
		t.heap = append(t.heap, timerEntry{at, t.order, id})
		t.up(len(t.heap) - 1)
		return id
	}
	s := &t.slots[id-1]
	s.key = key
	i := int(s.pos)
	t.heap[i].at, t.heap[i].order = at, t.order
	if !t.up(i) {
		t.down(i)
	}
	return id
}

// Stop disarms and frees a timer. Zero is ignored.
func (t *Timers[K]) Stop(id TimerID) {
	if id == 0 {
		return
	}
	t.remove(int(t.slots[id-1].pos))
}

// At returns when timer id fires.
func (t *Timers[K]) At(id TimerID) Time {
	if id == 0 {
		return Never
	}
	return t.heap[t.slots[id-1].pos].at
}

// Len returns how many timers are armed.
func (t *Timers[K]) Len() int { return len(t.heap) }

// Deadline returns the earliest instant, or Never.
func (t *Timers[K]) Deadline() Time {
	if len(t.heap) == 0 {
		return Never
	}
	return t.heap[0].at
}

// Pop removes the earliest timer if it is due, and returns its key. The timer's id is free afterwards.
func (t *Timers[K]) Pop(now Time) (key K, ok bool) {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return key, false
	}
	key = t.slots[t.heap[0].id-1].key
	t.remove(0)
	return key, true
}

func (t *Timers[K]) alloc() TimerID {
	if id := t.free; id != 0 {
		t.free = t.slots[id-1].next
		return id
	}
	t.slots = append(t.slots, timerSlot[K]{})
	return TimerID(len(t.slots))
}

func (t *Timers[K]) remove(i int) {
	id := t.heap[i].id
	last := len(t.heap) - 1
	if i != last {
		t.heap[i] = t.heap[last]
		t.heap = t.heap[:last]
		if !t.up(i) {
			t.down(i)
		}
	} else {
		t.heap = t.heap[:last]
	}
	var zero K
	t.slots[id-1] = timerSlot[K]{key: zero, pos: -1, next: t.free}
	t.free = id
}

func (e timerEntry) less(f timerEntry) bool {
	return e.at < f.at || e.at == f.at && e.order < f.order
}

// up restores the order towards the root, writes the positions of all that moved, and reports whether i moved.
func (t *Timers[K]) up(i int) bool {
	e, from := t.heap[i], i
	for i > 0 {
		p := (i - 1) / 4
		if !e.less(t.heap[p]) {
			break
		}
		t.heap[i] = t.heap[p]
		t.slots[t.heap[i].id-1].pos = int32(i)
		i = p
	}
	t.heap[i] = e
	t.slots[e.id-1].pos = int32(i)
	return i != from
}

func (t *Timers[K]) down(i int) {
	e := t.heap[i]
	for {
		first := 4*i + 1
		if first >= len(t.heap) {
			break
		}
		best := first
		for c := first + 1; c < min(first+4, len(t.heap)); c++ {
			if t.heap[c].less(t.heap[best]) {
				best = c
			}
		}
		if !t.heap[best].less(e) {
			break
		}
		t.heap[i] = t.heap[best]
		t.slots[t.heap[i].id-1].pos = int32(i)
		i = best
	}
	t.heap[i] = e
	t.slots[e.id-1].pos = int32(i)
}
