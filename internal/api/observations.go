package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

func (a *API) observationRoutes() {
	const tag = "Observations"
	huma.Register(a.huma, status(op("GET", "/clients/{endpoint}/observations", "observation.list", access.Read, tag, "What is observed on a device"), 200, 404), func(_ context.Context, in *EndpointInput) (*body[Items[fleet.ObservationView]], error) {
		list, err := a.observations(in.Endpoint)
		if err != nil {
			return nil, err
		}
		items := Items[fleet.ObservationView]{Items: []fleet.ObservationView{}}
		for _, o := range list {
			items.Items = append(items.Items, fleet.ViewObservation(o))
		}
		return answer(items), nil
	})
	type observe struct {
		EndpointInput
		Body struct {
			Path    string   `json:"path,omitempty" example:"/3303/0/5700"`
			Paths   []string `json:"paths,omitempty" doc:"instead of path: observed together (Observe-Composite)"`
			Format  string   `json:"format,omitempty"`
			Timeout float64  `json:"timeout,omitempty" doc:"seconds"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/clients/{endpoint}/observations", "observation.add", access.Operate, tag, "Observe an object, instance or resource"), 201, 404, 409, 422, 502, 503, 504), func(ctx context.Context, in *observe) (*body[fleet.ObservationView], error) {
		input := &OperationInput{Op: "observe", Path: in.Body.Path, Format: in.Body.Format, Timeout: in.Body.Timeout}
		what := in.Body.Path
		if in.Body.Paths != nil {
			input.Op, input.Paths = "observe-composite", in.Body.Paths
			what = strings.Join(in.Body.Paths, ", ")
		}
		o, err := a.operation(in.Endpoint, input)
		if err != nil {
			return nil, problemOf(err)
		}
		id, out, err := a.run(ctx, in.Endpoint, o)
		if err != nil {
			return nil, humaError(err)
		}
		if !answered(out.Code) {
			p := problem(409, "The device refuses to observe %s: %s %s.", what, out.Code, out.Code.Name())
			p.Operation = id
			return nil, p
		}
		return answer(fleet.ViewObservation(out.Observation)), nil
	})
	type cancel struct {
		EndpointInput
		ID      string `path:"id" maxLength:"32"`
		Passive bool   `query:"passive" doc:"tell the device only when it next notifies (RST)"`
	}
	huma.Register(a.huma, status(op("DELETE", "/clients/{endpoint}/observations/{id}", "observation.cancel", access.Operate, tag, "Cancel an observation"), http.StatusNoContent, 404, 502, 503, 504), func(ctx context.Context, in *cancel) (*empty, error) {
		list, err := a.observations(in.Endpoint)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			if o.ID.String() != in.ID {
				continue
			}
			// Whatever the device answers, the observation has ended on our side. A device that sleeps is told when it wakes.
			cancel := &server.Operation{Kind: server.CancelObserve, Path: o.Path, Paths: o.Paths, Passive: in.Passive, Timeout: timeoutDefault}
			if o.Paths != nil {
				cancel.Kind = server.CancelObserveComposite
			}
			if _, _, err := a.run(ctx, in.Endpoint, cancel); err != nil {
				return nil, humaError(err)
			}
			return nil, nil
		}
		return nil, problem(404, "There is no observation %s on %s.", in.ID, in.Endpoint)
	})
}

// observations are those of an endpoint that is known: registered, or with observations that wait for its return.
func (a *API) observations(endpoint string) ([]server.Observation, error) {
	list, err := a.c.Devices.Observations(endpoint)
	if err != nil {
		return nil, problemOf(err)
	}
	if len(list) == 0 && a.c.Fleet.Registration(endpoint) == nil {
		return nil, unknown(endpoint)
	}
	return list, nil
}

// ObservedPath returns the observation of a path, for other shapes of this API.
func (a *API) ObservedPath(endpoint string, p lwm2m.Path) (server.Observation, bool) {
	list, _ := a.c.Devices.Observations(endpoint)
	for _, o := range list {
		if o.Path == p && o.Paths == nil {
			return o, true
		}
	}
	return server.Observation{}, false
}
