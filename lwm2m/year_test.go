package lwm2m_test

import (
	"errors"
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

// The whole year: go test ./lwm2m -run Year -devices 1000 -v; many of them: -years 1000 -devices 20.
var (
	devices = flag.Int("devices", 25, "devices of each simulated year")
	years   = flag.Uint64("years", 2, "years to simulate, each from a seed of its own")
)

// year is a world with a server, a bootstrap server, and devices at home behind NATs, most of which sleep. Everything
// that goes wrong in a year of a real fleet goes wrong in it.
type year struct {
	t       *testing.T
	w       *sim.World
	rand    machine.Rand
	net     *sim.Network
	homes   []home
	devices []*yearDevice
	byName  map[string]*yearDevice

	node   *sim.Node // of the server
	server *server.Server
	boots  int
	asked  map[machine.OpID]string // of this life of the server, and not kept
	kept   map[machine.OpID]string // promised to outlive the server
	cut    map[machine.OpID]bool   // under way in a crash: its commit may have been on disk, its promise never left

	guide *sim.Node // of the bootstrap server
	bs    *bootstrap.Server

	count map[string]int
}

// home is a network behind a NAT.
type home struct {
	*sim.NAT
	inside *sim.Network
}

type yearDevice struct {
	y        *year
	at       *sim.Network
	resets   int
	name     string
	plain    bool
	sleepy   bool
	lifetime time.Duration
	addr     netip.Addr
	node     *sim.Node
	client   *client.Client
	object   *client.Simple
	off      bool
	since    machine.Time // when the server last had it, or it was switched on
	worst    time.Duration
}

var (
	yearServer = netip.MustParseAddr("192.0.2.1")
	yearGuide  = netip.MustParseAddr("192.0.2.2")
	yearKey    = []byte("0123456789abcdef")
	yearBSKey  = []byte("fedcba9876543210")
)

// ByEndpoint and ByIdentity make a year the credentials of its server: each device has the identity that the bootstrap
// gave it.
func (y *year) ByEndpoint(ep string) (server.Credential, bool) {
	d := y.byName[ep]
	if d == nil {
		return server.Credential{}, false
	}
	c := server.Credential{Endpoint: ep, Identity: "id-" + ep, Key: yearKey, Mode: machine.PSK}
	if d.plain {
		c.Mode, c.Identity, c.Key = machine.NoSecurity, "", nil
	}
	return c, true
}

func (y *year) ByIdentity(id []byte) (server.Credential, bool) {
	if len(id) < 3 {
		return server.Credential{}, false
	}
	c, ok := y.ByEndpoint(string(id[3:]))
	return c, ok && c.Mode == machine.PSK
}

func newYear(t *testing.T, seed uint64, n int) *year {
	w := sim.New(seed)
	w.Quiet = true
	y := &year{t: t, w: w, rand: w.Rand("year"), byName: map[string]*yearDevice{}, count: map[string]int{},
		kept: map[machine.OpID]string{}, cut: map[machine.OpID]bool{}}
	link := sim.LinkConfig{Loss: 0.1, Duplicate: 0.01, Reorder: 0.02, DelayMin: 10 * time.Millisecond, DelayMax: 120 * time.Millisecond}
	y.net = w.Network("internet", link)
	y.node = w.Node("server", y.net, yearServer)
	y.node.OnAction = y.fromServer
	y.guide = w.Node("bootstrap server", y.net, yearGuide)
	y.guide.OnAction = y.fromGuide
	for i := range n {
		d := &yearDevice{y: y, name: fmt.Sprintf("dev-%d", i), plain: i%7 == 3, lifetime: 24 * time.Hour}
		d.sleepy = i%5 != 4
		if i%10 == 9 {
			d.lifetime = 6 * time.Hour
		}
		if i%4 == 1 {
			d.lifetime = 3 * 24 * time.Hour
		}
		d.at = y.net
		if d.plain {
			// On a public address: without a connection ID or an address that stays, nobody can reach it at all.
			d.addr = netip.AddrFrom4([4]byte{198, 51, byte(100 + i>>8), byte(i)})
		} else {
			k := i / 16
			for len(y.homes) <= k {
				k := len(y.homes)
				inside := w.Network(fmt.Sprintf("home %d", k), sim.LinkConfig{DelayMin: time.Millisecond, DelayMax: 3 * time.Millisecond})
				nat := w.NAT(inside, y.net, netip.AddrFrom4([4]byte{203, 0, byte(113 + k>>8), byte(k)}), time.Duration(60+y.rnd(240))*time.Second)
				y.homes = append(y.homes, home{nat, inside})
			}
			d.at = y.homes[k].inside
			d.addr = netip.AddrFrom4([4]byte{10, byte(k >> 8), byte(k), byte(10 + i%16)})
		}
		d.plug()
		y.devices, y.byName[d.name] = append(y.devices, d), d
	}
	return y
}

func (y *year) rnd(n int) int { return int(y.rand.Uint64() % uint64(n)) }

// bootServer starts the server on what its disk has.
func (y *year) bootServer() {
	y.boots++
	s := server.New(server.Config{Rand: y.w.Rand(fmt.Sprintf("server %d", y.boots)), Credentials: y, DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }})
	for _, table := range server.Tables() {
		if err := y.node.Disk().Load(table, func(key, value []byte) error { return s.Restore(y.w.Now(), table, key, value) }); err != nil {
			y.t.Fatalf("seed %d: %v", y.w.Seed(), err)
		}
	}
	s.Started(y.w.Now())
	y.count["operations cut off by a restart"] += len(y.asked)
	for id := range y.asked {
		y.cut[id] = true
	}
	y.server, y.asked = s, map[machine.OpID]string{}
	y.node.Boot(s)
}

func (y *year) bootGuide() {
	y.bs = bootstrap.New(bootstrap.Config{Rand: y.w.Rand(fmt.Sprintf("bootstrap %d", y.w.Now())), DTLS: &dtls.Config{},
		Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 },
		Key:    func(id []byte) ([]byte, bool) { return yearBSKey, len(id) > 3 && string(id[:3]) == "bs-" }})
	y.guide.Boot(y.bs)
}

// fromGuide answers the bootstrap server's questions: what a device is given.
func (y *year) fromGuide(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *bootstrap.Question:
		d := y.byName[v.Endpoint]
		if d == nil {
			y.t.Fatalf("seed %d: a bootstrap of %q", y.w.Seed(), v.Endpoint)
		}
		uri, mode := "coaps://192.0.2.1", int64(0)
		if d.plain {
			uri, mode = "coap://192.0.2.1", 3
		}
		security := []bootstrap.Resource{
			{ID: bootstrap.SecurityURI, Value: lwm2m.Str(uri)}, {ID: bootstrap.SecurityIsBootstrap, Value: lwm2m.Bool(false)},
			{ID: bootstrap.SecurityMode, Value: lwm2m.Int(mode)}, {ID: bootstrap.SecurityPublic, Value: lwm2m.Bytes([]byte("id-" + d.name))},
			{ID: bootstrap.SecurityServerPublic, Value: lwm2m.Bytes(nil)}, {ID: bootstrap.SecuritySecret, Value: lwm2m.Bytes(yearKey)},
			{ID: bootstrap.SecurityShortID, Value: lwm2m.Int(123)},
		}
		if d.plain {
			security[3].Value, security[5].Value = lwm2m.Bytes(nil), lwm2m.Bytes(nil)
		}
		p := &bootstrap.Provision{Configuration: d.name, Delete: []lwm2m.Path{lwm2m.MustPath("/1")},
			Accounts: []bootstrap.Account{{ShortID: 123, SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID, Security: security,
				Server: []bootstrap.Resource{{ID: 0, Value: lwm2m.Int(123)}, {ID: 1, Value: lwm2m.Int(int64(d.lifetime / time.Second))},
					{ID: 6, Value: lwm2m.Bool(true)}, {ID: 7, Value: lwm2m.Str("U")}}}}}
		y.guide.Do(func(now machine.Time) { y.bs.Answer(now, a.Cause, a.Op, d.name, p, nil) })
	case *bootstrap.Ended:
		if v.Err != nil {
			y.count["bootstraps that failed"]++
		} else {
			y.count["bootstraps"]++
		}
	case *bootstrap.Refused:
		y.count["refused by the bootstrap server: "+v.Why]++
	}
}

func (y *year) fromServer(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *server.Kept:
		if what, ok := y.asked[v.ID]; ok {
			delete(y.asked, v.ID)
			y.kept[v.ID] = what
			y.count["kept for a sleeping device"]++
		}
	case *server.Outcome:
		_, asked := y.asked[a.Op]
		_, kept := y.kept[a.Op]
		if !asked && !kept && !y.cut[a.Op] {
			y.t.Errorf("seed %d: operation %d of %s has a result that nobody waits for: %+v", y.w.Seed(), a.Op, v.Endpoint, v)
		}
		delete(y.asked, a.Op)
		delete(y.kept, a.Op)
		switch {
		case v.Err == nil && kept:
			y.count["kept operations answered"]++
		case v.Err == nil:
			y.count["operations answered"]++
		case errors.Is(v.Err, server.ErrUnknownEndpoint):
			y.count["operations on a device that was away"]++
		default:
			y.count["operations reported: "+v.Err.Error()]++
		}
	case *server.Refused:
		y.count["refused: "+v.Why]++
	}
}

// plug gives a device an empty disk.
func (d *yearDevice) plug() {
	d.node = d.y.w.Node(fmt.Sprintf("%s, reset %d", d.name, d.resets), d.at, d.addr)
	d.node.OnAction = d.fromClient
}

// boot switches a device on, with what is on its disk. The factory gave it the bootstrap server and nothing else.
func (d *yearDevice) boot() {
	y := d.y
	d.off = false
	d.since = y.w.Now()
	d.object = client.NewObject(&client.Definition{ID: 3303, Version: lwm2m.V1_1, Multiple: true, Resources: []client.Resource{
		{ID: 5605, Operations: lwm2m.Execute}, {ID: 5700, Kind: lwm2m.Float, Operations: lwm2m.Read, Mandatory: true},
		{ID: 5750, Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write},
	}}).Set("/3303/0/5700", lwm2m.Num(20)).Set("/3303/0/5750", lwm2m.Str("")).
		OnExecute(5605, func(client.Call, lwm2m.Path, []client.Argument) error { return nil })
	c, err := client.New(client.Config{
		Rand: y.w.Rand(fmt.Sprintf("%s at %d", d.name, y.w.Now())), Endpoint: d.name, Local: netip.AddrPortFrom(d.addr, 40000), Durable: true, Queue: d.sleepy,
		Servers: []client.Account{{Bootstrap: true, URI: "coaps://192.0.2.2", Identity: "bs-" + d.name, Key: yearBSKey}},
		Objects: []client.Object{d.object},
	})
	if err != nil {
		y.t.Fatal(err)
	}
	for _, table := range d.node.Disk().Tables() {
		if err := d.node.Disk().Load(table, func(key, value []byte) error { return c.Restore(y.w.Now(), table, key, value) }); err != nil {
			y.t.Fatalf("seed %d: %s: %v", y.w.Seed(), d.name, err)
		}
	}
	d.client = c
	d.node.Boot(c)
	d.node.Do(func(now machine.Time) { c.Start(now, y.w.Cause()) })
}

func (d *yearDevice) fromClient(_ machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.Resolve:
		d.y.t.Fatalf("seed %d: %s wants to know where %s is", d.y.w.Seed(), d.name, v.Host)
	case *client.RegistrationFailed:
		d.y.count["registrations and updates that failed at first"]++
	}
}

// ask gives a device something to do.
func (y *year) ask(d *yearDevice) {
	text := lwm2m.MustPath("/3303/0/5750")
	op := [...]server.Operation{
		{Kind: server.Read, Path: lwm2m.MustPath("/3303/0/5700")},
		{Kind: server.Read, Path: lwm2m.MustPath("/3303")},
		{Kind: server.Write, Path: text, Entries: []lwm2m.Entry{{Path: text, Value: lwm2m.Str("attic")}}},
		{Kind: server.Execute, Path: lwm2m.MustPath("/3303/0/5605")},
		{Kind: server.Observe, Path: lwm2m.MustPath("/3303/0/5700")},
		{Kind: server.Discover, Path: lwm2m.MustPath("/3303/0")},
	}[y.rnd(6)]
	y.node.Do(func(now machine.Time) {
		id := y.server.Do(now, y.w.Cause(), d.name, &op)
		y.asked[id] = d.name + " " + op.Kind.String()
	})
}

// hour does what happens in an hour, and looks who is there.
func (y *year) hour() {
	n := len(y.devices)
	any := func() *yearDevice { return y.devices[y.rnd(n)] }
	often := func(perYear int, f func()) { // how often in a year, on average
		for range perYear / (365 * 24) {
			f()
		}
		if y.rnd(365*24) < perYear%(365*24) {
			f()
		}
	}
	often(30*n, func() { y.ask(any()) })
	often(50, func() { y.node.Crash(); y.bootServer() })
	often(10, func() { // an outage
		y.node.Crash()
		y.w.RunFor(time.Duration(y.rnd(3*3600)) * time.Second)
		y.bootServer()
	})
	often(30, func() { y.guide.Crash(); y.bootGuide() })
	often(2*n, func() { // a power cut, short or long
		d := any()
		d.node.Crash()
		d.off = true
		y.w.After(time.Duration(y.rnd(3600*(1+y.rnd(20))))*time.Second, d.boot)
	})
	often(max(1, n/10), func() { // somebody resets a device to what the factory made
		if d := any(); !d.off {
			d.node.Crash()
			d.resets++
			d.plug()
			d.boot()
			y.count["factory resets"]++
		}
	})
	often(12*len(y.homes), func() { y.homes[y.rnd(len(y.homes))].Forget() })
	often(20*n, func() { // a value changes
		d := any()
		if !d.off {
			d.node.Do(func(now machine.Time) {
				d.object.Set("/3303/0/5700", lwm2m.Num(float64(y.rnd(40))))
				d.client.Changed(now, y.w.Cause(), lwm2m.MustPath("/3303/0/5700"))
			})
		}
	})
	y.w.RunFor(time.Hour)
	for _, d := range y.devices {
		if _, _, ok := y.server.Registration(d.name); ok || d.off {
			d.since = y.w.Now()
			continue
		}
		away := y.w.Now().Sub(d.since)
		d.worst = max(d.worst, away)
		if away > d.lifetime+time.Hour {
			y.t.Fatalf("seed %d: %s has been away for %v, its lifetime is %v; it is %v", y.w.Seed(), d.name, away, d.lifetime, d.client.State())
		}
	}
}

// No device is lost for longer than its own lifetime, and no operation stays unanswered or unreported: a year of devices
// that sleep, behind NATs that forget, with restarts and outages of both servers, power cuts and a tenth of all datagrams lost.
func TestYear(t *testing.T) {
	total := map[string]int{}
	for seed := range *years {
		y := newYear(t, seed, *devices)
		y.bootServer()
		y.bootGuide()
		for _, d := range y.devices {
			y.w.After(time.Duration(y.rnd(3600))*time.Second, d.boot)
			d.off = true
		}
		for range 365 * 24 {
			y.hour()
			if t.Failed() {
				return
			}
		}
		// What was kept is answered, or has expired, eight days later.
		for range 8 * 24 {
			y.w.RunFor(time.Hour)
		}
		if len(y.kept) > 0 || len(y.asked) > 0 {
			t.Errorf("seed %d: neither answered nor reported: %v %v", seed, y.kept, y.asked)
		}
		for k, n := range y.count {
			total[k] += n
		}
		var worst time.Duration
		for _, d := range y.devices {
			worst = max(worst, d.worst)
		}
		total["longest absence, minutes"] = max(total["longest absence, minutes"], int(worst.Minutes()))
		total["datagrams"] += int(y.net.Stats().Sent)
	}
	t.Logf("%v", total)
	for _, what := range []string{"bootstraps", "factory resets", "kept for a sleeping device", "kept operations answered", "operations answered"} {
		if total[what] == 0 {
			t.Errorf("there were no %s", what)
		}
	}
}
