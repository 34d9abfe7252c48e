package sim

import (
	"net/netip"
	"time"

	"heddle.example/machine"
)

// LinkConfig says what a network does to a datagram. Shares are from 0 to 1.
type LinkConfig struct {
	Loss      float64       // share of datagrams that never arrive
	Duplicate float64       // share that arrives twice
	Reorder   float64       // share that is held back by up to ten times DelayMax more
	DelayMin  time.Duration // one way; 1 ms where both are zero
	DelayMax  time.Duration
	MTU       int // bytes of UDP payload; larger datagrams are lost. 0: 65,507
}

// Filter may decide the fate of a datagram before chance does.
type Filter func(from, to netip.AddrPort, b []byte) Verdict

// Verdict is what a Filter decides.
type Verdict uint8

// The verdicts.
const (
	Chance Verdict = iota // let LinkConfig decide
	Drop
	Deliver // deliver once, in time
)

// Network is an IP network in which every attached address reaches every other.
type Network struct {
	// Filter, where set, sees every datagram first.
	Filter Filter

	world    *World
	name     string
	config   LinkConfig
	rand     source
	stations map[netip.Addr]func(from, to netip.AddrPort, b []byte)
	uplink   func(from, to netip.AddrPort, b []byte) // a NAT's inside: where unknown destinations go
	taps     []func(at machine.Time, from, to netip.AddrPort, b []byte)
	stats    NetworkStats
}

// NetworkStats counts what became of datagrams.
type NetworkStats struct{ Sent, Delivered, Lost, Duplicated, Reordered, NoRoute, TooBig uint64 }

// Network makes a network.
func (w *World) Network(name string, c LinkConfig) *Network {
	if c.DelayMin == 0 && c.DelayMax == 0 {
		c.DelayMin, c.DelayMax = time.Millisecond, time.Millisecond
	}
	c.DelayMax = max(c.DelayMin, c.DelayMax)
	if c.MTU == 0 {
		c.MTU = 65507
	}
	return &Network{world: w, name: name, config: c, rand: w.source("network " + name),
		stations: map[netip.Addr]func(from, to netip.AddrPort, b []byte){}}
}

// SetLink changes what the network does from now on.
func (n *Network) SetLink(c LinkConfig) {
	m := n.world.Network(n.name, c)
	n.config = m.config
}

// Stats returns the counters.
func (n *Network) Stats() NetworkStats { return n.stats }

// Tap calls f with every datagram that is sent, before anything happens to it.
func (n *Network) Tap(f func(at machine.Time, from, to netip.AddrPort, b []byte)) {
	n.taps = append(n.taps, f)
}

// Inject sends a datagram as if from any address: spoofed, replayed or malformed.
func (n *Network) Inject(from, to netip.AddrPort, b []byte) { n.send(from, to, b) }

// Attach gives what is sent to an address to f, which borrows b: a station that is no Node. nil detaches it.
func (n *Network) Attach(a netip.Addr, f func(from, to netip.AddrPort, b []byte)) {
	if f == nil {
		n.detach(a)
	} else {
		n.attach(a, f)
	}
}

// Has reports whether a station has an address.
func (n *Network) Has(a netip.Addr) bool { return n.stations[a] != nil }

// Uplink gives what is sent to addresses that nobody has to f: the way out of a network. A NAT sets it, too.
func (n *Network) Uplink(f func(from, to netip.AddrPort, b []byte)) { n.uplink = f }

func (n *Network) attach(a netip.Addr, f func(from, to netip.AddrPort, b []byte)) { n.stations[a] = f }
func (n *Network) detach(a netip.Addr)                                            { delete(n.stations, a) }

// chance draws whether something with share p happens. It draws even where p is 0, so that a changed share does not
// shift the rest of the stream.
func (n *Network) chance(p float64) bool { return float64(n.rand.Uint64()>>11)/(1<<53) < p }

func (n *Network) delay() time.Duration {
	span := uint64(n.config.DelayMax - n.config.DelayMin)
	return n.config.DelayMin + time.Duration(n.rand.Uint64()%(span+1))
}

func (n *Network) send(from, to netip.AddrPort, b []byte) {
	n.stats.Sent++
	for _, tap := range n.taps {
		tap(n.world.now, from, to, b)
	}
	if !n.world.Quiet {
		n.world.Log("%s: %v > %v %d bytes", n.name, from, to, len(b))
	}
	if len(b) > n.config.MTU {
		n.stats.TooBig++
		return
	}
	lost, twice, late := n.chance(n.config.Loss), n.chance(n.config.Duplicate), n.chance(n.config.Reorder)
	delay, again := n.delay(), n.delay()
	if n.Filter != nil {
		switch n.Filter(from, to, b) {
		case Drop:
			lost = true
		case Deliver:
			lost, twice, late = false, false, false
		}
	}
	if lost {
		n.stats.Lost++
		return
	}
	if late {
		n.stats.Reordered++
		delay += time.Duration(n.rand.Uint64() % uint64(10*n.config.DelayMax+1))
	}
	n.deliver(delay, from, to, b)
	if twice {
		n.stats.Duplicated++
		n.deliver(delay+again, from, to, b)
	}
}

func (n *Network) deliver(delay time.Duration, from, to netip.AddrPort, b []byte) {
	b = append([]byte(nil), b...)
	n.world.After(delay, func() {
		switch f := n.stations[to.Addr()]; {
		case f != nil:
			n.stats.Delivered++
			f(from, to, b)
		case n.uplink != nil:
			n.stats.Delivered++
			n.uplink(from, to, b)
		default:
			n.stats.NoRoute++
		}
	})
}
