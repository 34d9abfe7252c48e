package mle

import (
	"encoding/binary"
	"errors"

	"heddle.example/thread/neighbor"
)

// What can be wrong with a TLV of a message. Callers branch on the first: a TLV that may be left out.
var (
	ErrNotFound = errors.New("mle: the message has no such TLV")
	ErrParse    = errors.New("mle: the message is malformed")
)

// Message is an opened MLE message: its command and TLVs. It borrows the bytes that it was read from.
type Message struct {
	Command Command
	TLVs    []byte
}

// ParseMessage reads what an MLE message has behind its security header: a command and TLVs. The TLVs are looked at as
// they are asked for, so that a message with a broken one can still be of use, as OpenThread does it.
func ParseMessage(b []byte) (Message, error) {
	if len(b) == 0 {
		return Message{}, ErrParse
	}
	return Message{Command(b[0]), b[1:]}, nil
}

// NextTLV splits the first TLV off. A length of 255 says that two bytes with the real one follow.
func NextTLV(b []byte) (t TLV, value, rest []byte, err error) {
	if len(b) < 2 {
		return 0, nil, nil, ErrParse
	}
	t, n, head := TLV(b[0]), int(b[1]), 2
	if n == 255 {
		if len(b) < 4 {
			return 0, nil, nil, ErrParse
		}
		n, head = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < head+n {
		return 0, nil, nil, ErrParse
	}
	return t, b[head : head+n : head+n], b[head+n:], nil
}

// Find returns the value of the first TLV of a type. What is behind a broken TLV cannot be found.
func (x *Message) Find(t TLV) ([]byte, error) {
	for b := x.TLVs; len(b) > 0; {
		if len(b) < 2 {
			return nil, ErrNotFound
		}
		is, n, head := TLV(b[0]), int(b[1]), 2
		if n == 255 {
			if len(b) < 4 {
				return nil, ErrNotFound
			}
			n, head = int(binary.BigEndian.Uint16(b[2:])), 4
		}
		if len(b) < head+n {
			return nil, ErrNotFound
		}
		if is == t {
			return b[head : head+n : head+n], nil
		}
		b = b[head+n:]
	}
	return nil, ErrNotFound
}

// Has says whether there is a TLV of a type.
func (x *Message) Has(t TLV) bool { _, err := x.Find(t); return err == nil }

// find is Find with a least length: of longer values the first bytes count, as in OpenThread.
func (x *Message) find(t TLV, least int) ([]byte, error) {
	v, err := x.Find(t)
	if err == nil && len(v) < least {
		return nil, ErrParse
	}
	return v, err
}

func (x *Message) uint8(t TLV) (uint8, error) {
	v, err := x.find(t, 1)
	if err != nil {
		return 0, err
	}
	return v[0], nil
}

func (x *Message) uint16(t TLV) (uint16, error) {
	v, err := x.find(t, 2)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(v), nil
}

func (x *Message) uint32(t TLV) (uint32, error) {
	v, err := x.find(t, 4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(v), nil
}

// SourceAddress returns the sender's RLOC16.
func (x *Message) SourceAddress() (uint16, error) { return x.uint16(TLVSourceAddress) }

// Mode returns what sort of device the sender is.
func (x *Message) Mode() (Mode, error) {
	v, err := x.uint8(TLVMode)
	return neighbor.ModeFromWire(v), err
}

// Timeout returns after how many silent seconds a parent forgets the child.
func (x *Message) Timeout() (uint32, error) { return x.uint32(TLVTimeout) }

// Address16 returns the RLOC16 that a parent gives to a child.
func (x *Message) Address16() (uint16, error) { return x.uint16(TLVAddress16) }

// LinkMargin returns how much the sender hears us above the noise, in dB.
func (x *Message) LinkMargin() (uint8, error) { return x.uint8(TLVLinkMargin) }

// Status returns the value of the Status TLV.
func (x *Message) Status() (uint8, error) { return x.uint8(TLVStatus) }

// ScanMask returns who is asked by a Parent Request: ScanRouters, ScanEndDevices.
func (x *Message) ScanMask() (uint8, error) { return x.uint8(TLVScanMask) }

// SupervisionInterval returns after how many seconds of silence a parent says something to a sleepy child.
func (x *Message) SupervisionInterval() (uint16, error) { return x.uint16(TLVSupervisionInterval) }

// CSLTimeout returns the time-out of a CSL receiver in seconds.
func (x *Message) CSLTimeout() (uint32, error) { return x.uint32(TLVCSLTimeout) }

// PANID returns the value of the PAN ID TLV.
func (x *Message) PANID() (uint16, error) { return x.uint16(TLVPANID) }

// Version returns the sender's version of Thread; there is none before 1.1.
func (x *Message) Version() (uint16, error) {
	v, err := x.uint16(TLVVersion)
	if err == nil && v < version1p1 {
		err = ErrParse
	}
	return v, err
}

// Challenge returns the bytes that the sender wants to see again, 4 to 8 of them.
func (x *Message) Challenge() ([]byte, error) { return x.challenge(TLVChallenge) }

// Response returns the bytes of the challenge that the sender answers.
func (x *Message) Response() ([]byte, error) { return x.challenge(TLVResponse) }

func (x *Message) challenge(t TLV) ([]byte, error) {
	v, err := x.find(t, 4)
	return v[:min(len(v), 8)], err
}

// FrameCounters returns the sender's frame counters of the link and of MLE. Where the latter is left out they are equal.
func (x *Message) FrameCounters() (link, mle uint32, err error) {
	if link, err = x.uint32(TLVLinkFrameCounter); err != nil {
		return 0, 0, err
	}
	switch mle, err = x.uint32(TLVMLEFrameCounter); err {
	case nil:
		return link, mle, nil
	case ErrNotFound:
		return link, link, nil
	}
	return 0, 0, ErrParse
}

// LeaderData returns the value of the Leader Data TLV.
func (x *Message) LeaderData() (LeaderData, error) {
	v, err := x.find(TLVLeaderData, 8)
	if err != nil {
		return LeaderData{}, err
	}
	return LeaderData{binary.BigEndian.Uint32(v), v[4], v[5], v[6], v[7]}, nil
}

// Timestamp returns the value of an Active or Pending Timestamp TLV.
func (x *Message) Timestamp(t TLV) (Timestamp, error) {
	v, err := x.find(t, 8)
	if err != nil {
		return NoTimestamp, err
	}
	return timestampOf(v), nil
}

// Channel returns the page and the channel of a Channel or CSL Channel TLV.
func (x *Message) Channel(t TLV) (page uint8, channel uint16, err error) {
	v, err := x.find(t, 3)
	if err != nil {
		return 0, 0, err
	}
	return v[0], binary.BigEndian.Uint16(v[1:]), nil
}

// CSLClockAccuracy returns how exact the sender's clock is: ppm, and units of 10 us.
func (x *Message) CSLClockAccuracy() (accuracy, uncertainty uint8, err error) {
	v, err := x.find(TLVCSLClockAccuracy, 2)
	if err != nil {
		return 0, 0, err
	}
	return v[0], v[1], nil
}

// RequestedTLVs returns the types that the sender wants in the answer, 32 at most. Other requests than those it
// knows are for the receiver to leave out.
func (x *Message) RequestedTLVs() ([]byte, error) {
	v, err := x.Find(TLVRequest)
	return v[:min(len(v), 32)], err
}

// Route returns the value of the Route64 TLV.
func (x *Message) Route() (neighbor.Route, error) {
	v, err := x.Find(TLVRoute)
	if err != nil {
		return neighbor.Route{}, err
	}
	r, err := neighbor.ParseRoute(v)
	if err != nil {
		err = ErrParse
	}
	return r, err
}
