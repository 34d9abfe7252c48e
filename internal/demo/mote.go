package demo

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"heddle.example/internal/follow"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/sim/system"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/joining"
)

// mote is a device on the mesh.
type mote struct {
	home    *home
	spec    *spec
	device  *system.Device
	booted  bool
	stopped chan struct{} // closed when LwM2M has deregistered
}

// sleepPoll is how often a sleepy device polls its parent.
const sleepPoll = 500 * time.Millisecond

// account is how a device on the mesh reaches its server: most by a name that has an IPv4 address only, through NAT64, some
// natively by IPv6.
func (d *Demo) account(s *spec) client.Account {
	to, to6 := d.server(s)
	if s.family.native && to6.IsValid() {
		return s.account(Server6.String(), to6.Port())
	}
	return s.account(ServerName, to.Port())
}

// start adds a device to the mesh. It is off until the border router leads, or boots at once if it does.
func (h *home) start(ctx context.Context, s *spec, a client.Account) (running, error) {
	p, ok := places[s.name]
	if !ok {
		p = place{guestAt, network.Router}
	}
	o := &meshdevice.StartOptions{Options: words.Options{Name: s.name}, Servers: []client.Account{a}, Version: s.family.version, Queue: meshdevice.QueueOff}
	if s.family.queue {
		o.Queue = meshdevice.QueueOn
	}
	if s.name == sleeper {
		o.Awake, o.Servers[0].Lifetime = sleeperAwake, sleeperLifetime
	}
	m := &mote{home: h, spec: s, stopped: make(chan struct{})}
	err := h.do(ctx, func(machine.Time) {
		m.device = h.sys.AddDevice(system.DeviceConfig{Position: p.at, Kind: p.kind, Poll: sleepPoll, Off: true,
			LwM2M: meshdevice.Config{Kinds: s.kinds(), Profile: s.profile(), Start: o, Spread: time.Second}})
		m.device.Node.OnEvent = m.event
		h.shells[m.device.Number()] = m.device.Shell
		h.call(m.device.Number(), follow.Node{Name: s.name, Sleepy: p.kind == network.SED})
		h.motes = append(h.motes, m)
		if m.booted = h.ready; h.ready {
			h.boot(m)
		}
	})
	return m, err
}

func (m *mote) event(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.Stopped:
		select {
		case <-m.stopped:
		default:
			close(m.stopped)
		}
	case *info.JoinerDone:
		m.home.joined(m, v.Err)
	}
}

// Stop implements running.
func (m *mote) Stop(ctx context.Context) error {
	err := m.home.do(ctx, func(machine.Time) {
		m.device.Do(func(now machine.Time, d *meshdevice.Device) { d.Stop(now, 0) })
	})
	if err != nil {
		return err
	}
	select {
	case <-m.stopped:
	case <-ctx.Done():
	}
	return m.Kill(context.WithoutCancel(ctx))
}

// Kill implements running.
func (m *mote) Kill(ctx context.Context) error {
	return m.home.do(ctx, func(machine.Time) { m.device.Kill() })
}

// Update implements running.
func (m *mote) Update() error {
	return m.home.do(context.Background(), func(machine.Time) {
		m.device.Do(func(now machine.Time, d *meshdevice.Device) {
			d.Do(now, 0, func(c *client.Client) { c.Update(now, 0, words.ShortServerID) })
		})
	})
}

// found forms the network with the border router as its leader, and boots the others as soon as it leads. It runs in the
// mesh's owner.
func (h *home) found() {
	h.addBorder(borderAt)
	h.call(h.border.Number(), follow.Node{Name: "border router"})
	h.border.Join(h.dataset)
	// Nobody else is there: it need not look for a network for six seconds first.
	h.border.Input(func(now machine.Time, n *thread.Node) { _ = n.BecomeLeader(now) })
	for _, at := range routersAt {
		h.routers = append(h.routers, h.net.Add(network.NodeConfig{Position: at, Off: true}))
	}
	h.every(100*time.Millisecond, h.proceed)
}

// addBorder adds the border router. It runs in the mesh's owner.
func (h *home) addBorder(at mesh.Position) {
	h.border = h.sys.AddRouter(system.RouterConfig{Position: at, DNS: []netip.AddrPort{nameServer}})
	h.shells[h.border.Number()] = h.border.Shell
}

// every calls f again and again, until it reports true.
func (h *home) every(d time.Duration, f func() bool) {
	h.net.World.After(d, func() {
		if !f() {
			h.every(d, f)
		}
	})
}

// proceed brings the mesh up one stage after another: routers first, so that the devices find a parent at once.
func (h *home) proceed() bool {
	if !h.border.Attached() {
		return false
	}
	next := len(h.up)
	switch {
	case next > 0 && !h.up[next-1].Attached():
		return false
	case next > 0 && !h.up[next-1].Role().RouterOrLeader():
		h.up[next-1].Input(func(now machine.Time, n *thread.Node) { _ = n.BecomeRouter(now) })
		return false
	}
	if next == 0 {
		h.border.Input(func(now machine.Time, n *thread.Node) { _ = n.CommissionerStart(now, 0) })
	}
	// Whoever stands nearer than the next router finds a parent now.
	wait := time.Duration(0)
	for _, m := range h.motes {
		if x := m.device.Position().X; !m.booted && (next == len(h.routers) || x < h.routers[next].Position().X) {
			m.booted = true
			h.net.World.After(wait, func() { h.boot(m) })
			wait += bootGap
		}
	}
	if next == len(h.routers) {
		h.ready = true
		return true
	}
	h.routers[next].Boot()
	h.routers[next].Join(h.dataset)
	h.up = append(h.up, h.routers[next])
	return false
}

// bootGap keeps devices from asking for a parent all at once.
const bootGap = 50 * time.Millisecond

// boot switches a device on. All but one hold the network's dataset.
func (h *home) boot(m *mote) {
	m.device.Boot()
	if m.spec.name != joiner {
		m.device.Join(h.dataset)
		return
	}
	h.shown.Note("note", m.device.Number(), fmt.Sprintf("%s knows no network: it is let in with its password", m.spec.name))
	h.every(200*time.Millisecond, func() bool { return h.letIn(m) })
}

// letIn commissions a device, as soon as the border router is the commissioner.
func (h *home) letIn(m *mote) bool {
	done := false
	h.border.Input(func(now machine.Time, n *thread.Node) {
		if n.CommissionerState() != joining.Active {
			return
		}
		done = true
		err := n.AddJoiner(now, 0, joining.Entry{Kind: joining.ByEUI64, EUI64: network.EUI64(m.device.Number()), Password: joinerPSKd}, 2*time.Minute)
		if err != nil {
			h.shown.Note("note", m.device.Number(), "it is not let in: "+err.Error())
		}
	})
	if done {
		// The steering data needs a moment to be in all beacons.
		h.net.World.After(300*time.Millisecond, func() { h.beginJoin(m) })
	}
	return done
}

func (h *home) beginJoin(m *mote) {
	m.device.Input(func(now machine.Time, n *thread.Node) {
		_ = n.Up(now, 0)
		_ = n.JoinerStart(now, 0, joining.JoinerConfig{Password: joinerPSKd})
	})
}

// joined starts Thread on a device that was let in, and has one that was not try again.
func (h *home) joined(m *mote, err error) {
	if err != nil {
		h.shown.Note("note", m.device.Number(), fmt.Sprintf("%s was not let in: %v", m.spec.name, err))
		h.net.World.After(time.Second, func() { h.beginJoin(m) })
		return
	}
	h.shown.Note("note", m.device.Number(), fmt.Sprintf("%s has the network's keys", m.spec.name))
	h.net.World.After(0, func() { m.device.Start() })
}
