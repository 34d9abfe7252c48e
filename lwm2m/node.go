package lwm2m

import "slices"

// Entry is one value with its place: a resource (depth 3), a resource instance (depth 4), or, with a Value of kind None,
// an object, object instance or multiple resource that is there and empty.
type Entry struct {
	Path  Path
	Value Value
	Time  int64 // nanoseconds since the Unix epoch when the value was measured; 0: not said
}

// Node is what was read or is to be written at a path: its entries, flat, in the order of Compare.
type Node struct {
	Path    Path
	Entries []Entry
}

// Compare orders entries by path and then by time.
func (e Entry) Compare(f Entry) int {
	if c := e.Path.Compare(f.Path); c != 0 {
		return c
	}
	switch {
	case e.Time < f.Time:
		return -1
	case e.Time > f.Time:
		return 1
	}
	return 0
}

// Sort brings entries into the order of Compare.
func Sort(entries []Entry) {
	if !slices.IsSortedFunc(entries, Entry.Compare) {
		slices.SortStableFunc(entries, Entry.Compare)
	}
}

// Get returns the newest value at a path of a sorted list of entries.
func Get(entries []Entry, p Path) (Value, bool) {
	i, _ := slices.BinarySearchFunc(entries, p, func(e Entry, p Path) int { return e.Path.Compare(p) })
	if i == len(entries) || entries[i].Path != p {
		return Value{}, false
	}
	for i+1 < len(entries) && entries[i+1].Path == p {
		i++
	}
	return entries[i].Value, true
}
