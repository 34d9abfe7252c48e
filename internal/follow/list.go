package follow

import (
	"context"
	"slices"

	"heddle.example/internal/trace"
)

// List implements api.Traces.
func (f *Follower) List(_ context.Context, endpoint string, limit int) ([]trace.Trace, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []trace.Trace
	for _, x := range slices.Backward(f.list) {
		if len(list) == limit {
			break
		}
		if endpoint != "" && x.t.Endpoint != endpoint {
			continue
		}
		t := f.build(x)
		t.Lanes, t.Spans, t.Layers = nil, nil, nil
		list = append(list, *t)
	}
	return list, nil
}

// Get implements api.Traces.
func (f *Follower) Get(_ context.Context, id string) (*trace.Trace, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.byID[id]
	if x == nil {
		return nil, trace.ErrUnknown
	}
	return f.build(x), nil
}
