package mesh

import (
	"fmt"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/sim"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// Config says what the air is like.
type Config struct {
	// AirTime makes frames take time, collide and capture, and radios see whether the channel is free.
	AirTime bool
	// Propagation, where set, says who hears whom by their Positions. Without it all hear all, with strength RSSI.
	Propagation *Propagation
	RSSI        int8    // -20 dBm by default, as on OpenThread's simulated radio
	Loss        float64 // share of frames that a receiver loses, on top of everything else
	// CCA is the strength in dBm from which on the channel is busy. By default it is that of a carrier which can be
	// received, as with CCA mode 3 of IEEE 802.15.4; -75 is the energy that OpenThread's radios look for, and makes most
	// pairs of nodes in a large network hidden from each other.
	CCA   int8
	Delay time.Duration // without air time: how long a frame takes (1 us)
}

// Link overrides what the air would make of the way from one node to another.
type Link struct {
	Off  bool
	RSSI int8 // 0: as the air has it
	Loss float64
}

// Tap sees every frame that leaves an antenna, acknowledgements too. rssi is its strength at the addressed receiver, or
// at the nearest one.
type Tap func(at machine.Time, from *Node, channel uint8, rssi int8, psdu []byte)

// Medium is the air between the radios of a world.
type Medium struct {
	world  *sim.World
	config Config
	rand   machine.Rand
	nodes  []*Node // a node's number less 1 is its index

	listening   [channels]set
	promiscuous set
	byShort     map[uint16][]int32
	byExt       map[ieee802154.ExtAddr][]int32

	sync      time.Duration // from the start of a frame to its first bit after the preamble
	space     *space
	shadows   shadows
	overrides map[uint64]Link
	split     bool // nodes have groups that do not hear each other

	active   [channels][]*flight
	free     []*flight
	scratch  [][]int32
	taps     []Tap
	follower func(h *Hop)
	stats    Stats
}

const (
	firstChannel = 11
	channels     = 16
)

// Caps is what the simulated radios do by themselves.
const Caps = radio.CapAckTimeout | radio.CapEnergyScan | radio.CapSleepToTx | radio.CapTimedTx

// New makes an empty medium. Its randomness is the world's stream "air".
func New(w *sim.World, c Config) *Medium {
	if c.RSSI == 0 {
		c.RSSI = -20
	}
	if c.CCA == 0 {
		c.CCA = carrierSensed
	}
	if c.Delay == 0 {
		c.Delay = time.Microsecond
	}
	m := &Medium{world: w, config: c, rand: w.Rand("air"), byShort: map[uint16][]int32{}, byExt: map[ieee802154.ExtAddr][]int32{}}
	if c.AirTime {
		m.sync = synchronisation * byteTime
	}
	if p := c.Propagation; p != nil {
		m.space = newSpace(p.Reach(audible - 3*p.Shadow))
		m.shadows = newShadows(w.Rand("shadows"))
	}
	return m
}

// World returns the world that the medium belongs to.
func (m *Medium) World() *sim.World { return m.world }

// Config returns what the air is like.
func (m *Medium) Config() Config { return m.config }

// Nodes returns all nodes, in the order of their numbers.
func (m *Medium) Nodes() []*Node { return m.nodes }

// Node returns the node with a number from 1, or nil.
func (m *Medium) Node(number int) *Node {
	if number < 1 || number > len(m.nodes) {
		return nil
	}
	return m.nodes[number-1]
}

// Tap calls f with every frame that is sent.
func (m *Medium) Tap(f Tap) { m.taps = append(m.taps, f) }

// SetLoss changes the share of frames that receivers lose.
func (m *Medium) SetLoss(share float64) { m.config.Loss = share }

// SetLink overrides both directions between two nodes; SetOneWay only the one. The zero Link takes an override back.
func (m *Medium) SetLink(a, b int, l Link) {
	m.SetOneWay(a, b, l)
	m.SetOneWay(b, a, l)
}

// SetOneWay overrides the way from one node to another.
func (m *Medium) SetOneWay(from, to int, l Link) {
	if m.Node(from) == nil || m.Node(to) == nil {
		panic(fmt.Sprintf("mesh: no link from node %d to node %d", from, to))
	}
	if m.overrides == nil {
		m.overrides = map[uint64]Link{}
	}
	if l == (Link{}) {
		delete(m.overrides, pair(from-1, to-1))
	} else {
		m.overrides[pair(from-1, to-1)] = l
	}
}

// Only leaves the links between neighbours of each path on, and all others off: Only([]int{1, 2, 3}) makes a line.
func (m *Medium) Only(paths ...[]int) {
	on := map[uint64]bool{}
	for _, p := range paths {
		for i := 1; i < len(p); i++ {
			on[pair(p[i-1]-1, p[i]-1)], on[pair(p[i]-1, p[i-1]-1)] = true, true
		}
	}
	for a := range m.nodes {
		for b := range m.nodes {
			if a != b {
				m.SetOneWay(a+1, b+1, Link{Off: !on[pair(a, b)]})
			}
		}
	}
}

// Split parts the nodes into groups that do not hear each other; who is in no group is in one with the others of that
// kind. Heal takes it back.
func (m *Medium) Split(groups ...[]int) {
	m.Heal()
	for g, members := range groups {
		for _, n := range members {
			if node := m.Node(n); node != nil {
				node.group, m.split = uint16(g+1), true
			}
		}
	}
}

// Heal lets all hear each other again who could before Split.
func (m *Medium) Heal() {
	for _, n := range m.nodes {
		n.group = 0
	}
	m.split = false
}

func pair(from, to int) uint64 { return uint64(from)<<32 | uint64(to) }

// deaf is the strength of what is not heard at all.
const deaf int8 = -128

// hears returns the strength at to of what from sends, or deaf, and the loss of an override.
func (m *Medium) hears(from, to *Node) (rssi int8, loss float64) {
	if m.split && from.group != to.group {
		return deaf, 0
	}
	rssi = m.config.RSSI
	if m.space != nil {
		rssi = from.linkTo(to.index)
	}
	if m.overrides != nil {
		if l, ok := m.overrides[pair(from.index, to.index)]; ok {
			switch {
			case l.Off:
				return deaf, 0
			case l.RSSI != 0:
				rssi = l.RSSI
			}
			loss = l.Loss
		}
	}
	return rssi, loss
}

// RSSI returns the strength at node to of what node from sends, and whether it can be received.
func (m *Medium) RSSI(from, to int) (int8, bool) {
	a, b := m.Node(from), m.Node(to)
	if a == nil || b == nil || a == b {
		return deaf, false
	}
	r, _ := m.hears(a, b)
	return r, r >= Sensitivity
}

// Degree returns how many others can receive what a node sends.
func (m *Medium) Degree(number int) int {
	n := 0
	for i := range m.nodes {
		if _, ok := m.RSSI(number, i+1); ok {
			n++
		}
	}
	return n
}

// lost draws whether chance loses a frame. Where nothing is ever lost it draws nothing, which saves a draw for each
// hearer of each broadcast.
func (m *Medium) lost(chance float64) bool { return chance > 0 && uniform(m.rand) < chance }

// candidates returns who may have to deal with a frame, by the address in it: all that listen, or those with the address
// and those that hear everything. The list is given back with done.
func (m *Medium) candidates(f *flight) []int32 {
	var list []int32
	if n := len(m.scratch); n > 0 {
		list, m.scratch = m.scratch[n-1][:0], m.scratch[:n-1]
	}
	ch := f.air.Channel - firstChannel
	h := f.air.Parsed()
	switch {
	case h != nil && h.Dst.Kind == ieee802154.Short && !h.Dst.IsBroadcast():
		list = append(list, m.byShort[h.Dst.Short]...)
		return m.promiscuous.appendTo(list)
	case h != nil && h.Dst.Kind == ieee802154.Extended:
		list = append(list, m.byExt[h.Dst.Ext]...)
		return m.promiscuous.appendTo(list)
	case m.space != nil && m.overrides == nil:
		for _, l := range f.from.links {
			if l.rssi >= Sensitivity && m.listening[ch].has(int(l.peer)) {
				list = append(list, l.peer)
			}
		}
		return list
	}
	return m.listening[ch].appendTo(list)
}

func (m *Medium) done(list []int32) { m.scratch = append(m.scratch, list) }

// index keeps byShort and byExt right as radios change their addresses. Lists are in the order of the nodes' numbers.
func addIndex[K comparable](by map[K][]int32, key K, i int) {
	list := by[key]
	at, found := slices.BinarySearch(list, int32(i))
	if !found {
		by[key] = slices.Insert(list, at, int32(i))
	}
}

func dropIndex[K comparable](by map[K][]int32, key K, i int) {
	list := by[key]
	if at, found := slices.BinarySearch(list, int32(i)); found {
		if list = slices.Delete(list, at, at+1); len(list) == 0 {
			delete(by, key)
		} else {
			by[key] = list
		}
	}
}

func (m *Medium) tap(at machine.Time, from *Node, f *flight) {
	if len(m.taps) == 0 {
		return
	}
	rssi := m.config.RSSI
	if m.space != nil {
		rssi = deaf
		list := m.candidates(f)
		for _, i := range list {
			if int(i) != from.index {
				r, _ := m.hears(from, m.nodes[i])
				rssi = max(rssi, r)
			}
		}
		m.done(list)
	}
	for _, t := range m.taps {
		t(at, from, f.air.Channel, rssi, f.air.PSDU)
	}
}
