package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/device"
	"heddle.example/lwm2m/client"
)

func put(t *testing.T, p *Program, token, path, body string) int {
	t.Helper()
	r, _ := http.NewRequest("PUT", p.URL()+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		t.Logf("PUT %s: %d %s", path, resp.StatusCode, b)
	}
	return resp.StatusCode
}

// deviceFor starts a device that knows its bootstrap server only.
func deviceFor(t *testing.T, name, uri, identity, key string) {
	t.Helper()
	h := host.New(host.Options{ReceiveBuffer: 64 << 10, SendBuffer: 64 << 10})
	profile := device.ThisComputer(name, "test")
	a := client.Account{Bootstrap: true, URI: uri, Identity: identity, Key: []byte(key), Retry: &client.RetryPolicy{Count: 5, Timer: time.Second, SequenceDelay: time.Second, SequenceCount: 5}}
	d, err := device.Start(h, device.Options{Config: client.Config{Endpoint: name, Servers: []client.Account{a}}, Objects: func() ([]client.Object, error) { return profile.Make(h.Now(), []uint16{3, 3303}) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Kill(context.Background()) })
}

const hexKey = "30313233343536373839616263646566" // 0123456789abcdef

// Both servers in one program, on one store: a device that knows its bootstrap server is given a key that was made for it,
// registers with it, and the server knows it after a restart. An unknown device is served by the default.
func TestBootstrapAndServer(t *testing.T) {
	c := Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test",
		Bootstrap: true, BootstrapCoAP: []string{"127.0.0.1:0"}, BootstrapCoAPS: []string{"127.0.0.1:0"}}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	given := `"servers": [{"uri": "coaps://` + p.DeviceAddress(true).String() + `", "mode": "psk", "identity": "{endpoint}", "generateKey": true, "shortServerId": 7, "lifetime": 3600, "muteSend": false}], "delete": ["/0", "/1"]}`
	if code := put(t, p, token, "/api/v1/bootstrap/configurations/demo", `{"account": {"mode": "psk", "identity": "BSID", "key": "`+hexKey+`"}, `+given); code != 201 {
		t.Fatal(code)
	}
	if code := put(t, p, token, "/api/v1/bootstrap/default", `{"account": {"mode": "none"}, `+given); code != 201 {
		t.Fatal(code)
	}
	if _, ok := p.Credentials.Get("demo"); !ok {
		t.Fatal("the server does not know the device")
	}
	deviceFor(t, "demo", "coaps://"+p.BootstrapAddress(true).String(), "BSID", "0123456789abcdef")
	deviceFor(t, "lamp-1", "coap://"+p.BootstrapAddress(false).String(), "", "")
	deviceFor(t, "thief", "coaps://"+p.BootstrapAddress(true).String(), "BSID", "another key 1234")
	eventually(t, "two devices", func() bool { return p.Fleet.Len() == 2 })
	for _, name := range []string{"demo", "lamp-1"} {
		row, _ := p.Fleet.Client(name, false)
		if row.Security.Mode != "psk" || row.Security.Identity != name {
			t.Errorf("%s: %+v", name, row.Security)
		}
		if code := get(t, p, token, "GET", "/api/v1/clients/"+name+"/objects/3/0/0", nil); code != 200 {
			t.Errorf("%s is read with %d", name, code)
		}
	}
	var sessions struct{ Items []bootstrap.Session }
	eventually(t, "two sessions and a refusal", func() bool {
		get(t, p, token, "GET", "/api/v1/bootstrap/sessions", &sessions)
		states := map[string]int{}
		for _, s := range sessions.Items {
			states[s.State]++
		}
		return states["finished"] == 2 && states["refused"] > 0
	})
	var info api.Info
	get(t, p, token, "GET", "/api/v1/server", &info)
	if strings.Join(info.Roles, " ") != "server bootstrap" || len(info.Addresses) != 4 || info.Addresses[3].Role != "bootstrap" || info.Counters["bootstrapDone"] != 2 {
		t.Errorf("%+v", info)
	}
	lamp, _ := p.Credentials.Get("lamp-1")
	stop(t, p)

	if p, err = Start(c); err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	if again, ok := p.Credentials.Get("lamp-1"); !ok || string(again.Key) != string(lamp.Key) {
		t.Error("a key that was given is lost")
	}
	var conf api.BootstrapConfiguration
	if get(t, p, token, "GET", "/api/v1/bootstrap/configurations/demo", &conf); conf.Result == nil || conf.Result.Done != 1 || !conf.Servers[0].Local {
		t.Errorf("%+v", conf)
	}
}

// The bootstrap server by itself knows no LwM2M server of its own.
func TestBootstrapAlone(t *testing.T) {
	p, err := Start(Config{Web: []string{"127.0.0.1:0"}, Version: "test", NoServer: true, Bootstrap: true, BootstrapCoAP: []string{"127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	token, _, _ := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	var info api.Info
	get(t, p, token, "GET", "/api/v1/server", &info)
	if strings.Join(info.Roles, " ") != "bootstrap" || len(info.Addresses) != 1 || info.Addresses[0].Role != "bootstrap" {
		t.Errorf("%+v", info)
	}
	body := `{"account": {"mode": "none"}, "servers": [{"uri": "coap://127.0.0.1", "mode": "none", "shortServerId": 7, "lifetime": 3600, "local": LOCAL}], "delete": ["/0", "/1"]}`
	if code := put(t, p, token, "/api/v1/bootstrap/configurations/demo", strings.Replace(body, "LOCAL", "true", 1)); code != 422 {
		t.Errorf("a server of this program that there is not: %d", code)
	}
	if code := put(t, p, token, "/api/v1/bootstrap/configurations/demo", strings.Replace(body, "LOCAL", "false", 1)); code != 201 {
		t.Error(code)
	}
	deviceFor(t, "demo", "coap://"+p.BootstrapAddress(false).String(), "", "")
	eventually(t, "a session", func() bool {
		var conf api.BootstrapConfiguration
		get(t, p, token, "GET", "/api/v1/bootstrap/configurations/demo", &conf)
		return conf.Result != nil && conf.Result.State == "finished"
	})
	if _, err := Start(Config{Web: []string{"127.0.0.1:0"}, NoServer: true, Bootstrap: true, BootstrapCoAP: []string{p.BootstrapAddress(false).String()}}); err == nil {
		t.Error("two bootstrap servers on one port")
	} else if flag, ok := InUse(err); !ok || flag != "--coap" {
		t.Errorf("%v", err)
	}
}

// A hundred devices of a group come at once, all with the group's bootstrap key; each gets a key of its own.
func TestBootstrapGroupAtOnce(t *testing.T) {
	p, err := Start(Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test", Bootstrap: true, BootstrapCoAPS: []string{"127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	token, _, _ := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	if code := put(t, p, token, "/api/v1/bootstrap/configurations/lamp-*", `{"account": {"mode": "psk", "identity": "all lamps", "key": "`+hexKey+`"}, "delete": ["/0", "/1"],
		"servers": [{"uri": "coaps://`+p.DeviceAddress(true).String()+`", "mode": "psk", "shortServerId": 7, "lifetime": 3600}]}`); code != 201 {
		t.Fatal(code)
	}
	const devices = 100
	for i := range devices {
		deviceFor(t, fmt.Sprintf("lamp-%d", i), "coaps://"+p.BootstrapAddress(true).String(), "all lamps", "0123456789abcdef")
	}
	eventually(t, "all lamps", func() bool { return p.Fleet.Len() == devices })
	keys := map[string]bool{}
	for i := range devices {
		c, ok := p.Credentials.Get(fmt.Sprintf("lamp-%d", i))
		if !ok || c.Identity != c.Endpoint {
			t.Fatalf("lamp-%d: %v %q", i, ok, c.Identity)
		}
		keys[string(c.Key)] = true
	}
	if len(keys) != devices {
		t.Errorf("%d keys", len(keys))
	}
}
