package thread

import (
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/ip6"
	"heddle.example/thread/srp"
)

// nameServer is the node as a DNS server, on its own port as long as the interface is up.
type nameServer struct {
	server   *dnssd.Server // nil until it is asked
	socket   SocketID
	upstream func(now machine.Time, client netip.AddrPort, query []byte)
	beside   func(now machine.Time, client netip.AddrPort, query []byte) bool
	waiting  []abroad
}

// abroad is a query that somebody else answers.
type abroad struct {
	client netip.AddrPort
	local  ip6.Address
	id     uint16
	until  machine.Time
}

const (
	dnsPort      = 53
	maxForwarded = 32
	// A client has asked again by then (config/dnssd_server.h).
	forwardTimeout = 6 * time.Second
)

// SetUpstreamDNS says who is asked for names that are not of this network. Nil: nobody is, and they do not exist. query is
// borrowed. The answer comes by AnswerDNS.
func (n *Node) SetUpstreamDNS(f func(now machine.Time, client netip.AddrPort, query []byte)) {
	n.registry.names.upstream = f
}

// SetLinkDNS says who is asked for names of this network that nobody has registered with it: a border router asks the link
// beside the mesh (RFC 8766). f reports whether it will answer, by AnswerDNS; query is borrowed.
func (n *Node) SetLinkDNS(f func(now machine.Time, client netip.AddrPort, query []byte) bool) {
	n.registry.names.beside = f
}

// UpstreamDNS reports whether names of elsewhere are asked for.
func (n *Node) UpstreamDNS() bool { return n.registry.names.upstream != nil }

// AnswerDNS sends a client the answer to a query that went upstream. It is called within an input: see Do.
func (n *Node) AnswerDNS(now machine.Time, client netip.AddrPort, message []byte) {
	s := &n.registry.names
	if len(message) < dns.HeaderSize {
		return
	}
	id := uint16(message[0])<<8 | uint16(message[1])
	for i, f := range s.waiting {
		if f.client == client && f.id == id {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			n.answerFrom(now, f.local, dnsPort, ip6.FromNetip(client.Addr()), client.Port(), message)
			return
		}
	}
}

// DNSCounters returns what the DNS server has answered.
func (n *Node) DNSCounters() (c dnssd.ServerCounters) {
	if s := n.registry.names.server; s != nil {
		c = s.Counters
	}
	return c
}

func (n *Node) startNameServer() {
	id, err := n.HandleUDP(n.receiveDNS)
	if err == nil {
		n.registry.names.socket = id
		_ = n.BindUDP(id, ip6.Unspecified, dnsPort) // any address is ours
	}
}

func (n *Node) stopNameServer() {
	s := &n.registry.names
	_ = n.CloseUDP(s.socket) // it may not be open
	s.socket, s.waiting = 0, nil
}

func (n *Node) receiveDNS(now machine.Time, d *Datagram) {
	r := &n.registry
	s := &r.names
	if r.shared && r.server.Receive(now, peerOf(d), d.Payload) {
		return
	}
	if s.server == nil {
		s.server = dnssd.NewServer((*nameEnv)(n))
	}
	// Who is not of the mesh does not get answers through us that he could get himself.
	ours := d.Peer.IsLinkLocalUnicast() || n.data.OnMesh(d.Peer) || n.HasAddress(d.Peer)
	client := netip.AddrPortFrom(d.Peer.Netip(), d.PeerPort)
	if s.upstream == nil || !dnssd.Abroad(d.Payload) || !ours {
		b := s.server.AnswerOr(now, d.Payload, func() bool {
			return s.beside != nil && ours && n.askBeside(now, client, d)
		})
		if b != nil {
			n.answerFrom(now, d.Local, dnsPort, d.Peer, d.PeerPort, b)
		}
		return
	}
	if !n.awaitAnswer(now, client, d) {
		n.answerFrom(now, d.Local, dnsPort, d.Peer, d.PeerPort, s.server.Failure(d.Payload))
		return
	}
	s.server.Counters.Upstream++
	s.upstream(now, client, d.Payload)
}

func (n *Node) askBeside(now machine.Time, client netip.AddrPort, d *Datagram) bool {
	if !n.awaitAnswer(now, client, d) {
		return false
	}
	s := &n.registry.names
	if s.beside(now, client, d.Payload) {
		return true
	}
	s.waiting = s.waiting[:len(s.waiting)-1]
	return false
}

// awaitAnswer takes note of a query that AnswerDNS will answer, if there is room.
func (n *Node) awaitAnswer(now machine.Time, client netip.AddrPort, d *Datagram) bool {
	s := &n.registry.names
	f := abroad{client, d.Local, uint16(d.Payload[0])<<8 | uint16(d.Payload[1]), now.Add(forwardTimeout)}
	s.waiting = slices.DeleteFunc(s.waiting, func(o abroad) bool { return o.until <= now || o.client == f.client && o.id == f.id })
	if len(s.waiting) >= maxForwarded {
		return false
	}
	s.waiting = append(s.waiting, f)
	return true
}

// nameEnv is the Node as dnssd.ServerEnv.
type nameEnv Node

// Own implements dnssd.ServerEnv.
func (e *nameEnv) Own() (name string, list []ip6.Address) {
	n := (*Node)(e)
	for _, a := range n.unicast {
		if a.Valid && a.Preferred && !a.Addr.IsLinkLocalUnicast() && !n.isMeshLocal(a.Addr) {
			list = append(list, a.Addr)
		}
	}
	if len(list) == 0 {
		list = append(list, n.mle.MeshLocalEID())
	}
	return "otDNS" + n.mac.Ext().String(), list
}

// EachHost implements dnssd.ServerEnv.
func (e *nameEnv) EachHost(now machine.Time, f func(h dnssd.Host) bool) {
	s := e.registry.server
	if s == nil {
		return
	}
	for _, h := range s.Hosts() {
		if !h.Deleted() && h.Expires() > now && !f(registered{h}) {
			return
		}
	}
}

// registered is a host of the registry for those that ask for names.
type registered struct{ *srp.RegisteredHost }

func (r registered) FullName() dns.Name          { return r.Name }
func (r registered) TTL(now machine.Time) uint32 { return srp.Left(now, r.Expires()) }
func (r registered) Addresses() []ip6.Address    { return r.RegisteredHost.Addresses }
func (r registered) Key() []byte                 { return r.KeyData() }

func (r registered) EachService(f func(s dnssd.Registered) bool) {
	for _, s := range r.Services {
		if !s.Deleted && !f(offered{s}) {
			return
		}
	}
}

type offered struct{ *srp.RegisteredService }

func (o offered) Instance() dns.Name          { return o.RegisteredService.Instance }
func (o offered) TTL(now machine.Time) uint32 { return srp.Left(now, o.Expires()) }
func (o offered) Text() []byte                { return o.RegisteredService.Text }
func (o offered) Where() (port, priority, weight uint16) {
	return o.Port, o.Priority, o.Weight
}
