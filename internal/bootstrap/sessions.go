package bootstrap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"heddle.example/internal/fleet"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/format"
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

// Take takes in an event of the machine.
func (s *Sessions) Take(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *bootstrap.Began:
		s.began(e)
	case *bootstrap.Sent:
		s.step(e.Session, &e.Step)
	case *bootstrap.Answered:
		if x := s.byID[e.Session]; x != nil && e.Version != (lwm2m.Version{}) {
			x.head.Version = e.Version.String()
		}
		s.step(e.Session, &e.Step)
	case *bootstrap.Ended:
		s.ended(e)
	case *bootstrap.Refused:
		s.turnedAway(e)
	}
}

// turnedAway notes who was turned away. Refusals come from anyone, so they have room of their own and few become events.
func (s *Sessions) turnedAway(e *bootstrap.Refused) {
	if s.refused != nil {
		s.refused(e)
	}
	s.turned++
	x := &record{head: Session{ID: s.epoch + "-r" + strconv.FormatUint(s.turned, 10), Endpoint: e.Endpoint, Address: e.Path.Remote.String(), Security: machine.NoSecurity.String(),
		Identity: e.Identity, State: "refused", Detail: capital(e.Why), StartedAt: Time(e.At), EndedAt: Time(e.At)}}
	if e.Identity != "" {
		x.head.Security = machine.PSK.String()
	}
	if s.refusals = append(s.refusals, x); len(s.refusals) > refusalsKept {
		s.refusals = append([]*record(nil), s.refusals[1:]...)
	}
	if e.At.Sub(s.refusal) >= refusalEvery {
		s.refusal = e.At
		s.publish(x)
	}
}

func (s *Sessions) began(e *bootstrap.Began) {
	x := &record{id: e.Session, head: Session{ID: s.epoch + "-" + strconv.FormatUint(uint64(e.Session), 10), Endpoint: e.Endpoint, Configuration: e.Configuration, Address: e.Path.Remote.String(),
		Security: machine.NoSecurity.String(), Format: format.Name(e.Format), State: "running", StartedAt: Time(e.At)}}
	if id := e.Path.Security; id != nil {
		x.head.Security, x.head.Identity = id.Kind.String(), id.Name
	}
	s.byID[e.Session], s.newest[e.Configuration] = x, x
	if s.list = append(s.list, x); len(s.list) > sessionsKept {
		s.drop()
	}
	x.steps = []bootstrap.Step{e.Step}
	s.publish(x)
}

// drop takes the oldest session off that is over; those that run are bounded by the machine.
func (s *Sessions) drop() {
	for i, x := range s.list {
		if x.head.State != "running" {
			s.list = append(s.list[:i:i], s.list[i+1:]...)
			if s.newest[x.head.Configuration] == x {
				delete(s.newest, x.head.Configuration)
			}
			return
		}
	}
}

func (s *Sessions) step(id bootstrap.SessionID, step *bootstrap.Step) {
	x := s.byID[id]
	if x == nil {
		return
	}
	x.head.Of = max(x.head.Of, step.Total)
	if n := len(x.steps); n > 0 && x.steps[n-1].Number == step.Number {
		x.steps[n-1] = *step
	} else {
		x.steps = append(x.steps, *step)
	}
	s.publish(x)
}

func (s *Sessions) ended(e *bootstrap.Ended) {
	x := s.byID[e.Session]
	if x == nil {
		return
	}
	delete(s.byID, e.Session)
	h := &x.head
	h.State, h.EndedAt = "finished", Time(e.At)
	if e.Err != nil {
		h.State, h.Detail = "failed", Sentence(e.Err)
		if last := &x.steps[len(x.steps)-1]; !last.Done {
			last.Done, last.Err = true, e.Err
		}
	}
	o := s.outcomes[h.Configuration]
	if o == nil {
		o = new(Outcome)
		s.outcomes[h.Configuration] = o
	}
	if e.Err == nil {
		o.Done++
	} else {
		o.Failed++
	}
	o.Endpoint, o.State, o.Detail, o.At, o.Took = h.Endpoint, h.State, h.Detail, Time(e.At), e.Took.Seconds()
	if b, err := json.Marshal(o); err == nil {
		// Nobody waits for it: at most the last result is lost.
		s.store.Append([]machine.Record{{Table: ResultTable, Key: []byte(h.Configuration), Value: b}}, func(error) {})
	}
	s.publish(x)
}

// publish tells the followers of events how a session stands. Of what happens within a moment the newest is told.
func (s *Sessions) publish(x *record) {
	if s.hub.Idle() {
		return
	}
	c, reg := x.copy(), s.registry()
	s.hub.PublishCell("bootstrap", c.head.Endpoint, c.head.ID, func() []byte {
		b, _ := json.Marshal(c.view(reg))
		return b
	})
}

// Sentence takes the names of rooms off an error and makes the rest a sentence.
func Sentence(err error) string {
	s := err.Error()
	for _, room := range []string{"lwm2m/bootstrap: ", "bootstrap: ", "credentials: ", "not valid: ", "conflict: "} {
		s = strings.TrimPrefix(s, room)
	}
	return capital(s)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
