package api

import (
	"context"
	"errors"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m/server"
)

// run sends an operation and notes what its result tells. The result is a Problem only where the device gave no answer.
func (a *API) run(ctx context.Context, endpoint string, o *server.Operation) (string, *server.Outcome, error) {
	a.c.Fleet.Began(endpoint)
	var received time.Time
	if a.c.Traces != nil {
		received = time.Now()
	}
	id, out, err := a.c.Devices.Do(ctx, endpoint, o)
	if a.c.Traces != nil && kept(err) == nil {
		a.c.Traces.Requested(id, received, time.Now())
	}
	a.c.Fleet.Finished(endpoint)
	if out != nil && out.Code != 0 {
		a.note(endpoint, o, out)
	}
	if k := kept(err); k != nil {
		return id, nil, k
	}
	if err != nil && !errors.Is(err, server.ErrUnreadable) {
		if errors.Is(err, server.ErrUnknownEndpoint) {
			return id, nil, unknown(endpoint)
		}
		if out != nil && id != "" {
			a.publish(id, out)
		}
		p := problemOf(err)
		p.Operation = id
		return id, nil, p
	}
	a.publish(id, out)
	return id, out, nil
}

// publish tells those who follow how an operation ended.
func (a *API) publish(id string, out *server.Outcome) {
	if a.c.Hub.Idle() {
		return
	}
	a.c.Hub.Publish("operation", out.Endpoint, func() []byte { return appendResult(nil, id, out) })
}

// note keeps what a device has told or taken.
func (a *API) note(endpoint string, o *server.Operation, out *server.Outcome) {
	now := a.c.Fleet.Now()
	a.c.Fleet.Heard(endpoint, now)
	if out.Code.Class() != 2 {
		return
	}
	switch o.Kind {
	case server.Read, server.Observe, server.ReadComposite, server.ObserveComposite:
		a.c.Fleet.Values(endpoint, out.Entries, now, "read", "")
	case server.Write, server.WritePartial, server.WriteComposite:
		a.c.Fleet.Values(endpoint, o.Entries, now, "write", "")
	case server.Delete:
		a.c.Fleet.Deleted(endpoint, o.Path)
	}
}

// answered reports whether the device did what was asked.
func answered(c coap.Code) bool { return c.Class() == 2 }

// Run sends an operation for another shape of this API. Its errors are those of lwm2m/server and shards.
func (a *API) Run(ctx context.Context, endpoint string, o *server.Operation) (*server.Outcome, error) {
	a.c.Fleet.Began(endpoint)
	defer a.c.Fleet.Finished(endpoint)
	id, out, err := a.c.Devices.Do(ctx, endpoint, o)
	if out != nil && out.Code != 0 {
		a.note(endpoint, o, out)
		a.publish(id, out)
	}
	return out, err
}
