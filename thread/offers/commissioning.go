package offers

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/tlv"
)

// The MeshCoP TLVs of the commissioning data (8.10.1).
const (
	tlvSteeringData       = 8
	tlvBorderAgentLocator = 9
	tlvCommissionerSess   = 11
	tlvGet                = 13
	tlvState              = 16
	tlvJoinerUDPPort      = 18
)

// Commissioning returns one TLV's value of the commissioning data.
func (m *Manager) Commissioning(kind uint8) ([]byte, bool) {
	b, _ := m.Data().Commissioning()
	return tlv.Find(b, kind)
}

func (m *Manager) commissioning16(kind uint8) (uint16, bool) {
	b, _ := m.Data().Commissioning()
	return tlv.Uint16(b, kind)
}

// BorderAgent returns the locator of the active commissioner's border agent.
func (m *Manager) BorderAgent() (uint16, bool) { return m.commissioning16(tlvBorderAgentLocator) }

// CommissioningSession returns the session of the active or the last commissioner.
func (m *Manager) CommissioningSession() (uint16, bool) {
	return m.commissioning16(tlvCommissionerSess)
}

// JoinerUDPPort returns the port that joiner routers listen on.
func (m *Manager) JoinerUDPPort() (uint16, bool) { return m.commissioning16(tlvJoinerUDPPort) }

// SteeringData returns the filter of those that may join.
func (m *Manager) SteeringData() ([]byte, bool) { return m.Commissioning(tlvSteeringData) }

// JoiningAllowed reports whether a commissioner lets anybody join.
func (m *Manager) JoiningAllowed() bool {
	s, _ := m.SteeringData()
	for _, x := range s {
		if x != 0 {
			return true
		}
	}
	return false
}

// SetCommissioning replaces the commissioning data, at the leader or at a node that is just becoming one.
func (m *Manager) SetCommissioning(now machine.Time, value []byte) error {
	if err := m.reg.setCommissioning(value); err != nil {
		return err
	}
	m.apply(now, change{any: true})
	return nil
}

// SetBorderAgent corrects the border agent's locator, at the leader: its parent changed.
func (m *Manager) SetBorderAgent(now machine.Time, rloc16 uint16) {
	v, ok := m.Commissioning(tlvBorderAgentLocator)
	if ok && len(v) >= 2 && m.env.Leader() {
		binary.BigEndian.PutUint16(v, rloc16)
		m.apply(now, change{any: true})
	}
}
