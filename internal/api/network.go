package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/dataset"
)

// The routes of the page Network: the operational datasets of a node.
func (a *API) networkRoutes() {
	const tag = "Mesh"
	n := dataset.New(a.c.Seat)
	type answerStatus = body[*dataset.Status]
	now := func(ctx context.Context, secrets bool, err error) (*answerStatus, error) {
		if err != nil {
			return nil, networkProblem(err)
		}
		s, err := n.Status(ctx, secrets)
		if err != nil {
			return nil, networkProblem(err)
		}
		return answer(s), nil
	}
	huma.Register(a.huma, op("GET", "/mesh/network", "network.get", access.Read, tag, "The network's datasets, without keys"), func(ctx context.Context, _ *empty) (*answerStatus, error) {
		return now(ctx, false, nil)
	})
	huma.Register(a.huma, op("GET", "/mesh/network/keys", "network.keys", access.Admin, tag, "The network's datasets with their keys and as TLVs"), func(ctx context.Context, _ *empty) (*answerStatus, error) {
		return now(ctx, true, nil)
	})
	type change struct{ Body dataset.Change }
	huma.Register(a.huma, status(op("PUT", "/mesh/network", "network.set", access.Admin, tag, "Change the dataset: at once where Thread does not run, else for all nodes at the same instant by a pending dataset"), 200, 409, 422), func(ctx context.Context, in *change) (*answerStatus, error) {
		return now(ctx, false, n.Set(ctx, in.Body))
	})
	type running struct {
		Body struct {
			Run bool `json:"run"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/mesh/network", "network.run", access.Admin, tag, "Start Thread on the node, or stop it"), 200, 409), func(ctx context.Context, in *running) (*answerStatus, error) {
		return now(ctx, false, n.Run(ctx, in.Body.Run))
	})
	huma.Register(a.huma, op("GET", "/mesh/network/new", "network.new", access.Admin, tag, "A dataset of secure random values. Nothing is changed"), func(ctx context.Context, _ *empty) (*body[*dataset.Dataset], error) {
		d, err := n.Draw(ctx)
		if err != nil {
			return nil, networkProblem(err)
		}
		return answer(d), nil
	})
	type parse struct{ Body dataset.Parse }
	huma.Register(a.huma, status(op("POST", "/mesh/network/parse", "network.parse", access.Admin, tag, "What the TLVs of a dataset say. Nothing is changed"), 200, 422), func(_ context.Context, in *parse) (*body[*dataset.Dataset], error) {
		d, err := n.Look(in.Body)
		if err != nil {
			return nil, networkProblem(err)
		}
		return answer(d), nil
	})
}

func networkProblem(err error) error {
	for _, e := range []error{dataset.ErrRuns, dataset.ErrNone, dataset.ErrDetach, dataset.ErrLeader} {
		if errors.Is(err, e) {
			return problem(409, "%v.", err)
		}
	}
	if errors.Is(err, dataset.ErrSilent) {
		return problem(504, "%v.", err)
	}
	return seatProblem(err)
}
