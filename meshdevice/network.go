package meshdevice

import (
	"net/netip"
	"slices"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
)

// attachedNow reports whether the node is part of a network.
func (d *Device) attachedNow() bool {
	switch d.node.Role() {
	case info.ChildRole, info.RouterRole, info.LeaderRole:
		return true
	}
	return false
}

// reachable reports whether there is a way to one of the servers, as far as one can tell.
func (d *Device) reachable() bool {
	return slices.ContainsFunc(d.lw.hosts, func(host string) bool {
		if a, err := netip.ParseAddr(host); err == nil && !a.Is4() {
			return d.node.Reaches(ip6.FromNetip(a))
		}
		if _, err := d.node.Synthesize([4]byte{}); err == nil {
			return true
		}
		return d.node.Reaches(somewhere) && netip.Addr{} == addrOf(host)
	})
}

// somewhere is an address outside of every mesh.
var somewhere = ip6.MustParse("2001:db8::1")

// addrOf returns the address that a host is written as, or none.
func addrOf(host string) netip.Addr {
	a, _ := netip.ParseAddr(host)
	return a
}

// networkChanged finds out whether LwM2M can begin, or try again.
func (d *Device) networkChanged() {
	l := d.lw
	if l == nil || l.dead || l.stopped {
		return
	}
	if !d.attachedNow() {
		l.attached = machine.Never
		return
	}
	back := l.attached == machine.Never
	if back {
		l.attached = d.now
	}
	reachable := d.reachable()
	came := reachable && (back || !l.reached)
	l.reached = reachable
	switch {
	case !l.begun && reachable:
		if at := d.somewhen(); at < l.beginAt {
			l.beginAt = at
		}
	case !l.begun && back:
		l.beginAt = min(l.beginAt, d.now.Add(patience))
	case l.begun && came && l.retryAt == machine.Never && l.client.State() == client.StateRegisterRequired:
		l.retryAt = d.somewhen()
	}
}
