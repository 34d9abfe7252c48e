package demo

import (
	"context"
	"testing"
	"time"

	"heddle.example/internal/serve"
	"heddle.example/sim/mesh/network"
)

// startMesh starts a demo on free ports, with its devices on the mesh.
func startMesh(t testing.TB) *Demo {
	t.Helper()
	d, err := Start(serve.Config{CoAP: []string{"localhost:0"}, CoAPS: []string{"localhost:0"}, Web: []string{"127.0.0.1:0"}, LeshanAPI: "off", Unknown: "accept", Version: "test"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		d.Stop(ctx)
	})
	return d
}

// All devices are registered soon, one of which has joined by its password.
func TestMesh(t *testing.T) {
	began := time.Now()
	d := startMesh(t)
	t.Logf("started in %v", time.Since(began))
	last := -1
	for d.Program.Fleet.Len() < Count() {
		if n := d.Program.Fleet.Len(); n != last {
			last = n
			t.Logf("%5.1f s: %d registered", time.Since(began).Seconds(), n)
		}
		if time.Since(began) > 60*time.Second {
			s, err := d.home.shown.Snapshot(t.Context())
			for _, n := range s.Nodes {
				t.Logf("%+v", n)
			}
			for _, m := range d.home.motes {
				d.home.shown.Do(t.Context(), func(*network.Network) error {
					if l := m.device.LwM2M(); l != nil {
						t.Logf("%s %+v", m.spec.name, l.Status())
					}
					return nil
				})
			}
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%5.1f s: all registered", time.Since(began).Seconds())
}
