package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/offers"
	"heddle.example/thread/srp"
)

// srpServerEnv is the Node as srp.ServerEnv.
type srpServerEnv Node

// SRPServer returns the server of the service registration. Its methods that take a time are inputs of the node: see Do.
func (n *Node) SRPServer() *srp.Server {
	if n.registry.server == nil {
		n.registry.server = srp.NewServer((*srpServerEnv)(n))
		n.data.OnPublisherEvent(func(now machine.Time, e offers.PublisherEvent) {
			if e.DNSSRP {
				n.registry.server.Published(now, e.Added)
			}
		})
	}
	return n.registry.server
}

// OnSRPAuto says who is told that a border router is to switch the server (`srp server auto`).
func (n *Node) OnSRPAuto(f func(now machine.Time, on bool)) { n.registry.auto = f }

// OpenServer implements srp.ServerEnv.
func (e *srpServerEnv) OpenServer(port uint16) error {
	n := (*Node)(e)
	if port == dnsPort && n.registry.names.socket != 0 {
		n.registry.shared = true
		return nil
	}
	id, err := n.HandleUDP(func(now machine.Time, d *Datagram) { n.registry.server.Receive(now, peerOf(d), d.Payload) })
	if err != nil {
		return err
	}
	n.registry.serverSocket = id
	return n.BindUDP(id, ip6.Unspecified, port)
}

func peerOf(d *Datagram) srp.Peer { return srp.Peer{Local: d.Local, IP: d.Peer, Port: d.PeerPort} }

// CloseServer implements srp.ServerEnv.
func (e *srpServerEnv) CloseServer() {
	n := (*Node)(e)
	n.registry.shared = false
	_ = n.CloseUDP(n.registry.serverSocket) // it may not be open
	n.registry.serverSocket = 0
}

// Answer implements srp.ServerEnv.
func (e *srpServerEnv) Answer(now machine.Time, to srp.Peer, b []byte) {
	(*Node)(e).answerFrom(now, to.Local, e.registry.server.Port(), to.IP, to.Port, b)
}

// Publish implements srp.ServerEnv.
func (e *srpServerEnv) Publish(now machine.Time, m srp.AddressMode, port uint16, sequence uint8) error {
	d := e.data
	switch m {
	case srp.Anycast:
		d.PublishDNSSRPAnycast(now, sequence, 0)
	case srp.UnicastForceAdd:
		u := netdata.DNSSRPUnicast{Address: e.mle.MeshLocalEID(), Port: port}
		if err := d.AddService(now, netdata.ThreadEnterprise, []byte{netdata.ServiceUnicast}, true, u.Append(nil)); err != nil {
			return err
		}
		d.Register(now)
	default:
		d.PublishDNSSRPMeshLocal(now, port, 0)
	}
	return nil
}

// Unpublish implements srp.ServerEnv.
func (e *srpServerEnv) Unpublish(now machine.Time, m srp.AddressMode) {
	if m != srp.UnicastForceAdd {
		e.data.UnpublishDNSSRP(now)
		return
	}
	_ = e.data.RemoveService(netdata.ThreadEnterprise, []byte{netdata.ServiceUnicast}) // there may be none
	e.data.Register(now)
}

// Others implements srp.ServerEnv.
func (e *srpServerEnv) Others() bool {
	n := (*Node)(e)
	d := n.data.Data()
	if _, ok := d.PreferredAnycast(); ok {
		return true
	}
	for _, u := range d.DNSSRPUnicast(nil, n.meshLocal()) {
		if u.InService || u.RLOC16 != n.table.Self.RLOC16 && u.Address != n.mle.MeshLocalEID() {
			return true
		}
	}
	return false
}

// Attached implements srp.ServerEnv.
func (e *srpServerEnv) Attached() bool { return e.table.Self.Role.Attached() }

// Setting implements srp.ServerEnv.
func (e *srpServerEnv) Setting(name string) []byte { return (*Node)(e).LoadSetting(name) }

// StoreSetting implements srp.ServerEnv.
func (e *srpServerEnv) StoreSetting(name string, value []byte) { (*Node)(e).StoreSetting(name, value) }

// AutoEnabled implements srp.ServerEnv. Without a border router nothing switches the server.
func (e *srpServerEnv) AutoEnabled(now machine.Time, on bool) {
	if e.registry.auto != nil {
		e.registry.auto(now, on)
	}
}

// Registered implements srp.ServerEnv: where the client is, its other addresses are, too.
func (e *srpServerEnv) Registered(now machine.Time, from srp.Peer, list []ip6.Address) {
	if !e.config.MTD {
		e.mesh.Resolver.Learn(now, from.IP, list)
	}
}
