package leshan_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/serve"
	"heddle.example/machine"
)

// bootstrapWorld is both servers without devices.
func bootstrapWorld(t *testing.T) (p *serve.Program, call func(as access.Role, method, path, body string) (int, string)) {
	t.Helper()
	p, err := serve.Start(serve.Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Version: "test", Bootstrap: true, BootstrapCoAP: []string{"127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		p.Stop(ctx)
	})
	tokens := map[access.Role]string{}
	for _, r := range []access.Role{access.Read, access.Admin} {
		tokens[r], _, _ = p.Access.CreateToken("t", r, time.Time{}, "test")
	}
	return p, func(as access.Role, method, path, body string) (int, string) {
		t.Helper()
		req, _ := http.NewRequest(method, p.URL()+path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+tokens[as])
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
}

// leshanConfig is what a script for Leshan's demo bootstrap server sends: bytes are numbers, some of them as Java has them.
const leshanConfig = `{"autoIdForSecurityObject": false, "toDelete": ["/0", "/1"], "oscore": {},
	"servers": {"0": {"shortId": 123, "lifetime": 300, "defaultMinPeriod": 1, "notifIfDisabled": true, "binding": ["U"], "communicationRetryCount": 4, "bootstrapOnRegistrationFailure": true}},
	"security": {
		"0": {"uri": "coaps://bs.example:5784", "bootstrapServer": true, "securityMode": "PSK", "publicKeyOrId": [66, 83], "serverPublicKey": [], "secretKey": [0, 17, 34, 51, 68, 85, 102, 119], "smsSecurityMode": "NO_SEC", "serverId": 111, "clientOldOffTime": 1, "bootstrapServerAccountTimeout": 0},
		"1": {"uri": "coaps://lw.example:5684", "bootstrapServer": false, "securityMode": "PSK", "publicKeyOrId": [105, 100], "serverPublicKey": [], "secretKey": [-1, -2, -3, 0, 1, 2, 3, 4], "smsSecurityMode": "NO_SEC", "serverId": 123, "clientOldOffTime": 1}},
	"acls": {"0": {"objectId": 3, "objectInstanceId": 0, "acls": {"123": 15}, "AccessControlOwner": 123}}}`

func TestBootstrapShape(t *testing.T) {
	p, call := bootstrapWorld(t)
	if code, body := call(access.Read, "PUT", "/api/bootstrap/demo", leshanConfig); code != 403 {
		t.Fatal(code, body)
	}
	if code, body := call(access.Admin, "POST", "/api/bootstrap/demo", leshanConfig); code != 200 || body != "" {
		t.Fatal(code, body)
	}
	// It is the same configuration as everywhere else.
	code, body := call(access.Admin, "GET", "/api/v1/bootstrap/configurations/demo", "")
	for _, part := range []string{`"mode":"psk","identity":"BS"`, `"holdOff":1`, `"identity":"id"`, `"securityInstance":1`, `"serverInstance":0`, `"2":1`, `"16":true`, `"17":4`, `"delete":["/0","/1"]`, `"acls":[{"object":3,"instance":0,"owner":123,"rights":{"123":15}}]`} {
		if code != 200 || !strings.Contains(body, part) {
			t.Errorf("%d, no %s in %s", code, part, body)
		}
	}
	if _, body = call(access.Admin, "GET", "/api/v1/bootstrap/configurations/demo/keys", ""); !strings.Contains(body, `"account":"0011223344556677"`) || !strings.Contains(body, `"0":"fffefd0001020304"`) {
		t.Error(body)
	}
	// And back: the keys for whom may see them.
	_, body = call(access.Admin, "GET", "/api/bootstrap", "")
	for _, part := range []string{`{"demo":{"autoIdForSecurityObject":false`, `"secretKey":[255,254,253,0,1,2,3,4]`, `"secretKey":[0,17,34,51,68,85,102,119]`, `"binding":["U"]`, `"communicationRetryCount":4`, `"AccessControlOwner":123`} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	if _, body = call(access.Read, "GET", "/api/bootstrap/demo", ""); strings.Contains(body, "255,254") || strings.Contains(body, "17,34") || !strings.Contains(body, `"secretKey":[]`) {
		t.Errorf("a key is shown: %s", body)
	}
	// What was read is stored again and stays what it is; so do keys that the reader may not see.
	before, _ := p.Credentials.Get("demo")
	_, mine := call(access.Admin, "GET", "/api/bootstrap/demo", "")
	_, masked := call(access.Read, "GET", "/api/bootstrap/demo", "")
	for _, again := range []string{mine, masked} {
		if code, body := call(access.Admin, "PUT", "/api/bootstrap/demo", again); code != 200 {
			t.Fatal(code, body)
		}
		if _, body := call(access.Admin, "GET", "/api/bootstrap/demo", ""); body != mine {
			t.Errorf("\n%s\n%s", mine, body)
		}
	}
	if after, _ := p.Credentials.Get("demo"); string(after.Key) != string(before.Key) || before.Mode != machine.NoSecurity {
		t.Errorf("%+v %+v", before, after)
	}
	if code, _ := call(access.Admin, "DELETE", "/api/bootstrap/demo", ""); code != 204 {
		t.Error(code)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if code, body := call(access.Admin, method, "/api/bootstrap/demo", ""); code != 404 || body != "no config for demo" {
			t.Error(code, body)
		}
	}
}

// The pairs of the demo page are the same.
func TestBootstrapPairs(t *testing.T) {
	_, call := bootstrapWorld(t)
	code, body := call(access.Admin, "PUT", "/api/bootstrap/demo", `{"toDelete": ["/0", "/1"], "bs": [{"security": {"uri": "coaps://bs.example", "securityMode": "PSK", "publicKeyOrId": "4253", "secretKey": "0011223344556677"}}],
		"dm": [{"security": {"uri": "coap://lw.example", "securityMode": "NO_SEC"}, "server": {"shortId": 5, "lifetime": 300, "binding": "U"}}]}`)
	if code != 200 {
		t.Fatal(code, body)
	}
	if _, body = call(access.Read, "GET", "/api/bootstrap/demo", ""); !strings.Contains(body, `"autoIdForSecurityObject":true`) || !strings.Contains(body, `"serverId":5`) || !strings.Contains(body, `"securityMode":"NO_SEC"`) {
		t.Error(body)
	}
}

func TestBootstrapShapeRefused(t *testing.T) {
	_, call := bootstrapWorld(t)
	for _, c := range []struct{ from, to, why string }{
		{`"serverId": 123`, `"serverId": 124`, "no server has its serverId"},
		{`"shortId": 123`, `"shortId": 5`, "no server has its serverId"},
		{`"securityMode": "PSK", "publicKeyOrId": [105`, `"securityMode": "EST", "publicKeyOrId": [105`, "EST"},
		{`"toDelete": ["/0"`, `"toDelete": ["0//"`, "toDelete[0]"},
		{`"oscore": {}`, `"oscore": {"0": {}}`, "OSCORE"},
		{`[-1, -2`, `[-1, 256`, "is no byte"},
		{`"binding": ["U"]`, `"binding": ["X"]`, "binding"},
		{`lw.example:5684`, `lw.example:5684/path`, "scheme"},
		{`"lifetime": 300`, `"lifetime": 3000000000`, "lifetime"},
		{`"bootstrapServer": false`, `"bootstrapServer": true`, "second account"},
		{`"AccessControlOwner": 123`, `"AccessControlOwner": 124`, "Short Server ID 124"},
	} {
		if code, body := call(access.Admin, "PUT", "/api/bootstrap/demo", strings.Replace(leshanConfig, c.from, c.to, 1)); code != 400 || !strings.Contains(body, c.why) {
			t.Errorf("%s: %d %s", c.to, code, body)
		}
	}
	if code, body := call(access.Admin, "PUT", "/api/bootstrap/demo", "{"); code != 400 {
		t.Error(code, body)
	}
	if code, body := call(access.Admin, "GET", "/api/bootstrap", ""); code != 200 || body != "{}" {
		t.Error(code, body)
	}
}
