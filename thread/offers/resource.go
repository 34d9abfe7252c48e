package offers

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/tlv"
)

// Resource is a path on the management port. Handle appends the answer's payload to dst; with ok false there is no answer.
type Resource struct {
	Path   string
	Handle func(now machine.Time, from ip6.Address, request, dst []byte) (answer []byte, ok bool)
}

// Resources are what a full device offers on its management port for network data.
func (m *Manager) Resources() []Resource {
	return []Resource{{serverDataPath, m.serverData}, {"c/cg", m.commissionerGet}, {"c/cs", m.commissionerSet}}
}

// serverData is a registration (5.15.6): what the sender offers, and perhaps a locator whose entries go.
func (m *Manager) serverData(now machine.Time, from ip6.Address, request, dst []byte) ([]byte, bool) {
	if !from.IID().IsRoutingLocator() || !m.env.Leader() || m.waiting {
		return dst, false
	}
	if v, ok := tlv.Find(request, threadRLOC16); ok {
		if len(v) < 2 {
			return dst, false
		}
		m.removeRLOC(now, binary.BigEndian.Uint16(v), false)
	}
	if v, ok := tlv.Find(request, threadNetworkTLV); ok && len(v) <= netdata.MaxSize {
		m.register(now, from.IID().Locator(), v)
	}
	return dst, true
}

func (m *Manager) commissionerGet(_ machine.Time, _ ip6.Address, request, dst []byte) ([]byte, bool) {
	if !m.env.Leader() || m.waiting {
		return dst, false
	}
	return m.AppendCommissioning(dst, request), true
}

// AppendCommissioning appends what a MGMT_COMMISSIONER_GET asks for: the TLVs of its Get TLV, or all.
func (m *Manager) AppendCommissioning(dst, request []byte) []byte {
	all, _ := m.Data().Commissioning()
	kinds, some := tlv.Find(request, tlvGet)
	if !some {
		return append(dst, all...)
	}
	for _, k := range kinds {
		if v, ok := tlv.Find(all, k); ok && len(dst) < 1024 {
			dst = append(append(dst, k, byte(len(v))), v...)
		}
	}
	return dst
}

// commissionerSet replaces the commissioning data but for the border agent's locator, which stays (8.9.1.2).
func (m *Manager) commissionerSet(now machine.Time, _ ip6.Address, request, dst []byte) ([]byte, bool) {
	if !m.env.Leader() {
		return dst, false
	}
	state := byte(0xff) // reject
	if m.acceptCommissioning(now, request) {
		state = 1
	}
	return append(dst, tlvState, 1, state), true
}

func (m *Manager) acceptCommissioning(now machine.Time, request []byte) bool {
	if m.waiting || !wellFormed(request) {
		return false
	}
	if _, has := tlv.Find(request, tlvBorderAgentLocator); has {
		return false
	}
	s, ok := tlv.Uint16(request, tlvCommissionerSess)
	if !ok {
		return false
	}
	if have, ok := m.CommissioningSession(); ok && have != s {
		return false
	}
	value := append([]byte(nil), request...)
	if r, ok := m.BorderAgent(); ok {
		value = binary.BigEndian.AppendUint16(append(value, tlvBorderAgentLocator, 2), r)
	}
	return m.SetCommissioning(now, value) == nil
}

func wellFormed(b []byte) bool {
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		b = b[2+int(b[1]):]
	}
	return len(b) == 0
}
