// Package definitions holds the object definitions of a running program: the built-in ones and those that were added,
// which it keeps in the store.
package definitions

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Errors that callers branch on.
var (
	ErrInvalid  = errors.New("the definition cannot be used")
	ErrNotAdded = errors.New("only definitions that were added can be removed")
)

// Table is the durable table of this package; the key is "id/version", the value JSON.
const Table machine.Table = "definitions"

// addedMost bounds the table.
const addedMost = 2000

// Store is what keeps the table; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// Definitions is safe for use by many goroutines.
type Definitions struct {
	store    Store
	onChange func(*registry.Registry)
	current  atomic.Pointer[registry.Registry]

	mu    sync.Mutex // of those who change it
	added map[string]bool
}

func key(id uint16, v lwm2m.Version) string { return fmt.Sprintf("%d/%s", id, v) }

// Open loads what was added.
func Open(store Store) (*Definitions, error) {
	d := &Definitions{store: store, added: map[string]bool{}, onChange: func(*registry.Registry) {}}
	reg := registry.Builtin()
	err := store.Load(Table, func(k, value []byte) error {
		o := new(registry.Object)
		if err := json.Unmarshal(value, o); err != nil {
			return fmt.Errorf("definition %s: %w", k, err)
		}
		reg = reg.WithObject(o)
		d.added[key(o.ID, o.Version)] = true
		return nil
	})
	d.current.Store(reg)
	return d, err
}

// OnChange names who gets the registry after each change.
func (d *Definitions) OnChange(f func(*registry.Registry)) { d.onChange = f }

// Registry returns the definitions as they are now.
func (d *Definitions) Registry() *registry.Registry { return d.current.Load() }

// Added reports whether a definition was added, and is not built in.
func (d *Definitions) Added(o *registry.Object) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.added[key(o.ID, o.Version)]
}

// Add adds the definitions of a DDF file. It returns after they are on disk.
func (d *Definitions) Add(ddf []byte) ([]*registry.Object, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next, objects, err := d.Registry().With(ddf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(d.added)+len(objects) > addedMost {
		return nil, fmt.Errorf("%w: there are %d added definitions, and no room for more", ErrInvalid, len(d.added))
	}
	var records []machine.Record
	for _, o := range objects {
		b, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		records = append(records, machine.Record{Table: Table, Key: []byte(key(o.ID, o.Version)), Value: b})
	}
	if err := d.commit(records); err != nil {
		return nil, err
	}
	for _, o := range objects {
		d.added[key(o.ID, o.Version)] = true
	}
	d.change(next)
	return objects, nil
}

// Remove takes an added definition away. A built-in one that it had replaced is back.
func (d *Definitions) Remove(id uint16, version string) error {
	v, err := lwm2m.ParseVersion(version)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	k := key(id, v)
	if !d.added[k] {
		return fmt.Errorf("%w: %d %s was not", ErrNotAdded, id, v)
	}
	if err := d.commit([]machine.Record{{Table: Table, Key: []byte(k)}}); err != nil {
		return err
	}
	delete(d.added, k)
	d.change(d.Registry().Without(id, v))
	return nil
}

func (d *Definitions) change(r *registry.Registry) {
	d.current.Store(r)
	d.onChange(r)
}

func (d *Definitions) commit(records []machine.Record) error {
	done := make(chan error, 1)
	d.store.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		return fmt.Errorf("definitions: the change is not on disk: %w", err)
	}
	return nil
}
