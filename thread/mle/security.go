package mle

import (
	"encoding/binary"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// The security suites of MLE: the first byte of a message.
const (
	linkSecurity byte = 0
	noSecurity   byte = 255
)

const (
	// securityControl is the only one that Thread uses: encryption with a MIC of 4 bytes, key id mode 2.
	securityControl = byte(ieee802154.EncMIC32) | 2<<3

	headerLen = 10 // behind the suite: security control, frame counter, key source, key index
	micLen    = 4
)

// header is the auxiliary security header of a message. The key source is the whole key sequence, so a receiver needs no
// guess (Thread 1.4 section 4.9).
type header struct {
	FrameCounter uint32
	KeySequence  uint32
	index        byte // follows from the sequence; a receiver does not look at it, but it is authenticated
}

func (h header) append(dst []byte) []byte {
	dst = append(dst, securityControl)
	dst = binary.LittleEndian.AppendUint32(dst, h.FrameCounter)
	dst = binary.BigEndian.AppendUint32(dst, h.KeySequence)
	return append(dst, h.index)
}

// keyIndex returns the key index of a sequence.
func keyIndex(sequence uint32) byte { return byte(sequence&0x7f) + 1 }

// parseHeader splits a secured message, suite included, into its header and what is sealed: at least a command and the MIC.
func parseHeader(b []byte) (h header, sealed []byte, err error) {
	if len(b) < 1+headerLen+1+micLen || b[0] != linkSecurity || b[1] != securityControl {
		return header{}, nil, ErrParse
	}
	h = header{binary.LittleEndian.Uint32(b[2:]), binary.BigEndian.Uint32(b[6:]), b[10]}
	return h, b[1+headerLen:], nil
}

// additional is what is authenticated but not encrypted: both addresses and the header.
type additional [16 + 16 + headerLen]byte

func (h header) additional(src, dst ip6.Address) (a additional) {
	copy(a[:16], src[:])
	copy(a[16:32], dst[:])
	h.append(a[:32])
	return a
}

// open appends the command and TLVs of a sealed message to dst and says whether its MIC is right.
func (h header) open(dst []byte, key *ieee802154.Key, src, to ip6.Address, sealed []byte) ([]byte, bool) {
	if key == nil {
		return dst, false
	}
	n := len(sealed) - micLen
	at := len(dst)
	dst = append(dst, sealed[:n]...)
	a := h.additional(src, to)
	nonce := ieee802154.MakeNonce(src.IID().Ext(), h.FrameCounter, ieee802154.EncMIC32)
	ok := key.Open(&nonce, ieee802154.EncMIC32, a[:], dst[at:], sealed[:n], sealed[n:])
	return dst, ok
}

// seal encrypts a message in place, whose first 11 bytes are the suite and room for the header, and appends its MIC.
func (h header) seal(b []byte, key *ieee802154.Key, src, to ip6.Address) []byte {
	h.index = keyIndex(h.KeySequence)
	return h.sealAs(b, key, src, to)
}

func (h header) sealAs(b []byte, key *ieee802154.Key, src, to ip6.Address) []byte {
	b[0] = linkSecurity
	h.append(b[1:1])
	a := h.additional(src, to)
	nonce := ieee802154.MakeNonce(src.IID().Ext(), h.FrameCounter, ieee802154.EncMIC32)
	n := len(b)
	b = append(b, 0, 0, 0, 0)
	key.Seal(&nonce, ieee802154.EncMIC32, a[:], b[1+headerLen:n], b[n:])
	return b
}
