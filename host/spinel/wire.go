package spinel

import (
	"encoding/binary"
	"errors"
)

// Commands (OpenThread src/lib/spinel/spinel.h).
const (
	cmdReset    = 1
	cmdGet      = 2
	cmdSet      = 3
	cmdInsert   = 4
	cmdRemove   = 5
	cmdIs       = 6
	cmdInserted = 7
	cmdRemoved  = 8
)

// Properties.
const (
	propLastStatus      = 0
	propProtocolVersion = 1
	propNCPVersion      = 2
	propCaps            = 5
	propHWAddr          = 8

	propPHYEnabled       = 0x20
	propPHYChannel       = 0x21
	propPHYTxPower       = 0x25
	propPHYRxSensitivity = 0x27

	propScanState    = 0x30
	propScanMask     = 0x31
	propScanPeriod   = 0x32
	propExtAddr      = 0x34
	propShortAddr    = 0x35
	propPANID        = 0x36
	propRawStream    = 0x37
	propPromiscuous  = 0x38
	propEnergyResult = 0x39

	propStreamRaw = 0x71
	propAPI       = 0xb0

	propMACKey          = 0x800
	propMACFrameCounter = 0x801

	propRadioCaps      = 0x120b
	propSrcMatchOn     = 0x1303
	propSrcMatchShorts = 0x1304
	propSrcMatchExts   = 0x1305
)

// Statuses.
const (
	statusOK         = 0
	statusNoAck      = 17
	statusCCAFailure = 18
	statusReset      = 112 // to statusResetEnd - 1: why the co-processor was reset
	statusResetEnd   = 128
)

// Capabilities of a co-processor.
const (
	capRadio  = 34
	capMACRaw = 513
)

const (
	protocolMajor = 4
	resetStack    = 2
	scanEnergy    = 2

	flagAckedPending = 0x10
	flagAckedSecured = 0x20
)

var errFrame = errors.New("spinel: malformed frame")

// message is a spinel frame: a header, a command and, in most, a property with its value.
type message struct {
	tid     uint8 // which request it answers; 0: none
	command uint32
	prop    uint32
	value   []byte // borrowed
}

func parse(b []byte) (m message, err error) {
	if len(b) < 2 || b[0]&0xc0 != 0x80 {
		return m, errFrame
	}
	m.tid = b[0] & 15
	r := reader{b: b[1:]}
	m.command = r.packed()
	if len(r.b) > 0 {
		m.prop = r.packed()
	}
	m.value = r.b
	return m, r.err()
}

func (m *message) append(dst []byte) []byte {
	dst = append(dst, 0x80|m.tid)
	dst = appendPacked(dst, m.command)
	dst = appendPacked(dst, m.prop)
	return append(dst, m.value...)
}

// appendPacked appends a number in groups of seven bits, the least first.
func appendPacked(dst []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// appendData appends bytes behind their length.
func appendData(dst, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(v))), v...)
}

// reader takes a value apart. What is not there reads as zero, and err says so at the end.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) err() error {
	if r.short {
		return errFrame
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint8() uint8   { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) bool() bool     { return r.uint8() != 0 }

func (r *reader) packed() (v uint32) {
	for shift := 0; ; shift += 7 {
		b := r.uint8()
		if shift > 28 {
			r.short = true
			return 0
		}
		if v |= uint32(b&0x7f) << shift; b < 0x80 {
			return v
		}
	}
}

// data returns bytes behind their length.
func (r *reader) data() []byte {
	n := int(r.uint16())
	if n > len(r.b) {
		r.short, r.b = true, nil
		return nil
	}
	return r.take(n)
}

// within returns a reader of a structure: bytes behind their length, of which a newer sender may add some.
func (r *reader) within() reader { return reader{b: r.data()} }
