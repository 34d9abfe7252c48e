// Package access decides who may do what on the web port: users and their passwords, sessions, API tokens, one-time links,
// and the audit log of what was done.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"heddle.example/machine"
)

// Role is what a user or token may do. A higher one includes the lower ones.
type Role uint8

// The roles, which are also the scopes of API tokens.
const (
	None    Role = iota
	Read         // look at everything but keys
	Operate      // and send requests to devices
	Admin        // and manage credentials, users and tokens, and see keys
)

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	for _, r := range []Role{Read, Operate, Admin} {
		if s == r.String() {
			return r, nil
		}
	}
	return None, fmt.Errorf("%w: %q is not a scope; use read, operate or admin", ErrInvalid, s)
}

func (r Role) String() string { return [...]string{"none", "read", "operate", "admin"}[r] }

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's name.
func (r *Role) UnmarshalText(b []byte) (err error) { *r, err = ParseRole(string(b)); return err }

// Principal is who makes a request.
type Principal struct {
	User string // the user's name, or "token NAME"
	Role Role
	Via  string // cookie, token, open, local
}

// Errors that callers branch on.
var (
	ErrInvalid  = errors.New("access: not valid")
	ErrExists   = errors.New("access: exists already")
	ErrNotFound = errors.New("access: not found")
	ErrLink     = errors.New("access: the link is not valid any more; links work once, within 15 minutes")
	ErrLogin    = errors.New("access: user name or password is wrong")
	ErrLimited  = errors.New("access: too many attempts")
	ErrLast     = errors.New("access: the last administrator cannot be removed")
)

// The durable tables of this package. Values are JSON.
const (
	userTable    machine.Table = "access.user"
	tokenTable   machine.Table = "access.token"
	SessionTable machine.Table = "access.session"
	auditTable   machine.Table = "access.audit"
)

// Store is what keeps the tables; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// Options of a Manager.
type Options struct {
	Now  func() time.Time
	Rand io.Reader
	// Cheap makes password hashing weak and quick, for tests only.
	Cheap bool
}

// Manager holds all of it. Its methods are safe for use by many goroutines; those that change something return after the
// change is on disk.
type Manager struct {
	store Store
	now   func() time.Time
	rand  io.Reader
	cheap bool

	hashing chan struct{} // bounds the memory that password hashing takes
	limit   limiter

	mu       sync.RWMutex
	users    map[string]*User
	tokens   map[digest]*apiToken
	byID     map[string]*apiToken
	sessions map[digest]*session
	links    map[digest]link
	audit    auditLog
}

// digest is how secrets are kept: SHA-256 of a random 256-bit secret needs no salt and no slow hash.
type digest [sha256.Size]byte

// Open loads the tables.
func Open(store Store, o Options) (*Manager, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	m := &Manager{store: store, now: o.Now, rand: o.Rand, cheap: o.Cheap, hashing: make(chan struct{}, 2),
		users: map[string]*User{}, tokens: map[digest]*apiToken{}, byID: map[string]*apiToken{}, sessions: map[digest]*session{}, links: map[digest]link{}}
	m.limit.now = o.Now
	if err := errors.Join(m.loadUsers(), m.loadTokens(), m.loadSessions(), m.loadAudit()); err != nil {
		return nil, fmt.Errorf("access: the stored users and tokens cannot be read: %w", err)
	}
	return m, nil
}

// load reads a table of JSON values.
func load[T any](s Store, table machine.Table, each func(key []byte, v *T) error) error {
	return s.Load(table, func(key, value []byte) error {
		v := new(T)
		if err := json.Unmarshal(value, v); err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		return each(key, v)
	})
}

// record makes the change of one row; a nil value deletes it.
func record(table machine.Table, key []byte, value any) machine.Record {
	r := machine.Record{Table: table, Key: key}
	if value != nil {
		b, err := json.Marshal(value)
		if err != nil {
			panic(err) // our own plain structs always encode
		}
		r.Value = b
	}
	return r
}

// commit waits until the records are on disk.
func (m *Manager) commit(records ...machine.Record) error {
	done := make(chan error, 1)
	m.store.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		return fmt.Errorf("access: the change is not on disk and may be lost: %w", err)
	}
	return nil
}

// secret returns a new random secret in text form, and its digest.
func (m *Manager) secret(prefix string) (string, digest, error) {
	var b [32]byte
	if _, err := io.ReadFull(m.rand, b[:]); err != nil {
		return "", digest{}, fmt.Errorf("access: no randomness: %w", err)
	}
	s := prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return s, sha256.Sum256([]byte(s)), nil
}
