// Package tlv reads and writes the type-length-values of Thread's management: one byte of type, one of length, and after
// a length of 255 the real one in two bytes. Readers borrow and never panic; writers append.
package tlv

import (
	"encoding/binary"
	"iter"
)

// Extended is the length that says that two bytes with the real one follow.
const Extended = 0xff

// Next takes the first element off b. It reports false at the end, and where the rest is too short for what it says.
func Next(b []byte) (typ uint8, value, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, b, false
	}
	n, at := int(b[1]), 2
	if n == Extended {
		if len(b) < 4 {
			return 0, nil, b, false
		}
		n, at = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < at+n {
		return 0, nil, b, false
	}
	return b[0], b[at : at+n : at+n], b[at+n:], true
}

// All yields the elements of b in order, as far as they are whole.
func All(b []byte) iter.Seq2[uint8, []byte] {
	return func(yield func(uint8, []byte) bool) {
		for {
			t, v, rest, ok := Next(b)
			if !ok || !yield(t, v) {
				return
			}
			b = rest
		}
	}
}

// Valid reports whether b is made of whole elements.
func Valid(b []byte) bool {
	for len(b) > 0 {
		_, _, rest, ok := Next(b)
		if !ok {
			return false
		}
		b = rest
	}
	return true
}

// Find returns the value of the first element of a type.
func Find(b []byte, typ uint8) ([]byte, bool) {
	for {
		t, v, rest, ok := Next(b)
		if !ok {
			return nil, false
		}
		if t == typ {
			return v, true
		}
		b = rest
	}
}

// Len returns how many bytes an element with a value of n bytes takes.
func Len(n int) int {
	if n >= Extended {
		return 4 + n
	}
	return 2 + n
}

// Append appends an element.
func Append(dst []byte, typ uint8, value []byte) []byte {
	return append(appendHead(dst, typ, len(value)), value...)
}

// AppendString appends an element with the bytes of a text.
func AppendString(dst []byte, typ uint8, value string) []byte {
	return append(appendHead(dst, typ, len(value)), value...)
}

func appendHead(dst []byte, typ uint8, n int) []byte {
	if n >= Extended {
		return binary.BigEndian.AppendUint16(append(dst, typ, Extended), uint16(n))
	}
	return append(dst, typ, byte(n))
}

// AppendUint8 appends an element with a number of 1 byte.
func AppendUint8(dst []byte, typ, v uint8) []byte { return append(dst, typ, 1, v) }

// AppendUint16 appends an element with a number of 2 bytes.
func AppendUint16(dst []byte, typ uint8, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, typ, 2), v)
}

// AppendUint32 appends an element with a number of 4 bytes.
func AppendUint32(dst []byte, typ uint8, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, typ, 4), v)
}

// AppendUint64 appends an element with a number of 8 bytes.
func AppendUint64(dst []byte, typ uint8, v uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, typ, 8), v)
}

// Uint8 returns the value of the first element of a type as a number of 1 byte. As OpenThread's reader does, it takes
// the first bytes of a value that is longer than that.
func Uint8(b []byte, typ uint8) (uint8, bool) {
	v, ok := Find(b, typ)
	if !ok || len(v) < 1 {
		return 0, false
	}
	return v[0], true
}

// Uint16 returns the value of the first element of a type as a number of 2 bytes.
func Uint16(b []byte, typ uint8) (uint16, bool) {
	v, ok := Find(b, typ)
	if !ok || len(v) < 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(v), true
}

// Uint32 returns the value of the first element of a type as a number of 4 bytes.
func Uint32(b []byte, typ uint8) (uint32, bool) {
	v, ok := Find(b, typ)
	if !ok || len(v) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(v), true
}

// Uint64 returns the value of the first element of a type as a number of 8 bytes.
func Uint64(b []byte, typ uint8) (uint64, bool) {
	v, ok := Find(b, typ)
	if !ok || len(v) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(v), true
}

// Begin appends the head of an element whose value follows; End sets its length. The mark is for End.
func Begin(dst []byte, typ uint8) (out []byte, mark int) { return append(dst, typ, 0), len(dst) }

// End closes the element that began at mark. A value of 255 bytes or more is moved to make room for the longer head.
func End(dst []byte, mark int) []byte {
	n := len(dst) - mark - 2
	if n < Extended {
		dst[mark+1] = byte(n)
		return dst
	}
	dst = append(dst, 0, 0)
	copy(dst[mark+4:], dst[mark+2:mark+2+n])
	dst[mark+1] = Extended
	binary.BigEndian.PutUint16(dst[mark+2:], uint16(n))
	return dst
}
