// Package history is how values and their times are written down: as a record, one for what a device sent at once, and as
// blocks, one for many values of one resource. It keeps nothing itself.
package history

import (
	"encoding/binary"
	"errors"
	"math"

	"heddle.example/lwm2m"
)

// ValueMost is the longest text or opaque value that is kept, in bytes. Longer ones are files, not measurements.
const ValueMost = 4096

// ErrMalformed says that a record or block cannot be read.
var ErrMalformed = errors.New("lwm2m/history: record or block is malformed")

// Point is a value at a time.
type Point struct {
	At    int64 // milliseconds since the Unix epoch
	Value lwm2m.Value
}

// AppendName appends the name of the series of a resource or resource instance: its identifiers, two bytes each, so that
// names have the order of paths.
func AppendName(dst []byte, p lwm2m.Path) []byte {
	ids := [4]uint16{p.Object(), p.Instance(), p.Resource(), p.ResourceInstance()}
	for _, id := range ids[:p.Depth()] {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	return dst
}

// ParseName is the reverse of AppendName.
func ParseName(b []byte) (lwm2m.Path, bool) {
	p := lwm2m.Root
	if len(b)%2 != 0 || len(b) > 8 {
		return p, false
	}
	for ; len(b) > 0; b = b[2:] {
		p = p.Child(binary.BigEndian.Uint16(b))
	}
	return p, true
}

// A record is items, one behind the other: length of the name (1 byte), name, length of the point (varint), point.
// A point is its time (zigzag varint), the kind of the value (1 byte), and the value: 8 bytes of a Float, the bytes of
// texts, else a varint.

// AppendItem appends a value of a resource to a record. It reports false, and appends nothing, for what is not kept: no
// value, or one longer than ValueMost.
func AppendItem(dst []byte, p lwm2m.Path, at int64, v lwm2m.Value) ([]byte, bool) {
	if v.IsNone() || len(v.Raw()) > ValueMost {
		return dst, false
	}
	dst = AppendName(append(dst, byte(2*p.Depth())), p)
	if size := len(v.Raw()); size > 0 {
		// The length of a time is at most 10 bytes, so two bytes of length do for all.
		var head [binary.MaxVarintLen64 + 1]byte
		h := append(binary.AppendVarint(head[:0], at), byte(v.Kind()))
		dst = binary.AppendUvarint(dst, uint64(len(h)+size))
		return append(append(dst, h...), v.Raw()...), true
	}
	mark := len(dst)
	dst = appendPoint(append(dst, 0), Point{at, v})
	dst[mark] = byte(len(dst) - mark - 1) // at most 22
	return dst, true
}

func appendPoint(dst []byte, p Point) []byte {
	dst = append(binary.AppendVarint(dst, p.At), byte(p.Value.Kind()))
	switch p.Value.Kind() {
	case lwm2m.String, lwm2m.Opaque, lwm2m.Corelnk:
		return append(dst, p.Value.Raw()...)
	case lwm2m.Float:
		f, _ := p.Value.AsFloat()
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
	}
	return binary.AppendUvarint(dst, zigzag(bits(p.Value)))
}

// Split calls each with every item of a record: the name of the series, and the point. Both borrow the record.
func Split(record []byte, each func(name, point []byte)) error {
	for len(record) > 0 {
		n := int(record[0])
		if record = record[1:]; n > len(record) {
			return ErrMalformed
		}
		name := record[:n:n]
		size, used := binary.Uvarint(record[n:])
		if used <= 0 || size > uint64(len(record)-n-used) {
			return ErrMalformed
		}
		record = record[n+used:]
		each(name, record[:size:size])
		record = record[size:]
	}
	return nil
}

// ReadPoint reads a point of a record.
func ReadPoint(b []byte) (p Point, err error) {
	at, n := binary.Varint(b)
	if n <= 0 || n == len(b) {
		return p, ErrMalformed
	}
	p.At = at
	kind := lwm2m.Kind(b[n])
	b = b[n+1:]
	switch kind {
	case lwm2m.String, lwm2m.Opaque, lwm2m.Corelnk:
		p.Value = text(kind, string(b))
		return p, nil
	case lwm2m.Float:
		if len(b) != 8 {
			return p, ErrMalformed
		}
		p.Value = lwm2m.Num(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		return p, nil
	}
	u, used := binary.Uvarint(b)
	v, ok := fromBits(kind, unzigzag(u))
	if used <= 0 || used != len(b) || !ok {
		return p, ErrMalformed
	}
	p.Value = v
	return p, nil
}

// bits returns what a value that is no text and no Float has, as 64 bits.
func bits(v lwm2m.Value) uint64 {
	switch v.Kind() {
	case lwm2m.Integer, lwm2m.Time:
		n, _ := v.AsInt()
		return uint64(n)
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		return n
	case lwm2m.Boolean:
		if b, _ := v.AsBool(); b {
			return 1
		}
	case lwm2m.Objlink:
		o, i, _ := v.AsObjectLink()
		return uint64(o)<<16 | uint64(i)
	}
	return 0
}

func fromBits(k lwm2m.Kind, n uint64) (lwm2m.Value, bool) {
	switch k {
	case lwm2m.Integer:
		return lwm2m.Int(int64(n)), true
	case lwm2m.Time:
		return lwm2m.TimeValue(int64(n)), true
	case lwm2m.Unsigned:
		return lwm2m.Uint(n), true
	case lwm2m.Boolean:
		return lwm2m.Bool(n == 1), n <= 1
	case lwm2m.Objlink:
		return lwm2m.ObjectLink(uint16(n>>16), uint16(n)), n <= math.MaxUint32
	}
	return lwm2m.Value{}, false
}

func text(k lwm2m.Kind, s string) lwm2m.Value {
	switch k {
	case lwm2m.String:
		return lwm2m.Str(s)
	case lwm2m.Corelnk:
		return lwm2m.Core(s)
	}
	return lwm2m.BytesOf(s)
}

func isText(k lwm2m.Kind) bool {
	return k == lwm2m.String || k == lwm2m.Opaque || k == lwm2m.Corelnk
}

// zigzag makes small numbers of small positive and negative ones, over all 64 bits.
func zigzag(n uint64) uint64   { return n<<1 ^ uint64(int64(n)>>63) }
func unzigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }
