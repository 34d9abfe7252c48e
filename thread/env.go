package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/radio"
	"heddle.example/thread/tmf"
)

// tmfEnv is the Node as tmf.Env.
type tmfEnv Node

// SendTMF implements tmf.Env.
func (e *tmfEnv) SendTMF(now machine.Time, m *tmf.Message, coap []byte) error {
	n := (*Node)(e)
	return n.sendUDP(now, outgoing{src: m.Src, dst: m.Dst, priority: m.Priority, loop: m.Loop}, tmf.Port, m.Port, coap)
}

// ServeTMF implements tmf.Env.
func (e *tmfEnv) ServeTMF(now machine.Time, r *tmf.Request) bool {
	return (*Node)(e).serveTMF(now, r)
}

func (n *Node) serveTMF(now machine.Time, r *tmf.Request) bool { return false }

func (n *Node) meshLocal() ip6.Network { return ip6.Network{} }

func (n *Node) toMesh(now machine.Time, o *outgoing, b []byte) error { return nil }

func (n *Node) receiveMLE(now machine.Time, h *ip6.Header, d *Datagram, in *incoming) {}

func (n *Node) fromHost(now machine.Time, b []byte) {}

func (n *Node) changed(now machine.Time, f Flags) {}

// RadioReceived takes in a frame that the radio has heard and acknowledged.
func (n *Node) RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame) {
	n.begin(now, cause)
	defer n.finish(now)
}

// RadioSent says how a transmission ended.
func (n *Node) RadioSent(now machine.Time, cause machine.Cause, s radio.Sent) {
	n.begin(now, cause)
	defer n.finish(now)
}

// RadioEnergy answers an energy scan with the strongest signal that was heard.
func (n *Node) RadioEnergy(now machine.Time, cause machine.Cause, rssi int8) {
	n.begin(now, cause)
	defer n.finish(now)
}
