// Package credentials is the table of device credentials: which endpoint must prove which identity with which key.
package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"heddle.example/internal/keyset"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Errors that callers branch on.
var (
	ErrInvalid  = errors.New("credentials: not valid")
	ErrConflict = errors.New("credentials: the identity belongs to another endpoint")
	ErrExists   = errors.New("credentials: the endpoint has credentials already")
	ErrNotFound = errors.New("credentials: the endpoint has none")
	ErrFull     = errors.New("credentials: the table is full")
)

// Table is the durable table of this package; the key is the endpoint.
const Table machine.Table = "credentials"

// Limits. RFC 4279 section 5.3 asks for identities of 128 and keys of 64 bytes at least to be supported.
const (
	endpointMost = 192
	identityMost = 128
	keyLeast     = 8
	keyMost      = 64
	tableMost    = 5_000_000
)

// Credential is one row.
type Credential struct {
	server.Credential
	CreatedAt time.Time
}

// Store is what keeps the table; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// Credentials is the table. Its methods are safe for use by many goroutines; those that change something return after the
// change is on disk. It satisfies server.Credentials.
type Credentials struct {
	store  Store
	now    func() time.Time
	change func(old server.Credential)

	mu         sync.RWMutex
	byEndpoint map[string]*row
	byIdentity map[string]*row
	sorted     keyset.Set[*row]
}

var _ server.Credentials = (*Credentials)(nil)

// row is small: there may be a million.
type row struct {
	endpoint, identity string
	key                string
	created            int64 // Unix seconds
	mode               machine.SecurityKind
}

func (r *row) credential() server.Credential {
	return server.Credential{Endpoint: r.endpoint, Identity: r.identity, Key: []byte(r.key), Mode: r.mode}
}

func (r *row) full() Credential {
	return Credential{r.credential(), time.Unix(r.created, 0).UTC()}
}

// Open loads the table.
func Open(store Store, now func() time.Time) (*Credentials, error) {
	c := &Credentials{store: store, now: now, byEndpoint: map[string]*row{}, byIdentity: map[string]*row{},
		sorted: keyset.New(func(r *row) string { return r.endpoint }), change: func(server.Credential) {}}
	err := store.Load(Table, func(key, value []byte) error {
		r, err := decode(key, value)
		if err != nil {
			return err
		}
		c.byEndpoint[r.endpoint], c.byIdentity[r.identity] = r, r
		c.sorted.Add(r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("credentials: the stored credentials cannot be read: %w", err)
	}
	return c, nil
}

// OnChange names who is told, after the change is in the table, that a credential was replaced or removed.
func (c *Credentials) OnChange(f func(old server.Credential)) { c.change = f }

// ByIdentity implements server.Credentials.
func (c *Credentials) ByIdentity(identity []byte) (server.Credential, bool) {
	c.mu.RLock()
	r := c.byIdentity[string(identity)]
	c.mu.RUnlock()
	if r == nil {
		return server.Credential{}, false
	}
	return r.credential(), true
}

// ByEndpoint implements server.Credentials.
func (c *Credentials) ByEndpoint(endpoint string) (server.Credential, bool) {
	r, ok := c.Get(endpoint)
	return r.Credential, ok
}

// Get returns the row of an endpoint.
func (c *Credentials) Get(endpoint string) (Credential, bool) {
	c.mu.RLock()
	r := c.byEndpoint[endpoint]
	c.mu.RUnlock()
	if r == nil {
		return Credential{}, false
	}
	return r.full(), true
}

// Len returns how many rows there are.
func (c *Credentials) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.byEndpoint)
}

func plain(s string, most int) bool {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// Put adds or replaces the credential of an endpoint and reports whether it is new. With fresh, an endpoint that has one
// already is ErrExists.
func (c *Credentials) Put(cr server.Credential, fresh bool) (created bool, err error) {
	c.mu.Lock()
	r, old, err := c.set(cr, fresh)
	var done chan error
	if err == nil {
		done = c.append([]*row{r}) // under the lock, so that the journal has the order of the table
	}
	c.mu.Unlock()
	if err != nil {
		return false, err
	}
	if err := <-done; err != nil {
		c.undo(r, old)
		return false, notStored(err)
	}
	if old != nil {
		c.change(old.credential())
	}
	return old == nil, nil
}

// set puts a row into the table, where devices find it at once; the caller makes it durable. The journal keeps the order:
// no registration made with the key can be on disk before the key is.
func (c *Credentials) set(cr server.Credential, fresh bool) (r, old *row, err error) {
	if err := Check(cr); err != nil {
		return nil, nil, err
	}
	if holder := c.byIdentity[cr.Identity]; holder != nil && holder.endpoint != cr.Endpoint {
		return nil, nil, fmt.Errorf("%w: identity %q belongs to endpoint %q; each device needs its own", ErrConflict, cr.Identity, holder.endpoint)
	}
	old = c.byEndpoint[cr.Endpoint]
	if old != nil && fresh {
		return nil, nil, fmt.Errorf("%w: %s", ErrExists, cr.Endpoint)
	}
	if old == nil && len(c.byEndpoint) >= tableMost {
		return nil, nil, ErrFull
	}
	r = &row{endpoint: cr.Endpoint, identity: cr.Identity, key: string(cr.Key), mode: cr.Mode, created: c.now().Unix()}
	if r.identity == r.endpoint {
		r.identity = r.endpoint // share the memory
	}
	c.replace(old, r)
	return r, old, nil
}

// replace takes old out (nil: there was none) and puts r in (nil: none). The caller holds the lock.
func (c *Credentials) replace(old, r *row) {
	if old != nil {
		delete(c.byIdentity, old.identity)
		delete(c.byEndpoint, old.endpoint)
		c.sorted.Remove(old.endpoint)
	}
	if r != nil {
		c.byEndpoint[r.endpoint], c.byIdentity[r.identity] = r, r
		c.sorted.Add(r)
	}
}

// undo takes back a change that could not be stored, unless another one has followed.
func (c *Credentials) undo(r, old *row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byEndpoint[r.endpoint] != r {
		return
	}
	if old != nil && c.byIdentity[old.identity] != nil && c.byIdentity[old.identity] != r {
		old = nil // its identity was given away since
	}
	c.replace(r, old)
}

// Delete removes the credential of an endpoint.
func (c *Credentials) Delete(endpoint string) error {
	c.mu.Lock()
	old := c.byEndpoint[endpoint]
	if old == nil {
		c.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrNotFound, endpoint)
	}
	c.replace(old, nil)
	done := make(chan error, 1)
	c.store.Append([]machine.Record{{Table: Table, Key: []byte(endpoint)}}, func(err error) { done <- err })
	c.mu.Unlock()
	c.change(old.credential()) // a removed key stops working at once, stored or not
	if err := <-done; err != nil {
		return notStored(err)
	}
	return nil
}

func (c *Credentials) append(rows []*row) chan error {
	records := make([]machine.Record, len(rows))
	for i, r := range rows {
		records[i] = machine.Record{Table: Table, Key: []byte(r.endpoint), Value: encode(r)}
	}
	done := make(chan error, 1)
	c.store.Append(records, func(err error) { done <- err })
	return done
}

func notStored(err error) error {
	return fmt.Errorf("credentials: the change is not on disk: %w", err)
}

// version of the encoding of a row.
const version = 1

// encode writes version, mode, creation time (8 bytes), length of the identity (1 byte), identity, key.
func encode(r *row) []byte {
	b := []byte{version, byte(r.mode)}
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(r.created>>shift))
	}
	b = append(b, byte(len(r.identity)))
	return append(append(b, r.identity...), r.key...)
}

func decode(key, value []byte) (*row, error) {
	if len(value) < 11 || value[0] != version || len(value) < 11+int(value[10]) {
		return nil, fmt.Errorf("row %q has an unknown form; it was written by a newer version or is damaged", bytes.ToValidUTF8(key, []byte("?")))
	}
	r := &row{endpoint: string(key), mode: machine.SecurityKind(value[1])}
	for _, d := range value[2:10] {
		r.created = r.created<<8 | int64(d)
	}
	n := 11 + int(value[10])
	r.identity, r.key = string(value[11:n]), string(value[n:])
	if r.identity == r.endpoint {
		r.identity = r.endpoint
	}
	return r, nil
}
