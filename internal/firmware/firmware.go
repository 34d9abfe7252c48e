// Package firmware is the server's side of firmware updates (LwM2M object 5): the packages that it holds, and the updates
// of one device or many, each followed to its end. What it knows is in the store and the data directory, so that an update
// goes on where it was after a restart, and no device is updated twice.
package firmware

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"heddle.example/internal/stream"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Errors that callers branch on. Their texts are for people.
var (
	ErrNotFound = errors.New("firmware: there is no such package or update")
	ErrInUse    = errors.New("firmware: it is in use")
	ErrInvalid  = errors.New("firmware: not valid")
	ErrTooLarge = errors.New("firmware: the package is too large")
	ErrFull     = errors.New("firmware: there is no room")
)

// The durable tables of this package. Values are JSON.
const (
	PackageTable machine.Table = "firmware.packages" // by id
	UpdateTable  machine.Table = "firmware.updates"  // by id
	DeviceTable  machine.Table = "firmware.devices"  // by update id, a slash, and the endpoint
)

// Limits.
const (
	PackageMost  = 64 << 20 // bytes of one package, where nothing else is said
	packagesMost = 10_000
	updatesMost  = 10_000
	devicesMost  = 100_000 // of one update
	stepsMost    = 40      // of one device
)

// Store is what keeps the tables; package store satisfies it.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
}

// Devices is the door to the devices.
type Devices interface {
	Do(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error)
	Observations(endpoint string) ([]server.Observation, error)
}

// Config of a Manager.
type Config struct {
	Store Store
	Dir   string // of the packages' files; empty: a temporary one
	Limit int64  // bytes of one package; 0: PackageMost
	Hub   *stream.Hub

	// The rest is needed where updates run.
	Devices      Devices
	Run          func(ctx context.Context, endpoint string, op *server.Operation) (*server.Outcome, error) // Do, and tell who follows
	Registration func(endpoint string) *server.Registration
	Asleep       func(endpoint string) bool // it would not hear a request now
	Endpoint     func(identity string) (endpoint string, ok bool)
	// BaseURI is what a package's URI begins with for a device, such as "coaps://[2001:db8::1]:5684/fw/"; empty: there is no
	// such way. Scheme is coap, coaps, http or https.
	BaseURI func(scheme string, reg *server.Registration) string
	Plain   bool // packages go over plain coap, too
	Patience
}

// Patience is how long the manager waits. Zero values take the defaults.
type Patience struct {
	Poll      time.Duration // between looks at a device that says nothing: 15 s
	Backoff   time.Duration // after the first failed request, doubling: 2 s
	Installed time.Duration // for a device to come back from its reboot: 10 min
	Stalled   time.Duration // without a byte of a transfer, with the device in reach: 30 min
}

// Manager is safe for use by many goroutines.
type Manager struct {
	c    Config
	dir  string
	temp bool

	mu       sync.Mutex
	packages map[string]*Package
	updates  map[string]*update
	order    []string           // of updates, oldest first
	tokens   map[string]*device // of devices that have not ended
	busy     map[string]*device // by endpoint, likewise: a device is in one update at a time
	counters Counters
	saving   sync.WaitGroup

	watches sync.Map // busy, for who must not wait
	blocks  chan blockRequest
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	started bool
}

// Counters are since the start.
type Counters struct {
	Updated, Failed, Cancelled uint64 // devices
	PushedBytes, ServedBytes   uint64
}

// Open loads packages and updates. Updates go on once Start is called.
func Open(c Config) (*Manager, error) {
	if c.Limit <= 0 {
		c.Limit = PackageMost
	}
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{{&c.Poll, 15 * time.Second}, {&c.Backoff, 2 * time.Second}, {&c.Installed, 10 * time.Minute}, {&c.Stalled, 30 * time.Minute}} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	m := &Manager{c: c, packages: map[string]*Package{}, updates: map[string]*update{}, tokens: map[string]*device{}, busy: map[string]*device{}, blocks: make(chan blockRequest, blocksWaiting)}
	m.ctx, m.stop = context.WithCancel(context.Background())
	if err := m.openDir(); err != nil {
		return nil, err
	}
	if err := m.load(); err != nil {
		return nil, fmt.Errorf("firmware: what is stored cannot be read: %w", err)
	}
	return m, nil
}

// Start lets updates run.
func (m *Manager) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = true
	for range blockWorkers {
		m.running.Go(m.serveBlocks)
	}
	for _, id := range m.order {
		if u := m.updates[id]; u.open > 0 || u.State == Running {
			m.launch(u)
		}
	}
}

// Close ends what runs. Updates go on at the next start.
func (m *Manager) Close() {
	m.stop()
	m.running.Wait()
	m.saving.Wait()
	m.closeDir()
}

// newID returns 128 random bits: who does not know an id cannot guess it.
func newID() string { return random(16) }

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// now is a time as it is stored: UTC, milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// commit stores records and waits until they are on disk.
func (m *Manager) commit(records ...machine.Record) error {
	done := make(chan error, 1)
	m.c.Store.Append(records, func(err error) { done <- err })
	if err := <-done; err != nil {
		return fmt.Errorf("firmware: the change is not on disk: %w", err)
	}
	return nil
}

// save stores records some time soon: what is lost with them costs a repeated block.
func (m *Manager) save(records ...machine.Record) {
	m.saving.Add(1)
	m.c.Store.Append(records, func(error) { m.saving.Done() })
}

// Stats returns the counters, and how much there is now.
func (m *Manager) Stats() (c Counters, packages, running int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range m.updates {
		if u.State == Running {
			running++
		}
	}
	return m.counters, len(m.packages), running
}
