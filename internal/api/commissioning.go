package api

import (
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/commissioning"
	"heddle.example/internal/seat"
)

// The routes of the page Commissioning: a node's commissioner.
func (a *API) commissioningRoutes() {
	const tag = "Mesh"
	c := commissioning.New(a.c.Seat)
	type answerStatus = body[*commissioning.Status]
	now := func(ctx context.Context, err error) (*answerStatus, error) {
		if err != nil {
			return nil, seatProblem(err)
		}
		s, err := c.Status(ctx)
		if err != nil {
			return nil, seatProblem(err)
		}
		return answer(s), nil
	}
	huma.Register(a.huma, op("GET", "/mesh/commissioning", "commissioning.get", access.Read, tag, "The commissioner, who may join, and who tried"), func(ctx context.Context, _ *empty) (*answerStatus, error) {
		return now(ctx, nil)
	})
	type active struct {
		Body struct {
			Active bool `json:"active"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/mesh/commissioning", "commissioning.set", access.Admin, tag, "Start or stop the commissioner"), 200, 409), func(ctx context.Context, in *active) (*answerStatus, error) {
		if in.Body.Active {
			return now(ctx, c.Start(ctx))
		}
		return now(ctx, c.Stop(ctx))
	})
	type add struct{ Body commissioning.Add }
	huma.Register(a.huma, status(op("POST", "/mesh/commissioning/joiners", "commissioning.add", access.Admin, tag, "Let a device join, by EUI-64 and PSKd or by the text of its label"), 200, 409, 422), func(ctx context.Context, in *add) (*answerStatus, error) {
		return now(ctx, c.Add(ctx, in.Body))
	})
	type joiner struct {
		ID string `query:"id" required:"true" doc:"*, an EUI-64, or a discerner as number/bits"`
	}
	huma.Register(a.huma, status(op("DELETE", "/mesh/commissioning/joiners", "commissioning.remove", access.Admin, tag, "Let a device join no more"), 200, 404, 409), func(ctx context.Context, in *joiner) (*answerStatus, error) {
		return now(ctx, c.Remove(ctx, in.ID))
	})
	type drawn struct {
		PSKd string `json:"pskd" example:"J01NME"`
	}
	huma.Register(a.huma, op("GET", "/mesh/commissioning/pskd", "commissioning.pskd", access.Admin, tag, "A new random PSKd for a device"), func(context.Context, *empty) (*body[drawn], error) {
		return answer(drawn{commissioning.NewPSKd()}), nil
	})
}

// seatProblem says what kept a node from doing something.
func seatProblem(err error) error {
	switch {
	case errors.Is(err, commissioning.ErrUnknown):
		return problem(404, "%v.", err)
	case errors.Is(err, commissioning.ErrAttach), errors.Is(err, commissioning.ErrActive), errors.Is(err, seat.ErrOff):
		return problem(409, "%v.", err)
	case errors.Is(err, seat.ErrBusy), errors.Is(err, seat.ErrClosed):
		return problem(503, "%v.", err)
	}
	return problem(422, "%v.", err)
}
