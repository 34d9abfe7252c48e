package leshan

import (
	"encoding/json"
	"errors"
	"net/http"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/bootstrap"
)

// bootstrapRoutes adds the shape of Leshan's demo bootstrap server: a map of configurations, and one of them.
func (l *Leshan) bootstrapRoutes(add func(method, path string, r access.Role, name string, h http.HandlerFunc)) {
	if l.c.Bootstrap == nil {
		return
	}
	add("GET", "/api/bootstrap", access.Read, "bootstrap.list", l.bootstrapList)
	add("GET", "/api/bootstrap/{endpoint}", access.Read, "bootstrap.get", l.bootstrapGet)
	add("PUT", "/api/bootstrap/{endpoint}", access.Admin, "bootstrap.put", l.bootstrapPut)
	add("POST", "/api/bootstrap/{endpoint}", access.Admin, "bootstrap.put", l.bootstrapPut)
	add("DELETE", "/api/bootstrap/{endpoint}", access.Admin, "bootstrap.delete", l.bootstrapDelete)
}

// configuration returns the shape of a configuration; keys are shown to whom may see them.
func (l *Leshan) configuration(r *http.Request, c *bootstrap.Configuration) bsConfig {
	return newBSConfig(c, api.Who(r.Context()).Role >= access.Admin)
}

func (l *Leshan) bootstrapList(w http.ResponseWriter, r *http.Request) {
	all := map[string]bsConfig{}
	for after := ""; ; {
		page := l.c.Bootstrap.Configurations.List(after, "", 1000)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			all[c.Endpoint] = l.configuration(r, c)
		}
		after = page[len(page)-1].Endpoint
	}
	reply(w, all)
}

func (l *Leshan) bootstrapGet(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	c, ok := l.c.Bootstrap.Configurations.Get(endpoint)
	if !ok {
		fail(w, 404, "no config for %s", endpoint)
		return
	}
	reply(w, l.configuration(r, c))
}

func (l *Leshan) bootstrapPut(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	b, err := api.ReadBody(w, r)
	var in bsConfig
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err != nil {
		fail(w, 400, "Invalid request body: %v", err)
		return
	}
	old, _ := l.c.Bootstrap.Configurations.Get(endpoint)
	c, err := in.configuration(endpoint, old)
	if err == nil {
		_, _, err = l.c.Bootstrap.Configurations.Put(c, false)
	}
	var invalid *bootstrap.Invalid
	switch {
	case err == nil:
	case errors.As(err, &invalid), errors.Is(err, bootstrap.ErrConflict), errors.Is(err, errShape):
		fail(w, 400, "%v", err)
	default:
		fail(w, 500, "%v", err)
	}
}

func (l *Leshan) bootstrapDelete(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	err := l.c.Bootstrap.Configurations.Delete(endpoint)
	switch {
	case err == nil:
		l.c.Bootstrap.Sessions.Forget(endpoint)
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, bootstrap.ErrNotFound):
		fail(w, 404, "no config for %s", endpoint)
	default:
		fail(w, 500, "%v", err)
	}
}
