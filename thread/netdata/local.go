package netdata

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// AddOnMeshPrefix offers an on-mesh prefix, in place of what this node offers with that prefix. Register makes it known.
func (m *Manager) AddOnMeshPrefix(now machine.Time, p OnMeshPrefix) error {
	if !p.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.addLocalPrefix(now, p.Prefix, kindBorderRouter, binary.BigEndian.AppendUint16(nil, p.Flags()), p.Stable)
}

// AddExternalRoute offers an external route, in place of what this node offers with that prefix.
func (m *Manager) AddExternalRoute(now machine.Time, r ExternalRoute) error {
	if !r.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.addLocalPrefix(now, r.Prefix, kindHasRoute, []byte{r.Flags()}, r.Stable)
}

func (m *Manager) addLocalPrefix(now machine.Time, p ip6.Prefix, kind uint8, flags []byte, stable bool) error {
	m.local.dropPrefix(p)
	value := append([]byte{invalidRLOC16 >> 8, invalidRLOC16 & 0xff}, flags...)
	if !m.local.room(4 + p.Size() + 2 + len(value)) {
		m.env.NetworkDataFull(now)
		return status.NoBufs
	}
	t := m.local.appendPrefix(0, p.Bits, p.Addr[:])
	m.local.b = append(append(m.local.b, kind<<1, byte(len(value))), value...)
	m.local.resize(&t, 2+len(value))
	m.local.setStable(t.at, stable)
	m.local.setStable(t.sub, stable)
	return nil
}

// RemoveOnMeshPrefix takes the offer of a prefix back.
func (m *Manager) RemoveOnMeshPrefix(p ip6.Prefix) error {
	if !m.local.dropPrefix(p) {
		return status.NotFound
	}
	return nil
}

// RemoveExternalRoute takes the offer of a route back.
func (m *Manager) RemoveExternalRoute(p ip6.Prefix) error { return m.RemoveOnMeshPrefix(p) }

// AddService offers a service, in place of what this node offers under that enterprise number and service data.
func (m *Manager) AddService(now machine.Time, enterprise uint32, data []byte, stable bool, server []byte) error {
	_ = m.RemoveService(enterprise, data)
	if !m.local.room(serviceSize(enterprise, data) + 4 + len(server)) {
		m.env.NetworkDataFull(now)
		return status.NoBufs
	}
	t := m.local.appendService(0, enterprise, data)
	m.local.b = append(m.local.b, kindServer<<1, byte(2+len(server)))
	m.local.b = append(binary.BigEndian.AppendUint16(m.local.b, m.env.RLOC16()), server...)
	m.local.resize(&t, 4+len(server))
	m.local.setStable(t.at, stable)
	m.local.setStable(t.sub, stable)
	return nil
}

// RemoveService takes the offer of a service back.
func (m *Manager) RemoveService(enterprise uint32, data []byte) error {
	t, ok := Data(m.local.b).findService(enterprise, data)
	if !ok {
		return status.NotFound
	}
	m.local.removeTLV(t, nil)
	return nil
}
