package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/internal/access"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

func TestComposites(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	var asked string
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		asked = fmt.Sprint(op.Kind, op.Paths)
		for _, e := range op.Entries {
			asked += " " + e.Path.String() + "=" + e.Value.String()
		}
		o := &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path, Paths: op.Paths, Code: coap.Content}
		if op.Kind == server.WriteComposite {
			o.Code = coap.Changed
		} else {
			o.Entries = []lwm2m.Entry{{Path: lwm2m.MustPath("/1/0/1"), Value: lwm2m.Int(300)}, {Path: lwm2m.MustPath("/3/0/9"), Value: lwm2m.Int(87)}}
		}
		if op.Kind == server.ObserveComposite {
			o.Observation = server.Observation{ID: 9, Paths: op.Paths, State: server.Active}
			r.observations = []server.Observation{o.Observation}
		}
		return "op-7", o, nil
	}
	const at = "POST /api/v1/clients/lamp/operations"
	for _, tt := range []struct{ body, asked string }{
		{`{"op": "read-composite", "paths": ["/3/0/9", "1/0/1"]}`, "read-composite [/3/0/9 /1/0/1]"},
		{`{"op": "read-composite", "path": "/", "paths": ["/"]}`, "read-composite [/]"},
		{`{"op": "cancel-observe-composite", "paths": ["/3"], "passive": true}`, "cancel-observe-composite [/3]"},
		{`{"op": "write-composite", "values": {"/3/0/14": "+01:00", "/1/0/1": 60, "/1/0/6": true, "/3303/0": {"5701": "K"}}}`,
			"write-composite [] /1/0/1=60 /1/0/6=true /3/0/14=+01:00 /3303/0/5701=K"},
		{`{"op": "write-composite", "values": {"/9999/0/1": {"2": 5, "0": "x"}, "/9999/0/2/7": 1.5}}`,
			"write-composite [] /9999/0/1/0=x /9999/0/1/2=5 /9999/0/2/7=1.5"},
	} {
		asked = ""
		check(t, r, access.Operate, at, tt.body, 200)
		if asked != tt.asked {
			t.Errorf("%s: asked %q, want %q", tt.body, asked, tt.asked)
		}
	}
	check(t, r, access.Operate, at, `{"op": "read-composite", "paths": ["/3/0/9", "/1/0/1"]}`, 200,
		`"op":"read-composite","path":"/","paths":["/3/0/9","/1/0/1"],"status":"answered"`,
		`"resources":{"1":{"0":{"1":300}},"3":{"0":{"9":87}}},"entries":[{"path":"/1/0/1"`)
	many, _ := json.Marshal(strings.Split(strings.Repeat("/3 ", 257), " "))
	for _, tt := range []struct{ body, part string }{
		{`{"op": "read-composite"}`, "Name the paths"},
		{`{"op": "read-composite", "path": "/3", "paths": ["/3"]}`, "not a path"},
		{`{"op": "read-composite", "paths": ["/3/x"]}`, "/3/x"},
		{`{"op": "read-composite", "paths": ` + string(many) + `}`, "256"},
		{`{"op": "read", "path": "/3", "paths": ["/3"]}`, "for composite operations"},
		{`{"op": "write-composite", "paths": ["/3"]}`, "nothing to write"},
		{`{"op": "write-composite", "values": {}}`, "nothing to write"},
		{`{"op": "write-composite", "values": {"/": 1}}`, "is not a path"},
		{`{"op": "write-composite", "values": {"/3/0": 1}}`, "numbered members"},
		{`{"op": "write-composite", "values": {"/3/0/14": {}}}`, "/3/0/14"},
		{`{"op": "write-composite", "values": {"/1/0/1": "x"}}`, "/1/0/1"},
		{`{"op": "write-composite", "values": {"/3/0/6": 1}}`, "several instances"},
		{`{"op": "write-composite", "values": {"/1/0/1": 1, "/1/0": {"1": 2}}}`, "stands there twice"},
	} {
		asked = ""
		check(t, r, access.Operate, at, tt.body, 422, tt.part)
		if asked != "" {
			t.Errorf("%s: was sent: %s", tt.body, asked)
		}
	}
	// Observations of several paths stand in the same list.
	const observations = "/api/v1/clients/lamp/observations"
	check(t, r, access.Operate, "POST "+observations, `{"paths":["/3/0/9","/1/0/1"]}`, 201, `"id":"9"`, `"path":"/"`, `"paths":["/3/0/9","/1/0/1"]`)
	check(t, r, access.Read, "GET "+observations, "", 200, `"paths":["/3/0/9","/1/0/1"]`)
	check(t, r, access.Operate, "DELETE "+observations+"/9", "", 204)
	if asked != "cancel-observe-composite [/3/0/9 /1/0/1]" {
		t.Errorf("asked %s", asked)
	}
	// What was read and written is known.
	check(t, r, access.Read, "GET /api/v1/clients/lamp", "", 200, `"/1/0/1":{"value":300`, `"/3/0/14":{"value":"+01:00"`)
}
