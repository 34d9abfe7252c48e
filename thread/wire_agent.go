package thread

import (
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/backbone"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// settingAgentID is the border agent's own number.
const settingAgentID = "agentid"

// agentPort is a UDP port of the border agent.
type agentPort struct {
	port   uint16
	socket SocketID
}

// agentEnv is the Node as borderagent.Env.
type agentEnv Node

func (e *agentEnv) Attached() bool         { return e.table.Self.Role.Attached() }
func (e *agentEnv) PSKc() [16]byte         { return e.cop.Params().PSKc }
func (e *agentEnv) MeshLocal() ip6.Network { return e.cop.Params().MeshLocalPrefix }

// Open implements borderagent.Env.
func (e *agentEnv) Open(now machine.Time, port uint16) (uint16, error) {
	n := (*Node)(e)
	id, err := n.HandleUDP(func(now machine.Time, d *Datagram) {
		if !d.Multicast {
			n.agent.Receive(now, d.Local, d.LocalPort, d.Peer, d.PeerPort, d.Payload)
		}
	})
	if err != nil {
		return 0, err
	}
	if err := n.BindUDP(id, ip6.Unspecified, port); err != nil {
		_ = n.CloseUDP(id)
		return 0, err
	}
	_, port, _, _, _ = n.UDPAddress(id)
	n.agentPorts = append(n.agentPorts, agentPort{port, id})
	return port, nil
}

// Close implements borderagent.Env.
func (e *agentEnv) Close(port uint16) {
	n := (*Node)(e)
	if i := slices.IndexFunc(n.agentPorts, func(p agentPort) bool { return p.port == port }); i >= 0 {
		_ = n.CloseUDP(n.agentPorts[i].socket)
		n.agentPorts = slices.Delete(n.agentPorts, i, i+1)
	}
}

// SendUDP implements borderagent.Env.
func (e *agentEnv) SendUDP(now machine.Time, src ip6.Address, from uint16, dst ip6.Address, to uint16, payload []byte) error {
	return (*Node)(e).sendUDP(now, outgoing{src: src, dst: dst, priority: tmf.Normal}, from, to, payload)
}

// Ask implements borderagent.Env.
func (e *agentEnv) Ask(now machine.Time, dst ip6.Address, uri string, payload []byte,
	done func(now machine.Time, code coap.Code, answer []byte, err error)) {
	n := (*Node)(e)
	m := tmf.Message{URI: uri, Src: n.rloc(), Dst: dst, Payload: payload, Confirmable: true,
		Done: func(now machine.Time, r tmf.Response) { done(now, r.Code, r.Payload, r.Err) }}
	if err := n.tmf.Send(now, m); err != nil {
		done(now, 0, nil, err)
	}
}

// Tell implements borderagent.Env.
func (e *agentEnv) Tell(now machine.Time, dst ip6.Address, uri string, payload []byte) {
	n := (*Node)(e)
	_ = n.tmf.Send(now, tmf.Message{URI: uri, Src: n.rloc(), Dst: dst, Payload: payload}) // what is relayed is repeated by its sender
}

// Get implements borderagent.Env.
func (e *agentEnv) Get(now machine.Time, uri string, request []byte) ([]byte, bool) {
	switch uri {
	case tmf.ActiveGet:
		return e.cop.AppendGet(now, nil, false, request, false), true
	case tmf.PendingGet:
		return e.cop.AppendGet(now, nil, true, request, false), true
	case tmf.CommissionerGet:
		return e.data.AppendCommissioning(nil, request), true
	}
	return nil, false
}

// SetLocator implements borderagent.Env.
func (e *agentEnv) SetLocator(_ machine.Time, aloc16 uint16, on bool) {
	(*Node)(e).setLocator(aloc16, on)
}

// KeyEvent implements borderagent.Env.
func (e *agentEnv) KeyEvent(_ machine.Time, v borderagent.KeyEvent) {
	(*Node)(e).event(0, &info.EphemeralKeyEvent{Event: v.String()})
}

// KeyStateChanged implements borderagent.Env.
func (e *agentEnv) KeyStateChanged(now machine.Time) {
	(*Node)(e).event(0, &info.EphemeralKeyState{State: e.agent.KeyState().String()})
	if e.border != nil {
		e.border.AgentChanged(now)
	}
}

// BorderAgent is the door for commissioners that are not in the mesh. Its inputs go through Do.
func (n *Node) BorderAgent() *borderagent.Agent { return n.agent }

// StartEphemeralKey lets one commissioner in that knows a key, for a time (0: two minutes) at a port (0: a free one).
func (n *Node) StartEphemeralKey(now machine.Time, cause machine.Cause, key string, timeout time.Duration, port uint16) error {
	return n.try(now, cause, func() error { return n.agent.StartKey(now, key, timeout, port) })
}

// BorderAgentID returns the agent's number, which it keeps.
func (n *Node) BorderAgentID(now machine.Time) (id [16]byte) {
	if b := n.LoadSetting(settingAgentID); len(b) == len(id) {
		return [16]byte(b)
	}
	n.config.Rand.Fill(id[:])
	n.SetBorderAgentID(now, id)
	return id
}

// SetBorderAgentID changes it.
func (n *Node) SetBorderAgentID(now machine.Time, id [16]byte) {
	n.Do(now, 0, func() { n.StoreSetting(settingAgentID, id[:]) })
}

// EvictCommissioner has the leader dismiss the network's commissioner, or returns NotFound where there is none.
func (n *Node) EvictCommissioner(now machine.Time, cause machine.Cause) error {
	return n.try(now, cause, func() error {
		session, ok := n.data.CommissioningSession()
		if _, active := n.data.BorderAgent(); !ok || !active {
			return status.NotFound
		}
		n.agent.Evict(now, session)
		return nil
	})
}

// AppendBorderAgentText appends the text record that a border router publishes as _meshcop._udp; omr is its prefix for
// addresses that are reached from outside, or the zero one.
func (n *Node) AppendBorderAgentText(now machine.Time, dst []byte, omr ip6.Prefix) []byte {
	p := n.cop.Params()
	f := borderagent.Facts{ID: n.BorderAgentID(now), Name: p.NetworkName, ExtPANID: p.ExtPANID, Ext: n.mac.Ext(),
		Attached: n.table.Self.Role.Attached(), Role: uint8(n.table.Self.Role), ThreadVersion: "1.4.0", Domain: n.DomainName()}
	f.Partition = n.mle.LeaderData().PartitionID
	if n.bone != nil {
		s := n.bone.local.State()
		f.Backbone, f.Primary, f.Sequence = s != backbone.Disabled, s == backbone.PrimaryRouter, n.bone.local.Config().Sequence
	}
	if d, ok := n.cop.Active(now); ok {
		if v, ok := d.Find(meshcop.ActiveTimestamp); ok && len(v) == 8 {
			f.Timestamp, f.HasTimestamp = [8]byte(v), true
		}
	}
	if omr.Bits > 0 {
		f.OMR = append([]byte{omr.Bits}, omr.Addr[:(omr.Bits+7)/8]...)
	}
	return n.agent.AppendText(dst, &f)
}
