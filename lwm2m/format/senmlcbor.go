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

// senmlCBOR reads application/senml+cbor (112).
func (d *decoder) senmlCBOR(s string, null bool) error {
	c := cborScanner{s: s}
	bad := func() error { return fmt.Errorf("%w: SenML CBOR at byte %d", ErrMalformed, c.i) }
	first, n, indefinite, ok := c.head()
	if !ok || first&0xE0 != cborArray {
		return bad()
	}
	pk := pack{null: null}
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
		if pk.null && c.peek() == cborNull {
			c.i++
			return r.set(fieldValue)
		}
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

// appendCBORSeconds appends a time: an integer where it is one, else a float with microseconds.
func appendCBORSeconds(dst []byte, ns int64) []byte {
	if ns%1e9 == 0 {
		return appendCBORInt(dst, ns/1e9)
	}
	return binary.BigEndian.AppendUint64(append(dst, cborDouble), math.Float64bits(float64(ns/1e3)/1e6))
}
