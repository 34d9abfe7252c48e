package server_test

import (
	"cmp"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// seeds is how many worlds TestSimulation tries; more of them in a soak: go test ./lwm2m/server -run Simulation -seeds 1000.
var seeds = flag.Uint64("seeds", 12, "worlds that TestSimulation tries")

// fleet is a server and its devices in a simulated world. Even devices speak DTLS, odd ones plain CoAP; the last two are in
// queue mode and really sleep.
type fleet struct {
	t        *testing.T
	w        *sim.World
	net      *sim.Network
	rand     machine.Rand
	node     *sim.Node
	server   *server.Server
	keys     keys
	devices  []*simDevice
	ops      map[machine.OpID]string // asked and not yet answered by this life of the server
	results  map[string]int          // what became of operations
	kept     map[machine.OpID]string // promised to be sent or reported, and not ended, in whatever life of the server
	ended    map[machine.OpID]bool   // had a result, in all lives
	told     map[machine.OpID]bool   // kept ones of which the end is known
	nonces   oracle
	boots    int
	tell     func(event any) // where set, hears what the server tells
	leases   int
	executes int
}

type simDevice struct {
	f        *fleet
	name     string
	secure   bool
	queue    bool
	ran      map[string]int // how often each Execute has run since the device was switched on, by its argument
	node     *sim.Node
	addr     netip.Addr
	client   *client.Client
	object   *client.Simple
	location string // acknowledged by the server
	observed bool   // the operator was told that /3303/0/5700 is observed
	value    float64
	notified float64 // the newest value that the server told of
	noCID    bool
	lifetime time.Duration // 0: a minute
}

type keys map[string]server.Credential

func (k keys) ByEndpoint(ep string) (server.Credential, bool) { c, ok := k[ep]; return c, ok }

func (k keys) ByIdentity(id []byte) (server.Credential, bool) {
	c, ok := k[string(id)[len("id-"):]]
	return c, ok && c.Mode == machine.PSK
}

var (
	simServer = netip.MustParseAddr("10.0.0.1")
	observed  = lwm2m.MustPath("/3303/0/5700")
)

func newFleet(t *testing.T, seed uint64, devices int, link sim.LinkConfig) *fleet {
	w := sim.New(seed)
	f := &fleet{t: t, w: w, net: w.Network("internet", link), rand: w.Rand("test"), keys: keys{}, results: map[string]int{},
		kept: map[machine.OpID]string{}, ended: map[machine.OpID]bool{}, told: map[machine.OpID]bool{}}
	f.nonces = newOracle(t, seed)
	if f.cidLen() > 0 {
		f.net.Tap(f.nonces.see)
	}
	f.node = w.Node("server", f.net, simServer)
	f.node.OnAction = f.fromServer
	for i := range devices {
		d := &simDevice{f: f, name: fmt.Sprintf("dev-%d", i), secure: i%2 == 0, queue: devices > 1 && i >= devices-2, addr: netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})}
		d.node = w.Node(d.name, f.net, d.addr)
		d.node.OnAction = d.fromClient
		mode := machine.NoSecurity
		if d.secure {
			mode = machine.PSK
		}
		f.keys[d.name] = server.Credential{Endpoint: d.name, Identity: "id-" + d.name, Key: []byte("0123456789abcdef"), Mode: mode}
		f.devices = append(f.devices, d)
	}
	return f
}

func (f *fleet) rnd(n int) int { return int(f.rand.Uint64() % uint64(n)) }

// boot starts a server on what the disk has.
func (f *fleet) boot() {
	f.boots++
	s := server.New(server.Config{Rand: f.w.Rand(fmt.Sprintf("server %d", f.boots)), History: f.w.Seed()%3 == 0, Credentials: f.keys, DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }, AwakeWindow: simWindow})
	for _, table := range server.Tables() {
		if err := f.node.Disk().Load(table, func(key, value []byte) error { return s.Restore(f.w.Now(), table, key, value) }); err != nil {
			f.t.Fatalf("seed %d: %v", f.w.Seed(), err)
		}
	}
	s.Started(f.w.Now())
	f.server, f.ops = s, map[machine.OpID]string{}
	for id, what := range f.kept {
		_, waits := s.Waiting(id)
		_, _, done := s.Done(id)
		if !waits && !done {
			f.t.Fatalf("seed %d: the %s was kept as %d, and after the crash nobody knows of it", f.w.Seed(), what, id)
		}
		if done { // on disk a moment before the crash: whoever asks by its id is told
			f.keptEnded(id)
			continue
		}
		f.ops[id] = what
	}
	f.node.Boot(&ordered{Server: s, f: f})
}

// ordered watches that a server's commits leave in the order of their numbers, whichever layer they come from.
type ordered struct {
	*server.Server
	f    *fleet
	last machine.Seq
}

func (o *ordered) Next() (machine.Action, bool) {
	a, ok := o.Server.Next()
	if ok && a.Kind == machine.Persist {
		if a.Seq <= o.last {
			o.f.t.Fatalf("seed %d: commit %d after commit %d", o.f.w.Seed(), a.Seq, o.last)
		}
		o.last = a.Seq
	}
	return a, ok
}

// crash is kill -9 and power loss, and a new start. What was acknowledged must be there again.
func (f *fleet) crash() {
	before := map[string]*server.Registration{}
	for _, d := range f.devices {
		if reg, _, ok := f.server.Registration(d.name); ok && d.location != "" {
			before[d.name] = reg
		}
	}
	f.node.Crash()
	f.results["lost in a crash"] += len(f.ops)
	f.boot()
	for _, d := range f.devices {
		was := before[d.name]
		if was == nil {
			continue
		}
		is, _, ok := f.server.Registration(d.name)
		// A newer Register may have reached the disk though its answer never left.
		if !ok || is.Location() != d.location && is.RegisteredAt < was.RegisteredAt {
			f.t.Fatalf("seed %d: %s was told %s, and after the crash the server has %+v", f.w.Seed(), d.name, d.location, is)
		}
		if l := f.server.Observations(d.name); d.observed && (len(l) != 1 || l[0].Path != observed) {
			f.t.Fatalf("seed %d: the observation of %s was acknowledged, and after the crash there is %+v", f.w.Seed(), d.name, l)
		}
	}
}

func (f *fleet) fromServer(_ machine.Time, a machine.Action) {
	if a.Kind == machine.Event && f.tell != nil {
		f.tell(a.Value)
	}
	switch v := a.Value.(type) {
	case *server.Kept:
		f.results["kept"]++
		f.kept[v.ID] = v.Endpoint + " " + v.Op.String()
	case *server.Outcome:
		// One that was kept in the moment of a crash has a result though nobody was promised one.
		if f.ops[a.Op] == "" && !v.Kept || f.ended[a.Op] {
			f.t.Fatalf("seed %d: operation %d has a result that nobody waits for: %+v", f.w.Seed(), a.Op, v)
		}
		// Where the store has failed, what the device answered is told and cannot be written down: it is asked again after
		// the restart that this needs.
		f.ended[a.Op] = !v.Kept || f.server.Stats().Failed == nil
		delete(f.ops, a.Op)
		if v.Kept {
			f.keptEnded(a.Op)
		}
		if errors.Is(v.Err, server.ErrMaybeExecuted) {
			f.results["perhaps executed"]++
		}
		f.results[kindOf(v)]++
		if d := f.device(v.Endpoint); d != nil && v.Op == server.Observe && v.Err == nil && v.Code.IsSuccess() {
			d.observed = true
		}
	case *server.Notified:
		if d := f.device(v.Registration.Endpoint); d != nil && len(v.Entries) == 1 {
			if n, ok := v.Entries[0].Value.AsFloat(); ok {
				d.notified = n
			}
		}
	case *server.ObservationChanged:
		if v.Observation.State == server.Ended {
			f.t.Fatalf("seed %d: the observation of %s ended: %v %v", f.w.Seed(), v.Endpoint, v.Code, v.Err)
		}
	case *server.Refused:
		f.results["refused: "+v.Why]++
	}
}

// keptEnded notes that how a kept operation ended is known.
func (f *fleet) keptEnded(id machine.OpID) {
	delete(f.kept, id)
	if !f.told[id] {
		f.told[id] = true
		f.results["kept and ended"]++
	}
}

func kindOf(o *server.Outcome) string {
	switch {
	case o.Err != nil:
		return "failed: " + o.Err.Error()
	case o.Code.IsSuccess():
		return "answered"
	}
	return "answered " + o.Code.String()
}

func (f *fleet) device(name string) *simDevice {
	for _, d := range f.devices {
		if d.name == name {
			return d
		}
	}
	return nil
}

func (f *fleet) do(ep string, op server.Operation) {
	f.node.Do(func(now machine.Time) {
		id := f.server.Do(now, f.w.Cause(), ep, &op)
		f.ops[id] = ep + " " + op.Kind.String()
	})
}

// boot starts the device, as after a power cut: what it kept is on its disk.
func (d *simDevice) boot() {
	d.location, d.ran = "", map[string]int{}
	uri, identity := "coap://10.0.0.1", ""
	var key []byte
	if d.secure {
		uri, identity, key = "coaps://10.0.0.1", "id-"+d.name, d.f.keys[d.name].Key
	}
	d.object = client.NewObject(&client.Definition{ID: 3303, Version: lwm2m.V1_1, Multiple: true, Resources: []client.Resource{
		{ID: 5601, Kind: lwm2m.Float, Operations: lwm2m.Read}, {ID: 5605, Operations: lwm2m.Execute},
		{ID: 5700, Kind: lwm2m.Float, Operations: lwm2m.Read, Mandatory: true}, {ID: 5750, Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write},
	}}).Set("/3303/0/5700", lwm2m.Num(d.value)).Set("/3303/0/5750", lwm2m.Str("")).
		OnExecute(5605, func(_ client.Call, _ lwm2m.Path, args []client.Argument) error {
			// Nothing but a new start makes a device forget what it has run, so nothing else may run it twice.
			if d.ran[args[0].Value]++; d.ran[args[0].Value] > 1 {
				d.f.t.Errorf("seed %d: %s has run Execute %s twice", d.f.w.Seed(), d.name, args[0].Value)
			}
			return nil
		})
	c, err := client.New(client.Config{
		Rand: d.f.w.Rand(fmt.Sprintf("%s at %d", d.name, d.f.w.Now())), Endpoint: d.name, Local: netip.AddrPortFrom(d.addr, 40000), Durable: true,
		Servers: []client.Account{{ShortID: 1, URI: uri, Identity: identity, Key: key, Lifetime: cmp.Or(d.lifetime, time.Minute),
			Retry: &client.RetryPolicy{Count: 3, Timer: 5 * time.Second, SequenceDelay: 30 * time.Second, SequenceCount: 1000}}},
		Objects: []client.Object{d.object}, DTLS: dtls.Config{CIDLen: d.f.cidLen(), DisableCID: d.noCID}, Queue: d.queue, Awake: simWindow,
	})
	if err != nil {
		d.f.t.Fatal(err)
	}
	for _, table := range d.node.Disk().Tables() {
		if err := d.node.Disk().Load(table, func(key, value []byte) error { return c.Restore(d.f.w.Now(), table, key, value) }); err != nil {
			d.f.t.Fatalf("seed %d: %s: %v", d.f.w.Seed(), d.name, err)
		}
	}
	d.client = c
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, d.f.w.Cause()) })
}

func (d *simDevice) fromClient(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.Registered:
		d.location = v.Location
	case *client.StateChanged:
		if v.State != client.StateReady {
			d.location = ""
		}
	case *client.Deregistered:
		d.location = ""
	}
}

// change gives the device's resource another value.
func (d *simDevice) change() {
	d.value++
	d.node.Do(func(now machine.Time) {
		d.object.Set("/3303/0/5700", lwm2m.Num(d.value))
		d.client.Changed(now, d.f.w.Cause(), observed)
	})
}

// step does something to the world.
func (f *fleet) step() {
	d := f.devices[f.rnd(len(f.devices))]
	switch f.rnd(18) {
	case 16: // much for a device that sleeps
		d = f.devices[len(f.devices)-1-f.rnd(2)]
		for range f.rnd(5) {
			f.do(d.name, server.Operation{Kind: server.Read, Path: observed, Timeout: 20 * time.Second, Expires: time.Duration(1+f.rnd(20)) * time.Minute})
		}
	case 17: // an operator changes his mind
		if len(f.kept) > 0 {
			id := slices.Min(slices.Collect(maps.Keys(f.kept)))
			f.node.Do(func(now machine.Time) { f.server.Cancel(now, id) })
		}
	case 0:
		f.crash()
		f.node.Disk().SyncDelay = time.Duration(1+f.rnd(150)) * time.Millisecond
	case 1:
		d.node.Crash()
		d.boot()
	case 2: // a new lease
		f.leases++
		next := netip.AddrFrom4([4]byte{10, 2, byte(f.leases >> 8), byte(f.leases)})
		d.node.Move(d.addr, next)
		d.addr = next
	case 3, 4:
		f.do(d.name, server.Operation{Kind: server.Read, Path: observed, Timeout: 20 * time.Second})
	case 5:
		f.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3303")})
	case 6:
		f.do(d.name, server.Operation{Kind: server.Discover, Path: lwm2m.MustPath("/3303/0")})
	case 7:
		p := lwm2m.MustPath("/3303/0/5750")
		f.do(d.name, server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: lwm2m.Str("here")}}})
	case 8:
		f.executes++
		f.do(d.name, server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/3303/0/5605"), Args: fmt.Sprintf("0='%d'", f.executes), Timeout: 20 * time.Second})
	case 9:
		f.do(d.name, server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3303/0/9999")})
	case 14: // the device says goodbye, and comes back later
		d.node.Do(func(now machine.Time) { d.client.Stop(now, f.w.Cause()) })
		f.w.RunFor(time.Duration(f.rnd(100_000)) * time.Millisecond)
		d.boot()
	case 15: // another key, on the server first
		if !d.secure {
			break
		}
		old := f.keys[d.name]
		fresh := old
		fresh.Key = binary.BigEndian.AppendUint64([]byte("new key "), f.rand.Uint64())
		f.keys[d.name] = fresh
		f.node.Do(func(now machine.Time) { f.server.CredentialChanged(now, f.w.Cause(), old) })
		f.w.RunFor(time.Duration(f.rnd(30_000)) * time.Millisecond)
		d.node.Crash()
		d.boot()
	case 10: // a full disk: what is promised before stays promised, and somebody makes room and starts the server again
		if f.rnd(4) == 0 {
			f.node.Disk().Full = true
			f.w.RunFor(time.Duration(f.rnd(20_000)) * time.Millisecond)
			f.node.Disk().Full = false
			f.crash()
		}
	default:
		d.change()
	}
}

// quiet waits until every device is registered and observed again, and its newest value known.
func (f *fleet) quiet() {
	f.net.SetLink(sim.LinkConfig{DelayMin: 10 * time.Millisecond, DelayMax: 20 * time.Millisecond})
	f.w.RunFor(10 * time.Minute)
	for _, d := range f.devices {
		d.change()
	}
	f.w.RunFor(2 * time.Minute)
	for _, d := range f.devices {
		reg, _, ok := f.server.Registration(d.name)
		if !ok || d.client.State() != client.StateReady || reg.Location() != d.location {
			f.t.Errorf("seed %d: %s is %v at %q, the server has %+v", f.w.Seed(), d.name, d.client.State(), d.location, reg)
			continue
		}
		if l := f.server.Observations(d.name); d.observed && (len(l) != 1 || l[0].State != server.Active || d.notified != d.value) {
			f.t.Errorf("seed %d: %s has value %v, the server knows %v; its observation is %+v", f.w.Seed(), d.name, d.value, d.notified, l)
		}
	}
	if len(f.kept) != 0 {
		f.t.Errorf("seed %d: kept, and neither answered nor reported: %v", f.w.Seed(), f.kept)
	}
	if len(f.ops) != 0 {
		f.t.Errorf("seed %d: operations without a result: %v", f.w.Seed(), f.ops)
	}
}

// Every request is answered or reported, every observation resumed, nothing acknowledged is lost and no nonce used twice,
// over a network that loses, repeats, reorders, and with crashes and new addresses on both sides.
func TestSimulation(t *testing.T) {
	results := map[string]int{}
	var moves, reobserved uint64
	for seed := range *seeds {
		f := newFleet(t, seed, 6, sim.LinkConfig{Loss: 0.08, Duplicate: 0.05, Reorder: 0.05, DelayMin: 5 * time.Millisecond, DelayMax: 80 * time.Millisecond})
		f.w.Quiet = true
		f.boot()
		for _, d := range f.devices {
			d.boot()
		}
		f.w.RunFor(2 * time.Minute)
		for _, d := range f.devices {
			f.do(d.name, server.Operation{Kind: server.Observe, Path: observed})
		}
		for range 150 {
			f.w.RunFor(time.Duration(f.rnd(12_000)) * time.Millisecond)
			f.step()
		}
		f.quiet()
		if t.Failed() {
			return
		}
		for _, d := range f.devices {
			if d.observed {
				results["observed devices"]++
			}
		}
		results["protected records"] += f.nonces.records
		for k, n := range f.results {
			results[k] += n
		}
		st := f.server.Stats()
		moves, reobserved = moves+st.Moves, reobserved+st.Reobserved
	}
	t.Logf("results %v; in their servers' last lives %d moves, %d observed again", results, moves, reobserved)
	if results["answered"] == 0 || results["answered 4.04"] == 0 || results["lost in a crash"] == 0 || results["protected records"] < 1000 ||
		results["kept and ended"] < int(10**seeds) || results["observed devices"] < int(4**seeds) || moves == 0 || reobserved == 0 {
		t.Errorf("the simulation did not do what it is for: %v", results)
	}
}

// The server crashes at each point of the story of one secure device: around each datagram that either side sends.
func TestCrashPoints(t *testing.T) {
	points := 0
	for point := 1; ; point++ {
		f := newFleet(t, 2*uint64(point), 1, sim.LinkConfig{DelayMin: 5 * time.Millisecond, DelayMax: 5 * time.Millisecond})
		f.w.Quiet = true
		// The disk is slower than the network: an answer that does not wait for it would arrive first.
		f.node.Disk().SyncDelay = 20 * time.Millisecond
		// Odd points: when the datagram has just left, and nothing of it has arrived or is on disk. Even ones: when it has
		// arrived, and what it led to is not on disk.
		delay := time.Duration(1-point%2) * 7 * time.Millisecond
		sent, crashed := 0, false
		f.net.Tap(func(machine.Time, netip.AddrPort, netip.AddrPort, []byte) {
			if sent++; sent == (point+1)/2 {
				f.w.After(delay, func() { crashed = true; f.crash() })
			}
		})
		f.boot()
		f.devices[0].boot()
		f.w.RunFor(30 * time.Second)
		f.do("dev-0", server.Operation{Kind: server.Observe, Path: observed})
		f.w.RunFor(10 * time.Second)
		for range 3 {
			f.devices[0].change()
			f.do("dev-0", server.Operation{Kind: server.Read, Path: observed})
			f.w.RunFor(20 * time.Second)
		}
		if !crashed {
			points = point - 1
			break
		}
		f.quiet()
		if t.Failed() {
			t.Fatalf("after a crash at datagram %d", point)
		}
	}
	if points < 20 {
		t.Errorf("only %d crash points", points)
	}
	t.Logf("%d crash points", points)
}

// simWindow is how long devices in queue mode listen.
const simWindow = 15 * time.Second

// simCIDLen is the length of the devices' connection IDs in half of the worlds, so that oracle can tell from each record
// which session, and so which key, it belongs to. In the other half they have none, as most real devices.
const simCIDLen = 8

func (f *fleet) cidLen() int { return simCIDLen * int(1-f.w.Seed()%2) }

// oracle sees every datagram that is sent, and that no key is used twice with one nonce. A record's nonce is its first
// eight bytes; its key follows from the connection ID, the direction, and the random value of the device's newest
// ClientHello when the first record under it was sent (a server that repeats its ServerHello to a device that has begun
// anew repeats the connection ID, too).
type oracle struct {
	t       *testing.T
	seed    uint64
	sent    map[string][]byte
	hello   map[netip.Addr]string // newest ClientHello's random, by device
	begun   map[string]string     // random under which the direction of a connection ID has begun
	records int
}

func newOracle(t *testing.T, seed uint64) oracle {
	return oracle{t: t, seed: seed, sent: map[string][]byte{}, hello: map[netip.Addr]string{}, begun: map[string]string{}}
}

func (o *oracle) see(_ machine.Time, from, to netip.AddrPort, b []byte) {
	direction, device := "down", to.Addr()
	switch {
	case to.Port() == 5684:
		direction, device = "up", from.Addr()
	case from.Port() != 5684:
		return
	}
	for len(b) >= 13 {
		header, protected := 11, b[0] == 25
		if protected {
			header += simCIDLen
		}
		n := header + 2 + int(binary.BigEndian.Uint16(b[header:]))
		if n > len(b) {
			o.t.Fatalf("seed %d: a record cut short: %x", o.seed, b)
		}
		record := b[:n]
		b = b[n:]
		if !protected {
			if binary.BigEndian.Uint16(record[3:]) != 0 {
				o.t.Fatalf("seed %d: a protected record without a connection ID: %x", o.seed, record)
			}
			if record[0] == 22 && record[13] == 1 { // ClientHello: its random comes after header and version
				o.hello[device] = string(record[27:59])
			}
			continue
		}
		o.records++
		key := fmt.Sprintf("%s %x", direction, record[11:header])
		if nonce := binary.BigEndian.Uint64(record[header+2:]); nonce<<16 == 0 {
			o.begun[key] = o.hello[device]
		}
		place := fmt.Sprintf("%s %x %x", key, o.begun[key], record[header+2:header+10])
		if before, ok := o.sent[place]; ok && string(before) != string(record) {
			o.t.Fatalf("seed %d: nonce used twice: %s\n%x\n%x", o.seed, place, before, record)
		}
		o.sent[place] = append([]byte(nil), record...)
	}
}
