package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/srp"
	"heddle.example/thread/tmf"
)

// registry is the node's part in the service registration: its client and its server, once they are used, and its DNS server.
type registry struct {
	client       *srp.Client
	clientSocket SocketID
	server       *srp.Server
	serverSocket SocketID
	shared       bool // the server uses the DNS server's socket
	auto         func(now machine.Time, on bool)
	names        nameServer
}

// srpClientEnv is the Node as srp.ClientEnv.
type srpClientEnv Node

// SRPClient returns the client. What it does to be told of it is an input of the node: see Do.
func (n *Node) SRPClient() *srp.Client {
	if n.registry.client == nil {
		n.registry.client = srp.NewClient((*srpClientEnv)(n), n.config.Rand, n.profile.SRPAutoStart)
	}
	return n.registry.client
}

// OpenClient implements srp.ClientEnv.
func (e *srpClientEnv) OpenClient(server ip6.Address, port uint16) error {
	n := (*Node)(e)
	id, err := n.HandleUDP(func(now machine.Time, d *Datagram) { n.registry.client.Receive(now, d.Payload) })
	if err != nil {
		return err
	}
	n.registry.clientSocket = id
	return n.ConnectUDP(id, server, port)
}

// CloseClient implements srp.ClientEnv.
func (e *srpClientEnv) CloseClient() {
	n := (*Node)(e)
	_ = n.CloseUDP(n.registry.clientSocket) // it may be closed
	n.registry.clientSocket = 0
}

// SendUpdate implements srp.ClientEnv.
func (e *srpClientEnv) SendUpdate(now machine.Time, server ip6.Address, port uint16, b []byte) error {
	n := (*Node)(e)
	return n.SendUDP(now, n.cause, n.registry.clientSocket, UDPMessage{Dst: server, Port: port, Payload: b})
}

// Attached implements srp.ClientEnv.
func (e *srpClientEnv) Attached() bool { return e.table.Self.Role.Attached() }

// Poll implements srp.ClientEnv.
func (e *srpClientEnv) Poll(now machine.Time, count uint8) {
	switch {
	case e.mac.RxOnWhenIdle():
	case count == 0:
		e.mac.StopFastPolls(now)
	default:
		e.mac.SendFastPolls(now, count)
	}
}

// Addresses implements srp.ClientEnv.
func (e *srpClientEnv) Addresses() (list []srp.OwnAddress, meshLocal ip6.Address) {
	for i := range e.unicast {
		a := &e.unicast[i]
		if !a.Addr.IsLinkLocalUnicast() && !(*Node)(e).isMeshLocal(a.Addr) {
			list = append(list, srp.OwnAddress{IP: a.Addr, Preferred: a.Preferred, Valid: a.Valid, SLAAC: a.Origin == OriginSLAAC})
		}
	}
	return list, e.mle.MeshLocalEID()
}

// Servers implements srp.ClientEnv.
func (e *srpClientEnv) Servers() (s srp.Servers) {
	n := (*Node)(e)
	d := n.data.Data()
	for _, u := range d.DNSSRPUnicast(nil, n.meshLocal()) {
		c := srp.Candidate{IP: u.Address, Port: u.Port, Version: u.Version}
		if u.InService {
			s.InService = append(s.InService, c)
		} else {
			s.InServer = append(s.InServer, c)
		}
	}
	if a, ok := d.PreferredAnycast(); ok {
		s.Anycast, s.Sequence = ip6.RLOC(n.meshLocal(), netdata.ServiceALOC16(a.ServiceID)), a.Sequence
	}
	return s
}

// Selected implements srp.ClientEnv: the server of the registry is the one that is asked for names.
func (e *srpClientEnv) Selected(_ machine.Time, server ip6.Address) {
	if !server.IsUnspecified() {
		(*Node)(e).dns().SetAutoServer(server)
	}
}

// Setting implements srp.ClientEnv.
func (e *srpClientEnv) Setting(name string) []byte { return (*Node)(e).LoadSetting(name) }

// StoreSetting implements srp.ClientEnv.
func (e *srpClientEnv) StoreSetting(name string, value []byte) { (*Node)(e).StoreSetting(name, value) }

// Updated implements srp.ClientEnv.
func (e *srpClientEnv) Updated(_ machine.Time, u *srp.Update) { (*Node)(e).event(0, u) }

// registryChanged tells the registration what has changed.
func (n *Node) registryChanged(now machine.Time, f Flags) {
	r := &n.registry
	if r.client == nil && n.profile.SRPAutoStart && f&RoleChanged != 0 && n.table.Self.Role.Attached() {
		n.SRPClient()
	}
	if c := r.client; c != nil {
		if f&RoleChanged != 0 {
			c.RoleChanged(now)
		}
		if f&(NetDataChanged|MeshLocalChanged) != 0 {
			c.NetDataChanged(now)
		}
		if f&(AddressAdded|AddressRemoved|MeshLocalChanged) != 0 {
			c.AddressesChanged(now)
		}
	}
	if r.server != nil && f&(RoleChanged|NetDataChanged) != 0 {
		r.server.NetworkChanged(now)
	}
}

func (n *Node) registryDeadline() machine.Time {
	at := machine.Never
	if n.registry.client != nil {
		at = n.registry.client.Deadline()
	}
	if n.registry.server != nil {
		at = min(at, n.registry.server.Deadline())
	}
	return at
}

func (n *Node) expireRegistry(now machine.Time) {
	if c := n.registry.client; c != nil {
		c.Expire(now)
	}
	if s := n.registry.server; s != nil && s.Deadline() <= now {
		s.Expire(now)
	}
}

// answerFrom sends an answer from the address and the port that a question came to.
func (n *Node) answerFrom(now machine.Time, local ip6.Address, from uint16, to ip6.Address, port uint16, b []byte) {
	o := outgoing{dst: to, priority: tmf.Normal}
	if !local.IsMulticast() {
		o.src = local
	}
	_ = n.sendUDP(now, o, from, port, b) // the other end asks again
}
