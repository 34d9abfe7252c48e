package client_test

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// system is a server and its devices in a simulated world.
type system struct {
	t       *testing.T
	w       *sim.World
	net     *sim.Network
	server  *sim.Node
	s       *server.Server // of the present boot
	devices []*simDevice
	open    map[machine.OpID]string // operations without a result
	asked   map[machine.OpID]string // all operations, of all lives of the server
	kept    map[machine.OpID]string // promised and not ended: the next life of the server gives their results
	ended   map[machine.OpID]bool
	done    int
	failed  int
	notes   map[string]int // notifications by endpoint and path
	last    map[string]string

	handshakes  int                   // datagrams with a handshake record
	outcome     func(*server.Outcome) // gets each, where set
	unreadable  int                   // notifications
	sent, taken map[string]int        // Sends that came to the server, and that a device had 2.04 for
}

type simDevice struct {
	name    string
	node    *sim.Node
	c       *client.Client // of the present boot
	secure  bool
	version lwm2m.Version
	addr    netip.Addr
	sends   map[machine.OpID]bool // under way
}

var (
	simServer = netip.MustParseAddr("192.0.2.1")
	simKey    = []byte("0123456789abcdef")
)

type simCredentials struct{}

func (simCredentials) ByIdentity(id []byte) (server.Credential, bool) {
	ep, ok := strings.CutPrefix(string(id), "id-")
	return simCredential(ep), ok
}

func (simCredentials) ByEndpoint(ep string) (server.Credential, bool) {
	return simCredential(ep), strings.HasPrefix(ep, "secure")
}

func simCredential(ep string) server.Credential {
	return server.Credential{Endpoint: ep, Identity: "id-" + ep, Key: simKey, Mode: machine.PSK}
}

func newSystem(t *testing.T, seed uint64, plain, secure int) *system {
	x := &system{t: t, w: sim.New(seed), open: map[machine.OpID]string{}, asked: map[machine.OpID]string{}, kept: map[machine.OpID]string{}, ended: map[machine.OpID]bool{}, notes: map[string]int{}, last: map[string]string{}, sent: map[string]int{}, taken: map[string]int{}}
	x.w.Quiet = true
	x.net = x.w.Network("net", sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 30 * time.Millisecond})
	x.net.Tap(func(_ machine.Time, _, _ netip.AddrPort, b []byte) {
		if len(b) > 0 && b[0] == 22 { // RFC 6347 section 4.1
			x.handshakes++
		}
	})
	x.server = x.w.Node("server", x.net, simServer)
	x.server.OnAction = x.fromServer
	x.bootServer()
	for i := range plain + secure {
		d := &simDevice{name: fmt.Sprintf("plain%d", i), secure: i >= plain, addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})}
		if d.secure {
			d.name = fmt.Sprintf("secure%d", i)
		}
		d.node = x.w.Node(d.name, x.net, d.addr)
		// Old devices and new ones.
		if d.version = lwm2m.V1_1; i%2 == 1 {
			d.version = lwm2m.V1_0
		}
		x.devices = append(x.devices, d)
		x.bootDevice(d)
	}
	return x
}

func (x *system) bootServer() { x.bootServerWith(nil) }

// bootServerWith starts a server with what is stored, or gives what is stored to restore instead.
func (x *system) bootServerWith(restore func(machine.Time, machine.Table, []byte, []byte) error) {
	x.s = server.New(server.Config{
		Rand: x.w.Rand(fmt.Sprintf("server %d", x.w.Now())), Credentials: simCredentials{}, Unknown: server.AcceptUnknown,
		DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 },
	})
	if restore == nil {
		restore = x.s.Restore
	}
	x.restore(x.server, restore)
	x.open = map[machine.OpID]string{}
	maps.Copy(x.open, x.kept)
	x.server.Boot(x.s)
	x.server.Do(x.s.Started)
}

func (x *system) restore(n *sim.Node, into func(machine.Time, machine.Table, []byte, []byte) error) {
	for _, table := range n.Disk().Tables() {
		n.Disk().Load(table, func(k, v []byte) error {
			if err := into(x.w.Now(), table, k, v); err != nil {
				x.t.Errorf("seed %d: %s: restore %s: %v", x.w.Seed(), n.Name(), table, err)
			}
			return nil
		})
	}
}

func (x *system) bootDevice(d *simDevice) {
	a := client.Account{ShortID: 1, URI: "coap://192.0.2.1", Lifetime: 5 * time.Minute, Unmuted: true,
		Retry: &client.RetryPolicy{Count: 5, Timer: 10 * time.Second, SequenceDelay: time.Minute, SequenceCount: 1}}
	if d.secure {
		a.URI, a.Identity, a.Key = "coaps://192.0.2.1", "id-"+d.name, simKey
	}
	c, err := client.New(client.Config{
		Rand: x.w.Rand(fmt.Sprintf("%s %d", d.name, x.w.Now())), Endpoint: d.name, Servers: []client.Account{a}, Durable: true,
		Version: d.version, Queue: d.version == lwm2m.V1_0, Local: netip.AddrPortFrom(d.addr, 56830),
		Objects: []client.Object{
			objects.NewDevice(&objects.DeviceConfig{Manufacturer: "Heddle", BatteryCycle: time.Hour}), objects.NewTest(),
			objects.NewTemperature(1, nil),
		},
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.restore(d.node, c.Restore)
	d.c = c
	d.sends = map[machine.OpID]bool{} // what was under way is gone with the power
	d.node.OnAction = func(_ machine.Time, a machine.Action) { x.fromDevice(d, a) }
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, x.w.Cause()) })
}

func (x *system) fromServer(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *server.Outcome:
		if x.outcome != nil {
			x.outcome(v)
		}
		what, ok := x.asked[a.Op]
		if !ok || x.ended[a.Op] {
			x.t.Errorf("seed %d: a second result for operation %d", x.w.Seed(), a.Op)
		}
		x.ended[a.Op] = true
		delete(x.open, a.Op)
		delete(x.kept, a.Op)
		x.last[what] = v.Code.String()
		if x.done++; v.Err != nil {
			x.failed++
			x.last[what] = v.Err.Error()
		} else if len(v.Entries) > 0 {
			x.last[what] = v.Entries[0].Value.String()
		}
	case *server.Kept:
		x.kept[v.ID] = x.asked[v.ID]
	case *server.Sent:
		x.sent[v.Registration.Endpoint]++
		for _, e := range v.Entries {
			if e.Path.Object() != 3303 || e.Time == 0 || e.Time > int64(x.w.Now()) {
				x.t.Errorf("seed %d: %s sent %v", x.w.Seed(), v.Registration.Endpoint, e)
			}
		}
	case *server.Notified:
		if v.Err != nil {
			x.unreadable++
		}
		x.notes[v.Registration.Endpoint+" "+v.Observation.Path.String()]++
	}
}

func (x *system) do(ep string, op server.Operation) string {
	what := ep + " " + op.Kind.String() + " " + op.Path.String()
	x.server.Do(func(now machine.Time) {
		id := x.s.Do(now, x.w.Cause(), ep, &op)
		x.open[id], x.asked[id] = what, what
	})
	return what
}

func (x *system) allReady() bool {
	for _, d := range x.devices {
		if d.c.State() != client.StateReady {
			return false
		}
		if _, _, ok := x.s.Registration(d.name); !ok {
			return false
		}
	}
	return true
}

// check reads from every device and waits for a notification of every observation.
func (x *system) check(when string) {
	x.t.Helper()
	if !x.w.RunUntil(x.allReady, 30*time.Minute) {
		for _, d := range x.devices {
			_, _, ok := x.s.Registration(d.name)
			x.t.Logf("%s: %v, registered %v, %v", d.name, d.c.State(), ok, d.c.Servers())
		}
		x.t.Fatalf("seed %d: %s: not all devices are registered", x.w.Seed(), when)
	}
	clear(x.notes)
	for _, d := range x.devices {
		what := x.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0")})
		x.w.RunUntil(func() bool { return len(x.open) == 0 }, 5*time.Minute)
		if x.last[what] != "Heddle" {
			x.t.Errorf("seed %d: %s: %s gave %q", x.w.Seed(), when, what, x.last[what])
		}
	}
	x.checkSends(when)
	if len(x.open) > 0 {
		x.t.Errorf("seed %d: %s: operations without a result: %v", x.w.Seed(), when, x.open)
	}
	every := func() bool {
		for _, d := range x.devices {
			if x.notes[d.name+" /3303/0/5700"] == 0 || d.version.AtLeast(lwm2m.V1_1) && x.notes[d.name+" /"] == 0 {
				return false
			}
		}
		return true
	}
	if !x.w.RunUntil(every, 10*time.Minute) {
		for _, d := range x.devices {
			x.t.Logf("%s: server has %+v, client has %+v", d.name, x.s.Observations(d.name), d.c.Observations())
		}
		x.t.Errorf("seed %d: %s: not every observation goes on: %v", x.w.Seed(), when, x.notes)
	}
}

func TestSystem(t *testing.T) {
	x := newSystem(t, 1, 2, 2)
	if !x.w.RunUntil(x.allReady, time.Minute) {
		t.Fatal("not all devices are registered")
	}
	x.observeAll()
	x.check("after the start")
	if x.handshakes == 0 {
		t.Fatal("no device shook hands")
	}
	x.handshakes = 0

	x.server.Crash()
	x.w.RunFor(10 * time.Second)
	x.bootServer()
	x.check("after a restart of the server")

	for _, d := range x.devices {
		d.node.Crash()
	}
	x.w.RunFor(10 * time.Second)
	for _, d := range x.devices {
		x.bootDevice(d)
	}
	x.check("after a restart of the devices")

	for i, d := range x.devices {
		moved := netip.AddrFrom4([4]byte{203, 0, 113, byte(i + 1)})
		d.node.Move(d.addr, moved)
		d.addr = moved
	}
	x.w.RunFor(6 * time.Minute) // plain devices tell their address with the next Update
	x.check("after new addresses")
	if x.handshakes != 0 {
		t.Errorf("%d datagrams of a handshake after the first start", x.handshakes)
	}
	t.Logf("%d operations, %d failed, %v", x.done, x.failed, x.w.Now().Sub(sim.Start))
}

// Whatever the network does, whoever crashes, wherever a device moves: every operation has one result, and once the
// network is quiet every device is registered, answers, and every observation goes on.
var seedCount = uint64(12)

func TestSystemUnderFire(t *testing.T) {
	seeds := seedCount
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		x := newSystem(t, seed, 2, 3)
		x.w.RunUntil(x.allReady, time.Minute)
		x.observeAll()
		x.w.RunFor(10 * time.Second)
		x.net.SetLink(sim.LinkConfig{Loss: 0.15, Duplicate: 0.1, Reorder: 0.1, DelayMin: 5 * time.Millisecond, DelayMax: 200 * time.Millisecond})
		r := x.w.Rand("script")
		for range 60 {
			x.misfortune(r)
			x.traffic(r)
			x.w.RunFor(time.Duration(r.Uint64()%20_000) * time.Millisecond)
		}
		x.net.SetLink(sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 30 * time.Millisecond})
		if !x.server.On() {
			x.bootServer()
		}
		for _, d := range x.devices {
			if !d.node.On() {
				x.bootDevice(d)
			}
		}
		x.w.RunFor(20 * time.Minute)
		x.check("in the end")
		t.Logf("seed %d: %d operations, %d failed, %v", seed, x.done, x.failed, x.w.Now().Sub(sim.Start))
	}
}

// misfortune does one thing to the system.
func (x *system) misfortune(r machine.Rand) {
	n := r.Uint64()
	d := x.devices[n>>32%uint64(len(x.devices))]
	switch n % 12 {
	case 0:
		x.server.Crash()
	case 1, 2:
		if !x.server.On() {
			x.bootServer()
		}
	case 3:
		d.node.Crash()
	case 4, 5:
		if !d.node.On() {
			x.bootDevice(d)
		}
	case 6:
		to := netip.AddrFrom4([4]byte{203, 0, byte(n >> 16), byte(n >> 24)})
		d.node.Move(d.addr, to)
		d.addr = to
	case 7:
		x.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/31024/10/2")})
	case 8:
		x.do(d.name, server.Operation{Kind: server.WritePartial, Path: lwm2m.MustPath("/31024/10"),
			Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/31024/10/1"), Value: lwm2m.Int(int64(n >> 40 % 256))}}})
	case 9:
		x.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/31024")})
	default:
		x.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/9")})
	}
}

// A server that has lost everything: the session is dead, the registration unknown. The device finds out by its next
// Update and is back, with a new handshake, without anybody's help.
func TestServerLosesEverything(t *testing.T) {
	x := newSystem(t, 7, 1, 1)
	if !x.w.RunUntil(x.allReady, time.Minute) {
		t.Fatal("not all devices are registered")
	}
	x.server.Crash()
	x.bootServerWith(func(machine.Time, machine.Table, []byte, []byte) error { return nil })
	x.handshakes = 0
	if !x.w.RunUntil(x.allReady, 10*time.Minute) {
		t.Fatalf("not all devices are back: %v, %v", x.devices[0].c.Servers(), x.devices[1].c.Servers())
	}
	if x.handshakes == 0 {
		t.Error("the secure device is back without a handshake: how?")
	}
}

// A server that is away for a day: no device gives up.
func TestServerIsAwayForADay(t *testing.T) {
	x := newSystem(t, 8, 1, 1)
	x.w.RunUntil(x.allReady, time.Minute)
	x.server.Crash()
	x.w.RunFor(24 * time.Hour)
	for _, d := range x.devices {
		if d.c.State() == client.StateReady {
			t.Errorf("%s believes that it is registered", d.name)
		}
	}
	x.bootServer()
	if !x.w.RunUntil(x.allReady, 17*time.Minute) {
		t.Fatalf("not all devices are back: %v, %v", x.devices[0].c.Servers(), x.devices[1].c.Servers())
	}
}

func TestETS_401_WrongKeyIsRefused(t *testing.T) {
	x := newSystem(t, 9, 0, 1)
	d := x.devices[0]
	d.node.Crash()
	c, err := client.New(client.Config{
		Rand: x.w.Rand("wrong"), Endpoint: d.name, Local: netip.AddrPortFrom(d.addr, 56831),
		Servers: []client.Account{{ShortID: 1, URI: "coaps://192.0.2.1", Identity: "id-" + d.name, Key: []byte("fedcba9876543210")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var failed *client.RegistrationFailed
	d.node.OnAction = func(_ machine.Time, a machine.Action) {
		if f, ok := a.Value.(*client.RegistrationFailed); ok {
			failed = f
		}
	}
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, 1) })
	x.w.RunUntil(func() bool { return failed != nil }, 2*time.Minute)
	if failed == nil || failed.Err == nil || failed.Retry != time.Minute {
		t.Errorf("the registration ended with %+v", failed)
	}
	if _, _, ok := x.s.Registration(d.name); ok {
		t.Error("the device is registered")
	}
}

// What a server has written into the Server object, and its attributes, are there after a restart.
func TestSettingsSurviveARestart(t *testing.T) {
	x := newSystem(t, 10, 0, 1)
	d := x.devices[0]
	x.w.RunUntil(x.allReady, time.Minute)
	temperature := lwm2m.MustPath("/3303/0/5700")
	x.do(d.name, server.Operation{Kind: server.WriteAttributes, Path: temperature,
		Attributes: lwm2m.Attributes{Set: lwm2m.Pmin | lwm2m.Gt, Pmin: 30, Gt: 21.5}})
	x.do(d.name, server.Operation{Kind: server.WritePartial, Path: lwm2m.MustPath("/1/0"),
		Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/1/0/1"), Value: lwm2m.Int(77)}, {Path: lwm2m.MustPath("/1/0/3"), Value: lwm2m.Int(500)}}})
	x.w.RunFor(5 * time.Second)
	d.node.Crash()
	x.bootDevice(d)
	x.do(d.name, server.Operation{Kind: server.Observe, Path: temperature})
	x.w.RunUntil(x.allReady, time.Minute)
	x.w.RunFor(10 * time.Second)
	if reg, _, _ := x.s.Registration(d.name); reg.Lifetime != 77*time.Second {
		t.Errorf("the lifetime is %v", reg.Lifetime)
	}
	what := x.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/1/0/3")})
	x.w.RunFor(10 * time.Second)
	if x.last[what] != "500" {
		t.Errorf("the default maximum period is %s", x.last[what])
	}
	if o := d.c.Observations(); len(o) != 1 || o[0].Attributes.String() != "pmin=30&gt=21.5" {
		t.Errorf("the observations are %+v", o)
	}
}
