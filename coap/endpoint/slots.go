package endpoint

// slots is a table whose entries are named by index and generation, so that a late name of a freed entry is found out.
type slots[T any] struct {
	entries []slot[T]
	free    []uint32
	n       int
}

type slot[T any] struct {
	value      *T
	generation uint32
}

// take returns an unused entry, its memory used again, and its name.
func (s *slots[T]) take() (x *T, index, generation uint32) {
	if n := len(s.free); n > 0 {
		index = s.free[n-1]
		s.free = s.free[:n-1]
	} else {
		index = uint32(len(s.entries))
		s.entries = append(s.entries, slot[T]{value: new(T)})
	}
	e := &s.entries[index]
	if e.generation++; e.generation&1 == 0 {
		e.generation++ // odd: in use
	}
	s.n++
	return e.value, index, e.generation
}

// get returns the entry with a name, or nil.
func (s *slots[T]) get(index, generation uint32) *T {
	if generation&1 == 0 || int(index) >= len(s.entries) || s.entries[index].generation != generation {
		return nil
	}
	return s.entries[index].value
}

func (s *slots[T]) put(index uint32) {
	s.entries[index].generation++
	s.free = append(s.free, index)
	s.n--
}
