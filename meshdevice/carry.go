package meshdevice

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/thread"
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
	case *thread.Resolved:
		return slices.ContainsFunc(l.asks, func(q ask) bool { return q.id == a.Op })
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
	case *thread.Resolved:
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
			l.stopped = true // what it says after that comes first
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
	d.noteWay(dst)
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
	id    machine.OpID // of the node's Resolve
	op    machine.OpID // of the client's Ask
	cause machine.Cause
	host  string
}

func (d *Device) resolve(op machine.OpID, cause machine.Cause, host string) {
	l := d.lw
	id, err := d.node.Resolve(d.now, cause, host)
	if err != nil {
		l.client.Resolved(d.now, cause, op, nil, nameError(host, err))
		return
	}
	l.asks = append(l.asks, ask{id, op, cause, host})
}

// resolved answers the client. An address that NAT64 makes is given as the IPv4 address that it stands for: see alias.
func (d *Device) resolved(id machine.OpID, r *thread.Resolved) {
	l := d.lw
	i := slices.IndexFunc(l.asks, func(q ask) bool { return q.id == id })
	q := l.asks[i]
	l.asks = slices.Delete(l.asks, i, i+1)
	var list []netip.Addr
	for _, a := range r.Addresses {
		if a.IP4.IsValid() {
			list = append(list, a.IP4)
		} else {
			list = append(list, d.behindNAT64(a.IP))
		}
	}
	err := r.Err
	if err == nil && len(list) == 0 {
		err = errNoAddress
	}
	if err != nil {
		err = nameError(q.host, err)
	}
	l.client.Resolved(d.now, q.cause, q.op, list, err)
}

// behindNAT64 returns the IPv4 address that a name server with DNS64 has made an IPv6 address of, else the address itself.
func (d *Device) behindNAT64(a ip6.Address) netip.Addr {
	v4 := [4]byte(a[12:])
	if made, err := d.node.Synthesize(v4); err == nil && made == a {
		return netip.AddrFrom4(v4)
	}
	return a.Netip()
}

var errNoAddress = errors.New("it has no address")

func nameError(host string, err error) error {
	return fmt.Errorf("the name %.64q is not resolved (`dns resolve %.64s` asks for it): %w", host, host, err)
}
