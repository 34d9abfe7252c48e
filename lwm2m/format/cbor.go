package format

import (
	"math"
	"strings"
	"unicode/utf8"

	"heddle.example/lwm2m"
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
	cborNull       = cborSimple | 22
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
