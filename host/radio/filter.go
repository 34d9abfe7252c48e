package radio

import (
	"slices"
	"sync"
)

// FilterMode says what a NodeFilter does with the nodes in its list.
type FilterMode uint8

// The modes, in the words of nodeidfilter.
const (
	FilterOff FilterMode = iota
	FilterDeny
	FilterAllow
)

func (m FilterMode) String() string { return [...]string{"off", "deny-list", "allow-list"}[m%3] }

// NodeFilter says which nodes of the simulated radio are heard, by their numbers.
type NodeFilter struct {
	mu   sync.Mutex
	mode FilterMode
	list []int
}

// Get returns the mode and the nodes in the list, in order.
func (f *NodeFilter) Get() (FilterMode, []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode, slices.Clone(f.list)
}

// Clear empties the list and turns the filter off.
func (f *NodeFilter) Clear() {
	f.mu.Lock()
	f.mode, f.list = FilterOff, nil
	f.mu.Unlock()
}

// Add puts a node into the list, and reports whether it could: a list that denies does not become one that allows.
func (f *NodeFilter) Add(mode FilterMode, node int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mode != FilterOff && f.mode != mode {
		return false
	}
	f.mode = mode
	if at, found := slices.BinarySearch(f.list, node); !found {
		f.list = slices.Insert(f.list, at, node)
	}
	return true
}

func (f *NodeFilter) hears(node int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mode == FilterOff {
		return true
	}
	_, found := slices.BinarySearch(f.list, node)
	return found == (f.mode == FilterAllow)
}
