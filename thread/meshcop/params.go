package meshcop

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Params are what a node works with: the active dataset's fields, or defaults and what the user set one by one.
type Params struct {
	Channel, WakeupChannel uint8
	PANID                  uint16
	ExtPANID               [8]byte
	NetworkName            string
	NetworkKey             NetworkKey
	PSKc                   [16]byte
	MeshLocalPrefix        ip6.Network
	Policy                 SecurityPolicy
}

// DefaultParams are a new node's (OpenThread mac.cpp, mle.cpp, network_name.hpp, extended_panid.cpp). Its key is random.
func DefaultParams(r machine.Rand) Params {
	p := Params{Channel: firstChannel, WakeupChannel: firstChannel, PANID: 0xffff,
		ExtPANID:    [8]byte{0xde, 0xad, 0x00, 0xbe, 0xef, 0x00, 0xca, 0xfe},
		NetworkName: "OpenThread", MeshLocalPrefix: ip6.Network{0xfd, 0xde, 0xad, 0x00, 0xbe, 0xef, 0, 0},
		Policy: DefaultPolicy()}
	r.Fill(p.NetworkKey[:])
	return p
}

// Params returns what the node works with. It is read only.
func (m *Manager) Params() *Params { return &m.params }

// applyInfo takes over an active dataset's fields and tells the node what changed.
func (m *Manager) applyInfo(now machine.Time, n *Info) {
	p, changed := &m.params, Fields(0)
	note := func(has Fields, differs bool) bool {
		if n.Has&has == 0 || !differs {
			return false
		}
		changed |= has
		return true
	}
	if note(HasChannel, uint8(n.Channel) != p.Channel) {
		p.Channel = uint8(n.Channel)
	}
	if note(HasWakeupChannel, uint8(n.WakeupChannel) != p.WakeupChannel) {
		p.WakeupChannel = uint8(n.WakeupChannel)
	}
	if note(HasPANID, n.PANID != p.PANID) {
		p.PANID = n.PANID
	}
	if note(HasExtPANID, n.ExtPANID != p.ExtPANID) {
		p.ExtPANID = n.ExtPANID
	}
	if note(HasNetworkName, n.NetworkName != p.NetworkName) {
		p.NetworkName = n.NetworkName
	}
	if note(HasNetworkKey, n.NetworkKey != p.NetworkKey) {
		p.NetworkKey = n.NetworkKey
	}
	if note(HasPSKc, n.PSKc != p.PSKc) {
		p.PSKc = n.PSKc
	}
	if note(HasMeshLocalPrefix, n.MeshLocalPrefix != p.MeshLocalPrefix) {
		p.MeshLocalPrefix = n.MeshLocalPrefix
	}
	if note(HasSecurityPolicy, n.SecurityPolicy != p.Policy) {
		p.Policy = n.SecurityPolicy
		p.Policy.RotationHours = max(p.Policy.RotationHours, MinRotation)
	}
	if changed != 0 {
		m.env.ParamsChanged(now, changed)
	}
}

// Set changes one or more of the parameters by hand, which only a node that is not running may. Both datasets are gone
// then, as they would say something else. A value that was not changed still clears them.
func (m *Manager) Set(now machine.Time, n Info) error {
	switch {
	case !m.env.Disabled():
		return status.InvalidState
	case n.Has&HasChannel != 0 && (n.Channel < firstChannel || n.Channel > lastChannel):
		return status.InvalidArgs
	case n.Has&HasNetworkName != 0 && (n.NetworkName == "" || !validName([]byte(n.NetworkName)) || len(n.NetworkName) > networkNameMax):
		return status.InvalidArgs
	}
	m.applyInfo(now, &n)
	m.active.clear(now)
	m.pending.clear(now)
	return nil
}

// Follow changes parameters for a while without touching the datasets: a node that follows an announcement tries its
// channel and PAN.
func (m *Manager) Follow(now machine.Time, n Info) { m.applyInfo(now, &n) }
