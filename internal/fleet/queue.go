package fleet

import (
	"encoding/json"
	"time"

	"heddle.example/internal/values"
	"heddle.example/lwm2m/server"
)

// line is what a row knows of queue mode, in one word since there may be a million rows: the awake window in seconds, zero
// while the device is asleep, and how many requests are kept for it.
type line uint32

const lineMost = 1<<16 - 1

func (l line) awake() bool           { return l>>16 != 0 }
func (l line) window() time.Duration { return time.Duration(l>>16) * time.Second }
func (l line) queued() int           { return int(l & lineMost) }

// listening is the line of a device that has just sent something.
func (r *row) listening() line {
	l := line(r.line.Load())
	if !l.awake() {
		l |= 1 << 16 // the window comes with the next event
	}
	return l
}

func (r *row) setWindow(d time.Duration) {
	w := min((d+time.Second-1)/time.Second, lineMost)
	r.setLine(lineMost, uint32(w)<<16)
}

func (r *row) setQueued(n int) {
	r.setLine(^uint32(lineMost), uint32(min(max(n, 0), lineMost)))
}

// setLine changes the bits that are not in keep. A device that goes to another shard has two writers for a moment.
func (r *row) setLine(keep, bits uint32) {
	for {
		old := r.line.Load()
		if r.line.CompareAndSwap(old, old&keep|bits) {
			return
		}
	}
}

func (f *Fleet) presence(e *server.Presence) {
	r := f.row(e.Endpoint)
	if r == nil {
		return
	}
	if e.Awake {
		r.setWindow(e.Window)
		r.heard(e.Until.Add(-e.Window))
	} else {
		r.setWindow(0)
	}
	ep, awake, until := e.Endpoint, e.Awake, e.Until
	f.o.Hub.Publish("presence", ep, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint"`
			Awake    bool   `json:"awake"`
			Until    Time   `json:"until" doc:"while awake"`
		}{ep, awake, Time(until)})
	})
}

func (f *Fleet) kept(e *server.Kept) {
	if r := f.row(e.Endpoint); r != nil {
		r.setQueued(e.Left)
	}
	f.publishQueued(e.QueuedRequest)
}

func (f *Fleet) queueRestored(e *server.QueueRestored) { f.QueueLeft(e.Endpoint, e.Left) }

func (f *Fleet) queueChanged(e *server.QueueChanged) { f.publishQueued(e.QueuedRequest) }

func (f *Fleet) publishQueued(q server.QueuedRequest) {
	if f.o.Hub.Idle() {
		return
	}
	f.o.Hub.Publish("queued", q.Endpoint, func() []byte { return encode(ViewQueued(q)) })
}

// QueueLeft notes how many requests are still kept for an endpoint.
func (f *Fleet) QueueLeft(endpoint string, n int) {
	if r := f.row(endpoint); r != nil {
		r.setQueued(n)
	}
}

// QueuedView is a request that is kept, as the API shows it.
type QueuedView struct {
	ID        string   `json:"id" doc:"operation id"`
	Endpoint  string   `json:"endpoint"`
	Op        string   `json:"op" example:"write"`
	Path      string   `json:"path" example:"/3/0/14"`
	Paths     []string `json:"paths,omitempty" doc:"of a composite operation"`
	Status    string   `json:"status" enum:"queued,sent" doc:"sent: the device is being asked"`
	Position  int      `json:"position" doc:"1: the next"`
	Attempts  int      `json:"attempts" doc:"how often it was sent since the server started"`
	QueuedAt  Time     `json:"queuedAt" format:"date-time"`
	ExpiresAt Time     `json:"expiresAt" format:"date-time"`
	Value     any      `json:"value,omitempty" doc:"write: of a single resource or resource instance"`
	Args      string   `json:"args,omitempty" doc:"execute"`
}

// ViewQueued makes the view of a kept request.
func ViewQueued(q server.QueuedRequest) QueuedView {
	v := QueuedView{ID: server.FormatOp(q.ID), Endpoint: q.Endpoint, Op: q.Op.String(), Path: q.Path.String(), Status: q.State.String(), Position: q.Position,
		Attempts: q.Attempts, QueuedAt: Time(q.QueuedAt), ExpiresAt: Time(q.Expires), Args: q.Asked.Args}
	for _, p := range q.Asked.Paths {
		v.Paths = append(v.Paths, p.String())
	}
	if e := q.Asked.Entries; len(e) == 1 && e[0].Path == q.Path {
		v.Value = json.RawMessage(values.Append(nil, e[0].Value))
	}
	return v
}
