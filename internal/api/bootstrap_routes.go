package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
)

// BootstrapBulkItem is one of many.
type BootstrapBulkItem = BootstrapConfiguration

// BootstrapKeys are the keys of a configuration.
type BootstrapKeys struct {
	Account string            `json:"account,omitempty" doc:"hexadecimal"`
	Servers map[string]string `json:"servers" doc:"hexadecimal, by place in servers"`
}

// BootstrapPlan is a dry run: the messages as they would be sent.
type BootstrapPlan struct {
	Valid bool             `json:"valid" doc:"always true: what is not valid is answered 422 or 409, as when it is stored"`
	Steps []bootstrap.Step `json:"steps"`
	Bytes int              `json:"bytes" doc:"of all messages"`
}

func (a *API) bootstrapRoutes() {
	a.bootstrapTrigger()
	if a.c.Bootstrap == nil {
		return
	}
	const tag = "Bootstrap"
	table, sessions := a.c.Bootstrap.Configurations, a.c.Bootstrap.Sessions
	type query struct {
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		After string `query:"after" maxLength:"256" doc:"endpoint: only rows after it"`
		Q     string `query:"q" maxLength:"256" doc:"text in endpoint, identities or server URIs"`
	}
	type bootstrapPage struct {
		Total   int                      `json:"total"`
		Matched int                      `json:"matched"`
		Items   []BootstrapConfiguration `json:"items"`
		Next    string                   `json:"next,omitempty" doc:"give it as after for the next page"`
		Default bool                     `json:"default" doc:"there is a default, for devices that no other configuration is for"`
	}
	huma.Register(a.huma, op("GET", "/bootstrap/configurations", "bootstrap.list", access.Read, tag, "Bootstrap configurations, without keys, sorted by endpoint; the default is not among them"), func(_ context.Context, in *query) (*body[bootstrapPage], error) {
		p := bootstrapPage{Items: []BootstrapConfiguration{}}
		p.Total, p.Matched = table.Count(in.Q)
		_, p.Default = table.Get(bootstrap.Default)
		list := table.List(in.After, in.Q, in.Limit+2) // the default may be among them
		for _, c := range list {
			switch {
			case c.Endpoint == bootstrap.Default:
			case len(p.Items) == in.Limit:
				p.Next = p.Items[in.Limit-1].Endpoint
			default:
				p.Items = append(p.Items, a.viewConfiguration(c))
			}
			if p.Next != "" {
				break
			}
		}
		return answer(p), nil
	})
	a.bootstrapOne(tag, "/bootstrap/configurations/{endpoint}", "bootstrap", "of one device or group", func(s string) string { return s })
	a.bootstrapDefault(tag)
	many := status(op("POST", "/bootstrap/configurations/bulk", "bootstrap.bulk", access.Admin, tag, "Store many configurations in one commit; a bad item is reported and keeps no other out"), 200)
	many.MaxBodyBytes = 64 << 20
	many.SkipValidateBody = true // each item is checked below, and reported by its place
	huma.Register(a.huma, many, a.bootstrapBulk)
	type planInput struct {
		Device     string `query:"device" maxLength:"192" doc:"the name that a device of a group has in the dry run"`
		Discovered string `query:"discovered" maxLength:"4096" doc:"what the device says that it has, in link format; absent: its account of this server, at /0/0"`
		Prefers    string `query:"prefers" enum:"tlv,senml-json,senml-cbor" default:"senml-cbor" doc:"the content format that it prefers (pct)"`
		Body       BootstrapConfiguration
	}
	huma.Register(a.huma, status(op("POST", "/bootstrap/plan", "bootstrap.plan", access.Operate, tag, "A dry run: the exact messages, keys masked. Nothing is stored"), 200, 409, 422), func(_ context.Context, in *planInput) (*body[BootstrapPlan], error) {
		endpoint := in.Body.Endpoint
		if endpoint == "" {
			endpoint = bootstrap.Default
		}
		in.Body.Endpoint = ""
		c, err := in.Body.configuration(endpoint, a.c.Definitions.Registry())
		if err != nil {
			return nil, problemOf(err)
		}
		steps, err := table.Plan(c, bootstrap.PlanOptions{Device: in.Device, Discovered: in.Discovered, Prefers: in.Prefers})
		if err != nil {
			return nil, problemOf(err)
		}
		p := BootstrapPlan{Valid: true, Steps: steps}
		for _, s := range steps {
			p.Bytes += s.Size
		}
		return answer(p), nil
	})
	type sessionQuery struct {
		Limit    int    `query:"limit" minimum:"1" maximum:"600" default:"100"`
		Endpoint string `query:"endpoint" maxLength:"256" doc:"only those of this device or configuration"`
	}
	type bootstrapSessions struct {
		Running int                 `json:"running"`
		Items   []bootstrap.Session `json:"items"`
	}
	huma.Register(a.huma, op("GET", "/bootstrap/sessions", "bootstrap.sessions", access.Read, tag, "The newest sessions with their messages, the newest first, and who was refused"), func(_ context.Context, in *sessionQuery) (*body[bootstrapSessions], error) {
		return answer(bootstrapSessions{sessions.Running(), sessions.List(in.Endpoint, in.Limit)}), nil
	})
	type sessionID struct {
		ID string `path:"id" maxLength:"64"`
	}
	gone := func(id string) *Problem {
		return problem(404, "There is no bootstrap session %q, or it is too long ago.", id)
	}
	huma.Register(a.huma, status(op("GET", "/bootstrap/sessions/{id}", "bootstrap.session", access.Read, tag, "One session"), 200, 404), func(_ context.Context, in *sessionID) (*body[bootstrap.Session], error) {
		s, _, ok := sessions.Get(in.ID)
		if !ok {
			return nil, gone(in.ID)
		}
		return answer(s), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/bootstrap/sessions/{id}", "bootstrap.stop", access.Operate, tag, "Stop a session that runs; the device goes back to what it had"), 204, 404), func(_ context.Context, in *sessionID) (*empty, error) {
		s, id, ok := sessions.Get(in.ID)
		if !ok || s.State != "running" || a.c.Bootstrap.Owner == nil {
			return nil, gone(in.ID)
		}
		if stopped, err := a.c.Bootstrap.Owner.StopSession(id); err != nil || !stopped {
			return nil, gone(in.ID)
		}
		return nil, nil
	})
}

// bootstrapOne is the routes of one configuration.
func (a *API) bootstrapOne(tag, path, name, whose string, stored func(string) string) {
	table := a.c.Bootstrap.Configurations
	none := func(endpoint string) *Problem {
		return problem(404, "There is no bootstrap configuration for %q. PUT the same path stores one.", endpoint)
	}
	huma.Register(a.huma, status(op("GET", path, name+".get", access.Read, tag, "The bootstrap configuration "+whose+", without keys"), 200, 404), func(_ context.Context, in *EndpointInput) (*body[BootstrapConfiguration], error) {
		c, ok := table.Get(stored(in.Endpoint))
		if !ok {
			return nil, none(in.Endpoint)
		}
		return answer(a.viewConfiguration(c)), nil
	})
	huma.Register(a.huma, status(op("GET", path+"/keys", name+".keys", access.Admin, tag, "The keys of a configuration; noted in the audit log"), 200, 404), func(ctx context.Context, in *keyInput) (*body[BootstrapKeys], error) {
		return a.bootstrapKeys(ctx, in, stored(in.Endpoint), none(in.Endpoint))
	})
	type put struct {
		EndpointInput
		Body BootstrapConfiguration
	}
	huma.Register(a.huma, status(op("PUT", path, name+".put", access.Admin, tag, "Store the bootstrap configuration "+whose+". What a device would refuse is refused here"), 200, 409, 422), func(_ context.Context, in *put) (*bootstrapStored, error) {
		return a.storeBootstrap(stored(in.Endpoint), &in.Body)
	})
	huma.Register(a.huma, status(op("DELETE", path, name+".delete", access.Admin, tag, "Remove the bootstrap configuration "+whose+"; credentials that were given stay"), 204, 404), func(_ context.Context, in *EndpointInput) (*empty, error) {
		return nil, a.removeBootstrap(stored(in.Endpoint))
	})
}

// bootstrapDefault is the routes of the configuration for devices that no other one is for.
func (a *API) bootstrapDefault(tag string) {
	const path, whose = "/bootstrap/default", "for devices that no other one is for"
	none := problem(404, "There is no default: devices without a configuration are refused. PUT the same path stores one.")
	huma.Register(a.huma, status(op("GET", path, "bootstrap.default.get", access.Read, tag, "The configuration "+whose), 200, 404), func(context.Context, *empty) (*body[BootstrapConfiguration], error) {
		c, ok := a.c.Bootstrap.Configurations.Get(bootstrap.Default)
		if !ok {
			return nil, none
		}
		return answer(a.viewConfiguration(c)), nil
	})
	huma.Register(a.huma, status(op("GET", path+"/keys", "bootstrap.default.keys", access.Admin, tag, "The keys of the default; noted in the audit log"), 200, 404), func(ctx context.Context, in *Source) (*body[BootstrapKeys], error) {
		return a.bootstrapKeys(ctx, &keyInput{EndpointInput{bootstrap.Default}, *in}, bootstrap.Default, none)
	})
	type put struct{ Body BootstrapConfiguration }
	huma.Register(a.huma, status(op("PUT", path, "bootstrap.default.put", access.Admin, tag, "Store the configuration "+whose), 200, 409, 422), func(_ context.Context, in *put) (*bootstrapStored, error) {
		in.Body.Endpoint = ""
		return a.storeBootstrap(bootstrap.Default, &in.Body)
	})
	huma.Register(a.huma, status(op("DELETE", path, "bootstrap.default.delete", access.Admin, tag, "Remove the configuration "+whose+": they are refused then"), 204, 404), func(context.Context, *empty) (*empty, error) {
		return nil, a.removeBootstrap(bootstrap.Default)
	})
}
