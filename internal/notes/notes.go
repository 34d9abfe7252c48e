// Package notes keeps what people write about devices: a note, and tags to find them by. It belongs to the endpoint, so it
// is there before a device registers, while it is away, and after its credentials have gone.
package notes

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"heddle.example/machine"
)

// Errors that callers branch on.
var (
	ErrInvalid = errors.New("notes: not valid")
	ErrFull    = errors.New("notes: there is no room for notes on more devices")
)

// Table is the durable table of this package; the key is the endpoint.
const Table machine.Table = "notes"

// Limits.
const (
	EndpointMost = 192
	NoteMost     = 4096 // bytes of one note
	TagMost      = 64   // bytes of one tag
	TagsMost     = 32   // tags of one device
	tableMost    = 2_000_000
)

// Note is what is written about one device. The zero Note is none. Tags are sorted and shared: nobody changes them.
type Note struct {
	Text string
	Tags []string
}

func (n Note) empty() bool { return n.Text == "" && len(n.Tags) == 0 }

// Store is what keeps the table; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// Notes is the table. Its methods are safe for use by many goroutines; those that change something return after the change
// is on disk.
type Notes struct {
	store Store

	writing sync.Mutex // of those who change it, so that the journal has the order of the table
	mu      sync.RWMutex
	byName  map[string]Note
	tags    map[string]*tag
}

// tag is one string for all devices that have it.
type tag struct {
	name  string
	count int
}

// Open loads the table.
func Open(store Store) (*Notes, error) {
	n := &Notes{store: store, byName: map[string]Note{}, tags: map[string]*tag{}}
	err := store.Load(Table, func(key, value []byte) error {
		note, err := decode(value)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		n.set(string(key), note)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("notes: the stored notes cannot be read: %w", err)
	}
	return n, nil
}

// Get returns what is written about an endpoint.
func (n *Notes) Get(endpoint string) Note {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.byName[endpoint]
}

// Of is Get for who does not know this package.
func (n *Notes) Of(endpoint string) (text string, tags []string) {
	note := n.Get(endpoint)
	return note.Text, note.Tags
}

// Has reports whether an endpoint has a tag.
func (n *Notes) Has(endpoint, tag string) bool {
	_, found := slices.BinarySearch(n.Get(endpoint).Tags, tag)
	return found
}

// Tag is a tag and how many devices have it.
type Tag struct {
	Name  string
	Count int
}

// Tags returns all tags that a device has, sorted.
func (n *Notes) Tags() []Tag {
	n.mu.RLock()
	list := make([]Tag, 0, len(n.tags))
	for _, t := range n.tags {
		list = append(list, Tag{t.name, t.count})
	}
	n.mu.RUnlock()
	slices.SortFunc(list, func(a, b Tag) int { return compare(a.Name, b.Name) })
	return list
}

// Tagged returns the endpoints that have a tag, sorted, registered or not: at most limit after a name.
func (n *Notes) Tagged(tag, after string, limit int) []string {
	var list []string
	n.mu.RLock()
	for endpoint, note := range n.byName {
		if endpoint <= after {
			continue
		}
		if _, found := slices.BinarySearch(note.Tags, tag); found {
			list = append(list, endpoint)
		}
	}
	n.mu.RUnlock()
	slices.Sort(list)
	return list[:min(len(list), limit)]
}

// Put replaces what is written about an endpoint; an empty note removes it. It returns the note as it is stored.
func (n *Notes) Put(endpoint string, note Note) (Note, error) {
	if err := check(endpoint, &note); err != nil {
		return Note{}, err
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	return note, n.commit([]change{{endpoint, note}})
}

// Retag adds and removes tags of many endpoints in one commit, and returns those whose tags have changed, sorted.
func (n *Notes) Retag(endpoints, add, remove []string) ([]string, error) {
	for _, t := range append(slices.Clone(add), remove...) {
		if err := checkTag(t); err != nil {
			return nil, err
		}
	}
	endpoints = slices.Clone(endpoints)
	slices.Sort(endpoints)
	n.writing.Lock()
	defer n.writing.Unlock()
	var changes []change
	var names []string
	for _, ep := range slices.Compact(endpoints) {
		old := n.Get(ep)
		note := Note{old.Text, slices.DeleteFunc(append(slices.Clone(old.Tags), add...), func(t string) bool { return slices.Contains(remove, t) })}
		if err := check(ep, &note); err != nil {
			return nil, err
		}
		if !slices.Equal(note.Tags, old.Tags) {
			changes, names = append(changes, change{ep, note}), append(names, ep)
		}
	}
	return names, n.commit(changes)
}

type change struct {
	endpoint string
	note     Note
}

// commit makes changes durable and then puts them in place. The caller holds n.writing.
func (n *Notes) commit(changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	records := make([]machine.Record, len(changes))
	fresh := 0
	for i, c := range changes {
		records[i] = machine.Record{Table: Table, Key: []byte(c.endpoint)}
		if !c.note.empty() {
			records[i].Value = encode(c.note)
			if n.Get(c.endpoint).empty() {
				fresh++
			}
		}
	}
	n.mu.RLock()
	count := len(n.byName)
	n.mu.RUnlock()
	if count+fresh > tableMost {
		return ErrFull
	}
	done := make(chan error, 1)
	n.store.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		return fmt.Errorf("notes: the change is not on disk: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range changes {
		n.set(c.endpoint, c.note)
	}
	return nil
}

// set puts a note in place. The caller holds n.mu, or nobody else knows n yet.
func (n *Notes) set(endpoint string, note Note) {
	for _, name := range n.byName[endpoint].Tags {
		if t := n.tags[name]; t != nil {
			if t.count--; t.count == 0 {
				delete(n.tags, name)
			}
		}
	}
	if note.empty() {
		delete(n.byName, endpoint)
		return
	}
	own := make([]string, len(note.Tags))
	for i, name := range note.Tags {
		t := n.tags[name]
		if t == nil {
			t = &tag{name: name}
			n.tags[name] = t
		}
		t.count++
		own[i] = t.name
	}
	n.byName[endpoint] = Note{note.Text, own}
}
