package simulate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh/network"
	"heddle.example/sim/system"
	"heddle.example/thread/shell"
)

// LwM2M says that nodes are LwM2M devices: what stands in a scenario's file under lwm2m.
type LwM2M struct {
	Objects  []uint16 `yaml:"objects"`  // besides 3, 4 and 7; none: 3303
	Lifetime Time     `yaml:"lifetime"` // 0: 5m, as lwstart has it: the Updates keep the mappings of NATs alive
	Plain    bool     `yaml:"plain"`    // without DTLS
}

// Service is the LwM2M server of a scenario, and what it does.
type Service struct {
	Read Time `yaml:"read"` // how often it reads a value of each device; 0: never
	// Mappings is how long NATs keep a silent mapping; 0: 5m.
	Mappings Time `yaml:"mappings"`
}

// What the devices of a scenario find outside of the mesh.
const serverName = "server.example"

var (
	serverAddr   = netip.AddrFrom4([4]byte{198, 51, 100, 10})
	resolverAddr = netip.AddrFrom4([4]byte{192, 0, 2, 53})
)

// outside is what is around a mesh with devices.
type outside struct {
	sys     *system.System
	server  *system.Server
	devices []*outsideDevice
	byName  map[string]*outsideDevice

	byNumber map[int]*outsideDevice
	shells   map[*network.Node]func() shell.Config
	stats    LwM2MReport
	times    []time.Duration
}

type outsideDevice struct {
	*system.Device
	name string
	in   bool // registered
}

// LwM2MReport is what came of devices and server.
type LwM2MReport struct {
	Devices, Registered int
	AllAfter            time.Duration // when all were registered for the first time; 0: never
	Registrations       int           // also those after the first of a device
	Asked, Answered     int           // operations
	Failed              map[string]int
	Median, P99         time.Duration // of those that were answered
	Kept                int           // of them, for a sleeping device
	Carried             uint64        // datagrams to and from the server
}

// Equip makes LwM2M devices of all nodes that are no routers, of all where there are only routers, and adds a border router.
func (s *Scenario) Equip() {
	only := !slices.ContainsFunc(s.Nodes, func(g Group) bool { return g.kind() != "router" })
	for i := range s.Nodes {
		if g := &s.Nodes[i]; only || g.kind() != "router" {
			g.LwM2M = &LwM2M{}
		}
	}
	if len(s.Nodes) > 0 {
		s.Nodes = append([]Group{{Count: 1, Kind: "border", Layout: s.Nodes[0].Layout}}, s.Nodes...)
	}
}

// outside makes the outside of a scenario that has one, or nil.
func (s *Scenario) outside(net *network.Network) *outside {
	if !slices.ContainsFunc(s.Nodes, func(g Group) bool { return g.LwM2M != nil || g.border() }) {
		return nil
	}
	net.World.Quiet = true
	i := internet.New(net.World, internet.Config{Mappings: time.Duration(s.Server.Mappings)})
	i.Resolver(resolverAddr)
	o := &outside{sys: system.In(net, i), byName: map[string]*outsideDevice{}, byNumber: map[int]*outsideDevice{}, shells: map[*network.Node]func() shell.Config{}}
	o.stats.Failed = map[string]int{}
	o.server = o.sys.AddServer(serverName, server.Config{Unknown: server.AcceptUnknown}, serverAddr)
	o.server.OnEvent = o.event
	i.WAN.Tap(func(_ machine.Time, _, _ netip.AddrPort, _ []byte) { o.stats.Carried++ })
	if d := time.Duration(s.Server.Read); d > 0 {
		net.World.After(d, func() { o.read(d) })
	}
	return o
}

// add adds a border router or a device, switched off.
func (o *outside) add(l *plan) *network.Node {
	if l.group.border() {
		r := o.sys.AddRouter(system.RouterConfig{Position: l.at, Off: true, DNS: []netip.AddrPort{netip.AddrPortFrom(resolverAddr, 53)}})
		o.shells[r.Node] = r.Shell
		return r.Node
	}
	c := l.group.LwM2M
	d := &outsideDevice{name: fmt.Sprint("device-", len(o.devices)+1)}
	a := client.Account{ShortID: words.ShortServerID, URI: "coap://" + serverName, Lifetime: time.Duration(c.Lifetime), Unmuted: true}
	if a.Lifetime == 0 {
		a.Lifetime = 5 * time.Minute
	}
	if !c.Plain {
		key := make([]byte, 16)
		o.sys.Net.World.Rand("key of " + d.name).Fill(key)
		a.URI, a.Identity, a.Key = "coaps://"+serverName, d.name, key
		o.server.Allow(server.Credential{Endpoint: d.name, Identity: d.name, Key: key, Mode: machine.PSK})
	}
	kinds := []uint16{3, 4, 7}
	if kinds = append(kinds, c.Objects...); len(c.Objects) == 0 {
		kinds = append(kinds, 3303)
	}
	d.Device = o.sys.AddDevice(system.DeviceConfig{Position: l.at, Kind: l.kind, Poll: time.Duration(l.group.Poll), Off: true, LwM2M: meshdevice.Config{
		Kinds:   kinds,
		Profile: objects.Profile{Place: objects.Everest, Device: objects.DeviceConfig{Manufacturer: "Heddle", Model: "simulated", Serial: d.name, Firmware: "1.0"}},
		Start:   &meshdevice.StartOptions{Options: words.Options{Name: d.name}, Servers: []client.Account{a}}}})
	o.devices = append(o.devices, d)
	o.byName[d.name], o.byNumber[d.Number()] = d, d
	o.shells[d.Node] = d.Shell
	return d.Node
}

// device is Made.Device.
func (o *outside) device(number int) (endpoint, state string, border bool) {
	d := o.byNumber[number]
	if d == nil {
		return "", "", slices.ContainsFunc(o.sys.Routers, func(r *system.Router) bool { return r.Number() == number })
	}
	if m := d.LwM2M(); m != nil {
		state = strings.TrimPrefix(m.Status().State.String(), "STATE_")
	}
	return d.name, state, false
}

func (o *outside) event(now machine.Time, v any) {
	switch e := v.(type) {
	case *server.Registered:
		o.stats.Registrations++
		if d := o.byName[e.Registration.Endpoint]; d != nil && !d.in {
			d.in = true
			o.stats.Registered++
			if o.stats.Registered == len(o.devices) && o.stats.AllAfter == 0 {
				o.stats.AllAfter = now.Sub(o.sys.Net.World.Began())
			}
		}
	case *server.Deregistered:
		if d := o.byName[e.Registration.Endpoint]; d != nil && d.in && e.Reason != server.Replaced {
			d.in = false
			o.stats.Registered--
		}
	case *server.Kept:
		o.stats.Kept++
	}
}

// read reads a value of each registered device, spread over the period, and again.
func (o *outside) read(period time.Duration) {
	p := lwm2m.MustPath("/3/0/0")
	for i, d := range o.devices {
		o.sys.Net.World.After(time.Duration(i)*period/time.Duration(len(o.devices)), func() {
			if !d.in {
				return
			}
			o.stats.Asked++
			o.server.Ask(d.name, &server.Operation{Kind: server.Read, Path: p}, func(out *server.Outcome) {
				if out.Err != nil {
					o.stats.Failed[out.Err.Error()]++
					return
				}
				o.stats.Answered++
				o.times = append(o.times, out.Took)
			})
		})
	}
	o.sys.Net.World.After(period, func() { o.read(period) })
}

func (o *outside) report() *LwM2MReport {
	if o == nil {
		return nil
	}
	r := o.stats
	r.Devices = len(o.devices)
	if n := len(o.times); n > 0 {
		list := slices.Clone(o.times)
		slices.Sort(list)
		r.Median, r.P99 = list[n/2], list[n*99/100]
	}
	return &r
}

// expect knows the script's "expect registered".
func (m *Made) expect(what string) (known bool, err error) {
	o := m.outside
	switch {
	case what != "registered":
		return false, nil
	case o == nil:
		return true, errors.New("the scenario has no LwM2M devices")
	case o.stats.Registered < len(o.devices):
		return true, fmt.Errorf("%d of %d devices are registered", o.stats.Registered, len(o.devices))
	}
	return true, nil
}

func (r *LwM2MReport) write(p *printer) {
	p.f("lwm2m        %d of %d devices registered", r.Registered, r.Devices)
	if r.AllAfter > 0 {
		p.f(", all of them after %.1f s", r.AllAfter.Seconds())
	}
	p.f("; %d registrations, %d datagrams at the server\n", r.Registrations, r.Carried)
	if r.Asked == 0 {
		return
	}
	p.f("reads        %d, %d answered (median %v, 99%% within %v), %d of them kept for a sleeping device\n", r.Asked, r.Answered,
		r.Median.Round(time.Millisecond), r.P99.Round(time.Millisecond), r.Kept)
	var why []string
	for w := range r.Failed {
		why = append(why, w)
	}
	slices.Sort(why)
	for _, w := range why {
		p.f("             %d: %s\n", r.Failed[w], w)
	}
}
