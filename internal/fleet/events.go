package fleet

import (
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Take takes in what a shard tells: the Value of an Event action of lwm2m/server. It is called on the shard's goroutine, so
// it only notes; views and JSON are made later, on the readers' goroutines.
func (f *Fleet) Take(value any) {
	f.nats.take(f, value)
	switch e := value.(type) {
	case *server.Registered:
		f.registered(e)
	case *server.Updated:
		f.updated(e)
	case *server.Moved:
		f.moved(e)
	case *server.Presence:
		f.presence(e)
	case *server.Kept:
		f.kept(e)
	case *server.QueueRestored:
		f.queueRestored(e)
	case *server.QueueChanged:
		f.queueChanged(e)
	case *server.Deregistered:
		f.deregistered(e)
	case *server.Notified:
		f.notified(e)
	case *server.Sent:
		f.sent(e)
	case *server.ObservationChanged:
		f.observation(e)
	case *server.Refused:
		f.refused(e)
	case *server.Message:
		f.message(e)
	}
}

func (f *Fleet) registered(e *server.Registered) {
	r := f.put(e.Registration, e.At)
	replaced := e.Replaced != nil
	f.refusals.accepted(e.Registration.Endpoint)
	f.o.Hub.Publish("registered", e.Registration.Endpoint, func() []byte {
		return encode(struct {
			Client   Client `json:"client"`
			Replaced bool   `json:"replaced"`
		}{f.view(e.Registration, e.At, e.At, int(r.pending.Load()), r.listening(), true), replaced})
	})
}

func (f *Fleet) updated(e *server.Updated) {
	r := f.row(e.Registration.Endpoint)
	if r == nil {
		r = f.put(e.Registration, e.At)
	}
	if e.Changed {
		r.reg.Store(e.Registration)
	}
	r.updated.Store(int64(e.At))
	r.heard(e.At)
	if f.o.Hub.Idle() {
		return
	}
	reg, at, changed := e.Registration, e.At, e.Changed
	make := func() []byte {
		b := append([]byte(`{"endpoint":`), encode(reg.Endpoint)...)
		b = AppendTime(append(b, `,"lastSeen":`...), at)
		expires := machine.Never
		if reg.Lifetime > 0 {
			expires = at.Add(reg.Lifetime)
		}
		b = AppendTime(append(b, `,"expiresAt":`...), expires)
		if changed {
			b = append(append(b, `,"changed":`...), encode(f.view(reg, at, at, int(r.pending.Load()), r.listening(), true))...)
		}
		return append(b, '}')
	}
	if changed {
		f.o.Hub.Publish("updated", reg.Endpoint, make)
	} else {
		f.o.Hub.PublishCell("updated", reg.Endpoint, "", make)
	}
}

func (f *Fleet) moved(e *server.Moved) {
	reg := e.Registration
	if r := f.row(reg.Endpoint); r != nil {
		r.reg.Store(reg)
		r.heard(e.At)
	}
	f.o.Hub.Publish("moved", reg.Endpoint, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint"`
			Address  string `json:"address"`
		}{reg.Endpoint, address(reg.Path.Remote)})
	})
}

func (f *Fleet) deregistered(e *server.Deregistered) {
	reg, reason := e.Registration, e.Reason
	if !f.remove(reg) {
		return
	}
	f.o.Hub.Publish("deregistered", reg.Endpoint, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint"`
			Reason   string `json:"reason"`
		}{reg.Endpoint, reason.String()})
	})
}

func (f *Fleet) notified(e *server.Notified) {
	ep := e.Registration.Endpoint
	if r := f.row(ep); r != nil {
		r.heard(e.At)
	}
	if e.Err == nil {
		f.Values(ep, e.Entries, e.At, "notify", e.Observation.ID.String())
	}
}

func (f *Fleet) sent(e *server.Sent) {
	ep := e.Registration.Endpoint
	if r := f.row(ep); r != nil {
		r.heard(e.At)
	}
	f.Values(ep, e.Entries, e.At, "send", "")
}

// ObservationView is an observation as the API shows it.
type ObservationView struct {
	ID     string   `json:"id"`
	Path   string   `json:"path"`
	Paths  []string `json:"paths,omitempty" doc:"of an Observe-Composite, whose path is /"`
	Since  Time     `json:"since" format:"date-time"`
	LastAt Time     `json:"lastAt,omitempty" format:"date-time" nullable:"true" doc:"of the newest notification"`
	Count  uint64   `json:"count" doc:"notifications so far"`
	State  string   `json:"state" enum:"active,restoring,waiting,failed,ended"`
	Error  string   `json:"error,omitempty"`
}

// ViewObservation makes the view of an observation.
func ViewObservation(o server.Observation) ObservationView {
	v := ObservationView{ID: o.ID.String(), Path: o.Path.String(), Since: Time(o.Since), LastAt: Time(o.LastAt), Count: o.Count, State: o.State.String()}
	for _, p := range o.Paths {
		v.Paths = append(v.Paths, p.String())
	}
	return v
}

func (f *Fleet) observation(e *server.ObservationChanged) {
	ep, view := e.Endpoint, ViewObservation(e.Observation)
	if e.Err != nil {
		view.Error = e.Err.Error()
	}
	f.o.Hub.Publish("observation", ep, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint"`
			ObservationView
		}{ep, view})
	})
}
