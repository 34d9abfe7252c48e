package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"

	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/machine"
)

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
