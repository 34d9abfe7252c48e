package history

import (
	"encoding/binary"
	"math"

	"heddle.example/lwm2m"
)

// A block is version (1 byte) and then points, each told against the one before:
//
//	head: how much the distance in time differs from the distance before, zigzag, times 4; +1: another kind; +2: another value
//	another kind: kind (1 byte); the point is then told against no value
//	another value: texts: length, bytes; Float: scale (1 byte) and difference; others: difference
//
// Numbers are varints, differences zigzag. So a value that does not change, at regular times, is one byte.
//
// A Float that is a decimal fraction, as most measured ones are, is told as an integer and its scale: 21.37 is 2137 and 2. A
// scale of 16 and more is that of a single-precision fraction. Others are the difference of their bits.
const (
	blockVersion = 1
	headShift    = 2
	newKind      = 1
	newValue     = 2

	scaleMost   = 9
	singleScale = 16
	noScale     = 0xFF
)

var powers = [scaleMost + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// state is what the next point is told against.
type state struct {
	at, step int64
	value    lwm2m.Value
	n        uint64 // the integer that stands for the value
	scale    byte   // of a Float
}

// Writer makes a block. Its zero value begins one.
type Writer struct {
	b      []byte
	last   state
	points int
}

// Reset goes on with a block, whose bytes it takes, or begins one in the memory of b[:0] where b is empty.
func (w *Writer) Reset(b []byte) error {
	*w = Writer{b: b[:0]}
	if len(b) == 0 {
		return nil
	}
	r := reader{b: b}
	if err := r.open(); err != nil {
		return err
	}
	for len(r.b) > 0 {
		if err := r.next(); err != nil {
			return err
		}
		w.points++
	}
	w.b, w.last = b, r.last
	return nil
}

// Len returns how many bytes the block has, and Points how many points.
func (w *Writer) Len() int { return len(w.b) }

// Points returns how many points the block has.
func (w *Writer) Points() int { return w.points }

// Bytes returns the block; it is the writer's until the next Reset.
func (w *Writer) Bytes() []byte { return w.b }

// Add appends a point.
func (w *Writer) Add(p Point) {
	if len(w.b) == 0 {
		w.b = append(w.b, blockVersion)
	}
	s := &w.last
	step := p.At - s.at
	head := zigzag(uint64(step-s.step)) << headShift
	if p.Value.Kind() != s.value.Kind() {
		head |= newKind | newValue
	} else if p.Value != s.value {
		head |= newValue
	}
	// A difference that does not leave room for the two flags is told as nothing, and the whole time follows.
	if zigzag(uint64(step-s.step))>>(64-headShift) != 0 {
		w.b = append(w.b, longHead...)
		w.b = binary.AppendVarint(w.b, p.At)
		w.b = append(w.b, byte(head&(newKind|newValue)))
	} else {
		w.b = binary.AppendUvarint(w.b, head)
	}
	s.at, s.step = p.At, step
	if head&newKind != 0 {
		w.b = append(w.b, byte(p.Value.Kind()))
		s.n, s.scale = 0, 0
	}
	if head&newValue != 0 {
		w.value(p.Value)
	}
	s.value = p.Value
	w.points++
}

// longHead stands for a head that is too long: a varint that no head has, since kinds do not change without values.
var longHead = binary.AppendUvarint(nil, newKind)

func (w *Writer) value(v lwm2m.Value) {
	s := &w.last
	k := v.Kind()
	if isText(k) {
		w.b = binary.AppendUvarint(w.b, uint64(len(v.Raw())))
		w.b = append(w.b, v.Raw()...)
		return
	}
	n := bits(v)
	if k == lwm2m.Float {
		f, _ := v.AsFloat()
		scale, whole := decimal(f, s.scale)
		w.b = append(w.b, scale)
		n = whole
		if scale != s.scale {
			s.n, s.scale = 0, scale
		}
	}
	w.b = binary.AppendUvarint(w.b, zigzag(n-s.n))
	s.n = n
}

// decimal finds the scale of a Float and the integer that stands for it; the scale of the one before is tried first.
func decimal(f float64, last byte) (scale byte, n uint64) {
	if last != noScale {
		if n, ok := whole(f, last); ok {
			return last, n
		}
	}
	for scale := byte(0); scale <= scaleMost; scale++ {
		if n, ok := whole(f, scale); ok {
			return scale, n
		}
		if n, ok := whole(f, singleScale+scale); ok {
			return singleScale + scale, n
		}
	}
	return noScale, math.Float64bits(f)
}

func whole(f float64, scale byte) (uint64, bool) {
	r := math.RoundToEven(f * powers[scale&(singleScale-1)])
	if !(r > -1<<53 && r < 1<<53) {
		return 0, false
	}
	n := uint64(int64(r))
	return n, math.Float64bits(unscale(scale, n)) == math.Float64bits(f)
}

func unscale(scale byte, n uint64) float64 {
	if scale == noScale {
		return math.Float64frombits(n)
	}
	f := float64(int64(n)) / powers[scale&(singleScale-1)]
	if scale >= singleScale {
		return float64(float32(f))
	}
	return f
}

// reader reads a block.
type reader struct {
	b    []byte
	last state
}

func (r *reader) open() error {
	if len(r.b) == 0 || r.b[0] != blockVersion {
		return ErrMalformed
	}
	r.b = r.b[1:]
	return nil
}

func (r *reader) number() (uint64, bool) {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		return 0, false
	}
	r.b = r.b[n:]
	return v, true
}

func (r *reader) byte() (byte, bool) {
	if len(r.b) == 0 {
		return 0, false
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v, true
}

// next reads a point into last.
func (r *reader) next() error {
	s := &r.last
	head, ok := r.number()
	if !ok {
		return ErrMalformed
	}
	step := s.step + int64(unzigzag(head>>headShift))
	at := s.at + step
	if head == newKind { // longHead
		var n int
		if at, n = binary.Varint(r.b); n <= 0 || n == len(r.b) {
			return ErrMalformed
		}
		step, head = at-s.at, uint64(r.b[n])
		r.b = r.b[n+1:]
	}
	s.at, s.step = at, step
	kind := s.value.Kind()
	if head&newKind != 0 {
		k, ok := r.byte()
		if !ok || head&newValue == 0 {
			return ErrMalformed
		}
		kind, s.n, s.scale = lwm2m.Kind(k), 0, 0
	}
	if head&newValue == 0 {
		if kind == lwm2m.None {
			return ErrMalformed
		}
		return nil
	}
	return r.value(kind)
}

func (r *reader) value(kind lwm2m.Kind) error {
	s := &r.last
	if isText(kind) {
		size, ok := r.number()
		if !ok || size > uint64(len(r.b)) {
			return ErrMalformed
		}
		s.value = text(kind, string(r.b[:size]))
		r.b = r.b[size:]
		return nil
	}
	if kind == lwm2m.Float {
		scale, ok := r.byte()
		if !ok || scale != noScale && (scale&^singleScale > scaleMost) {
			return ErrMalformed
		}
		if scale != s.scale {
			s.n, s.scale = 0, scale
		}
	}
	diff, ok := r.number()
	if !ok {
		return ErrMalformed
	}
	s.n += unzigzag(diff)
	if kind == lwm2m.Float {
		s.value = lwm2m.Num(unscale(s.scale, s.n))
		return nil
	}
	if s.value, ok = fromBits(kind, s.n); !ok {
		return ErrMalformed
	}
	return nil
}

// Read calls each with the points of a block, in the order in which they were added.
func Read(block []byte, each func(Point)) error {
	r := reader{b: block}
	if err := r.open(); err != nil {
		return err
	}
	for len(r.b) > 0 {
		if err := r.next(); err != nil {
			return err
		}
		each(Point{r.last.at, r.last.value})
	}
	return nil
}
