package radio

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Transmit asks the radio to send a frame: once, or as often as its Caps say that it does by itself.
type Transmit struct {
	ID         uint32 // the Sent that answers carries it
	PSDU       []byte // with its check sequence
	Channel    uint8
	CCA        bool // look whether the channel is free first: with CapCSMA after a random back-off, else at once
	AckRequest bool
	Sequence   uint8
	Retry      uint8 // how many attempts came before
	Backoffs   uint8 // with CapCSMA: how often to back off
	Retries    uint8 // with CapRetries: how often to try again
	Power      int8
	// TxAt is when the first bit after the preamble shall leave, with CapTimedTx; zero is now. No back-off then.
	TxAt machine.Time
	// Cause is that of the datagram that the frame carries; 0: none that is known.
	Cause machine.Cause
	// Secure says that the radio shall assign the frame counter and seal the frame, with CapTransmitSec.
	Secure bool
}

// AckedBy reports whether a frame heard is the ack that t waits for: sequence numbers are all that there is to tell.
func (t *Transmit) AckedBy(f *ieee802154.Frame) bool {
	return t.AckRequest && f.Type == ieee802154.Ack && !f.NoSequence && f.Sequence == t.Sequence
}

// Err says how a transmission ended.
type Err uint8

// The ends of a transmission.
const (
	OK          Err = iota // sent, and acknowledged if that was asked for
	NoAck                  // no acknowledgement in time
	ChannelBusy            // the channel was never free
	Aborted                // the radio could not send it
)

func (e Err) String() string {
	switch e {
	case OK:
		return "OK"
	case NoAck:
		return "NoAck"
	case ChannelBusy:
		return "ChannelAccessFailure"
	}
	return "Abort"
}

// Sent answers a Transmit.
type Sent struct {
	ID  uint32
	Err Err
	Ack *Frame // the acknowledgement; nil if none was asked for
	// Counter is the frame counter that the radio used, with Transmit.Secure.
	Counter uint32
	Retries uint8 // that the radio made by itself
}

// Mode is what a radio does while it sends nothing.
type Mode uint8

// The modes.
const (
	Off Mode = iota
	Sleep
	Receive
)

// State asks the radio to do that from now on. While it sends, it hears on the channel of the Transmit.
type State struct {
	Mode    Mode
	Channel uint8
}

// EnergyScan asks the radio to listen on a channel and to answer with the strongest signal. It returns to its State.
type EnergyScan struct {
	Channel  uint8
	Duration time.Duration // 0: one sample
}

// NoRSSI says that there is no measurement.
const NoRSSI int8 = 127

// Config asks the radio to accept and acknowledge by this filter from now on: filter.Update(c.Filter).
type Config struct {
	Filter Filter
	// Keys for a radio with CapTransmitSec: index of the current key (0: there are none yet), the MAC keys of previous, current
	// and next sequence, and the lowest frame counter to go on with.
	KeyIndex   uint8
	Keys       [3][16]byte
	MACCounter uint32
}

// Caps says what a radio does by itself.
type Caps uint16

// The capabilities. A radio without any sends at once what it is given, and says so.
const (
	CapAckTimeout  Caps = 1 << iota // it waits for the ack and reports NoAck
	CapCSMA                         // it backs off and looks for a free channel
	CapRetries                      // it sends again without an ack
	CapEnergyScan                   // it measures over a duration (else the driver samples)
	CapTransmitSec                  // it assigns frame counters and seals
	CapSleepToTx                    // it sends from sleep without passing through receive
	CapTimedTx                      // it sends at an instant
	CapTimedRx                      // it receives at an instant
)
