package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
	"heddle.example/store"
)

// A simulation is served without anything of devices, to whoever has logged in.
func TestMesh(t *testing.T) {
	groups, err := simulate.Groups(4, "router", "disc 10", 0, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w, err := topology.New(topology.Options{Scenario: &simulate.Scenario{Seed: 1, For: simulate.Time(time.Hour), Nodes: groups}, Speed: 50})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go w.Run(ctx)
	manager, err := access.Open(store.Memory(), access.Options{Cheap: true})
	if err != nil {
		t.Fatal(err)
	}
	a := New(Config{Mesh: w, Seat: w.Seat(1), Access: manager, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Failed: func() error { return nil },
		Info: func() Info { return Info{Roles: []string{"simulation"}} }})
	s := httptest.NewServer(a.Handler())
	defer s.Close()
	defer a.Close()
	token := func(scope access.Role) string {
		secret, _, err := manager.CreateToken(scope.String(), scope, time.Time{}, "test")
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	reads, operates := token(access.Read), token(access.Operate)
	do := func(secret, method, path, body string) (int, string) {
		t.Helper()
		r, _ := http.NewRequest(method, s.URL+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	for _, c := range []struct {
		secret, method, path, body string
		status                     int
		has                        string
	}{
		{"", "GET", "/api/v1/mesh", "", 401, ""},
		{reads, "GET", "/api/v1/server", "", 200, `"roles":["simulation","mesh","node"]`},
		{reads, "GET", "/api/v1/mesh", "", 200, `"nodes":[{"id":1`},
		{reads, "POST", "/api/v1/mesh/control", `{"pause":true}`, 403, ""},
		{operates, "POST", "/api/v1/mesh/control", `{"step":"second"}`, 409, "paused"},
		{operates, "POST", "/api/v1/mesh/control", `{"speed":-1}`, 422, ""},
		{operates, "POST", "/api/v1/mesh/control", `{"pause":true,"speed":1}`, 200, `"paused":true`},
		{operates, "POST", "/api/v1/mesh/control", `{"step":"frame"}`, 200, ""},
		{reads, "GET", "/api/v1/mesh/nodes/2", "", 200, `"neighbors"`},
		{reads, "GET", "/api/v1/mesh/nodes/9", "", 404, ""},
		{operates, "POST", "/api/v1/mesh/nodes/2/shell", `{"line":"version api"}`, 200, `"last":"Done"`},
		{operates, "POST", "/api/v1/mesh/nodes/2", `{"action":"move","x":2,"y":3}`, 200, `"x":2,"y":3`},
		{operates, "POST", "/api/v1/mesh/nodes/2", `{"action":"fly"}`, 422, ""},
		{operates, "GET", "/api/v1/mesh/route?from=1&to=2", "", 200, `"hops":[1`},
		{operates, "GET", "/api/v1/mesh/route?from=1&to=9", "", 404, ""},
		{reads, "GET", "/api/v1/mesh?at=1", "", 200, `"now":1,`},
		{operates, "POST", "/api/v1/mesh/control", `{"to":1}`, 409, "moment"},
		{reads, "GET", "/api/v1/mesh/commissioning", "", 200, `"state":"disabled"`},
		{operates, "POST", "/api/v1/mesh/commissioning", `{"active":true}`, 403, ""},
		{reads, "GET", "/api/v1/mesh/network", "", 200, `"panid":"0x`},
		{operates, "GET", "/api/v1/mesh/network/keys", "", 403, ""},
		{operates, "POST", "/api/v1/mesh/links", `{"a":1,"b":2,"on":false}`, 204, ""},
		{reads, "GET", "/api/v1/clients", "", 404, ""},
		{"", "GET", "/api/docs", "", 200, ""},
	} {
		if status, body := do(c.secret, c.method, c.path, c.body); status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, body)
		}
	}
	for _, secret := range []string{reads, token(access.Admin)} {
		if status, body := do(secret, "GET", "/api/v1/mesh/pcap", ""); status != 200 || strings.Contains(body, "ieee802154_keys") != (secret != reads) {
			t.Errorf("a capture: %d, %d bytes", status, len(body))
		}
	}
	r, _ := http.NewRequest("GET", s.URL+"/api/v1/mesh/events", nil)
	r.Header.Set("Authorization", "Bearer "+reads)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	do(operates, "POST", "/api/v1/mesh/nodes/3", `{"action":"kill"}`)
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		var c topology.Change
		if !ok || json.Unmarshal([]byte(data), &c) != nil || c.Seq == 0 {
			continue
		}
		for _, n := range c.Nodes {
			if n.ID == 3 && n.Role == "off" {
				return
			}
		}
	}
	t.Error("the stream ended")
}

// docs/rest.md names the routes of a simulation, too.
func TestDocsNameMeshRoutes(t *testing.T) {
	b, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	w, err := topology.New(topology.Options{Scenario: &simulate.Scenario{For: 1, Nodes: []simulate.Group{{Count: 1, Layout: "disc 10"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range New(Config{Mesh: w, Seat: w.Seat(1), Border: noBorder{}, Traces: noTraces{}}).Routes() {
		if mesh := strings.Contains(rt.Path, "/mesh") || strings.Contains(rt.Path, "/border") || strings.Contains(rt.Path, "/traces"); mesh && !strings.Contains(string(b), rt.Method+" "+rt.Path+"`") {
			t.Errorf("docs/rest.md does not name %s %s", rt.Method, rt.Path)
		}
	}
}

// fakes of what this package does not make.
type (
	noBorder   struct{ borderDoor }
	noTraces   struct{ tracesDoor }
	borderDoor = Border
	tracesDoor = Traces
)
