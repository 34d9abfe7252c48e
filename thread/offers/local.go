package offers

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// AddOnMeshPrefix offers an on-mesh prefix, in place of what this node offers with that prefix. Register makes it known.
func (m *Manager) AddOnMeshPrefix(now machine.Time, p netdata.OnMeshPrefix) error {
	if !p.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.addLocalPrefix(now, p.Prefix, netdata.KindBorderRouter, binary.BigEndian.AppendUint16(nil, p.Flags()), p.Stable)
}

// AddExternalRoute offers an external route, in place of what this node offers with that prefix.
func (m *Manager) AddExternalRoute(now machine.Time, r netdata.ExternalRoute) error {
	if !r.Valid(m.env.MeshLocalPrefix()) {
		return status.InvalidArgs
	}
	return m.addLocalPrefix(now, r.Prefix, netdata.KindHasRoute, []byte{r.Flags()}, r.Stable)
}

func (m *Manager) addLocalPrefix(now machine.Time, p ip6.Prefix, kind uint8, flags []byte, stable bool) error {
	m.local.DropPrefix(p)
	value := append([]byte{netdata.InvalidRLOC16 >> 8, netdata.InvalidRLOC16 & 0xff}, flags...)
	if !m.local.Room(4 + p.Size() + 2 + len(value)) {
		m.env.NetworkDataFull(now)
		return status.NoBufs
	}
	t := m.local.AppendPrefix(0, p.Bits, p.Addr[:])
	m.local.Bytes = append(append(m.local.Bytes, kind<<1, byte(len(value))), value...)
	m.local.Resize(&t, 2+len(value))
	m.local.SetStable(t.At, stable)
	m.local.SetStable(t.Sub, stable)
	return nil
}

// RemoveOnMeshPrefix takes the offer of a prefix back.
func (m *Manager) RemoveOnMeshPrefix(p ip6.Prefix) error {
	if !m.local.DropPrefix(p) {
		return status.NotFound
	}
	return nil
}

// RemoveExternalRoute takes the offer of a route back.
func (m *Manager) RemoveExternalRoute(p ip6.Prefix) error { return m.RemoveOnMeshPrefix(p) }

// AddService offers a service, in place of what this node offers under that enterprise number and service data.
func (m *Manager) AddService(now machine.Time, enterprise uint32, data []byte, stable bool, server []byte) error {
	_ = m.RemoveService(enterprise, data)
	if !m.local.Room(netdata.ServiceSize(enterprise, data) + 4 + len(server)) {
		m.env.NetworkDataFull(now)
		return status.NoBufs
	}
	t := m.local.AppendService(0, enterprise, data)
	m.local.Bytes = append(m.local.Bytes, netdata.KindServer<<1, byte(2+len(server)))
	m.local.Bytes = append(binary.BigEndian.AppendUint16(m.local.Bytes, m.env.RLOC16()), server...)
	m.local.Resize(&t, 4+len(server))
	m.local.SetStable(t.At, stable)
	m.local.SetStable(t.Sub, stable)
	return nil
}

// RemoveService takes the offer of a service back.
func (m *Manager) RemoveService(enterprise uint32, data []byte) error {
	t, ok := netdata.Data(m.local.Bytes).FindService(enterprise, data)
	if !ok {
		return status.NotFound
	}
	m.local.RemoveTLV(t, nil)
	return nil
}
