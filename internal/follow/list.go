package follow

import (
	"context"
	"slices"

	"heddle.example/internal/trace"
)

// List implements api.Traces.
func (f *Follower) List(_ context.Context, endpoint string, limit int) ([]trace.Trace, error) {
	f.mu.Lock()
	var wanted []*exchange
	for _, x := range slices.Backward(f.list) {
		if len(wanted) == limit {
			break
		}
		if endpoint == "" || x.t.Endpoint == endpoint {
			wanted = append(wanted, x)
		}
	}
	f.mu.Unlock()
	var list []trace.Trace
	for _, x := range wanted {
		t := f.build(f.snapshot(x))
		t.Lanes, t.Spans, t.Layers = nil, nil, nil
		list = append(list, *t)
	}
	return list, nil
}

// Get implements api.Traces.
func (f *Follower) Get(_ context.Context, id string) (*trace.Trace, error) {
	f.mu.Lock()
	x := f.byID[id]
	f.mu.Unlock()
	if x == nil {
		return nil, trace.ErrUnknown
	}
	return f.build(f.snapshot(x)), nil
}

// snapshot returns an exchange as it is now. A trace is built of that and not with the lock held, for which the server's
// owners and the mesh would wait.
func (f *Follower) snapshot(x *exchange) *exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := *x
	s.spans, s.packets = slices.Clone(x.spans), nil
	return &s
}
