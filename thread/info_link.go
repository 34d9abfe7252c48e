package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// shellState is what the command line sets that no room of the node needs.
type shellState struct {
	logLevel     uint8
	ccaThreshold int8
	region       uint16
	unsecure     []uint16
	nonPreferred uint32
	properties   *DeviceProperties // nil: the default ones
	lastRLOC16   uint16
	instance     uint32
	dataFull     bool
}

// try runs f as one input of the node.
func (n *Node) try(now machine.Time, cause machine.Cause, f func() error) error {
	n.begin(now, cause)
	defer n.finish(now)
	return f()
}

func (n *Node) disabled() bool { return n.table.Self.Role == neighbor.RoleDisabled }

// ExtAddr returns the extended address.
func (n *Node) ExtAddr() [8]byte { return n.mac.Ext() }

// SetExtAddr changes it, while Thread is off.
func (n *Node) SetExtAddr(now machine.Time, e [8]byte) error {
	if !n.disabled() {
		return status.InvalidState
	}
	return n.try(now, 0, func() error {
		n.mac.SetExt(now, e)
		n.mle.ExtAddressChanged(now)
		return nil
	})
}

// PANID returns the network's number.
func (n *Node) PANID() uint16 { return uint16(n.mac.PAN()) }

func (n *Node) setParams(now machine.Time, p meshcop.Info) error {
	return n.try(now, 0, func() error { return n.cop.Set(now, p) })
}

// SetPANID, SetChannel and the others below change one of the network's parameters by hand, while Thread is off.
func (n *Node) SetPANID(now machine.Time, id uint16) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasPANID, PANID: id})
}

// Channel returns the network's channel.
func (n *Node) Channel() uint8 { return n.mac.Channel() }

// SetChannel changes it.
func (n *Node) SetChannel(now machine.Time, c uint8) error {
	return n.setParams(now, meshcop.Info{Has: meshcop.HasChannel, Channel: uint16(c)})
}

// ChannelMasks returns the channels that the radio has, and those it prefers.
func (n *Node) ChannelMasks() (supported, preferred uint32) {
	return n.mac.Channels(), n.mac.Channels()
}

// PollPeriod returns how often a sleepy child asks its parent at least, in milliseconds.
func (n *Node) PollPeriod() uint32 { return uint32(n.mac.KeepAlivePollPeriod() / time.Millisecond) }

// SetPollPeriod sets it; 0 is the default.
func (n *Node) SetPollPeriod(now machine.Time, ms uint32) error {
	return n.try(now, 0, func() error {
		if !n.mac.SetExternalPollPeriod(now, time.Duration(ms)*time.Millisecond) {
			return status.InvalidArgs
		}
		return nil
	})
}

// SendDataRequest polls the parent now.
func (n *Node) SendDataRequest(now machine.Time) error {
	return n.try(now, 0, func() error {
		if !n.mac.SendPoll(now) {
			return status.InvalidState
		}
		return nil
	})
}

// SendFastPolls polls the parent a few times in quick succession, since an answer is expected (data_poll_sender.cpp). It means nothing to a node that listens all the time.
func (n *Node) SendFastPolls(now machine.Time, cause machine.Cause, polls uint8) {
	n.begin(now, cause)
	n.mac.SendFastPolls(now, polls)
	n.finish(now)
}

// ExternalPollPeriod returns the period that SetPollPeriod has set, 0 for none.
func (n *Node) ExternalPollPeriod() time.Duration { return n.mac.ExternalPollPeriod() }

// PollingPeriod returns how often the node polls at the moment.
func (n *Node) PollingPeriod() time.Duration { return n.mac.PollPeriod() }

// SendEmptyData sends an empty frame to the parent of a sleepy child.
func (n *Node) SendEmptyData(now machine.Time) error {
	return n.try(now, 0, func() error { return n.mesh.SendEmpty(now) })
}

// MACCounters returns what the MAC has counted.
func (n *Node) MACCounters() info.MACCounters {
	c := &n.mac.Counters
	return info.MACCounters{
		TxTotal: c.TxTotal, TxUnicast: c.TxUnicast, TxBroadcast: c.TxBroadcast, TxAckRequested: c.TxAckRequested, TxAcked: c.TxAcked,
		TxNoAckRequested: c.TxNoAckRequested, TxData: c.TxData, TxDataPoll: c.TxDataPoll, TxBeacon: c.TxBeacon,
		TxBeaconRequest: c.TxBeaconRequest, TxOther: c.TxOther, TxRetry: c.TxRetry,
		TxDirectMaxRetryExpiry: c.TxDirectMaxRetryExpiry, TxIndirectMaxRetryExpiry: c.TxIndirectMaxRetryExpiry,
		TxErrCCA: c.TxErrCCA, TxErrAbort: c.TxErrAbort, TxErrBusyChannel: c.TxErrBusyChannel,
		RxTotal: c.RxTotal, RxUnicast: c.RxUnicast, RxBroadcast: c.RxBroadcast, RxData: c.RxData, RxDataPoll: c.RxDataPoll,
		RxBeacon: c.RxBeacon, RxBeaconRequest: c.RxBeaconRequest, RxOther: c.RxOther, RxAddressFiltered: c.RxAddressFiltered,
		RxDestAddrFiltered: c.RxDestAddrFiltered, RxDuplicated: c.RxDuplicated, RxErrNoFrame: c.RxErrNoFrame,
		RxErrUnknownNeighbor: c.RxErrUnknownNeighbor, RxErrInvalidSrcAddr: c.RxErrInvalidSrcAddr, RxErrSec: c.RxErrSec,
		RxErrFCS: c.RxErrFCS, RxErrOther: c.RxErrOther,
	}
}

// TxPower returns the transmit power in dBm.
func (n *Node) TxPower() int8 { return n.mac.Power() }

// SetTxPower changes it.
func (n *Node) SetTxPower(_ machine.Time, dBm int8) error {
	n.mac.SetPower(dBm)
	return nil
}

// CCAThreshold returns from which energy on the channel is busy, in dBm.
func (n *Node) CCAThreshold() int8 {
	if n.shell.ccaThreshold == 0 {
		return defaultCCAThreshold
	}
	return n.shell.ccaThreshold
}

// defaultCCAThreshold is that of OpenThread's simulated radio.
const defaultCCAThreshold = -74

// SetCCAThreshold changes it.
func (n *Node) SetCCAThreshold(_ machine.Time, dBm int8) error {
	n.shell.ccaThreshold = dBm
	return nil
}

// Region returns the two letters of the regulatory region, 0 for none.
func (n *Node) Region() uint16 { return n.shell.region }

// SetRegion changes it.
func (n *Node) SetRegion(r uint16) error {
	n.shell.region = r
	return nil
}

// Promiscuous reports whether all frames are heard.
func (n *Node) Promiscuous() bool { return n.mac.Promiscuous() }

// SetPromiscuous changes it, while the interface is down.
func (n *Node) SetPromiscuous(now machine.Time, on bool) error {
	if n.up {
		return status.InvalidState
	}
	return n.try(now, 0, func() error { n.mac.SetPromiscuous(now, on); return nil })
}

// RadioEnabled switches the link layer, while the interface is down.
func (n *Node) RadioEnabled(now machine.Time, on bool) error {
	if n.up {
		return status.InvalidState
	}
	return n.try(now, 0, func() error { n.mac.SetEnabled(now, on); return nil })
}

// RadioFilter reports whether the node is deaf and mute.
func (n *Node) RadioFilter() bool { return n.mac.RadioFilter() }

// SetRadioFilter makes it so.
func (n *Node) SetRadioFilter(now machine.Time, on bool) error {
	return n.try(now, 0, func() error { n.mac.SetRadioFilter(now, on); return nil })
}

// NoiseFloor is what link margins count from, in dBm.
func (n *Node) NoiseFloor() int8 { return n.table.Noise() }

// TimeInQueue returns how many messages waited how long, in bins of so many milliseconds.
func (n *Node) TimeInQueue() (bins []uint32, binMS uint32) {
	s := n.mesh.QueueStats()
	return s.Bins[:], 10
}

// MaxTimeInQueue returns the longest wait in milliseconds.
func (n *Node) MaxTimeInQueue() uint32 { return uint32(n.mesh.QueueStats().Max / time.Millisecond) }

// ResetTimeInQueue starts counting anew.
func (n *Node) ResetTimeInQueue() { n.mesh.ResetQueueStats() }
