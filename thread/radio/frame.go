package radio

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Frame is a frame as one node heard it. It is borrowed until the input returns.
type Frame struct {
	*Air
	RSSI         int8  // dBm
	LQI          uint8 // 0: unknown
	AckedPending bool  // the ack that the radio sent said "more is coming"
	AckedSecured bool  // that ack was secured, with AckCounter
	AckCounter   uint32
	At           machine.Time // when its first bit after the preamble arrived
}

// Air is what all hearers of a frame share: its bytes, its parse, its opened payload and what upper layers made of that,
// so that a broadcast is parsed and decrypted once. The drivers make one for each transmission and may use it again with
// Set when all hearers are done. All hearers are in one goroutine.
type Air struct {
	PSDU    []byte // with its check sequence
	Channel uint8
	// Memo is for upper layers to keep what they made of the opened payload, if it depends on nothing of their own: slots
	// are named below. They are cleared by Set, but for their content's memory the owner may reuse.
	Memo [MemoSlots]any

	state  uint8
	frame  ieee802154.Frame
	opened []byte
	key    *ieee802154.Key
	source ieee802154.ExtAddr
	right  bool
	room   [ieee802154.MaxPSDU]byte
	psdu   [ieee802154.MaxPSDU]byte
}

// The slots of Air.Memo.
const (
	MemoIP  = iota // lowpan: the decompressed datagram
	MemoMLE        // mle: the opened message
	MemoSlots
)

const (
	parsed    = 1
	malformed = 2
)

// NewAir returns a frame in flight with a copy of the PSDU.
func NewAir(channel uint8, psdu []byte) *Air {
	a := new(Air)
	a.Set(channel, psdu)
	return a
}

// Set makes the value another frame, with a copy of the PSDU.
func (a *Air) Set(channel uint8, psdu []byte) {
	a.PSDU = a.psdu[:copy(a.psdu[:], psdu)]
	if len(psdu) > len(a.psdu) {
		a.PSDU = a.PSDU[:0] // no frame is longer
	}
	a.Channel, a.state, a.key, a.opened = channel, 0, nil, nil
	a.Memo = [MemoSlots]any{}
}

// Parsed returns the frame's header and payload, or nil if it is malformed. All hearers share it.
func (a *Air) Parsed() *ieee802154.Frame {
	if a.state == 0 {
		a.state = parsed
		if a.frame.Parse(a.PSDU) != nil {
			a.state = malformed
		}
	}
	if a.state == malformed {
		return nil
	}
	return &a.frame
}

// Open returns the payload opened with key and the nonce of source, and whether the MIC is right. The last result is kept,
// so that it costs nothing for the next hearer with the same key. The payload must not be changed.
func (a *Air) Open(key *ieee802154.Key, source ieee802154.ExtAddr) ([]byte, bool) {
	f := a.Parsed()
	if f == nil || key == nil {
		return nil, false
	}
	if a.key != key || a.source != source {
		a.key, a.source = key, source
		a.opened, a.right = f.Open(a.room[:], key, source)
	}
	if !a.right {
		return nil, false
	}
	return a.opened, true
}

// Opened returns the payload as a hearer has opened it, if one could.
func (a *Air) Opened() ([]byte, bool) { return a.opened, a.right && a.key != nil }
