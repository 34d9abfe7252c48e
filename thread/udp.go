package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// SocketID names a UDP socket of a node. Zero is none.
type SocketID uint32

// The range of ports that a socket gets when it was not bound to one (OpenThread's udp6.hpp).
const (
	dynamicPortMin = 49152
	dynamicPortMax = 65535
	srpPortMin     = 53535
	srpPortMax     = 53554
)

// maxSockets is the limit of sockets opened at once.
const maxSockets = 64

// socket is one UDP socket. Those of the node itself have a handler; the others' datagrams become events.
type socket struct {
	id                  SocketID
	local, peer         ip6.Address
	localPort, peerPort uint16
	handler             func(now machine.Time, d *Datagram)
}

// matches reports whether a datagram is for the socket.
func (s *socket) matches(d *Datagram) bool {
	if s.localPort != d.LocalPort || !d.Multicast && !s.local.IsUnspecified() && s.local != d.Local {
		return false
	}
	return s.peerPort == 0 || s.peerPort == d.PeerPort && (s.peer.IsUnspecified() || s.peer == d.Peer)
}

// OpenUDP opens a socket. What it receives are Event actions with a *Datagram.
func (n *Node) OpenUDP() (SocketID, error) { return n.openUDP(nil) }

// HandleUDP opens a socket whose datagrams go to a function instead.
func (n *Node) HandleUDP(handler func(now machine.Time, d *Datagram)) (SocketID, error) {
	return n.openUDP(handler)
}

func (n *Node) openUDP(handler func(now machine.Time, d *Datagram)) (SocketID, error) {
	if len(n.sockets) >= maxSockets {
		return 0, status.NoBufs
	}
	n.lastSocket++
	n.sockets = append(n.sockets, &socket{id: n.lastSocket, handler: handler})
	return n.lastSocket, nil
}

// clientPort returns the port of a socket that is opened when it is used first.
func (n *Node) clientPort(id *SocketID, handler func(now machine.Time, d *Datagram)) (uint16, error) {
	if s := n.socket(*id); s != nil {
		return s.localPort, nil
	}
	opened, err := n.HandleUDP(handler)
	if err != nil {
		return 0, err
	}
	*id = opened
	if err := n.BindUDP(opened, ip6.Unspecified, 0); err != nil {
		return 0, err
	}
	return n.socket(opened).localPort, nil
}

func (n *Node) socket(id SocketID) *socket {
	for _, s := range n.sockets {
		if s.id == id {
			return s
		}
	}
	return nil
}

// BindUDP gives a socket its address (unspecified: any) and port (0: a free one).
func (n *Node) BindUDP(id SocketID, addr ip6.Address, port uint16) error {
	s := n.socket(id)
	switch {
	case s == nil:
		return status.InvalidState
	case !addr.IsUnspecified() && !n.HasAddress(addr):
		return status.InvalidArgs
	}
	if port == 0 {
		port = n.freePort()
	}
	s.local, s.localPort = addr, port
	return nil
}

func (n *Node) freePort() uint16 {
	for {
		if n.lastPort < dynamicPortMin || n.lastPort == dynamicPortMax {
			n.lastPort = dynamicPortMin
		} else {
			n.lastPort++
		}
		if n.lastPort != tmf.Port && (n.lastPort < srpPortMin || n.lastPort > srpPortMax) && !n.portInUse(n.lastPort) {
			return n.lastPort
		}
	}
}

func (n *Node) portInUse(port uint16) bool {
	for _, s := range n.sockets {
		if s.localPort == port {
			return true
		}
	}
	return false
}

// ConnectUDP sets where a socket sends to, and from whom alone it receives.
func (n *Node) ConnectUDP(id SocketID, peer ip6.Address, port uint16) error {
	s := n.socket(id)
	if s == nil {
		return status.InvalidState
	}
	s.peer, s.peerPort = peer, port
	if s.localPort == 0 {
		s.localPort = n.freePort()
	}
	return nil
}

// UDPAddress returns a socket's own end and its peer.
func (n *Node) UDPAddress(id SocketID) (local ip6.Address, localPort uint16, peer ip6.Address, peerPort uint16, ok bool) {
	s := n.socket(id)
	if s == nil {
		return
	}
	return s.local, s.localPort, s.peer, s.peerPort, true
}

// UDPSockets returns all open sockets, the newest first, for netstat.
func (n *Node) UDPSockets() []SocketID {
	ids := make([]SocketID, 0, len(n.sockets))
	for i := len(n.sockets) - 1; i >= 0; i-- {
		ids = append(ids, n.sockets[i].id)
	}
	return ids
}

// CloseUDP closes a socket.
func (n *Node) CloseUDP(id SocketID) error {
	for i, s := range n.sockets {
		if s.id == id {
			n.sockets = append(n.sockets[:i], n.sockets[i+1:]...)
			return nil
		}
	}
	return status.InvalidState
}

// UDPMessage is what SendUDP sends. Zero fields take those of the socket and of the node.
type UDPMessage struct {
	Src      ip6.Address
	Dst      ip6.Address
	Port     uint16
	HopLimit uint8 // 0: 64
	Payload  []byte
	// MulticastLoop: the node hears its own multicast.
	MulticastLoop bool
	NoSecurity    bool // without link security, as a joiner needs it
}

// SendUDP sends a datagram from a socket.
func (n *Node) SendUDP(now machine.Time, cause machine.Cause, id SocketID, m UDPMessage) error {
	s := n.socket(id)
	if s == nil {
		return status.InvalidState
	}
	n.begin(now, cause)
	defer n.finish(now)
	if m.Dst.IsUnspecified() {
		if m.Dst = s.peer; m.Dst.IsUnspecified() {
			return status.InvalidArgs
		}
	}
	if m.Port == 0 {
		if m.Port = s.peerPort; m.Port == 0 {
			return status.InvalidArgs
		}
	}
	if m.Src.IsUnspecified() {
		m.Src = s.local
	}
	if s.localPort == 0 {
		s.localPort = n.freePort()
	}
	return n.sendUDP(now, outgoing{src: m.Src, dst: m.Dst, hopLimit: m.HopLimit, loop: m.MulticastLoop, noSecurity: m.NoSecurity,
		priority: tmf.Normal}, s.localPort, m.Port, m.Payload)
}

// sendUDP makes a datagram of a payload.
func (n *Node) sendUDP(now machine.Time, o outgoing, from, to uint16, payload []byte) error {
	h, err := n.header(&o)
	if err != nil {
		return err
	}
	if n.isTMF(h.Src, h.Dst, to) {
		h.DSCP = o.priority.DSCP()
	}
	return n.sendDatagram(now, &o, ip6.AppendUDP(make([]byte, 0, ip6.HeaderSize+ip6.UDPSize+len(payload)), h, from, to, payload))
}

// isTMF reports whether a datagram is of the management framework: on its port and within the mesh (tmf.cpp).
func (n *Node) isTMF(src, dst ip6.Address, port uint16) bool {
	switch {
	case port != tmf.Port:
		return false
	case src.IsLinkLocalUnicast():
		return dst.IsLinkLocalUnicast() || dst.IsLinkLocalMulticast()
	}
	return n.isMeshLocal(src) && (n.isMeshLocal(dst) || dst.IsLinkLocalMulticast() || dst.IsRealmLocalMulticast())
}

// receiveUDP takes in a UDP message at offset at of a datagram whose checksum is right.
func (n *Node) receiveUDP(now machine.Time, h *ip6.Header, b []byte, in *incoming) {
	u, err := ip6.ParseUDP(b)
	if err != nil || int(u.Length) != len(b) {
		return
	}
	d := Datagram{Local: h.Dst, Peer: h.Src, LocalPort: u.DstPort, PeerPort: u.SrcPort, HopLimit: h.HopLimit,
		Payload: b[ip6.UDPSize:], Multicast: h.Dst.IsMulticast()}
	switch u.DstPort {
	case mlePort:
		n.receiveMLE(now, h, &d, in)
		return
	case tmf.Port:
		if n.agent.Takes(h.Dst) {
			break // for the commissioner behind it
		}
		if n.isTMF(h.Src, h.Dst, u.DstPort) && in.secured {
			n.tmf.Receive(now, h.Src, h.Dst, u.SrcPort, h.DSCP, d.Payload)
		}
		return
	}
	if n.agent.Takes(h.Dst) {
		if in.secured {
			n.agent.ProxyRx(now, h.Src, u.SrcPort, u.DstPort, d.Payload)
		}
		return
	}
	for i := len(n.sockets) - 1; i >= 0; i-- {
		s := n.sockets[i]
		if !s.matches(&d) {
			continue
		}
		e := d // d itself stays on the stack
		e.Socket = s.id
		if s.handler != nil {
			s.handler(now, &e)
			return
		}
		e.Payload = n.out.Nest().Copy(d.Payload)
		n.event(0, &e)
		return
	}
}
