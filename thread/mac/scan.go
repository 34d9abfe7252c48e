package mac

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// scan is an active or an energy scan under way.
type scan struct {
	left     uint32 // channels still to be scanned
	channel  uint8
	duration time.Duration
}

// BeaconInfo is a network that an active scan found.
type BeaconInfo struct {
	Ext      ieee802154.ExtAddr
	PAN      ieee802154.PANID
	Channel  uint8
	RSSI     int8
	LQI      uint8
	Version  uint8
	Joinable bool
	Native   bool
	Name     string
	ExtPAN   [8]byte
}

// ActiveScan sends a beacon request on each channel of a mask (0: all) and listens for a while (0: 300 ms). It reports
// false if a scan is under way, or the MAC is off.
func (m *MAC) ActiveScan(now machine.Time, channels uint32, d time.Duration) bool {
	if d == 0 {
		d = defaultScanDuration
	}
	return m.startScan(now, activeScan, channels, d)
}

// EnergyScan measures each channel of a mask (0: all), once if d is 0.
func (m *MAC) EnergyScan(now machine.Time, channels uint32, d time.Duration) bool {
	return m.startScan(now, energyScan, channels, d)
}

// Scanning reports whether a scan is under way or about to begin.
func (m *MAC) Scanning() bool { return m.scan != nil }

// InTransmit reports whether a frame is being sent.
func (m *MAC) InTransmit() bool { return m.cur != nil && m.op != activeScan }

func (m *MAC) startScan(now machine.Time, op operation, channels uint32, d time.Duration) bool {
	if !m.enabled || m.scan != nil {
		return false
	}
	if channels == 0 {
		channels = m.cfg.Channels
	}
	m.enter()
	m.scan = &scan{left: channels & m.cfg.Channels, duration: d}
	m.pending |= op
	m.leave(now)
	return true
}

// nextScanChannel goes on to the next channel, or ends the scan and reports false.
func (m *MAC) nextScanChannel(now machine.Time) bool {
	s := m.scan
	op := m.op
	for s.left != 0 && s.left&(1<<s.channel) == 0 {
		s.channel++
	}
	if s.left == 0 {
		m.scan, m.op = nil, idle
		if op == activeScan {
			m.radioPAN(m.pan)
			m.flush(now)
			m.env.ScanResult(now, nil)
		} else {
			m.env.EnergyResult(now, 0, radio.NoRSSI, true)
		}
		return false
	}
	s.left &^= 1 << s.channel
	if op == energyScan {
		m.env.RadioEnergy(now, &radio.EnergyScan{Channel: s.channel, Duration: s.duration})
		return true
	}
	m.radioPAN(ieee802154.BroadcastPAN)
	j := &m.own
	j.load(&Tx{})
	j.frame = ieee802154.Frame{Type: ieee802154.Command, Version: ieee802154.Version2003, Command: ieee802154.BeaconRequest,
		Dst: ieee802154.Broadcast, DstPAN: ieee802154.BroadcastPAN, HasDstPAN: true}
	j.frame.Plan()
	m.tx = radio.Transmit{Channel: s.channel, Backoffs: maxBackoffs, Retries: m.retriesDirect, Power: m.power}
	m.submac(now, j)
	return true
}

// RadioEnergy takes in the strongest signal of a channel.
func (m *MAC) RadioEnergy(now machine.Time, rssi int8) {
	if m.op != energyScan {
		return
	}
	m.enter()
	if rssi != radio.NoRSSI {
		m.env.EnergyResult(now, m.scan.channel, rssi, false)
	}
	m.nextScanChannel(now)
	m.leave(now)
}

// superframe is what a Thread beacon begins with: superframe specification, no GTS, no pending addresses.
var superframe = []byte{0xff, 0x0f, 0, 0}

func (m *MAC) beginBeacon(now machine.Time) bool {
	j := &m.own
	j.load(&Tx{Payload: superframe})
	j.frame = ieee802154.Frame{Type: ieee802154.Beacon, Version: ieee802154.Version2003,
		Src: ieee802154.ExtendedAddr(m.filter.Ext), SrcPAN: m.pan, HasSrcPAN: true, Sequence: m.beacon, Payload: j.payload}
	m.beacon++
	j.frame.Plan()
	m.tx = radio.Transmit{Channel: m.radioChannel, Backoffs: maxBackoffs, Retries: m.retriesDirect, Power: m.power}
	m.submac(now, j)
	return true
}

// beaconHeard makes a result of a beacon (Mac::ConvertBeaconToActiveScanResult).
func (m *MAC) beaconHeard(now machine.Time, h *ieee802154.Frame, rx *Rx) {
	if h.Src.Kind != ieee802154.Extended {
		return
	}
	b := BeaconInfo{Ext: h.Src.Ext, Channel: rx.Channel, RSSI: rx.RSSI, LQI: rx.LQI}
	b.PAN, _ = h.PAN()
	if h.HasSrcPAN {
		b.PAN = h.SrcPAN
	}
	// Thread's payload: protocol 3, version and flags, name, extended PAN identifier.
	if p := rx.Payload; len(p) >= 4+2+16+8 && binary.LittleEndian.Uint32(p) == 0x0fff && p[4] == 3 {
		b.Version, b.Native, b.Joinable = p[5]>>4, p[5]&8 != 0, p[5]&1 != 0
		name := p[6:22]
		n := 0
		for n < len(name) && name[n] != 0 {
			n++
		}
		b.Name, b.ExtPAN = string(name[:n]), [8]byte(p[22:30])
	}
	m.env.ScanResult(now, &b)
}
