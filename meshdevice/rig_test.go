package meshdevice_test

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/shell"
)

// rig is a mesh whose leader is a border router: behind it is an LwM2M server, one millisecond away.
type rig struct {
	t      testing.TB
	net    *network.Network
	border *network.Node
	far    *far
}

var (
	serverAddr = netip.MustParseAddr("fdaa::10")
	pskKey     = []byte("0123456789abcdef")
)

// far is a server beyond the border router.
type far struct {
	r        *rig
	server   *server.Server
	deadline machine.Time
	events   []any
	outcomes map[machine.OpID]server.Outcome
	down     bool
	heard    int // datagrams
}

type anyone struct{}

func (anyone) ByEndpoint(ep string) (server.Credential, bool) {
	return server.Credential{Endpoint: ep, Identity: "id-" + ep, Key: pskKey, Mode: machine.PSK}, strings.HasPrefix(ep, "secure")
}

func (a anyone) ByIdentity(id []byte) (server.Credential, bool) {
	return a.ByEndpoint(strings.TrimPrefix(string(id), "id-"))
}

func newRig(t *testing.T, seed uint64, c mesh.Config) *rig {
	t.Helper()
	r := &rig{t: t, net: network.New(seed, c)}
	r.net.World.Quiet = true
	r.far = &far{r: r, outcomes: map[machine.OpID]server.Outcome{}, deadline: machine.Never}
	r.far.server = server.New(server.Config{Rand: r.net.World.Rand("server"), Credentials: anyone{}, Unknown: server.AcceptUnknown,
		DTLS: &dtls.Config{}, Secure: func(local netip.AddrPort) bool { return local.Port() == 5684 }})
	r.far.server.Started(r.net.World.Now())
	r.far.drain()
	r.border = r.net.Add(network.NodeConfig{Configure: func(c *thread.Config) { c.Host = r.leaves }})
	if !r.border.Form(network.Dataset(0)) {
		t.Fatal("no leader")
	}
	r.border.Input(func(now machine.Time, x *thread.Node) {
		x.Do(now, 0, func() {
			d := x.NetData()
			_ = d.AddOnMeshPrefix(now, netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd11:22::/64"), OnMesh: true, SLAAC: true, Preferred: true, Stable: true})
			_ = d.AddExternalRoute(now, netdata.ExternalRoute{Prefix: ip6.MustParsePrefix("fc00::/7"), Stable: true})
			d.Register(now)
		})
	})
	r.net.Run(time.Second)
	return r
}

// leaves takes a datagram that leaves the mesh to the server.
func (r *rig) leaves(_ machine.Time, b []byte) {
	b = append([]byte(nil), b...)
	r.net.World.After(time.Millisecond, func() {
		p, err := ip6.ParsePacket(b)
		if err != nil || p.Proto != ip6.UDP || p.Dst.Netip() != serverAddr || r.far.down {
			return
		}
		f := r.far
		f.heard++
		f.server.Receive(r.net.World.Now(), r.net.World.Cause(), machine.Path{Local: netip.AddrPortFrom(serverAddr, p.DstPort),
			Remote: netip.AddrPortFrom(p.Src.Netip(), p.SrcPort)}, b[p.At+ip6.UDPSize:])
		f.drain()
	})
}

func (f *far) drain() {
	w := f.r.net.World
	for {
		a, ok := f.server.Next()
		if !ok {
			break
		}
		switch a.Kind {
		case machine.Send:
			h := ip6.Header{HopLimit: 64, Src: ip6.FromNetip(a.Path.Local.Addr()), Dst: ip6.FromNetip(a.Path.Remote.Addr())}
			b := ip6.AppendUDP(nil, h, a.Path.Local.Port(), a.Path.Remote.Port(), a.Data)
			w.After(time.Millisecond, func() {
				f.r.border.Input(func(now machine.Time, x *thread.Node) { x.Receive(now, w.Cause(), machine.Path{}, b) })
			})
		case machine.Persist:
			f.server.Persisted(w.Now(), a.Seq)
		case machine.Result:
			f.outcomes[a.Op] = *a.Value.(*server.Outcome)
		case machine.Event:
			f.events = append(f.events, a.Value)
		}
	}
	if d := f.server.Deadline(); d != f.deadline && d != machine.Never {
		f.deadline = d
		w.At(d, func() {
			if f.deadline == d {
				f.deadline = machine.Never
				f.server.Expire(w.Now())
				f.drain()
			}
		})
	}
}

// do asks the server for an operation and waits for its end.
func (r *rig) do(ep string, op server.Operation) server.Outcome {
	r.t.Helper()
	id := r.far.server.Do(r.net.World.Now(), r.net.World.Cause(), ep, &op)
	r.far.drain()
	r.net.RunUntil(func() bool { _, ok := r.far.outcomes[id]; return ok }, 10*time.Minute)
	return r.far.outcomes[id]
}

func (r *rig) registered(ep string) bool {
	reg, _, ok := r.far.server.Registration(ep)
	return ok && reg != nil
}

// dev is a device in the mesh with its shell.
type dev struct {
	*network.Node
	r     *rig
	d     *meshdevice.Device
	shell *shell.Shell
}

func (r *rig) device(nc network.NodeConfig, c meshdevice.Config) *dev {
	x := &dev{r: r}
	nc.Make = func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		c.Thread = tc
		d, err := meshdevice.New(c)
		if err != nil {
			return nil, nil, err
		}
		x.d = d
		var sc shell.Config
		d.AddTo(&sc)
		x.shell = shell.New(d.Node(), sc)
		return d, d.Node(), nil
	}
	x.Node = r.net.Add(nc)
	x.OnEvent = func(now machine.Time, a machine.Action) { x.shell.Observe(now, a) }
	return x
}

// typed types a line and returns what was printed until its end, at most a minute later.
func (x *dev) typed(line string) string {
	x.shell.Output()
	x.Do(func(now machine.Time) { x.shell.Run(now, x.r.net.World.Cause(), line) })
	x.r.net.RunUntil(func() bool { return !x.shell.Pending() }, time.Minute)
	return x.take()
}

// take returns what was printed since.
func (x *dev) take() string {
	return prompts.ReplaceAllString(strings.ReplaceAll(string(x.shell.Output()), "\r\n", "\n"), "")
}

func (x *dev) state() client.State { return x.d.Status().State }

func (x *dev) ready(d time.Duration) bool {
	return x.r.net.RunUntil(func() bool { return x.state() == client.StateReady }, d)
}

func (x *dev) join(t *testing.T) {
	t.Helper()
	x.Join(network.Dataset(0))
	if !x.WaitAttached(time.Minute) {
		t.Fatal("not attached")
	}
}

var prompts = regexp.MustCompile(`(?m)^(> )+`)
