package datasets

import (
	"encoding/binary"
	"math/bits"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// panQuery is a search for a PAN id that a commissioner asked for (OpenThread panid_query_server.cpp).
type panQuery struct {
	mask, found uint32
	pan         uint16
	to          ip6.Address
	timer       machine.Time
}

func lowest(mask uint32) uint8 { return uint8(bits.TrailingZeros32(mask)) }

func (m *Manager) servePANQuery(now machine.Time, from ip6.Address, request, dst []byte) ([]byte, bool) {
	mask, ok := meshcop.FindMask(request)
	pan, ok2 := tlv.Uint16(request, meshcop.PANID)
	if !ok || !ok2 {
		return dst, false
	}
	m.query = &panQuery{mask: mask, pan: pan, to: from, timer: now.Add(scanDelay)}
	return dst, true
}

func (m *Manager) expireQuery(now machine.Time) {
	if q := m.query; q != nil && q.timer <= now {
		q.timer = machine.Never
		m.env.ActiveScan(now, q.mask)
	}
}

// Beacon gives one result of Env.ActiveScan.
func (m *Manager) Beacon(channel uint8, pan uint16) {
	if q := m.query; q != nil && pan == q.pan && channel < 32 {
		q.found |= 1 << channel
	}
}

// ActiveScanned ends Env.ActiveScan.
func (m *Manager) ActiveScanned(now machine.Time) {
	q := m.query
	if q == nil || q.timer != machine.Never {
		return
	}
	m.query = nil
	if q.found != 0 {
		b := binary.BigEndian.AppendUint16(append(meshcop.AppendMask(nil, q.found), meshcop.PANID, 2), q.pan)
		m.env.Post(now, q.to, "c/pc", b, nil)
	}
}

// PANIDQuery asks a node whether it hears a PAN id on channels (MGMT_PANID_QUERY). Only a commissioner may.
func (m *Manager) PANIDQuery(now machine.Time, pan uint16, mask uint32, to ip6.Address) error {
	b, err := m.commissionerRequest(mask)
	if err == nil {
		m.env.Post(now, to, "c/pq", binary.BigEndian.AppendUint16(append(b, meshcop.PANID, 2), pan), nil)
	}
	return err
}
