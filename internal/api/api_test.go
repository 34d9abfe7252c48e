package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/internal/access"
	"heddle.example/internal/shards"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/store"
)

func noAnswer(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
	return "op-1", &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path, Err: server.ErrTimeout}, server.ErrTimeout
}

// check compares an answer's status and looks for parts of its body.
func check(t *testing.T, r *rig, as access.Role, request, body string, status int, parts ...string) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	w := r.request(as, method, path, body)
	got := compact(w.Body.Bytes())
	if w.Code != status {
		t.Errorf("%s %s: status %d, want %d: %s", request, body, w.Code, status, got)
		return
	}
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s %s: no %s in\n%s", request, body, p, got)
		}
	}
	if status >= 400 {
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != status || p.Title == "" || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: not a problem that says what to do: %s", request, body, got)
		}
	}
}

func TestClients(t *testing.T) {
	r := newRig(t)
	for _, ep := range []string{"lamp-2", "lamp-1", "Meter", "valve"} {
		r.register(ep, thermometer)
	}
	r.register("sleeper", `</1/0>,</3/0>,</6/0>`, "Q")
	const list = "GET /api/v1/clients"
	check(t, r, access.Read, list, "", 200, `"total":5`, `"matched":5`, `"counts":{"awake":5,"asleep":0,"late":0,"insecure":5}`, `"endpoint":"Meter"`, `"kind":"Temperature"`, `"address":"198.51.100.7:1000`)
	check(t, r, access.Read, list+"?limit=2", "", 200, `"next":"lamp-1"`)
	check(t, r, access.Read, list+"?limit=2&after=lamp-1", "", 200, `"endpoint":"lamp-2"`, `"next":"sleeper"`)
	check(t, r, access.Read, list+"?q=LAMP", "", 200, `"matched":2`)
	check(t, r, access.Read, list+"?object=6", "", 200, `"matched":1`, `"endpoint":"sleeper"`, `"queue":true`)
	check(t, r, access.Read, list+"?state=insecure&limit=1", "", 200, `"matched":5`)
	check(t, r, access.Read, list+"?state=asleep", "", 200, `"matched":0`, `"items":[]`)
	check(t, r, access.Read, list+"?fields=objects&q=sleeper", "", 200, `"objects":["/1/0","/3/0","/6/0"]`)
	check(t, r, access.Read, list+"?limit=0", "", 422, "limit")
	check(t, r, access.Read, list+"?state=happy", "", 422, "state")
	check(t, r, access.Read, "GET /api/v1/clients/lamp-1", "", 200, `"objects":[{"id":1,"name":"LwM2M Server","instances":[0]}`, `"links":[{"path":"/","attributes":{"rt":"oma.lwm2m"}}`, `"observations":[]`, `"lifetime":300`)
	check(t, r, access.Read, "GET /api/v1/clients/nobody", "", 404, "nobody")
	check(t, r, access.Admin, "DELETE /api/v1/clients/lamp-1", "", 204)
	check(t, r, access.Admin, "DELETE /api/v1/clients/nobody", "", 404)
	r.advance(100 * time.Second)
	check(t, r, access.Read, list+"?state=asleep", "", 200, `"matched":1`)
	r.now = r.now.Add(250 * time.Second)
	check(t, r, access.Read, list+"?state=late", "", 200, `"matched":5`)
	check(t, r, access.Read, "GET /api/v1/clients/lamp-1/messages", "", 200, `"items":[]`)
	check(t, r, access.Read, "GET /api/v1/clients/lamp-1/series/3303/0/5700", "", 200, `"points":[]`)
}

// TestOperations: each shape of request becomes the operation that it should, and each outcome the answer.
func TestOperations(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	var asked string
	out := server.Outcome{Code: coap.Changed}
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		asked = op.Kind.String() + " " + op.Path.String()
		for _, e := range op.Entries {
			asked += " " + e.Path.String() + "=" + e.Value.String()
		}
		if op.Args != "" {
			asked += " args " + op.Args
		}
		if !op.Attributes.IsZero() {
			asked += " " + op.Attributes.String()
		}
		if op.HasFormat {
			asked += " as " + op.Format.String()
		}
		if op.Timeout != timeoutDefault {
			asked += " in " + op.Timeout.String()
		}
		o := out
		o.Endpoint, o.Op, o.Path = endpoint, op.Kind, op.Path
		return "op-7", &o, o.Err
	}
	const at = "/api/v1/clients/lamp/"
	for _, tt := range []struct{ request, body, asked string }{
		{"GET objects/3/0/9", "", "read /3/0/9"},
		{"GET objects/3/0/9?format=TLV&timeout=2.5", "", "read /3/0/9 as application/vnd.oma.lwm2m+tlv in 2.5s"},
		{"GET objects/3", "", "read /3"},
		{"GET objects/3/0", "", "read /3/0"},
		{"GET objects/3/0/7/1", "", "read /3/0/7/1"},
		{"GET discover/3/0", "", "discover /3/0"},
		{"PUT objects/31024/10/1", `{"value": 42}`, "write /31024/10/1 /31024/10/1=42"},
		{"PUT objects/31024/10/1?timeout=5", `{"value": "42"}`, "write /31024/10/1 /31024/10/1=42 in 5s"},
		{"PUT objects/31024/10", `{"resources": {"3": 1, "1": 5}}`, "write /31024/10 /31024/10/1=5 /31024/10/3=1.0"},
		{"POST objects/31024/10", `{"resources": {"1": 5}}`, "write-partial /31024/10 /31024/10/1=5"},
		{"PUT objects/31024/10?partial=true", `{"resources": {"1": 5}}`, "write-partial /31024/10 /31024/10/1=5"},
		{"PUT objects/9999/0/1", `{"value": "c0ff", "type": "opaque"}`, "write /9999/0/1 /9999/0/1=c0ff"},
		{"PUT objects/9999/0/1", `{"resources": {"0": 1, "2": 2}}`, "write /9999/0/1 /9999/0/1/0=1 /9999/0/1/2=2"},
		{"PUT attributes/3303/0/5700", `{"pmin": 10, "gt": 25.5, "lt": null}`, "write-attributes /3303/0/5700 pmin=10&gt=25.5&lt"},
		{"POST objects/3/0/4/execute", `{"args": "0='x'"}`, "execute /3/0/4 args 0='x'"},
		{"POST objects/3/0/4/execute", "", "execute /3/0/4"},
		{"POST objects/31024", `{"instance": 13, "resources": {"1": 5}}`, "create /31024 /31024/13/1=5"},
		{"POST objects/31024", "", "create /31024"},
		{"DELETE objects/31024/13", "", "delete /31024/13"},
		{"POST operations", `{"op": "read", "path": "/3/0/9", "timeout": 3}`, "read /3/0/9 in 3s"},
		{"POST operations", `{"op": "ping"}`, "ping /"},
		{"POST operations", `{"op": "create", "path": "/31024/14"}`, "create /31024 /31024/14="},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		asked = ""
		w := r.request(access.Operate, method, at+path, tt.body)
		status := 200
		if strings.HasPrefix(tt.asked, "create") {
			status = 201
		}
		if w.Code != status || asked != tt.asked {
			t.Errorf("%s %s: status %d, asked %q, want %q: %s", tt.request, tt.body, w.Code, asked, tt.asked, w.Body)
		}
	}
	for _, tt := range []struct {
		request, body string
		status        int
		part          string
	}{
		{"GET objects/x", "", 422, `\"x\" is not a number`},
		{"GET objects/3/65535", "", 422, "65535"},
		{"GET objects/3?timeout=soon", "", 422, "soon"},
		{"GET objects/3?timeout=1e9", "", 422, "timeout"},
		{"GET objects/3?format=xml", "", 422, "senml-cbor"},
		{"PUT objects/31024/10/1", `{"value": 256}`, 422, "0..255"},
		{"PUT objects/31024/10/1", `{"value": "x"}`, 422, "/31024/10/1"},
		{"PUT objects/31024/10/1", `{"valeu": 5}`, 422, "valeu"},
		{"PUT objects/31024/10/1", `{"value": 5`, 400, "not valid JSON"},
		{"PUT objects/31024/10/1", `{"value": 5} {}`, 400, "more than one"},
		{"PUT objects/31024/10/1", `{}`, 422, "nothing to write"},
		{"PUT objects/31024/10/1", `{"value": 5, "resources": {}}`, 422, "not both"},
		{"PUT objects/31024/10/1", `{"value": 5, "type": "int"}`, 422, "no type"},
		{"PUT objects/31024/10", `{"value": 5}`, 422, "resources"},
		{"PUT objects/3/0/6", `{"value": 5}`, 422, "several instances"},
		{"PUT attributes/3/0", `{"pmin": -1}`, 422, "pmin"},
		{"PUT attributes/3/0", `{"speed": 1}`, 422, "speed"},
		{"PUT attributes/3/0", `{}`, 422, "nothing to set"},
		{"POST operations", `{"op": "dance", "path": "/3"}`, 422, "dance"},
		{"POST operations", `{"op": "read", "path": "3/"}`, 422, "path"},
		{"POST objects/31024", `{"instance": 65535}`, 422, "65534"},
		{"PUT objects/3/0/14", `{"value": "` + strings.Repeat("x", bodyMost) + `"}`, 413, "longer"},
	} {
		asked = ""
		method, path, _ := strings.Cut(tt.request, " ")
		check(t, r, access.Operate, method+" "+at+path, tt.body, tt.status, tt.part)
		if asked != "" {
			t.Errorf("%s %s: was sent: %s", tt.request, tt.body, asked)
		}
	}
	const read = "GET " + at + "objects/3/0/9"
	for _, tt := range []struct {
		out    server.Outcome
		status int
		parts  []string
	}{
		{server.Outcome{Code: coap.Content, Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/3/0/9"), Value: lwm2m.Int(87)}}, HasFormat: true, Format: coap.TLV, Took: 1500 * time.Microsecond}, 200,
			[]string{`{"operation":"op-7","endpoint":"lamp","op":"read","path":"/3/0/9","status":"answered","code":"2.05","codeName":"Content","tookMs":1.5,"format":"tlv","value":87,"type":"integer","entries":[{"path":"/3/0/9","type":"integer","value":87}]}`}},
		{server.Outcome{Code: coap.MethodNotAllowed}, 200, []string{`"status":"refused"`, `"code":"4.05"`}},
		{server.Outcome{Code: coap.BadRequest, Payload: []byte("no such\nthing")}, 200, []string{`"code":"4.00"`, `"detail":"no such thing"`}},
		{server.Outcome{Code: coap.BadRequest, Payload: []byte{0xff}}, 200, []string{`"code":"4.00","codeName":"Bad Request","tookMs":0}`}},
		{server.Outcome{Code: coap.Content, Err: server.ErrUnreadable}, 200, []string{`"status":"failed"`, `"detail":"The device's answer cannot be read"`}},
		{server.Outcome{Err: server.ErrTimeout}, 504, []string{`"operation":"op-7"`, "did not answer"}},
		{server.Outcome{Err: server.ErrReset}, 502, []string{"RST"}},
		{server.Outcome{Err: server.ErrClosed}, 502, []string{"session"}},
		{server.Outcome{Err: server.ErrDeregistered}, 502, nil},
		{server.Outcome{Err: server.ErrBusy}, 503, nil},
		{server.Outcome{Err: shards.ErrFull}, 503, nil},
		{server.Outcome{Err: shards.ErrStopped}, 503, nil},
		{server.Outcome{Err: server.ErrNotStored}, 503, []string{"disk"}},
		{server.Outcome{Err: &server.ErrInvalid{Path: lwm2m.MustPath("/3/0/9"), Reason: "no"}}, 422, []string{`"/3/0/9"`}},
	} {
		out = tt.out
		check(t, r, access.Read, read, "", tt.status, tt.parts...)
	}
	check(t, r, access.Read, "GET /api/v1/clients/nobody/objects/3", "", 404, "nobody")
	check(t, r, access.Read, "GET /api/v1/clients/lamp", "", 200, `"values":{"/3/0/9":{"value":87,"type":"integer"`, `"source":"read"`)
}

// The type in the OpenAPI document and the encoder that is written for speed agree.
func TestResultAgreesWithItsType(t *testing.T) {
	p := lwm2m.MustPath
	out := server.Outcome{Endpoint: `q"uote`, Op: server.Observe, Path: p("/3/0"), Code: coap.Content, HasFormat: true, Format: coap.SenMLCBOR, Took: 2 * time.Millisecond,
		Entries: []lwm2m.Entry{{Path: p("/3/0/0"), Value: lwm2m.Str("x")}, {Path: p("/3/0/7/0"), Value: lwm2m.Num(1.5), Time: 1_790_000_000_123_000_000}},
		Links:   []lwm2m.Link{{Path: p("/3/0")}}, Location: p("/3/1"), Observation: server.Observation{ID: 5, Path: p("/3/0"), State: server.Active}, Err: server.ErrUnreadable}
	b := appendResult(nil, "op-1", &out)
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	var r OperationResult
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	again, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var x, y any
	json.Unmarshal(b, &x)
	json.Unmarshal(again, &y)
	xm, ym := x.(map[string]any), y.(map[string]any)
	for k := range xm {
		if _, ok := ym[k]; !ok {
			t.Errorf("%s is written but not in the type", k)
		}
	}
	if len(xm) != len(ym) || r.Endpoint != `q"uote` || r.Resources == nil || len(r.Entries) != 2 || r.Entries[1].At == 0 || r.Observation.ID != "5" {
		t.Errorf("%s\nand again\n%s", b, again)
	}
}

func TestObservations(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	o := server.Observation{ID: 9, Path: lwm2m.MustPath("/3/0/9"), State: server.Active, Since: r.now}
	out := server.Outcome{Code: coap.Content, Observation: o}
	var asked []string
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		asked = append(asked, op.Kind.String()+" "+op.Path.String())
		x := out
		x.Endpoint, x.Op, x.Path = endpoint, op.Kind, op.Path
		return "op-1", &x, x.Err
	}
	const at = "/api/v1/clients/lamp/observations"
	check(t, r, access.Operate, "POST "+at, `{"path":"/3/0/9"}`, 201, `"id":"9"`, `"path":"/3/0/9"`, `"state":"active"`, `"count":0`)
	r.observations = []server.Observation{o}
	check(t, r, access.Read, "GET "+at, "", 200, `"items":[{"id":"9"`)
	check(t, r, access.Operate, "DELETE "+at+"/9?passive=true", "", 204)
	check(t, r, access.Operate, "DELETE "+at+"/8", "", 404)
	check(t, r, access.Operate, "POST "+at, `{"path":"x"}`, 422, "path")
	out = server.Outcome{Code: coap.MethodNotAllowed}
	check(t, r, access.Operate, "POST "+at, `{"path":"/3/0/4"}`, 409, "4.05")
	out = server.Outcome{Err: server.ErrNotObserved}
	check(t, r, access.Operate, "POST "+at, `{"path":"/3/0/4"}`, 502)
	r.observations = nil
	check(t, r, access.Read, "GET /api/v1/clients/nobody/observations", "", 404)
	if got := strings.Join(asked, ", "); got != "observe /3/0/9, cancel-observe /3/0/9, observe /3/0/4, observe /3/0/4" {
		t.Errorf("asked %s", got)
	}
}

func unhexed(t *testing.T, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCredentials(t *testing.T) {
	r := newRig(t)
	const at = "/api/v1/credentials"
	const key = "00112233445566778899aabbccddeeff"
	check(t, r, access.Admin, "PUT "+at+"/lamp", `{"mode":"psk","identity":"id-1","key":"`+key+`"}`, 201, `"state":"never"`, `"hasKey":true`)
	check(t, r, access.Admin, "PUT "+at+"/lamp", `{"identity":"id-1","key":"`+key+`"}`, 200)
	check(t, r, access.Admin, "PUT "+at+"/thief", `{"identity":"id-1","key":"`+key+`"}`, 409, "lamp")
	check(t, r, access.Admin, "PUT "+at+"/odd", `{"identity":"i","key":"abc"}`, 422, "hexadecimal")
	check(t, r, access.Admin, "PUT "+at+"/short", `{"identity":"i","key":"abcd"}`, 422, "8 to 64 bytes")
	check(t, r, access.Admin, "PUT "+at+"/empty", `{"identity":"","key":"`+key+`"}`, 422)
	check(t, r, access.Admin, "PUT "+at+"/more", `{"identity":"i","key":"`+key+`","x":1}`, 422)
	for _, get := range []string{at, at + "/lamp", "/api/v1/clients", "/api/v1/audit"} {
		if w := r.request(access.Admin, "GET", get, ""); w.Code != 200 || strings.Contains(w.Body.String(), key) {
			t.Errorf("GET %s: %d, key shown: %v", get, w.Code, strings.Contains(w.Body.String(), key))
		}
	}
	check(t, r, access.Admin, "GET "+at+"/lamp/key", "", 200, key)
	check(t, r, access.Admin, "GET "+at+"/nobody/key", "", 404)
	check(t, r, access.Read, "GET "+at+"/nobody", "", 404)
	check(t, r, access.Read, "GET /api/v1/clients", "", 200, `"total":0,"known":1`)
	if e := r.access.AuditLog(2, 0); e[1].Action != "credential.key" || e[1].Target != "/credentials/lamp" || e[1].User != "token admin" {
		t.Errorf("seeing a key is not in the audit log: %+v", e)
	}
	check(t, r, access.Admin, "POST "+at+"/bulk", `{"items":[{"endpoint":"b1","identity":"b1","key":"`+key+`"},{"endpoint":"lamp","identity":"x","key":"`+key+`"},{"endpoint":"b2","identity":"b1","key":"`+key+`"},{"endpoint":"b3","identity":"b3","key":"zz"}]}`,
		200, `"added":1`, `"replaced":0`, `{"index":3,`, `{"index":1,`, `{"index":2,`)
	check(t, r, access.Admin, "POST "+at+"/bulk", `{"items":[{"endpoint":"lamp","identity":"y","key":"`+key+`"}],"onConflict":"replace"}`, 200, `"replaced":1`)
	check(t, r, access.Admin, "POST "+at+"/bulk", `{"items":[{"endpoint":"lamp","identity":"z","key":"`+key+`"}],"onConflict":"skip"}`, 200, `"skipped":1`)
	check(t, r, access.Admin, "POST "+at+"/bulk", `{"items":[],"onConflict":"guess"}`, 422)
	check(t, r, access.Admin, "POST "+at+"/generate", "", 200, `"identity":"`, `"key":"`)
	check(t, r, access.Read, "GET "+at+"?limit=1", "", 200, `"total":2`, `"endpoint":"b1"`, `"next":"b1"`)
	check(t, r, access.Read, "GET "+at+"?after=b1", "", 200, `"endpoint":"lamp","mode":"psk","identity":"y"`)
	r.register("lamp", thermometer)
	check(t, r, access.Read, "GET "+at+"/lamp", "", 200, `"state":"registered"`)
	r.fleet.Take(&server.Refused{Identity: "b1", Why: "wrong key", At: r.now})
	check(t, r, access.Read, "GET "+at+"/b1", "", 200, `"state":"refused"`, `"reason":"wrong key"`)
	const public = "3059301306072a8648ce3d020106082a8648ce3d03010703420004462cc3d3230efe19d0173997dbd75329aec425a3cffb923c9295d94c91cbaf6f8c3056010b73418cf76fdf3238b9f5b44eab8a6ba4bb8713e29ea2e33bf650d7"
	check(t, r, access.Admin, "PUT "+at+"/rpk", `{"mode":"rpk","publicKey":"`+public+`"}`, 201, `"mode":"rpk"`, `"hasKey":false`, `"publicKey":"MFkwEwYH`, `"identity":"`+dtls.KeyName(unhexed(t, public))+`"`)
	check(t, r, access.Admin, "PUT "+at+"/rpk2", `{"mode":"rpk","publicKey":"`+public+`"}`, 409, "rpk")
	check(t, r, access.Admin, "PUT "+at+"/rpk", `{"mode":"rpk","identity":"x","publicKey":"`+public+`"}`, 422, "takes no identity")
	check(t, r, access.Admin, "PUT "+at+"/rpk", `{"mode":"rpk","key":"`+key+`"}`, 422, "Only mode psk")
	check(t, r, access.Admin, "PUT "+at+"/odd", `{"identity":"i","publicKey":"`+public+`"}`, 422, "Only mode rpk")
	check(t, r, access.Admin, "PUT "+at+"/x509", `{"mode":"x509"}`, 201, `"mode":"x509"`, `"identity":"x509"`, `"hasKey":false`)
	check(t, r, access.Admin, "PUT "+at+"/x509", `{"mode":"x509","identity":"CN of it"}`, 200, `"identity":"CN of it"`)
	check(t, r, access.Admin, "PUT "+at+"/x509", `{"mode":"oscore"}`, 422)
	check(t, r, access.Admin, "GET "+at+"/x509/key", "", 404, "mode is x509")
	check(t, r, access.Admin, "GET "+at+"/rpk/key", "", 404, "mode is rpk")
	check(t, r, access.Admin, "DELETE "+at+"/lamp", "", 204)
	check(t, r, access.Admin, "DELETE "+at+"/lamp", "", 404)
}

func TestUsersAndTokens(t *testing.T) {
	r := newRig(t)
	check(t, r, access.Admin, "POST /api/v1/users", `{"name":"ada","role":"admin","password":"long enough"}`, 201, `"name":"ada"`)
	check(t, r, access.Admin, "POST /api/v1/users", `{"name":"ada","role":"admin","password":"long enough"}`, 409)
	check(t, r, access.Admin, "POST /api/v1/users", `{"name":"bob","role":"king","password":"long enough"}`, 422)
	check(t, r, access.Admin, "POST /api/v1/users", `{"name":"bob","role":"read","password":"short"}`, 422, "at least")
	check(t, r, access.Admin, "POST /api/v1/users", `{"name":"bob","role":"read","password":"long enough"}`, 201)
	check(t, r, access.Admin, "PUT /api/v1/users/bob/password", `{"password":"even longer"}`, 204)
	check(t, r, access.Admin, "PUT /api/v1/users/eve/password", `{"password":"even longer"}`, 404)
	check(t, r, access.Admin, "GET /api/v1/users", "", 200, `{"items":[{"name":"ada","role":"admin"`)
	check(t, r, access.Admin, "DELETE /api/v1/users/ada", "", 409, "last administrator")
	check(t, r, access.Admin, "DELETE /api/v1/users/bob", "", 204)
	check(t, r, access.Admin, "DELETE /api/v1/users/bob", "", 404)
	check(t, r, access.Admin, "POST /api/v1/tokens", `{"name":"ci","scope":"read","expires":"2001-01-01T00:00:00Z"}`, 422, "expired")
	w := r.request(access.Admin, "POST", "/api/v1/tokens", `{"name":"ci","scope":"read"}`)
	var tok Token
	if err := json.Unmarshal(w.Body.Bytes(), &tok); err != nil || w.Code != 201 || !strings.HasPrefix(tok.Token, access.TokenPrefix) || tok.By != "token admin" {
		t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	if w := r.request(access.Admin, "GET", "/api/v1/tokens", ""); strings.Contains(w.Body.String(), tok.Token) || !strings.Contains(w.Body.String(), tok.ID) {
		t.Errorf("tokens: %s", w.Body)
	}
	r.tokens[access.Read] = tok.Token
	check(t, r, access.Read, "GET /api/v1/session", "", 200, `"user":"token ci"`, `"role":"read"`, `"via":"token"`)
	check(t, r, access.Admin, "DELETE /api/v1/tokens/"+tok.ID, "", 204)
	check(t, r, access.Admin, "DELETE /api/v1/tokens/"+tok.ID, "", 404)
	check(t, r, access.Read, "GET /api/v1/session", "", 401)
	check(t, r, access.Admin, "GET /api/v1/audit?limit=2", "", 200, `"action":"token.revoke"`, `"outcome":"refused"`, `"next":`)
}

func TestRegistry(t *testing.T) {
	r := newRig(t)
	check(t, r, access.Read, "GET /api/v1/registry?q=temperature", "", 200, `"id":3303`, `"source":"builtin"`)
	check(t, r, access.Read, "GET /api/v1/registry/3303", "", 200, `"name":"Temperature"`, `{"id":5700,"name":"Sensor Value","operations":"R","multiple":false,"mandatory":true,"type":"float"`)
	check(t, r, access.Read, "GET /api/v1/registry/31024", "", 200, `"range":"0..255"`)
	check(t, r, access.Read, "GET /api/v1/registry/3303?version=9.9", "", 404, "DDF")
	check(t, r, access.Read, "GET /api/v1/registry/3303?version=x", "", 422)
	check(t, r, access.Read, "GET /api/v1/registry/33333", "", 404)
	const ddf = `<?xml version="1.0"?><LWM2M><Object ObjectType="MODefinition"><Name>Loom</Name><Description1></Description1><ObjectID>33333</ObjectID><ObjectURN>urn:oma:lwm2m:x:33333</ObjectURN><LWM2MVersion>1.0</LWM2MVersion><ObjectVersion>1.0</ObjectVersion><MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources><Item ID="1"><Name>Threads</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>1..9</RangeEnumeration><Units></Units><Description></Description></Item></Resources><Description2></Description2></Object></LWM2M>`
	check(t, r, access.Admin, "POST /api/v1/registry", ddf, 201, `"name":"Loom"`, `"source":"added"`)
	check(t, r, access.Read, "GET /api/v1/registry/33333", "", 200, `"name":"Threads"`)
	check(t, r, access.Admin, "POST /api/v1/registry", `<LWM2M>`, 422)
	check(t, r, access.Admin, "DELETE /api/v1/registry/33333/1.0", "", 204)
	check(t, r, access.Admin, "DELETE /api/v1/registry/33333/1.0", "", 404)
	check(t, r, access.Admin, "DELETE /api/v1/registry/3303/1.0", "", 404, "added")
	check(t, r, access.Read, "GET /api/v1/registry/33333", "", 404)
}

func TestServerPages(t *testing.T) {
	r := newRig(t)
	check(t, r, access.Read, "GET /api/v1/server", "", 200, `"version":"test"`, `"unknown":"accept"`)
	check(t, r, access.Read, "GET /metrics", "", 200, "heddle_registrations")
	check(t, r, access.None, "GET /healthz", "", 200, "ok")
	r.failed = server.ErrNotStored
	check(t, r, access.None, "GET /healthz", "", 503)
	check(t, r, access.None, "GET /api/docs", "", 200, "docs/docs.js")
	check(t, r, access.None, "GET /api/docs/docs.js", "", 200, "openapi.json")
	check(t, r, access.None, "GET /api/docs/docs.css", "", 200, "color-scheme")
	check(t, r, access.None, "GET /", "", 200, "page")
	w := r.request(access.None, "GET", "/api/openapi.json", "")
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("document: %v, %q", err, doc.OpenAPI)
	}
	for _, rt := range r.api.Routes() {
		if !strings.HasPrefix(rt.Path, prefix) {
			continue
		}
		if doc.Paths[rt.Path][strings.ToLower(rt.Method)] == nil {
			t.Errorf("%s %s is not in the document", rt.Method, rt.Path)
		}
	}
}

// A body from `curl -d`, which calls it a form, is read as the JSON that it is.
func TestCurl(t *testing.T) {
	r := newRig(t)
	req := httptest.NewRequest("PUT", "http://localhost:8080/api/v1/credentials/lamp", strings.NewReader(`{"identity":"i","key":"00112233445566778899aabbccddeeff"}`))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+r.tokens[access.Admin])
	w := httptest.NewRecorder()
	r.h.ServeHTTP(w, req)
	if w.Code != 201 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Every operation has a name of its own, declares the parameters of its path, and refers only to schemas that are there.
func TestDocumentIsSound(t *testing.T) {
	r := newRig(t)
	b, err := r.api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Parameters  []struct{ Name, In string }
			Responses   map[string]any
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			at := method + " " + path
			if o.OperationID == "" || names[o.OperationID] != "" {
				t.Errorf("%s: the name %q is that of %q too", at, o.OperationID, names[o.OperationID])
			}
			names[o.OperationID] = at
			if o.Summary == "" || len(o.Responses) == 0 {
				t.Errorf("%s: summary %q, %d answers", at, o.Summary, len(o.Responses))
			}
			declared := map[string]bool{}
			for _, p := range o.Parameters {
				declared[p.Name] = declared[p.Name] || p.In == "path"
			}
			for _, seg := range strings.Split(path, "/") {
				if name, ok := strings.CutPrefix(seg, "{"); ok && !declared[strings.TrimSuffix(name, "}")] {
					t.Errorf("%s does not declare %s", at, seg)
				}
			}
		}
	}
	for _, ref := range regexp.MustCompile(`"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("no schema %s", ref[1])
		}
	}
	if len(names) < 50 {
		t.Errorf("only %d operations", len(names))
	}
}

// The viewer is ours: nothing of another host, nothing inline.
func TestDocsPage(t *testing.T) {
	for name, b := range map[string][]byte{"index.html": docsPage, "docs.js": docsScript, "docs.css": docsStyle} {
		for _, bad := range []string{"http://", "https://", "//cdn", " style=", "onclick=", "innerHTML", "eval("} {
			if strings.Contains(string(b), bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
}

func TestAPanicIsOneAnswer(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	r.do = func(context.Context, string, *server.Operation) (string, *server.Outcome, error) { panic("mistake") }
	check(t, r, access.Read, "GET /api/v1/clients/lamp/objects/3", "", 500, "report it")
}

// Nothing is promised that is not on disk: the answer says so, the change does not hold, and reads go on.
func TestDiskFails(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	const ddf = `<LWM2M><Object ObjectType="MODefinition"><Name>L</Name><ObjectID>33333</ObjectID><MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory><Resources><Item ID="1"><Name>T</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Integer</Type></Item></Resources></Object></LWM2M>`
	for err, status := range map[error]int{store.ErrFull: 507, store.ErrFailed: 503, store.ErrBusy: 503} {
		r.disk.err = err
		check(t, r, access.Admin, "PUT /api/v1/credentials/lamp", `{"identity":"i","key":"00112233445566778899aabbccddeeff"}`, status, "disk")
		check(t, r, access.Admin, "POST /api/v1/credentials/bulk", `{"items":[{"endpoint":"e","identity":"i","key":"00112233445566778899aabbccddeeff"}]}`, status)
		check(t, r, access.Admin, "POST /api/v1/users", `{"name":"ada","role":"admin","password":"long enough"}`, status)
		check(t, r, access.Admin, "POST /api/v1/tokens", `{"name":"ci","scope":"read"}`, status)
		check(t, r, access.Admin, "POST /api/v1/registry", ddf, status)
		check(t, r, access.Read, "GET /api/v1/clients", "", 200, `"total":1`)
	}
	r.disk.err = nil
	if r.creds.Len() != 0 || r.access.HasAdmin() || len(r.access.Tokens()) != 3 {
		t.Errorf("%d credentials, administrator %v, %d tokens: a change that was not stored holds", r.creds.Len(), r.access.HasAdmin(), len(r.access.Tokens()))
	}
	check(t, r, access.Read, "GET /api/v1/registry/33333", "", 404)
	check(t, r, access.Admin, "POST /api/v1/registry", ddf, 201)
}

// Endpoints are any text, URNs with colons above all.
func TestOddEndpoints(t *testing.T) {
	r := newRig(t)
	for _, ep := range []string{"urn:dev:ops:000001-LAMP", "a/b", "Käfer 7", "50%", "..x", "a+b"} {
		reg := r.register(ep, thermometer)
		path := "/api/v1/clients/" + url.PathEscape(ep)
		name, _ := json.Marshal(reg.Endpoint)
		check(t, r, access.Read, "GET "+path, "", 200, `"endpoint":`+string(name))
		r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
			return "op", &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path, Code: coap.Content}, nil
		}
		check(t, r, access.Read, "GET "+path+"/objects/3/0", "", 200, `"endpoint":`+string(name), `"path":"/3/0"`)
	}
	check(t, r, access.Read, "GET /api/v1/clients?limit=1&after="+url.QueryEscape("a+b"), "", 200, `"endpoint":"a/b"`)
}
