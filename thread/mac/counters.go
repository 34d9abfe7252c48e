package mac

import (
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Counters counts frames, in the order and with the meaning of OpenThread's otMacCounters.
type Counters struct {
	TxTotal, TxUnicast, TxBroadcast, TxAckRequested, TxAcked, TxNoAckRequested uint32
	TxData, TxDataPoll, TxBeacon, TxBeaconRequest, TxOther, TxRetry            uint32
	TxDirectMaxRetryExpiry, TxIndirectMaxRetryExpiry                           uint32
	TxErrCCA, TxErrAbort, TxErrBusyChannel                                     uint32
	RxTotal, RxUnicast, RxBroadcast, RxData, RxDataPoll, RxBeacon              uint32
	RxBeaconRequest, RxOther, RxAddressFiltered, RxDestAddrFiltered            uint32
	RxDuplicated, RxErrNoFrame, RxErrUnknownNeighbor, RxErrInvalidSrcAddr      uint32
	RxErrSec, RxErrFCS, RxErrOther                                             uint32
}

// ResetCounters sets all counters to 0.
func (m *MAC) ResetCounters() { m.Counters = Counters{} }

// ccaTracker is the share of transmissions that found the channel busy, as a weighted mean (SuccessRateTracker).
type ccaTracker struct {
	failure neighbor.ErrorRate
	samples uint16
}

// ccaWindow is OPENTHREAD_CONFIG_CCA_FAILURE_RATE_AVERAGING_WINDOW.
const ccaWindow = 512

func (m *MAC) recordCCA(clear bool) {
	if !clear {
		m.Counters.TxErrCCA++
	}
	if m.tx.Channel == m.panChannel || m.csl.enabled() && m.tx.Channel == m.csl.channel {
		m.cca.samples = min(m.cca.samples+1, ccaWindow)
		m.cca.failure.Add(clear, uint32(m.cca.samples))
	}
}

// CCAFailureRate returns the share of transmissions that found the channel busy, 0xFFFF for all.
func (m *MAC) CCAFailureRate() uint16 { return uint16(m.cca.failure) }

// recordAttempt counts an attempt, and the frame when it was the last one (Mac::RecordFrameTransmitStatus).
func (m *MAC) recordAttempt(err radio.Err, again bool) {
	f := &m.cur.frame
	if n := m.neighbor(f.Dst); n != nil && f.AckRequest && (err == radio.OK || err == radio.NoAck) {
		n.Link.AddSent(err == radio.OK)
	}
	c := &m.Counters
	if again {
		c.TxRetry++
		return
	}
	c.TxTotal++
	switch err {
	case radio.Aborted:
		c.TxErrAbort++
	case radio.ChannelBusy:
		c.TxErrBusyChannel++
	}
	if f.AckRequest {
		c.TxAckRequested++
		if err == radio.OK {
			c.TxAcked++
		}
	} else {
		c.TxNoAckRequested++
	}
	if f.Dst.IsBroadcast() {
		c.TxBroadcast++
	} else {
		c.TxUnicast++
	}
}

// rxError says why a received frame goes no further.
type rxError uint8

const (
	rxOK rxError = iota
	rxSecurity
	rxMalformed
	rxUnknownNeighbor
	rxInvalidSource
	rxAddressFiltered
	rxDestinationFiltered
	rxDuplicated
	rxDropped
	rxDisabled
)

func (m *MAC) countRx(e rxError) {
	c := &m.Counters
	switch e {
	case rxOK:
	case rxSecurity:
		c.RxErrSec++
	case rxUnknownNeighbor:
		c.RxErrUnknownNeighbor++
	case rxInvalidSource:
		c.RxErrInvalidSrcAddr++
	case rxAddressFiltered:
		c.RxAddressFiltered++
	case rxDestinationFiltered:
		c.RxDestAddrFiltered++
	case rxDuplicated:
		c.RxDuplicated++
	default:
		c.RxErrOther++
	}
}

func (m *MAC) countRxType(t ieee802154.Type) {
	switch t {
	case ieee802154.Data:
		m.Counters.RxData++
	case ieee802154.Beacon:
		m.Counters.RxBeacon++
	default:
		m.Counters.RxOther++
	}
}
