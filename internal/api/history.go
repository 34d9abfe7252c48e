package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/internal/history"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// HistoryPoint is a value that a device sent, or with step the numbers of a span of time in brief.
type HistoryPoint struct {
	At    fleet.Time `json:"at" format:"date-time" doc:"the device's time, where it gave one, else of the arrival; with step, the beginning of the span"`
	Value any        `json:"value,omitempty" doc:"without step"`
	Type  string     `json:"type,omitempty" doc:"of the value"`
	Min   *float64   `json:"min,omitempty" doc:"with step"`
	Max   *float64   `json:"max,omitempty" doc:"with step"`
	Avg   *float64   `json:"avg,omitempty" doc:"with step"`
	Count int        `json:"count,omitempty" doc:"with step: values in the span"`
}

// HistoryPage is a page of points, by time.
type HistoryPage struct {
	Points []HistoryPoint `json:"points"`
	Next   string         `json:"next,omitempty" doc:"give it as after for the next page"`
}

// Bounds of an answer.
const (
	pointsDefault = 1000
	pointsMost    = 10_000
)

// historyRoutes are plain handlers: a page has up to 10,000 points, and a download any number.
func (a *API) historyRoutes() {
	if a.c.History == nil {
		return
	}
	const one = "/clients/{endpoint}/history"
	huma.Register(a.huma, status(op("DELETE", one, "history.forget", access.Admin, "Clients", "Forget all values of a device; later ones are kept anew"), 204), func(_ context.Context, in *EndpointInput) (*empty, error) {
		if err := a.c.History.Forget(in.Endpoint); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	for _, depth := range []int{0, 3, 4} {
		level := ""
		if depth > 0 {
			level = levels[depth-1]
		}
		name := "history." + [...]string{"list", "", "", "get", "getInstance"}[depth]
		a.handle(Route{"GET", prefix + one + level, access.Read, name}, a.pointsOf(depth))
		summary := "The values of " + what(depth) + " over time"
		if depth == 0 {
			summary = "The resources of a device that have a past; with format=csv, all their values"
		}
		o := op("GET", one+level, name, access.Read, "Clients", summary)
		schemas := a.huma.OpenAPI().Components.Schemas
		text := &huma.Schema{Type: "string"}
		o.Parameters = []*huma.Param{{Name: "endpoint", In: "path", Required: true, Schema: text}}
		for _, n := range levelNames[:depth] {
			o.Parameters = append(o.Parameters, &huma.Param{Name: n, In: "path", Required: true, Schema: &huma.Schema{Type: "integer"}})
		}
		body := reflect.TypeFor[HistoryPage]()
		if depth == 0 {
			body = reflect.TypeFor[Items[string]]()
		}
		add := func(name, description string) {
			o.Parameters = append(o.Parameters, &huma.Param{Name: name, In: "query", Schema: text, Description: description})
		}
		add("from", "RFC 3339, or milliseconds since 1970: not earlier")
		add("to", "likewise: not later")
		add("format", "json (default) or csv")
		if depth > 0 {
			add("limit", "points of a page, at most 10,000; default 1,000")
			add("after", "next of the page before")
			add("step", "seconds: numbers in brief, one point for each such span that has some")
		}
		o.Responses = map[string]*huma.Response{"200": {Description: "By time", Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(body, true, name)}, "text/csv": {Schema: text}}}}
		a.huma.OpenAPI().AddOperation(&o)
	}
}

// instant reads a time in either form; an empty one is otherwise.
func instant(name, s string, otherwise int64) (int64, error) {
	if s == "" {
		return otherwise, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, problem(422, "%s is %q; it is a time such as 2026-11-23T08:00:00Z, or milliseconds since 1970.", name, s)
	}
	return t.UnixMilli(), nil
}

// historyQuery is the query of a request.
type historyQuery struct {
	history.Query
	step int64 // milliseconds; 0: none
	csv  bool
}

func readHistoryQuery(r *http.Request) (q historyQuery, err error) {
	v := r.URL.Query()
	if q.From, err = instant("from", v.Get("from"), math.MinInt64); err != nil {
		return q, err
	}
	if q.To, err = instant("to", v.Get("to"), math.MaxInt64); err != nil {
		return q, err
	}
	q.After, q.Limit = v.Get("after"), pointsDefault
	if s := v.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 1 || q.Limit > pointsMost {
			return q, problem(422, "limit is %q; it is a number from 1 to %d.", s, pointsMost)
		}
	}
	if s := v.Get("step"); s != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= 0.001 && f <= 1e9) {
			return q, problem(422, "step is %q; it is a number of seconds.", s)
		}
		q.step = int64(f * 1000)
	}
	switch v.Get("format") {
	case "", "json":
	case "csv":
		q.csv = true
	default:
		return q, problem(422, "format is %q; it is json or csv.", v.Get("format"))
	}
	return q, nil
}

func (a *API) pointsOf(depth int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		endpoint := r.PathValue("endpoint")
		p, err := target(r, depth)
		var q historyQuery
		if err == nil {
			q, err = readHistoryQuery(r)
		}
		var paths []lwm2m.Path
		if err == nil {
			if paths = []lwm2m.Path{p}; depth == 0 {
				paths, err = a.c.History.Resources(endpoint)
			}
		}
		if err == nil && q.csv {
			a.download(w, r, endpoint, paths, q)
			return
		}
		var b []byte
		switch {
		case err != nil:
		case depth == 0:
			list := Items[string]{Items: []string{}}
			for _, p := range paths {
				list.Items = append(list.Items, p.String())
			}
			b = jsonOf(list)
		case q.step > 0:
			b, err = a.buckets(endpoint, p, q)
		default:
			b, err = a.points(endpoint, p, q)
		}
		if err != nil {
			writeProblem(w, r, problemOf(err))
			return
		}
		h := w.Header()
		h["Content-Type"], h["Cache-Control"] = contentJSON, noStore
		w.Write(append(b, '\n'))
	}
}

func appendMillis(b []byte, at int64) []byte { return fleet.AppendTime(b, machine.Time(nanos(at))) }

// nanos is what JSON can tell of a time in milliseconds.
func nanos(at int64) int64 {
	const most = math.MaxInt64 / 1_000_000
	if at = max(-most, min(at, most)) * 1_000_000; at == 0 {
		return 1 // zero is "no time"
	}
	return at
}

func (a *API) points(endpoint string, p lwm2m.Path, q historyQuery) ([]byte, error) {
	list, next, err := a.c.History.Points(endpoint, p, q.Query)
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 64+80*len(list)), `{"points":[`...)
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMillis(append(b, `{"at":`...), p.At)
		b = values.Append(append(b, `,"value":`...), p.Value)
		b = append(append(append(b, `,"type":"`...), values.TypeName(p.Value.Kind())...), `"}`...)
	}
	return appendNext(b, next), nil
}

func appendNext(b []byte, next string) []byte {
	b = append(b, ']')
	if next != "" {
		b = append(append(append(b, `,"next":"`...), next...), '"')
	}
	return append(b, '}')
}

func (a *API) buckets(endpoint string, p lwm2m.Path, q historyQuery) ([]byte, error) {
	list, next, err := a.c.History.Buckets(endpoint, p, q.Query, q.step)
	if err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, 64+120*len(list)), `{"points":[`...)
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMillis(append(b, `{"at":`...), p.At)
		for _, f := range []struct {
			name string
			n    float64
		}{{"min", p.Min}, {"max", p.Max}, {"avg", p.Avg}} {
			b = append(append(append(b, `,"`...), f.name...), `":`...)
			b = values.Append(b, lwm2m.Num(f.n))
		}
		b = strconv.AppendInt(append(b, `,"count":`...), int64(p.Count), 10)
		b = append(b, '}')
	}
	return appendNext(b, next), nil
}

// download writes all points as CSV, page by page, so that a slow reader holds nothing in the store.
func (a *API) download(w http.ResponseWriter, r *http.Request, endpoint string, paths []lwm2m.Path, q historyQuery) {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	name := "history.csv"
	if len(paths) == 1 {
		name = fmt.Sprintf("history-%d-%d-%d.csv", paths[0].Object(), paths[0].Instance(), paths[0].Resource())
	}
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	out := csv.NewWriter(w)
	out.Write([]string{"time", "path", "value", "type"})
	rc := http.NewResponseController(w)
	for _, p := range paths {
		q := q.Query
		for q.Limit = pointsMost; ; {
			list, next, err := a.c.History.Points(endpoint, p, q)
			if err != nil {
				a.c.Log.Error("a download of the history ended early", "endpoint", endpoint, "path", p, "error", err)
				panic(http.ErrAbortHandler) // the reader must see that something is missing
			}
			rc.SetWriteDeadline(time.Now().Add(time.Minute))
			for _, p2 := range list {
				out.Write([]string{time.UnixMilli(p2.At).UTC().Format("2006-01-02T15:04:05.000Z07:00"), p.String(), p2.Value.String(), values.TypeName(p2.Value.Kind())})
			}
			out.Flush()
			if out.Error() != nil || r.Context().Err() != nil {
				return
			}
			if q.After = next; next == "" {
				break
			}
		}
	}
}
