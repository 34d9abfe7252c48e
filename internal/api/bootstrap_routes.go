package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
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

type bootstrapStored struct {
	Status int
	Body   BootstrapConfiguration
}

func (a *API) storeBootstrap(endpoint string, in *BootstrapConfiguration) (*bootstrapStored, error) {
	c, err := in.configuration(endpoint, a.c.Definitions.Registry())
	if err != nil {
		return nil, problemOf(err)
	}
	c, created, err := a.c.Bootstrap.Configurations.Put(c, false)
	if err != nil {
		return nil, problemOf(err)
	}
	for i := range c.Servers {
		if c.Servers[i].Local && !c.Group() && c.Servers[i].Mode == machine.PSK {
			a.tellCredential(endpoint, "replaced")
		}
	}
	return &bootstrapStored{map[bool]int{true: http.StatusCreated, false: http.StatusOK}[created], a.viewConfiguration(c)}, nil
}

func (a *API) removeBootstrap(endpoint string) error {
	if err := a.c.Bootstrap.Configurations.Delete(endpoint); err != nil {
		return problemOf(err)
	}
	a.c.Bootstrap.Sessions.Forget(endpoint)
	return nil
}

func (a *API) bootstrapKeys(ctx context.Context, in *keyInput, endpoint string, none *Problem) (*body[BootstrapKeys], error) {
	c, ok := a.c.Bootstrap.Configurations.Get(endpoint)
	p := who(ctx)
	a.c.Access.Audit(access.Entry{User: p.User, Via: p.Via, Remote: in.remote, Action: "bootstrap.keys", Target: "/bootstrap/configurations/" + endpoint, Status: map[bool]int{true: 200, false: 404}[ok]})
	if !ok {
		return nil, none
	}
	keys := BootstrapKeys{Account: hex.EncodeToString(c.Reach.Key), Servers: map[string]string{}}
	for i := range c.Servers {
		if len(c.Servers[i].Key) > 0 {
			keys.Servers[strconv.Itoa(i)] = hex.EncodeToString(c.Servers[i].Key)
		}
	}
	return answer(keys), nil
}

type bootstrapBulkInput struct {
	Body struct {
		Items      []BootstrapBulkItem `json:"items" maxItems:"100000"`
		OnConflict string              `json:"onConflict,omitempty" enum:"fail,replace,skip" default:"fail" doc:"what becomes of an endpoint that has a configuration already"`
	}
}

func (a *API) bootstrapBulk(_ context.Context, in *bootstrapBulkInput) (*body[BulkResult], error) {
	on, err := credentials.ParseOnConflict(in.Body.OnConflict)
	if err != nil {
		return nil, problemOf(err)
	}
	res := BulkResult{Errors: []BulkError{}}
	var good []*bootstrap.Configuration
	var place []int
	reg := a.c.Definitions.Registry()
	for i := range in.Body.Items {
		item := &in.Body.Items[i]
		c, err := item.configuration(item.Endpoint, reg)
		if err != nil {
			res.Errors = append(res.Errors, BulkError{i, sentence(err)})
			continue
		}
		good, place = append(good, c), append(place, i)
	}
	r, err := a.c.Bootstrap.Configurations.PutAll(good, on)
	if err != nil {
		return nil, problemOf(err)
	}
	res.Added, res.Replaced, res.Skipped = r.Added, r.Replaced, r.Skipped
	for _, e := range r.Errors {
		res.Errors = append(res.Errors, BulkError{place[e.Index], sentence(e.Err)})
	}
	a.tellCredential("", "bulk")
	return answer(res), nil
}

// viewConfiguration makes the view of a configuration with what became of its sessions.
func (a *API) viewConfiguration(c *bootstrap.Configuration) BootstrapConfiguration {
	v := viewBootstrap(c)
	out, ok, newest := a.c.Bootstrap.Sessions.Outcome(c.Endpoint)
	if ok {
		v.Result = &out
	}
	v.Session = newest
	return v
}

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
