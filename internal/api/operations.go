package api

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// levels are the paths that address a place on a device.
var levels = []string{"/{object}", "/{object}/{instance}", "/{object}/{instance}/{resource}", "/{object}/{instance}/{resource}/{resourceInstance}"}

var levelNames = []string{"object", "instance", "resource", "resourceInstance"}

// target reads the path of a place out of a request.
func target(r *http.Request, depth int) (lwm2m.Path, error) {
	p := lwm2m.Root
	for _, name := range levelNames[:depth] {
		s := r.PathValue(name)
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || uint16(n) == lwm2m.NoID || len(s) > 1 && s[0] == '0' {
			return p, problem(422, "%q is not a number of an %s: those go from 0 to 65534.", s, name)
		}
		p = p.Child(uint16(n))
	}
	return p, nil
}

// operationRoutes are plain handlers, not huma's: a read by REST is measured against others, and reflection would cost more
// than all the rest. The OpenAPI document describes them all the same.
func (a *API) operationRoutes() {
	const one = "/clients/{endpoint}"
	for i, level := range levels {
		depth, objects := i+1, one+"/objects"+level
		a.device("GET", objects, "device.read"+suffix(depth), access.Read, "Read "+what(depth), depth, a.read(depth))
		a.device("PUT", objects, "device.write"+suffix(depth), access.Operate, "Write "+what(depth)+" (replace)", depth, a.alias(depth, "write"))
		a.device("DELETE", objects, "device.delete"+suffix(depth), access.Operate, "Delete "+what(depth), depth, a.alias(depth, "delete"))
		a.device("GET", one+"/discover"+level, "device.discover"+suffix(depth), access.Read, "Discover "+what(depth), depth, a.alias(depth, "discover"))
		a.device("PUT", one+"/attributes"+level, "device.attributes"+suffix(depth), access.Operate, "Write the notification attributes of "+what(depth)+": {\"pmin\": 10, \"gt\": null}", depth, a.attributes(depth))
	}
	a.device("POST", one+"/objects/{object}", "device.create", access.Operate, "Create an object instance", 1, a.alias(1, "create"))
	for depth := 2; depth <= 3; depth++ {
		a.device("POST", one+"/objects"+levels[depth-1], "device.update"+suffix(depth), access.Operate, "Write "+what(depth)+" (partial update); what is not named stays", depth, a.alias(depth, "write-partial"))
	}
	a.device("POST", one+"/objects/{object}/{instance}/{resource}/execute", "device.execute", access.Operate, "Execute a resource", 3, a.alias(3, "execute"))
	a.device("POST", one+"/operations", "device.operate", access.Operate, "Any operation, by name", 0, a.anyOperation)
}

func suffix(depth int) string {
	return [...]string{"", "Object", "Instance", "", "ResourceInstance"}[depth]
}

func what(depth int) string {
	return [...]string{"", "an object", "an object instance", "a resource", "a resource instance"}[depth]
}

// device adds a handler and describes it.
func (a *API) device(method, path, name string, role access.Role, summary string, depth int, h http.HandlerFunc) {
	a.handle(Route{method, prefix + path, role, name}, h)
	schemas := a.huma.OpenAPI().Components.Schemas
	o := op(method, path, name, role, "Devices", summary)
	result := &huma.MediaType{Schema: schemas.Schema(reflect.TypeFor[OperationResult](), true, "OperationResult")}
	fault := map[string]*huma.MediaType{"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")}}
	ok := "200"
	if name == "device.create" {
		ok = "201"
	}
	o.Responses = map[string]*huma.Response{ok: {Description: "The device answered; status and code say what.", Content: map[string]*huma.MediaType{"application/json": result}}}
	o.Responses["202"] = &huma.Response{Description: "The device is asleep: the operation is kept until it wakes. Location names it.",
		Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(reflect.TypeFor[fleet.QueuedView](), true, "QueuedView")}}}
	for code, d := range map[string]string{"401": "Not logged in", "403": "Scope too small", "404": "No such device", "422": "The request makes no sense; nothing was sent", "502": "The device rejected the message or has gone", "503": "Too much is under way, or the store has failed", "504": "The device did not answer in time"} {
		o.Responses[code] = &huma.Response{Description: d, Content: fault}
	}
	text := &huma.Schema{Type: "string"}
	o.Parameters = append(o.Parameters, &huma.Param{Name: "endpoint", In: "path", Required: true, Schema: text})
	for _, n := range levelNames[:depth] {
		o.Parameters = append(o.Parameters, &huma.Param{Name: n, In: "path", Required: true, Schema: &huma.Schema{Type: "integer"}})
	}
	o.Parameters = append(o.Parameters, &huma.Param{Name: "queue", In: "query", Schema: text, Description: "auto, never or always: what becomes of it where the device is asleep"},
		&huma.Param{Name: "expires", In: "query", Schema: &huma.Schema{Type: "number"}, Description: "seconds for which it is kept; absent: 7 days"})
	if method == "GET" {
		o.Parameters = append(o.Parameters, &huma.Param{Name: "format", In: "query", Schema: text, Description: "text, opaque, cbor, tlv, json, senml-json, senml-cbor, lwm2m-cbor"},
			&huma.Param{Name: "timeout", In: "query", Schema: &huma.Schema{Type: "number"}, Description: "seconds"})
	} else if method != "DELETE" {
		in := reflect.TypeFor[OperationInput]()
		if strings.HasPrefix(name, "device.attributes") {
			in = reflect.TypeFor[map[string]*float64]()
		}
		o.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(in, true, name)}}}
	}
	a.huma.OpenAPI().AddOperation(&o)
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

var contentJSON = []string{"application/json"}

// writeResult answers with a result.
func writeResult(w http.ResponseWriter, status int, id string, out *server.Outcome) {
	buf := buffers.Get().(*[]byte)
	b := appendResult((*buf)[:0], id, out)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = contentJSON, noStore
	w.WriteHeader(status)
	w.Write(b)
	if cap(b) <= 64<<10 {
		*buf = b
		buffers.Put(buf)
	}
}

// finish runs an operation and answers.
func (a *API) finish(w http.ResponseWriter, r *http.Request, endpoint string, o *server.Operation, err error) {
	if err == nil {
		var id string
		var out *server.Outcome
		if id, out, err = a.run(r.Context(), endpoint, o); err == nil {
			code := 200
			if o.Kind == server.Create && answered(out.Code) {
				code = 201
			}
			writeResult(w, code, id, out)
			return
		}
	}
	if k, ok := err.(*keptAnswer); ok {
		writeKept(w, k)
		return
	}
	writeProblem(w, r, problemOf(err))
}

// read is the quick path.
func (a *API) read(depth int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := &server.Operation{Kind: server.Read, Timeout: timeoutDefault}
		var err error
		if o.Path, err = target(r, depth); err == nil && r.URL.RawQuery != "" {
			err = queryOptions(r, o)
		}
		a.finish(w, r, r.PathValue("endpoint"), o, err)
	}
}

// queryOptions reads format and timeout.
func queryOptions(r *http.Request, o *server.Operation) error {
	q := r.URL.Query()
	if s := q.Get("timeout"); s != "" {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return problem(422, "timeout is %q; it is a number of seconds.", s)
		}
		if o.Timeout, err = timeout(n); err != nil {
			return err
		}
	}
	if err := queueQuery(r, o); err != nil {
		return err
	}
	return setFormat(o, q.Get("format"))
}

// alias is an operation whose kind and path the URL says.
func (a *API) alias(depth int, op string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, err := target(r, depth)
		if err != nil {
			writeProblem(w, r, problemOf(err))
			return
		}
		endpoint := r.PathValue("endpoint")
		in := OperationInput{}
		if r.Method != http.MethodGet {
			err = decodeBody(w, r, &in)
		}
		in.Op, in.Path = op, p.String()
		if op == "write" && r.URL.Query().Get("partial") == "true" {
			in.Op = "write-partial"
		}
		var o *server.Operation
		if err == nil {
			if o, err = a.operation(endpoint, &in); err == nil && r.URL.RawQuery != "" {
				q := *o
				if err = queryOptions(r, &q); err == nil {
					o = &q
				}
			}
		}
		a.finish(w, r, endpoint, o, err)
	}
}

func (a *API) attributes(depth int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := OperationInput{Op: "write-attributes"}
		p, err := target(r, depth)
		if err == nil {
			in.Path = p.String()
			err = decodeBody(w, r, &in.Attributes)
		}
		var o *server.Operation
		if err == nil {
			o, err = a.operation(r.PathValue("endpoint"), &in)
		}
		a.finish(w, r, r.PathValue("endpoint"), o, err)
	}
}

func (a *API) anyOperation(w http.ResponseWriter, r *http.Request) {
	in := OperationInput{}
	err := decodeBody(w, r, &in)
	var o *server.Operation
	if err == nil {
		o, err = a.operation(r.PathValue("endpoint"), &in)
	}
	a.finish(w, r, r.PathValue("endpoint"), o, err)
}
