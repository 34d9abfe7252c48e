package thread

import (
	"iter"

	"heddle.example/machine"
	"heddle.example/thread/dhcp6"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// dhcp is DHCPv6 of a node whose network data has, or had, prefixes with addresses by it.
type dhcp struct {
	client       *dhcp6.Client
	server       *dhcp6.Server
	asks, serves SocketID
}

// updateDHCP follows a change of the network data.
func (n *Node) updateDHCP(now machine.Time) {
	if n.dhcp == nil {
		any := false
		for p := range n.data.Data().OnMeshPrefixes() {
			any = any || p.DHCP || p.Configure
		}
		if !any {
			return
		}
		n.dhcp = &dhcp{client: dhcp6.NewClient(n.config.Rand, (*dhcpClientEnv)(n)), server: dhcp6.NewServer((*dhcpServerEnv)(n))}
	}
	d := n.dhcp
	d.server.NetworkDataChanged(now)
	d.client.NetworkDataChanged(now)
	n.openDHCP()
}

// openDHCP opens and closes the ports, as they are needed.
func (n *Node) openDHCP() {
	d := n.dhcp
	port := func(id *SocketID, wanted bool, port uint16, handler func(now machine.Time, g *Datagram)) {
		switch {
		case wanted && *id == 0:
			var err error
			if *id, err = n.HandleUDP(handler); err == nil {
				_ = n.BindUDP(*id, ip6.Unspecified, port)
			}
		case !wanted && *id != 0:
			_ = n.CloseUDP(*id)
			*id = 0
		}
	}
	port(&d.asks, d.client.Asking(), dhcp6.ClientPort, func(now machine.Time, g *Datagram) {
		d.client.Receive(now, g.Payload)
		n.openDHCP()
	})
	port(&d.serves, d.server.Active(), dhcp6.ServerPort, func(now machine.Time, g *Datagram) { d.server.Receive(now, g.Peer, g.Payload) })
}

func (n *Node) dhcpDeadline() machine.Time {
	if n.dhcp == nil {
		return machine.Never
	}
	return n.dhcp.client.Deadline()
}

func (n *Node) expireDHCP(now machine.Time) { n.dhcp.client.Expire(now) }

type dhcpClientEnv Node

func (e *dhcpClientEnv) EUI64() [8]byte               { return e.config.EUI64 }
func (e *dhcpClientEnv) MeshLocalPrefix() ip6.Network { return (*Node)(e).meshLocal() }
func (e *dhcpClientEnv) OnMeshPrefixes() iter.Seq[netdata.OnMeshPrefix] {
	return e.data.Data().OnMeshPrefixes()
}

func (e *dhcpClientEnv) Send(now machine.Time, to ip6.Address, payload []byte) {
	n := (*Node)(e)
	_ = n.sendUDP(now, outgoing{src: n.rloc(), dst: to}, dhcp6.ClientPort, dhcp6.ServerPort, payload) // asked again
}

func (e *dhcpClientEnv) AddAddress(_ machine.Time, a ip6.Address, bits uint8, preferred, valid bool) {
	_ = (*Node)(e).AddAddress(Address{Addr: a, PrefixLength: bits, Origin: OriginDHCPv6, Preferred: preferred, Valid: valid})
}

func (e *dhcpClientEnv) RemoveAddress(_ machine.Time, a ip6.Address) { _ = (*Node)(e).RemoveAddress(a) }

type dhcpServerEnv Node

func (e *dhcpServerEnv) EUI64() [8]byte { return e.config.EUI64 }
func (e *dhcpServerEnv) RLOC16() uint16 { return e.table.Self.RLOC16 }
func (e *dhcpServerEnv) OnMeshPrefixes() iter.Seq[netdata.OnMeshPrefix] {
	return e.data.Data().OnMeshPrefixes()
}
func (e *dhcpServerEnv) ContextFor(a ip6.Address) (netdata.Context, bool) {
	return e.data.ContextFor(a)
}

func (e *dhcpServerEnv) Send(now machine.Time, to ip6.Address, payload []byte) {
	_ = (*Node)(e).sendUDP(now, outgoing{dst: to}, dhcp6.ServerPort, dhcp6.ClientPort, payload)
}

func (e *dhcpServerEnv) AddALOC(_ machine.Time, aloc16 uint16) { (*Node)(e).setLocator(aloc16, true) }
func (e *dhcpServerEnv) RemoveALOC(_ machine.Time, aloc16 uint16) {
	(*Node)(e).setLocator(aloc16, false)
}
