package leshan

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"heddle.example/internal/api"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/lwm2m/server"
)

// nodesOf is the nodes at paths, null where there is none.
func nodesOf(paths []lwm2m.Path, entries []lwm2m.Entry) map[string]any {
	out := map[string]any{}
	for _, p := range paths {
		var below []lwm2m.Entry
		for _, e := range entries {
			if e.Path.HasPrefix(p) {
				below = append(below, e)
			}
		}
		out[p.String()] = nil
		if len(below) > 0 {
			out[p.String()] = nodeOf(p, below)
		}
	}
	return out
}

// pathsOf is the paths of sorted entries, each once.
func pathsOf(entries []lwm2m.Entry) (out []lwm2m.Path) {
	for i := range entries {
		if i == 0 || entries[i].Path != entries[i-1].Path {
			out = append(out, entries[i].Path)
		}
	}
	return out
}

// compositeOperation begins a composite operation with what the query says: paths, with commas; one format for both ways.
func compositeOperation(r *http.Request, kind server.OpKind) (*server.Operation, error) {
	o, err := operation(r, kind, lwm2m.Root)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	for _, name := range []string{"pathformat", "nodeformat"} {
		s := q.Get(name)
		if s == "" {
			continue
		}
		ct, ok := format.ParseName(s)
		if !ok || o.HasFormat && ct != o.Format {
			return nil, fmt.Errorf("Invalid request: content format %s is not supported", s)
		}
		o.Format, o.HasFormat = ct, true
	}
	if kind == server.WriteComposite {
		return o, nil
	}
	list := strings.Split(q.Get("paths"), ",")
	if len(list) > 256 {
		return nil, fmt.Errorf("Invalid request: %d paths", len(list))
	}
	for _, s := range list {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			return nil, fmt.Errorf("Invalid path : %s", s)
		}
		o.Paths = append(o.Paths, p)
	}
	return o, nil
}

func (l *Leshan) compositeRead(w http.ResponseWriter, r *http.Request) {
	o, err := compositeOperation(r, server.ReadComposite)
	l.run(w, r, o, err)
}

func (l *Leshan) compositeObserve(w http.ResponseWriter, r *http.Request) {
	o, err := compositeOperation(r, server.ObserveComposite)
	l.run(w, r, o, err)
}

// compositeWrite reads nodes by path.
func (l *Leshan) compositeWrite(w http.ResponseWriter, r *http.Request) {
	o, err := compositeOperation(r, server.WriteComposite)
	if err == nil {
		o.Entries, err = readNodes(w, r)
	}
	l.run(w, r, o, err)
}

func readNodes(w http.ResponseWriter, r *http.Request) ([]lwm2m.Entry, error) {
	b, err := api.ReadBody(w, r)
	if err != nil {
		return nil, fmt.Errorf("Invalid request: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	var nodes map[string]inNode
	if err := dec.Decode(&nodes); err != nil {
		return nil, fmt.Errorf("Invalid request: unable to parse json to tlv:%v", err)
	}
	var entries []lwm2m.Entry
	for s, n := range nodes {
		p, err := lwm2m.ParsePath(s)
		if err != nil || p.Depth() < 3 {
			return nil, fmt.Errorf("Invalid path : %s", s)
		}
		if entries, err = n.entries(entries, p, 0); err != nil {
			return nil, fmt.Errorf("Invalid request: %v", err)
		}
	}
	lwm2m.Sort(entries)
	for i := 1; i < len(entries); i++ {
		if entries[i].Path == entries[i-1].Path {
			return nil, fmt.Errorf("Invalid request: %s stands there twice", entries[i].Path)
		}
	}
	return entries, nil
}

func (l *Leshan) compositeCancel(w http.ResponseWriter, r *http.Request) {
	o, err := compositeOperation(r, server.CancelObserveComposite)
	if err == nil {
		active := r.URL.Query().Has("active")
		o.Passive = !active
		endpoint := r.PathValue("endpoint")
		registered := l.c.Fleet.Registration(endpoint) != nil
		if registered && !l.api.ObservedPaths(endpoint, o.Paths) {
			if active {
				fail(w, 404, "no composite-observation for paths %s for client '%s'", r.URL.Query().Get("paths"), endpoint)
			}
			return // nothing to cancel is success, 200 without a body
		}
		if registered && !active {
			l.api.Run(r.Context(), endpoint, o)
			return
		}
	}
	l.run(w, r, o, err)
}
