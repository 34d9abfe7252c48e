package serve

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

func stop(t *testing.T, p *Program) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func get(t *testing.T, p *Program, token, method, path string, out any) int {
	t.Helper()
	r, _ := http.NewRequest(method, p.URL()+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return resp.StatusCode
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestRestart: registrations, secure sessions, observations, credentials, users and tokens are there again, and the devices
// are reached at once: they need no new handshake and no new registration.
func TestRestart(t *testing.T) {
	c := Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test"}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Access.AddUser("ada", "a long password", access.Admin); err != nil {
		t.Fatal(err)
	}
	key := []byte("0123456789abcdef")
	if _, err := p.Credentials.Put(server.Credential{Endpoint: "secure", Identity: "id", Key: key, Mode: machine.PSK}, true); err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{ReceiveBuffer: 64 << 10, SendBuffer: 64 << 10})
	for _, name := range []string{"plain", "secure"} {
		a := client.Account{ShortID: 1, URI: "coap://" + p.DeviceAddress(false).String(), Lifetime: time.Hour}
		if name == "secure" {
			a.URI, a.Identity, a.Key = "coaps://"+p.DeviceAddress(true).String(), "id", key
		}
		profile := device.ThisComputer(name, "test")
		d, err := device.Start(h, device.Options{Config: client.Config{Endpoint: name, Servers: []client.Account{a}}, Objects: func() ([]client.Object, error) { return profile.Make(h.Now(), []uint16{3, 3303}) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Kill(context.Background()) })
	}
	eventually(t, "two devices", func() bool { return p.Fleet.Len() == 2 })
	ids := map[string]string{}
	for _, name := range []string{"plain", "secure"} {
		row, _ := p.Fleet.Client(name, false)
		ids[name] = row.ID
		if code := get(t, p, token, "GET", "/api/v1/clients/"+name+"/objects/3/0/0", nil); code != 200 {
			t.Fatalf("read of %s: %d", name, code)
		}
		_, _, err := p.Shards.Do(t.Context(), name, &server.Operation{Kind: server.Observe, Path: lwm2m.MustPath("/3303/0/5700"), Timeout: 5 * time.Second})
		if err != nil {
			t.Fatalf("observe on %s: %v", name, err)
		}
	}
	c.CoAP, c.CoAPS = []string{p.DeviceAddress(false).String()}, []string{p.DeviceAddress(true).String()}
	stop(t, p)

	p, err = Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	for _, name := range []string{"plain", "secure"} {
		row, ok := p.Fleet.Client(name, false)
		if !ok || row.ID != ids[name] {
			t.Fatalf("%s after the restart: %+v", name, row)
		}
		var r struct{ Status, Code string }
		if code := get(t, p, token, "GET", "/api/v1/clients/"+name+"/objects/3/0/0", &r); code != 200 || r.Code != "2.05" {
			t.Errorf("read of %s after the restart: %d %+v", name, code, r)
		}
		obs, err := p.Shards.Observations(name)
		if err != nil || len(obs) != 1 {
			t.Errorf("observations of %s after the restart: %v %v", name, obs, err)
		}
	}
	i := p.Info()
	if n := i.Counters["handshakes"] + i.Counters["registers"]; n != 0 {
		t.Errorf("%d handshakes and %d registrations after the restart, want none", i.Counters["handshakes"], i.Counters["registers"])
	}
	if !p.Access.HasAdmin() || p.Credentials.Len() != 1 {
		t.Error("users or credentials are gone")
	}
	if link, _ := p.FirstRun(); link != "" {
		t.Error("a first-run link though there is an administrator")
	}
}

// Ten thousand credentials in one call, on a real disk.
func TestBulkIsQuickEnough(t *testing.T) {
	p, err := Start(Config{CoAP: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	token, _, _ := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := range 10_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"endpoint":"device-%05d","mode":"psk","identity":"id-%05d","key":"%032x"}`, i, i, i)
	}
	b.WriteString(`]}`)
	r, _ := http.NewRequest("POST", p.URL()+"/api/v1/credentials/bulk", strings.NewReader(b.String()))
	r.Header.Set("Authorization", "Bearer "+token)
	start := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, _ := io.ReadAll(resp.Body)
	t.Logf("10,000 credentials: %v", time.Since(start))
	if resp.StatusCode != 200 || !strings.Contains(string(out), `"added":10000`) || p.Credentials.Len() != 10_000 {
		t.Errorf("%s %.200s", resp.Status, out)
	}
}

func TestAdminSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p, err := Start(Config{CoAP: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, adminSocket): 0o600} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v %v, want %v", name, st.Mode(), err, mode)
		}
	}
	ask := func() int {
		t.Helper()
		c, end, err := Admin(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		resp, err := c.Get("http://localhost/api/v1/tokens")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if code := ask(); code != 200 {
		t.Errorf("through the socket: %d", code)
	}
	stop(t, p)
	if code := ask(); code != 200 {
		t.Errorf("on the directory: %d", code)
	}
}

// A server has its directory before it has its socket: who asks in between waits for it.
func TestAdminOfAServerThatStarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := OpenStore(dir, History{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })}
	defer web.Close()
	time.AfterFunc(50*time.Millisecond, func() {
		l, err := net.Listen("unix", filepath.Join(dir, adminSocket))
		if err != nil {
			t.Error(err)
			return
		}
		_ = web.Serve(l)
	})
	c, end, err := Admin(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	resp, err := c.Get("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot {
		t.Errorf("answered with %s", resp.Status)
	}
}

func TestSelfSigned(t *testing.T) {
	c := Config{CoAP: []string{"127.0.0.1:0"}, Web: []string{"0.0.0.0:0"}, Data: t.TempDir(), TLSSelfSigned: true, Version: "test"}
	finger := ""
	for range 2 {
		p, err := Start(c)
		if err != nil {
			t.Fatal(err)
		}
		if p.Fingerprint == "" || finger != "" && p.Fingerprint != finger {
			t.Errorf("the certificate of a second start is another one")
		}
		finger = p.Fingerprint
		_, port, _ := net.SplitHostPort(p.web[0].Addr().String())
		hc := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		resp, err := hc.Get("https://127.0.0.1:" + port + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || resp.TLS.Version < tls.VersionTLS12 {
			t.Errorf("status %s, TLS %x", resp.Status, resp.TLS.Version)
		}
		if !strings.HasPrefix(p.URL(), "https://") {
			t.Errorf("URL %s", p.URL())
		}
		hc.CloseIdleConnections()
		stop(t, p)
	}
	st, err := os.Stat(filepath.Join(c.Data, "web-key.pem"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", st, err)
	}
}

func TestUnknownByDefault(t *testing.T) {
	for _, tt := range []struct {
		coap, unknown string
		demo          bool
		want          string
	}{
		{"127.0.0.1:0", "", false, "accept"}, {"[::1]:0", "", false, "accept"}, {":0", "", false, "refuse"}, {"0.0.0.0:0", "", true, "accept"}, {":0", "accept", false, "accept"}, {"127.0.0.1:0", "refuse", false, "refuse"},
	} {
		p, err := Start(Config{CoAP: []string{tt.coap}, Web: []string{"127.0.0.1:0"}, Unknown: tt.unknown, Demo: tt.demo})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Info().Unknown; got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
		stop(t, p)
	}
}

// A failed start gives everything back: the same ports and directory work at once.
func TestFailedStartLeavesNothing(t *testing.T) {
	c := Config{CoAP: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), LeshanAPI: "maybe"}
	if _, err := Start(c); err == nil || !strings.Contains(err.Error(), "--leshan-api") {
		t.Fatalf("error %v", err)
	}
	c.LeshanAPI = "off"
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, p)
}
