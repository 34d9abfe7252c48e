package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

// The channel monitor's parameters (OpenThread config/channel_monitor.h). It measures a quarter of the channels at a time, so
// that the radio is never away for long.
const (
	monitorInterval  = 41 * time.Second // in which each channel is measured once
	monitorThreshold = -75              // dBm: what is stronger counts as busy
	monitorWindow    = 960              // samples
	monitorSets      = 4
	monitorJitter    = 4096 * time.Millisecond
	firstChannel     = 11
)

// channelMonitor counts how often each channel is busy. OpenThread's begins with the interface; ours where it is asked for,
// since it takes the radio off its channel.
type channelMonitor struct {
	set       int
	count     uint32
	occupancy [16]uint16
	at        machine.Time
}

// ChannelMonitor returns what the monitor has found; nil: it is off.
func (n *Node) ChannelMonitor() *info.ChannelMonitor {
	m := n.monitor
	if m == nil {
		return nil
	}
	return &info.ChannelMonitor{IntervalMS: uint32(monitorInterval / time.Millisecond), Threshold: monitorThreshold, Window: monitorWindow,
		Count: m.count, Occupancy: m.occupancy}
}

// SetChannelMonitor starts or stops it.
func (n *Node) SetChannelMonitor(now machine.Time, on bool) error {
	switch {
	case on == (n.monitor != nil):
		return status.Already
	case on:
		n.monitor = &channelMonitor{at: now.Add(monitorInterval / monitorSets)}
	default:
		n.monitor = nil
	}
	return nil
}

func (n *Node) monitorDeadline() machine.Time {
	if n.monitor == nil {
		return machine.Never
	}
	return n.monitor.at
}

// expireMonitor measures the next quarter of the channels, unless the radio is busy with another scan.
func (n *Node) expireMonitor(now machine.Time) {
	m := n.monitor
	jitter := time.Duration(n.config.Rand.Uint64()%uint64(2*monitorJitter+1)) - monitorJitter
	m.at = m.at.Add(monitorInterval/monitorSets + jitter)
	if m.at <= now {
		m.at = now.Add(monitorInterval / monitorSets)
	}
	if n.scan.under || !n.up {
		return
	}
	mask := uint32(0)
	for c := firstChannel + m.set; c < firstChannel+len(m.occupancy); c += monitorSets {
		mask |= 1 << c
	}
	n.scan = scanner{under: true, energy: true, forMonitor: true}
	if !n.mac.EnergyScan(now, mask, 0) {
		n.scan = scanner{}
	}
}

// monitored takes in the strongest signal of a channel, or the end of a scan.
func (m *channelMonitor) monitored(channel uint8, rssi int8, done bool) {
	if done {
		if m.set++; m.set == monitorSets {
			m.set = 0
			m.count++
		}
		return
	}
	i := int(channel) - firstChannel
	if i < 0 || i >= len(m.occupancy) {
		return
	}
	busy := uint32(0)
	if rssi != radio.NoRSSI && rssi >= monitorThreshold {
		busy = 0xffff
	}
	weight := min(m.count, monitorWindow-1) // a plain mean at first, then an exponential one
	m.occupancy[i] = uint16((uint32(m.occupancy[i])*weight + busy) / (weight + 1))
}
