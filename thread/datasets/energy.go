package datasets

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

const (
	scanDelay   = 1000 * time.Millisecond // SCAN_DELAY
	reportDelay = 500 * time.Millisecond  // kReportDelay
	maxResults  = 254                     // what a plain TLV holds
)

// energyServer is an energy scan that a commissioner asked for (OpenThread energy_scan_server.cpp).
type energyServer struct {
	mask, left       uint32
	count            uint8
	period, duration time.Duration
	to               ip6.Address
	results          []byte
	timer            machine.Time
}

func (m *Manager) serveEnergyScan(now machine.Time, from ip6.Address, request, dst []byte) ([]byte, bool) {
	count, ok := tlv.Find(request, meshcop.Count)
	period, ok2 := tlv.Uint16(request, meshcop.Period)
	duration, ok3 := tlv.Uint16(request, meshcop.ScanDuration)
	mask, ok4 := meshcop.FindMask(request)
	if !ok || len(count) < 1 || !ok2 || !ok3 || !ok4 {
		return dst, false
	}
	m.energy = &energyServer{mask: mask, left: mask, count: count[0], to: from, timer: now.Add(scanDelay),
		period: time.Duration(period) * time.Millisecond, duration: time.Duration(duration) * time.Millisecond}
	if mask == 0 {
		m.energy.count = 0
	}
	return dst, true
}

func (m *Manager) expireEnergy(now machine.Time) {
	e := m.energy
	if e == nil || e.timer > now {
		return
	}
	e.timer = machine.Never
	if e.count > 0 {
		m.env.EnergyScan(now, lowest(e.left), e.duration)
		return
	}
	m.energy = nil
	b := append(meshcop.AppendMask(nil, e.mask), meshcop.EnergyList, byte(len(e.results)))
	m.env.Post(now, e.to, "c/er", append(b, e.results...), nil)
}

// EnergyScanned gives the result of Env.EnergyScan; ok is false where the radio could not.
func (m *Manager) EnergyScanned(now machine.Time, rssi int8, ok bool) {
	e := m.energy
	if e == nil {
		return
	}
	if ok {
		e.results = append(e.results, byte(rssi))
	}
	if e.left &= e.left - 1; e.left == 0 {
		e.left = e.mask
		e.count--
	}
	if len(e.results) >= maxResults {
		e.count = 0
	}
	if e.timer = now.Add(e.period); e.count == 0 {
		e.timer = now.Add(reportDelay)
	}
}

// NetworkDataChanged ends an energy scan whose commissioner is gone.
func (m *Manager) NetworkDataChanged(machine.Time) {
	if _, ok := m.env.BorderAgent(); m.energy != nil && !ok {
		m.energy = nil
	}
}

// EnergyScan asks a node for the energy on channels (MGMT_ED_SCAN). Reports come on /c/er: ParseReport.
func (m *Manager) EnergyScan(now machine.Time, mask uint32, count uint8, period, duration uint16, to ip6.Address) error {
	b, err := m.commissionerRequest(mask)
	if err == nil {
		b = binary.BigEndian.AppendUint16(append(b, meshcop.Count, 1, count, meshcop.Period, 2), period)
		m.env.Post(now, to, "c/es", binary.BigEndian.AppendUint16(append(b, meshcop.ScanDuration, 2), duration), nil)
	}
	return err
}
