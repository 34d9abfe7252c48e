package client_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// bootstrapWorld is a bootstrap server, a server, and devices that know nothing but the bootstrap server.
type bootstrapWorld struct {
	*system
	bsNode   *sim.Node
	bs       *bootstrap.Server
	lifetime int64 // what is given now
	sessions int
}

var simBootstrap = netip.MustParseAddr("192.0.2.2")

func newBootstrapWorld(t *testing.T, seed uint64, devices int) *bootstrapWorld {
	x := &bootstrapWorld{system: newSystem(t, seed, 0, 0), lifetime: 300}
	x.bsNode = x.w.Node("bootstrap", x.net, simBootstrap)
	x.bsNode.OnAction = func(_ machine.Time, a machine.Action) {
		switch v := a.Value.(type) {
		case *bootstrap.Question:
			op, name, s := a.Op, v.Endpoint, x.bs
			x.w.After(time.Duration(len(name))*time.Millisecond, func() {
				if x.bs == s && x.bsNode.On() {
					x.bsNode.Do(func(now machine.Time) { s.Answer(now, x.w.Cause(), op, name, x.provision(name), nil) })
				}
			})
		case *bootstrap.Ended:
			if v.Err == nil {
				x.sessions++
			}
		}
	}
	x.bootBootstrap()
	for i := range devices {
		d := &simDevice{name: fmt.Sprintf("plain%d", i), secure: i%2 == 1, addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})}
		if d.secure {
			d.name = fmt.Sprintf("secure%d", i)
		}
		d.node = x.w.Node(d.name, x.net, d.addr)
		x.devices = append(x.devices, d)
		x.boot(d)
	}
	return x
}

func (x *bootstrapWorld) bootBootstrap() {
	x.bs = bootstrap.New(bootstrap.Config{
		Rand: x.w.Rand(fmt.Sprintf("bootstrap %d", x.w.Now())), DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == 5784 },
		Key:    func(id []byte) ([]byte, bool) { return simKey, strings.HasPrefix(string(id), "bs-") },
	})
	x.bsNode.Boot(x.bs)
}

// provision is what a device is given.
func (x *bootstrapWorld) provision(name string) *bootstrap.Provision {
	r := func(id uint16, v lwm2m.Value) bootstrap.Resource { return bootstrap.Resource{ID: id, Value: v} }
	security := []bootstrap.Resource{r(0, lwm2m.Str("coap://192.0.2.1")), r(1, lwm2m.Bool(false)), r(2, lwm2m.Int(3)), r(10, lwm2m.Int(7))}
	if strings.HasPrefix(name, "secure") {
		security = []bootstrap.Resource{r(0, lwm2m.Str("coaps://192.0.2.1")), r(1, lwm2m.Bool(false)), r(2, lwm2m.Int(0)),
			r(3, lwm2m.BytesOf("id-"+name)), r(4, lwm2m.BytesOf("")), r(5, lwm2m.Bytes(simKey)), r(10, lwm2m.Int(7))}
	}
	return &bootstrap.Provision{
		Configuration: name, Delete: []lwm2m.Path{lwm2m.NewPath(1)},
		Accounts: []bootstrap.Account{{
			ShortID: 7, SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID, Security: security,
			Server: []bootstrap.Resource{r(0, lwm2m.Int(7)), r(1, lwm2m.Int(x.lifetime)), r(6, lwm2m.Bool(false)), r(7, lwm2m.Str("U")),
				r(17, lwm2m.Int(3)), r(18, lwm2m.Int(10))},
		}},
	}
}

func (x *bootstrapWorld) boot(d *simDevice) {
	a := client.Account{Bootstrap: true, URI: "coap://192.0.2.2:5783", HoldOff: 3 * time.Second}
	if d.secure {
		a.URI, a.Identity, a.Key = "coaps://192.0.2.2:5784", "bs-"+d.name, simKey
	}
	c, err := client.New(client.Config{
		Rand: x.w.Rand(fmt.Sprintf("%s %d", d.name, x.w.Now())), Endpoint: d.name, Servers: []client.Account{a}, Durable: true,
		AccessControl: true, Local: netip.AddrPortFrom(d.addr, 56830),
		Objects: []client.Object{objects.NewDevice(&objects.DeviceConfig{Manufacturer: "Heddle"}), objects.NewTest()},
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.restore(d.node, c.Restore)
	d.c = c
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, x.w.Cause()) })
	x.whole(d)
}

// whole checks that a device has all of its accounts or none: never half of a bootstrap.
func (x *bootstrapWorld) whole(d *simDevice) {
	x.t.Helper()
	list := d.c.Accounts()
	if len(list) == 0 || len(list) > 2 || !list[0].Bootstrap && !list[len(list)-1].Bootstrap {
		x.t.Fatalf("seed %d: %s has the accounts %+v", x.w.Seed(), d.name, list)
	}
}

// ready reports whether every device is registered with what is given now.
func (x *bootstrapWorld) ready() bool {
	for _, d := range x.devices {
		r, _, ok := x.s.Registration(d.name)
		if !ok || d.c.State() != client.StateReady || r.Lifetime != time.Duration(x.lifetime)*time.Second {
			return false
		}
	}
	return true
}

// Devices are bootstrapped, register, and are sent back for a new configuration.
func TestBootstrapSystem(t *testing.T) {
	x := newBootstrapWorld(t, 1, 4)
	if !x.w.RunUntil(x.ready, time.Minute) {
		t.Fatal("not all devices are bootstrapped and registered")
	}
	if x.sessions != len(x.devices) {
		t.Errorf("%d sessions of %d devices", x.sessions, len(x.devices))
	}
	x.lifetime = 600
	for _, d := range x.devices {
		x.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/1/0/9")})
	}
	if !x.w.RunUntil(x.ready, time.Minute) {
		t.Fatal("not all devices have the new configuration")
	}
	// A restart goes on without the bootstrap server.
	x.bsNode.Crash()
	x.handshakes = 0
	for _, d := range x.devices {
		d.node.Crash()
		x.boot(d)
	}
	if x.w.RunFor(20 * time.Second); !x.ready() || x.handshakes > 0 {
		t.Errorf("after the restart: ready %v, %d handshake datagrams", x.ready(), x.handshakes)
	}
}

// Whatever the network does and whoever crashes, wherever in a bootstrap: a device has its old accounts or the new ones,
// and once the network is quiet it is registered with what it was given last.
func TestBootstrapSystemUnderFire(t *testing.T) {
	seeds := seedCount
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		x := newBootstrapWorld(t, seed, 4)
		x.net.SetLink(sim.LinkConfig{Loss: 0.15, Duplicate: 0.1, Reorder: 0.1, DelayMin: 5 * time.Millisecond, DelayMax: 200 * time.Millisecond})
		r := x.w.Rand("script")
		for range 60 {
			n := r.Uint64()
			d := x.devices[n>>32%uint64(len(x.devices))]
			switch n % 6 {
			case 0:
				x.bsNode.Crash()
			case 1:
				if !x.bsNode.On() {
					x.bootBootstrap()
				}
			case 2, 3:
				d.node.Crash()
				x.boot(d)
			case 4:
				x.lifetime = int64(200 + n>>16%1000)
			case 5:
				if _, _, ok := x.s.Registration(d.name); ok {
					x.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/1/0/9")})
				}
			}
			x.w.RunFor(time.Duration(r.Uint64()%5_000) * time.Millisecond)
			for _, d := range x.devices {
				x.whole(d)
			}
		}
		x.net.SetLink(sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 30 * time.Millisecond})
		if !x.bsNode.On() {
			x.bootBootstrap()
		}
		// All find their way to a server; then all are sent for the last configuration.
		registered := func() bool {
			for _, d := range x.devices {
				if _, _, ok := x.s.Registration(d.name); !ok || d.c.State() != client.StateReady {
					return false
				}
			}
			return true
		}
		if !x.w.RunUntil(registered, 2*time.Hour) {
			for _, d := range x.devices {
				t.Logf("%s: %v %v %v", d.name, d.c.State(), d.c.Servers(), d.c.BootstrapServers())
			}
			t.Fatalf("seed %d: not all devices are registered", seed)
		}
		x.lifetime = 1234
		for _, d := range x.devices {
			// A session from before a restart takes no Execute until its challenge is answered.
			for range 5 {
				what := x.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/1/0/9")})
				x.w.RunUntil(func() bool { return len(x.open) == 0 }, 5*time.Minute)
				if x.last[what] == "2.04" {
					break
				}
				t.Logf("seed %d: %s: %s", seed, what, x.last[what])
				x.w.RunFor(10 * time.Second)
			}
		}
		if !x.w.RunUntil(x.ready, time.Hour) {
			for _, d := range x.devices {
				t.Logf("%s: %v %v %v", d.name, d.c.State(), d.c.Servers(), d.c.BootstrapServers())
			}
			t.Fatalf("seed %d: not all devices have the last configuration", seed)
		}
	}
}
