package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/credentials"
	"heddle.example/internal/definitions"
	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
	"heddle.example/internal/history"
	"heddle.example/internal/notes"
	"heddle.example/internal/shards"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// Admin returns an HTTP client for the REST interface of a data directory, with the rights of an administrator: through
// the socket of the server that runs on it, or, where none runs, on the directory itself.
func Admin(data string) (*http.Client, func() error, error) {
	if _, err := os.Stat(data); err != nil {
		return nil, nil, fmt.Errorf("data directory: %w; name the server's with --data", err)
	}
	name := filepath.Join(data, adminSocket)
	dial := func(ctx context.Context) (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		return d.DialContext(ctx, "unix", name)
	}
	for end := time.Now().Add(adminPatience); ; time.Sleep(10 * time.Millisecond) {
		c, err := dial(context.Background())
		switch {
		case err == nil:
			c.Close()
			t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
			return &http.Client{Transport: t, Timeout: time.Minute}, func() error { t.CloseIdleConnections(); return nil }, nil
		case errors.Is(err, os.ErrPermission):
			return nil, nil, fmt.Errorf("the server that runs on %s belongs to another user: %w", data, err)
		}
		client, done, err := adminOffline(data)
		if !errors.Is(err, store.ErrInUse) || time.Now().After(end) {
			return client, done, err
		}
	}
}

// adminPatience is how long who administers a directory waits for the socket of a server that has the directory already, or
// has it still.
const adminPatience = 3 * time.Second

// adminOffline is Admin where no server runs.
func adminOffline(data string) (*http.Client, func() error, error) {
	s, err := OpenStore(data, History{Max: noLimit}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	h, err := offline(s, data)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return &http.Client{Transport: inProcess{h}}, s.Close, nil
}

// Store is what the program keeps things in.
type Store interface {
	Append(records []machine.Record, done func(error))
	Load(table machine.Table, each func(key, value []byte) error) error
	Failed() error
	Snapshot() (store.Snapshot, error)
	Series(owner []byte) ([][]byte, error)
	Blocks(owner, name []byte, from, to int64, each func(store.Block) error) error
}

// offline is the API without devices.
func offline(s Store, dir string) (http.Handler, error) {
	m, err := access.Open(s, access.Options{})
	if err != nil {
		return nil, err
	}
	cr, err := credentials.Open(s, time.Now)
	if err != nil {
		return nil, err
	}
	defs, err := definitions.Open(s)
	if err != nil {
		return nil, err
	}
	nt, err := notes.Open(s)
	if err != nil {
		return nil, err
	}
	fw, err := firmware.Open(firmware.Config{Store: s, Dir: dirOf(dir)})
	if err != nil {
		return nil, err
	}
	hub := stream.NewHub(stream.Options{})
	now := func() machine.Time { return machine.Time(time.Now().UnixNano()) }
	f := fleet.New(fleet.Options{Hub: hub, Registry: defs.Registry, Now: now, Notes: nt.Of})
	a := api.New(api.Config{Fleet: f, Hub: hub, Access: m, Credentials: cr, Notes: nt, History: history.New(s), Firmware: fw, Backup: backupTo(s, dir, ""), Devices: nobody{}, Definitions: defs, Info: func() api.Info { return api.Info{} }, Failed: s.Failed, Log: slog.New(slog.DiscardHandler)})
	return a.Handler(), nil
}

// nobody is the devices of a server that does not run.
type nobody struct{}

func (nobody) Do(context.Context, string, *server.Operation) (string, *server.Outcome, error) {
	return "", nil, shards.ErrNoServer
}
func (nobody) Observations(string) ([]server.Observation, error) { return nil, shards.ErrNoServer }
func (nobody) Forget(string) (bool, error)                       { return false, shards.ErrNoServer }
func (nobody) Queue(string) (q shards.Queue, err error)          { return q, shards.ErrNoServer }
func (nobody) CancelQueue(string) (int, error)                   { return 0, shards.ErrNoServer }
func (nobody) SetAwakeWindow(string, time.Duration) error        { return shards.ErrNoServer }
func (nobody) Cancel(string) (bool, error)                       { return false, shards.ErrNoServer }
func (nobody) Operation(string) (o shards.Operation, ok bool, err error) {
	return o, false, shards.ErrNoServer
}
