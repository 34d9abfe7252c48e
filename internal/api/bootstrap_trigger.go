package api

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// bootstrapTrigger asks a registered device to bootstrap again (section 6.1.3, resource 9 of the Server object).
func (a *API) bootstrapTrigger() {
	type input struct {
		EndpointInput
		Instance int `query:"instance" minimum:"-1" maximum:"65534" default:"-1" doc:"of the device's Server object; absent: the first one"`
	}
	type bootstrapTriggered struct {
		Operation string `json:"operation"`
		Path      string `json:"path" example:"/1/0/9"`
		Code      string `json:"code" example:"2.04"`
		Status    string `json:"status" enum:"answered,refused"`
		Detail    string `json:"detail,omitempty" doc:"why the device refused, in its own words where it sent some"`
	}
	huma.Register(a.huma, status(op("POST", "/clients/{endpoint}/bootstrap", "client.bootstrap", access.Operate, "Bootstrap", "Ask a registered device to bootstrap again: Execute 1/x/9. For a device that sleeps the request is kept (202)"), 200, 202, 404, 504), func(ctx context.Context, in *input) (*body[bootstrapTriggered], error) {
		reg := a.c.Fleet.Registration(in.Endpoint)
		if reg == nil {
			return nil, unknown(in.Endpoint)
		}
		instance := in.Instance
		inv := reg.Objects.Inventory()
		if o := inv.Object(1); instance < 0 && o != nil && len(o.Instances) > 0 {
			instance = int(o.Instances[0])
		}
		p := lwm2m.NewPath(1, uint16(max(instance, 0)), 9)
		id, out, err := a.run(ctx, in.Endpoint, &server.Operation{Kind: server.Execute, Path: p, Timeout: timeoutDefault})
		if err != nil {
			return nil, humaError(err)
		}
		o := bootstrapTriggered{Operation: id, Path: p.String(), Code: out.Code.String(), Status: "answered"}
		if !answered(out.Code) {
			o.Status, o.Detail = "refused", strings.ToValidUTF8(string(out.Payload), "?")
			if o.Detail == "" {
				o.Detail = "The device does not take this: it may speak version 1.0, or have no account of a bootstrap server."
			}
		}
		return answer(o), nil
	})
}
