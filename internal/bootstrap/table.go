package bootstrap

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"heddle.example/internal/credentials"
	"heddle.example/internal/keyset"
	"heddle.example/lwm2m/bootstrap"
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

// Key returns the key of an identity by which devices reach this server.
func (t *Configurations) Key(identity []byte) ([]byte, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	c := t.byIdentity[string(identity)]
	if c == nil || c.Disabled {
		return nil, false
	}
	return c.Reach.Key, true
}

// Match returns the configuration for an endpoint: its own, else that of the longest group, else the default.
func (t *Configurations) Match(endpoint string) *Configuration {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if c := t.byEndpoint[endpoint]; c != nil && !c.Group() && !c.Disabled {
		return c
	}
	for _, c := range t.groups {
		if !c.Disabled && c.Matches(endpoint) {
			return c
		}
	}
	return nil
}

// Resolve says who asks and what it is given: its name and configuration, or why it gets nothing.
func (t *Configurations) Resolve(endpoint string, who *machine.Identity) (string, *Configuration, *bootstrap.Refusal) {
	const unknown = "unknown endpoint"
	if who == nil {
		c := t.Match(endpoint)
		switch {
		case strings.HasSuffix(endpoint, "*"):
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "a name that ends in * is a group's"}
		case c == nil:
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "no configuration is for this endpoint: add one, or switch the default on"}
		case c.Reach.Mode != machine.NoSecurity:
			return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "this endpoint must use its identity and key, on the secure port"}
		}
		return endpoint, c, nil
	}
	t.mu.RLock()
	own := t.byIdentity[who.Name]
	t.mu.RUnlock()
	switch {
	case own == nil || own.Disabled || own.Reach.Mode != who.Kind:
		return "", nil, &bootstrap.Refusal{Why: unknown, Secret: "the identity belongs to no configuration"}
	case endpoint == "" && own.Group():
		return "", nil, &bootstrap.Refusal{Why: "ep is missing"}
	case endpoint == "":
		return own.Endpoint, own, nil
	}
	if strings.HasSuffix(endpoint, "*") || t.Match(endpoint) != own {
		return "", nil, &bootstrap.Refusal{Why: unknown, Secret: fmt.Sprintf("the identity belongs to the configuration of %q, not to this endpoint", own.Endpoint)}
	}
	return endpoint, own, nil
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

// prepare completes a configuration from the one that it replaces, and checks it.
func (t *Configurations) prepare(c *Configuration, fresh bool) (complete, old *Configuration, err error) {
	copied := *c
	c = &copied
	c.Servers = slices.Clone(c.Servers)
	old, _ = t.Get(c.Endpoint)
	if old != nil && fresh {
		return nil, nil, fmt.Errorf("%w: %s", ErrExists, c.Endpoint)
	}
	if old == nil && t.Len() >= tableMost {
		return nil, nil, ErrFull
	}
	c.keep(old)
	c.UpdatedAt = t.now().UTC()
	if c.CreatedAt = c.UpdatedAt; old != nil {
		c.CreatedAt = old.CreatedAt
	}
	if t.local == nil {
		for i := range c.Servers {
			if c.Servers[i].Local {
				return nil, nil, &Invalid{[]Item{{fmt.Sprintf("servers[%d].local", i), "no LwM2M server runs in this program: heddle server --bootstrap runs both"}}}
			}
		}
	} else {
		for i := range c.Servers {
			c.Servers[i].Local = c.Servers[i].Local || t.local.IsLocal(c.Servers[i].URI)
		}
	}
	if err := Check(c, t.registry()); err != nil {
		return nil, nil, err
	}
	if c.Reach.Mode == machine.PSK {
		t.mu.RLock()
		holder := t.byIdentity[c.Reach.Identity]
		t.mu.RUnlock()
		if holder != nil && holder.Endpoint != c.Endpoint {
			return nil, nil, fmt.Errorf("%w: account.identity %q belongs to the configuration of %q; each has its own", ErrConflict, c.Reach.Identity, holder.Endpoint)
		}
	}
	return c, old, t.fits(c)
}

// keep takes over the keys that are left out, as they are where a person edits a configuration, and makes those that are
// to be generated.
func (c *Configuration) keep(old *Configuration) {
	if old != nil {
		c.Secret = old.Secret
		if r := &c.Reach; r.Mode == machine.PSK && len(r.Key) == 0 && old.Reach.Mode == machine.PSK {
			r.Key = old.Reach.Key
		}
	}
	if len(c.Secret) == 0 {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret)
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		if s.Mode != machine.PSK {
			continue
		}
		if old != nil && len(s.Key) == 0 && (!s.Generate || c.Group()) {
			for _, o := range old.Servers {
				if o.ShortID == s.ShortID && o.Mode == machine.PSK {
					s.Key = o.Key
				}
			}
		}
		switch {
		case c.Group():
			// Each device has an identity and a key of its own, whatever a person leaves open.
			if s.Generate = true; s.Identity == "" || s.Identity == c.Endpoint {
				s.Identity = Placeholder
			}
		case s.Generate:
			s.Generate = false
			s.Key = make([]byte, 16)
			rand.Read(s.Key)
		}
	}
}

// fits reports whether this program's own server would take the device as the configuration has it.
func (t *Configurations) fits(c *Configuration) error {
	s := c.local()
	if s == nil || c.Group() {
		return nil
	}
	return t.admits(c.Endpoint, s)
}

func (t *Configurations) admits(endpoint string, s *Server) error {
	if s.Mode != machine.PSK {
		if _, has := t.local.Get(endpoint); has {
			return fmt.Errorf("%w: %q has credentials on this server, so it would refuse the device without them; give it mode psk, or remove the credentials", ErrConflict, endpoint)
		}
		return nil
	}
	identity := s.identity(endpoint)
	if holder, ok := t.local.ByIdentity([]byte(identity)); ok && holder.Endpoint != endpoint {
		return fmt.Errorf("%w: identity %q belongs to endpoint %q on this server; each device needs its own", ErrConflict, identity, holder.Endpoint)
	}
	return nil
}

// entry returns the credentials that a device needs on this program's own server and does not have there yet.
func (t *Configurations) entry(c *Configuration) (cr server.Credential, wanted bool) {
	s := c.local()
	if s == nil || c.Group() || s.Mode != machine.PSK {
		return cr, false
	}
	cr = server.Credential{Endpoint: c.Endpoint, Identity: s.identity(c.Endpoint), Key: s.Key, Mode: machine.PSK}
	have, ok := t.local.Get(c.Endpoint)
	return cr, !ok || have.Identity != cr.Identity || !bytes.Equal(have.Key, cr.Key)
}

// enter stores the credentials of a device on this program's own server.
func (t *Configurations) enter(c *Configuration) error {
	cr, wanted := t.entry(c)
	if !wanted {
		return nil
	}
	_, err := t.local.Put(cr, false)
	return err
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

// ItemError is why one item of a bulk was not added.
type ItemError struct {
	Index int
	Err   error
}

// Result of a bulk.
type Result struct {
	Added, Replaced, Skipped int
	Errors                   []ItemError
}

// item is a configuration of a bulk on its way into the table.
type item struct {
	index  int
	c, old *Configuration
}

// PutAll adds many configurations in one commit. A bad item is reported and does not keep the others out.
func (t *Configurations) PutAll(items []*Configuration, on credentials.OnConflict) (Result, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	var res Result
	var good []item
	names, identities := map[string]bool{}, map[string]bool{}
	for i, it := range items {
		c, old, err := t.prepare(it, on != credentials.Replace)
		if err == nil && (names[c.Endpoint] || c.Reach.Mode == machine.PSK && identities[c.Reach.Identity]) {
			err = fmt.Errorf("%w: an item before it has the same endpoint or bootstrap identity", ErrConflict)
		}
		switch {
		case on == credentials.Skip && errors.Is(err, ErrExists):
			res.Skipped++
			continue
		case err != nil:
			res.Errors = append(res.Errors, ItemError{i, err})
			continue
		}
		names[c.Endpoint] = true
		if c.Reach.Mode == machine.PSK {
			identities[c.Reach.Identity] = true
		}
		good = append(good, item{i, c, old})
	}
	good, err := t.enterAll(good, &res)
	if err != nil || len(good) == 0 {
		return res, err
	}
	changed := make([]*Configuration, len(good))
	for i, g := range good {
		changed[i] = g.c
	}
	if err := t.commit(changed); err != nil {
		return Result{}, err
	}
	for _, g := range good {
		if g.old != nil {
			res.Replaced++
		} else {
			res.Added++
		}
		t.take(g.old, g.c)
	}
	slices.SortFunc(res.Errors, func(a, b ItemError) int { return a.Index - b.Index })
	return res, nil
}

// enterAll stores the credentials of many devices in one commit, and leaves those that have none out.
func (t *Configurations) enterAll(good []item, res *Result) ([]item, error) {
	var all []server.Credential
	var of []int // the item that each belongs to
	for i, g := range good {
		if cr, wanted := t.entry(g.c); wanted {
			all, of = append(all, cr), append(of, i)
		}
	}
	if len(all) == 0 {
		return good, nil
	}
	r, err := t.local.PutAll(all, credentials.Replace)
	if err != nil {
		return nil, err
	}
	failed := map[int]bool{}
	for _, e := range r.Errors {
		i := of[e.Index]
		failed[i] = true
		res.Errors = append(res.Errors, ItemError{good[i].index, e.Err})
	}
	var keep []item
	for i, g := range good {
		if !failed[i] {
			keep = append(keep, g)
		}
	}
	return keep, nil
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
