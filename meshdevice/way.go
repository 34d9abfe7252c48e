package meshdevice

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// A server knows a device by the address that its datagrams came from: the node's own, or what a border router and the
// NATs behind it have made of it. When the way to the server is another one (the border router has died and another one took
// over, the mesh has another prefix) nothing of the server's arrives any more until the device says something: so it sends
// an Update, after a random while, since all devices notice it at once.

// way is how datagrams go to a server: from which address and by which border router.
type way struct {
	dst    ip6.Address
	src    ip6.Address
	border uint16
}

const maxWays = 16

// noteWay remembers how a datagram goes.
func (d *Device) noteWay(dst ip6.Address) {
	l := d.lw
	src, border, ok := d.node.WayTo(dst)
	if !ok {
		return
	}
	for i := range l.ways {
		if l.ways[i].dst == dst {
			l.ways[i] = way{dst, src, border}
			return
		}
	}
	if len(l.ways) == maxWays {
		l.ways = append(l.ways[:0], l.ways[1:]...)
	}
	l.ways = append(l.ways, way{dst, src, border})
}

// lookForWays finds out whether datagrams go another way than before.
func (d *Device) lookForWays() {
	l := d.lw
	if l == nil || l.dead || l.stopped || !l.begun || l.moveAt != machine.Never {
		return
	}
	for i := range l.ways {
		w := &l.ways[i]
		dst := w.dst
		for _, a := range l.aliases {
			if a.v6 == w.dst {
				if now, err := d.node.Synthesize(a.v4.As4()); err == nil {
					dst = now
				}
			}
		}
		src, border, ok := d.node.WayTo(dst)
		if ok && (src != w.src || border != w.border || dst != w.dst) {
			*w = way{dst, src, border}
			l.moveAt = d.somewhen()
		}
	}
}
