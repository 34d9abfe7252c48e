package bootstrap

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"heddle.example/internal/fleet"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Time is an instant, in JSON as RFC 3339 with milliseconds.
type Time = fleet.Time

// Session is one device on its way through its configuration, as the API shows it.
type Session struct {
	ID            string `json:"id"`
	Endpoint      string `json:"endpoint"`
	Configuration string `json:"configuration,omitempty" doc:"name of the configuration: the endpoint, a group such as light-*, or *"`
	Address       string `json:"address"`
	Security      string `json:"security" enum:"none,psk"`
	Identity      string `json:"identity,omitempty"`
	Version       string `json:"version,omitempty" doc:"of LwM2M, as the device says when it is discovered"`
	Format        string `json:"format,omitempty" doc:"in which values are written"`
	State         string `json:"state" enum:"running,finished,failed,refused"`
	Detail        string `json:"detail,omitempty" doc:"why it failed or was refused"`
	StartedAt     Time   `json:"startedAt" format:"date-time"`
	EndedAt       Time   `json:"endedAt,omitzero" format:"date-time"`
	Step          int    `json:"step" doc:"messages so far, the device's request included"`
	Of            int    `json:"of,omitempty" doc:"messages in all; 0: not known yet"`
	Steps         []Step `json:"steps"`
}

// record is a session as it is kept. Events are only noted, on the machine's goroutine; views are made later, on the
// readers' goroutines.
type record struct {
	id    bootstrap.SessionID
	head  Session // without Steps
	steps []bootstrap.Step
}

// view makes the view of a record. Who calls it has a copy, or the lock.
func (x *record) view(reg *registry.Registry) Session {
	v := x.head
	v.Step, v.Steps = len(x.steps), make([]Step, len(x.steps))
	for i := range x.steps {
		v.Steps[i] = View(&x.steps[i], reg)
	}
	return v
}

// copy returns a record that does not change.
func (x *record) copy() record { return record{x.id, x.head, slices.Clone(x.steps)} }

// Bounds of what is kept.
const (
	sessionsKept = 500
	refusalsKept = 100
	refusalEvery = 100 * time.Millisecond // becomes an event
)

// Outcome is what became of a configuration's sessions.
type Outcome struct {
	Done     uint64  `json:"done"`
	Failed   uint64  `json:"failed"`
	Endpoint string  `json:"endpoint" doc:"of the newest session"`
	State    string  `json:"state" enum:"finished,failed"`
	Detail   string  `json:"detail,omitempty"`
	At       Time    `json:"at" format:"date-time"`
	Took     float64 `json:"took" doc:"seconds"`
}

// Sessions is the sessions that run and the newest of those that are over. Its methods are safe for use by many
// goroutines.
type Sessions struct {
	hub      *stream.Hub
	registry func() *registry.Registry
	store    Store
	epoch    string
	refused  func(*bootstrap.Refused)

	mu       sync.Mutex
	byID     map[bootstrap.SessionID]*record // running
	list     []*record                       // oldest first
	refusals []*record                       // likewise
	refusal  machine.Time                    // of the newest that became an event
	turned   uint64                          // away so far
	outcomes map[string]*Outcome             // by configuration
	newest   map[string]*record              // by configuration, of those in list
}

// SessionsOptions of OpenSessions.
type SessionsOptions struct {
	Hub      *stream.Hub
	Registry func() *registry.Registry
	Store    Store
	Epoch    string // differs from run to run
	// Refused is told who was turned away.
	Refused func(*bootstrap.Refused)
}

// OpenSessions loads what became of earlier sessions.
func OpenSessions(o SessionsOptions) (*Sessions, error) {
	s := &Sessions{hub: o.Hub, registry: o.Registry, store: o.Store, epoch: o.Epoch, refused: o.Refused, byID: map[bootstrap.SessionID]*record{}, outcomes: map[string]*Outcome{},
		newest: map[string]*record{}}
	err := o.Store.Load(ResultTable, func(key, value []byte) error {
		out := new(Outcome)
		if err := json.Unmarshal(value, out); err != nil {
			return fmt.Errorf("bootstrap: the result of %q cannot be read: %w", key, err)
		}
		s.outcomes[string(key)] = out
		return nil
	})
	return s, err
}

// List returns up to limit sessions and refusals, the newest first: those of an endpoint or configuration, or all where
// it is empty.
func (s *Sessions) List(endpoint string, limit int) []Session {
	var found []record
	s.mu.Lock()
	i, j := len(s.list)-1, len(s.refusals)-1
	for (i >= 0 || j >= 0) && len(found) < limit {
		var x *record
		if j < 0 || i >= 0 && s.list[i].head.StartedAt >= s.refusals[j].head.StartedAt {
			x = s.list[i]
			i--
		} else {
			x = s.refusals[j]
			j--
		}
		if endpoint == "" || x.head.Endpoint == endpoint || x.head.Configuration == endpoint {
			found = append(found, x.copy())
		}
	}
	s.mu.Unlock()
	out := make([]Session, len(found))
	for i := range found {
		out[i] = found[i].view(s.registry())
	}
	return out
}

// Running returns how many sessions are under way.
func (s *Sessions) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// Get returns a session by its name.
func (s *Sessions) Get(id string) (Session, bootstrap.SessionID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.list) - 1; i >= 0; i-- {
		if x := s.list[i]; x.head.ID == id {
			return x.view(s.registry()), x.id, true
		}
	}
	return Session{}, 0, false
}

// Outcome returns what became of a configuration's sessions, and the newest session that is known here.
func (s *Sessions) Outcome(configuration string) (out Outcome, ok bool, newest *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.outcomes[configuration]; o != nil {
		out, ok = *o, true
	}
	if x := s.newest[configuration]; x != nil {
		v := x.view(s.registry())
		newest = &v
	}
	return out, ok, newest
}

// Forget drops what became of a configuration that is removed.
func (s *Sessions) Forget(configuration string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.outcomes, configuration)
	delete(s.newest, configuration)
}
