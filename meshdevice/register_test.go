package meshdevice_test

import (
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

// A device registers over the mesh at a server that is known by its IPv6 address, plainly and with DTLS.
func TestRegister(t *testing.T) {
	for _, line := range []string{"lwstart -n demo -h fdaa::10", "lwstart -n secure-demo -h [fdaa::10] -i id-secure-demo -s 30313233343536373839616263646566"} {
		r := newRig(t, 1, mesh.Config{})
		x := r.device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
		x.join(t)
		name := strings.Fields(line)[2]
		if got, want := x.typed(line), "LWM2M Client \""+name+"\" started on port 0\nDone\n -> State: STATE_REGISTERING\n"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
		if !x.ready(10*time.Second) || !r.registered(name) {
			t.Fatalf("%s: not registered: %+v\n%s", line, x.d.Status(), x.take())
		}
		if got, want := x.take(), " -> State: STATE_READY\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if o := r.do(name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/4/0")}); o.Err != nil || len(o.Entries) < 5 {
			t.Errorf("%+v", o)
		}
		if got := x.typed("lwstop"); !strings.HasSuffix(got, "Done\n") || r.registered(name) {
			t.Errorf("%q", got)
		}
		if got := x.typed("lwlist"); got != "Error: LWM2M not started\n" {
			t.Errorf("%q", got)
		}
	}
}
