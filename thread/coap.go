package thread

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"

	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// coapPort is CoAP's own. Thread's management has another one, and an agent of its own (package tmf).
const coapPort = 5683

// application is a CoAP endpoint for the node's user.
type application struct {
	endpoint *endpoint.Endpoint
	socket   SocketID
	err      error    // why the latest datagram did not leave
	non      []uint16 // message ids of our latest non-confirmable requests
}

// Where the first two bits of type and the message id are in a datagram, and the types (RFC 7252 section 3).
const (
	coapHead    = 4
	coapTypes   = 3 << 4
	coapNon     = 1 << 4
	coapAck     = 2 << 4
	coapNonKept = 8
)

// mend returns a datagram as it should be: OpenThread's shell answers non-confirmable requests, too, with an acknowledgement.
func (a *application) mend(b []byte) []byte {
	if len(b) < coapHead || b[0]&coapTypes != coapAck || b[1] == 0 || !slices.Contains(a.non, binary.BigEndian.Uint16(b[2:])) {
		return b
	}
	b = bytes.Clone(b)
	b[0] = b[0]&^coapTypes | coapNon
	return b
}

// note remembers a non-confirmable request.
func (a *application) note(b []byte) {
	if len(b) < coapHead || b[0]&coapTypes != coapNon || b[1] == 0 || b[1]>>5 != 0 {
		return
	}
	if len(a.non) == coapNonKept {
		a.non = append(a.non[:0], a.non[1:]...)
	}
	a.non = append(a.non, binary.BigEndian.Uint16(b[2:]))
}

// StartCoAP opens port 5683 with a CoAP endpoint behind it. c's Nest and Rand are set here.
func (n *Node) StartCoAP(now machine.Time, cause machine.Cause, c endpoint.Config) error {
	if n.app != nil {
		return nil // as OpenThread has it
	}
	n.begin(now, cause)
	defer n.finish(now)
	c.Nest, c.Rand = n.out.Nest(), n.config.Rand
	a := &application{endpoint: endpoint.New(c)}
	id, err := n.HandleUDP(func(now machine.Time, d *Datagram) {
		a.endpoint.Receive(now, n.cause, machine.Path{Remote: netip.AddrPortFrom(d.Peer.Netip(), d.PeerPort)}, a.mend(d.Payload))
		n.drainCoAP(now)
	})
	if err != nil {
		return err
	}
	if err := n.BindUDP(id, ip6.Unspecified, coapPort); err != nil {
		_ = n.CloseUDP(id)
		return err
	}
	a.socket, n.app = id, a
	return nil
}

// StopCoAP closes the port. What is under way is forgotten.
func (n *Node) StopCoAP(now machine.Time, cause machine.Cause) error {
	if n.app == nil {
		return nil
	}
	n.begin(now, cause)
	defer n.finish(now)
	id := n.app.socket
	n.app = nil
	return n.CloseUDP(id)
}

// CoAP runs f with the endpoint and returns why what it sent did not leave, or InvalidState without StartCoAP. Its Events and
// Results are actions of the node.
func (n *Node) CoAP(now machine.Time, cause machine.Cause, f func(e *endpoint.Endpoint)) error {
	if n.app == nil {
		return status.InvalidState
	}
	n.begin(now, cause)
	defer n.finish(now)
	n.app.err = nil
	f(n.app.endpoint)
	n.drainCoAP(now)
	return n.app.err
}

// CoAPPath returns the path to a peer's CoAP port.
func CoAPPath(a ip6.Address) machine.Path {
	return machine.Path{Remote: netip.AddrPortFrom(a.Netip(), coapPort)}
}

func (n *Node) drainCoAP(now machine.Time) {
	for {
		a, ok := n.app.endpoint.Next()
		if !ok {
			return
		}
		if a.Kind != machine.Send {
			n.out.Push(a)
			continue
		}
		n.app.note(a.Data)
		to := outgoing{dst: ip6.FromNetip(a.Path.Remote.Addr())}
		if err := n.sendUDP(now, to, coapPort, a.Path.Remote.Port(), a.Data); err != nil {
			n.app.err = err
		}
	}
}

func (n *Node) coapDeadline() machine.Time {
	if n.app == nil {
		return machine.Never
	}
	return n.app.endpoint.Deadline()
}

func (n *Node) expireCoAP(now machine.Time) {
	n.app.endpoint.Expire(now)
	n.drainCoAP(now)
}
