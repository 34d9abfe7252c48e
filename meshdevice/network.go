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
		a, err := netip.ParseAddr(host)
		if err == nil && !a.Is4() {
			return d.node.Reaches(ip6.FromNetip(a))
		}
		v4 := anyone
		if err == nil {
			v4 = a.As4()
		}
		if dst, made := d.node.Synthesize(v4); made == nil && d.node.Reaches(dst) {
			return true
		}
		return err != nil && d.node.Reaches(somewhere)
	})
}

// somewhere and anyone are addresses outside of every mesh.
var (
	somewhere = ip6.MustParse("2001:db8::1")
	anyone    = [4]byte{192, 0, 2, 1}
)

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
