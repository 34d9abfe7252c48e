package border

import (
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// sendInfra sends a message on the infrastructure link.
func (r *Router) sendInfra(dst ip6.Address, message []byte) {
	if c := r.node.BorderCounted(); c != nil {
		switch ip6.ICMPType(message[0]) {
		case ip6.RouterAdvert:
			c.RATxSuccess++
		case ip6.RouterSolicit:
			c.RSTxSuccess++
		}
	}
	index, _, _ := r.routing.Link() // before Init nothing is sent
	r.push(machine.Send, &InfraMessage{Link: index, Src: r.c.Infra.Address, Dst: dst, ICMPv6: r.copy(message)})
}

// InfraReceived takes in a message from the infrastructure link; our own may be among those to all. m is borrowed.
func (r *Router) InfraReceived(now machine.Time, cause machine.Cause, m InfraMessage) {
	r.cause = cause
	if index, up, err := r.routing.Link(); err != nil || !up || m.Link != index || len(m.ICMPv6) < ip6.ICMPSize {
		return
	}
	if target, err := nd.ParseNeighborSolicit(m.ICMPv6); err == nil {
		if r.c.Infra.Solicited && target == r.c.Infra.Address {
			b := nd.AppendNeighborAdvert(nil, target)
			r.sendInfra(m.Src, nd.AppendLink(b, nd.TypeTargetLink, r.c.Infra.Link))
		}
		return
	}
	if c := r.node.BorderCounted(); c != nil && r.routing.State() == routing.Running {
		switch ip6.ICMPType(m.ICMPv6[0]) {
		case ip6.RouterAdvert:
			c.RARx++
		case ip6.RouterSolicit:
			c.RSRx++
		}
	}
	r.node.Do(now, cause, func() { r.routing.Received(now, m.Src, m.ICMPv6) })
}
