package demo

import (
	"context"
	"testing"
	"time"

	"heddle.example/internal/serve"
	"heddle.example/machine"
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
	t.Parallel()
	began := time.Now()
	d := startMesh(t)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the page was there after %v", took)
	}
	for d.Program.Fleet.Len() < Count() {
		if time.Since(began) > 90*time.Second {
			for _, m := range d.home.motes {
				_ = d.home.do(t.Context(), func(machine.Time) {
					if l := m.device.LwM2M(); l != nil {
						t.Logf("%s is %v, %+v", m.spec.name, m.device.Role(), l.Status())
					}
				})
			}
			t.Fatalf("%d of %d devices are registered", d.Program.Fleet.Len(), Count())
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("all registered after %.1f s", time.Since(began).Seconds())
	for _, s := range specs() {
		c, ok := d.Program.Fleet.Client(s.name, false)
		if secure := c.Security.Mode == "psk"; !ok || secure != s.family.secure || secure != c.Security.CID {
			t.Errorf("%s: %+v", s.name, c.Security)
		}
	}
	followed(t, d)
	_ = d.home.do(t.Context(), func(now machine.Time) {
		for _, m := range d.home.motes {
			if m.spec.name == joiner && m.device.Thread().Datasets().Params().NetworkKey != d.home.dataset.NetworkKey {
				t.Error("the joiner has another key than its network")
			}
		}
		if st := d.home.border.Border().Status(now); len(st.Mappings) == 0 || st.NAT64Counters.UDP.Packets6To4 == 0 {
			t.Errorf("nothing went by NAT64: %+v", st.NAT64Counters)
		}
	})
}
