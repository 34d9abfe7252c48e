package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// resolver is the node's DNS client with its socket, once it was used.
type resolver struct {
	client  *dnssd.Client
	socket  SocketID
	lookups []*lookup
}

// dnsEnv is the Node as dns.Env.
type dnsEnv Node

// SendDNS implements dns.Env.
func (e *dnsEnv) SendDNS(now machine.Time, dst ip6.Address, port uint16, message []byte) error {
	n := (*Node)(e)
	from, err := n.clientPort(&n.resolver.socket, func(now machine.Time, d *Datagram) {
		n.resolver.client.Receive(now, d.Peer, d.PeerPort, d.Payload)
	})
	if err != nil {
		return err
	}
	if !n.mac.RxOnWhenIdle() {
		n.mac.SendFastPolls(now, 0) // for the answer
	}
	return n.sendUDP(now, outgoing{dst: dst, priority: tmf.Normal}, from, port, message)
}

// Synthesize implements dns.Env.
func (e *dnsEnv) Synthesize(v4 [4]byte) (ip6.Address, error) { return (*Node)(e).Synthesize(v4) }

// Answered implements dns.Env.
func (e *dnsEnv) Answered(now machine.Time, op machine.OpID, r *dnssd.Response) {
	n := (*Node)(e)
	if n.resolved(now, op, r) {
		return
	}
	r.Message.Bytes = append([]byte(nil), r.Message.Bytes...) // until it is drained
	n.out.Push(machine.Action{Kind: machine.Result, Op: op, Cause: n.cause, Value: r})
}

func (n *Node) dns() *dnssd.Client {
	if n.resolver.client == nil {
		n.resolver.client = dnssd.NewClient((*dnsEnv)(n), n.config.Rand)
	}
	return n.resolver.client
}

func (n *Node) dnsDeadline() machine.Time {
	if n.resolver.client == nil {
		return machine.Never
	}
	return min(n.resolver.client.Deadline(), n.lookupDeadline())
}

func (n *Node) expireDNS(now machine.Time) {
	n.resolver.client.Expire(now)
	n.expireLookups(now)
}

// stopDNS ends what is asked: the interface goes down.
func (n *Node) stopDNS(now machine.Time) {
	if n.resolver.client != nil {
		n.resolver.client.Stop(now)
		_ = n.CloseUDP(n.resolver.socket) // it may not be open
	}
}

// DNSSettings returns which server is asked for names, and how.
func (n *Node) DNSSettings() dnssd.Settings { return n.dns().Settings() }

// SetDNSSettings changes it; zero fields are set to the default.
func (n *Node) SetDNSSettings(s dnssd.Settings) { n.dns().SetSettings(s) }

// ResolveName asks for the IPv6 addresses of a name, or those that NAT64 makes of its IPv4 addresses: with ip4 at once, else
// if there are no others. The Result has a *dnssd.Response.
func (n *Node) ResolveName(now machine.Time, cause machine.Cause, name string, ip4 bool, s dnssd.Settings) (machine.OpID, error) {
	return n.askDNS(now, cause, func(op machine.OpID) error { return n.dns().Resolve(now, op, name, ip4, s) })
}

// QueryRecords asks for the records of a type of a name that is split behind its first label, which may hold dots. The
// Result has a *dnssd.Response.
func (n *Node) QueryRecords(now machine.Time, cause machine.Cause, kind uint16, first, next string, s dnssd.Settings) (machine.OpID, error) {
	return n.askDNS(now, cause, func(op machine.OpID) error { return n.dns().Query(now, op, kind, first, next, s) })
}

// Browse asks for the instances of a service. The Result has a *dnssd.Response.
func (n *Node) Browse(now machine.Time, cause machine.Cause, service string, s dnssd.Settings) (machine.OpID, error) {
	return n.askDNS(now, cause, func(op machine.OpID) error { return n.dns().Browse(now, op, service, s) })
}

// ResolveService asks for an instance of a service, with host for the addresses of its host, too. The Result has a
// *dnssd.Response.
func (n *Node) ResolveService(now machine.Time, cause machine.Cause, instance, service string, host bool, s dnssd.Settings) (machine.OpID, error) {
	return n.askDNS(now, cause, func(op machine.OpID) error { return n.dns().Service(now, op, instance, service, host, s) })
}

func (n *Node) askDNS(now machine.Time, cause machine.Cause, ask func(machine.OpID) error) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	if !n.up {
		return 0, status.InvalidState
	}
	n.lastOp++
	return n.lastOp, ask(n.lastOp)
}
