package shards

import (
	"context"
	"errors"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Pending is an operation under way.
type Pending struct {
	id   machine.OpID
	done chan *server.Outcome
	kept *server.Kept // instead of an outcome
}

// Do sends an operation to a device and waits for its one result, or, as a *Kept error, for the word that it is kept until
// the device wakes. id names it, also where err is not nil.
func (s *Shards) Do(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error) {
	k := s.of(endpoint)
	id, out, err = k.try(ctx, endpoint, op)
	if errors.Is(err, server.ErrUnknownEndpoint) {
		// The device may have gone to another shard meanwhile.
		if now := s.of(endpoint); now != k {
			return now.try(ctx, endpoint, op)
		}
	}
	return id, out, err
}

func (k *shard) try(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error) {
	s := k.all
	if s.ending.Load() {
		return "", nil, ErrStopped
	}
	p := s.pool.Get().(*Pending)
	p.id, p.kept = 0, nil
	cause := s.host.NextCause()
	if !k.owner.Submit(func(now machine.Time) {
		if s.ending.Load() {
			p.done <- nil
			return
		}
		p.id = k.srv.Do(now, cause, endpoint, op)
		if s.follower != nil {
			s.follower.Asked(now, cause, p.id, endpoint, op)
		}
		k.waiting[p.id] = p
	}) {
		s.pool.Put(p)
		return "", nil, ErrFull
	}
	select {
	case out = <-p.done:
		id = server.FormatOp(p.id)
		kept := p.kept
		s.pool.Put(p)
		if kept != nil {
			return id, nil, &Kept{*kept}
		}
		if out == nil {
			return id, nil, ErrStopped
		}
		return id, out, out.Err
	case <-ctx.Done():
	}
	// Who asked has gone. The operation is cancelled; its result is dropped with the channel, so p is not used again.
	k.owner.Post(func(now machine.Time) {
		if k.waiting[p.id] == p {
			k.srv.Cancel(now, p.id)
		}
	})
	return "", nil, ctx.Err()
}
