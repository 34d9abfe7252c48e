// Package network puts Thread nodes on the simulated radio: it boots, resets, kills and moves them, waits for what they
// come to, and pings. It is the bench of all Thread tests, and what `heddle sim` runs.
package network

import (
	"encoding/binary"
	"fmt"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
)

// Network is a world with Thread nodes in it.
type Network struct {
	*mesh.Medium
	World *sim.World

	nodes []*Node
	keys  *keys.Cache
}

// Node is one Thread device with its computer.
type Node struct {
	*mesh.Node
	// OnEvent is called with every Event and Result of the node, after the bench has looked at it, and with every Send that
	// is no frame. It may call Do.
	OnEvent func(now machine.Time, a machine.Action)

	net    *Network
	config NodeConfig
	thread *thread.Node // nil: off
	pings  map[machine.OpID]*Ping
	resets int
	joined bool // it starts Thread at boot
}

// NodeConfig says what kind of device a node is.
type NodeConfig struct {
	Position mesh.Position
	MTD      bool // never a router, as MED and SED
	Kind     Kind // what Join makes of it
	// PollPeriod is how often a sleepy node polls; 0: as it does by itself.
	PollPeriod time.Duration
	Profile    *thread.Profile // nil: thread.DefaultProfile
	Off        bool            // not booted yet
	// Configure, where set, changes what the node is made with, at every boot.
	Configure func(*thread.Config)
	// Make, where set, makes the machine that has the radio: a device that is a Thread node and more, and the node in it.
	// Its inputs are those of the machine; without it the Thread node is all there is.
	Make func(c thread.Config) (mesh.Device, *thread.Node, error)
	// OnBoot, where set, is called after every boot and reset, inside an input.
	OnBoot func(now machine.Time, t *thread.Node)
}

// New makes a world of a seed with an empty air.
func New(seed uint64, c mesh.Config) *Network { return In(sim.New(seed), c) }

// In puts an empty air into a world.
func In(w *sim.World, c mesh.Config) *Network {
	return &Network{Medium: mesh.New(w, c), World: w, keys: keys.NewCache()}
}

// Add adds a node and boots it, its interface down.
func (net *Network) Add(c NodeConfig) *Node {
	n := &Node{Node: net.Medium.Add(c.Position), net: net, config: c, pings: map[machine.OpID]*Ping{}}
	n.Node.OnAction = n.action
	net.nodes = append(net.nodes, n)
	if !c.Off {
		n.Boot()
	}
	return n
}

// AddMany adds n nodes of one kind.
func (net *Network) AddMany(n int, c NodeConfig) []*Node {
	list := make([]*Node, n)
	for i := range list {
		list[i] = net.Add(c)
	}
	return list
}

// Members returns all nodes, in the order of their numbers.
func (net *Network) Members() []*Node { return net.nodes }

// Member returns the node with a number from 1.
func (net *Network) Member(number int) *Node { return net.nodes[number-1] }

// EUI64 returns the factory-assigned address of the node with a number: that of OpenThread's simulated nodes.
func EUI64(number int) (e ieee802154.ExtAddr) {
	e = ieee802154.ExtAddr{0x18, 0xb4, 0x30, 0}
	binary.BigEndian.PutUint32(e[4:], uint32(number))
	return e
}

// Kind returns what part the node can play.
func (n *Node) Kind() Kind { return n.config.Kind }

// Thread returns the Thread node that runs, or nil.
func (n *Node) Thread() *thread.Node { return n.thread }

// Resets returns how often the node was made anew.
func (n *Node) Resets() int { return n.resets }

// Boot starts the node with the settings of its disk.
func (n *Node) Boot() {
	n.resets++
	c := thread.Config{
		Rand:     n.net.World.Rand(fmt.Sprintf("%s boot %d", n.Name(), n.resets)),
		EUI64:    EUI64(n.Number()),
		Now:      n.net.World.Now(),
		Profile:  n.config.Profile,
		MTD:      n.config.MTD || n.config.Kind == MED || n.config.Kind == SED,
		Caps:     mesh.Caps,
		Keys:     n.net.keys,
		Settings: n.Disk(),
	}
	if n.config.Configure != nil {
		n.config.Configure(&c)
	}
	d, t, err := n.config.make(c)
	if err != nil {
		panic(fmt.Sprintf("network: %s does not boot: %v", n.Name(), err))
	}
	n.thread = t
	clear(n.pings)
	n.Node.Boot(d)
	n.Do(func(now machine.Time) { d.Expire(now) })
	if n.joined {
		n.Do(func(now machine.Time) { n.start(now, t) })
	}
	if n.config.OnBoot != nil {
		n.Do(func(now machine.Time) { n.config.OnBoot(now, t) })
	}
}

func (c *NodeConfig) make(tc thread.Config) (mesh.Device, *thread.Node, error) {
	if c.Make != nil {
		return c.Make(tc)
	}
	t, err := thread.New(tc)
	return t, t, err
}

// Kill cuts the power.
func (n *Node) Kill() {
	n.Node.Crash()
	n.thread = nil
}

// Reset is a power cut and a boot.
func (n *Node) Reset() {
	n.Kill()
	n.Boot()
}

// FactoryReset is Reset with an empty disk.
func (n *Node) FactoryReset() {
	n.Kill()
	n.wipe()
	n.joined = false
	n.Boot()
}

func (n *Node) wipe() {
	for _, t := range n.Disk().Tables() {
		var gone [][]byte
		_ = n.Disk().Load(t, func(key, _ []byte) error { gone = append(gone, key); return nil })
		for _, k := range gone {
			n.Disk().Put(t, k, nil)
		}
	}
}

// Input runs f as an input of the Thread node. f is not called when the node is off.
func (n *Node) Input(f func(now machine.Time, t *thread.Node)) {
	n.Do(func(now machine.Time) { f(now, n.thread) })
}

func (n *Node) action(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *thread.ResetRequest:
		// What the node has asked of its disk is still on its way: a reset waits for it, a power cut does not.
		factory := v.Factory
		boots := n.resets
		n.net.World.After(n.Disk().SyncDelay, func() {
			if n.thread == nil || n.resets != boots {
				return
			}
			if factory {
				n.FactoryReset()
			} else {
				n.Reset()
			}
		})
		return
	case *thread.PingReply:
		if p := n.pings[a.Op]; p != nil {
			p.Replies = append(p.Replies, *v)
		}
	case *thread.PingStatistics:
		if p := n.pings[a.Op]; p != nil {
			delete(n.pings, a.Op)
			if p.PingStatistics, p.Done = *v, true; p.OnDone != nil {
				p.OnDone()
			}
		}
	}
	if n.OnEvent != nil {
		n.OnEvent(now, a)
	}
}

// Ping is what became of a ping.
type Ping struct {
	thread.PingStatistics
	Replies []thread.PingReply
	Done    bool
	Err     error  // it did not even start
	OnDone  func() // called at the end, where set
}

// StartPing begins a ping; its result fills in as time passes.
func (n *Node) StartPing(c thread.PingConfig) *Ping {
	p := &Ping{Err: errOff, Done: true}
	n.Input(func(now machine.Time, t *thread.Node) {
		op, err := t.Ping(now, n.net.World.Cause(), c)
		if p.Err = err; err == nil {
			p.Done = false
			n.pings[op] = p
		}
	})
	return p
}

var errOff = fmt.Errorf("network: the node is off")

// Ping pings once and waits for the end.
func (n *Node) Ping(dst ip6.Address) *Ping { return n.PingWith(thread.PingConfig{Dst: dst}) }

// PingWith pings as c says and waits for the end.
func (n *Node) PingWith(c thread.PingConfig) *Ping {
	p := n.StartPing(c)
	n.net.RunUntil(func() bool { return p.Done }, time.Hour)
	return p
}

// Run lets time pass.
func (net *Network) Run(d time.Duration) { net.World.RunFor(d) }

// RunUntil lets time pass until done, at most for d, and reports whether it came to that. It looks ten times a second.
func (net *Network) RunUntil(done func() bool, d time.Duration) bool {
	limit := net.World.Now().Add(d)
	for !done() {
		if net.World.Now() >= limit {
			return false
		}
		net.World.RunFor(min(lookEvery, limit.Sub(net.World.Now())))
	}
	return true
}

const lookEvery = 100 * time.Millisecond
