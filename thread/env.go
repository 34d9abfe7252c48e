package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
	"heddle.example/thread/tmf"
)

// tmfEnv is the Node as tmf.Env.
type tmfEnv Node

// SendTMF implements tmf.Env.
func (e *tmfEnv) SendTMF(now machine.Time, m *tmf.Message, coap []byte) error {
	n := (*Node)(e)
	return n.sendUDP(now, outgoing{src: m.Src, dst: m.Dst, priority: m.Priority, loop: m.Loop, entrust: n.entrusts(m.Dst)}, tmf.Port, m.Port, coap)
}

// ServeTMF implements tmf.Env.
func (e *tmfEnv) ServeTMF(now machine.Time, r *tmf.Request) bool {
	return (*Node)(e).serveTMF(now, r)
}

func (n *Node) meshLocal() ip6.Network { return n.table.Self.MeshLocal }

// rloc returns our routing locator, which is not an address of ours while we are detached.
func (n *Node) rloc() ip6.Address { return ip6.RLOC(n.meshLocal(), n.table.Self.RLOC16) }

// receiveMLE takes in a datagram to MLE's port.
func (n *Node) receiveMLE(now machine.Time, h *ip6.Header, d *Datagram, in *incoming) {
	if in.link == nil || d.PeerPort != mlePort {
		return
	}
	l := in.link
	m := &n.rxMLE // not on the heap anew for each frame; MLE does not receive within Receive
	*m = mle.Datagram{Src: h.Src, Dst: h.Dst, HopLimit: h.HopLimit, Payload: d.Payload, RSSI: l.RSSI, LQI: l.LQI,
		Channel: l.Channel, PAN: l.SrcPAN, PANBroadcast: l.DstPAN == broadcastPAN}
	if l.Frame != nil {
		m.Memo = &l.Frame.Memo[radio.MemoMLE]
	}
	n.mle.Receive(now, m)
	*m = mle.Datagram{}
}

const broadcastPAN = 0xffff

// changed tells all parts what has changed, in OpenThread's order (Notifier::EmitEvents).
func (n *Node) changed(now machine.Time, f Flags) {
	n.remember(now, f)
	n.updateAddresses(now)
	n.mle.HandleEvents(now, toEvents(f))
	if f&(RoleChanged|RLOCAdded|PartitionChanged|ChildRemoved) != 0 {
		n.data.RoleChanged(now)
	}
	if f&PartitionChanged != 0 {
		n.data.PartitionChanged(now)
	}
	if f&MeshLocalChanged != 0 {
		n.data.MeshLocalAddressChanged(now)
	}
	if f&ChildRemoved != 0 {
		n.data.ChildRemoved(now)
	}
	if f&RoleChanged != 0 {
		n.agent.RoleChanged(now)
	}
	if f&(RoleChanged|NetDataChanged|MulticastSubscribed|PartitionChanged|RLOCAdded) != 0 {
		n.updateBackbone(now, f)
	}
	if f&RLOCAdded != 0 && !n.config.MTD {
		n.mesh.Resolver.Restart(now)
	}
	switch {
	case f&NetDataChanged != 0:
		n.cop.NetworkDataChanged(now)
		n.updateJoinerRouter(now)
		n.updateSLAAC(now)
		n.updateDHCP(now)
		n.updateAddresses(now)
	case f&AddressRemoved != 0:
		n.addSLAAC(now)
	}
	n.registryChanged(now, f)
}

// RadioReceived takes in a frame that the radio has heard and acknowledged.
func (n *Node) RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame) {
	n.begin(now, cause)
	if !n.factoryHeard(f) {
		n.mac.RadioReceived(now, f)
	}
	n.finish(now)
}

// RadioSent says how a transmission ended.
func (n *Node) RadioSent(now machine.Time, cause machine.Cause, s radio.Sent) {
	n.begin(now, cause)
	if !n.factorySent(now, &s) {
		n.mac.RadioSent(now, s)
	}
	n.finish(now)
}

// RadioEnergy answers an energy scan with the strongest signal that was heard.
func (n *Node) RadioEnergy(now machine.Time, cause machine.Cause, rssi int8) {
	n.begin(now, cause)
	n.mac.RadioEnergy(now, rssi)
	n.finish(now)
}

// serveResolver hands a message of address resolution on.
func (n *Node) serveResolver(now machine.Time, r *tmf.Request) {
	switch r.URI {
	case tmf.AddressQuery:
		if !n.config.MTD && !r.Confirmable {
			n.mesh.Resolver.HandleQuery(now, r.Src, r.Payload)
		}
	case tmf.AddressNotify:
		if !n.config.MTD && r.Confirmable && n.mesh.Resolver.HandleNotify(now, r.Payload) {
			n.tmf.Changed(now, r)
		}
	case tmf.AddressError:
		if r.Confirmable && !r.Dst.IsMulticast() {
			n.tmf.Changed(now, r)
		}
		n.mesh.Resolver.HandleError(now, r.Payload)
	}
}

// serveRouterID answers what is asked of a leader about router ids.
func (n *Node) serveRouterID(now machine.Time, r *tmf.Request) {
	if n.table.Self.Role != neighbor.RoleLeader {
		return
	}
	if r.URI == tmf.AddressRelease {
		if n.mle.HandleRelease(now, r.Payload) {
			n.tmf.Changed(now, r)
		}
		return
	}
	if answer, ok := n.mle.HandleSolicit(now, r.Src, r.Payload); ok {
		n.tmf.Respond(now, r, coap.Changed, answer)
	}
}
