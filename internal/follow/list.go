package follow

import (
	"context"
	"slices"

	"heddle.example/internal/trace"
)

// List implements api.Traces.
func (f *Follower) List(_ context.Context, endpoint, kind string, limit int) ([]trace.Trace, error) {
	f.mu.Lock()
	all := slices.Clone(f.list)
	f.mu.Unlock()
	var list []trace.Trace
	for _, x := range slices.Backward(all) {
		if len(list) == limit {
			break
		}
		// These two do not change.
		if endpoint != "" && f.endpoint(x) != endpoint || kind != "" && x.t.Kind != kind {
			continue
		}
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
	if s.own != nil && s.end == 0 && f.latest-s.began >= abandoned {
		s.t.State, s.t.Code = "failed", "no answer"
	}
	return &s
}

// endpoint returns the name of the device: as it is registered, or else as the mesh has it.
func (f *Follower) endpoint(x *exchange) string {
	if x.t.Endpoint != "" {
		return x.t.Endpoint
	}
	return f.name(x.node)
}
