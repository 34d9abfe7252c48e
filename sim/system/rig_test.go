package system

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/ieee802154"
)

// rig is a system with some devices of all kinds, a server on IPv4, and one operation after another to each device.
type rig struct {
	*System
	t       *testing.T
	server  *Server
	devices []*rigDevice
	asked   int
	ended   int
	errors  map[string]int
	helloes int // ClientHellos that came to the server
	carried int // bytes of frames with datagrams: no MLE, no polls, no acknowledgements

	registered map[string]int // how often
}

type rigDevice struct {
	*Device
	name    string
	sleepy  bool
	ok      machine.Time // when it last answered a read
	told    machine.Time // when it last registered, or updated its registration
	session uint64       // of its registration
}

var (
	rigServer = netip.MustParseAddr("198.51.100.10")
	rigDNS    = netip.MustParseAddr("192.0.2.53")
	rigKey    = []byte("0123456789abcdef")
)

type rigOptions struct {
	seed     uint64
	routers  int // border routers
	relays   int // plain routers
	devices  int
	mappings time.Duration // of both NATs
	queue    bool          // all devices are in queue mode, not only those that sleep
	place    func(i int) mesh.Position
}

// newRig builds it and waits until every device is registered.
func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	w := sim.New(o.seed)
	w.Quiet = true
	net := network.In(w, mesh.Config{AirTime: true, Propagation: &mesh.Indoors})
	inet := internet.New(w, internet.Config{Mappings: o.mappings})
	inet.Resolver(rigDNS)
	r := &rig{System: In(net, inet), t: t, errors: map[string]int{}, registered: map[string]int{}}
	r.server = r.AddServer("server.example", server.Config{Unknown: server.RefuseUnknown, Files: "fw"}, rigServer)
	r.server.OnEvent = func(now machine.Time, v any) {
		switch e := v.(type) {
		case *server.Registered:
			r.registered[e.Registration.Endpoint]++
			r.heard(e.Registration.Endpoint, now)
		case *server.Updated:
			r.heard(e.Registration.Endpoint, now)
		}
	}
	inet.WAN.Tap(func(_ machine.Time, _, to netip.AddrPort, b []byte) {
		if to.Addr() == rigServer && len(b) > 13 && b[0] == 22 && b[13] == 1 { // a ClientHello (RFC 6347 section 4.2.2)
			r.helloes++
		}
	})
	net.Tap(func(_ machine.Time, _ *mesh.Node, _ uint8, _ int8, psdu []byte) {
		var h ieee802154.Frame
		if h.Parse(psdu) == nil && h.Type == ieee802154.Data && h.Secured() {
			r.carried += len(psdu)
		}
	})
	for i := range o.routers {
		b := r.AddRouter(RouterConfig{Position: mesh.Position{X: float64(3 * i)}, DNS: []netip.AddrPort{netip.AddrPortFrom(rigDNS, 53)}, Mappings: nat64.Config{UDP: o.mappings}})
		b.Join(network.Dataset(0))
	}
	for i := range o.relays {
		net.Add(network.NodeConfig{Position: mesh.Position{X: 8, Y: float64(6 * i)}}).Join(network.Dataset(0))
	}
	for i := range o.devices {
		d := &rigDevice{name: fmt.Sprint("device-", i), sleepy: i%2 == 1}
		kind := network.Router
		if d.sleepy {
			kind = network.SED
		}
		identity := "id-" + d.name
		r.server.Allow(server.Credential{Endpoint: d.name, Identity: identity, Key: rigKey, Mode: machine.PSK})
		a := client.Account{ShortID: words.ShortServerID, URI: "coaps://server.example", Identity: identity, Key: rigKey, Lifetime: 10 * time.Minute,
			Retry: &client.RetryPolicy{Count: 5, Timer: 30 * time.Second, SequenceDelay: 5 * time.Minute, SequenceCount: 1000}}
		at := mesh.Position{X: 12, Y: float64(3 * i)}
		if o.place != nil {
			at = o.place(i)
		}
		start := &meshdevice.StartOptions{Options: words.Options{Name: d.name}, Servers: []client.Account{a}}
		if o.queue {
			start.Queue = meshdevice.QueueOn
		}
		d.Device = r.AddDevice(DeviceConfig{Position: at, Kind: kind, Poll: 2 * time.Second, LwM2M: meshdevice.Config{
			Kinds:   []uint16{3, 4, 5, 7, 3303},
			Profile: objects.Profile{Device: objects.DeviceConfig{Manufacturer: "Heddle", Firmware: "1.0"}},
			Start:   start}})
		d.Join(network.Dataset(0))
		r.devices = append(r.devices, d)
	}
	if !r.until(10*time.Minute, func() bool { return len(r.registered) == len(r.devices) }) {
		t.Fatalf("seed %d: %d of %d devices are registered", o.seed, len(r.registered), len(r.devices))
	}
	return r
}

func (r *rig) now() machine.Time { return r.Net.World.Now() }

func (r *rig) until(d time.Duration, done func() bool) bool { return r.Net.RunUntil(done, d) }

func (r *rig) heard(name string, now machine.Time) {
	for _, d := range r.devices {
		if d.name == name {
			d.told = now
		}
	}
}

// heardAll waits until all devices have registered or updated after an instant, and returns how long that took.
func (r *rig) heardAll(since machine.Time, limit time.Duration) time.Duration {
	last := since
	r.until(limit, func() bool {
		for _, d := range r.devices {
			if d.told <= since {
				return false
			}
			last = max(last, d.told)
		}
		return true
	})
	return last.Sub(since)
}

// poll reads a value of every device each time a period has passed, for ever: each read must end.
func (r *rig) poll(every time.Duration) {
	p := lwm2m.MustPath("/3303/0/5700")
	var again func()
	again = func() {
		for _, d := range r.devices {
			r.asked++
			r.server.Ask(d.name, &server.Operation{Kind: server.Read, Path: p}, func(o *server.Outcome) {
				r.ended++
				if o.Err != nil {
					r.errors[o.Err.Error()]++
					return
				}
				d.ok = r.now()
				if reg := o.Registration; reg != nil && reg.Path.Security != nil {
					d.session = reg.Path.Security.Session
				}
			})
		}
		r.Net.World.After(every, again)
	}
	again()
}

// settle waits until all devices have answered after an instant, and returns how long that took; then it checks that no
// operation is without an end.
func (r *rig) settle(since machine.Time, limit time.Duration) time.Duration {
	r.t.Helper()
	all := func() bool {
		for _, d := range r.devices {
			if d.ok <= since {
				return false
			}
		}
		return true
	}
	if !r.until(limit, all) {
		for _, d := range r.devices {
			if d.ok <= since {
				r.t.Errorf("seed %d: %s is not back after %v: %v, %+v", r.Net.World.Seed(), d.name, limit, d.Role(), d.LwM2M().Status())
			}
		}
	}
	return r.now().Sub(since)
}

// accounted checks that every operation that was asked has ended, or is the latest kept for a device that sleeps.
func (r *rig) accounted() {
	r.t.Helper()
	if open := r.asked - r.ended; open != r.server.Open() {
		r.t.Errorf("seed %d: %d operations asked, %d ended, but %d are open", r.Net.World.Seed(), r.asked, r.ended, r.server.Open())
	}
}

// testPackage is a firmware package of some size.
func testPackage(t *testing.T, size int) []byte {
	t.Helper()
	image := make([]byte, size)
	for i := range image {
		image[i] = byte(i * 7)
	}
	b, err := packageHeader(sha256.Sum256(image), size)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, image...)
}
