// Package leshan serves the devices in the shapes of Leshan 2's demo server, so that scripts written for it carry over:
// /api/clients, /api/security/clients, /api/event, /api/objectspecs and, where a bootstrap server runs, /api/bootstrap.
package leshan

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/internal/fleet"
	"heddle.example/internal/shards"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Config of the Leshan-shaped API.
type Config struct {
	Fleet       *fleet.Fleet
	Credentials *credentials.Credentials
	Definitions api.Definitions
	Bootstrap   *bootstrap.Service // nil: no bootstrap server runs here
	Open        bool               // without logging in
}

// Leshan is the Leshan-shaped API.
type Leshan struct {
	c   Config
	api *api.API
	hub *stream.Hub
}

// New makes the API; Routes adds it to a server.
func New(c Config) *Leshan {
	l := &Leshan{c: c, hub: stream.NewHub(stream.Options{Epoch: 1, Linger: time.Nanosecond})}
	return l
}

// timeoutDefault is Leshan's.
const timeoutDefault = 5 * time.Second

// Routes adds the routes.
func (l *Leshan) Routes(a *api.API) {
	l.api = a
	role := func(r access.Role) access.Role {
		if l.c.Open {
			return access.None
		}
		return r
	}
	add := func(method, path string, r access.Role, name string, h http.HandlerFunc) {
		a.Handle(api.Route{Method: method, Path: path, Role: role(r), Name: "leshan." + name}, h)
	}
	add("GET", "/api/clients", access.Read, "clients", l.clients)
	add("GET", "/api/clients/{endpoint}", access.Read, "client", l.client)
	add("GET", "/api/clients/{endpoint}/composite", access.Read, "composite.read", l.compositeRead)
	add("PUT", "/api/clients/{endpoint}/composite", access.Operate, "composite.write", l.compositeWrite)
	add("POST", "/api/clients/{endpoint}/composite/observe", access.Operate, "composite.observe", l.compositeObserve)
	add("DELETE", "/api/clients/{endpoint}/composite/observe", access.Operate, "composite.cancel", l.compositeCancel)
	add("GET", "/api/clients/{endpoint}/{path...}", access.Read, "read", l.get)
	add("PUT", "/api/clients/{endpoint}/{path...}", access.Operate, "write", l.put)
	add("POST", "/api/clients/{endpoint}/{path...}", access.Operate, "post", l.post)
	add("DELETE", "/api/clients/{endpoint}/{path...}", access.Operate, "delete", l.delete)
	add("GET", "/api/security/clients", access.Read, "security.list", l.securityList)
	add("PUT", "/api/security/clients", access.Admin, "security.put", l.securityPut)
	add("POST", "/api/security/clients", access.Admin, "security.put", l.securityPut)
	add("DELETE", "/api/security/clients/{endpoint}", access.Admin, "security.delete", l.securityDelete)
	l.bootstrapRoutes(add)
	add("GET", "/api/event", access.Read, "event", l.event)
	add("GET", "/api/objectspecs/{endpoint}", access.Read, "objectspecs", l.specs)
}

func fail(w http.ResponseWriter, code int, format string, args ...any) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	fmt.Fprintf(w, format, args...)
}

func reply(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		fail(w, 500, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(b)
}

func noClient(w http.ResponseWriter, endpoint string) {
	fail(w, 400, "no registered client with id '%s'", endpoint)
}

// target reads the rest of the path; last is a word after it, such as observe.
func target(r *http.Request) (p lwm2m.Path, last string, err error) {
	s := r.PathValue("path")
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		if _, err := strconv.Atoi(s[i+1:]); err != nil {
			s, last = s[:i], s[i+1:]
		}
	}
	p, err = lwm2m.ParsePath("/" + s)
	if err != nil {
		err = fmt.Errorf("Invalid path : %s", s)
	}
	return p, last, err
}

// operation begins an operation with what the query says.
func operation(r *http.Request, kind server.OpKind, p lwm2m.Path) (*server.Operation, error) {
	// Leshan's server keeps nothing for a device that sleeps, and scripts wait for the answer.
	o := &server.Operation{Kind: kind, Path: p, Timeout: timeoutDefault, Queue: server.QueueNever}
	q := r.URL.Query()
	if n, err := strconv.ParseInt(q.Get("timeout"), 10, 32); err == nil && n > 0 {
		o.Timeout = min(time.Duration(n)*time.Second, 5*time.Minute)
	}
	if name := q.Get("format"); name != "" {
		ct, ok := format.ParseName(name)
		if !ok {
			return nil, fmt.Errorf("Invalid request: content format %s is not supported", name)
		}
		o.Format, o.HasFormat = ct, true
	}
	return o, nil
}

// run sends an operation and answers as Leshan does.
func (l *Leshan) run(w http.ResponseWriter, r *http.Request, o *server.Operation, err error) {
	endpoint := r.PathValue("endpoint")
	if err == nil && l.c.Fleet.Registration(endpoint) == nil {
		noClient(w, endpoint)
		return
	}
	if err != nil {
		fail(w, 400, "%v", err)
		return
	}
	out, err := l.api.Run(r.Context(), endpoint, o)
	var invalid *server.ErrInvalid
	switch {
	case err == nil:
		reply(w, l.response(out))
	case errors.Is(err, server.ErrUnknownEndpoint):
		noClient(w, endpoint)
	case errors.Is(err, server.ErrTimeout):
		fail(w, 504, "Request timeout")
	case errors.As(err, &invalid):
		fail(w, 400, "Invalid request: %s", invalid.Reason)
	case errors.Is(err, shards.ErrFull), errors.Is(err, server.ErrBusy):
		fail(w, 503, "Request rejected: %v", err)
	case errors.Is(err, server.ErrUnreadable):
		fail(w, 500, "Invalid Response: %v", err)
	default:
		fail(w, 500, "Request rejected: %v", err)
	}
}

func (l *Leshan) clients(w http.ResponseWriter, r *http.Request) {
	list := []registration{}
	for q := (fleet.Query{Limit: 1000, Object: -1}); ; {
		page := l.c.Fleet.List(q)
		for _, c := range page.Items {
			if reg := l.c.Fleet.Registration(c.Endpoint); reg != nil {
				list = append(list, l.registration(reg, machine.Time(c.UpdatedAt), c.State == fleet.Asleep))
			}
		}
		if page.Next == "" {
			break
		}
		q.After = page.Next
	}
	reply(w, list)
}

func (l *Leshan) client(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	reg := l.c.Fleet.Registration(endpoint)
	c, ok := l.c.Fleet.Client(endpoint, false)
	if reg == nil || !ok {
		noClient(w, endpoint)
		return
	}
	reply(w, l.registration(reg, machine.Time(c.UpdatedAt), c.State == fleet.Asleep))
}

func (l *Leshan) get(w http.ResponseWriter, r *http.Request) {
	p, last, err := target(r)
	kind := server.Read
	switch last {
	case "discover":
		kind = server.Discover
	case "":
	default:
		err = fmt.Errorf("Invalid path : %s", r.PathValue("path"))
	}
	var o *server.Operation
	if err == nil {
		o, err = operation(r, kind, p)
	}
	l.run(w, r, o, err)
}

func (l *Leshan) put(w http.ResponseWriter, r *http.Request) {
	p, last, err := target(r)
	var o *server.Operation
	if err == nil {
		o, err = operation(r, server.Write, p)
	}
	switch {
	case err != nil:
	case last == "attributes":
		o.Kind = server.WriteAttributes
		var queries []string
		for q := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if name, _, _ := strings.Cut(q, "="); name != "" && name != "timeout" && name != "format" {
				queries = append(queries, q)
			}
		}
		o.Attributes, err = lwm2m.ParseAttributes(queries...)
	case last != "":
		err = fmt.Errorf("Invalid path : %s", r.PathValue("path"))
	default:
		if r.URL.Query().Get("replace") == "false" {
			o.Kind = server.WritePartial
		}
		o.Entries, err = l.body(w, r, p)
	}
	l.run(w, r, o, err)
}

func (l *Leshan) post(w http.ResponseWriter, r *http.Request) {
	p, last, err := target(r)
	var o *server.Operation
	if err == nil {
		o, err = operation(r, server.Observe, p)
	}
	switch {
	case err != nil:
	case last == "observe":
	case last != "":
		err = fmt.Errorf("Invalid path : %s", r.PathValue("path"))
	case p.Depth() == 3:
		o.Kind = server.Execute
		b, e := api.ReadBody(w, r)
		o.Args, err = string(b), e
	case p.Depth() == 1 || p.Depth() == 2:
		o.Kind = server.Create
		o.Path = p.Cut(1)
		o.Entries, err = l.body(w, r, p)
	default:
		err = errors.New("Invalid path")
	}
	l.run(w, r, o, err)
}

func (l *Leshan) delete(w http.ResponseWriter, r *http.Request) {
	p, last, err := target(r)
	endpoint := r.PathValue("endpoint")
	var o *server.Operation
	if err == nil {
		o, err = operation(r, server.Delete, p)
	}
	if err == nil && last == "observe" {
		o.Kind = server.CancelObserve
		active := r.URL.Query().Has("active")
		o.Passive = !active
		if _, observed := l.api.ObservedPath(endpoint, p); !observed && l.c.Fleet.Registration(endpoint) != nil {
			if active {
				fail(w, 404, "no observation for path %s for  client '%s'", p, endpoint)
			}
			return // nothing to cancel is success, 200 without a body
		}
		if !active && l.c.Fleet.Registration(endpoint) != nil {
			l.api.Run(r.Context(), endpoint, o)
			return
		}
	}
	l.run(w, r, o, err)
}

// specs are the definitions of an endpoint's objects.
func (l *Leshan) specs(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	reg := l.c.Fleet.Registration(endpoint)
	if reg == nil {
		noClient(w, endpoint)
		return
	}
	type resource struct {
		ID           uint16 `json:"id"`
		Name         string `json:"name"`
		Operations   string `json:"operations"`
		InstanceType string `json:"instancetype"`
		Mandatory    bool   `json:"mandatory"`
		Type         string `json:"type"`
		Range        string `json:"range"`
		Units        string `json:"units"`
		Description  string `json:"description"`
	}
	type object struct {
		Name         string     `json:"name"`
		ID           uint16     `json:"id"`
		InstanceType string     `json:"instancetype"`
		Mandatory    bool       `json:"mandatory"`
		Version      string     `json:"version"`
		Description  string     `json:"description"`
		Resources    []resource `json:"resourcedefs"`
	}
	instanceType := map[bool]string{true: "multiple", false: "single"}
	list := []object{}
	for _, o := range reg.Objects.Inventory().Objects {
		d := l.c.Definitions.Registry().Object(o.ID, o.Version)
		if d == nil {
			continue
		}
		v := object{Name: d.Name, ID: d.ID, InstanceType: instanceType[d.Multiple], Mandatory: d.Mandatory, Version: d.Version.String(), Resources: []resource{}}
		for _, x := range d.Resources {
			ops := x.Operations.String()
			if ops == "" {
				ops = "NONE"
			}
			v.Resources = append(v.Resources, resource{x.ID, x.Name, ops, instanceType[x.Multiple], x.Mandatory, strings.ToLower(typeName(x.Kind)), x.Range, x.Units, ""})
		}
		list = append(list, v)
	}
	reply(w, list)
}
