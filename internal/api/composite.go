package api

import (
	"bytes"
	"encoding/json"
	"slices"

	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// pathsMost bounds the members of a composite operation.
const pathsMost = 256

// composite reads what a composite operation is about: paths, or values by path.
func (a *API) composite(endpoint string, o *server.Operation, in *OperationInput) (err error) {
	if in.Path != "" && in.Path != "/" {
		return problem(422, "%s is about the whole device: give paths, not a path.", in.Op)
	}
	if o.Kind == server.WriteComposite {
		if in.Paths != nil || len(in.Values) == 0 {
			return problem(422, "There is nothing to write: the body is {\"op\": \"write-composite\", \"values\": {\"/3/0/14\": \"+01:00\", …}}.")
		}
		if o.Entries, err = a.compositeValues(endpoint, in.Values); err != nil {
			return err
		}
		return a.check(endpoint, o.Entries)
	}
	if len(in.Paths) == 0 {
		return problem(422, "Name the paths: the body is {\"op\": %q, \"paths\": [\"/3/0/9\", …]}.", in.Op)
	}
	o.Paths, err = parsePaths(in.Paths)
	return err
}

func parsePaths(list []string) ([]lwm2m.Path, error) {
	if len(list) > pathsMost {
		return nil, problem(422, "%d paths are more than the %d that one operation takes.", len(list), pathsMost)
	}
	out := make([]lwm2m.Path, 0, len(list))
	for _, s := range list {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			return nil, problem(422, "%q is not a path such as /3/0/9.", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// compositeValues reads values by path: one value, or numbered members for what is below the path.
func (a *API) compositeValues(endpoint string, in map[string]json.RawMessage) ([]lwm2m.Entry, error) {
	if len(in) > pathsMost {
		return nil, problem(422, "%d paths are more than the %d that one operation takes.", len(in), pathsMost)
	}
	types := a.c.Fleet.Types(endpoint)
	var entries []lwm2m.Entry
	for s, raw := range in {
		p, err := lwm2m.ParsePath(s)
		if err != nil || p.Depth() == 0 {
			return nil, problem(422, "%q is not a path such as /3/0/9.", s)
		}
		if trimmed := bytes.TrimSpace(raw); p.Depth() < 3 || len(trimmed) > 0 && trimmed[0] == '{' {
			below, err := values.Resources(p, raw, types)
			if err != nil {
				return nil, err
			}
			entries = append(entries, below...)
			continue
		}
		kind, multiple, known := types.TypeOf(p)
		if known && multiple && p.Depth() == 3 {
			return nil, problem(422, "%s has several instances: give {\"0\": value, …}, or its instance %s/0.", p, p)
		}
		v, err := values.Parse(p, kind, raw)
		if err != nil {
			return nil, err
		}
		entries = append(entries, lwm2m.Entry{Path: p, Value: v})
	}
	lwm2m.Sort(entries)
	for i, e := range entries {
		if e.Value.IsNone() {
			return nil, problem(422, "%s has no value.", e.Path)
		}
		if i > 0 && entries[i-1].Path == e.Path {
			return nil, problem(422, "%s stands there twice.", e.Path)
		}
	}
	return slices.Clip(entries), nil
}

// ObservedPaths reports whether a list of paths is observed together, for other shapes of this API.
func (a *API) ObservedPaths(endpoint string, paths []lwm2m.Path) bool {
	want := slices.Clone(paths)
	slices.SortFunc(want, lwm2m.Path.Compare)
	want = slices.Compact(want)
	list, _ := a.c.Devices.Observations(endpoint)
	return slices.ContainsFunc(list, func(o server.Observation) bool { return o.Paths != nil && slices.Equal(o.Paths, want) })
}
