package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/trace"
)

// Traces are the exchanges that are followed.
type Traces interface {
	// List returns the newest first, of one client or of all, of one kind or of all, without lanes, spans and layers.
	List(ctx context.Context, endpoint, kind string, limit int) ([]trace.Trace, error)
	// Get returns one whole; trace.ErrUnknown where it is not known any more.
	Get(ctx context.Context, id string) (*trace.Trace, error)
	// Capture writes its packets on every leg as pcapng, with the keys that open them where keys says so.
	Capture(ctx context.Context, id string, out io.Writer, keys bool) error
	// Requested tells when the REST interface had the request for an operation, and when its answer.
	Requested(id string, received, answered time.Time)
	// Shown tells what the page that asked for it has measured; trace.ErrUnknown where it is not known any more.
	Shown(id string, p trace.Page) error
}

func (a *API) traceRoutes() {
	const tag = "Traces"
	t := a.c.Traces
	type which struct {
		Endpoint string `query:"endpoint" doc:"only of this client"`
		Kind     string `query:"kind" enum:"operation,device,notification" doc:"only of this kind"`
		Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	}
	type list struct {
		Items []trace.Trace `json:"items"`
	}
	huma.Register(a.huma, op("GET", "/traces", "traces.list", access.Read, tag, "Exchanges that were followed, the newest first"), func(ctx context.Context, in *which) (*body[list], error) {
		items, err := t.List(ctx, in.Endpoint, in.Kind, in.Limit)
		if err != nil {
			return nil, traceProblem(err)
		}
		if items == nil {
			items = []trace.Trace{}
		}
		return answer(list{items}), nil
	})
	type one struct {
		ID string `path:"id"`
	}
	huma.Register(a.huma, status(op("GET", "/traces/{id}", "traces.get", access.Read, tag, "One exchange through all layers and hops. The id of an operation is that of its trace"), 200, 404), func(ctx context.Context, in *one) (*body[*trace.Trace], error) {
		x, err := t.Get(ctx, in.ID)
		if err != nil {
			return nil, traceProblem(err)
		}
		return answer(x), nil
	})
	type shown struct {
		ID   string `path:"id"`
		Body trace.Page
	}
	huma.Register(a.huma, status(op("PUT", "/traces/{id}/page", "traces.page", access.Read, tag, "What the page that asked for an operation measured of it: it gets a lane of the trace"), 204, 404, 422), func(_ context.Context, in *shown) (*struct{}, error) {
		if err := t.Shown(in.ID, in.Body); err != nil {
			return nil, traceProblem(err)
		}
		return nil, nil
	})
	a.handleWho(Route{"GET", prefix + "/traces/{id}/pcap", access.Read, "traces.pcap"}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/vnd.tcpdump.pcap")
		h.Set("Content-Disposition", `attachment; filename="trace.pcapng"`)
		h.Set("Cache-Control", "no-store")
		if err := t.Capture(r.Context(), r.PathValue("id"), w, who(r.Context()).Role >= access.Admin); err != nil {
			h.Del("Content-Disposition")
			writeProblem(w, r, traceProblem(err).(*Problem))
		}
	})
	p := op("GET", "/traces/{id}/pcap", "traces.pcap", access.Read, tag, "The packets of an exchange on every leg as a pcapng file; with keys in it for an administrator")
	p.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}}
	p.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{"application/vnd.tcpdump.pcap": {Schema: &huma.Schema{Type: "string"}}}}}
	a.huma.OpenAPI().AddOperation(&p)
}

func traceProblem(err error) error {
	if errors.Is(err, trace.ErrUnknown) {
		return problem(404, "No such exchange is remembered. The newest few hundred are.")
	}
	return seatProblem(err)
}
