package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"heddle.example/internal/access"
)

// prefix begins the path of every operation.
const prefix = "/api/v1"

// Route is one operation and who may use it. A test walks over all routes with every scope.
type Route struct {
	Method, Path string
	Role         access.Role // None: everybody, also without logging in
	Name         string      // as in the OpenAPI document and the audit log
}

type principalKey struct{}

// who returns who makes the request that a handler works on.
func who(ctx context.Context) access.Principal {
	p, _ := ctx.Value(principalKey{}).(access.Principal)
	return p
}

// handle puts a handler behind its check of who may. Everything that changes something is noted in the audit log.
func (a *API) handle(rt Route, h http.HandlerFunc) {
	a.routes = append(a.routes, rt)
	audited := rt.Method != http.MethodGet
	a.mux.HandleFunc(rt.Method+" "+rt.Path, func(w http.ResponseWriter, r *http.Request) {
		p, ok := a.principal(r)
		if rt.Role != access.None {
			if !ok {
				w.Header().Set("WWW-Authenticate", `Bearer realm="heddle"`)
				writeProblem(w, r, problem(401, "Log in, or send an API token: Authorization: Bearer TOKEN. `heddle token create` makes one."))
				return
			}
			if p.Role < rt.Role {
				writeProblem(w, r, problem(403, "This needs the scope %s; %s has %s.", rt.Role, p.User, p.Role))
				return
			}
		}
		if !audited {
			h(w, r)
			return
		}
		sw := &statusWriter{ResponseWriter: w, status: 200}
		ctx := context.WithValue(r.Context(), principalKey{}, p)
		if c, err := r.Cookie(a.cookie); err == nil {
			ctx = context.WithValue(ctx, secretKey{}, c.Value)
		}
		h(sw, r.WithContext(ctx))
		if p.User == "" {
			p.User = "-"
		}
		a.c.Access.Audit(access.Entry{User: p.User, Via: p.Via, Remote: remote(r), Action: rt.Name, Target: strings.TrimPrefix(r.URL.Path, prefix), Status: sw.status})
	})
}

// handleWho is handle for a GET whose handler asks who.
func (a *API) handleWho(rt Route, h http.HandlerFunc) {
	a.handle(rt, func(w http.ResponseWriter, r *http.Request) {
		p, _ := a.principal(r)
		h(w, r.WithContext(context.WithValue(r.Context(), principalKey{}, p)))
	})
}

// statusWriter remembers the status for the audit log.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// adapter connects huma to our routes.
type adapter struct{ api *API }

// roleKey is where an operation's role stands in its metadata.
const roleKey = "role"

func (d adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	role, ok := op.Metadata[roleKey].(access.Role)
	if !ok {
		panic("api: nobody said who may use " + op.Method + " " + op.Path)
	}
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = noStore
		// curl -d says that its JSON is a form. That a form of another site cannot do the same is the gate's work.
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			r.Header.Set("Content-Type", "application/json")
		}
		handler(humago.NewContext(op, r, w))
	}
	rt := Route{op.Method, op.Path, role, op.OperationID}
	if op.Method == http.MethodGet {
		d.api.handleWho(rt, h)
	} else {
		d.api.handle(rt, h)
	}
}

func (d adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.api.mux.ServeHTTP(w, r) }

var noStore = []string{"no-store"}

// op describes an operation for the OpenAPI document.
func op(method, path, name string, role access.Role, tag, summary string) huma.Operation {
	o := huma.Operation{Method: method, Path: prefix + path, OperationID: name, Summary: summary, Tags: []string{tag}, Metadata: map[string]any{roleKey: role}}
	if role != access.None {
		o.Security = []map[string][]string{{"token": {role.String()}}, {"cookie": {role.String()}}}
		o.Errors = []int{401, 403}
	}
	return o
}

// status adds the code of success and the errors that an operation can have.
func status(o huma.Operation, code int, errors ...int) huma.Operation {
	o.DefaultStatus = code
	o.Errors = append(o.Errors, errors...)
	return o
}

// empty is the input or output of an operation without one.
type empty struct{}

// body is an answer with a body.
type body[T any] struct{ Body T }

func answer[T any](v T) *body[T] { return &body[T]{v} }
