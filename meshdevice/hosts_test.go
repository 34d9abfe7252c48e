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

// A server is found however a person writes it.
func TestHosts(t *testing.T) {
	w := newWorld(t, 5, mesh.Config{})
	x := w.rig().device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	x.join(t)
	for _, c := range []struct{ host, remote string }{
		{"server.example", "198.51.100.10"},
		{"local.example", "fdaa:cafe::10"},
		{"198.51.100.10", "198.51.100.10"},
		{"64:ff9b::198.51.100.10", "64:ff9b::c633:640a"},
		{"[64:ff9b::c633:640a]", "64:ff9b::c633:640a"},
		{"fdaa:cafe::10", "fdaa:cafe::10"},
		{"[fdaa:cafe::10]", "fdaa:cafe::10"},
	} {
		for _, secure := range []string{"", " -i id-secure-demo -s 30313233343536373839616263646566"} {
			began := w.net.World.Now()
			x.typed("lwstart -n secure-demo -h " + c.host + secure)
			if secure == "" {
				x.typed("lwstop")
				x.typed("lwstart -n demo -h " + c.host)
			}
			if !x.ready(20 * time.Second) {
				t.Fatalf("%s%s: %+v\n%s", c.host, secure, x.d.Status(), x.take())
			}
			if s := x.d.Status().Servers[0]; s.Remote.Addr().String() != c.remote {
				t.Errorf("%s: the server is %v", c.host, s.Remote)
			}
			t.Logf("%s%.3s: READY after %v", c.host, secure, w.net.World.Now().Sub(began))
			x.typed("lwstop")
			x.take()
		}
	}
	x.typed("lwstart -h nobody.example")
	w.net.Run(20 * time.Second)
	if got := x.take(); !strings.Contains(got, "nobody.example") || !strings.Contains(got, "STATE_REGISTER_REQUIRED") {
		t.Error(got)
	}
}

// A device is bootstrapped through NAT64, by the bootstrap server's name, and registers where it is told to.
func TestBootstrap(t *testing.T) {
	w := newWorld(t, 6, mesh.Config{})
	x := w.rig().device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	x.join(t)
	x.take()
	x.typed("lwstart -n secure-demo -h boot.example -b -p 5784 -i BSID -s 30313233343536373839616263646566")
	if !x.ready(time.Minute) {
		t.Fatalf("%+v\n%s", x.d.Status(), x.take())
	}
	if got, want := x.take(), "-> State: STATE_REGISTERING\n -> State: STATE_READY\n"; !strings.HasSuffix(got, want) {
		t.Error(got)
	}
	if got := x.typed("lwlist"); !strings.Contains(got, "status: BOOTSTRAP FINISHED") || !strings.Contains(got, "Server ID 7\tstatus: REGISTERED") {
		t.Error(got)
	}
	// The account that it was given is there after a reset, without another bootstrap.
	w.net.Run(time.Second)
	x.Reset()
	if !x.ready(time.Minute) {
		t.Fatalf("after the reset: %+v", x.d.Status())
	}
	if got := x.take(); strings.Contains(got, "BOOTSTRAPPING") {
		t.Error(got)
	}
}

// The home router forgets a silent device within a minute; its session goes on by the connection ID, the server takes note
// of the address, and no handshake is needed.
func TestNAT(t *testing.T) {
	w := newWorld(t, 7, mesh.Config{})
	x := w.rig().device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	x.join(t)
	x.typed("lwstart -n secure-demo -h server.example -t 600 -i id-secure-demo -s 30313233343536373839616263646566")
	if !x.ready(20 * time.Second) {
		t.Fatal(x.take())
	}
	session := x.d.Status().Servers[0].Session
	for range 5 {
		w.net.Run(5 * time.Minute)
		x.typed("lwupdate 123")
		w.net.Run(5 * time.Second)
		if o := w.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")}); o.Err != nil {
			t.Fatalf("%+v", o)
		}
	}
	if s := x.d.Status(); s.Servers[0].Session != session || !w.registered("secure-demo") {
		t.Errorf("%+v", s)
	}
}
