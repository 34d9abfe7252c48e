package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"heddle.example/internal/credentials"
	"heddle.example/internal/keyset"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Errors that callers branch on.
var (
	ErrConflict = errors.New("bootstrap: conflict")
	ErrExists   = errors.New("bootstrap: the endpoint has a configuration already")
	ErrNotFound = errors.New("bootstrap: no such configuration")
	ErrFull     = errors.New("bootstrap: there are too many configurations")
)

// Tables of this package: the configurations, by endpoint, and what became of each one's sessions.
const (
	Table       machine.Table = "bootstrap.configuration"
	ResultTable machine.Table = "bootstrap.result"
)

const tableMost = 1_000_000

// Store is what keeps the table; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// LocalServer is the LwM2M server that runs in the same program.
type LocalServer interface {
	// IsLocal reports whether a Server URI leads to it.
	IsLocal(uri string) bool
	Get(endpoint string) (credentials.Credential, bool)
	ByIdentity(identity []byte) (server.Credential, bool)
	Put(c server.Credential, fresh bool) (created bool, err error)
	PutAll(items []server.Credential, on credentials.OnConflict) (credentials.Result, error)
}

// Configurations is the table. Its methods are safe for use by many goroutines; those that change something return after
// the change is on disk.
type Configurations struct {
	store    Store
	registry func() *registry.Registry
	local    LocalServer // nil: none
	now      func() time.Time
	change   func(identities []string)

	// writing is held by who changes something, so that a check still holds when the change is made.
	writing sync.Mutex

	mu         sync.RWMutex
	byEndpoint map[string]*Configuration
	byIdentity map[string]*Configuration
	groups     []*Configuration  // the longest prefix first
	given      map[string]string // the group that gave a device its credentials on this program's own server
	counts     map[string]int    // of them, by group
	sorted     keyset.Set[*Configuration]
}

// Options of Open.
type Options struct {
	Store    Store
	Registry func() *registry.Registry
	Local    LocalServer
	Now      func() time.Time
}

// Open loads the table.
func Open(o Options) (*Configurations, error) {
	t := &Configurations{store: o.Store, registry: o.Registry, local: o.Local, now: o.Now, byEndpoint: map[string]*Configuration{}, byIdentity: map[string]*Configuration{},
		sorted: keyset.New(func(c *Configuration) string { return c.Endpoint }), change: func([]string) {}}
	err := o.Store.Load(Table, func(key, value []byte) error {
		c, err := decode(value)
		if err != nil {
			return fmt.Errorf("row %q: %w", bytes.ToValidUTF8(key, []byte("?")), err)
		}
		t.replace(nil, c)
		return nil
	})
	if err == nil {
		err = t.loadGiven()
	}
	if err != nil {
		return nil, fmt.Errorf("bootstrap: the stored configurations cannot be read: %w", err)
	}
	return t, nil
}

// OnChange names who is told which identities have another key, or none any more.
func (t *Configurations) OnChange(f func(identities []string)) { t.change = f }

// Len returns how many there are.
func (t *Configurations) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byEndpoint)
}

// Get returns the configuration that is stored under a name.
func (t *Configurations) Get(endpoint string) (*Configuration, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.byEndpoint[endpoint]
	return c, c != nil
}

// List returns up to limit configurations after a name (empty: the first) whose name or identities contain text.
func (t *Configurations) List(after, text string, limit int) []*Configuration {
	text = strings.ToLower(text)
	list := []*Configuration{}
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.sorted.After(after, func(c *Configuration) bool {
		if c.contains(text) {
			list = append(list, c)
		}
		return len(list) < limit
	})
	return list
}

// Count returns how many there are, the default aside, and how many of them List would return.
func (t *Configurations) Count(text string) (total, matched int) {
	text = strings.ToLower(text)
	t.mu.RLock()
	defer t.mu.RUnlock()
	if total = len(t.byEndpoint); t.byEndpoint[Default] != nil {
		total--
	}
	if text == "" {
		return total, total
	}
	t.sorted.After("", func(c *Configuration) bool {
		if c.Endpoint != Default && c.contains(text) {
			matched++
		}
		return true
	})
	return total, matched
}

func (c *Configuration) contains(text string) bool {
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	return text == "" || has(c.Endpoint) || has(c.Reach.Identity) || slices.ContainsFunc(c.Servers, func(s Server) bool { return has(s.Identity) || has(s.URI) })
}

// Put stores a configuration in place of one of the same name, and reports whether it is new. With fresh, a name that has
// one already is ErrExists. Where a server is this very program's, the device's credentials are stored with it.
func (t *Configurations) Put(c *Configuration, fresh bool) (stored *Configuration, created bool, err error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	c, old, err := t.prepare(c, fresh)
	if err != nil {
		return nil, false, err
	}
	if err := t.enter(c); err != nil {
		return nil, false, err
	}
	if err := t.commit([]*Configuration{c}); err != nil {
		return nil, false, err
	}
	t.take(old, c)
	return c, old == nil, nil
}

// take makes a change that is on disk hold, and tells whose key it changed.
func (t *Configurations) take(old, c *Configuration) {
	t.mu.Lock()
	t.replace(old, c)
	t.mu.Unlock()
	if old != nil && old.Reach.Mode == machine.PSK && (c == nil || c.Disabled || c.Reach.Identity != old.Reach.Identity || !bytes.Equal(c.Reach.Key, old.Reach.Key)) {
		t.change([]string{old.Reach.Identity})
	}
}

// replace takes old out (nil: there was none) and puts c in (nil: none). The caller holds the lock.
func (t *Configurations) replace(old, c *Configuration) {
	if old != nil {
		delete(t.byEndpoint, old.Endpoint)
		if t.byIdentity[old.Reach.Identity] == old {
			delete(t.byIdentity, old.Reach.Identity)
		}
		t.sorted.Remove(old.Endpoint)
		t.groups = slices.DeleteFunc(t.groups, func(g *Configuration) bool { return g == old })
	}
	if c == nil {
		return
	}
	t.byEndpoint[c.Endpoint] = c
	if c.Reach.Mode == machine.PSK {
		t.byIdentity[c.Reach.Identity] = c
	}
	t.sorted.Add(c)
	if c.Group() {
		i, _ := slices.BinarySearchFunc(t.groups, c, func(a, b *Configuration) int {
			if len(a.Endpoint) != len(b.Endpoint) {
				return len(b.Endpoint) - len(a.Endpoint)
			}
			return strings.Compare(a.Endpoint, b.Endpoint)
		})
		t.groups = slices.Insert(t.groups, i, c)
	}
}

// Delete removes a configuration. The credentials that a device was given stay.
func (t *Configurations) Delete(endpoint string) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	old, ok := t.Get(endpoint)
	if !ok {
		return fmt.Errorf("%w: %s", ErrNotFound, endpoint)
	}
	done := make(chan error, 1)
	t.store.Append([]machine.Record{{Table: Table, Key: []byte(endpoint)}, {Table: ResultTable, Key: []byte(endpoint)}}, func(err error) { done <- err })
	t.take(old, nil) // a removed key stops working at once, stored or not
	if err := <-done; err != nil {
		return notStored(err)
	}
	return nil
}

// commit makes configurations durable.
func (t *Configurations) commit(list []*Configuration) error {
	records := make([]machine.Record, len(list))
	for i, c := range list {
		records[i] = machine.Record{Table: Table, Key: []byte(c.Endpoint), Value: encode(c)}
	}
	done := make(chan error, 1)
	t.store.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		return notStored(err)
	}
	return nil
}

func notStored(err error) error {
	return fmt.Errorf("bootstrap: the change is not on disk: %w", err)
}
