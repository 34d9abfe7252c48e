package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/internal/access"
	"heddle.example/internal/backup"
	"heddle.example/internal/device"
	"heddle.example/internal/notes"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// A backup is made while credentials are added and a device with a DTLS session is served. What was promised before it
// began is in the restored directory, the session is not; the same device comes back by itself with a new one.
func TestBackupWhileRunning(t *testing.T) {
	c := Config{CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test"}
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := p.Access.CreateToken("t", access.Admin, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	credential := func(name string) server.Credential {
		return server.Credential{Endpoint: name, Identity: name, Key: []byte("0123456789abcdef"), Mode: machine.PSK}
	}
	if _, err := p.Credentials.Put(credential("lamp"), true); err != nil {
		t.Fatal(err)
	}
	if _, err := p.notes.Put("lamp", notes.Note{Text: "in the hall"}); err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{ReceiveBuffer: 64 << 10, SendBuffer: 64 << 10})
	profile := device.ThisComputer("lamp", "test")
	account := client.Account{ShortID: 1, URI: "coaps://" + p.DeviceAddress(true).String(), Lifetime: time.Hour, Identity: "lamp", Key: []byte("0123456789abcdef")}
	d, err := device.Start(h, device.Options{Config: client.Config{Endpoint: "lamp", Servers: []client.Account{account}}, Objects: func() ([]client.Object, error) { return profile.Make(h.Now(), []uint16{3, 3303}) }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Kill(context.Background())
	eventually(t, "the lamp", func() bool { return p.Fleet.Len() == 1 })
	if _, _, err := p.Shards.Do(t.Context(), "lamp", &server.Operation{Kind: server.Observe, Path: lwm2m.MustPath("/3303/0/5700"), Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	promised := 0
	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if _, err := p.Credentials.Put(credential(fmt.Sprint("c", n)), true); err != nil {
				t.Error(err)
			}
			mu.Lock()
			promised = n + 1
			mu.Unlock()
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		enough := promised > 300
		mu.Unlock()
		if enough {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no credentials")
		}
	}
	mu.Lock()
	before := promised
	mu.Unlock()
	admin, end, err := Admin(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := admin.Get("http://localhost/api/v1/backup")
	if err != nil {
		t.Fatal(err)
	}
	file, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	end()
	if code := get(t, p, "", "GET", "/api/v1/backup", nil); code != 401 {
		t.Errorf("without logging in: %d", code)
	}
	cancel()
	writing.Wait()
	c.CoAPS = []string{p.DeviceAddress(true).String()}
	stop(t, p)

	data := filepath.Join(t.TempDir(), "restored")
	if _, err := backup.Restore(bytes.NewReader(file), data, false); err != nil {
		t.Fatal(err)
	}
	s, err := OpenStore(data, History{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(dtls.SessionTable, func(key, _ []byte) error { t.Errorf("session %x was restored", key); return nil }); err != nil {
		t.Fatal(err)
	}
	s.Close()
	c.Data = data
	if p, err = Start(c); err != nil {
		t.Fatal(err)
	}
	defer stop(t, p)
	for n := range before {
		if _, ok := p.Credentials.Get(fmt.Sprint("c", n)); !ok {
			t.Fatalf("credential %d of %d is gone", n, before)
		}
	}
	if got := p.notes.Get("lamp").Text; got != "in the hall" {
		t.Errorf("note %q", got)
	}
	var points struct{ Points []struct{ Value float64 } }
	if code := get(t, p, token, "GET", "/api/v1/clients/lamp/history/3303/0/5700", &points); code != 200 || len(points.Points) == 0 {
		t.Errorf("history: %d %+v", code, points)
	}
	// The registration is there; the device has to make a new handshake before it is heard.
	if p.Fleet.Len() != 1 {
		t.Error("the registration is gone")
	}
	if i := p.Info(); i.Sessions != 0 {
		t.Errorf("%d sessions", i.Sessions)
	}
}
