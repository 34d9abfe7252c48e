package sim

import (
	"net/netip"
	"time"

	"heddle.example/machine"
)

// NAT joins an inside network to an outside one through one address. Its mappings are endpoint-independent (RFC 4787
// section 4.1), its filter lets in only who was written to, and a mapping is forgotten after Timeout without a datagram
// from inside.
type NAT struct {
	Timeout time.Duration

	world    *World
	outside  *Network
	inside   *Network
	addr     netip.Addr
	next     uint16
	mappings []natMapping // in order of making
}

type natMapping struct {
	inside netip.AddrPort
	port   uint16
	last   machine.Time
	peers  []netip.AddrPort
}

// NAT puts a NAT with the outside address addr between two networks.
func (w *World) NAT(inside, outside *Network, addr netip.Addr, timeout time.Duration) *NAT {
	n := &NAT{Timeout: timeout, world: w, outside: outside, inside: inside, addr: addr, next: 20000}
	inside.uplink = n.fromInside
	outside.attach(addr, n.fromOutside)
	return n
}

// Forget drops every mapping, as a reboot of the router does. New mappings get new ports.
func (n *NAT) Forget() { n.mappings = nil }

// Mappings returns how many mappings are alive.
func (n *NAT) Mappings() int { n.expire(); return len(n.mappings) }

func (n *NAT) expire() {
	keep := n.mappings[:0]
	for _, m := range n.mappings {
		if n.world.now.Sub(m.last) < n.Timeout {
			keep = append(keep, m)
		}
	}
	n.mappings = keep
}

func (n *NAT) fromInside(from, to netip.AddrPort, b []byte) {
	n.expire()
	i := 0
	for i < len(n.mappings) && n.mappings[i].inside != from {
		i++
	}
	if i == len(n.mappings) {
		n.next++
		n.mappings = append(n.mappings, natMapping{inside: from, port: n.next})
	}
	m := &n.mappings[i]
	m.last = n.world.now
	known := false
	for _, p := range m.peers {
		known = known || p == to
	}
	if !known {
		m.peers = append(m.peers, to)
	}
	n.outside.send(netip.AddrPortFrom(n.addr, m.port), to, b)
}

func (n *NAT) fromOutside(from, to netip.AddrPort, b []byte) {
	n.expire()
	for _, m := range n.mappings {
		if m.port != to.Port() {
			continue
		}
		for _, p := range m.peers {
			if p == from {
				n.inside.send(from, m.inside, b)
				return
			}
		}
	}
}
