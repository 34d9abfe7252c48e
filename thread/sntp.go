package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/sntp"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// timeClient asks for the time, once somebody wants it.
type timeClient struct {
	client *sntp.Client
	socket SocketID
}

// timeEnv is the Node as sntp.Env.
type timeEnv Node

// SendTimeQuery implements sntp.Env.
func (e *timeEnv) SendTimeQuery(now machine.Time, dst ip6.Address, port uint16, b []byte) error {
	n := (*Node)(e)
	from, err := n.clientPort(&n.clock.socket, func(now machine.Time, d *Datagram) {
		n.clock.client.Receive(now, d.Peer, d.PeerPort, d.Payload)
	})
	if err != nil {
		return err
	}
	return n.sendUDP(now, outgoing{dst: dst, priority: tmf.Normal}, from, port, b)
}

// Answered implements sntp.Env.
func (e *timeEnv) Answered(_ machine.Time, op machine.OpID, r *sntp.Response) {
	(*Node)(e).result(op, e.cause, r)
}

// QueryTime asks a server for the time. The Result has a *sntp.Response.
func (n *Node) QueryTime(now machine.Time, cause machine.Cause, server ip6.Address, port uint16) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	if !n.up {
		return 0, status.InvalidSourceAddress // as OpenThread's client has it, which is not told that the interface is down
	}
	if n.clock.client == nil {
		n.clock.client = sntp.NewClient((*timeEnv)(n))
	}
	n.lastOp++
	return n.lastOp, n.clock.client.Query(now, n.lastOp, server, port)
}

func (n *Node) clockDeadline() machine.Time {
	if n.clock.client == nil {
		return machine.Never
	}
	return n.clock.client.Deadline()
}

func (n *Node) stopClock(now machine.Time) {
	if n.clock.client != nil {
		n.clock.client.Stop(now)
		_ = n.CloseUDP(n.clock.socket) // it may not be open
	}
}
