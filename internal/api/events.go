package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/internal/stream"
)

// Times and bounds of a stream of events.
const (
	statsEvery   = 2 * time.Second
	pingEvery    = 15 * time.Second
	checkEvery   = 5 * time.Second
	writeTimeout = 10 * time.Second
	readersMost  = 1000
	flushAt      = 256 << 10 // bytes
)

// always are the kinds that pass an endpoint's filter.
var always = []string{"stats", "hello", "reset"}

func (a *API) eventRoutes() {
	a.handle(Route{"GET", prefix + "/events", access.Read, "events"}, a.events)
	o := op("GET", "/events", "events", access.Read, "Events", "What happens, as server-sent events")
	o.Description = "Each event has an id `epoch-seq`. After a broken connection give the last one as Last-Event-ID (browsers do) or `since`: nothing is lost, unless a `reset` event says so; then load anew. Kinds: hello, reset, registered, updated, deregistered, moved, value, observation, message (only with endpoint), operation, refused, credential, notes, firmware, stats. Of the values of one resource within 50 ms the newest is told; with value among `kinds`, every one."
	text := &huma.Schema{Type: "string"}
	o.Parameters = []*huma.Param{{Name: "since", In: "query", Schema: text, Description: "id of the last event seen"}, {Name: "endpoint", In: "query", Schema: text, Description: "only events of this device, its messages too, and stats"},
		{Name: "kinds", In: "query", Schema: text, Description: "only these kinds, with commas"}, {Name: "Last-Event-ID", In: "header", Schema: text}}
	o.Responses = map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}}}
	a.huma.OpenAPI().AddOperation(&o)
}

// events streams to one reader.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	since := q.Get("since")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		since = last
	}
	endpoint := q.Get("endpoint")
	var kinds []string
	if k := q.Get("kinds"); k != "" {
		kinds = strings.Split(k, ",")
	}
	if a.c.Hub.Readers() >= readersMost {
		writeProblem(w, r, problem(503, "There are %d streams of events already.", readersMost))
		return
	}
	if endpoint != "" {
		release, ok := a.c.Fleet.Watch(endpoint)
		defer release()
		if !ok {
			writeProblem(w, r, problem(503, "The messages of too many devices are being watched. Close a page of another device."))
			return
		}
	}
	follow := func() (*stream.Reader, bool) {
		if since == "" {
			return a.c.Hub.Follow(nil)
		}
		id, ok := stream.ParseID(since)
		reader, reset := a.c.Hub.Follow(&id)
		return reader, reset || !ok
	}
	reader, reset := follow()
	defer reader.Close()
	if slices.Contains(kinds, "value") {
		reader.Every()
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	last := a.c.Hub.Last()
	if reset {
		out.event("reset", last.String(), []byte("{}"))
	}
	hello := ""
	if since == "" || reset {
		hello = last.String()
	}
	out.event("hello", hello, []byte(`{"epoch":"`+strconv.FormatUint(last.Epoch, 36)+`","seq":`+strconv.FormatUint(last.Seq, 10)+`}`))
	if out.flush() != nil {
		return
	}
	wants := func(e *stream.Event) bool {
		if len(kinds) > 0 && !slices.Contains(kinds, e.Kind) {
			return false
		}
		if endpoint == "" {
			return e.Kind != "message"
		}
		return e.Endpoint == endpoint || slices.Contains(always, e.Kind)
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-a.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	idle, checked := time.Now(), time.Now()
	for {
		wait, stop := context.WithTimeout(ctx, pingEvery)
		events, err := reader.Next(wait)
		stop()
		if time.Since(checked) >= checkEvery {
			if checked = time.Now(); !a.stillMay(r) {
				return
			}
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
			out.comment()
		case err != nil: // gone, the program ends, or too slow: the browser comes back with its last id
			return
		}
		skipped := stream.ID{}
		for _, e := range events {
			id := stream.ID{Epoch: last.Epoch, Seq: e.Seq}
			if !wants(e) {
				skipped = id
				continue
			}
			for _, old := range e.Earlier() {
				out.event(e.Kind, "", old.Data())
			}
			out.event(e.Kind, id.String(), e.Data())
			skipped = stream.ID{}
			if len(out.buf) > flushAt && out.flush() != nil {
				return
			}
		}
		if skipped.Seq != 0 && (out.waiting() || time.Since(idle) > time.Second) {
			out.position(skipped.String()) // so that a return does not look too far back
		}
		if out.waiting() {
			idle = time.Now()
			if out.flush() != nil {
				return
			}
		}
	}
}

// stillMay reports whether a reader has not logged out and its token was not revoked meanwhile.
func (a *API) stillMay(r *http.Request) bool {
	p, ok := a.principal(r)
	return ok && p.Role >= access.Read
}

// eventWriter collects events and writes them at once.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf []byte
}

func (o *eventWriter) event(kind, id string, data []byte) {
	if id != "" {
		o.buf = append(append(append(o.buf, "id: "...), id...), '\n')
	}
	o.buf = append(append(append(o.buf, "event: "...), kind...), '\n')
	o.buf = append(append(append(o.buf, "data: "...), data...), "\n\n"...)
}

// position tells the browser an id without an event.
func (o *eventWriter) position(id string) {
	o.buf = append(append(append(o.buf, "id: "...), id...), "\n\n"...)
}

func (o *eventWriter) comment() { o.buf = append(o.buf, ":\n\n"...) }

func (o *eventWriter) waiting() bool { return len(o.buf) > 0 }

// flush writes with a deadline: a reader that takes nothing is cut off. Between writes there is none, since HTTP/2 ends a
// stream at its deadline even if nothing waits to be written.
func (o *eventWriter) flush() error {
	o.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := o.w.Write(o.buf)
	o.buf = o.buf[:0]
	if cap(o.buf) > 1<<20 {
		o.buf = nil
	}
	if err == nil {
		err = o.rc.Flush()
	}
	if err == nil {
		o.rc.SetWriteDeadline(time.Time{})
	}
	return err
}

// Statistics is what the stats event carries.
type Statistics struct {
	MessagesPerSecond float64      `json:"messagesPerSecond"`
	Registrations     int          `json:"registrations"`
	Known             int          `json:"known"`
	Counts            fleet.Counts `json:"counts"`
}

// PublishStats sends the stats event every two seconds while someone follows, until ctx ends. messages returns a counter.
func (a *API) PublishStats(ctx context.Context, messages func() uint64) {
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	last, at := messages(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if a.c.Hub.Readers() == 0 {
				last, at = 0, time.Time{}
				continue
			}
			n := messages()
			s := Statistics{Registrations: a.c.Fleet.Len(), Counts: a.c.Fleet.Counts()}
			s.Known = a.known(s.Registrations)
			if !at.IsZero() {
				s.MessagesPerSecond = float64(n-last) / now.Sub(at).Seconds()
			}
			last, at = n, now
			a.c.Hub.PublishCell("stats", "", "", func() []byte { return jsonOf(s) })
		}
	}
}
