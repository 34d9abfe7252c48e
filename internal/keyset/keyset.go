// Package keyset is an ordered index of rows by name, for lists that are read page by page while they change.
package keyset

import (
	"slices"
	"strings"
)

// Set is the rows in the order of their names, in chunks: an insertion moves one chunk, not a million pointers. It has no
// lock of its own.
type Set[T any] struct {
	name   func(T) string
	chunks [][]T
	count  int
}

const chunkMost = 512

// New returns an empty set; name gives a row's name, which never changes.
func New[T any](name func(T) string) Set[T] { return Set[T]{name: name} }

// Len returns how many rows there are.
func (s *Set[T]) Len() int { return s.count }

func (s *Set[T]) chunk(name string) int {
	i, found := slices.BinarySearchFunc(s.chunks, name, func(c []T, n string) int { return strings.Compare(s.name(c[0]), n) })
	if !found && i > 0 {
		i--
	}
	return i
}

func (s *Set[T]) place(c []T, name string) (int, bool) {
	return slices.BinarySearchFunc(c, name, func(r T, n string) int { return strings.Compare(s.name(r), n) })
}

// Add puts a row in; a row of the same name is replaced.
func (s *Set[T]) Add(r T) {
	if len(s.chunks) == 0 {
		s.chunks, s.count = [][]T{{r}}, 1
		return
	}
	i := s.chunk(s.name(r))
	at, found := s.place(s.chunks[i], s.name(r))
	if found {
		s.chunks[i][at] = r
		return
	}
	s.count++
	c := slices.Insert(s.chunks[i], at, r)
	s.chunks[i] = c
	if len(c) > chunkMost {
		half := slices.Clone(c[chunkMost/2:])
		clear(c[chunkMost/2:])
		s.chunks[i] = c[:chunkMost/2]
		s.chunks = slices.Insert(s.chunks, i+1, half)
	}
}

// Remove takes the row of a name out.
func (s *Set[T]) Remove(name string) {
	if len(s.chunks) == 0 {
		return
	}
	i := s.chunk(name)
	at, found := s.place(s.chunks[i], name)
	if !found {
		return
	}
	s.count--
	s.chunks[i] = slices.Delete(s.chunks[i], at, at+1)
	if len(s.chunks[i]) == 0 {
		s.chunks = slices.Delete(s.chunks, i, i+1)
	}
}

// Get returns the row of a name.
func (s *Set[T]) Get(name string) (r T, ok bool) {
	if len(s.chunks) == 0 {
		return r, false
	}
	c := s.chunks[s.chunk(name)]
	at, found := s.place(c, name)
	if !found {
		return r, false
	}
	return c[at], true
}

// After calls f with the rows after a name (empty: all), in order, until it says stop.
func (s *Set[T]) After(name string, f func(T) bool) {
	if len(s.chunks) == 0 {
		return
	}
	for i := s.chunk(name); i < len(s.chunks); i++ {
		c := s.chunks[i]
		at, found := s.place(c, name)
		if found {
			at++
		}
		for _, r := range c[at:] {
			if !f(r) {
				return
			}
		}
	}
}
