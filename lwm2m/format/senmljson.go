package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// senmlJSON reads application/senml+json (110).
func (d *decoder) senmlJSON(s string, null bool) error {
	j := jsonScanner{s: s}
	bad := func() error { return fmt.Errorf("%w: SenML JSON at byte %d", ErrMalformed, min(j.i, len(s))) }
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: SenML JSON is not UTF-8", ErrMalformed)
	}
	if !j.next('[') {
		return bad()
	}
	pk := pack{null: null}
	if !j.next(']') {
		for {
			var r record
			if !j.record(&pk, &r) {
				return bad()
			}
			if err := d.senml(&pk, &r); err != nil {
				return err
			}
			if j.next(']') {
				break
			}
			if !j.next(',') {
				return bad()
			}
		}
	}
	if j.space(); j.i < len(s) {
		return bad()
	}
	return nil
}

// record reads one object of the array.
func (j *jsonScanner) record(pk *pack, r *record) bool {
	if !j.next('{') {
		return false
	}
	if j.next('}') {
		return true
	}
	for {
		label, ok := j.string()
		if !ok || !j.next(':') || !j.field(label, pk, r) {
			return false
		}
		if j.next('}') {
			return true
		}
		if !j.next(',') {
			return false
		}
	}
}

// field reads the value behind a label.
func (j *jsonScanner) field(label string, pk *pack, r *record) (ok bool) {
	switch label {
	case "n":
		r.name, ok = j.string()
		return ok && r.set(fieldName)
	case "bn":
		pk.baseName, ok = j.string()
		return ok && r.set(fieldBaseName)
	case "v":
		if r.value, ok = j.number(); !ok {
			ok = pk.null && j.null()
		}
		return ok && r.set(fieldValue)
	case "vs":
		s, ok := j.string()
		r.value = lwm2m.Str(s)
		return ok && r.set(fieldValue)
	case "vb":
		b, ok := j.bool()
		r.value = lwm2m.Bool(b)
		return ok && r.set(fieldValue)
	case "vd", "vlo":
		kind := lwm2m.Opaque
		if label == "vlo" {
			kind = lwm2m.Objlink
		}
		s, ok := j.string()
		if !ok {
			return false
		}
		var err error
		r.value, err = lwm2m.ParseText(kind, s)
		return err == nil && r.set(fieldValue)
	case "t":
		v, _ := j.number()
		r.time, ok = nanoseconds(v)
		return ok && r.set(fieldTime)
	case "bt":
		v, _ := j.number()
		pk.baseTime, ok = nanoseconds(v)
		pk.timed = true
		return ok && r.set(fieldBaseTime)
	case "bver":
		v, _ := j.number()
		n, ok := v.AsInt()
		return ok && n <= senmlVersion
	case "bv", "s", "bs":
		// LwM2M has no base values and sums; passing them over would change values.
		return false
	}
	// RFC 8428 section 4.4: a label that ends with "_" must be understood, others may be passed over.
	return !strings.HasSuffix(label, "_") && j.skip(maxNesting)
}

// senmlVersion is the version of SenML that RFC 8428 defines.
const senmlVersion = 10

// appendSenMLJSON appends entries below base.
func appendSenMLJSON(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	var buf, nameBuf [24]byte
	bn := appendBaseName(buf[:0], base, entries)
	bt, shared := sharedTime(entries)
	dst = append(dst, '[')
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		if i == 0 && len(bn) > 0 {
			dst = append(dst, `"bn":"`...)
			dst = append(dst, bn...)
			dst = append(dst, `",`...)
		}
		if i == 0 && shared && bt != 0 {
			dst = append(dst, `"bt":`...)
			dst = append(appendSeconds(dst, bt), ',')
		}
		if name := e.Path.Append(nameBuf[:0]); len(name) > len(bn) {
			dst = append(dst, `"n":"`...)
			dst = append(dst, name[len(bn):]...)
			dst = append(dst, `",`...)
		}
		if !shared && e.Time != 0 {
			dst = append(dst, `"t":`...)
			dst = append(appendSeconds(dst, e.Time), ',')
		}
		var err error
		if dst, err = appendJSONValue(dst, e); err != nil {
			return dst, err
		}
		if dst[len(dst)-1] == ',' {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, '}')
	}
	return append(dst, ']'), nil
}

func appendJSONValue(dst []byte, e *lwm2m.Entry) ([]byte, error) {
	v := e.Value
	switch v.Kind() {
	case lwm2m.None:
		return dst, nil
	case lwm2m.String, lwm2m.Corelnk:
		if !utf8.ValidString(v.Raw()) {
			return dst, fmt.Errorf("%w: %s is not UTF-8", ErrType, e.Path)
		}
		return appendJSONString(append(dst, `"vs":`...), v.Raw()), nil
	case lwm2m.Float:
		if f, _ := v.AsFloat(); math.IsNaN(f) || math.IsInf(f, 0) {
			return dst, fmt.Errorf("%w: JSON has no number for %s = %v", ErrType, e.Path, f)
		}
		return v.AppendText(append(dst, `"v":`...)), nil
	case lwm2m.Boolean:
		b, _ := v.AsBool()
		return strconv.AppendBool(append(dst, `"vb":`...), b), nil
	case lwm2m.Opaque:
		dst = append(dst, `"vd":"`...)
		dst = base64.RawURLEncoding.AppendEncode(dst, []byte(v.Raw()))
		return append(dst, '"'), nil
	case lwm2m.Objlink:
		dst = v.AppendText(append(dst, `"vlo":"`...))
		return append(dst, '"'), nil
	}
	return v.AppendText(append(dst, `"v":`...)), nil
}

func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// appendSeconds appends nanoseconds as decimal seconds, exactly.
func appendSeconds(dst []byte, ns int64) []byte {
	u := uint64(ns)
	if ns < 0 {
		dst, u = append(dst, '-'), -u
	}
	dst = strconv.AppendUint(dst, u/1e9, 10)
	if frac := u % 1e9; frac > 0 {
		dst = append(dst, '.')
		for div := uint64(1e8); frac > 0; div /= 10 {
			dst = append(dst, byte('0'+frac/div))
			frac %= div
		}
	}
	return dst
}
