package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/internal/shards"
	"heddle.example/lwm2m/server"
)

// expiresMost bounds how long a request may be kept.
const expiresMost = 366 * 24 * time.Hour

// windowMost bounds a device's awake window.
const windowMost = 24 * time.Hour

// QueueView is what waits for a device, and how it listens.
type QueueView struct {
	Items      []fleet.QueuedView `json:"items" doc:"in the order in which they will be sent"`
	Awake      bool               `json:"awake" doc:"the device listens now"`
	AwakeUntil fleet.Time         `json:"awakeUntil" format:"date-time" nullable:"true" doc:"if nothing more is heard; null while asleep, and for a device that is not in queue mode"`
	Window     float64            `json:"window" doc:"seconds that it listens after each message"`
	Own        bool               `json:"own" doc:"the window was set for this device"`
}

func (a *API) queueRoutes() {
	const tag = "Devices"
	huma.Register(a.huma, status(op("GET", "/clients/{endpoint}/queue", "queue.list", access.Read, tag, "What is kept for a sleeping device, and how it listens"), 200, 404), func(_ context.Context, in *EndpointInput) (*body[QueueView], error) {
		if a.c.Fleet.Registration(in.Endpoint) == nil {
			return nil, unknown(in.Endpoint)
		}
		q, err := a.c.Devices.Queue(in.Endpoint)
		if err != nil {
			return nil, problemOf(err)
		}
		v := QueueView{Items: []fleet.QueuedView{}, Awake: q.Awake, AwakeUntil: fleet.Time(q.Until), Window: q.Window.Seconds(), Own: q.Own}
		for _, r := range q.Requests {
			v.Items = append(v.Items, fleet.ViewQueued(r))
		}
		return answer(v), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/clients/{endpoint}/queue", "queue.cancel", access.Operate, tag, "Cancel all that is kept for a device"), http.StatusNoContent, 404), func(_ context.Context, in *EndpointInput) (*empty, error) {
		if a.c.Fleet.Registration(in.Endpoint) == nil {
			return nil, unknown(in.Endpoint)
		}
		if _, err := a.c.Devices.CancelQueue(in.Endpoint); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	type window struct {
		EndpointInput
		Body struct {
			Window float64 `json:"window" doc:"seconds that the device listens after each message, up to 86400; 0: as the server has it for all" minimum:"0" maximum:"86400"`
		}
	}
	huma.Register(a.huma, status(op("PUT", "/clients/{endpoint}/queue", "queue.window", access.Operate, tag, "Say how long a device listens after each of its messages"), http.StatusNoContent, 503), func(_ context.Context, in *window) (*empty, error) {
		d := time.Duration(in.Body.Window * float64(time.Second))
		if d > 0 && d < time.Second || d > windowMost {
			return nil, problem(422, "window is %g; it is in whole seconds, from 1 to %g, or 0.", in.Body.Window, windowMost.Seconds())
		}
		if err := a.c.Devices.SetAwakeWindow(in.Endpoint, d); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	type operationInput struct {
		ID string `path:"id" maxLength:"32"`
	}
	huma.Register(a.huma, status(op("GET", "/operations/{id}", "operation.get", access.Read, tag, "A kept operation: where it waits, or how it ended; results are known for a day"), 200, 404), func(_ context.Context, in *operationInput) (*body[json.RawMessage], error) {
		o, ok, err := a.c.Devices.Operation(in.ID)
		switch {
		case err != nil:
			return nil, problemOf(err)
		case !ok:
			return nil, noOperation(in.ID)
		case o.Waits != nil:
			return answer(json.RawMessage(jsonOf(fleet.ViewQueued(*o.Waits)))), nil
		}
		b := appendResult(nil, in.ID, o.Ended)
		b = fleet.AppendTime(append(b[:len(b)-1], `,"endedAt":`...), o.At)
		return answer(json.RawMessage(append(b, '}'))), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/operations/{id}", "operation.cancel", access.Operate, tag, "Cancel a kept operation; a device that is being asked may still act on it"), http.StatusNoContent, 404), func(_ context.Context, in *operationInput) (*empty, error) {
		ok, err := a.c.Devices.Cancel(in.ID)
		if err != nil {
			return nil, problemOf(err)
		}
		if !ok {
			return nil, noOperation(in.ID)
		}
		return nil, nil
	})
}

func noOperation(id string) *Problem {
	return problem(404, "No operation %q waits. Results of kept operations are known for a day.", id)
}

// queueMode reads queue, expires and repeat.
func queueMode(o *server.Operation, mode string, expires float64, repeat bool) error {
	switch mode {
	case "", "auto":
		o.Queue = server.QueueAuto
	case "never":
		o.Queue = server.QueueNever
	case "always":
		if o.Kind == server.Ping {
			return problem(422, "A ping is never kept: it asks whether the device listens now.")
		}
		o.Queue = server.QueueAlways
	default:
		return problem(422, "There is no queue mode %q; use auto, never or always.", mode)
	}
	if expires != 0 && !(expires >= 1) || expires > expiresMost.Seconds() {
		return problem(422, "expires is %g; it is in seconds, from 1 to %g.", expires, expiresMost.Seconds())
	}
	o.Expires = time.Duration(expires * float64(time.Second))
	o.Repeat = repeat
	return nil
}

// queueQuery is queueMode for the query of a URL.
func queueQuery(r *http.Request, o *server.Operation) error {
	q := r.URL.Query()
	if !q.Has("queue") && !q.Has("expires") && !q.Has("repeat") {
		return nil
	}
	expires := o.Expires.Seconds()
	if s := q.Get("expires"); s != "" {
		var err error
		if expires, err = strconv.ParseFloat(s, 64); err != nil {
			return problem(422, "expires is %q; it is a number of seconds.", s)
		}
	}
	return queueMode(o, q.Get("queue"), expires, o.Repeat || q.Get("repeat") == "true")
}

// keptAnswer is 202: the operation is on disk, and is known by its id. It is an error to the handlers, which have no
// result to give.
type keptAnswer struct{ fleet.QueuedView }

// Error implements error.
func (k *keptAnswer) Error() string { return "kept until the device wakes" }

// GetStatus implements huma.StatusError.
func (k *keptAnswer) GetStatus() int { return http.StatusAccepted }

// ContentType implements huma.ContentTypeFilter.
func (k *keptAnswer) ContentType(string) string { return "application/json" }

func (k *keptAnswer) header() http.Header {
	return http.Header{"Location": {prefix + "/operations/" + k.ID}}
}

// kept returns the answer about an operation that is kept, or nil.
func kept(err error) *keptAnswer {
	var k *shards.Kept
	if !errors.As(err, &k) {
		return nil
	}
	return &keptAnswer{fleet.ViewQueued(k.QueuedRequest)}
}

func writeKept(w http.ResponseWriter, k *keptAnswer) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = contentJSON, noStore
	h.Set("Location", k.header().Get("Location"))
	w.WriteHeader(http.StatusAccepted)
	w.Write(jsonOf(k.QueuedView))
}

// KeptEnded takes in how a kept operation ended, on the shard's goroutine: nobody waits for it, but many may want to know.
func (a *API) KeptEnded(e *shards.Ended) {
	out := e.Outcome
	if out.Code != 0 && out.Asked != nil {
		a.note(out.Endpoint, out.Asked, out)
	}
	a.publish(e.ID, out)
}

// humaError is what a handler of huma returns for an error of run.
func humaError(err error) error {
	if k, ok := err.(*keptAnswer); ok {
		return huma.ErrorWithHeaders(k, k.header())
	}
	return problemOf(err)
}
