package endpoint

import "math/bits"

// slab lends values that do not move, a chunk at a time, and gives a chunk back when nothing of it is lent any more. So
// what comes and goes with traffic leaves no holes between what stays. A value is named by a number from 1.
type slab[T any] struct {
	chunks []slabChunk[T]
	size   int // values of a chunk; the first one is small, for an endpoint that has few
	room   int // chunk with room, 1 + its number; 0: none
	bare   int // chunk without memory
	idle   int // a chunk that nothing of is lent; only one keeps its memory
	n      int
}

type slabChunk[T any] struct {
	items      []T
	free       uint64 // bit i: items[i] is free
	next, prev int    // on the list of those with room, or without memory
}

const (
	slabSpan  = 64 // numbers of a chunk
	slabFirst = 4
)

func (c *slabChunk[T]) all() uint64 { return 1<<len(c.items) - 1 }

func (s *slab[T]) at(slot uint32) *T {
	return &s.chunks[(slot-1)/slabSpan].items[(slot-1)%slabSpan]
}

// take lends a zero value.
func (s *slab[T]) take() (*T, uint32) {
	if s.room == 0 {
		s.grow()
	}
	k := s.room
	c := &s.chunks[k-1]
	i := bits.TrailingZeros64(c.free)
	c.free &^= 1 << i
	if s.idle == k {
		s.idle = 0
	}
	if c.free == 0 {
		s.leave(k)
	}
	s.n++
	return &c.items[i], uint32((k-1)*slabSpan+i) + 1
}

func (s *slab[T]) grow() {
	k := s.bare
	if k != 0 {
		s.bare = s.chunks[k-1].next
	} else {
		s.chunks = append(s.chunks, slabChunk[T]{})
		k = len(s.chunks)
	}
	c := &s.chunks[k-1]
	size := s.size
	if k == 1 {
		size = min(size, slabFirst)
	}
	*c = slabChunk[T]{items: make([]T, size)}
	c.free = c.all()
	s.enter(k)
}

// enter puts a chunk on the list of those with room, leave takes it off.
func (s *slab[T]) enter(k int) {
	c := &s.chunks[k-1]
	c.prev, c.next = 0, s.room
	if s.room != 0 {
		s.chunks[s.room-1].prev = k
	}
	s.room = k
}

func (s *slab[T]) leave(k int) {
	c := &s.chunks[k-1]
	if c.prev != 0 {
		s.chunks[c.prev-1].next = c.next
	} else {
		s.room = c.next
	}
	if c.next != 0 {
		s.chunks[c.next-1].prev = c.prev
	}
	c.prev, c.next = 0, 0
}

// put takes a value back.
func (s *slab[T]) put(slot uint32) {
	k, i := int((slot-1)/slabSpan)+1, (slot-1)%slabSpan
	c := &s.chunks[k-1]
	var zero T
	c.items[i] = zero
	if c.free == 0 {
		s.enter(k)
	}
	c.free |= 1 << i
	s.n--
	switch {
	case c.free != c.all():
	case s.idle == 0:
		s.idle = k
	default:
		s.leave(k)
		*c = slabChunk[T]{next: s.bare}
		s.bare = k
	}
}

// each calls f with all that is lent.
func (s *slab[T]) each(f func(*T)) {
	for k := range s.chunks {
		c := &s.chunks[k]
		for lent := c.all() &^ c.free; lent != 0; lent &= lent - 1 {
			f(&c.items[bits.TrailingZeros64(lent)])
		}
	}
}
