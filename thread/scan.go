package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/info"
	"heddle.example/thread/mac"
	"heddle.example/thread/mle"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

// scanner is the scan of the MAC that is under way: a user's, whose results are Events and whose end is the Result, or one
// that a commissioner has asked the datasets for.
type scanner struct {
	under       bool
	forDatasets bool
	energy      bool
	forMonitor  bool
	op          machine.OpID
	cause       machine.Cause
	rssi        int8
}

// ActiveScan looks for beacons on channels (0: all), so many milliseconds on each (0: 300). Each is an Event with an
// *info.ScanResult, the end a Result with *info.Done.
func (n *Node) ActiveScan(now machine.Time, cause machine.Cause, mask uint32, ms uint16) (machine.OpID, error) {
	return n.userScan(now, cause, mask, ms, false)
}

// EnergyScan measures channels. Each is an Event with an *info.EnergyResult, the end a Result with *info.Done.
func (n *Node) EnergyScan(now machine.Time, cause machine.Cause, mask uint32, ms uint16) (machine.OpID, error) {
	return n.userScan(now, cause, mask, ms, true)
}

func (n *Node) userScan(now machine.Time, cause machine.Cause, mask uint32, ms uint16, energy bool) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	if n.scan.under {
		return 0, status.Busy
	}
	n.lastOp++
	n.scan = scanner{under: true, op: n.lastOp, cause: cause, energy: energy}
	d := time.Duration(ms) * time.Millisecond
	ok := false
	if energy {
		ok = n.mac.EnergyScan(now, mask, d)
	} else {
		ok = n.mac.ActiveScan(now, mask, d)
	}
	if !ok {
		n.scan = scanner{}
		return 0, status.InvalidState
	}
	return n.lastOp, nil
}

// scanForDatasets is a scan that a commissioner wants.
func (n *Node) scanForDatasets(now machine.Time, mask uint32, d time.Duration, energy bool) {
	ok := !n.scan.under
	if ok {
		n.scan = scanner{under: true, forDatasets: true, energy: energy, rssi: radio.NoRSSI}
		if energy {
			ok = n.mac.EnergyScan(now, mask, d)
		} else {
			ok = n.mac.ActiveScan(now, mask, d)
		}
		if !ok {
			n.scan = scanner{}
		}
	}
	switch {
	case ok:
	case energy:
		n.cop.EnergyScanned(now, radio.NoRSSI, false)
	default:
		n.cop.ActiveScanned(now)
	}
}

// scanned takes in a beacon, or nil at the end of the scan.
func (n *Node) scanned(now machine.Time, b *mac.BeaconInfo) {
	s := n.scan
	switch {
	case s.forDatasets && b != nil:
		n.cop.Beacon(b.Channel, uint16(b.PAN))
	case b != nil:
		n.event(s.op, &info.ScanResult{Name: b.Name, ExtPAN: b.ExtPAN, Ext: b.Ext, PAN: uint16(b.PAN), Channel: b.Channel,
			RSSI: b.RSSI, LQI: b.LQI})
	case s.forDatasets:
		n.scan = scanner{}
		n.cop.ActiveScanned(now)
	default:
		n.scan = scanner{}
		n.result(s.op, s.cause, &info.Done{})
	}
}

// measured takes in the strongest signal of a channel, or the end of the scan.
func (n *Node) measured(now machine.Time, channel uint8, rssi int8, done bool) {
	s := &n.scan
	switch {
	case s.forMonitor:
		if n.monitor != nil {
			n.monitor.monitored(channel, rssi, done)
		}
		if done {
			*s = scanner{}
		}
	case !done && s.forDatasets:
		s.rssi = rssi
	case !done:
		n.event(s.op, &info.EnergyResult{Channel: channel, RSSI: rssi})
	default:
		was := *s
		*s = scanner{}
		if was.forDatasets {
			n.cop.EnergyScanned(now, was.rssi, was.rssi != radio.NoRSSI)
		} else {
			n.result(was.op, was.cause, &info.Done{})
		}
	}
}

// Discover asks on channels (0: all) which Thread networks there are. Each is an Event with an *info.ScanResult, the end a
// Result with *info.Done.
func (n *Node) Discover(now machine.Time, cause machine.Cause, mask uint32) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	n.lastOp++
	op := n.lastOp
	err := n.mle.Discover(now, mle.Discovery{
		Channels: mask,
		PAN:      ieee802154.BroadcastPAN,
		Found: func(now machine.Time, f *mle.Network) {
			n.event(op, &info.ScanResult{Discovered: true, Name: string(f.Name), ExtPAN: f.ExtendedPANID, Ext: f.Ext,
				PAN: uint16(f.PAN), Channel: f.Channel, RSSI: f.RSSI, LQI: f.LQI})
		},
		Done: func(now machine.Time) { n.result(op, cause, &info.Done{}) },
	})
	if err != nil {
		return 0, err
	}
	return op, nil
}

func (n *Node) result(op machine.OpID, cause machine.Cause, value any) {
	n.out.Push(machine.Action{Kind: machine.Result, Op: op, Cause: cause, Value: value})
}
