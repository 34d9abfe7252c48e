package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/device"
	"heddle.example/internal/firmware"
	"heddle.example/lwm2m/client"
	pkg "heddle.example/lwm2m/firmware"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

func packed(t *testing.T, version string, size int) []byte {
	t.Helper()
	image := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	h := pkg.Header{Name: "lamp", Version: version, Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, image...)
}

// send makes a request with a body and reads the answer.
func send(t *testing.T, p *Program, token, method, path string, body []byte, out any) int {
	t.Helper()
	r, _ := http.NewRequest(method, p.URL()+path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
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

// Devices of every kind get their firmware, over every way that there is: by REST, as a program would do it.
func TestFirmwareUpdate(t *testing.T) {
	p, err := Start(Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test", Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { stop(t, p) }()
	token, _, err := p.Access.CreateToken("t", access.Operate, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	key := []byte("0123456789abcdef")
	h := host.New(host.Options{ReceiveBuffer: 64 << 10, SendBuffer: 64 << 10})
	for name, settings := range map[string]string{
		"plain-push": "method=push", "plain-coap": "protocols=coap", "plain-http": "protocols=http", "secure-push": "method=push", "secure-pull": "", "fails": "fail=5,method=push",
	} {
		a := client.Account{ShortID: 1, URI: "coap://" + p.DeviceAddress(false).String(), Lifetime: time.Hour}
		if strings.HasPrefix(name, "secure") {
			if _, err := p.Credentials.Put(server.Credential{Endpoint: name, Identity: "id-" + name, Key: key, Mode: machine.PSK}, true); err != nil {
				t.Fatal(err)
			}
			a.URI, a.Identity, a.Key = "coaps://"+p.DeviceAddress(true).String(), "id-"+name, key
		}
		profile := device.ThisComputer(name, "1.0")
		if err := device.ParseFirmware(&profile.Firmware, settings); err != nil {
			t.Fatal(err)
		}
		profile.Firmware.UpdateTime = 100 * time.Millisecond
		d, err := device.Start(h, device.Options{Config: client.Config{Endpoint: name, Servers: []client.Account{a}}, Objects: func() ([]client.Object, error) { return profile.Make(h.Now(), []uint16{3, 5}) }})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Kill(context.Background())
	}
	eventually(t, "the devices to register", func() bool { return p.Fleet.Len() == 6 })
	var added firmware.Package
	if code := send(t, p, token, "POST", "/api/v1/firmware/packages", packed(t, "2.0", 100_000), &added); code != 201 || added.Version != "2.0" {
		t.Fatalf("%d %+v", code, added)
	}
	var u firmware.Update
	if code := send(t, p, token, "POST", "/api/v1/firmware/updates", []byte(`{"package": "lamp@2.0", "query": "*", "retries": 0, "concurrency": 3}`), &u); code != 201 || u.State != firmware.Running {
		t.Fatalf("%d %+v", code, u)
	}
	eventually(t, "the update to end", func() bool {
		if code := send(t, p, token, "GET", "/api/v1/firmware/updates/"+u.ID, nil, &u); code != 200 {
			t.Fatal(code)
		}
		return u.State != firmware.Running
	})
	want := map[string]string{"plain-push": "push done", "plain-coap": "pull done", "plain-http": "pull done", "secure-push": "push done", "secure-pull": "pull done", "fails": "push failed"}
	for _, d := range u.Devices {
		if got := d.Method + " " + string(d.State); got != want[d.Endpoint] || d.State == firmware.Done && (d.Version != "2.0" || d.Sent != added.Size) {
			t.Errorf("%s: %s %+v", d.Endpoint, got, d)
		}
		if d.Endpoint == "fails" && (d.Result == nil || *d.Result != 5) {
			t.Errorf("%+v", d)
		}
	}
	if u.Counts[firmware.Done] != 5 || u.Counts[firmware.Failed] != 1 {
		t.Errorf("%v", u.Counts)
	}
	for path, want := range map[string]int{"/api/v1/firmware/updates/none": 404, "/api/v1/firmware/packages/none": 404, "/fw/none": 404, "/fw/" + added.ID: 200} {
		if code := get(t, p, token, "GET", path, nil); code != want {
			t.Errorf("GET %s: %d", path, code)
		}
	}
	if code := send(t, p, token, "POST", "/api/v1/firmware/packages", []byte("raw"), nil); code != 422 {
		t.Errorf("a raw package without a name: %d", code)
	}
	if code := send(t, p, token, "DELETE", "/api/v1/firmware/packages/"+added.ID, nil, nil); code != 204 {
		t.Errorf("remove: %d", code)
	}
	r, _ := http.NewRequest("GET", p.URL()+"/api/v1/firmware/packages", nil)
	if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != 401 {
		t.Errorf("without a token: %v %v", resp, err)
	}
	if t.Failed() {
		fmt.Println(u)
	}
}
