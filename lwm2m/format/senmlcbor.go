package format

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// The labels of SenML's CBOR representation (RFC 8428 section 6, table 4). LwM2M's object link has the text "vlo".
const (
	labelBaseVersion = -1
	labelBaseName    = -2
	labelBaseTime    = -3
	labelBaseValue   = -5
	labelBaseSum     = -6
	labelName        = 0
	labelValue       = 2
	labelString      = 3
	labelBool        = 4
	labelSum         = 5
	labelTime        = 6
	labelData        = 8
)

// CBOR's major types (RFC 8949 section 3.1), in bits 7-5.
const (
	cborUint   = 0 << 5
	cborNegInt = 1 << 5
	cborBytes  = 2 << 5
	cborText   = 3 << 5
	cborArray  = 4 << 5
	cborMap    = 5 << 5
	cborTag    = 6 << 5
	cborSimple = 7 << 5
)

const (
	cborFalse      = cborSimple | 20
	cborTrue       = cborSimple | 21
	cborHalf       = cborSimple | 25
	cborSingle     = cborSimple | 26
	cborDouble     = cborSimple | 27
	cborBreak      = 0xFF
	cborIndefinite = 31
	tagDecimal     = 4 // decimal fraction, RFC 8949 section 3.4.4
)

// cborScanner walks over one CBOR text.
type cborScanner struct {
	s string
	i int
}

// head reads the first byte and the argument of an item. indefinite is set for additional information 31.
func (c *cborScanner) head() (first byte, arg uint64, indefinite, ok bool) {
	if c.i >= len(c.s) {
		return 0, 0, false, false
	}
	first = c.s[c.i]
	c.i++
	info := first & 31
	switch {
	case info < 24:
		return first, uint64(info), false, true
	case info <= 27:
		n := 1 << (info - 24)
		if len(c.s)-c.i < n {
			return 0, 0, false, false
		}
		for range n {
			arg = arg<<8 | uint64(c.s[c.i])
			c.i++
		}
		return first, arg, false, true
	case info == cborIndefinite:
		major := first & 0xE0
		return first, 0, true, major >= cborBytes && major != cborTag
	}
	return 0, 0, false, false
}

// peek returns the first byte of the next item; 0x1C, which starts none, at the end.
func (c *cborScanner) peek() byte {
	if c.i < len(c.s) {
		return c.s[c.i]
	}
	return 0x1C
}

// stop takes the break that ends an item of indefinite length.
func (c *cborScanner) stop() bool {
	if c.i < len(c.s) && c.s[c.i] == cborBreak {
		c.i++
		return true
	}
	return false
}

// bytes reads a byte or text string of the given major type. In one piece it is a part of the text itself.
func (c *cborScanner) bytes(major byte) (string, bool) {
	first, n, indefinite, ok := c.head()
	if !ok || first&0xE0 != major {
		return "", false
	}
	if !indefinite {
		return c.take(n)
	}
	var b strings.Builder
	for !c.stop() {
		first, n, indefinite, ok := c.head()
		if !ok || first&0xE0 != major || indefinite {
			return "", false
		}
		s, ok := c.take(n)
		if !ok || major == cborText && !utf8.ValidString(s) {
			return "", false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func (c *cborScanner) take(n uint64) (string, bool) {
	if n > uint64(len(c.s)-c.i) {
		return "", false
	}
	s := c.s[c.i : c.i+int(n)]
	c.i += int(n)
	return s, true
}

func (c *cborScanner) text() (string, bool) {
	s, ok := c.bytes(cborText)
	return s, ok && utf8.ValidString(s)
}

func (c *cborScanner) bool() (b, ok bool) {
	if c.i < len(c.s) && (c.s[c.i] == cborTrue || c.s[c.i] == cborFalse) {
		c.i++
		return c.s[c.i-1] == cborTrue, true
	}
	return false, false
}

// number reads an integer, a float of any width or a decimal fraction.
func (c *cborScanner) number() (lwm2m.Value, bool) {
	first, n, indefinite, ok := c.head()
	if !ok || indefinite {
		return lwm2m.Value{}, false
	}
	switch {
	case first&0xE0 == cborUint:
		if n > math.MaxInt64 {
			return lwm2m.Uint(n), true
		}
		return lwm2m.Int(int64(n)), true
	case first&0xE0 == cborNegInt:
		return lwm2m.Int(-1 - int64(n)), n <= math.MaxInt64
	case first == cborHalf:
		return lwm2m.Num(halfFloat(uint16(n))), true
	case first == cborSingle:
		return lwm2m.Num(float64(math.Float32frombits(uint32(n)))), true
	case first == cborDouble:
		return lwm2m.Num(math.Float64frombits(n)), true
	case first&0xE0 == cborTag && n == tagDecimal:
		return c.decimal()
	}
	return lwm2m.Value{}, false
}

// decimal reads the [exponent, mantissa] of a decimal fraction.
func (c *cborScanner) decimal() (lwm2m.Value, bool) {
	if first, n, indefinite, ok := c.head(); !ok || indefinite || first&0xE0 != cborArray || n != 2 {
		return lwm2m.Value{}, false
	}
	if m := c.peek() & 0xE0; m != cborUint && m != cborNegInt {
		return lwm2m.Value{}, false
	}
	e, ok1 := c.number()
	if m := c.peek() & 0xE0; m != cborUint && m != cborNegInt {
		return lwm2m.Value{}, false
	}
	m, ok2 := c.number()
	exp, ok3 := e.AsInt()
	mantissa, ok4 := m.AsFloat()
	if !ok1 || !ok2 || !ok3 || !ok4 || exp < -400 || exp > 400 {
		return lwm2m.Value{}, false
	}
	if exp < 0 {
		// One rounding: 10^n is exact for n up to 22, and a quotient is rounded once.
		return lwm2m.Num(mantissa / math.Pow10(int(-exp))), true
	}
	return lwm2m.Num(mantissa * math.Pow10(int(exp))), true
}

// halfFloat reads an IEEE 754 binary16 (RFC 8949 appendix D).
func halfFloat(h uint16) float64 {
	exp, mant := int(h>>10&31), float64(h&0x3FF)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(mant, -24)
	case 31:
		if f = math.Inf(1); mant != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mant+1024, exp-25)
	}
	if h>>15 != 0 {
		return -f
	}
	return f
}

// skip passes over any item.
func (c *cborScanner) skip(nesting int) bool {
	if nesting == 0 {
		return false
	}
	if m := c.peek() & 0xE0; m == cborBytes || m == cborText {
		_, ok := c.bytes(m)
		return ok
	}
	first, n, indefinite, ok := c.head()
	if !ok || first == cborBreak {
		return false
	}
	switch first & 0xE0 {
	case cborTag:
		return c.skip(nesting - 1)
	case cborArray, cborMap:
		for k := uint64(0); indefinite || k < n; k++ {
			if indefinite && c.stop() {
				return true
			}
			if !c.skip(nesting-1) || first&0xE0 == cborMap && !c.skip(nesting-1) {
				return false
			}
		}
	}
	return true
}

// senmlCBOR reads application/senml+cbor (112).
func (d *decoder) senmlCBOR(s string) error {
	c := cborScanner{s: s}
	bad := func() error { return fmt.Errorf("%w: SenML CBOR at byte %d", ErrMalformed, c.i) }
	first, n, indefinite, ok := c.head()
	if !ok || first&0xE0 != cborArray {
		return bad()
	}
	var pk pack
	for k := uint64(0); indefinite || k < n; k++ {
		if indefinite && c.stop() {
			break
		}
		var r record
		if !c.record(&pk, &r) {
			return bad()
		}
		if err := d.senml(&pk, &r); err != nil {
			return err
		}
	}
	if c.i < len(s) {
		return bad()
	}
	return nil
}

// record reads one map of the array.
func (c *cborScanner) record(pk *pack, r *record) bool {
	first, n, indefinite, ok := c.head()
	if !ok || first&0xE0 != cborMap {
		return false
	}
	for k := uint64(0); indefinite || k < n; k++ {
		if indefinite && c.stop() {
			break
		}
		if c.peek()&0xE0 == cborText {
			label, ok := c.text()
			if !ok || !c.textField(label, r) {
				return false
			}
			continue
		}
		v, ok := c.number()
		label, isInt := v.AsInt()
		if !ok || !isInt || v.Kind() == lwm2m.Float || !c.field(label, pk, r) {
			return false
		}
	}
	return true
}

// textField reads the value behind a label that is text.
func (c *cborScanner) textField(label string, r *record) bool {
	if label == "vlo" {
		s, ok := c.text()
		if !ok {
			return false
		}
		var err error
		r.value, err = lwm2m.ParseText(lwm2m.Objlink, s)
		return err == nil && r.set(fieldValue)
	}
	return !strings.HasSuffix(label, "_") && c.skip(maxNesting)
}

// field reads the value behind a label that is a number.
func (c *cborScanner) field(label int64, pk *pack, r *record) (ok bool) {
	switch label {
	case labelName:
		r.name, ok = c.text()
		return ok && r.set(fieldName)
	case labelBaseName:
		pk.baseName, ok = c.text()
		return ok && r.set(fieldBaseName)
	case labelValue:
		r.value, ok = c.number()
		return ok && r.set(fieldValue)
	case labelString:
		s, ok := c.text()
		r.value = lwm2m.Str(s)
		return ok && r.set(fieldValue)
	case labelBool:
		b, ok := c.bool()
		r.value = lwm2m.Bool(b)
		return ok && r.set(fieldValue)
	case labelData:
		s, ok := c.bytes(cborBytes)
		r.value = lwm2m.BytesOf(s)
		return ok && r.set(fieldValue)
	case labelTime:
		v, _ := c.number()
		r.time, ok = nanoseconds(v)
		return ok && r.set(fieldTime)
	case labelBaseTime:
		v, _ := c.number()
		pk.baseTime, ok = nanoseconds(v)
		pk.timed = true
		return ok && r.set(fieldBaseTime)
	case labelBaseVersion:
		v, _ := c.number()
		n, ok := v.AsInt()
		return ok && n <= senmlVersion
	case labelBaseValue, labelSum, labelBaseSum:
		// LwM2M has no base values and sums; passing them over would change values.
		return false
	}
	return c.skip(maxNesting)
}

// appendSenMLCBOR appends entries below base.
func appendSenMLCBOR(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	var buf, nameBuf [24]byte
	bn := appendBaseName(buf[:0], base, entries)
	bt, shared := sharedTime(entries)
	dst = appendCBORHead(dst, cborArray, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		at := len(dst)
		dst = append(dst, cborMap)
		if i == 0 && len(bn) > 0 {
			dst[at]++
			dst = append(dst, cborNegInt|(-1-labelBaseName))
			dst = appendCBORText(dst, string(bn))
		}
		if i == 0 && shared && bt != 0 {
			dst[at]++
			dst = append(dst, cborNegInt|(-1-labelBaseTime))
			dst = appendCBORSeconds(dst, bt)
		}
		if name := e.Path.Append(nameBuf[:0]); len(name) > len(bn) {
			dst[at]++
			dst = append(dst, labelName)
			dst = appendCBORText(dst, string(name[len(bn):]))
		}
		if !shared && e.Time != 0 {
			dst[at]++
			dst = append(dst, labelTime)
			dst = appendCBORSeconds(dst, e.Time)
		}
		v := e.Value
		if v.IsNone() {
			continue
		}
		dst[at]++
		switch v.Kind() {
		case lwm2m.String, lwm2m.Corelnk:
			if !utf8.ValidString(v.Raw()) {
				return dst, fmt.Errorf("%w: %s is not UTF-8", ErrType, e.Path)
			}
			dst = append(dst, labelString)
		case lwm2m.Boolean:
			dst = append(dst, labelBool)
		case lwm2m.Opaque:
			dst = append(dst, labelData)
		case lwm2m.Objlink:
			dst = appendCBORText(dst, "vlo")
		default:
			dst = append(dst, labelValue)
		}
		dst = appendCBORValue(dst, v)
	}
	return dst, nil
}

// appendCBORValue appends a value in CBOR's natural form. Floats have single or double width: not every small decoder
// knows half ones.
func appendCBORValue(dst []byte, v lwm2m.Value) []byte {
	switch v.Kind() {
	case lwm2m.String, lwm2m.Corelnk:
		return appendCBORText(dst, v.Raw())
	case lwm2m.Boolean:
		if b, _ := v.AsBool(); b {
			return append(dst, cborTrue)
		}
		return append(dst, cborFalse)
	case lwm2m.Opaque:
		dst = appendCBORHead(dst, cborBytes, uint64(len(v.Raw())))
		return append(dst, v.Raw()...)
	case lwm2m.Objlink:
		var b [12]byte
		return appendCBORText(dst, string(v.AppendText(b[:0])))
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		return appendCBORHead(dst, cborUint, n)
	case lwm2m.Integer, lwm2m.Time:
		n, _ := v.AsInt()
		return appendCBORInt(dst, n)
	}
	f, _ := v.AsFloat()
	return appendCBORFloat(dst, f)
}

func appendCBORInt(dst []byte, n int64) []byte {
	if n < 0 {
		return appendCBORHead(dst, cborNegInt, uint64(-1-n))
	}
	return appendCBORHead(dst, cborUint, uint64(n))
}

func appendCBORFloat(dst []byte, f float64) []byte {
	if g := float32(f); float64(g) == f {
		return binary.BigEndian.AppendUint32(append(dst, cborSingle), math.Float32bits(g))
	}
	return binary.BigEndian.AppendUint64(append(dst, cborDouble), math.Float64bits(f))
}

func appendCBORText(dst []byte, s string) []byte {
	dst = appendCBORHead(dst, cborText, uint64(len(s)))
	return append(dst, s...)
}

// appendCBORHead appends an item's head with the shortest argument (RFC 8949 section 4.2.1).
func appendCBORHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

// appendCBORSeconds appends a time: an integer where it is one, else a float with microseconds.
func appendCBORSeconds(dst []byte, ns int64) []byte {
	if ns%1e9 == 0 {
		return appendCBORInt(dst, ns/1e9)
	}
	return binary.BigEndian.AppendUint64(append(dst, cborDouble), math.Float64bits(float64(ns/1e3)/1e6))
}
