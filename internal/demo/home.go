package demo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/host"
	"heddle.example/host/outside"
	"heddle.example/host/usernat"
	"heddle.example/internal/borderrouter"
	"heddle.example/internal/follow"
	"heddle.example/internal/topology"
	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/internet"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/sim/system"
	"heddle.example/thread/datasets"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/shell"
)

// Where the servers are as the mesh sees them: a name with an IPv4 address only, as in the guide, and an address of the
// local network. Behind both are the sockets of this process.
const (
	ServerName = "server.heddle.example"
	EchoName   = "one.heddle.example" // a host far away that answers pings
)

// Addresses of the demo's outside. The first three are simulated hosts; what is sent to the servers' ports leaves by
// ordinary sockets.
var (
	Server4  = netip.MustParseAddr("198.51.100.10")
	Server6  = netip.MustParseAddr("fdaa:cafe:f00d:1::10")
	Echo4    = netip.MustParseAddr("1.1.1.1")
	resolver = netip.MustParseAddr("192.0.2.53")

	nameServer = netip.AddrPortFrom(resolver, 53)
)

// air is what the site's radios reach: walls of wood, and 4 dBm.
var air = func() mesh.Propagation {
	p := mesh.Indoors
	p.TxPower, p.FloorLoss = 4, 8
	return p
}()

// homeOptions say which mesh to make.
type homeOptions struct {
	host    *host.Host
	dataset *meshcop.Info // nil: a new one
	log     *slog.Logger
	seed    uint64
	speed   float64
	server4 netip.Addr // where the servers really listen
	server6 netip.Addr
}

// home is the demo's mesh: simulated radios and the air between them, in step with the real clock, and an outside that
// leads to this computer's sockets.
type home struct {
	shown   *topology.World
	net     *network.Network
	inet    *internet.Internet
	sys     *system.System
	dataset meshcop.Info

	border  *system.Router
	routers []*network.Node // that are no devices
	up      []*network.Node // those of them that were switched on
	motes   []*mote
	ready   bool                   // devices may come
	server  atomic.Pointer[string] // as devices know it: a port that is taken is another one

	follow  *follow.Follower // follows operations from the server to the devices and back
	sockets outside.Outside  // what leaves for real programs
	back    *internet.Gateway
	shells  map[int]func() shell.Config // by node
	named   sync.Mutex
	names   map[int]follow.Node
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// newHome makes an empty home. Time passes from run on.
func newHome(o homeOptions) (*home, error) {
	w := sim.NewAt(o.seed, o.host.Now())
	w.Quiet = true
	h := &home{net: network.In(w, mesh.Config{AirTime: true, Propagation: &air}), shells: map[int]func() shell.Config{}, names: map[int]follow.Node{}}
	h.reach(5684)
	if o.dataset != nil {
		h.dataset = *o.dataset
	} else {
		h.dataset = datasets.NewNetwork(o.host.Rand(), math.MaxUint32, 0)
		h.dataset.NetworkName = "Heddle"
	}
	h.inet = internet.New(w, internet.Config{Link: sim.LinkConfig{DelayMin: 4 * time.Millisecond, DelayMax: 8 * time.Millisecond}})
	h.sys = system.In(h.net, h.inet)
	h.follow = follow.New(follow.Options{Node: h.place, Clock: o.host.Now, Keys: func() ([]byte, netip.Prefix) {
		prefix := ip6.Join(h.dataset.MeshLocalPrefix, ip6.IID{})
		return h.dataset.NetworkKey[:], netip.PrefixFrom(prefix.Netip(), 64)
	}})
	h.sys.Follow(h.follow)
	h.inet.Host(Server4, 62, ServerName)
	h.inet.Host(Server6, 63, "local."+ServerName)
	h.inet.Host(Echo4, 56, EchoName)
	h.inet.Resolver(resolver)
	h.inet.Elsewhere = func(g *internet.Gateway, p []byte) bool {
		if h.sockets == nil {
			return false
		}
		h.back = g
		h.sockets.Send(p)
		return true
	}
	names := borderrouter.NewNames()
	h.inet.Names = func(query []byte, answer func(b []byte)) {
		if !names.Ask(query, func(b []byte) {
			b = bytes.Clone(b)
			h.shown.Post(func() { answer(b) })
		}) {
			answer(h.inet.Answer(query)) // there is no such name
		}
	}
	var err error
	h.sockets, err = usernat.New(usernat.Config{Receive: h.received, Alias: map[netip.Addr]netip.Addr{Server4: o.server4, Server6: o.server6}})
	if err != nil {
		return nil, fmt.Errorf("demo: the way out of the mesh: %w", err)
	}
	h.shown, err = topology.New(topology.Options{Network: h.net, Dataset: &h.dataset, Live: true, Speed: max(1, o.speed), Shell: h.shell, Device: h.device})
	return h, err
}

// reach says at which port of ServerName the LwM2M server listens.
func (h *home) reach(port uint16) {
	s := fmt.Sprintf("coaps://%s:%d", ServerName, port)
	h.server.Store(&s)
}

// place describes a node of the mesh, on any goroutine.
func (h *home) place(number int) follow.Node {
	h.named.Lock()
	defer h.named.Unlock()
	return h.names[number]
}

// call gives a node its description.
func (h *home) call(number int, n follow.Node) {
	h.named.Lock()
	defer h.named.Unlock()
	h.names[number] = n
}

// shell is what a node's command line has.
func (h *home) shell(n *network.Node) shell.Config {
	if f := h.shells[n.Number()]; f != nil {
		return f()
	}
	return shell.Config{}
}

// device is what a node is besides a Thread node.
func (h *home) device(id int) (d topology.Device) {
	d.Border = h.border != nil && h.border.Number() == id
	for _, m := range h.sys.Devices {
		if m.Number() != id || m.LwM2M() == nil {
			continue
		}
		if c := m.LwM2M().Client(); c != nil {
			d.Client, d.LwM2M = c.EndpointName(), strings.TrimPrefix(c.State().String(), "STATE_")
		}
	}
	return d
}

// received takes a packet of a real program for the mesh, on any goroutine.
func (h *home) received(packet []byte) {
	p := append([]byte(nil), packet...)
	h.shown.Post(func() {
		if h.back != nil {
			h.back.Deliver(p)
		}
	})
}

// run lets time pass until close.
func (h *home) run() {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	h.running.Go(func() { h.shown.Run(ctx) })
}

// close ends the mesh as a power cut does.
func (h *home) close() {
	if h.cancel != nil {
		h.cancel()
		h.running.Wait()
	}
	if h.sockets != nil {
		h.sockets.Close()
	}
}

// do runs f in the mesh's owner.
func (h *home) do(ctx context.Context, f func(now machine.Time)) error {
	return h.shown.Do(ctx, func(net *network.Network) error { f(net.World.Now()); return nil })
}
