package mac

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/radio"
)

// Start puts the radio to work after the node's start: idle mode by RxOnWhenIdle.
func (m *MAC) Start(now machine.Time) {
	m.enter()
	m.enabled = true
	m.leave(now)
}

// SetEnabled turns the MAC on or off. Off, the radio is too, and what was to be sent is dropped without a word.
func (m *MAC) SetEnabled(now machine.Time, on bool) {
	m.enter()
	m.enabled = on
	if !on {
		m.phase, m.at, m.timer, m.op, m.pending = atRest, machine.Never, machine.Never, idle, 0
		m.cur, m.child, m.waiting, m.scan = nil, nil, nil, nil
		m.direct.busy, m.indirect.busy, m.own.busy = false, false, false
		m.radioState(now, radio.State{Mode: radio.Off})
	}
	m.leave(now)
}

// Enabled reports whether the MAC is on.
func (m *MAC) Enabled() bool { return m.enabled }

// Ext returns the extended address.
func (m *MAC) Ext() ieee802154.ExtAddr { return m.filter.Ext }

// SetExt changes the extended address.
func (m *MAC) SetExt(now machine.Time, a ieee802154.ExtAddr) {
	m.enter()
	m.dirty = m.dirty || m.filter.Ext != a
	m.filter.Ext = a
	m.leave(now)
}

// Short returns the short address, ieee802154.InvalidShort while there is none.
func (m *MAC) Short() uint16 { return m.filter.Short }

// SetShort changes the short address.
func (m *MAC) SetShort(now machine.Time, s uint16) {
	m.enter()
	m.dirty = m.dirty || m.filter.Short != s
	m.filter.Short = s
	m.leave(now)
}

// AltShort returns the second short address, ieee802154.InvalidShort if there is none.
func (m *MAC) AltShort() uint16 { return m.filter.AltShort }

// SetAltShort changes the second short address, under which a new router is still reached as the child that it was.
func (m *MAC) SetAltShort(now machine.Time, s uint16) {
	m.enter()
	m.dirty = m.dirty || m.filter.AltShort != s
	m.filter.AltShort = s
	m.leave(now)
}

// SetProbes says which link metrics go into enhanced acks, and to whom. The slice is given away.
func (m *MAC) SetProbes(now machine.Time, p []radio.Probing) {
	m.enter()
	m.filter.Probes, m.dirty = p, true
	if len(p) > 0 {
		m.wantAcks(now) // so that the very first frame gets one
	}
	m.leave(now)
}

// PAN returns the network's PAN identifier.
func (m *MAC) PAN() ieee802154.PANID { return m.pan }

// SetPAN changes the PAN identifier.
func (m *MAC) SetPAN(now machine.Time, p ieee802154.PANID) {
	m.enter()
	m.pan = p
	if m.op != activeScan {
		m.radioPAN(p)
	}
	m.leave(now)
}

func (m *MAC) radioPAN(p ieee802154.PANID) {
	m.dirty = m.dirty || m.filter.PAN != p
	m.filter.PAN = p
}

// Channel returns the network's channel.
func (m *MAC) Channel() uint8 { return m.panChannel }

// Supported reports whether there is such a channel.
func (m *MAC) Supported(channel uint8) bool { return channel < 32 && m.cfg.Channels&(1<<channel) != 0 }

// Channels returns the mask of supported channels.
func (m *MAC) Channels() uint32 { return m.cfg.Channels }

// SetChannel changes the network's channel and reports whether it is supported.
func (m *MAC) SetChannel(now machine.Time, channel uint8) bool {
	if !m.Supported(channel) {
		return false
	}
	if channel == m.panChannel {
		return true
	}
	m.enter()
	m.panChannel = channel
	m.cca = ccaTracker{}
	if !m.temporary {
		m.radioChannel = channel
		if m.csl.channel == 0 {
			m.updateCSL(now)
		}
		m.idleMode(now)
	}
	m.leave(now)
	return true
}

// SetTemporaryChannel moves the radio to another channel for a while (discovery, announcements), and reports whether it
// is supported.
func (m *MAC) SetTemporaryChannel(now machine.Time, channel uint8) bool {
	if !m.Supported(channel) {
		return false
	}
	m.enter()
	m.temporary, m.radioChannel = true, channel
	m.idleMode(now)
	m.leave(now)
	return true
}

// ClearTemporaryChannel returns to the network's channel.
func (m *MAC) ClearTemporaryChannel(now machine.Time) {
	if !m.temporary {
		return
	}
	m.enter()
	m.temporary, m.radioChannel = false, m.panChannel
	m.idleMode(now)
	m.leave(now)
}

// RadioChannel returns the channel that the radio is on now.
func (m *MAC) RadioChannel() uint8 { return m.radioChannel }

// RxOnWhenIdle reports whether the receiver stays on.
func (m *MAC) RxOnWhenIdle() bool { return m.rxOn }

// SetRxOnWhenIdle says whether the receiver stays on while nothing is sent.
func (m *MAC) SetRxOnWhenIdle(now machine.Time, on bool) {
	if m.rxOn == on {
		return
	}
	m.enter()
	m.rxOn = on
	if on {
		m.pending &^= waitData
		if m.op == waitData {
			m.timer, m.op = machine.Never, idle
		}
	}
	m.radioRxOn()
	m.idleMode(now)
	m.leave(now)
}

func (m *MAC) radioRxOn() {
	on := m.rxOn || m.promiscuous
	m.dirty = m.dirty || m.filter.RxOnWhenIdle != on
	m.filter.RxOnWhenIdle = on
}

// Promiscuous reports whether everything on the channel is heard.
func (m *MAC) Promiscuous() bool { return m.promiscuous }

// SetPromiscuous makes the radio hear everything on its channel, and acknowledge nothing.
func (m *MAC) SetPromiscuous(now machine.Time, on bool) {
	m.enter()
	m.dirty = m.dirty || m.filter.Promiscuous != on
	m.promiscuous, m.filter.Promiscuous = on, on
	m.radioRxOn()
	m.idleMode(now)
	m.leave(now)
}

// SetBeacons says whether beacon requests are answered: routers do, and joinable nodes.
func (m *MAC) SetBeacons(on bool) { m.beacons = on }

// Retries returns how often direct and indirect frames are tried again.
func (m *MAC) Retries() (direct, indirect uint8) { return m.retriesDirect, m.retriesIndirect }

// SetRetriesDirect changes how often direct frames are tried again.
func (m *MAC) SetRetriesDirect(n uint8) { m.retriesDirect = n }

// SetRetriesIndirect changes how often indirect frames are tried again within one poll.
func (m *MAC) SetRetriesIndirect(n uint8) { m.retriesIndirect = n }

// Power returns the transmit power in dBm.
func (m *MAC) Power() int8 { return m.power }

// SetPower changes the transmit power in dBm.
func (m *MAC) SetPower(dbm int8) { m.power = dbm }

// Overhead returns how many bytes of a PSDU of 127 are not payload if tx is sent now.
func (m *MAC) Overhead(tx *Tx) int {
	var f ieee802154.Frame
	var ies [16]byte
	m.header(&f, tx, ies[:0], 0, tx.Payload == nil)
	return f.Overhead()
}

// KeysChanged is called after the key sequence or the network key changed.
func (m *MAC) KeysChanged(now machine.Time) {
	m.enter()
	if m.acks || m.cfg.Caps&radio.CapTransmitSec != 0 {
		m.filter.Block, m.nextAcks = radio.AckBlock{}, radio.AckBlock{}
		m.ackKeys(now)
		m.dirty = true
	}
	m.leave(now)
}

// ackKeys gives the radio the keys and a run of frame counters for enhanced acks.
func (m *MAC) ackKeys(now machine.Time) {
	if !m.acks {
		return
	}
	seq := m.cfg.Keys.Sequence()
	list := make([]radio.AckKey, 0, 3)
	for _, s := range [...]uint32{seq, seq - 1, seq + 1} {
		if k, _, ok := m.cfg.Keys.ByIndex(keys.Index(s)); ok {
			list = append(list, radio.AckKey{Index: keys.Index(s), Key: k.Clone()})
		}
	}
	m.filter.Keys = list
	m.ackCounters(now)
	m.dirty = true
}

// ackBlock is how many frame counters the radio gets at a time for acks; a new run is given when few are left, or when
// the counters of frames have come up to it.
const (
	ackBlock    = 256
	ackBlockLow = 32
)

// ackCounters reserves a run when it is time. The radio goes on with the one before until the reservation is on disk: acks
// wait for no commit, and after a crash their counters would be used again.
func (m *MAC) ackCounters(now machine.Time) {
	b := &m.filter.Block
	if !m.acks || m.nextAcks.End != 0 || b.Start+b.Used+ackBlockLow < b.End && !m.cfg.Keys.AcksPassed() {
		return
	}
	first := m.cfg.Keys.ReserveAcks(now, ackBlock)
	if first == 0 {
		return // the counters are used up
	}
	m.nextAcks = radio.AckBlock{Start: first, End: first + ackBlock}
	m.giveAcks()
}

func (m *MAC) giveAcks() {
	if m.nextAcks.End != 0 && m.env.CountersStored() {
		m.filter.Block, m.nextAcks = m.nextAcks, radio.AckBlock{}
		m.dirty = true
	}
}

// CountersStored is called when reserved frame counters have come to disk.
func (m *MAC) CountersStored(now machine.Time) {
	if m.cfg.Caps&radio.CapTransmitSec != 0 && !m.radioSeals && m.env.CountersStored() {
		m.enter()
		m.dirty = true
		m.leave(now)
	}
	if m.nextAcks.End == 0 {
		return
	}
	m.enter()
	m.giveAcks()
	m.ackCounters(now) // frames may have passed it meanwhile
	m.leave(now)
}

// wantAcks notes that a neighbour asks enhanced acks of us.
func (m *MAC) wantAcks(now machine.Time) {
	if !m.acks {
		m.acks = true
		m.ackKeys(now)
	}
}

// radioKeys gives a radio that seals frames the keys, once counters ahead of those in use are on disk: it acknowledges with
// them from then on and asks nobody. Without a key it makes no secured ack, and its neighbours send again.
func (m *MAC) radioKeys(now machine.Time, c *radio.Config) {
	m.cfg.Keys.RadioMAC(now)
	if !m.radioSeals && !m.env.CountersStored() {
		return
	}
	m.radioSeals = true
	c.KeyIndex = keys.Index(m.cfg.Keys.Sequence())
	seq := m.cfg.Keys.Sequence()
	for i, s := range [...]uint32{seq - 1, seq, seq + 1} {
		if k, _, ok := m.cfg.Keys.ByIndex(keys.Index(s)); ok {
			c.Keys[i] = k.Raw()
		}
	}
	c.MACCounter = m.cfg.Keys.Counters().MAC
}

// RadioFilter reports whether the node is deaf and mute.
func (m *MAC) RadioFilter() bool { return m.radioFilter }

// SetRadioFilter makes the node deaf and mute, for tests: it hears nothing, and what it sends fails (OpenThread's
// SubMac::SetRadioFilterEnabled).
func (m *MAC) SetRadioFilter(now machine.Time, on bool) {
	if m.radioFilter == on {
		return
	}
	m.enter()
	m.radioFilter = on
	m.idleMode(now)
	m.leave(now)
}
