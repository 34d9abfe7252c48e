package datasets

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// petitionTimeout is how long a commissioner is one without a word (kTimeoutLeaderPetition).
const petitionTimeout = 50 * time.Second

const maxCommissionerID = 64

// leader is the leader's view of the one commissioner of a partition (OpenThread meshcop_leader.cpp).
type leader struct {
	session uint16
	id      string
	timer   machine.Time
}

func newLeader(r machine.Rand) leader {
	return leader{session: uint16(r.Uint64()), timer: machine.Never}
}

func (m *Manager) servePetition(now machine.Time, from ip6.Address, request, dst []byte) ([]byte, bool) {
	l := &m.lead
	accepted := false
	id, ok := tlv.Find(request, meshcop.CommissionerID)
	if ok && len(id) <= maxCommissionerID && m.env.Leader() && from.IID().IsRoutingLocator() && from.Network() == m.params.MeshLocalPrefix {
		accepted = m.petition(now, string(id), from.IID().Locator())
	}
	state := byte(meshcop.StateReject)
	if accepted {
		state = meshcop.StateAccept
	}
	dst = append(dst, meshcop.State, 1, state)
	if l.timer != machine.Never {
		dst = append(append(dst, meshcop.CommissionerID, byte(len(l.id))), l.id...)
	}
	if accepted {
		dst = binary.BigEndian.AppendUint16(append(dst, meshcop.CommissionerSession, 2), l.session)
	}
	return dst, true
}

func (m *Manager) petition(now machine.Time, id string, rloc16 uint16) bool {
	l := &m.lead
	if l.timer != machine.Never {
		if l.id != id {
			return false
		}
		m.resign(now)
	}
	l.session++
	b := binary.BigEndian.AppendUint16([]byte{meshcop.BorderAgentLocator, 2}, rloc16)
	b = binary.BigEndian.AppendUint16(append(b, meshcop.CommissionerSession, 2), l.session)
	if m.env.SetCommissioning(now, append(b, meshcop.SteeringDataTLV, 1, 0)) != nil {
		return false
	}
	l.id, l.timer = id, now.Add(petitionTimeout)
	return true
}

func (m *Manager) serveKeepAlive(now machine.Time, from ip6.Address, request, dst []byte) ([]byte, bool) {
	l := &m.lead
	state, ok := tlv.Find(request, meshcop.State)
	session, ok2 := tlv.Uint16(request, meshcop.CommissionerSession)
	if !m.env.Leader() || !ok || len(state) < 1 || !ok2 {
		return dst, false
	}
	agent, active := m.env.BorderAgent()
	answer := byte(meshcop.StateReject)
	switch {
	case !active || session != l.session:
	case state[0] != meshcop.StateAccept:
		m.resign(now)
	default:
		if r := from.IID().Locator(); r != agent {
			m.env.MoveBorderAgent(now, r)
		}
		answer, l.timer = meshcop.StateAccept, now.Add(petitionTimeout)
	}
	return append(dst, meshcop.State, 1, answer), true
}

// resign ends the commissioner's session; the next one has another number.
func (m *Manager) resign(now machine.Time) {
	m.lead.timer = machine.Never
	m.EmptyCommissioning(now)
}

// EmptyCommissioning puts a new session without a commissioner into the network data. A node that becomes leader does so
// right after it has emptied the network data (mle_ftd.cpp, BecomeLeader).
func (m *Manager) EmptyCommissioning(now machine.Time) {
	m.lead.session++
	_ = m.env.SetCommissioning(now, binary.BigEndian.AppendUint16([]byte{meshcop.CommissionerSession, 2}, m.lead.session))
}

// CommissionerRestored is what a leader that came back finds in the network data.
func (m *Manager) CommissionerRestored(now machine.Time, session uint16, active bool) {
	m.lead.session = session
	if active {
		m.EmptyCommissioning(now)
	}
}

func (m *Manager) expireLeader(now machine.Time) {
	if m.lead.timer > now {
		return
	}
	m.lead.timer = machine.Never
	if m.env.Leader() {
		m.resign(now)
	}
}
