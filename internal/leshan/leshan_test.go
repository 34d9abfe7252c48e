package leshan_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/demo"
	"heddle.example/internal/serve"
)

// world is a demo with real devices, and scripts that were written for Leshan.
type world struct {
	t      *testing.T
	d      *demo.Demo
	tokens map[access.Role]string
}

func start(t *testing.T, mode string) *world {
	t.Helper()
	d, err := demo.Start(serve.Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, LeshanAPI: mode, Version: "test"}, demo.Options{Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		d.Stop(ctx)
	})
	w := &world{t: t, d: d, tokens: map[access.Role]string{}}
	for _, r := range []access.Role{access.Read, access.Operate, access.Admin} {
		w.tokens[r], _, _ = d.Program.Access.CreateToken("t", r, time.Time{}, "test")
	}
	for end := time.Now().Add(20 * time.Second); d.Program.Fleet.Len() < demo.Count(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d devices registered", d.Program.Fleet.Len())
		}
	}
	return w
}

func (w *world) request(as access.Role, method, path, contentType, body string) *http.Response {
	w.t.Helper()
	req, err := http.NewRequest(method, w.d.Program.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if as != access.None {
		req.Header.Set("Authorization", "Bearer "+w.tokens[as])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// norm sorts the members of JSON, so that answers can be compared as a whole.
func norm(b []byte) string {
	var v any
	if json.Unmarshal(b, &v) != nil {
		return string(b)
	}
	b, _ = json.Marshal(v)
	return string(b)
}

const (
	jsonType = "application/json"
	ok       = `"failure":false,"status":`
)

func TestScripts(t *testing.T) {
	w := start(t, "token")
	a, o, r := access.Admin, access.Operate, access.Read
	for _, tt := range []struct {
		as                         access.Role
		request, contentType, body string
		status                     int
		whole                      string
		parts                      []string
	}{
		{access.None, "GET /api/clients", "", "", 401, "", nil},
		{r, "GET /api/clients", "", "", 200, "", []string{`"endpoint":"lamp-desk"`, `"lwM2mVersion":"1.1"`, `"secure":true`, `"secure":false`, `"bindingMode":"U"`, `"rootPath":"/"`, `"availableInstances":{`, `"objectLinks":[{"attributes":{`}},
		{r, "GET /api/clients/temp-attic", "", "", 200, "", []string{`"endpoint":"temp-attic"`, `"registrationId":"`, `"lifetime":300`, `"queuemode":false`, `"additionalRegistrationAttributes":{}`}},
		{r, "GET /api/clients/door-front", "", "", 200, "", []string{`"queuemode":true`, `"sleeping":false`}},
		{r, "GET /api/clients/nobody", "", "", 400, "no registered client with id 'nobody'", nil},
		{r, "GET /api/clients/temp-attic/3/0/0?timeout=5&format=TLV", "", "", 200, `{"content":{"id":0,"kind":"singleResource","type":"STRING","value":"Heddle"},"failure":false,"status":"CONTENT(205)","success":true,"valid":true}`, nil},
		{r, "GET /api/clients/node-31024/31024/10/1", "", "", 200, `{"content":{"id":1,"kind":"singleResource","type":"INTEGER","value":"20"},"failure":false,"status":"CONTENT(205)","success":true,"valid":true}`, nil},
		{r, "GET /api/clients/node-31024/31024/10", "", "", 200, "", []string{`"id":10,"kind":"instance","resources":[{"id":1,"kind":"singleResource","type":"INTEGER","value":"20"}`, `{"id":3,"kind":"singleResource","type":"FLOAT","value":"-30.0"}`}},
		{r, "GET /api/clients/node-31024/31024", "", "", 200, "", []string{`"content":{"id":31024,"instances":[{"id":10,"kind":"instance"`, `"kind":"obj"`}},
		{r, "GET /api/clients/temp-attic/3/0/6", "", "", 200, "", []string{`"kind":"multiResource"`, `"type":"INTEGER"`, `"values":{"0":"`}},
		{r, "GET /api/clients/temp-attic/9999", "", "", 200, `{"errormessage":"no such object","failure":true,"status":"NOT_FOUND(404)","success":false,"valid":true}`, nil},
		{r, "GET /api/clients/temp-attic/3/0/discover", "", "", 200, "", []string{`"objectLinks":[{"attributes":{`, `"url":"/3/0"`, `"status":"CONTENT(205)"`}},
		{r, "GET /api/clients/temp-attic/3/x/y", "", "", 400, "Invalid path : 3/x/y", nil},
		{r, "GET /api/clients/temp-attic/3?format=xml", "", "", 400, "", []string{"format xml"}},
		{r, "PUT /api/clients/node-31024/31024/10/1", jsonType, `{"id":1,"kind":"singleResource","type":"integer","value":"77"}`, 403, "", nil},
		{o, "PUT /api/clients/node-31024/31024/10/1?timeout=5&format=TLV", jsonType, `{"id":1,"kind":"singleResource","type":"integer","value":"77"}`, 200, `{"failure":false,"status":"CHANGED(204)","success":true,"valid":true}`, nil},
		{r, "GET /api/clients/node-31024/31024/10/1", "", "", 200, "", []string{`"value":"77"`}},
		{o, "PUT /api/clients/node-31024/31024/11?replace=false", jsonType, `{"id":11,"kind":"instance","resources":[{"id":1,"kind":"singleResource","type":"INTEGER","value":5}]}`, 200, "", []string{"CHANGED(204)"}},
		{o, "PUT /api/clients/node-31024/31024/10/1", jsonType, `{"id":1,"type":"integer","value":"x"}`, 400, "", []string{"Invalid request"}},
		{o, "PUT /api/clients/node-31024/31024/10/1", "application/xml", `<x/>`, 400, "", []string{"not supported"}},
		{o, "PUT /api/clients/temp-attic/3/0/14", "text/plain", "+02:00", 200, "", []string{"CHANGED(204)"}},
		{r, "GET /api/clients/temp-attic/3/0/14", "", "", 200, "", []string{`"value":"+02:00"`}},
		{o, "PUT /api/clients/temp-attic/3303/0/5700/attributes?pmin=1&pmax=1", "", "", 200, "", []string{"CHANGED(204)"}},
		{o, "PUT /api/clients/temp-attic/3303/0/5700/attributes?speed=1", "", "", 400, "", []string{"speed"}},
		{o, "POST /api/clients/temp-attic/3303/0/5605", "", "", 200, "", []string{"CHANGED(204)"}},
		{o, "POST /api/clients/node-31024/31024", jsonType, `{"id":20,"kind":"instance","resources":[{"id":1,"kind":"singleResource","type":"integer","value":"9"}]}`, 200, `{"failure":false,"location":"31024/20","status":"CREATED(201)","success":true,"valid":true}`, nil},
		{o, "DELETE /api/clients/node-31024/31024/20", "", "", 200, `{"failure":false,"status":"DELETED(202)","success":true,"valid":true}`, nil},
		{o, "POST /api/clients/temp-attic/3303/0/5700/observe", "", "", 200, "", []string{`"id":5700,"kind":"singleResource","type":"FLOAT","value":"`, ok + `"CONTENT(205)"`}},
		{o, "DELETE /api/clients/temp-attic/3303/0/5700/observe?active", "", "", 200, "", []string{ok}},
		{o, "DELETE /api/clients/temp-attic/3303/0/5700/observe?active", "", "", 404, "", []string{"no observation"}},
		{o, "DELETE /api/clients/temp-attic/3303/0/5700/observe", "", "", 200, "", nil},
		{r, "GET /api/clients/node-31024/composite?paths=/31024/10/1,/3/0/9999,/1/0/7&pathformat=SENML_JSON&nodeformat=SENML_JSON&timeout=5", "", "", 200, `{"content":{"/1/0/7":{"id":7,"kind":"singleResource","type":"STRING","value":"U"},"/3/0/9999":null,"/31024/10/1":{"id":1,"kind":"singleResource","type":"INTEGER","value":"77"}},"failure":false,"status":"CONTENT(205)","success":true,"valid":true}`, nil},
		{r, "GET /api/clients/node-31024/composite?paths=/", "", "", 200, "", []string{`"content":{"/":{"kind":"root","objects":[{"id":1,"instances":[`, `"id":31024`}},
		{r, "GET /api/clients/node-31024/composite?paths=/x", "", "", 400, "Invalid path : /x", nil},
		{r, "GET /api/clients/node-31024/composite?paths=/3&pathformat=SENML_JSON&nodeformat=SENML_CBOR", "", "", 400, "", []string{"SENML_CBOR"}},
		{r, "PUT /api/clients/node-31024/composite", jsonType, `{}`, 403, "", nil},
		{o, "PUT /api/clients/node-31024/composite", jsonType, `{"/31024/10/1":{"id":1,"kind":"singleResource","type":"integer","value":"78"},"/3/0/14":{"id":14,"kind":"singleResource","type":"string","value":"+03:00"}}`, 200, `{"failure":false,"status":"CHANGED(204)","success":true,"valid":true}`, nil},
		{o, "PUT /api/clients/node-31024/composite", jsonType, `{"/31024/10/1":{"id":1,"kind":"singleResource","type":"integer","value":"79"},"/31024/77/1":{"id":1,"kind":"singleResource","type":"integer","value":"1"}}`, 200, "", []string{"NOT_FOUND(404)"}},
		{o, "PUT /api/clients/node-31024/composite", jsonType, `{"/31024/10":{"id":10,"kind":"instance","resources":[]}}`, 400, "", []string{"Invalid path"}},
		{r, "GET /api/clients/node-31024/31024/10/1", "", "", 200, "", []string{`"value":"78"`}},
		{o, "POST /api/clients/node-31024/composite/observe?paths=/31024/10/1,/3/0/14", "", "", 200, "", []string{`"/31024/10/1":{"id":1`, ok + `"CONTENT(205)"`}},
		{o, "DELETE /api/clients/node-31024/composite/observe?paths=/3/0/14,/31024/10/1&active", "", "", 200, "", []string{ok}},
		{o, "DELETE /api/clients/node-31024/composite/observe?paths=/3/0/14,/31024/10/1&active", "", "", 404, "", []string{"no composite-observation"}},
		{o, "DELETE /api/clients/node-31024/composite/observe?paths=/3/0/14,/31024/10/1", "", "", 200, "", nil},
		{r, "GET /api/objectspecs/temp-attic", "", "", 200, "", []string{`"id":3303`, `"instancetype":"multiple"`, `"operations":"R"`, `"type":"float"`, `"units":"s"`}},
		{o, "PUT /api/security/clients", jsonType, `{}`, 403, "", nil},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"new","tls":{"mode":"psk","details":{"identity":"new-id","key":"73656372657450534b"}}}`, 200, "", nil},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"thief","tls":{"mode":"psk","details":{"identity":"new-id","key":"73656372657450534b"}}}`, 400, "", []string{"new"}},
		{a, "POST /api/security/clients", jsonType, `{"endpoint":"old","psk":{"identity":"old-id","key":"73656372657450534b"}}`, 200, "", nil},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"x","tls":{"mode":"psk","details":{"identity":"x","key":"zz"}}}`, 400, "Invalid request body: key parameter must be a valid hex string", nil},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"x","tls":{"mode":"rpk"}}`, 400, "", []string{"public key"}},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"x","tls":{"mode":"oscore"}}`, 400, "", []string{"oscore"}},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"raw","tls":{"mode":"rpk","details":{"key":"3059301306072a8648ce3d020106082a8648ce3d03010703420004462cc3d3230efe19d0173997dbd75329aec425a3cffb923c9295d94c91cbaf6f8c3056010b73418cf76fdf3238b9f5b44eab8a6ba4bb8713e29ea2e33bf650d7"}}}`, 200, "", nil},
		{a, "PUT /api/security/clients", jsonType, `{"endpoint":"certified","tls":{"mode":"x509"}}`, 200, "", nil},
		{r, "GET /api/security/clients", "", "", 200, "", []string{`{"endpoint":"certified","tls":{"mode":"x509"}}`, `{"endpoint":"raw","tls":{"details":{"key":"3059301306072a8648ce3d020106082a8648ce3d03010703420004462cc3d3230efe19d0173997dbd75329aec425a3cffb923c9295d94c91cbaf6f8c3056010b73418cf76fdf3238b9f5b44eab8a6ba4bb8713e29ea2e33bf650d7"},"mode":"rpk"}}`}},
		{a, "PUT /api/security/clients", jsonType, `{"tls":{}}`, 400, "", nil},
		{a, "GET /api/security/clients", "", "", 200, "", []string{`{"endpoint":"new","tls":{"details":{"identity":"new-id","key":"73656372657450534b"},"mode":"psk"}}`}},
		{r, "GET /api/security/clients", "", "", 200, "", []string{`{"endpoint":"new","tls":{"details":{"identity":"new-id","key":"********"},"mode":"psk"}}`}},
		{a, "DELETE /api/security/clients/new", "", "", 200, "", nil},
		{a, "DELETE /api/security/clients/new", "", "", 200, `{"message":"not_found"}`, nil},
	} {
		method, path, _ := strings.Cut(tt.request, " ")
		resp := w.request(tt.as, method, path, tt.contentType, tt.body)
		b, _ := io.ReadAll(resp.Body)
		got := norm(b)
		if resp.StatusCode != tt.status || tt.whole != "" && got != tt.whole {
			t.Errorf("%s %s: %d %s\nwant %d %s", tt.request, tt.body, resp.StatusCode, got, tt.status, tt.whole)
		}
		for _, p := range tt.parts {
			if !strings.Contains(got, p) {
				t.Errorf("%s %s: no %s in %s", tt.request, tt.body, p, got)
			}
		}
	}
}

func TestEvents(t *testing.T) {
	w := start(t, "token")
	resp := w.request(access.Read, "GET", "/api/event?ep=temp-attic", "", "")
	lines := bufio.NewScanner(resp.Body)
	wait := func(kind string, parts ...string) {
		t.Helper()
		k := ""
		for lines.Scan() {
			if s, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				k = s
			}
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || k != kind {
				continue
			}
			data = norm([]byte(data))
			if len(parts) > 0 && strings.Contains(parts[0], `"kind":"composite"`) && strings.Contains(data, `"kind":"single"`) {
				continue // the single observation goes on
			}
			for _, p := range parts {
				if !strings.Contains(data, p) {
					t.Fatalf("%s without %s: %s", kind, p, data)
				}
			}
			return
		}
		t.Fatalf("no event %s", kind)
	}
	w.request(access.Operate, "PUT", "/api/clients/temp-attic/3303/0/5700/attributes?pmin=0&pmax=1", "", "")
	w.request(access.Operate, "POST", "/api/clients/temp-attic/3303/0/5700/observe", "", "")
	wait("COAPLOG", `"ep":"temp-attic"`, `"incoming":false`, `"code":"PUT"`, `"mId":`, `"timestamp":`, `"token":"`, `"options":"`)
	wait("NOTIFICATION", `{"ep":"temp-attic","kind":"single","res":"/3303/0/5700","val":{"id":5700,"kind":"singleResource","type":"FLOAT","value":"`)
	w.request(access.Operate, "POST", "/api/clients/temp-attic/composite/observe?paths=/3303/0/5700,/3/0/0,/9/0/1", "", "")
	wait("NOTIFICATION", `{"ep":"temp-attic","kind":"composite","val":{"/3/0/0":{"id":0,"kind":"singleResource","type":"STRING","value":"Heddle"},"/3303/0/5700":{"id":5700,"kind":"singleResource","type":"FLOAT","value":"`, `"/9/0/1":null`)
	w.request(access.Admin, "DELETE", "/api/v1/clients/temp-attic", "", "")
	wait("DEREGISTRATION", `"endpoint":"temp-attic"`, `"registrationId":"`)
}

func TestModes(t *testing.T) {
	open := start(t, "open")
	if resp := open.request(access.None, "GET", "/api/clients", "", ""); resp.StatusCode != 200 {
		t.Errorf("open: status %d", resp.StatusCode)
	}
	if b, _ := io.ReadAll(open.request(access.None, "GET", "/api/security/clients", "", "").Body); strings.Contains(string(b), `"key"`) && !strings.Contains(string(b), `"********"`) {
		t.Errorf("open: keys are shown: %s", b)
	}
	if resp := open.request(access.None, "GET", "/api/v1/clients", "", ""); resp.StatusCode != 401 {
		t.Errorf("open concerns the Leshan shapes only: /api/v1 answers %d", resp.StatusCode)
	}
	off := start(t, "off")
	if resp := off.request(access.Admin, "GET", "/api/clients", "", ""); resp.StatusCode != 404 {
		t.Errorf("off: status %d", resp.StatusCode)
	}
}
