package meshdevice

import (
	"errors"
	"fmt"
	"net/netip"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
)

// mine reports whether an action of the node is for the LwM2M client.
func (d *Device) mine(a *machine.Action) bool {
	l := d.lw
	if l == nil {
		return false
	}
	switch v := a.Value.(type) {
	case *thread.Datagram:
		return v.Socket == l.socket
	case *dns.Response:
		_, ok := l.asks[a.Op]
		return ok
	}
	return false
}

// take gives the client what is for it.
func (d *Device) take(a *machine.Action) {
	l := d.lw
	if l == nil || l.dead {
		return
	}
	switch v := a.Value.(type) {
	case *thread.Datagram:
		path := machine.Path{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), l.port), Remote: netip.AddrPortFrom(l.inward(v.Peer), v.PeerPort)}
		l.client.Receive(d.now, a.Cause, path, v.Payload)
	case *dns.Response:
		d.resolved(a.Op, v)
	}
}

// fromClient carries out an action of the client.
func (d *Device) fromClient(a machine.Action) {
	l := d.lw
	if l.dead && a.Kind != machine.Persist {
		return
	}
	switch a.Kind {
	case machine.Send:
		if d.gate.Pass(a) {
			d.transmit(a)
		}
		return
	case machine.Persist:
		d.noteKeys(a.Records)
	case machine.Ask:
		switch v := a.Value.(type) {
		case *client.Resolve:
			d.resolve(a.Op, a.Cause, v.Host)
			return
		case *client.Download:
			l.client.Downloaded(d.now, a.Cause, a.Op, client.FetchPiece{}, errNoTCP)
			return
		case *client.CancelDownload:
			return
		case *client.Reboot:
			d.out.Push(a)
			d.reboot(a.Cause, v.Factory)
			return
		}
	case machine.Event:
		if _, ok := a.Value.(*client.Stopped); ok {
			l.stopped = true
			d.ended()
			return
		}
	}
	d.out.Push(a)
}

var errNoTCP = fmt.Errorf("%w: a node of a mesh has no TCP", client.ErrFetchURI)

// transmit sends a datagram of the client's by the node.
func (d *Device) transmit(a machine.Action) {
	l := d.lw
	if l == nil {
		return
	}
	dst, err := d.outward(a.Path.Remote.Addr())
	if err != nil {
		return // retransmission finds out whether there is a NAT64 by then
	}
	if d.sleepy() {
		d.node.SendFastPolls(d.now, a.Cause, 0)
	}
	_ = d.node.SendUDP(d.now, a.Cause, l.socket, thread.UDPMessage{Dst: dst, Port: a.Path.Remote.Port(), Payload: a.Data})
}

// alias is an IPv4 server with the address by which NAT64 reaches it: to the client it has the IPv4 address all the time,
// so that another border router with another prefix changes nothing for its session.
type alias struct {
	v4 netip.Addr
	v6 ip6.Address
}

const maxAliases = 16

func (d *Device) outward(to netip.Addr) (ip6.Address, error) {
	if !to.Is4() {
		return ip6.FromNetip(to), nil
	}
	dst, err := d.node.Synthesize(to.As4())
	if err != nil {
		return dst, fmt.Errorf("%v is reached by NAT64 only, and no border router offers it: %w", to, err)
	}
	l := d.lw
	for i := range l.aliases {
		if l.aliases[i].v4 == to {
			l.aliases[i].v6 = dst
			return dst, nil
		}
	}
	if len(l.aliases) == maxAliases {
		l.aliases = append(l.aliases[:0], l.aliases[1:]...)
	}
	l.aliases = append(l.aliases, alias{to, dst})
	return dst, nil
}

func (l *lwm2mState) inward(from ip6.Address) netip.Addr {
	for _, a := range l.aliases {
		if a.v6 == from {
			return a.v4
		}
	}
	return from.Netip()
}

// ask is a name that the client wants to know the addresses of.
type ask struct {
	op    machine.OpID
	cause machine.Cause
	host  string
}

func (d *Device) resolve(op machine.OpID, cause machine.Cause, host string) {
	l := d.lw
	id, err := d.node.ResolveName(d.now, cause, host, false, dns.Settings{})
	if err != nil {
		l.client.Resolved(d.now, cause, op, nil, nameError(host, err))
		return
	}
	if l.asks == nil {
		l.asks = map[machine.OpID]ask{}
	}
	l.asks[id] = ask{op, cause, host}
}

func (d *Device) resolved(id machine.OpID, r *dns.Response) {
	l := d.lw
	q := l.asks[id]
	delete(l.asks, id)
	if r.Err != nil {
		l.client.Resolved(d.now, q.cause, q.op, nil, nameError(q.host, r.Err))
		return
	}
	var list []netip.Addr
	for _, a := range r.Addresses {
		list = append(list, a.IP.Netip())
	}
	var err error
	if len(list) == 0 {
		err = nameError(q.host, errNoAddress)
	}
	l.client.Resolved(d.now, q.cause, q.op, list, err)
}

var errNoAddress = errors.New("it has no address")

func nameError(host string, err error) error { return fmt.Errorf("the name %.64q: %w", host, err) }
