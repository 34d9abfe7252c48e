package mesh

import (
	"fmt"
	"math"
	"slices"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/thread/radio"
)

// Device is a machine with a radio: a whole Thread node, or less.
type Device interface {
	machine.Machine
	// RadioReceived takes in a frame that the radio accepted, and acknowledged where that was asked for.
	RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame)
	// RadioSent answers a Transmit.
	RadioSent(now machine.Time, cause machine.Cause, s radio.Sent)
	// RadioEnergy answers an EnergyScan.
	RadioEnergy(now machine.Time, cause machine.Cause, rssi int8)
}

// Node is a computer with a radio. It is the simulation's driver of the Device on it: it feeds it, drains it after each
// input, sends what may be sent and gives commits to its disk.
type Node struct {
	// OnAction is called with every Event, Result and Ask that is not for the radio, and with every Send of another kind
	// than a frame: what leaves a border router. It may call Do.
	OnAction func(now machine.Time, a machine.Action)

	index    int
	name     string
	medium   *Medium
	position Position
	links    []link // who hears it, by number, where positions say so
	group    uint16

	device   Device // nil: the computer is off
	boots    int
	gate     machine.Gate
	draining bool
	timer    *sim.Timer
	disk     *sim.Disk
	radio    station
}

// Add puts a computer into the world. It is off until Boot. Its number is one more than the last one's.
func (m *Medium) Add(at Position) *Node {
	n := &Node{index: len(m.nodes), medium: m, position: at}
	n.name = fmt.Sprint("node ", n.index+1)
	n.disk = m.world.Disk(n.name)
	n.timer = m.world.Timer(n.expire)
	n.radio.init(n)
	m.nodes = append(m.nodes, n)
	n.place()
	return n
}

// Number returns the node's number, from 1.
func (n *Node) Number() int { return n.index + 1 }

// Name returns "node " and its number.
func (n *Node) Name() string { return n.name }

// Disk returns the node's disk, which outlives every device on it.
func (n *Node) Disk() *sim.Disk { return n.disk }

// Device returns the machine that runs, or nil.
func (n *Node) Device() Device { return n.device }

// On reports whether a machine is running.
func (n *Node) On() bool { return n.device != nil }

// Position returns where the node is.
func (n *Node) Position() Position { return n.position }

// Medium returns the air around it.
func (n *Node) Medium() *Medium { return n.medium }

// Move carries the node to another place.
func (n *Node) Move(to Position) {
	if s := n.medium.space; s != nil {
		s.remove(n.index, n.position)
		for _, l := range n.links {
			peer := n.medium.nodes[l.peer]
			if at, ok := slices.BinarySearchFunc(peer.links, n.index, comparePeer); ok {
				peer.links = slices.Delete(peer.links, at, at+1)
			}
		}
		n.links = nil
	}
	n.position = to
	n.place()
}

// place finds out who hears the node and whom it hears.
func (n *Node) place() {
	m := n.medium
	if m.space == nil {
		return
	}
	m.space.near(n.position, func(i int) {
		peer := m.nodes[i]
		rssi := m.config.Propagation.rssi(n.position, peer.position, m.shadows.of(n.index, i))
		if math.Round(rssi) < audible {
			return
		}
		r := int8(math.Round(min(rssi, 0)))
		n.links = append(n.links, link{int32(i), r})
		at, _ := slices.BinarySearchFunc(peer.links, n.index, comparePeer)
		peer.links = slices.Insert(peer.links, at, link{int32(n.index), r})
	})
	slices.SortFunc(n.links, func(a, b link) int { return int(a.peer - b.peer) })
	m.space.add(n.index, n.position)
}

func comparePeer(l link, i int) int { return int(l.peer) - i }

func (n *Node) linkTo(i int) int8 {
	if at, ok := slices.BinarySearchFunc(n.links, i, comparePeer); ok {
		return n.links[at].rssi
	}
	return deaf
}

// Boot starts a device. Whatever it wants right from the start is drained.
func (n *Node) Boot(d Device) {
	n.Crash()
	n.boots++
	n.device, n.gate = d, machine.Gate{}
	n.disk.Mount(n.committed)
	n.drain()
}

// Crash stops the device as a power cut does: what it held is gone, and so is what its disk had not synced.
func (n *Node) Crash() {
	if n.device == nil {
		return
	}
	n.timer.Stop()
	n.device = nil
	n.radio.off()
	n.disk.Crash()
}

// Do runs f as an input of the device, and drains. f is not called when the node is off.
func (n *Node) Do(f func(now machine.Time)) {
	if n.device == nil {
		return
	}
	f(n.medium.world.Now())
	n.drain()
}

func (n *Node) expire() {
	now := n.medium.world.Now()
	n.device.Expire(now)
	if d := n.device.Deadline(); d <= now {
		panic("mesh: " + n.name + ": the deadline is not after Expire's now")
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
	d, boot := n.device, n.boots
	for n.device != nil && n.boots == boot {
		a, ok := d.Next()
		if !ok {
			break
		}
		n.act(a)
	}
	n.draining = false
	if n.device == nil {
		return
	}
	if n.boots != boot { // a reset in the midst of a drain: the new device's start was not drained
		n.drain()
		return
	}
	if at := d.Deadline(); at != n.timer.At() {
		n.timer.Set(at)
	}
}

func (n *Node) act(a machine.Action) {
	switch a.Kind {
	case machine.Send:
		t, ok := a.Value.(*radio.Transmit)
		if !ok {
			if n.OnAction != nil {
				n.OnAction(n.medium.world.Now(), a)
			}
			return
		}
		f := n.medium.newFlight(n, t) // what t points to is the radio's only until the next input
		f.cause, a.Value, a.Data = a.Cause, f, nil
		if n.gate.Pass(a) {
			n.radio.transmit(f)
		}
	case machine.Persist:
		n.disk.Write(a.Seq, a.Records)
	default:
		if a.Kind == machine.Ask && n.radio.ask(a) {
			return
		}
		if n.OnAction != nil {
			n.OnAction(n.medium.world.Now(), a)
		}
	}
}

func (n *Node) committed(seq machine.Seq, err error) {
	now := n.medium.world.Now()
	d, ok := n.device.(machine.Durable)
	if !ok {
		return
	}
	if err != nil {
		n.gate.PersistFailed(seq)
		d.PersistFailed(now, seq, err)
	} else {
		n.gate.Persisted(seq, func(a machine.Action) { n.radio.transmit(a.Value.(*flight)) })
		d.Persisted(now, seq)
	}
	n.drain()
}
