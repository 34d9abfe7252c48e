package bootstrap_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// seeds is how many worlds TestSimulation tries; more of them in a soak: go test ./lwm2m/bootstrap -run Simulation -seeds 1000.
var seeds = flag.Uint64("seeds", 10, "worlds that TestSimulation tries")

// world is a bootstrap server, an LwM2M server and devices that know the first one only. Even devices speak DTLS with both,
// odd ones plain CoAP.
type world struct {
	t         *testing.T
	w         *sim.World
	net       *sim.Network
	rand      machine.Rand
	bs, lw    *sim.Node
	boot      *bootstrap.Server
	server    *server.Server
	keys      keys
	devices   []*device
	lives     int
	questions int // that wait for their answer
	count     map[string]int
	running   map[bootstrap.SessionID]string
}

type device struct {
	x      *world
	name   string
	secure bool
	node   *sim.Node
	addr   netip.Addr
	client *client.Client
}

// keys are the credentials on the LwM2M server.
type keys map[string]server.Credential

func (k keys) ByEndpoint(ep string) (server.Credential, bool) { c, ok := k[ep]; return c, ok }

func (k keys) ByIdentity(id []byte) (server.Credential, bool) {
	c, ok := k[string(id)[len("id-"):]]
	return c, ok && c.Mode == machine.PSK
}

var (
	lwAddr = netip.MustParseAddr("10.0.0.1")
	bsAddr = netip.MustParseAddr("10.0.0.2")
	bsKey  = []byte("the bootstrap key")
)

func newWorld(t *testing.T, seed uint64, devices int, link sim.LinkConfig) *world {
	w := sim.New(seed)
	w.Quiet = true
	x := &world{t: t, w: w, net: w.Network("internet", link), rand: w.Rand("test"), keys: keys{}, count: map[string]int{}}
	x.lw, x.bs = w.Node("server", x.net, lwAddr), w.Node("bootstrap", x.net, bsAddr)
	x.bs.OnAction = x.fromBootstrap
	for i := range devices {
		d := &device{x: x, name: fmt.Sprintf("dev-%d", i), secure: i%2 == 0, addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})}
		d.node = w.Node(d.name, x.net, d.addr)
		d.node.OnAction = d.fromClient
		x.keys[d.name] = server.Credential{Endpoint: d.name, Identity: "id-" + d.name, Key: []byte("0123456789abcdef"), Mode: machine.PSK}
		if !d.secure {
			x.keys[d.name] = server.Credential{Endpoint: d.name, Identity: "id-" + d.name, Mode: machine.NoSecurity}
		}
		x.devices = append(x.devices, d)
	}
	return x
}

func (x *world) rnd(n int) int { return int(x.rand.Uint64() % uint64(n)) }

func (x *world) name(what string) string { x.lives++; return fmt.Sprintf("%s %d", what, x.lives) }

// bootServer starts the LwM2M server on what the disk has.
func (x *world) bootServer() {
	s := server.New(server.Config{Rand: x.w.Rand(x.name("server")), Credentials: x.keys, DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }})
	for _, table := range server.Tables() {
		if err := x.lw.Disk().Load(table, func(key, value []byte) error { return s.Restore(x.w.Now(), table, key, value) }); err != nil {
			x.t.Fatalf("seed %d: %v", x.w.Seed(), err)
		}
	}
	s.Started(x.w.Now())
	x.server = s
	x.lw.Boot(s)
}

// bootBootstrap starts the bootstrap server: it remembers nothing.
func (x *world) bootBootstrap() {
	for id := range x.running {
		x.count["cut off"]++
		delete(x.running, id)
	}
	x.running, x.questions = map[bootstrap.SessionID]string{}, 0
	x.boot = bootstrap.New(bootstrap.Config{Rand: x.w.Rand(x.name("bootstrap")), DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5784 },
		Key: func(id []byte) ([]byte, bool) { return bsKey, len(id) > 3 && string(id[:3]) == "bs-" }})
	x.bs.Boot(x.boot)
}

// provision is what a device is given now.
func (x *world) provision(name string) *bootstrap.Provision {
	c := x.keys[name]
	uri, mode := "coap://10.0.0.1", int64(3)
	if c.Mode == machine.PSK {
		uri, mode = "coaps://10.0.0.1", 0
	}
	return &bootstrap.Provision{Configuration: name, Read: []lwm2m.Path{lwm2m.NewPath(1)}, Delete: []lwm2m.Path{lwm2m.NewPath(0), lwm2m.NewPath(1)}, Accounts: []bootstrap.Account{{ShortID: 7, SecurityInstance: lwm2m.NoID,
		ServerInstance: lwm2m.NoID,
		Security: []bootstrap.Resource{{ID: 0, Value: lwm2m.Str(uri)}, {ID: 1, Value: lwm2m.Bool(false)}, {ID: 2, Value: lwm2m.Int(mode)}, {ID: 3, Value: lwm2m.Bytes([]byte(c.Identity))}, {ID: 4, Value: lwm2m.Bytes(nil)},
			{ID: 5, Value: lwm2m.Bytes(c.Key)}, {ID: 10, Value: lwm2m.Int(7)}},
		Server: []bootstrap.Resource{{ID: 0, Value: lwm2m.Int(7)}, {ID: 1, Value: lwm2m.Int(60)}, {ID: 6, Value: lwm2m.Bool(true)}, {ID: 7, Value: lwm2m.Str("U")}, {ID: 17, Value: lwm2m.Uint(2)}, {ID: 18, Value: lwm2m.Uint(5)},
			{ID: 19, Value: lwm2m.Uint(20)}, {ID: 20, Value: lwm2m.Uint(2)}, {ID: 23, Value: lwm2m.Bool(false)}}}}}
}

func (x *world) fromBootstrap(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *bootstrap.Question:
		life := x.boot
		x.questions++
		name := v.Endpoint
		secure := v.Path.Security != nil
		x.w.After(time.Duration(x.rnd(400))*time.Millisecond, func() {
			if x.boot != life {
				return
			}
			x.questions--
			x.bs.Do(func(now machine.Time) {
				if secure != (x.keys[name].Mode == machine.PSK) || secure && v.Path.Security.Name != "bs-"+name {
					x.boot.Answer(now, a.Cause, a.Op, "", nil, &bootstrap.Refusal{Why: "unknown endpoint"})
					return
				}
				x.boot.Answer(now, a.Cause, a.Op, name, x.provision(name), nil)
			})
		})
	case *bootstrap.Began:
		for id, name := range x.running {
			if name == v.Endpoint {
				x.t.Fatalf("seed %d: session %d of %s still runs when %d begins", x.w.Seed(), id, name, v.Session)
			}
		}
		x.running[v.Session] = v.Endpoint
	case *bootstrap.Ended:
		if x.running[v.Session] != v.Endpoint {
			x.t.Fatalf("seed %d: session %d ends twice, or never began", x.w.Seed(), v.Session)
		}
		delete(x.running, v.Session)
		if v.Err == nil {
			x.count["done"]++
		} else {
			x.count["failed: "+v.Err.Error()]++
		}
	case *bootstrap.Refused:
		x.count["refused: "+v.Why]++
	}
}

// boot starts a device, as after a power cut: what it kept is on its disk.
func (d *device) boot() {
	account := client.Account{Bootstrap: true, URI: "coap://10.0.0.2:5783", Retry: &client.RetryPolicy{Count: 3, Timer: 5 * time.Second, SequenceDelay: 30 * time.Second, SequenceCount: 1000}}
	if d.secure {
		account.URI, account.Identity, account.Key = "coaps://10.0.0.2:5784", "bs-"+d.name, bsKey
	}
	c, err := client.New(client.Config{Rand: d.x.w.Rand(d.x.name(d.name)), Endpoint: d.name, Local: netip.AddrPortFrom(d.addr, 40000), Durable: true, Servers: []client.Account{account}})
	if err != nil {
		d.x.t.Fatal(err)
	}
	for _, table := range d.node.Disk().Tables() {
		if err := d.node.Disk().Load(table, func(key, value []byte) error { return c.Restore(d.x.w.Now(), table, key, value) }); err != nil {
			d.x.t.Fatalf("seed %d: %s: %v", d.x.w.Seed(), d.name, err)
		}
	}
	d.client = c
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, d.x.w.Cause()) })
}

func (d *device) fromClient(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.BootstrapFinished:
		d.x.count["finished on the device"]++
	case *client.BootstrapFailed:
		d.x.count["failed on the device"]++
		_ = v
	}
}

// step does something to the world.
func (x *world) step() {
	d := x.devices[x.rnd(len(x.devices))]
	switch x.rnd(8) {
	case 0:
		x.bs.Crash()
		x.w.RunFor(time.Duration(x.rnd(20_000)) * time.Millisecond)
		x.bootBootstrap()
	case 1:
		x.lw.Crash()
		x.bootServer()
	case 2, 3:
		d.node.Crash()
		d.boot()
	case 4: // a device that has lost all it had
		d.node.Crash()
		d.wipe()
		d.boot()
	case 5: // asked by its server to come again
		p := lwm2m.MustPath("/1/0/9")
		x.lw.Do(func(now machine.Time) {
			x.server.Do(now, x.w.Cause(), d.name, &server.Operation{Kind: server.Execute, Path: p})
		})
	case 6: // another key at the server: the device finds that its own is no good, and comes for the new one
		if !d.secure {
			break
		}
		old := x.keys[d.name]
		fresh := old
		fresh.Key = binary.BigEndian.AppendUint64([]byte("new key "), x.rand.Uint64())
		x.keys[d.name] = fresh
		x.lw.Do(func(now machine.Time) { x.server.CredentialChanged(now, x.w.Cause(), old) })
	case 7:
		next := netip.AddrFrom4([4]byte{10, 2, byte(x.lives >> 8), byte(x.lives)})
		x.lives++
		d.node.Move(d.addr, next)
		d.addr = next
	}
}

// wipe empties the device's disk.
func (d *device) wipe() {
	disk := d.node.Disk()
	for _, table := range disk.Tables() {
		var keys [][]byte
		disk.Load(table, func(key, _ []byte) error { keys = append(keys, append([]byte(nil), key...)); return nil })
		for _, k := range keys {
			disk.Put(table, k, nil)
		}
	}
}

// quiet waits until every device is registered with what it was given.
func (x *world) quiet() {
	x.net.SetLink(sim.LinkConfig{DelayMin: 10 * time.Millisecond, DelayMax: 20 * time.Millisecond})
	x.w.RunFor(30 * time.Minute)
	for _, d := range x.devices {
		reg, _, ok := x.server.Registration(d.name)
		if !ok || d.client.State() != client.StateReady || (reg.Path.Security != nil) != d.secure {
			x.t.Errorf("seed %d: %s is %v, the server has %+v", x.w.Seed(), d.name, d.client.State(), reg)
			continue
		}
		bs, others := 0, 0
		for _, a := range d.client.Accounts() {
			if a.Bootstrap {
				bs++
			} else {
				others++
			}
		}
		if bs != 1 || others != 1 {
			x.t.Errorf("seed %d: %s has %d accounts of the bootstrap server and %d others", x.w.Seed(), d.name, bs, others)
		}
	}
	if st := x.boot.Stats(); st.Sessions != len(x.running) || st.Questions != 0 || x.questions != 0 || st.Sessions != 0 {
		x.t.Errorf("seed %d: %d sessions and %d questions are left; %d are known", x.w.Seed(), st.Sessions, st.Questions, len(x.running))
	}
}

// Every device ends up registered with what it was given, whatever was lost, repeated, cut off or changed on the way, and
// every session ends once.
func TestSimulation(t *testing.T) {
	count := map[string]int{}
	for seed := range *seeds {
		x := newWorld(t, seed, 5, sim.LinkConfig{Loss: 0.1, Duplicate: 0.05, Reorder: 0.05, DelayMin: 5 * time.Millisecond, DelayMax: 80 * time.Millisecond})
		x.bootServer()
		x.bootBootstrap()
		for _, d := range x.devices {
			d.boot()
		}
		for range 80 {
			x.w.RunFor(time.Duration(x.rnd(12_000)) * time.Millisecond)
			x.step()
		}
		x.quiet()
		for k, n := range x.count {
			count[k] += n
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%v", count)
	if count["done"] < 20*int(*seeds) || count["cut off"] == 0 || count["failed: "+bootstrap.ErrTimeout.Error()]+count["failed: "+bootstrap.ErrAgain.Error()] == 0 {
		t.Errorf("the simulation did not do what it is for: %v", count)
	}
}

// The bootstrap server, or the device, crashes at each point of one bootstrap: around each datagram that either side sends.
func TestCrashPoints(t *testing.T) {
	for _, who := range []string{"bootstrap server", "device"} {
		points := 0
		for point := 1; ; point++ {
			x := newWorld(t, uint64(point), 1, sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 5 * time.Millisecond})
			delay := time.Duration(1-point%2) * 7 * time.Millisecond
			sent, crashed := 0, false
			x.net.Tap(func(_ machine.Time, from, to netip.AddrPort, _ []byte) {
				if from.Addr() != bsAddr && to.Addr() != bsAddr {
					return
				}
				if sent++; sent == (point+1)/2 {
					x.w.After(delay, func() {
						crashed = true
						if who == "device" {
							x.devices[0].node.Crash()
							x.devices[0].boot()
						} else {
							x.bs.Crash()
							x.bootBootstrap()
						}
					})
				}
			})
			x.bootServer()
			x.bootBootstrap()
			x.devices[0].boot()
			x.w.RunFor(5 * time.Minute)
			if !crashed {
				points = point - 1
				break
			}
			x.quiet()
			if t.Failed() {
				t.Fatalf("after a crash of the %s at datagram %d", who, point)
			}
		}
		if points < 20 {
			t.Errorf("only %d crash points of the %s", points, who)
		}
		t.Logf("%d crash points of the %s", points, who)
	}
}
