package mle

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// discoveryDelay is within how many ms a discovery is answered.
const discoveryDelay = 250

// More TLVs of MeshCoP inside of the Discovery TLV.
const (
	discoveryCommissionerUDPPort = 15
	discoveryDomainName          = 59
)

// receiveDiscoveryRequest answers one who looks for networks: not our own node's, and joiners only if we let any in.
func (m *MLE) receiveDiscoveryRequest(now machine.Time, r *rx) {
	if !m.role.Attached() && m.role != Detached || !m.RouterEligible() {
		return
	}
	if !m.role.RouterOrLeader() && !m.role.Attached() {
		return
	}
	v, err := r.Find(TLVDiscovery)
	if err != nil {
		return
	}
	us := m.env.Discoverable()
	for len(v) > 0 {
		t, value, rest, ok := tlv.Next(v)
		if !ok {
			return
		}
		v = rest
		switch t {
		case discoveryRequestTLV:
			if len(value) < 2 {
				return
			}
			joiner := value[0]>>3&1 != 0
			if m.DiscoveryRequested != nil {
				m.DiscoveryRequested(now, r.Src.IID().Ext(), value[0]>>4, joiner)
			}
			if joiner && !us.JoiningAllowed {
				return
			}
		case discoveryExtendedPANID:
			if len(value) < 8 || [8]byte(value) == us.ExtendedPANID {
				return
			}
		}
	}
	m.unschedule(delayedDiscoveryResponse, r.Src)
	m.schedule(now, m.randomDelay(discoveryDelay), delayedDiscoveryResponse, r.Src, r.PAN)
}

func (m *MLE) sendDiscoveryResponse(now machine.Time, to ip6.Address, pan ieee802154.PANID) {
	us := m.env.Discoverable()
	b, at := beginTLV(m.begin(DiscoveryResponse), TLVDiscovery)
	flags := byte(Version << 4)
	if us.BorderAgentPort != 0 {
		flags |= 1 << 3
		b = tlv.Append(b, discoveryCommissionerUDPPort, binary.BigEndian.AppendUint16(nil, us.BorderAgentPort))
	}
	if us.Commercial {
		flags |= 1 << 2
	}
	b = tlv.Append(b, discoveryResponseTLV, []byte{flags, 0})
	b = tlv.Append(b, discoveryExtendedPANID, us.ExtendedPANID[:])
	b = tlv.Append(b, discoveryNetworkName, []byte(us.Name))
	if steering, ok := m.env.AppendSteeringData(nil); ok {
		b = tlv.Append(b, discoverySteeringData, steering)
	}
	b = tlv.Append(b, discoveryJoinerUDPPort, binary.BigEndian.AppendUint16(nil, us.JoinerUDPPort))
	if us.Domain != "" {
		b = tlv.Append(b, discoveryDomainName, []byte(us.Domain))
	}
	m.sendOut(now, endTLV(b, at), &Outgoing{Dst: to, PAN: pan})
}
