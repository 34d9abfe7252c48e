package spinel

// Bytes with a meaning of their own on a serial line (OpenThread src/lib/hdlc): the end of a frame, the escape, software
// flow control, and one that some boards take for a command.
const (
	hdlcFlag    = 0x7e
	hdlcEscape  = 0x7d
	hdlcXOn     = 0x11
	hdlcXOff    = 0x13
	hdlcSpecial = 0xf8

	fcsInit = 0xffff
	fcsGood = 0xf0b8

	// maxFrame is the longest frame that is taken in: OpenThread's co-processors send 8192 bytes at most.
	maxFrame = 8192
)

// updateFCS is the check sequence of RFC 1662 (polynomial x^16 + x^12 + x^5 + 1, bits reversed).
func updateFCS(fcs uint16, b byte) uint16 {
	x := byte(fcs) ^ b
	x ^= x << 4
	return fcs>>8 ^ uint16(x)<<8 ^ uint16(x)<<3 ^ uint16(x)>>4
}

// AppendHDLC appends a frame as it goes over a serial line, with its check sequence.
func AppendHDLC(dst, frame []byte) []byte {
	fcs := uint16(fcsInit)
	dst = append(dst, hdlcFlag)
	for _, b := range frame {
		fcs = updateFCS(fcs, b)
		dst = appendEscaped(dst, b)
	}
	fcs = ^fcs
	dst = appendEscaped(dst, byte(fcs))
	dst = appendEscaped(dst, byte(fcs>>8))
	return append(dst, hdlcFlag)
}

func appendEscaped(dst []byte, b byte) []byte {
	switch b {
	case hdlcFlag, hdlcEscape, hdlcXOn, hdlcXOff, hdlcSpecial:
		return append(dst, hdlcEscape, b^0x20)
	}
	return append(dst, b)
}

// HDLC takes a serial line's bytes apart into frames.
type HDLC struct {
	Bad uint64 // frames with a wrong check sequence, or too long

	frame   []byte
	fcs     uint16
	escaped bool
	long    bool
}

// Feed takes in bytes and calls each for every good frame, which is borrowed.
func (d *HDLC) Feed(b []byte, each func(frame []byte)) {
	for _, c := range b {
		switch {
		case c == hdlcFlag:
			d.end(each)
		case c == hdlcXOn || c == hdlcXOff:
		case c == hdlcEscape:
			d.escaped = true
		default:
			if d.escaped {
				c, d.escaped = c^0x20, false
			}
			if len(d.frame) == 0 {
				d.fcs = fcsInit
			}
			if len(d.frame) == maxFrame {
				d.long = true
				continue
			}
			d.fcs = updateFCS(d.fcs, c)
			d.frame = append(d.frame, c)
		}
	}
}

func (d *HDLC) end(each func(frame []byte)) {
	frame := d.frame
	bad := d.long || d.escaped || len(frame) < 3 || d.fcs != fcsGood
	d.frame, d.long, d.escaped = frame[:0], false, false
	switch {
	case len(frame) == 0:
	case bad:
		d.Bad++
	default:
		each(frame[:len(frame)-2])
	}
}
