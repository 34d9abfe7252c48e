package bootstrap

import (
	"encoding/json"
	"strconv"
	"strings"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

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
