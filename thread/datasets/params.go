package datasets

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// Params are what a node works with: the active dataset's fields, or defaults and what the user set one by one.
type Params struct {
	Channel, WakeupChannel uint8
	PANID                  uint16
	ExtPANID               [8]byte
	NetworkName            string
	NetworkKey             meshcop.NetworkKey
	PSKc                   [16]byte
	MeshLocalPrefix        ip6.Network
	Policy                 meshcop.SecurityPolicy
}

// DefaultParams are a new node's (OpenThread mac.cpp, mle.cpp, network_name.hpp, extended_panid.cpp). Its key is random.
func DefaultParams(r machine.Rand) Params {
	p := Params{Channel: meshcop.FirstChannel, WakeupChannel: meshcop.FirstChannel, PANID: 0xffff,
		ExtPANID:    [8]byte{0xde, 0xad, 0x00, 0xbe, 0xef, 0x00, 0xca, 0xfe},
		NetworkName: "OpenThread", MeshLocalPrefix: ip6.Network{0xfd, 0xde, 0xad, 0x00, 0xbe, 0xef, 0, 0},
		Policy: meshcop.DefaultPolicy()}
	r.Fill(p.NetworkKey[:])
	return p
}

// Params returns what the node works with. It is read only.
func (m *Manager) Params() *Params { return &m.params }

// applyInfo takes over an active dataset's fields and tells the node what changed.
func (m *Manager) applyInfo(now machine.Time, n *meshcop.Info) {
	p, changed := &m.params, meshcop.Fields(0)
	note := func(has meshcop.Fields, differs bool) bool {
		if n.Has&has == 0 || !differs {
			return false
		}
		changed |= has
		return true
	}
	if note(meshcop.HasChannel, uint8(n.Channel) != p.Channel) {
		p.Channel = uint8(n.Channel)
	}
	if note(meshcop.HasWakeupChannel, uint8(n.WakeupChannel) != p.WakeupChannel) {
		p.WakeupChannel = uint8(n.WakeupChannel)
	}
	if note(meshcop.HasPANID, n.PANID != p.PANID) {
		p.PANID = n.PANID
	}
	if note(meshcop.HasExtPANID, n.ExtPANID != p.ExtPANID) {
		p.ExtPANID = n.ExtPANID
	}
	if note(meshcop.HasNetworkName, n.NetworkName != p.NetworkName) {
		p.NetworkName = n.NetworkName
	}
	if note(meshcop.HasNetworkKey, n.NetworkKey != p.NetworkKey) {
		p.NetworkKey = n.NetworkKey
	}
	if note(meshcop.HasPSKc, n.PSKc != p.PSKc) {
		p.PSKc = n.PSKc
	}
	if note(meshcop.HasMeshLocalPrefix, n.MeshLocalPrefix != p.MeshLocalPrefix) {
		p.MeshLocalPrefix = n.MeshLocalPrefix
	}
	if note(meshcop.HasSecurityPolicy, n.SecurityPolicy != p.Policy) {
		p.Policy = n.SecurityPolicy
		p.Policy.RotationHours = max(p.Policy.RotationHours, meshcop.MinRotation)
	}
	if changed != 0 {
		m.env.ParamsChanged(now, changed)
	}
}

// Set changes one or more of the parameters by hand, which only a node that is not running may. Both datasets are gone
// then, as they would say something else. A value that was not changed still clears them.
func (m *Manager) Set(now machine.Time, n meshcop.Info) error {
	switch {
	case !m.env.Disabled():
		return status.InvalidState
	case n.Has&meshcop.HasChannel != 0 && (n.Channel < meshcop.FirstChannel || n.Channel > meshcop.LastChannel):
		return status.InvalidArgs
	case n.Has&meshcop.HasNetworkName != 0 && (n.NetworkName == "" || !meshcop.ValidName([]byte(n.NetworkName)) || len(n.NetworkName) > meshcop.NetworkNameMax):
		return status.InvalidArgs
	}
	m.applyInfo(now, &n)
	m.active.clear(now)
	m.pending.clear(now)
	return nil
}

// Follow changes parameters for a while without touching the datasets: a node that follows an announcement tries its
// channel and PAN.
func (m *Manager) Follow(now machine.Time, n meshcop.Info) { m.applyInfo(now, &n) }
