package meshdevice_test

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
)

const secureStart = "lwstart -n secure-demo -h fdaa::10 -i id-secure-demo -s 30313233343536373839616263646566"

// After a reset LwM2M goes on by itself, over the session from before: no handshake, and the server finds its device again.
func TestReset(t *testing.T) {
	r := newRig(t, 2, mesh.Config{})
	x := r.device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
	x.join(t)
	x.typed(secureStart)
	if !x.ready(10 * time.Second) {
		t.Fatalf("not registered: %+v", x.d.Status())
	}
	session := x.d.Status().Servers[0].Session
	if o := r.do("secure-demo", server.Operation{Kind: server.WritePartial, Path: lwm2m.MustPath("/1/0"),
		Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/1/0/1"), Value: lwm2m.Int(600)}}}); o.Err != nil || o.Code.Class() != 2 {
		t.Fatalf("%+v", o)
	}
	x.r.net.Run(5 * time.Second)
	x.Reset()
	if s := x.d.Status(); !s.Started || !s.Waiting || s.Endpoint != "secure-demo" {
		t.Fatalf("after the reset: %+v", s)
	}
	heard := r.far.heard
	if !x.ready(time.Minute) {
		t.Fatalf("not registered again: %+v", x.d.Status())
	}
	if s := x.d.Status(); s.Servers[0].Session != session || s.Servers[0].Lifetime != 10*time.Minute {
		t.Errorf("session %x, want %x; %+v", s.Servers[0].Session, session, s.Servers[0])
	}
	if n := r.far.heard - heard; n > 3 {
		t.Errorf("%d datagrams to register again", n)
	}
	if o := r.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/1/0/1")}); o.Err != nil || len(o.Entries) != 1 {
		t.Errorf("%+v", o)
	}

	// What a person has stopped stays stopped.
	x.typed("lwstop")
	x.r.net.Run(time.Second)
	x.Reset()
	x.WaitAttached(time.Minute)
	x.r.net.Run(time.Minute)
	if s := x.d.Status(); s.Started || r.registered("secure-demo") {
		t.Errorf("it started by itself: %+v", s)
	}
}

// A server reboots the device: it comes up in its network by itself, and registers. A factory reset forgets what servers
// wrote, but not the network.
func TestReboot(t *testing.T) {
	for _, path := range []string{"/3/0/4", "/3/0/5"} {
		r := newRig(t, 3, mesh.Config{})
		x := r.device(network.NodeConfig{Kind: network.FED}, meshdevice.Config{})
		x.typed("dataset set active " + dataset())
		x.typed("routereligible disable")
		x.typed("ifconfig up")
		x.typed("thread start")
		if !x.WaitAttached(time.Minute) {
			t.Fatal("not attached")
		}
		x.typed(secureStart)
		x.ready(10 * time.Second)
		r.do("secure-demo", server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/31024/10/1"),
			Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/31024/10/1"), Value: lwm2m.Int(99)}}})
		r.do("secure-demo", server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/1/0/1"),
			Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/1/0/1"), Value: lwm2m.Int(900)}}})
		x.take()
		boots := x.Resets()
		if o := r.do("secure-demo", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath(path)}); o.Err != nil || o.Code.Class() != 2 {
			t.Fatalf("%s: %+v", path, o)
		}
		if !r.net.RunUntil(func() bool { return x.Resets() > boots }, 10*time.Second) {
			t.Fatalf("%s: no reboot", path)
		}
		if !x.WaitAttached(time.Minute) || !x.ready(time.Minute) {
			t.Fatalf("%s: not back: %+v, %v", path, x.d.Status(), x.Role())
		}
		want := 900 * time.Second
		if path == "/3/0/5" {
			want = 300 * time.Second
		}
		if s := x.d.Status().Servers[0]; s.Lifetime != want {
			t.Errorf("%s: %+v, want a lifetime of %v", path, s, want)
		}
	}
}

func dataset() string {
	i := network.Dataset(0)
	d, err := i.Dataset()
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%x", d.Bytes())
}

// A sleepy device is in queue mode by itself: it polls fast while something is under way, and as rarely as its parent lets
// it when it sleeps; what the server asks for then waits until it wakes.
func TestSleepy(t *testing.T) {
	r := newRig(t, 4, mesh.Config{})
	x := r.device(network.NodeConfig{Kind: network.SED}, meshdevice.Config{})
	x.join(t)
	began := r.net.World.Now()
	x.typed(secureStart)
	if !x.ready(20 * time.Second) {
		t.Fatalf("not registered: %+v", x.d.Status())
	}
	t.Logf("READY after %v", r.net.World.Now().Sub(began))
	if s := x.d.Status(); !s.Queue || s.Poll > 500*time.Millisecond {
		t.Errorf("awake: %+v", s)
	}
	began = r.net.World.Now()
	if o := r.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")}); o.Err != nil {
		t.Errorf("%+v", o)
	}
	t.Logf("Read after %v", r.net.World.Now().Sub(began))
	if !r.net.RunUntil(func() bool { return x.d.Status().Asleep }, 5*time.Minute) {
		t.Fatal("it never sleeps")
	}
	if s := x.d.Status(); s.Poll < time.Minute {
		t.Errorf("asleep: %+v", s)
	}
	polls := x.Thread().MACCounters().TxDataPoll
	o := r.do("secure-demo", server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
	if o.Err != nil || !o.Kept {
		t.Errorf("a read of a sleeping device: %+v", o)
	}
	t.Logf("%d polls until it was answered", x.Thread().MACCounters().TxDataPoll-polls)
	if x.state() != client.StateReady {
		t.Errorf("%+v", x.d.Status())
	}
}
