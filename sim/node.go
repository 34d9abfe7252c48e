package sim

import (
	"net/netip"

	"heddle.example/machine"
)

// Node is a computer with one machine on it. It is the simulation's driver: it feeds the machine, drains it after each
// input, sends what may be sent and gives commits to its disk.
type Node struct {
	// OnAction is called with every Event, Result and Ask of the machine. It may call Do.
	OnAction func(now machine.Time, a machine.Action)

	name     string
	world    *World
	network  *Network
	addrs    []netip.Addr
	m        machine.Machine // nil: the computer is off
	gate     machine.Gate
	timer    machine.TimerID
	wake     func()
	draining bool
	disk     *Disk
	boots    int
}

// Node adds a computer with the given addresses to a network. It is off until Boot.
func (w *World) Node(name string, network *Network, addrs ...netip.Addr) *Node {
	n := &Node{name: name, world: w, network: network, addrs: addrs}
	n.disk, n.wake = w.Disk(name), n.expire
	if network != nil {
		for _, a := range addrs {
			network.attach(a, n.arrive)
		}
	}
	return n
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Disk returns the node's disk, which outlives every machine on it.
func (n *Node) Disk() *Disk { return n.disk }

// On reports whether a machine is running.
func (n *Node) On() bool { return n.m != nil }

// Boot starts a machine. Whatever it wants right from the start is drained.
func (n *Node) Boot(m machine.Machine) {
	n.Crash()
	n.boots++
	n.m, n.gate = m, machine.Gate{}
	n.disk.Mount(n.committed)
	n.drain()
}

// Crash stops the machine as kill -9 and a power cut do: what it held is gone, and so is what its disk had not synced.
func (n *Node) Crash() {
	if n.m == nil {
		return
	}
	n.world.events.Stop(n.timer)
	n.m, n.timer = nil, 0
	n.disk.Crash()
}

// Do runs f as an input of the machine, and drains. f is not called when the node is off.
func (n *Node) Do(f func(now machine.Time)) {
	if n.m == nil {
		return
	}
	f(n.world.now)
	n.drain()
}

// Move gives the node another address in place of old, as a new lease or another network does. Datagrams to the old
// address are lost.
func (n *Node) Move(old, new netip.Addr) {
	for i, a := range n.addrs {
		if a == old {
			n.network.detach(old)
			n.addrs[i] = new
			n.network.attach(new, n.arrive)
			n.world.Log("%s moves from %v to %v", n.name, old, new)
		}
	}
}

func (n *Node) arrive(from, to netip.AddrPort, b []byte) {
	if n.m == nil {
		return
	}
	n.m.Receive(n.world.now, n.world.Cause(), machine.Path{Local: to, Remote: from}, b)
	clear(b) // a machine that kept a borrowed datagram shows it
	n.drain()
}

func (n *Node) expire() {
	n.timer = 0 // it has fired
	n.m.Expire(n.world.now)
	if d := n.m.Deadline(); d <= n.world.now {
		panic("sim: " + n.name + ": the deadline is not after Expire's now")
	}
	n.drain()
}

// drain takes out all actions. An OnAction that calls Do comes back here while the outer drain is on its way: the outer
// one goes on with what was added.
func (n *Node) drain() {
	if n.draining {
		return
	}
	n.draining = true
	m, boot := n.m, n.boots
	for n.m != nil && n.boots == boot {
		a, ok := m.Next()
		if !ok {
			break
		}
		switch a.Kind {
		case machine.Send:
			if n.gate.Pass(a) {
				n.send(a)
			}
		case machine.Persist:
			n.disk.Write(a.Seq, a.Records)
		default:
			if n.OnAction != nil {
				n.OnAction(n.world.now, a)
			}
		}
	}
	n.draining = false
	if n.m != nil {
		n.timer = n.world.events.Set(n.timer, n.m.Deadline(), n.wake)
	}
}

func (n *Node) send(a machine.Action) {
	from := a.Path.Local
	if !from.Addr().IsValid() || from.Addr().IsUnspecified() || !n.has(from.Addr()) {
		from = netip.AddrPortFrom(n.source(a.Path.Remote.Addr()), from.Port())
	}
	if from.Addr().IsValid() {
		n.network.send(from, a.Path.Remote, a.Data)
	}
}

func (n *Node) has(addr netip.Addr) bool {
	for _, a := range n.addrs {
		if a == addr {
			return true
		}
	}
	return false
}

// source chooses the node's address for a destination: the first of the same family.
func (n *Node) source(to netip.Addr) netip.Addr {
	for _, a := range n.addrs {
		if a.Is4() == to.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

func (n *Node) committed(seq machine.Seq, err error) {
	d, ok := n.m.(machine.Durable)
	if !ok {
		return
	}
	if err != nil {
		n.gate.PersistFailed(seq)
		d.PersistFailed(n.world.now, seq, err)
	} else {
		n.gate.Persisted(seq, n.send)
		d.Persisted(n.world.now, seq)
	}
	n.drain()
}
