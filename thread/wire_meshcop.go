package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// copEnv is the Node as datasets.Env.
type copEnv Node

func (e *copEnv) Disabled() bool { return e.table.Self.Role == neighbor.RoleDisabled }
func (e *copEnv) Attached() bool { return e.table.Self.Role.Attached() }
func (e *copEnv) Leader() bool   { return e.table.Self.Role == neighbor.RoleLeader }

// Settings of datasets.
const (
	settingActive  = "active"
	settingPending = "pending"
)

// Save implements datasets.Env.
func (e *copEnv) Save(now machine.Time, pending bool, tlvs []byte) {
	key := settingActive
	if pending {
		key = settingPending
	}
	(*Node)(e).StoreSetting(key, tlvs)
}

// ParamsChanged implements datasets.Env.
func (e *copEnv) ParamsChanged(now machine.Time, what meshcop.Fields) {
	n := (*Node)(e)
	p := n.cop.Params()
	for _, c := range [...]struct {
		has  meshcop.Fields
		flag Flags
	}{
		{meshcop.HasChannel, ChannelChanged}, {meshcop.HasPANID, PANIDChanged}, {meshcop.HasNetworkName, NetworkNameChanged},
		{meshcop.HasExtPANID, ExtPANIDChanged}, {meshcop.HasPSKc, PSKcChanged}, {meshcop.HasSecurityPolicy, SecurityPolicyChanged},
	} {
		if what&c.has != 0 {
			n.signal(c.flag)
		}
	}
	if what&meshcop.HasChannel != 0 {
		n.mac.SetChannel(now, p.Channel)
	}
	if what&meshcop.HasPANID != 0 {
		n.mac.SetPAN(now, ieee802154.PANID(p.PANID))
	}
	if what&meshcop.HasNetworkKey != 0 {
		n.keys.SetNetworkKey(now, p.NetworkKey)
	}
	if what&meshcop.HasSecurityPolicy != 0 {
		n.keys.SetPolicy(now, p.Policy)
	}
	if what&meshcop.HasMeshLocalPrefix != 0 {
		n.setMeshLocalPrefix(now, p.MeshLocalPrefix)
	}
}

// DatasetChanged implements datasets.Env.
func (e *copEnv) DatasetChanged(now machine.Time, pending bool) {
	f := ActiveDatasetChanged
	if pending {
		f = PendingDatasetChanged
	}
	(*Node)(e).signal(f)
}

// IncrementVersion implements datasets.Env.
func (e *copEnv) IncrementVersion(now machine.Time, stable bool) {
	e.data.IncrementVersion(now, stable)
}

// Post implements datasets.Env.
func (e *copEnv) Post(now machine.Time, to ip6.Address, path string, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	(*Node)(e).post(now, to, path, payload, !to.IsMulticast(), done)
}

// post sends a management request from our locator; done may be nil and is called once otherwise.
func (n *Node) post(now machine.Time, to ip6.Address, path string, payload []byte, confirmable bool,
	done func(now machine.Time, answer []byte, err error)) {
	n.postFrom(now, n.rloc(), to, path, payload, confirmable, done)
}

func (n *Node) postFrom(now machine.Time, src, to ip6.Address, path string, payload []byte, confirmable bool,
	done func(now machine.Time, answer []byte, err error)) {
	m := tmf.Message{URI: path, Src: src, Dst: to, Payload: payload, Confirmable: confirmable}
	if done != nil {
		m.Done = func(now machine.Time, r tmf.Response) { done(now, r.Payload, r.Failure()) }
	}
	err := error(status.InvalidState)
	if n.up {
		err = n.tmf.Send(now, m)
	}
	if err != nil && done != nil {
		done(now, nil, err)
	}
}

// CommissioningSession implements datasets.Env.
func (e *copEnv) CommissioningSession() (uint16, bool) { return e.data.CommissioningSession() }

// BorderAgent implements datasets.Env.
func (e *copEnv) BorderAgent() (uint16, bool) { return e.data.BorderAgent() }

// SetCommissioning implements datasets.Env.
func (e *copEnv) SetCommissioning(now machine.Time, tlvs []byte) error {
	return e.data.SetCommissioning(now, tlvs)
}

// Announce implements datasets.Env.
func (e *copEnv) Announce(now machine.Time, channel uint8) { e.mle.SendAnnounce(now, channel) }

// EnergyScan implements datasets.Env.
func (e *copEnv) EnergyScan(now machine.Time, channel uint8, duration time.Duration) {
	(*Node)(e).scanForDatasets(now, 1<<channel, duration, true)
}

// ActiveScan implements datasets.Env.
func (e *copEnv) ActiveScan(now machine.Time, channels uint32) {
	(*Node)(e).scanForDatasets(now, channels, 0, false)
}

// Commissioner implements datasets.Env.
func (e *copEnv) Commissioner() (session uint16, active bool) {
	if c := e.commissioner; c != nil && c.State() == joining.Active {
		return c.Session(), true
	}
	return 0, false
}

func (n *Node) commissionerRestored(now machine.Time, session uint16, active bool) {
	n.cop.CommissionerRestored(now, session, active)
}

// MoveBorderAgent implements datasets.Env.
func (e *copEnv) MoveBorderAgent(now machine.Time, rloc16 uint16) { e.data.SetBorderAgent(now, rloc16) }
