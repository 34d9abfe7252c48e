package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/seat"
	"heddle.example/internal/topology"
)

// Mesh is what the page Topology shows while it runs: a simulation (topology.World), or the network around a live node
// (topology.Live). What it cannot do ends with topology.ErrCannot; Snapshot.Can says what it can.
type Mesh interface {
	Snapshot(ctx context.Context) (*topology.Snapshot, error)
	// At returns what was at a moment of the past, in virtual microseconds.
	At(ctx context.Context, us int64) (*topology.Snapshot, error)
	// Follow returns a reader of the events, or nil where there are too many.
	Follow() *topology.Reader
	Node(ctx context.Context, id int) (*topology.Detail, error)
	Route(ctx context.Context, from, to int) (*topology.Path, error)
	Control(ctx context.Context, c topology.Control) (topology.Clock, error)
	Act(ctx context.Context, id int, a topology.Action) (topology.Row, error)
	SetLink(ctx context.Context, a, b int, on bool) error
	Type(ctx context.Context, id int, line string) (topology.Said, error)
	Capture(ctx context.Context, out io.Writer, keys bool) error
}

// MeshNode names a node of a mesh in a path.
type MeshNode struct {
	ID int `path:"id" minimum:"1" doc:"number of the node"`
}

func (a *API) meshRoutes() {
	const tag = "Mesh"
	w := a.c.Mesh
	type moment struct {
		At int64 `query:"at" minimum:"0" doc:"a moment of the past, in virtual microseconds; 0: now"`
	}
	huma.Register(a.huma, status(op("GET", "/mesh", "mesh.get", access.Read, tag, "All nodes, links, partitions and the history"), 200, 409), func(ctx context.Context, in *moment) (*body[*topology.Snapshot], error) {
		var s *topology.Snapshot
		var err error
		if in.At > 0 {
			s, err = w.At(ctx, in.At)
		} else {
			s, err = w.Snapshot(ctx)
		}
		return meshAnswer(s, err)
	})
	type route struct {
		From int `query:"from" minimum:"1" required:"true" doc:"number of a node"`
		To   int `query:"to" minimum:"1" required:"true"`
	}
	huma.Register(a.huma, status(op("GET", "/mesh/route", "mesh.route", access.Read, tag, "The way that a datagram takes from one node to another"), 200, 404), func(ctx context.Context, in *route) (*body[*topology.Path], error) {
		p, err := w.Route(ctx, in.From, in.To)
		return meshAnswer(p, err)
	})
	type control struct{ Body topology.Control }
	huma.Register(a.huma, status(op("POST", "/mesh/control", "mesh.control", access.Operate, tag, "Pause, go on, step, or change the speed"), 200, 409), func(ctx context.Context, in *control) (*body[topology.Clock], error) {
		c, err := w.Control(ctx, in.Body)
		return meshAnswer(c, err)
	})
	huma.Register(a.huma, status(op("GET", "/mesh/nodes/{id}", "mesh.node", access.Read, tag, "All about one node, without keys"), 200, 404), func(ctx context.Context, in *MeshNode) (*body[*topology.Detail], error) {
		d, err := w.Node(ctx, in.ID)
		return meshAnswer(d, err)
	})
	type client struct {
		Endpoint string `path:"endpoint"`
	}
	type found struct {
		Node int `json:"node"`
	}
	huma.Register(a.huma, status(op("GET", "/mesh/clients/{endpoint}", "mesh.client", access.Read, tag, "The node of an LwM2M client"), 200, 404), func(ctx context.Context, in *client) (*body[found], error) {
		s, err := w.Snapshot(ctx)
		if err != nil {
			return nil, meshProblem(err)
		}
		for _, n := range s.Nodes {
			if n.Client == in.Endpoint && n.On {
				return answer(found{n.ID}), nil
			}
		}
		return nil, problem(404, "No node of this mesh is the client %q.", in.Endpoint)
	})
	type action struct {
		MeshNode
		Body topology.Action
	}
	huma.Register(a.huma, status(op("POST", "/mesh/nodes/{id}", "mesh.act", access.Operate, tag, "Switch a node off or on, reset it, or move it"), 200, 404), func(ctx context.Context, in *action) (*body[topology.Row], error) {
		r, err := w.Act(ctx, in.ID, in.Body)
		return meshAnswer(r, err)
	})
	type link struct {
		Body struct {
			A  int  `json:"a" minimum:"1"`
			B  int  `json:"b" minimum:"1"`
			On bool `json:"on" doc:"false: cut; true: as the air has it"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/mesh/links", "mesh.link", access.Operate, tag, "Cut the radio link between two nodes, or give it back"), 204, 404), func(ctx context.Context, in *link) (*empty, error) {
		if err := w.SetLink(ctx, in.Body.A, in.Body.B, in.Body.On); err != nil {
			return nil, meshProblem(err)
		}
		return nil, nil
	})
	type line struct {
		MeshNode
		Body topology.Line
	}
	huma.Register(a.huma, status(op("POST", "/mesh/nodes/{id}/shell", "mesh.shell", access.Operate, tag, "Type a line at a node's prompt. Time passes until the command is over, at most ten virtual seconds"), 200, 404, 409), func(ctx context.Context, in *line) (*body[topology.Said], error) {
		s, err := w.Type(ctx, in.ID, in.Body.Line)
		return meshAnswer(s, err)
	})
	text := &huma.Schema{Type: "string"}
	a.handle(Route{"GET", prefix + "/mesh/events", access.Read, "mesh.events"}, a.meshEvents)
	o := op("GET", "/mesh/events", "mesh.events", access.Read, tag, "What changes in the mesh, as server-sent events")
	o.Description = "Kinds: `mesh` (changed nodes, links, partitions, new history; at most ten a second; its seq follows that of GET /mesh), `frames` (each frame, only while the speed is at most 1), `clock`, and `reset`: something was lost, load anew."
	o.Responses = map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: text}}}}
	a.huma.OpenAPI().AddOperation(&o)
	a.handleWho(Route{"GET", prefix + "/mesh/pcap", access.Read, "mesh.pcap"}, a.meshCapture)
	p := op("GET", "/mesh/pcap", "mesh.pcap", access.Read, tag, "The newest frames as a pcapng file; with the network's keys in it for an administrator")
	p.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"application/vnd.tcpdump.pcap": {Schema: text}}}}
	a.huma.OpenAPI().AddOperation(&p)
}

func meshAnswer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, meshProblem(err)
	}
	return answer(v), nil
}

func meshProblem(err error) error {
	switch {
	case errors.Is(err, topology.ErrNode):
		return problem(404, "There is no such node in this mesh.")
	case errors.Is(err, topology.ErrCannot):
		return problem(409, "This is not possible here: %v.", err)
	case errors.Is(err, topology.ErrPast):
		return problem(409, "%v.", err)
	case errors.Is(err, topology.ErrOff), errors.Is(err, seat.ErrOff):
		return problem(409, "The node is off. Switch it on first.")
	case errors.Is(err, topology.ErrRunning):
		return problem(409, "A step is possible while the simulation is paused.")
	case errors.Is(err, topology.ErrBusy), errors.Is(err, topology.ErrClosed), errors.Is(err, seat.ErrBusy), errors.Is(err, seat.ErrClosed):
		return problem(503, "%v.", err)
	}
	return problem(422, "%v.", err)
}

// meshEvents streams to one reader.
func (a *API) meshEvents(w http.ResponseWriter, r *http.Request) {
	reader := a.c.Mesh.Follow()
	if reader == nil {
		writeProblem(w, r, problem(503, "There are too many streams of events already."))
		return
	}
	defer reader.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	out.comment()
	if out.flush() != nil {
		return
	}
	ping, check := time.NewTicker(pingEvery), time.NewTicker(checkEvery)
	defer ping.Stop()
	defer check.Stop()
	for {
		select {
		case m := <-reader.C:
			id := ""
			if m.Seq > 0 {
				id = strconv.FormatUint(m.Seq, 10)
			}
			out.event(m.Kind, id, m.Data)
			if len(reader.C) > 0 && len(out.buf) < flushAt {
				continue
			}
		case <-ping.C:
			out.comment()
		case <-check.C:
			if !a.stillMay(r) {
				return
			}
			continue
		case <-a.ended:
			return
		case <-r.Context().Done():
			return
		}
		if out.flush() != nil {
			return
		}
	}
}

func (a *API) meshCapture(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/vnd.tcpdump.pcap")
	h.Set("Content-Disposition", `attachment; filename="mesh.pcapng"`)
	h.Set("Cache-Control", "no-store")
	if err := a.c.Mesh.Capture(r.Context(), w, who(r.Context()).Role >= access.Admin); err != nil {
		h.Del("Content-Disposition")
		writeProblem(w, r, meshProblem(err).(*Problem))
	}
}
