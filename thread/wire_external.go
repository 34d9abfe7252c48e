package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// external is a commissioner of another network, or of ours from without, and its way to the border agent.
type external struct {
	*joining.External
	socket SocketID
	local  uint16
	agent  ip6.Address
	port   uint16
}

// externalEnv is the Node as joining.ExternalEnv.
type externalEnv Node

// SendAgent implements joining.ExternalEnv.
func (e *externalEnv) SendAgent(now machine.Time, b []byte) {
	x := e.outsider
	_ = (*Node)(e).sendUDP(now, outgoing{dst: x.agent}, x.local, x.port, b) // DTLS repeats it
}

// SessionChanged implements joining.ExternalEnv.
func (e *externalEnv) SessionChanged(_ machine.Time, connected bool, reason error) {
	if !connected {
		(*Node)(e).closeExternal()
	}
	(*Node)(e).event(0, &info.AgentSession{Connected: connected, Reason: reason})
}

// CommissionerChanged implements joining.ExternalEnv.
func (e *externalEnv) CommissionerChanged(now machine.Time, s joining.CommissionerState) {
	(*commissionerEnv)(e).CommissionerChanged(now, s)
}

// JoinerEvent implements joining.ExternalEnv.
func (e *externalEnv) JoinerEvent(now machine.Time, what joining.JoinerEvent, id *meshcop.JoinerID) {
	(*commissionerEnv)(e).JoinerEvent(now, what, id)
}

// DatasetChanged implements joining.ExternalEnv.
func (e *externalEnv) DatasetChanged(machine.Time) {}

func (n *Node) closeExternal() {
	x := n.outsider
	_ = n.CloseUDP(x.socket)
	_ = n.RemoveUnsecurePort(x.local)
	x.socket = 0
}

// ConnectAgent begins a session with a border agent, as a commissioner that is not in its mesh. The password is the 16 bytes of
// a PSKc, or an ephemeral key. What becomes of it is an Event with *info.AgentSession.
func (n *Node) ConnectAgent(now machine.Time, cause machine.Cause, to ip6.Address, port uint16, password []byte) error {
	return n.try(now, cause, func() error {
		if n.outsider == nil {
			n.outsider = &external{External: joining.NewExternal(n.config.Rand, n.profile.JoinerEntries, (*externalEnv)(n))}
		}
		x := n.outsider
		if x.socket != 0 {
			return status.Already
		}
		id, err := n.HandleUDP(func(now machine.Time, d *Datagram) {
			if d.Peer == x.agent && d.PeerPort == x.port {
				x.Receive(now, d.Payload)
			}
		})
		if err != nil {
			return err
		}
		x.socket, x.agent, x.port = id, to, port
		if err := n.BindUDP(id, ip6.Unspecified, 0); err != nil {
			return err
		}
		_, x.local, _, _, _ = n.UDPAddress(id)
		_ = n.AddUnsecurePort(x.local) // OpenThread's border agent answers without link security
		if err = x.Connect(now, password); err != nil {
			n.closeExternal()
		}
		return err
	})
}

// ExternalCommissioner returns the commissioner by way of a border agent, or nil where ConnectAgent was never called. Its inputs
// go through Do.
func (n *Node) ExternalCommissioner() *joining.External {
	if n.outsider == nil {
		return nil
	}
	return n.outsider.External
}

func (n *Node) externalDeadline() machine.Time {
	if n.outsider == nil {
		return machine.Never
	}
	return n.outsider.Deadline()
}

func (n *Node) expireExternal(now machine.Time) { n.outsider.Expire(now) }
