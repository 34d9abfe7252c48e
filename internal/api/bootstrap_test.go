package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/shards"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
)

const demoConfiguration = `{
	"account": {"uri": "coaps://[2001:db8::1]:5784", "mode": "psk", "identity": "BSID-demo", "key": "00112233445566778899aabbccddeeff", "holdOff": 10},
	"servers": [{"uri": "coaps://lwm2m.example:5684", "mode": "psk", "identity": "demo", "key": "ffeeddccbbaa99887766554433221100", "shortServerId": 123, "lifetime": 300, "muteSend": false,
		"resources": {"17": 5, "16": true, "22": "U"}, "securityResources": {"11": 1}}],
	"delete": ["/0", "/1"], "read": ["/1"],
	"acls": [{"object": 3, "instance": 0, "owner": 123, "rights": {"123": 15, "0": 1}}],
	"objects": [{"path": "/3/0/15", "value": "Europe/Vienna"}, {"path": "/31024", "resources": {"10": {"1": 20, "3": -30.5, "5": "c0ffee"}}}]}`

// A configuration goes in and comes out as it was, without its keys; those have a route of their own.
func TestBootstrapConfiguration(t *testing.T) {
	r := newRig(t)
	check(t, r, access.Operate, "PUT /api/v1/bootstrap/configurations/demo", demoConfiguration, 403)
	check(t, r, access.Admin, "PUT /api/v1/bootstrap/configurations/demo", demoConfiguration, 201, `"endpoint":"demo"`, `"hasKey":true`, `"local":true`)
	w := r.request(access.Read, "GET", "/api/v1/bootstrap/configurations/demo", "")
	got := w.Body.String()
	for _, part := range []string{`"resources":{"16":true,"17":5,"22":"U"}`, `"securityResources":{"11":1}`, `"muteSend":false`, `"delete":["/0","/1"]`, `"read":["/1"]`, `"holdOff":10`, `"binding":"U"`,
		`"acls":[{"object":3,"instance":0,"owner":123,"rights":{"0":1,"123":15}}]`, `"objects":[{"path":"/3/0/15","value":"Europe/Vienna"},{"path":"/31024","resources":{"10":{"1":20,"3":-30.5,"5":"c0ffee"}}}]`} {
		if !strings.Contains(got, part) {
			t.Errorf("no %s in %s", part, got)
		}
	}
	if strings.Contains(got, "00112233") || strings.Contains(got, "ffeeddcc") {
		t.Fatalf("a key is shown: %s", got)
	}
	keys := `{"account":"00112233445566778899aabbccddeeff","servers":{"0":"ffeeddccbbaa99887766554433221100"}}`
	check(t, r, access.Operate, "GET /api/v1/bootstrap/configurations/demo/keys", "", 403)
	check(t, r, access.Admin, "GET /api/v1/bootstrap/configurations/demo/keys", "", 200, keys)
	// What came out can be edited and sent back; the keys stay.
	check(t, r, access.Admin, "PUT /api/v1/bootstrap/configurations/demo", strings.Replace(got, `"lifetime":300`, `"lifetime":600`, 1), 200, `"lifetime":600`)
	check(t, r, access.Admin, "GET /api/v1/bootstrap/configurations/demo/keys", "", 200, keys)
	// The server is the one of this program, so the device has its credentials there.
	check(t, r, access.Admin, "GET /api/v1/credentials/demo/key", "", 200, `{"key":"ffeeddccbbaa99887766554433221100"}`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations?q=bsid-d", "", 200, `"total":1,"matched":1`, `"endpoint":"demo"`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations?q=nobody", "", 200, `"total":1,"matched":0,"items":[]`)
	check(t, r, access.Admin, "DELETE /api/v1/bootstrap/configurations/demo", "", 204)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations/demo", "", 404, "no bootstrap configuration")
	check(t, r, access.Admin, "DELETE /api/v1/bootstrap/configurations/demo", "", 404)
	check(t, r, access.Admin, "GET /api/v1/credentials/demo", "", 200)
}

// What is wrong is said with its place, all at once, and nothing is stored.
func TestBootstrapRefusedWhenStored(t *testing.T) {
	r := newRig(t)
	w := r.request(access.Admin, "PUT", "/api/v1/bootstrap/configurations/demo", `{"account": {"mode": "none"}, "servers": [
		{"uri": "coaps://h", "mode": "none", "shortServerId": 1, "lifetime": 300},
		{"uri": "coap://h", "mode": "none", "shortServerId": 1, "lifetime": 300, "resources": {"17": -1}}],
		"objects": [{"path": "/3/0/14", "value": "x"}, {"path": "/5/0/1", "value": 17}], "read": ["/3"], "delete": ["/3/0/1"]}`)
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 422 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var places []string
	for _, e := range p.Errors {
		places = append(places, e.Location)
	}
	// A value that is no value of its type is found before anything else.
	if got := strings.Join(places, " "); got != "servers[1].resources objects[1]" {
		t.Errorf("%s: %s", got, w.Body)
	}
	w = r.request(access.Admin, "PUT", "/api/v1/bootstrap/configurations/demo", `{"account": {"mode": "none"}, "servers": [
		{"uri": "coaps://h", "mode": "none", "shortServerId": 1, "lifetime": 300},
		{"uri": "coap://h", "mode": "none", "shortServerId": 1, "lifetime": 300}], "read": ["/3"], "delete": ["/3/0/1"]}`)
	p = Problem{}
	json.Unmarshal(w.Body.Bytes(), &p)
	places = nil
	for _, e := range p.Errors {
		places = append(places, e.Location)
	}
	if got := strings.Join(places, " "); got != "servers[0].uri servers[1].shortServerId delete[0] read[0]" {
		t.Errorf("%s: %s", got, w.Body)
	}
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations", "", 200, `"total":0`)
	check(t, r, access.Admin, "PUT /api/v1/bootstrap/configurations/demo", `{"account": {"mode": "psk", "identity": "x", "key": "123"}, "servers": []}`, 422, `account.key`)
}

// The same identity for two devices, here or on the server of the same program, is a conflict.
func TestBootstrapConflicts(t *testing.T) {
	r := newRig(t)
	put := func(ep, body string, status int, parts ...string) {
		t.Helper()
		check(t, r, access.Admin, "PUT /api/v1/bootstrap/configurations/"+ep, body, status, parts...)
	}
	put("demo", demoConfiguration, 201)
	put("other", demoConfiguration, 409, "BSID-demo")
	put("other", strings.Replace(demoConfiguration, "BSID-demo", "BSID-other", 1), 409, `dentity \"demo\" belongs to endpoint \"demo\"`)
	plain := `{"account": {"mode": "none"}, "servers": [{"uri": "coap://lwm2m.example", "mode": "none", "shortServerId": 1, "lifetime": 300}]}`
	put("demo", plain, 409, "has credentials on this server")
	put("new", plain, 201)
	check(t, r, access.Operate, "POST /api/v1/bootstrap/plan", strings.Replace(demoConfiguration, "{", `{"endpoint": "other",`, 1), 409)
}

// A dry run shows the messages as they would be sent, and stores nothing.
func TestBootstrapPlan(t *testing.T) {
	r := newRig(t)
	w := r.request(access.Operate, "POST", "/api/v1/bootstrap/plan", strings.Replace(demoConfiguration, "{", `{"endpoint": "demo",`, 1))
	var plan BootstrapPlan
	if err := json.Unmarshal(w.Body.Bytes(), &plan); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var got []string
	for _, s := range plan.Steps {
		got = append(got, s.Code+" "+s.Path)
	}
	if s := strings.Join(got, ", "); s != "POST /bs?ep=demo&pct=112, GET /, GET /1, DELETE /0, DELETE /1, PUT /0/1, PUT /1/0, PUT /2/0, PUT /3/0/15, PUT /31024, POST /bs" {
		t.Error(s)
	}
	if strings.Contains(w.Body.String(), "ffeeddcc") || strings.Contains(w.Body.String(), "/+7dzL") || !strings.Contains(w.Body.String(), `•••••••• 16 B`) {
		t.Errorf("the key is not masked: %s", w.Body)
	}
	if plan.Bytes < 300 || plan.Steps[5].What != "Write Security" || plan.Steps[5].Format != "SenML CBOR" {
		t.Errorf("%+v", plan.Steps[5])
	}
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations", "", 200, `"total":0`)
	// With what a device says that it has, and in its format.
	check(t, r, access.Operate, "POST /api/v1/bootstrap/plan?discovered=%3C%2F%3E%3Blwm2m%3D1.0%2C%3C%2F0%2F1%3E&prefers=tlv", strings.Replace(demoConfiguration, "{", `{"endpoint": "demo",`, 1), 200, `"path":"/0/0"`, `"format":"TLV"`,
		"resource 23 is left out")
	check(t, r, access.Read, "POST /api/v1/bootstrap/plan", "{}", 403)
}

// The default is for whoever has no configuration; its devices get identities and keys of their own.
func TestBootstrapDefault(t *testing.T) {
	r := newRig(t)
	check(t, r, access.Read, "GET /api/v1/bootstrap/default", "", 404, "refused")
	body := `{"account": {"mode": "none"}, "servers": [{"uri": "coaps://lwm2m.example", "mode": "psk", "shortServerId": 1, "lifetime": 300}], "delete": ["/0", "/1"]}`
	check(t, r, access.Admin, "PUT /api/v1/bootstrap/default", body, 201, `"identity":"{endpoint}"`, `"generateKey":true`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/default", "", 200, `"endpoint":"*"`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations", "", 200, `"total":0`)
	check(t, r, access.Admin, "GET /api/v1/bootstrap/default/keys", "", 200, `"servers":{}`)
	check(t, r, access.Operate, "POST /api/v1/bootstrap/plan?device=lamp-7", body, 200, "ep=lamp-7", `"value":"lamp-7"`)
	check(t, r, access.Admin, "DELETE /api/v1/bootstrap/default", "", 204)
	check(t, r, access.Read, "GET /api/v1/bootstrap/default", "", 404)
}

func TestBootstrapBulk(t *testing.T) {
	r := newRig(t)
	item := func(ep string) string {
		return `{"endpoint": "` + ep + `", "account": {"mode": "psk", "identity": "BS-` + ep + `", "key": "00112233445566778899aabbccddeeff"}, "servers": [{"uri": "coaps://lwm2m.example", "mode": "psk", "identity": "` + ep + `", "generateKey": true, "shortServerId": 1, "lifetime": 300}]}`
	}
	check(t, r, access.Admin, "POST /api/v1/bootstrap/configurations/bulk", `{"items": [`+item("a")+`,`+item("b")+`,`+item("a")+`,{"endpoint": "c"}]}`, 200, `"added":2`, `"index":2`, `"index":3`)
	check(t, r, access.Admin, "POST /api/v1/bootstrap/configurations/bulk", `{"items": [`+item("a")+`,`+item("d")+`], "onConflict": "skip"}`, 200, `"added":1,"replaced":0,"skipped":1`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations?limit=2", "", 200, `"total":3`, `"next":"b"`)
	check(t, r, access.Read, "GET /api/v1/bootstrap/configurations?limit=2&after=b", "", 200, `"endpoint":"d"`)
	check(t, r, access.Read, "GET /api/v1/credentials", "", 200, `"total":3`)
}

// A registered device is asked to bootstrap again.
func TestETS_5_ServerInitiatedBootstrap(t *testing.T) {
	r := newRig(t)
	r.register("lamp", `</>;rt="oma.lwm2m",</1/2>,</3/0>`)
	var asked *server.Operation
	code := coap.Changed
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		asked = op
		return "op-1", &server.Outcome{Endpoint: endpoint, Op: op.Kind, Path: op.Path, Code: code}, nil
	}
	check(t, r, access.Read, "POST /api/v1/clients/lamp/bootstrap", "", 403)
	check(t, r, access.Operate, "POST /api/v1/clients/lamp/bootstrap", "", 200, `"path":"/1/2/9"`, `"status":"answered"`)
	if asked.Kind != server.Execute || asked.Path.String() != "/1/2/9" {
		t.Fatalf("%+v", asked)
	}
	code = coap.MethodNotAllowed
	check(t, r, access.Operate, "POST /api/v1/clients/lamp/bootstrap?instance=0", "", 200, `"path":"/1/0/9"`, `"status":"refused"`)
	check(t, r, access.Operate, "POST /api/v1/clients/nobody/bootstrap", "", 404)
	// A device that sleeps is asked when it wakes.
	r.do = func(_ context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
		return "op-9", nil, &shards.Kept{Kept: server.Kept{QueuedRequest: server.QueuedRequest{ID: 9, Endpoint: endpoint, Op: op.Kind, Path: op.Path, State: server.RequestQueued, Position: 1}}}
	}
	w := r.request(access.Operate, "POST", "/api/v1/clients/lamp/bootstrap", "")
	if w.Code != 202 || !strings.HasPrefix(w.Header().Get("Location"), "/api/v1/operations/") || !strings.Contains(w.Body.String(), `"path":"/1/2/9"`) {
		t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
	}
}

// What the API takes and finds in order comes out as it went in.
func FuzzBootstrapConfiguration(f *testing.F) {
	f.Add([]byte(demoConfiguration))
	f.Add([]byte(`{"account": {"mode": "none"}, "servers": [{"uri": "coap://h", "mode": "none", "shortServerId": 1, "lifetime": 300, "securityInstance": 3, "securityResources": {"16": {"0": 49320}}}], "format": "tlv", "onRefusal": "continue", "enabled": false}`))
	f.Add([]byte(`{"account": {"mode": "none"}, "servers": [], "objects": [{"path": "/3303", "resources": {"0": {"5601": 1.5}}}, {"path": "/2/1", "resources": {"0": 3, "1": 0, "3": 1}}]}`))
	reg := registry.Builtin()
	f.Fuzz(func(t *testing.T, body []byte) {
		var in BootstrapConfiguration
		if json.Unmarshal(body, &in) != nil {
			return
		}
		in.Endpoint = ""
		c, err := in.configuration("demo", reg)
		if err != nil || bootstrap.Check(c, reg) != nil {
			return
		}
		first := viewBootstrap(c)
		again := first
		again.Account.Key = in.Account.Key
		for i := range again.Servers {
			again.Servers[i].Key = in.Servers[i].Key
		}
		d, err := again.configuration("demo", reg)
		if err != nil {
			t.Fatalf("%s\n%v", jsonOf(first), err)
		}
		for i := range again.Servers {
			again.Servers[i].Key = ""
		}
		if a, b := string(jsonOf(first)), string(jsonOf(viewBootstrap(d))); a != b {
			t.Fatalf("\n%s\n%s", a, b)
		}
	})
}

// Ten thousand configurations, with the credentials of their devices on the server of the same program, in one call.
func BenchmarkBootstrapBulk(b *testing.B) {
	for b.Loop() {
		r := newRig(b)
		var body strings.Builder
		body.WriteString(`{"items": [`)
		for i := range 10_000 {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"endpoint": "d%d", "account": {"mode": "psk", "identity": "BS-d%d", "key": "00112233445566778899aabbccddeeff"}, "servers": [{"uri": "coaps://lwm2m.example", "mode": "psk", "identity": "d%d", "generateKey": true, "shortServerId": 1, "lifetime": 300}], "delete": ["/0", "/1"]}`, i, i, i)
		}
		body.WriteString(`]}`)
		if w := r.request(access.Admin, "POST", "/api/v1/bootstrap/configurations/bulk", body.String()); w.Code != 200 || !strings.Contains(w.Body.String(), `"added":10000`) {
			b.Fatal(w.Code, w.Body)
		}
	}
}
